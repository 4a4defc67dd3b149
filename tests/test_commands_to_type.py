"""Commands that people are told to type do what was meant in a folder of any name."""

import ast
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import seawall
from seawall import config, paths
from seawall.errors import SeawallError, shell
from seawall.fleet import django
from seawall.fleet.application import root_note
from seawall.tls import certificate, files
from seawall.tls.authority import Authority

SOURCE = Path(seawall.__file__).parent
PROGRAMS = "cat|cd|chmod|chown|cp|df|find|kill|ln|ls|mkdir|mv|pip|python|rm|sudo|tail|touch"
# A program, options and words at the end of what precedes a value: that value is a word of the command.
COMMAND = re.compile(rf"(?:^|[\s:;`(])(?:{PROGRAMS})(?: (?:[-.\w:>]+|«»;?))* $")
HARMLESS = ("shell(", "shlex.", "'", "name")  # the last: of a user, in sites.py
HOSTILE = "a # b; 'c' $(touch owned)"


def unquoted(source: str) -> Iterator[tuple[int, str]]:
    """Values that stand in a command as they are: (line, expression)."""
    for node in ast.walk(ast.parse(source)):
        before = ""
        for part in node.values if isinstance(node, ast.JoinedStr) else ():
            if isinstance(part, ast.Constant):
                before += str(part.value)
                continue
            assert isinstance(part, ast.FormattedValue)
            value = ast.unparse(part.value)
            if COMMAND.search(before) and not value.startswith(HARMLESS):
                yield node.lineno, value
            before += "«»"


def test_what_the_rule_finds() -> None:
    assert [value for _, value in unquoted('f"Look: ls -ld {a}; df -h {shell(b)} {c}"')] == ["a", "c"]
    assert [value for _, value in unquoted('f"{a} cannot be read: chmod 644 {shell(b)}"')] == []


@pytest.mark.parametrize("folder", ["cli", "config", "control", "fleet", "haproxy", "tls", "."])
def test_every_path_in_a_command_is_quoted(folder: str) -> None:
    modules = (SOURCE / folder).glob("*.py") if folder == "." else (SOURCE / folder).rglob("*.py")
    assert [f"{path}:{line}: {value}" for path in modules for line, value in unquoted(path.read_text())] == []


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / HOSTILE
    folder.mkdir()
    return folder


def unreadable_settings(folder: Path) -> Path:
    (folder / "seawall.toml").symlink_to("seawall.toml")
    config.load(folder / "seawall.toml")
    return folder / "seawall.toml"


def no_certificate(folder: Path) -> Path:
    certificate.read_own(paths.locate(folder), folder / "nope.pem")
    return folder


def no_folder(folder: Path) -> Path:
    files.write(folder / "gone" / "own.pem", b"")
    return folder


def broken_manage(folder: Path) -> Path:
    (folder / "manage.py").write_text("def (:")
    django.settings_module(folder / "manage.py", {})
    return folder


def damaged_authority(folder: Path) -> Path:
    Authority(folder).issuer()
    return folder


@pytest.mark.parametrize(
    ("wrong", "about"),
    [
        (unreadable_settings, "seawall.toml"),
        (no_certificate, "nope.pem"),
        (no_folder, "gone"),
        (broken_manage, "manage.py"),
        (damaged_authority, ""),
    ],
)
def test_the_remedy_is_about_the_very_file(wrong: Callable[[Path], Path], about: str, hostile: Path) -> None:
    with pytest.raises(SeawallError) as raised:
        wrong(hostile)
    remedy = raised.value.remedy
    assert shell(hostile / about) in remedy
    words = shlex.split(remedy[remedy.index(": ") + 2 :] if ": " in remedy else remedy, comments=True)
    assert str(hostile / about) in [word.rstrip(";") for word in words]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is told")
def test_the_note_for_root(hostile: Path) -> None:
    (hostile / "app.py").touch()
    from seawall.config import Settings
    from seawall.fleet.application import find

    note = root_note(find(Settings(wsgi="app:app"), hostile.resolve()), hostile)
    assert note.endswith(f"chown -R USER {shell(hostile)}")


def test_this_python_is_named(hostile: Path) -> None:
    with pytest.raises(SeawallError) as raised:
        broken_manage(hostile)
    assert f"{shell(sys.executable)} -m py_compile" in raised.value.remedy
