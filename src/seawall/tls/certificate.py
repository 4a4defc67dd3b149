"""The site's certificate: made, checked at no cost, and renewed in time.

Our own file carries a first line that says what is in it, so that checking it needs no X.509: programs that read PEM
skip everything outside the marked blocks.
"""

import hashlib
import json
import ssl
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from seawall.errors import ConfigError
from seawall.paths import Paths
from seawall.tls import authority, files, names

RENEW_BEFORE = 30 * 86400.0
"""s before its end a certificate is renewed."""

LABEL = b"# seawall "


@dataclass(frozen=True)
class Label:
    names: list[str]
    start: float  # s since 1970
    end: float  # s since 1970
    authority: str  # SHA-256 of the authority's PEM
    body: str  # SHA-256 of the rest of the file


def ensure_certificate(paths: Paths, domains: Iterable[str], own: Path | None = None) -> Path:
    """The PEM file with certificate and key for HAProxy: the user's `own`, or one signed by the local authority, made
    anew where `needs_renewal` says so.

    Raises ConfigError (`own` is unusable), AuthorityDamaged, StateUnusable. paths.state must exist.
    """
    if own is not None:
        check_own(own)
        return own
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
    if label.authority != _digest_of(authority.find(domains).certificate):
        return "the local authority has changed"
    return ""


def read_label(path: Path) -> Label | None:
    """What our file says about itself; None unless the file is whole."""
    try:
        first, body = path.read_bytes().split(b"\n", 1)
        label = Label(**json.loads(first.removeprefix(LABEL)))
    except (OSError, ValueError, TypeError):
        return None
    return label if label.body == hashlib.sha256(body).hexdigest() else None


def check_own(path: Path) -> None:
    """Raises ConfigError unless `path` is a certificate with its own key, not locked by a password."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, password="")
    except ssl.SSLError as error:
        raise ConfigError(
            f"https.certificate: {path} is not a certificate with its private key: {error.reason or 'no PEM inside'}.",
            f"It must hold certificate, chain and key, without a password: cat fullchain.pem key.pem > {path}",
        ) from error
    except OSError as error:
        raise ConfigError(f"https.certificate: {path} cannot be read: {error.strerror}.", f"ls -l {path}") from error


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
