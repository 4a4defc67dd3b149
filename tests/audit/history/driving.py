"""Builds native_driver.c and the C library under the sanitizers for addresses and undefined behaviour, and runs it."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.audit.history.repository import environment

HERE = Path(__file__).parent
NATIVE = HERE.parents[2] / "src" / "seawall" / "audit" / "history" / "native"
PARTS = ("delta", "follow", "history", "pack", "reader", "wrapped")
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


def built(folder: Path) -> Path:
    """The driver; the test is skipped where it cannot be built."""
    (folder / "empty.c").write_text("#include <libdeflate.h>\nint main(void) { return 0; }\n")
    tried = subprocess.run(["cc", *SANITIZERS, "-o", folder / "empty", folder / "empty.c", "-ldeflate"], check=False)
    if tried.returncode or subprocess.run([folder / "empty"], check=False).returncode:
        pytest.skip("the compiler has no sanitizers, or libdeflate is not there")
    command = ["cc", *OPTIONS, *SANITIZERS, *EXACT, f"-I{NATIVE}", "-o", folder / "driver", HERE / "native_driver.c"]
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
