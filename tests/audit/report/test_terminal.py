import io

import pytest
from rich.console import Console

from seawall.audit.baseline import Known
from seawall.audit.report.terminal import SHOWN, render, show
from seawall.audit.run import Report, Subject
from tests.audit.report.made import ACCEPTED, FINDINGS, GAPS, REPORT, STARTED

CLEAN = Report(Subject("/srv/flights"), STARTED, 0.1, (), figures={"objects": 12})


def text_of(report: Report, everything: bool = False, terminal: bool = False) -> str:
    out = io.StringIO()
    colours = "standard" if terminal else None
    console = Console(file=out, width=80, force_terminal=terminal, highlight=False, color_system=colours)
    console.print(render(report, everything), crop=False)
    return out.getvalue()


def block(text: str, identifier: str) -> list[str]:
    """The lines about one finding."""
    lines = [line.rstrip() for line in text.splitlines()]
    start = next(number for number, line in enumerate(lines) if line.endswith(identifier))
    return lines[start : lines.index("", start)]


def test_a_finding_says_what_where_how_sure_and_what_to_do() -> None:
    assert block(text_of(REPORT), "secrets/github-token") == [
        "GitHub access token                                         secrets/github-token",
        "  checksum verified · still in the tip · seen 14 times · 49c47f9c",
        f"  first deploy/release.sh:7  {FINDINGS[0].first.commit[:8]} 2021-02-11 Ada Lovelace",
        f"  last  deploy/release.sh:9  {FINDINGS[0].last.commit[:8]} 2025-05-20 Grace Hopper",
        '  │ export GITHUB_TOKEN="ghp_***Ml17"',
        "  → Revoke it at GitHub and make a new one.",
        "  → Take it out of the files.",
        "  → Then take it out of the history: seawall secrets wipe",
        f"    {FINDINGS[0].links[0]}",
    ]


@pytest.mark.parametrize("width", [30, 60, 80])
def test_a_narrow_terminal_shows_the_masked_secret_of_a_long_line(width: int) -> None:
    line = f"…{'0123456789' * 6} New User <new@user.test>\tcommit: ghp_***Ml17 {'and more ' * 3}"
    out = io.StringIO()
    report = REPORT._replace(findings=(FINDINGS[0]._replace(proof=(line,)),))
    Console(file=out, width=width).print(render(report), crop=False)
    (shown,) = (text.rstrip() for text in out.getvalue().splitlines() if text.startswith("  │"))
    assert "ghp_***" in shown
    assert len(shown) <= width


def test_wiping_is_offered_where_it_is_what_to_do() -> None:
    offer = "takes them out of the history"
    assert offer in text_of(REPORT)
    local = FINDINGS[0]._replace(remedy="It is in no commit: keep it so.")
    assert offer not in text_of(REPORT._replace(findings=(local,)))


def test_only_addresses_are_wider_than_the_terminal() -> None:
    wide = [line.strip() for line in text_of(REPORT).splitlines() if len(line.rstrip()) > 80]
    assert wide == [*FINDINGS[0].links, *FINDINGS[2].links]


def test_severities_come_in_order_with_their_numbers() -> None:
    heads = [line.split("─")[0].strip() for line in text_of(REPORT).splitlines() if " · " in line and "───" in line]
    assert heads == ["critical · 2", "high · 2", "medium · 2", "low · 1", "information · 1", "accepted · 1"]


def test_an_incomplete_one_says_so_with_every_gap_and_what_to_do() -> None:
    text = text_of(REPORT)
    assert "INCOMPLETE: 2 gaps" in text
    assert "git fetch --refetch --no-filter" in text
    nothing = text_of(CLEAN._replace(gaps=GAPS))
    assert "Nothing found, but not everything was looked at." in nothing
    assert "INCOMPLETE" in nothing


def test_a_clean_one_is_short() -> None:
    text = text_of(CLEAN)
    assert "Nothing found." in text
    assert "/srv/flights: 12 objects in 0.1 s" in text
    assert "wipe" not in text
    assert len(text.splitlines()) == 3


def test_of_many_the_worst_are_shown_and_the_rest_is_counted() -> None:
    many = REPORT._replace(findings=tuple(FINDINGS[5]._replace(title=f"No. {number}.") for number in range(50)))
    text = text_of(many)
    assert text.count("seen 6 times") == SHOWN
    assert "… and 30 more findings, none of them worse: --all shows them." in text
    assert "medium · 50" in text
    everything = text_of(many, everything=True)
    assert everything.count("seen 6 times") == 50
    assert "--all" not in everything


@pytest.mark.parametrize(("acute", "shown"), [(0, SHOWN), (15, 5), (20, 0), (30, 0)])
def test_information_comes_last_and_is_never_left_out_without_a_word(acute: int, shown: int) -> None:
    findings = [FINDINGS[5]._replace(title=f"No. {number}.") for number in range(acute)]
    findings += [FINDINGS[7]._replace(title=f"Sample {number}.") for number in range(27)]
    text = text_of(REPORT._replace(findings=tuple(findings)))
    assert text.count("Sample ") == shown
    assert text.count("seen 6 times") == min(acute, SHOWN)
    more = "more " if shown else ""
    assert f"… and {27 - shown} {more}for information: --all, --html or --json shows them." in text
    assert "information · 27" in text
    assert ("more finding" in text.split("information · 27")[0]) == (acute > SHOWN)
    assert text.find("seen 6 times") < text.index("information · 27")
    everything = text_of(REPORT._replace(findings=tuple(findings)), everything=True)
    assert everything.count("Sample ") == 27
    assert "shows them" not in everything


def test_what_was_accepted_is_a_line_with_reason_and_end() -> None:
    many = tuple(
        Known(ACCEPTED, REPORT.known[0].entry._replace(reason=f"Reason {number}", expires=None)) for number in range(23)
    )
    text = text_of(CLEAN._replace(known=many))
    assert text.count("Password  examples/demo.env:2  Reason ") == SHOWN
    assert "Reason 0 (no end)" in text
    assert "… and 3 more accepted: --all, --html or --json shows them." in text
    assert text.index("accepted · 23") < text.index("Nothing found.")
    assert text_of(CLEAN._replace(known=many), everything=True).count("Reason ") == 23
    told = " ".join(text_of(REPORT).split())
    assert "Password examples/demo.env:2 Only for the demo" in told
    assert "(until 2030-01-01)" in told


def test_what_was_accepted_is_told() -> None:
    text = " ".join(text_of(REPORT).split())
    assert "1 more finding in the baseline, not counted." in text
    assert "Until the move to the new provider (until 2024-01-01)" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_text_from_the_repository_cannot_command_the_terminal(terminal: bool) -> None:
    text = text_of(REPORT, terminal=terminal)
    assert r"\x1b[31m\u202e" in text
    assert not set(text) & set("\u202e\udce4\r\x07")
    assert "\x1b[31m\u202e" not in text
    assert ("\x1b" in text) is terminal


def test_a_terminal_that_knows_only_ascii_gets_something(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, "ascii"))
    show(REPORT)
    assert b"GitHub access token" in raw.getvalue()
