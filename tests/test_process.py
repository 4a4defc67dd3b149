"""Processes are known by pid and start time."""

import os
import pwd
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.process import Process, processor_time, spawn, start_time
from tests import users
from tests.patience import PATIENCE


def sleeper(tmp_path: Path, code: str = "import time; time.sleep(60)") -> Process:
    return spawn([sys.executable, "-c", code], folder=tmp_path, environment={}, log=tmp_path / "log")


def ended(process: Process) -> None:
    assert select.select([process.pidfd], [], [], PATIENCE)[0]


def test_how_it_ended(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    assert process.alive
    assert not process.stopped
    process.signal(signal.SIGSTOP)
    os.waitid(os.P_PIDFD, process.pidfd, os.WSTOPPED)
    assert process.stopped
    process.signal(signal.SIGKILL)
    ended(process)
    assert not process.alive, "a zombie counts as alive"
    assert process.reap() == "killed by SIGKILL"
    assert process.reap() == "killed by SIGKILL"
    process.signal(signal.SIGTERM)


def test_exit_code_and_output(tmp_path: Path) -> None:
    process = sleeper(tmp_path, "print('words'); raise SystemExit(3)")
    ended(process)
    assert process.reap() == "exit code 3"
    assert (tmp_path / "log").read_text() == "words\n"


def test_another_process_with_the_same_pid_is_not_adopted(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    assert Process.adopt(process.pid, process.started) == process
    assert Process.adopt(process.pid, process.started - 1) is None
    process.signal(signal.SIGKILL)
    ended(process)
    assert Process.adopt(process.pid, process.started) is None
    process.reap()
    assert start_time(process.pid) is None


def test_it_leads_its_own_session_and_inherits_nothing(tmp_path: Path) -> None:
    secret = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(secret, True)
    code = "import os; print(os.getsid(0) == os.getpid(), sorted(os.listdir('/proc/self/fd')))"
    process = sleeper(tmp_path, code)
    ended(process)
    process.reap()
    os.close(secret)
    assert (tmp_path / "log").read_text() == "True ['0', '1', '2', '3']\n"


def test_its_output_goes_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine\n")
    (tmp_path / "log").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic link") as caught:
        sleeper(tmp_path, "print('words')")
    assert caught.value.filename == tmp_path / "log"
    assert (tmp_path / "mine").read_text() == "mine\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start something as another user")
def test_another_user_has_all_his_groups_and_none_of_ours(open_folder: Path, stranger: pwd.struct_passwd) -> None:
    code = "import os; print(os.getuid(), os.getgid(), sorted(os.getgroups()))"
    user = (stranger.pw_uid, stranger.pw_gid)
    command = [str(users.PYTHON), "-c", code]
    process = spawn(command, folder=open_folder, environment={}, log=open_folder / "log", user=user)
    ended(process)
    assert process.reap() == "exit code 0"
    groups = sorted(os.getgrouplist(stranger.pw_name, stranger.pw_gid))
    assert len(groups) == 2
    assert (open_folder / "log").read_text() == f"{user[0]} {user[1]} {groups}\n"
    assert (open_folder / "log").stat().st_mode & 0o077 == 0


def test_someone_elses_child_ends_without_a_reason() -> None:
    shell = subprocess.Popen(["sh", "-c", "sleep 30 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    assert shell.stdout
    process = Process.adopt(int(shell.stdout.readline()))
    assert process
    process.signal(signal.SIGKILL)
    ended(process)
    assert process.reap() == ""
    shell.kill()
    shell.communicate()


def test_processor_time_of_a_process_and_of_what_it_has_waited_for() -> None:
    before = processor_time(os.getpid())
    assert before
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    after = processor_time(os.getpid())
    assert after
    own, others = after[0] - before[0], after[1] - before[1]
    assert others >= 0.15
    assert 0 <= own < others
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert processor_time(gone.pid) is None
