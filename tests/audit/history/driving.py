"""Builds native_driver.c and the C library under the sanitizers for addresses and undefined behaviour, and runs it."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.audit.history.repository import environment

HERE = Path(__file__).parent
NATIVE = HERE.parents[2] / "src" / "seawall" / "audit" / "history" / "native"
PARTS = ("delta", "follow", "history", "pack", "reader", "table", "trees", "wrapped")
OPTIONS = ("-std=c11", "-O1", "-g", "-D_GNU_SOURCE")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
EXACT = ("-Dmmap=exact_mmap", "-Dmunmap=exact_munmap")


@dataclass(frozen=True)
class Read:
    """What the driver says of one pack: see native_driver.c."""

    objects: int
    gone_through: int
    left: int
    followed: int
    whole: int
    brought_in: int = 0


def built(folder: Path, *options: str) -> Path:
    """The driver. gcc, its sanitizers and libdeflate are there: the Makefile installs them."""
    command = [
        "cc",
        *OPTIONS,
        *options,
        *SANITIZERS,
        *EXACT,
        f"-I{NATIVE}",
        "-o",
        folder / "driver",
        HERE / "native_driver.c",
    ]
    subprocess.run([*command, *(NATIVE / f"{name}.c" for name in PARTS), "-ldeflate"], check=True)
    return folder / "driver"


def run(driver: Path, folders: Iterable[Path], timeout: float = 60) -> list[Read | None]:
    """What each pack gives; None: it was not taken."""
    options = "detect_leaks=1:abort_on_error=0:allocator_may_return_null=0"
    done = subprocess.run(
        [driver, *folders],
        capture_output=True,
        timeout=timeout,
        check=False,
        env=environment(ASAN_OPTIONS=options, UBSAN_OPTIONS="print_stacktrace=1"),
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()[-4000:]
    lines = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    return [Read(*words) if len(words) == 6 else None for words in lines]
