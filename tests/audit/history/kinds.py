"""The table of hiding places: what plants a secret in each, and what a scanner has to say about where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.audit.history.repository import add_and_remove

Plant = Callable[[Path, str], None]  # repository, secret


@dataclass(frozen=True)
class Expected:
    """Regular expressions that the whole of a finding's first place has to match."""

    kind: str
    path: str = ".*"
    within: tuple[str, ...] = ()  # each matches somewhere in an entry of `within`, in this order
    tip: bool | None = None  # None: it may be seen either way
    raw: bool = True  # the secret's own bytes stand there, in one git object or file after inflation


KINDS: dict[str, Plant] = {}
BONUS: dict[str, Plant] = {}  # found or not is recorded, not required
EXPECTED: dict[str, Expected] = {}


def kind(
    name: str,
    place: str,
    path: str = ".*",
    within: tuple[str, ...] = (),
    *,
    tip: bool | None = None,
    raw: bool = True,
    bonus: bool = False,
) -> Callable[[Plant], Plant]:
    """Enters the function below it in the table."""

    def enter(plant: Plant) -> Plant:
        assert name not in EXPECTED, name
        (BONUS if bonus else KINDS)[name] = plant
        EXPECTED[name] = Expected(place, path, within, tip, raw)
        return plant

    return enter


def file_kind(
    path: str, *within: str, name: str = "", raw: bool = False, bonus: bool = False
) -> Callable[[Callable[[str], bytes]], Callable[[str], bytes]]:
    """Enters a file at `path`, in history only, whose bytes the function below makes of the secret."""

    def enter(contents: Callable[[str], bytes]) -> Callable[[str], bytes]:
        def plant(repo: Path, secret: str) -> None:
            add_and_remove(repo, path, contents(secret))

        title = name or f"file: {contents.__name__.replace('_', ' ')}"
        escaped = path.replace(".", r"\.").replace("+", r"\+")
        kind(title, "file", escaped, within, tip=False, raw=raw, bonus=bonus)(plant)
        return contents

    return enter


def assignment(secret: str) -> bytes:
    """Three lines of settings; the secret is in the second."""
    return f'DEBUG = False\nGITHUB_TOKEN = "{secret}"\nTIME_ZONE = "UTC"\n'.encode()
