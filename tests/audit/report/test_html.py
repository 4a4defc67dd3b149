import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from seawall.audit.report.html import as_html
from seawall.audit.report.timeline import ROWS, timeline
from seawall.audit.run import Report, Subject
from tests.audit.report.made import FINDINGS, GAPS, HOSTILE, REPORT, STARTED, finding, place

CLEAN = Report(Subject("/srv/flights"), STARTED, 0.1, ())


class Page(HTMLParser):
    """What a browser would make of it: elements with their attributes, and the text."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self.text = ""
        self.source = as_html(report)
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.inside[self.cdata_elem] = self.inside.get(self.cdata_elem, "") + data
        else:
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_every_finding_has_a_card_that_the_filters_know() -> None:
    cards = Page(REPORT).of("article")
    assert [card["data-severity"] for card in cards] == [finding.severity for finding in REPORT.findings]
    assert [card["data-tip"] for card in cards] == [
        "tip" if finding.in_tip else "history" for finding in REPORT.findings
    ]


def test_the_verdict_comes_first_and_gaps_right_after() -> None:
    text = Page(REPORT).text
    order = [
        "7 findings, 3 still in the tip; 1 more for information",
        "Incomplete: 2 gaps",
        "In this order",
        "GitHub access token",
        "Accepted:",
    ]
    places = [text.index(each) for each in order[:3]] + [text.rindex(each) for each in order[3:]]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("report", "verdict"),
    [(CLEAN, "Nothing found"), (CLEAN._replace(gaps=GAPS), "Nothing found, but not everything was looked at")],
)
def test_without_findings_there_is_a_verdict_and_what_was_looked_at(report: Report, verdict: str) -> None:
    page = Page(report)
    assert f"<h1>{verdict}</h1>" in page.source
    assert "What was looked at" in page.text
    assert "In this order" not in page.text
    assert page.of("article") == []


def test_text_from_the_repository_stays_text() -> None:
    page = Page(REPORT)
    assert len(page.of("script")) == 1
    assert "alert(1)" not in page.inside["script"]
    assert "<script>alert(1)</script>\"'&\\x1b[31m\\u202e" in page.text
    assert not set(page.source) & set("\x1b\u202e")
    page.source.encode()  # a lone surrogate could not be


def test_nothing_is_loaded_and_nothing_but_its_own_script_and_style_may_run() -> None:
    page = Page(REPORT)
    policy = next(each["content"] for each in page.of("meta") if each.get("http-equiv") == "Content-Security-Policy")
    hashes = {
        tag: base64.b64encode(hashlib.sha256(page.inside[tag].encode()).digest()).decode()
        for tag in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    names = {name for _, attributes in page.elements for name in attributes}
    assert not names & {"src", "srcset", "style", "action", "onclick", "onload", "integrity"}
    assert not {tag for tag, _ in page.elements} & {"link", "img", "iframe", "object", "base"}
    assert not re.search(r"@import|url\(", page.inside["style"])


def test_only_addresses_of_pages_can_be_followed() -> None:
    page = Page(REPORT)
    followed = {str(each["href"]) for each in page.of("a")}
    assert {each for each in followed if not each.startswith("#")} == {
        link for finding in FINDINGS[:4] for link in finding.links
    }
    assert "javascript:alert(1)" in page.text


def test_no_password_of_an_address_is_in_it() -> None:
    assert "deploy:pass" not in Page(REPORT).source
    assert HOSTILE not in Page(REPORT).source


def test_the_timeline_goes_from_the_oldest_to_now() -> None:
    drawn = timeline(REPORT.findings, STARTED)
    assert [row.finding.id.removeprefix("secrets/") for row in drawn.rows[:3]] == [
        "django-secret-key",
        "github-token",
        "password",
    ]
    assert (drawn.rows[0].start, drawn.rows[0].end) == (0, 100)
    assert [row.finding.id for row in drawn.rows if row.start is None] == [
        "secrets/url-password",
        "secrets/password-hash",
    ]
    assert [text for _, text in drawn.ticks] == ["2021", "2022", "2023", "2024", "2025"]


def test_a_clock_that_is_wrong_stays_in_the_picture() -> None:
    future = finding("secrets/a", "A", first=place("a", 1, day="2099-01-01"))
    backwards = finding("secrets/b", "B", first=place("b", 1, day="2025-05-01"), last=place("b", 1, day="2024-05-01"))
    nonsense = finding("secrets/c", "C", first=place("c", 1, date="yesterday"))
    for row in timeline([future, backwards, nonsense], STARTED).rows:
        assert row.start is None or 0 <= row.start <= (row.end or 0) <= 100


@pytest.mark.parametrize("days", [0, 1, 20, 61, 400, 1100, 12_000])
def test_there_are_a_few_marks_whatever_the_span(days: int) -> None:
    day = (STARTED - timedelta(days=days)).date().isoformat()
    drawn = timeline([finding("secrets/a", "A", first=place("a", 1, day=day))], STARTED)
    assert 2 <= len(drawn.ticks) <= 14
    assert len({text for _, text in drawn.ticks}) == len(drawn.ticks)
    assert all(0 <= tick <= 100 for tick, _ in drawn.ticks)


def test_many_findings_all_have_a_card_and_the_worst_a_row() -> None:
    many = tuple(finding(f"secrets/{number}", f"Kind {number}") for number in range(60))
    page = Page(REPORT._replace(findings=many))
    assert len(page.of("article")) == 60
    assert len([each for each in page.of("a") if str(each["href"]).startswith("#f")]) == ROWS
    assert "52 other kinds" in page.text
