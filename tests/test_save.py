"""`seawall set --save`: one value in seawall.toml changes, and nothing else; not every file is ours to write."""

import os
import pwd
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.config.save import edited, lines, save
from seawall.errors import ConfigError, SettingsUnwritable
from tests import users

FULL = """\
# The shop.
wsgi = 'shop.wsgi:application'   # found by hand

[servers] # as measured
min = 3   # three are enough
  # max = 9

# about people
[https]
domains = [
    "a.b",  # the old one
]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path.resolve() / "seawall.toml"
    path.write_text(FULL)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        (FULL, "servers.min", 5, FULL.replace("min = 3", "min = 5")),
        (FULL, "servers.max", 9, FULL.replace("# as measured\n", "# as measured\nmax = 9\n")),
        (FULL, "https.redirect", False, FULL.replace("[https]\n", "[https]\nredirect = false\n")),
        (FULL, "balancer.strategy", "random", FULL + '\n[balancer]\nstrategy = "random"\n'),
        ("", "servers.min", 5, "[servers]\nmin = 5\n"),
        ("servers.min = 3 # a\n", "servers.min", 5, "servers.min = 5 # a\n"),
        ("servers = { min = 3 } # a\n", "servers.min", 5, "servers = { min = 5 } # a\n"),
        ("[servers]", "servers.min", 5, "[servers]\nmin = 5\n"),
        ("[servers]\r\nmax = 9\r\n", "servers.min", 5, "[servers]\r\nmin = 5\r\nmax = 9\r\n"),
        ("\ufeffname = 'a'\n", "name", "b", '\ufeffname = "b"\n'),
        ('[ "servers" ]\n"min" = 3\n', "servers.min", 5, '[ "servers" ]\n"min" = 5\n'),
        ("# c\r\n[servers]\r\nmin = 3\r\n", "name", "b", '# c\r\nname = "b"\r\n\r\n[servers]\r\nmin = 3\r\n'),
        ("# c\r\n", "servers.min", 5, "# c\r\n\r\n[servers]\r\nmin = 5\r\n"),
        ("[servers]\nmax = 9  # a\nmin = 3\n", "servers.max", None, "[servers]\nmin = 3\n"),
        ("[servers]\nmax = 9\n[https]\n", "servers.max", None, "[servers]\n[https]\n"),
        ("servers.max = 9\n", "servers.max", None, ""),
        ("servers = { max = 9, min = 2 }\n", "servers.max", None, "servers = {  min = 2 }\n"),
        ("# c\nname = 'a'\n", "name", None, "# c\n"),
        (FULL, "servers.cpu", None, FULL),
    ],
)
def test_one_value_changes(before: str, key: str, value: object, after: str) -> None:
    assert edited(before, key, value) == after


@pytest.mark.parametrize("before", ["servers = { max = 9 }\n", "servers.max = 9\n", "[listen]\nhttp = 1\n"])
def test_a_new_key_beside_any_writing_of_its_section(before: str) -> None:
    after = tomllib.loads(edited(before, "servers.min", 5))
    assert after.pop("servers") == {**tomllib.loads(before).pop("servers", {}), "min": 5}


PIECES = ["# c\n", "\n", "name = 'x' # y\n", "[servers]\n", "min = 2\n", "max = 9#z\n", "[listen]\n", "http = 1\n"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(st.sampled_from(PIECES), max_size=9), st.sampled_from(["servers.min", "servers.max", "listen.http"]))
def test_comments_and_all_other_values_stay(pieces: list[str], key: str) -> None:
    before = "".join(pieces)
    try:
        table = tomllib.loads(before)
    except ValueError:
        return
    section, _, name = key.partition(".")
    if not isinstance(table.get(section, {}), dict):
        return
    after = edited(before, key, 7)
    assert tomllib.loads(after) == {**table, section: {**table.get(section, {}), name: 7}}
    assert after.count("#") == before.count("#")


def test_owner_mode_and_group_stay(file: Path) -> None:
    group = next((gid for gid in os.getgroups() if gid != os.getegid()), os.getegid())
    if os.geteuid() == 0:
        group = 50  # staff, to whom root may give a file
    os.chown(file, -1, group)
    file.chmod(0o640)
    save(file, "servers.min", "5")
    seen = file.stat()
    assert (stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid) == (0o640, os.geteuid(), group)
    assert file.read_text() == FULL.replace("min = 3", "min = 5")
    assert [one.name for one in file.parent.iterdir()] == ["seawall.toml"]


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path.resolve() / "seawall.toml"
    save(path, "servers.min", "5")
    assert path.read_text() == "[servers]\nmin = 5\n"


def test_what_is_not_ours_alone_is_left_as_it_is(file: Path) -> None:
    file.chmod(0o664)
    refused(file, "other users may change it")
    file.chmod(0o644)
    os.link(file, file.with_name("second"))
    refused(file, "it has a second name")
    file.with_name("second").unlink()
    elsewhere = file.rename(file.with_name("elsewhere"))
    file.symlink_to(elsewhere)
    refused(file, "it is a symbolic link")
    file.unlink()
    file.mkdir()
    refused(file, "it is no regular file")
    file.rmdir()
    os.mkfifo(file)
    refused(file, "it is no regular file")
    assert elsewhere.read_text() == FULL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1\n", "colour"),
        ("servers = 3\n", "servers"),
        ("[servers]\nmax = 4\n", "servers.max"),
        ("a =", ""),
        ("a = " + "[" * 60_000, "nested"),
    ],
)
def test_a_file_that_is_wrong_or_would_be_is_left_as_it_is(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    refused(file, said)
    assert file.read_text() == text


def refused(file: Path, why: str) -> None:
    with pytest.raises((SettingsUnwritable, ConfigError)) as caught:
        save(file, "servers.min", "5")
    assert why in f"{caught.value.problem}{caught.value.detail}"


def test_root_writes_nothing_where_others_choose_what_it_is(open_folder: Path, stranger: pwd.struct_passwd) -> None:
    file = open_folder / "seawall.toml"
    file.write_text(FULL)
    users.give(open_folder, stranger)
    refused(file, f"can be changed by {stranger.pw_name}, so root does not write there")
    file.unlink()
    refused(file, stranger.pw_name)
    secret = open_folder.parent / f"{open_folder.name}-secret"
    secret.write_text("root's own\n")
    try:
        file.symlink_to(secret)
        refused(file, stranger.pw_name)
        assert secret.read_text() == "root's own\n"
    finally:
        secret.unlink()


def test_another_users_file_in_our_folder(file: Path, stranger: pwd.struct_passwd) -> None:
    os.chown(file, stranger.pw_uid, -1)
    refused(file, stranger.pw_name)
    assert file.read_text() == FULL


def test_what_to_write_by_hand() -> None:
    assert lines("servers.min", "4") == ["[servers]", "min = 4"]
    assert lines("balancer.strategy", "random") == ["[balancer]", 'strategy = "random"']
    assert lines("name", "a b") == ['name = "a b"']
    assert lines("servers.memory", "") == []
