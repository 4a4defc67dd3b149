"""What control groups allow us, of both versions: by files of the kernel's form, and what doctor makes of it."""

from pathlib import Path

import pytest

from seawall import allowance
from seawall.allowance import memory_limit, processors
from seawall.control.most import most


def written(folder: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str]) -> None:
    monkeypatch.setattr(allowance.os, "sched_getaffinity", lambda _: range(4))
    monkeypatch.setattr(allowance, "GROUPS", folder / "groups")
    monkeypatch.setattr(allowance, "OWN", folder / "own")
    (folder / "own").write_text(own)
    for name, text in files.items():
        file = folder / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


CASES = {
    "version 2": ("0::/a/b\n", {"a/b/cpu.max": "150000 100000\n"}, 1.5),
    "version 2, above": ("0::/a/b\n", {"a/cpu.max": "50000 100000\n", "a/b/cpu.max": "max 100000\n"}, 0.5),
    "version 2, no limit": ("0::/a\n", {"a/cpu.max": "max 100000\n"}, 4.0),
    "version 2, a container": ("0::/a\n", {"cpu.max": "200000 100000\n"}, 2.0),
    "more than there are": ("0::/a\n", {"a/cpu.max": "900000 100000\n"}, 4.0),
    "version 1": (
        "2:cpu,cpuacct:/a\n1:memory:/b\n",
        {"cpu/a/cpu.cfs_quota_us": "25000\n", "cpu/a/cpu.cfs_period_us": "50000\n"},
        0.5,
    ),
    "version 1, no limit": (
        "2:cpu:/a\n",
        {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
        4.0,
    ),
    "no control groups": ("", {}, 4.0),
}


@pytest.mark.parametrize("case", CASES)
def test_processors(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, files, number = CASES[case]
    written(tmp_path, monkeypatch, own, files)
    assert processors() == number


def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"x/memory.max": "20000000\n", "memory/y/memory.limit_in_bytes": "10000000\n"}
    written(tmp_path, monkeypatch, "1:memory:/y/z\n0::/x\n", files)
    assert memory_limit() == 10_000_000


def test_the_default_of_servers_max_says_what_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, monkeypatch, "0::/a\n", {"a/cpu.max": "50000 100000\n"})
    found = most(1, "wsgi")
    assert (found.servers, found.why) == (4, "8 for each of 0.5 processors")
