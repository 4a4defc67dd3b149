"""Named errors. Each says what is wrong, and what to do about it."""

import shlex
from pathlib import Path


def shell(path: Path | str) -> str:
    """A path as one word of a command that a person is told to type.

    The folder's name may be another user's choice, and root may be who types it: `x; reboot` is a name too.
    """
    return shlex.quote(str(path))


class SeawallError(Exception):
    """What the user sees instead of a traceback.

    `problem` is one sentence naming the cause; `remedy` is what to do next; `detail` is longer text, such as the
    application's own traceback, shown as it is.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "", detail: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.detail = detail


class ConfigError(SeawallError):
    """A setting in seawall.toml is wrong."""

    exit_code = 2


class ApplicationNotFound(SeawallError):
    """There is no application here that Seawall knows how to start."""

    exit_code = 2


class ApplicationFailed(SeawallError):
    """The application was found but does not start."""


class ProgramMissing(SeawallError):
    """A program Seawall needs is not installed."""


class PortTaken(SeawallError):
    """Another program listens on the port."""


class PortForbidden(SeawallError):
    """This user may not listen on the port."""


class AlreadyRunning(SeawallError):
    """Another `seawall up` is in charge of this site."""


class NotRunning(SeawallError):
    """Nothing answers for this site."""

    exit_code = 3


class NoSite(NotRunning):
    """No site runs from the folder: neither ours nor, as far as we may see, another user's."""


class StateUnusable(SeawallError):
    """A folder Seawall keeps its files in cannot be used: full, read-only, or somebody else's."""


class RecordUnusable(SeawallError):
    """The record of what runs cannot be read by this Seawall."""


class RecordDamaged(RecordUnusable):
    """The record of what runs is no record."""


class AuthorityDamaged(SeawallError):
    """The local certificate authority cannot sign: its files are unreadable, do not match, or have ended."""


class EngineFailed(SeawallError):
    """HAProxy did not start, or does not answer."""


class RepositoryUnusable(SeawallError):
    """A git repository cannot be read."""

    exit_code = 2


class ScanEnded(SeawallError):
    """A scan could not go on: memory, disk, a process that was killed. Not 1, which says that something was found."""

    exit_code = 2


class ReportUnwritable(SeawallError):
    """A report cannot be written where it was asked for."""

    exit_code = 2


class SettingsUnwritable(SeawallError):
    """seawall.toml cannot be written, or is not ours to write."""


class ChangeRefused(SeawallError):
    """Settings cannot be changed just now."""


class ChangeCutOff(SeawallError):
    """The control plane ended while it changed settings."""


class UnknownServer(SeawallError):
    """An operator named a server that does not exist."""

    exit_code = 2
