"""Names a certificate is for, and the names an authority may speak for."""

import hashlib
import ipaddress
from collections.abc import Iterable

ALWAYS = ("localhost", "*.localhost", "127.0.0.1", "::1")
"""Names of this machine, in every certificate."""

LOCAL_DOMAINS = ("localhost", "test", "local", "internal", "home.arpa")
"""Nobody on the internet owns these: RFC 6761, RFC 6762, RFC 8375, and ICANN's reservation of .internal (2024)."""

LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1122, RFC 1918
        *("::1/128", "fc00::/7", "fe80::/10"),  # RFC 4291, RFC 4193
    )
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def all_names(domains: Iterable[str]) -> tuple[str, ...]:
    """Every name of the site's certificate, once each."""
    return tuple(dict.fromkeys((*ALWAYS, *domains)))


def network(name: str) -> Network | None:
    """The one address `name` is, or None if it is a host name."""
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        return None


def foreign(domains: Iterable[str]) -> tuple[str, ...]:
    """The domains and addresses beyond the local ones, without those inside another: www.example.org in example.org."""
    names = {domain.removeprefix("*.") for domain in domains}
    return tuple(sorted(name for name in names if not _inside(name, (*LOCAL_DOMAINS, *(names - {name})))))


def _inside(name: str, domains: Iterable[str]) -> bool:
    address = network(name)
    if address is not None:
        return any(address.version == local.version and address.subnet_of(local) for local in LOCAL_NETWORKS)  # type: ignore[arg-type]
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def authority_name(domains: Iterable[str]) -> str:
    """The authority that signs for these domains: "local" for all sites with local names only, else one of their own.

    So the authority people come to trust can never be used against a site that is not theirs.
    """
    names = "+".join(foreign(domains)).replace(":", "-")
    if len(names) > 100:
        return f"{names[:80]}-{hashlib.sha256(names.encode()).hexdigest()[:12]}"
    return names or "local"
