"""The site's certificate: made, checked at no cost, and renewed in time.

Our own file carries a first line that says what is in it, so that checking it needs no X.509: programs that read PEM
skip everything outside the marked blocks.
"""

import contextlib
import errno
import hashlib
import json
import os
import ssl
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter

from seawall import rights
from seawall.config import written
from seawall.errors import ConfigError, shell
from seawall.paths import Paths
from seawall.tls import authority, files, names

RENEW_BEFORE = 30 * 86400.0
"""s before its end a certificate is renewed."""

LABEL = b"# seawall "


@dataclass(frozen=True)
class Label:
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    names: list[str]
    start: float  # s since 1970
    end: float  # s since 1970
    authority: str  # SHA-256 of the authority's PEM
    body: str  # SHA-256 of the rest of the file


def ensure_certificate(paths: Paths, domains: Iterable[str], own: Path | None = None) -> Path:
    """The PEM file with certificate and key for HAProxy: the user's `own`, or one signed by the local authority, made
    anew where `needs_renewal` says so.

    HAProxy reads it as root where we are root, so there it gets a copy of `own`, which was read with the rights of
    whoever named it. Raises ConfigError (`own` is unusable), AuthorityDamaged, StateUnusable. paths.state must exist.
    """
    if own is not None:
        content = read_own(paths, own)
        if os.geteuid() != 0:
            return own
        files.write(paths.own_certificate, content)
        return paths.own_certificate
    domains = tuple(domains)
    if needs_renewal(paths, domains, time.time()):
        _renew(paths, domains)
    return paths.certificate


def needs_renewal(paths: Paths, domains: Iterable[str], now: float) -> str:
    """Why the certificate must be made anew, or "" if it is good. `now` is in s since 1970."""
    domains = tuple(domains)
    label = read_label(paths.certificate)
    if label is None:
        return "there is none, or it is damaged"
    if label.names != list(names.all_names(domains)):
        return "the site's domains have changed"
    if not label.start <= now < label.end - RENEW_BEFORE:
        return "it ends soon, or is not valid yet"
    digest = _digest_of(authority.find(domains).certificate)
    if not digest or label.authority != digest:
        return "the local authority has changed"
    return ""


def read_label(path: Path) -> Label | None:
    """What our file says about itself; None unless the file is whole."""
    try:
        first, body = path.read_bytes().split(b"\n", 1)
        label = TypeAdapter(Label).validate_json(first.removeprefix(LABEL))
    except (OSError, ValueError):
        return None
    return label if label.body == hashlib.sha256(body).hexdigest() else None


def read_own(paths: Paths, path: Path) -> bytes:
    """What is in the user's own certificate, read with no more rights than whoever named it has.

    Raises ConfigError unless it is a certificate with its own key, not locked by a password.
    """
    author = written.author(paths.project, ("https", "certificate"), lambda value: _names(paths, value, path))
    try:
        content = rights.read(path, author)
        _check(content)
    except ssl.SSLError as error:
        raise ConfigError(
            f"https.certificate: {path} is not a certificate with its private key: {error.reason or 'no PEM inside'}.",
            f"It must hold certificate, chain and key, without a password: cat fullchain.pem key.pem > {shell(path)}",
        ) from error
    except OSError as error:
        raise _unreadable(paths, path, author, error) from error
    return content


def _unreadable(paths: Paths, path: Path, author: int, error: OSError) -> ConfigError:
    """Names the user with whose rights root read, and what root can do."""
    reader = 0
    if os.geteuid() == 0 and error.errno == errno.EACCES:
        with contextlib.suppress(OSError):  # a file system may refuse root too
            reader = author or rights.controller(path)
    if not reader:
        return ConfigError(f"https.certificate: {path} cannot be read: {error.strerror}.", f"ls -l {shell(path)}")
    what, remedy = f"what is found at {path}", "Keep the certificate where only root can change anything, such as /etc."
    if author:
        what, file = "seawall.toml", paths.settings
        remedy = "Make seawall.toml root's, if it says what you want: "
        remedy += f"chown root:root {shell(file)}; chmod 644 {shell(file)}"
    if reader != rights.NOBODY:
        remedy += f"\nOr let {rights.who(reader)} read it: ls -l {shell(path)}"
    problem = (
        f"https.certificate: {path} cannot be read by {rights.who(reader)}, who can change {what}: {error.strerror}."
    )
    return ConfigError(problem, remedy)


def _names(paths: Paths, value: object, path: Path) -> bool:
    return isinstance(value, str) and paths.project / Path(value).expanduser() == path


def _check(content: bytes) -> None:
    """Raises ssl.SSLError, which is an OSError. It is loaded from memory: what was read is what is checked and used."""
    memory = os.memfd_create("certificate")
    try:
        with os.fdopen(os.dup(memory), "wb") as file:
            file.write(content)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(f"/proc/self/fd/{memory}", password="")
    finally:
        os.close(memory)


def _renew(paths: Paths, domains: tuple[str, ...]) -> None:
    signer = authority.ensure_authority(domains)
    issuer = signer.issuer()
    from seawall.tls.signing import sign

    body, start, end = sign(issuer, domains)
    digest = hashlib.sha256(body).hexdigest()
    label = Label(
        list(names.all_names(domains)), start.timestamp(), end.timestamp(), _digest_of(signer.certificate), digest
    )
    files.write(paths.certificate, LABEL + json.dumps(asdict(label)).encode() + b"\n" + body)


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
