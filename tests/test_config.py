"""seawall.toml: what is read, and how what is wrong with it is said."""

import string
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.config import LIVE, Settings, load, reference
from seawall.config.effects import EFFECTS
from seawall.config.lines import key_lines
from seawall.config.schema import SECTIONS, SETTINGS
from seawall.errors import ConfigError

QUOTES = '"""'

ROOT = Path(__file__).parents[1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "seawall.toml"


def complaint(file: Path, text: str | bytes) -> str:
    """What is said about a wrong file, without the file's folder; "" if it is read."""
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    try:
        load(file)
    except ConfigError as error:
        return f"{error.problem}\n{error.detail}".strip().replace(f"{file}", "seawall.toml")
    return ""


def test_without_a_file_everything_has_its_default(file: Path) -> None:
    assert load(file) == Settings()
    assert load(file).servers.min == 2


def test_a_full_file_is_read(file: Path) -> None:
    file.write_text(
        'name = "shop"\nasgi = "shop.main:app"\nenvironment = { DEBUG = "0" }\n'
        "[servers]\nmin = 3\nconcurrency = 7\nstop_timeout = 2.5\n"
        '[https]\ndomains = ["Shop.example", "*.shop.example"]\n'
    )
    found = load(file)
    assert (found.name, found.servers.min, found.servers.stop_timeout) == ("shop", 3, 2.5)
    assert found.https.domains == ("shop.example", "*.shop.example")
    assert (found.concurrency("asgi"), found.sticky("asgi")) == (7, False)


def test_the_kind_of_application_decides_concurrency_and_stickiness() -> None:
    kinds = ("wsgi", "asgi", "command")
    assert [Settings().concurrency(kind) for kind in kinds] == [4, 100, 100]
    assert [Settings().sticky(kind) for kind in kinds] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("min = 3", "1: min: there is no such setting; `min` belongs under [servers]."),
        ("[servers]\nmni = 3", "2: servers.mni: there is no such setting; did you mean `min`?"),
        ("[server]\nmin = 3", "1: server: there is no such setting; did you mean `servers`?"),
        ("servers = 3", "1: servers: expected a section: [servers] on a line of its own, found 3."),
        ('[servers]\n\n"min" = "3"', '3: servers.min: expected a whole number from 0 to 200, found "3".'),
        ("servers.min = true", "1: servers.min: expected a whole number from 0 to 200, found true."),
        ("servers = { min = -1 }", "1: servers.min: expected a whole number from 0 to 200, found -1."),
        (
            "servers.stop_timeout = nan",
            "1: servers.stop_timeout: expected a number of seconds from 0.1 to 86400, found nan.",
        ),
        ("[listen]\nhttp = 8443", "1: listen.https: expected another port than listen.http, found 8443."),
        ("[listen]\nhttp = 1\nhttps = 1", "3: listen.https: expected another port than listen.http, found 1."),
        (
            'listen.address = "localhost"',
            '1: listen.address: expected an IP address such as 127.0.0.1, 0.0.0.0 or ::, found "localhost".',
        ),
        (
            '[https]\ndomains = [\n "a.b",\n "https://a.b"]',
            "2: https.domains: expected host names such as example.org or *.example.org, or IP addresses, "
            'found "https://a.b".',
        ),
        (
            'wsgi = "a:b"\ncommand = "x"',
            '2: command: expected at most one of wsgi, asgi and command, and wsgi is already set, found "x".',
        ),
        ("[environment]\nDEBUG = 1", "2: environment.DEBUG: expected a text in quotes, found 1."),
        (
            "[servers]\nwarm_path = '/'",
            "2: servers.warm_path: there is no such setting; `warm_path` belongs at the top, before the first section.",
        ),
        ("sessions.mode = 'sometimes'", '1: sessions.mode: expected "auto", "sticky" or "none", found "sometimes".'),
    ],
)
def test_a_wrong_setting_is_named_with_its_line_and_the_closest_valid_one(file: Path, text: str, said: str) -> None:
    assert complaint(file, text) == f"seawall.toml:{said}"


def test_all_wrong_settings_are_reported_at_once_in_the_order_of_the_file(file: Path) -> None:
    said = complaint(file, '[servers]\nmin = -1\n[balancer]\nstrategy = "fastest"\ncolour = 1\n')
    assert [line.split(" ")[0] for line in said.splitlines()[1:] if line] == [
        "seawall.toml:2:",
        "seawall.toml:4:",
        "seawall.toml:5:",
    ]


def test_wrong_toml_is_shown_with_line_and_column(file: Path) -> None:
    said = complaint(file, "[balancer]\nstrategy = random\n")
    assert said.startswith("seawall.toml:2:12: not valid TOML: Invalid value.")
    assert said.endswith("strategy = random\n           ^")


