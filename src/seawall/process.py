"""Processes that outlive the control plane: each in its own session, known by pid and start time, watched by pidfd."""

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from seawall import files, rights

TICKS = os.sysconf("SC_CLK_TCK")  # in a second of processor time
LARGEST_PID = 1 << 22  # PID_MAX_LIMIT of the kernel


def start_time(pid: int) -> int | None:
    """When `pid` started, in clock ticks since boot (proc(5), stat field 22). None if it is gone or a zombie.

    A pid alone is not an identity, it is used again; and a zombie still passes kill(pid, 0).
    """
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in "ZX" else None


def _stat(pid: int) -> list[str] | None:
    """proc(5) stat from field 3 (state) on. The name before it may hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def state(pid: int) -> str:
    """The process's state as proc(5) has it: R, S, D, T, Z …; "" if it is gone."""
    fields = _stat(pid)
    return fields[0] if fields else ""


def processor_time(pid: int) -> tuple[float, float] | None:
    """Seconds used by all its threads, and by what it started that has ended (proc(5), stat fields 14 to 17)."""
    fields = _stat(pid)
    if fields is None:
        return None
    own, ended = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    return own / TICKS, ended / TICKS


def memory_used(pid: int) -> int | None:
    """Bytes (PSS: of a shared page its part, proc(5) smaps_rollup). None if it is gone or not ours to ask."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)


def owner(pid: int) -> int | None:
    """The user (real and effective uid) a process runs as; None if it is gone, or if the two differ.

    Not by whom /proc says the folder belongs to: a process may have that be root (prctl(2), PR_SET_DUMPABLE).
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    real, effective = next(line.split()[1:3] for line in status.splitlines() if line.startswith("Uid:"))
    return int(real) if real == effective else None


@dataclass
class Process:
    """One process that we started, now or in an earlier life of the control plane."""

    pid: int
    started: int  # clock ticks since boot
    pidfd: int = field(repr=False, compare=False)
    ending: str = ""

    @classmethod
    def adopt(cls, pid: int, started: int | None = None) -> "Process | None":
        """The running process `pid`, or None if it is gone or, by its start time, another one."""
        if not 0 < pid <= LARGEST_PID:
            return None
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        now = start_time(pid)
        if now is None or (started is not None and now != started):
            os.close(pidfd)
            return None
        return cls(pid, now, pidfd)

    @property
    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    @property
    def stopped(self) -> bool:
        """Whether job control or a debugger has stopped it (SIGSTOP)."""
        fields = _stat(self.pid)
        return fields is not None and fields[0] in "Tt"

    @property
    def has_terminal(self) -> bool:
        """Whether a terminal controls it."""
        fields = _stat(self.pid)
        return fields is not None and fields[4] != "0"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that is already gone is no error."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def reap(self) -> str:
        """How it ended, in words; "" where that cannot be known because it is not our child. Frees the zombie."""
        try:
            result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return self.ending
        if result is not None:
            by_signal = result.si_code != os.CLD_EXITED
            self.ending = f"killed by {signal_name(result.si_status)}" if by_signal else f"exit code {result.si_status}"
        return self.ending

    def close(self) -> None:
        os.close(self.pidfd)


def signal_name(number: int) -> str:
    """A signal's name; real-time signals have none (signal(7))."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def spawn(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    fds: Sequence[int] = (),
    user: tuple[int, int] | None = None,
    doors: Sequence[int] = (),
) -> Process:
    """Start `command` in its own session, its output appended to `log`, inheriting only `fds`.

    `user` is (uid, gid) to run as, with all groups of that user; through `doors` it enters its control groups
    (fleet/groups.py). Raises OSError if the program cannot be started, or if `log` is not ours alone to write.
    """
    output = files.open_to_append(log)
    try:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=tuple(fds),
            start_new_session=True,
            user=user[0] if user else None,
            group=user[1] if user else None,
            extra_groups=rights.groups(*user) if user else None,
            # Between fork and exec: all it does is write, and it takes no lock that another thread may hold.
            preexec_fn=partial(_enter, doors) if doors else None,  # noqa: PLW1509
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"{command[0]} cannot enter its control group: {error}") from error
    finally:
        os.close(output)
    # The pidfd reports the end and reap() collects it; Popen must not wait for the same child.
    child.returncode = 0
    process = Process.adopt(child.pid)
    return process or Process(child.pid, -1, os.pidfd_open(child.pid))


def _enter(doors: Sequence[int]) -> None:
    for door in doors:
        os.write(door, b"0")


def raise_open_files() -> int:
    """Raise the limit of open files as far as we may, for us and our children. Returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 131072
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard), max(wanted, hard)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
