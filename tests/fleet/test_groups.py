"""The limits of one server, written to control groups: those of this machine, and files as version 2 has them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.errors import SeawallError
from seawall.fleet import groups, places
from tests.patience import until


def version() -> int:
    """Of the control groups that limit memory here; 0: none."""
    try:
        return places.find("memory").version
    except SeawallError:
        return 0


def limits_of(made: groups.Groups, server: str) -> dict[str, str]:
    """The file of each memory limit that there is, and what it says."""
    files = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max", "memory.swap.max")
    there = [made.folders["memory"] / server / name for name in files]
    return {file.name: file.read_text() for file in there if file.exists()}


HOLDS = """
import os, sys
os.write(int(sys.argv[1]), b"0")
kept = b"x" * (150 << 20)
print("holds", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not version(), reason="control groups cannot be made here")
def test_a_limit_that_one_server_exceeds_already_is_told_as_long_as_it_is_there() -> None:
    made = groups.Groups(f"seawall-test-{os.getpid()}")
    made.find(groups.Limits(memory=400 << 20), {})
    pipe = subprocess.PIPE
    try:
        made.make("s1")
        with (
            made.doors("s1") as [door],
            subprocess.Popen(
                [sys.executable, "-c", HOLDS, str(door)], stdin=pipe, stdout=pipe, pass_fds=[door]
            ) as server,
        ):
            assert server.stdin
            assert server.stdout
            assert server.stdout.readline() == b"holds\n"
            before = limits_of(made, "s1")
            made.limits = groups.Limits(memory=50 << 20)
            for name in ("s1", "s2"):
                made.make(name)
            assert limits_of(made, "s1") == before, "half a limit would be none"
            assert "s1 takes more already; replace it: seawall restart s1" in made.why_not()
            server.stdin.close()
            server.wait()
        made.tidy(["s2"])
        assert made.why_not() == ""
    finally:
        until(lambda: made.remove() == [])


def version_2(folder: Path, server: str, **files: str) -> Path:
    """The files of a group as version 2 has them. They have the names and forms, but nobody enforces what they say."""
    for group in (folder.parent, folder):
        group.mkdir(exist_ok=True)
        (group / "cgroup.controllers").write_text("memory")
        (group / "cgroup.subtree_control").write_text("memory ")
    (folder / server).mkdir()
    for name, text in {"memory.oom.group": "0", **{f"memory.{key}": text for key, text in files.items()}}.items():
        (folder / server / name).write_text(text)
    return folder / server


def test_version_2_ends_no_server_that_takes_more_than_a_new_limit(tmp_path: Path) -> None:
    """There the kernel makes room by ending processes; version 1 refuses."""
    made = groups.Groups("site", folders={"memory": tmp_path / "site"}, limits=groups.Limits(memory=200 << 20))
    old = f"{400 << 20}\n"
    large = version_2(made.folders["memory"], "s1", max=old, current=f"{300 << 20}\n")
    small = version_2(made.folders["memory"], "s2", max=old, current=f"{100 << 20}\n")
    full = version_2(made.folders["memory"], "s3", max=f"{200 << 20}\n", current=f"{(200 << 20) + 1}\n")
    free = version_2(made.folders["memory"], "s4", max="max\n", current=f"{300 << 20}\n")
    for group in (large, small, full, free):
        made.make(group.name)
    assert [(group / "memory.max").read_text() for group in (large, free)] == [old, "max\n"]
    assert int((small / "memory.max").read_text()) == 200 << 20
    takes_more = [f"{name} takes more already; replace it: seawall restart {name}" for name in ("s1", "s4")]
    assert all(why in made.why_not() for why in takes_more)
    assert "s3" not in made.why_not(), "its limit is in force"
    made.limits = groups.Limits(memory=410 << 20)
    for group in (large, free):
        made.make(group.name)
    assert made.why_not() == ""