def test_an_unclosed_document_is_shown_at_its_end(file: Path) -> None:
    assert complaint(file, "a = [1,\n\n").startswith("seawall.toml:1:8: not valid TOML")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("a = 1\nname = 'caf\xe9'".encode("latin-1"), "seawall.toml:2: expected text in UTF-8, found the byte 0xe9."),
        ("a = " + "[" * 60_000, "seawall.toml:1: brackets nested too deeply to read."),
        ("servers.min = " + "9" * 5000, "seawall.toml:1:"),
        ("servers.min = 0x" + "f" * 5000, "seawall.toml:1: servers.min: expected a whole number from 0 to 200"),
    ],
)
def test_hostile_documents_end_in_a_named_error(file: Path, data: str | bytes, said: str) -> None:
    assert complaint(file, data).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#" * 70_000, "seawall.toml has more than 64 KB."),
        ("a = [" + "1, " * 15_000 + "?]", "seawall.toml:1:45006: not valid TOML"),
        ("\n".join(f"a{number} = 1" for number in range(5000)), "5000 settings in seawall.toml are wrong."),
        ("a" * 60_000 + " = 1", "seawall.toml:1: aaaa"),
        ('name = "' + "a" * 60_000 + '\\u0001"', "seawall.toml:1: name: expected one line of text"),
        (f"name = {QUOTES}" + "\n" * 60_000 + f"{QUOTES}\nservers.mi = 3", "2 settings in seawall.toml are wrong."),
    ],
    ids=["large", "long line", "many", "long key", "long value", "many lines"],
)
def test_little_is_told_of_a_large_file(file: Path, text: str, said: str) -> None:
    told = complaint(file, text)
    assert told.startswith(said)
    assert len(told) < 6000


def test_a_byte_order_mark_is_harmless(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfservers.min = 5\r\n")
    assert load(file).servers.min == 5


def test_a_folder_in_place_of_the_file_is_named(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        load(file)


def test_keys_are_found_however_they_are_written() -> None:
    text = (
        '# c\nname = """\n[servers]\n"""\nservers.min = 2 # [x]\n\n'
        '[ "https" ]\ndomains = [ # a\n  "x", # ]\n]\n"redirect" = true\n'
    )
    lines = key_lines(text)
    assert lines == {
        ("name",): 2,
        ("servers",): 5,
        ("servers", "min"): 5,
        ("https",): 7,
        ("https", "domains"): 8,
        ("https", "redirect"): 11,
    }


VALUES = ["1", '"x"', "true", "1.5", "[1]", "{ a = 1 }", "1979-05-27", '"""\na\n"""', "[\n 1, # ]\n 2\n]"]
NAMES = st.text(string.ascii_lowercase + "_-", min_size=1, max_size=12)
PLACES = [(), *((section,) for section in SECTIONS)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PLACES), NAMES, st.sampled_from(VALUES), st.integers(0, 3), st.booleans())
def test_any_unknown_key_is_named_with_its_line(
    file: Path, section: tuple[str, ...], name: str, value: str, blank: int, quoted: bool
) -> None:
    if (*section, name) in SETTINGS or (not section and name in SECTIONS):
        return
    head = [f"[{section[0]}]"] if section else []
    written = f'"{name}"' if quoted else name
    said = complaint(file, "\n".join([*head, *["# comment"] * blank, f"{written} = {value}"]))
    assert said.startswith(
        f"seawall.toml:{len(head) + blank + 1}: {'.'.join((*section, name))}: there is no such setting"
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(SETTINGS)), st.sampled_from(VALUES))
def test_any_value_is_accepted_or_refused_by_name(file: Path, key: tuple[str, ...], value: str) -> None:
    name = ".".join(key)
    said = complaint(file, f"# first\n{name} = {value}\n")
    assert not said or f"seawall.toml:2: {name}" in said


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(alphabet="[]{}=\"'#\n,. ab1", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(file: Path, data: bytes) -> None:
    said = complaint(file, data)
    assert not said or "seawall.toml:" in said


def test_every_setting_says_what_it_means() -> None:
    assert [key for key, field in SETTINGS.items() if not field.description] == []
    assert all(tuple(key.split(".")) in SETTINGS for key in LIVE)


def test_every_setting_says_how_a_change_takes_effect() -> None:
    assert sorted(EFFECTS) == sorted(map(".".join, SETTINGS))


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (ROOT / "docs/settings.md").read_text() == reference(), "run: make docs"
    written = subprocess.run(
        [sys.executable, "-m", "seawall.config"], capture_output=True, text=True, check=True
    ).stdout
    assert written == reference()


def test_the_example_on_the_page_is_valid(file: Path) -> None:
    example = reference().split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(example)
    file.write_text(example)
    assert load(file).servers.min == 4
