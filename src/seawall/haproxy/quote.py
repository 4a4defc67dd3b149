"""Writes any path as HAProxy reads it: in its configuration (manual, section 2.2), in an address, in a command."""

import re

# HAProxy replaces variables in addresses and takes commas for the end of one, quoted or not. It finds these characters
# in variables of their own, so that they are in none of the text it looks at.
ENVIRONMENT = {"SEAWALL_DOLLAR": "$", "SEAWALL_COMMA": ","}


def word(text: object) -> str:
    """One word of a configuration file."""
    return re.sub(r"""([\\ \t#"'])""", r"\\\1", str(text)).replace("\n", "\\n").replace("\r", "\\r")


def unix(path: object) -> str:
    """The address of a unix socket, in a configuration file."""
    return word(address(f"unix@{path}"))


def address(text: str) -> str:
    return text.replace("$", "${SEAWALL_DOLLAR}").replace(",", "${SEAWALL_COMMA}")


def argument(text: str) -> str:
    """One word of a command to the runtime socket (management guide, section 9.3). No line feeds."""
    return re.sub(r"([\\; \t])", r"\\\1", text)
