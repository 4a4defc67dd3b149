"""What Seawall has started and no record names is ended by the next control plane; and nothing else is."""

import asyncio
import pwd
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seawall import members
from seawall.control.processes import Server
from seawall.control.strangers import end_strangers
from seawall.fleet.application import Kind
from seawall.process import Process, spawn
from tests.control.parts import SLEEP, Parts
from tests.patience import until

CALLED = "open('/proc/self/comm', 'w').write({title!r}); " + SLEEP
STARTS = (
    "import subprocess, sys; "
    "p = subprocess.Popen([sys.executable, '-S', '-c', {code!r}], env={env}, start_new_session={session}); "
    "open({file!r}, 'w').write(str(p.pid)); "
)


def starts(code: str, file: Path, env: str = "None", session: bool = True) -> str:
    """The code by which a process starts another one, whose number it writes to the file."""
    return STARTS.format(code=code, file=str(file), env=env, session=session)


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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pid"


def child(file: Path) -> Process:
    until(lambda: file.exists() and file.read_text(), "the child")
    found = Process.adopt(int(file.read_text()))
    assert found is not None
    return found


def test_what_it_has_started_itself_goes_with_it(parts: Parts, file: Path) -> None:
    unknown = started(parts, "seawall s3", before=starts(SLEEP, file, env="{}"))
    hidden = child(file)
    look(parts)
    assert not unknown.alive
    assert not hidden.alive
    hidden.close()


def test_but_not_what_is_on_record(parts: Parts, file: Path) -> None:
    unknown = started(parts, "seawall w3", before=starts(SLEEP, file))
    known = child(file)
    parts.state.processes.add(Server("s1", process=known))
    look(parts)
    assert (unknown.alive, known.alive) == (False, True)
    known.close()


def test_what_belongs_to_the_adopted_stays_whatever_it_calls_itself(parts: Parts, file: Path) -> None:
    parts.server("s1", starts(CALLED.format(title="seawall s9"), file) + SLEEP)
    own = titled(child(file), "seawall s9")
    look(parts)
    assert own.alive
    assert parts.told == []
    own.close()


def test_a_job_that_a_server_has_left_behind_goes_on(parts: Parts, file: Path) -> None:
    """Until the site is stopped, as while the control plane lives: nothing else is stopped, `up --replace` promises."""
    job = parts.child("server", "s7", starts(CALLED.format(title="seawall s7"), file, session=False) + SLEEP)
    forked = titled(child(file), "seawall s7")  # as what a server forks, which keeps its name
    look(parts)
    assert (job.alive, forked.alive) == (True, True)
    forked.close()


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
