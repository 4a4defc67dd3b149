"""The local certificate authority: made once per user, kept out of the project, good for the user's names only."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seawall import rights
from seawall.errors import AuthorityDamaged, StateUnusable, shell
from seawall.tls import files, names

if TYPE_CHECKING:
    from seawall.tls.signing import Issuer

REMEDY = (
    "Restore the folder from a backup, or begin anew and trust the new one: rm -r {folder}; seawall up; seawall trust"
)


@dataclass(frozen=True)
class Authority:
    """The files of one authority. `name` is in its certificate, and what a person sees in a list of authorities."""

    folder: Path

    @property
    def name(self) -> str:
        return f"Seawall authority ({self.folder.name})"

    @property
    def certificate(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def key(self) -> Path:
        return self.folder / "authority.key"

    @property
    def exists(self) -> bool:
        return self.folder.is_dir() and any(self.folder.iterdir())

    def issuer(self) -> "Issuer":
        """Its certificate and key, ready to sign. Raises AuthorityDamaged: nobody would trust a new one."""
        from seawall.tls.signing import load_issuer

        try:
            return load_issuer(self.certificate.read_bytes(), self.key.read_bytes())
        except OSError as error:
            problem = f"The local authority cannot be read: {error.filename}: {error.strerror}."
        except ValueError as error:
            problem = f"The local authority in {self.folder} is damaged: {error}."
        raise AuthorityDamaged(problem, REMEDY.format(folder=shell(self.folder)))


def home() -> Path:
    """Where the authorities of this user are."""
    data = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification has relative ones ignored; `sudo -E` and `su` let root have another user's.
    if os.path.isabs(data) and (os.geteuid() != 0 or rights.is_roots(data)):
        return Path(data, "seawall/authority").resolve()
    if os.geteuid() == 0:
        return Path("/var/lib/seawall/authority").resolve()
    return Path.home().joinpath(".local/share/seawall/authority").resolve()


def find(domains: Iterable[str] = ()) -> Authority:
    """The authority that signs, or would sign, for these domains. Creates nothing."""
    return Authority(home() / names.authority_name(domains))


def ensure_authority(domains: Iterable[str] = ()) -> Authority:
    """The authority for these domains, created if there is none. Raises StateUnusable."""
    domains = tuple(domains)
    authority = find(domains)
    if not authority.exists:
        _create(authority, domains)
    return authority


def _create(authority: Authority, domains: Iterable[str]) -> None:
    """Make it aside and move it into place as a whole: of two processes at once, one folder arrives and both use it."""
    from seawall.tls.signing import create_authority

    folder = authority.folder
    certificate, key = create_authority(authority.name, names.foreign(domains))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Authority(Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-")))
    except OSError as error:
        raise StateUnusable(
            f"The folder {folder.parent} for the local authority cannot be used: {error.strerror}.",
            f"Make room or correct its permissions, then try again: ls -ld {shell(folder.parent)}",
        ) from error
    try:
        files.write(draft.key, key, 0o600)
        files.write(draft.certificate, certificate, 0o644)
        draft.folder.chmod(0o755)
        draft.folder.rename(folder)
    except OSError:
        if not authority.exists:
            raise
    finally:
        shutil.rmtree(draft.folder, ignore_errors=True)
