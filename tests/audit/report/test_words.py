import pytest

from seawall.audit.finding import Finding, Place
from seawall.audit.report.words import count, day, figure, plain, verdict, where, who
from tests.audit.report.made import FINDINGS, GAPS, REPORT, place

TOKEN, KEY, _, DJANGO, *_, HASH = FINDINGS


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        ((), "Nothing found"),
        ((TOKEN,), "1 finding, still in the tip"),
        ((KEY,), "1 finding, in the history only"),
        ((TOKEN, DJANGO), "2 findings, all still in the tip"),
        ((TOKEN, KEY), "2 findings, 1 still in the tip"),
        ((HASH,), "Nothing found; 1 more for information"),
        ((TOKEN, HASH, HASH), "1 finding, still in the tip; 2 more for information"),
    ],
)
def test_the_verdict_is_one_sentence(findings: tuple[Finding, ...], sentence: str) -> None:
    assert verdict(REPORT._replace(findings=findings, gaps=())) == sentence


def test_nothing_found_in_what_could_be_looked_at_is_not_nothing_found() -> None:
    assert verdict(REPORT._replace(findings=(), gaps=GAPS)) == "Nothing found, but not everything was looked at"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Jürgen, 東京", "Jürgen, 東京"),
        ("a\nb\x1b[0m\x9b", r"a\x0ab\x1b[0m\x9b"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("caf\udce9", r"caf\xe9"),
        ("half \ud83d", r"half \ud83d"),
    ],
)
def test_what_is_not_seen_is_written_out(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_place_has_a_name_wherever_it_is() -> None:
    assert where(place("a.zip", within=("zip: b.txt", "base64"))) == "a.zip → zip: b.txt → base64"
    assert where(Place("commit message")) == "commit message"
    assert where(Place("config", "remote.origin.url", 3)) == "config remote.origin.url:3"
    assert who(place("a", author="Ada <ada@example.org>")) == "Ada"
    assert day(Place("file", "a", date="no day at all")) == ""


def test_figures_have_their_units() -> None:
    told = [figure("bytes", 999), figure("bytes", 1_048_576_000), figure("objects", 18423), figure("MB/s", 258.75)]
    assert told == ["999 B", "1.0 GB", "18,423 objects", "258.8 MB/s"]
    assert [figure("commits", 1), figure("objects", 0)] == ["1 commit", "0 objects"]
    assert [count(1, "entry"), count(2, "entry"), count(1204, "finding")] == ["1 entry", "2 entries", "1,204 findings"]
