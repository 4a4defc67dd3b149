"""Where certificate authorities are trusted on this machine, and the commands that add ours and take it out."""

import hashlib
import os
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from seawall import rights
from seawall.tls.authority import Authority

Commands = Sequence[Sequence[str]]

LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")
"""Where update-ca-certificates(8) looks for the administrator's own authorities."""


class Store(Protocol):
    """Something that keeps the authorities a set of programs trusts."""

    @property
    def readers(self) -> str: ...
    @property
    def needs_root(self) -> bool: ...
    def trusts(self, authority: Authority) -> bool: ...
    def add(self, authority: Authority) -> Commands: ...
    def remove(self, authority: Authority) -> Commands: ...


@dataclass(frozen=True)
class SystemStore:
    """What OpenSSL and GnuTLS programs read: Debian's ca-certificates."""

    folder: Path = LOCAL_CERTIFICATES
    readers = "this machine's programs (curl, Python, …)"
    needs_root = True

    def trusts(self, authority: Authority) -> bool:
        file = self._file(authority)
        return file.is_file() and file.read_bytes() == authority.certificate.read_bytes()

    def add(self, authority: Authority) -> Commands:
        return (
            ("install", "-m", "644", str(authority.certificate), str(self._file(authority))),
            ("update-ca-certificates",),
        )

    def remove(self, authority: Authority) -> Commands:
        return (("rm", "-f", str(self._file(authority))), ("update-ca-certificates", "--fresh"))

    def _file(self, authority: Authority) -> Path:
        return self.folder / f"seawall-{_short(authority)}.crt"


@dataclass(frozen=True)
class NssStore:
    """What Chromium and Firefox read: an NSS database, one a browser profile."""

    folder: Path
    needs_root = False

    @property
    def readers(self) -> str:
        return f"the browser that reads {self.folder}"

    def trusts(self, authority: Authority) -> bool:
        listed = subprocess.run(
            self._certutil("-L", "-a", "-n", _nickname(authority)),
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": search_path()},
            check=False,
        )
        return listed.returncode == 0 and ssl.PEM_cert_to_DER_cert(listed.stdout.strip()) == _der(authority)

    def add(self, authority: Authority) -> Commands:
        entry = ("-n", _nickname(authority), "-i", str(authority.certificate))
        added = self._certutil("-A", "-t", "C,,", *entry)
        if (self.folder / "cert9.db").exists():
            return (added,)
        return (("mkdir", "-p", str(self.folder)), self._certutil("-N", "--empty-password"), added)

    def remove(self, authority: Authority) -> Commands:
        return (self._certutil("-D", "-n", _nickname(authority)),)

    def _certutil(self, *arguments: str) -> Sequence[str]:
        return ("certutil", "-d", f"sql:{self.folder}", *arguments)


def stores(home: Path) -> list[Store]:
    """The stores of this machine and of the user whose home folder is `home`."""
    found: list[Store] = [SystemStore()] if shutil.which("update-ca-certificates", path=search_path()) else []
    if shutil.which("certutil", path=search_path()):
        folders = (*_chromium(home), *_firefox(home))
        # `sudo` may leave root with another user's HOME.
        found += [NssStore(folder) for folder in folders if os.geteuid() != 0 or rights.is_roots(str(folder))]
    return found


def hint() -> str:
    """What to install so that more of the machine can be told, or ""."""
    if not shutil.which("update-ca-certificates", path=search_path()):
        return "For this machine's programs: sudo apt-get install ca-certificates"
    return (
        ""
        if shutil.which("certutil", path=search_path())
        else "For Chromium and Firefox: sudo apt-get install libnss3-tools"
    )


def search_path() -> str:
    """Debian keeps the administrator's programs out of ordinary users' PATH."""
    return rights.search_path()


def fingerprint(authority: Authority) -> str:
    """SHA-256 of the certificate, as browsers show it: pairs of hexadecimal digits."""
    digest = hashlib.sha256(_der(authority)).hexdigest().upper()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))


def _chromium(home: Path) -> list[Path]:
    """Chromium reads ~/.pki/nssdb if there is one, else the one in the data folder, made when it is first needed."""
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    folders = [home / ".pki/nssdb", data / "pki/nssdb"]
    existing = [folder for folder in folders if (folder / "cert9.db").exists()]
    installed = any(map(shutil.which, ("chromium", "google-chrome", "chromium-browser")))
    return existing or (folders[-1:] if installed else [])


def _firefox(home: Path) -> list[Path]:
    roots = (".mozilla/firefox", "snap/firefox/common/.mozilla/firefox")
    return [found.parent for root in roots for found in sorted((home / root).glob("*/cert9.db"))]


def _der(authority: Authority) -> bytes:
    return ssl.PEM_cert_to_DER_cert(authority.certificate.read_text().strip())


def _nickname(authority: Authority) -> str:
    return f"{authority.name} {_short(authority)}"  # a colon in it would be read as the name of a token


def _short(authority: Authority) -> str:
    return fingerprint(authority).replace(":", "")[:16].lower()
