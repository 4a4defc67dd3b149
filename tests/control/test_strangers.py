"""What Seawall has started and no record names is ended by the next control plane; and nothing else is."""

import asyncio
import pwd
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seawall import members
from seawall.control.strangers import end_strangers
from seawall.fleet.application import Kind
from seawall.process import Process, spawn
from tests.control.parts import SLEEP, Parts
from tests.patience import until

CALLED = "open('/proc/self/comm', 'w').write({title!r}); " + SLEEP
# What it starts has a session and an environment of its own.
STARTS = (
    "import subprocess, sys; p = subprocess.Popen([sys.executable, '-S', '-c', {code!r}], env={{}}, "
    "start_new_session=True); open({file!r}, 'w').write(str(p.pid)); "
)


def titled(process: Process, title: str) -> Process:
    until(lambda: Path(f"/proc/{process.pid}/comm").read_text().strip() == title, title)
    return process


def started(parts: Parts, title: str, marked: str = "warm w1", before: str = "") -> Process:
    """A process that calls itself `title`, marked as a forked server is: as the warm process it comes from."""
    return titled(parts.child(*marked.split(), before + CALLED.format(title=title)), title)


def look(parts: Parts, kind: Kind = "wsgi") -> None:
    wanted = parts.state.wanted
    parts.state.wanted = replace(wanted, application=replace(wanted.application, kind=kind))
    asyncio.run(end_strangers(parts.state))


@pytest.mark.parametrize("title", ["seawall s3", "seawall w2"])
def test_a_server_or_warm_process_that_no_record_names_is_ended_and_told(parts: Parts, title: str) -> None:
    known, unknown = parts.server("s1"), started(parts, title)
    look(parts)
    assert not unknown.alive
    assert known.process is not None
    assert known.process.alive
    [told] = parts.told
    assert f"{title} (pid {unknown.pid})" in told["text"]


def test_a_balancer_that_no_record_names_is_ended(parts: Parts) -> None:
    async def scenario() -> None:
        for name in ("a", "b"):
            await parts.site.balancer(name, [])
        parts.balancer("a")

    asyncio.run(scenario())
    look(parts)
    assert parts.site.balancers["a"].alive
    assert not parts.site.balancers["b"].alive


def test_of_two_of_a_name_the_one_on_record_stays(parts: Parts) -> None:
    """The record could not be written when the first was started: its name was given again."""
    unknown = started(parts, "seawall s3")
    known = parts.server("s3", CALLED.format(title="seawall s3")).process
    assert known is not None
    titled(known, "seawall s3")
    younger = started(parts, "seawall s3")  # as what s3 forks, which keeps its name
    look(parts)
    assert (unknown.alive, known.alive, younger.alive) == (False, True, True)


def test_what_it_has_started_itself_goes_with_it(parts: Parts, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    unknown = started(parts, "seawall s3", before=STARTS.format(code=SLEEP, file=str(file)))
    child = Process.adopt(int(file.read_text()))
    assert child is not None
    look(parts)
    assert not unknown.alive
    assert not child.alive
    child.close()


def test_what_belongs_to_the_adopted_stays_whatever_it_calls_itself(parts: Parts, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = CALLED.format(title="seawall s9")
    parts.server("s1", STARTS.format(code=code, file=str(file)) + SLEEP)
    until(lambda: file.exists() and file.read_text(), "the child")
    child = Process.adopt(int(file.read_text()))
    assert child is not None
    titled(child, "seawall s9")
    look(parts)
    assert child.alive
    assert parts.told == []
    child.close()


def test_a_job_that_a_server_has_left_behind_goes_on(parts: Parts) -> None:
    """Until the site is stopped, as while the control plane lives: nothing else is stopped, `up --replace` promises."""
    job = parts.child("server", "s7")
    look(parts)
    assert job.alive


def test_all_that_a_command_has_started_is_its_server(parts: Parts) -> None:
    parts.server("s1")
    known, unknown = parts.child("server", "s1"), parts.child("server", "s7")
    look(parts, "command")
    assert (known.alive, unknown.alive) == (True, False)


def test_another_sites_and_another_users_processes_are_left_alone(
    parts: Parts, stranger: pwd.struct_passwd, open_folder: Path
) -> None:
    code = [sys.executable, "-S", "-c", CALLED.format(title="seawall s3")]
    other = {**members.marked("another:site", "warm", "w1")}
    same = {**members.marked(parts.site.paths.mark, "warm", "w1")}
    log = parts.site.paths.logs / "application.log"
    theirs = titled(spawn(code, folder=open_folder, environment=other, log=log), "seawall s3")
    code[0] = "/usr/bin/python3"
    user = (stranger.pw_uid, stranger.pw_gid)
    nobodys = titled(spawn(code, folder=open_folder, environment=same, log=log, user=user), "seawall s3")
    look(parts)
    assert (theirs.alive, nobodys.alive) == (True, True)
    parts.state.wanted = replace(parts.state.wanted, application=replace(parts.state.wanted.application, user=user))
    look(parts)
    assert (theirs.alive, nobodys.alive) == (True, False)
    for process in members.kill(members.of_site("another:site")):
        process.close()
