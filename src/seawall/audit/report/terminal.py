"""The report for people at a terminal, 80 columns wide; plain text where there is none."""

import io
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from seawall.audit.finding import Finding, Place, Severity
from seawall.audit.mask import HIDDEN, cut
from seawall.audit.report.words import SURE, count, day, figure, plain, verdict, where, who, wipes
from seawall.audit.run import Report, alarms

SHOWN = 20  # findings; the worst come first
_COLOURS: dict[Severity, str] = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "bold yellow",
    "low": "bold cyan",
    "information": "bold",
}


def show(report: Report, everything: bool = False) -> None:
    """Print it. A terminal that cannot show a character gets another one instead."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    # A long address is left to the terminal to break: only then can it be clicked and copied.
    _Console(highlight=False).print(render(report, everything), crop=False)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # Rich would end with 1, which is for findings


def render(report: Report, everything: bool = False) -> RenderableType:
    """The worst findings first, or `everything`; then the verdict, what is missing, what to do next."""
    acute = alarms(report)
    limit = len(report.findings) + len(report.known) if everything else SHOWN
    parts = [*_acute(acute, limit), *_for_information(report, max(0, limit - len(acute))), *_accepted(report, limit)]
    return Group(*parts, Rule(style="dim"), *_end(report))


def _acute(findings: Sequence[Finding], limit: int) -> Iterator[RenderableType]:
    told: set[tuple[str, str]] = set()  # what to do is said once for each kind
    for severity, group in groupby(findings[:limit], key=lambda finding: finding.severity):
        total = sum(finding.severity == severity for finding in findings)
        yield from _head(severity, total, _COLOURS[severity])
        for finding in group:
            yield from _finding(finding)
            yield from _steps(finding) if (finding.id, finding.remedy) not in told else ()
            yield Text()
            told.add((finding.id, finding.remedy))
    if hidden := len(findings[limit:]):
        yield Text(f"… and {count(hidden, 'more finding')}, none of them worse: --all shows them.", "bold")
        yield Text()


def _head(name: str, total: int, style: str) -> Iterator[RenderableType]:
    yield Rule(Text(f" {name} · {total:,} ", style), align="left", style="dim")
    yield Text()


def _finding(finding: Finding) -> Iterator[RenderableType]:
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column(ratio=1)
    head.add_column(justify="right", overflow="fold")
    head.add_row(Text(plain(finding.title), "bold"), Text(plain(finding.id), "dim"))
    state = Text("still in the tip", "red") if finding.in_tip else Text("in the history only", "green")
    times = f" · seen {count(finding.times, 'time')} · {finding.fingerprint[:8]}"
    body: list[RenderableType] = [Text.assemble(SURE[finding.sureness], " · ", state, times), _places(finding)]
    body += [_Proof(plain(line)) for line in finding.proof[:1]]
    yield head
    yield Padding(Group(*body), (0, 0, 0, 2))


class _Proof:
    """A line with its masked secret, which a narrow terminal must not cut off."""

    def __init__(self, line: str) -> None:
        self.line = line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width = options.max_width - len("│ ……")
        line = cut(self.line, max(0, self.line.find(HIDDEN)), max(1, width)) if len(self.line) > width else self.line
        yield Text(f"│ {line}", "cyan", no_wrap=True, overflow="ellipsis")


def _for_information(report: Report, limit: int) -> Iterator[RenderableType]:
    """A line each, as nobody has to act on them, and once what they all have to say."""
    findings = [finding for finding in report.findings if finding.severity == "information"]
    if not findings:
        return
    yield from _head("information", len(findings), _COLOURS["information"])
    for finding in findings[:limit]:
        last, known = where(finding.last), (f"  {finding.fingerprint[:8]}", "dim")
        yield Text.assemble((plain(finding.title), "bold"), "  ", last, known)
    yield from _hidden(len(findings), limit, "for information")
    for finding in {each.remedy: each for each in findings[:limit]}.values():
        yield from _steps(finding)
    yield Text()


def _accepted(report: Report, limit: int) -> Iterator[RenderableType]:
    """A line each: what somebody decided, and until when."""
    if not report.known:
        return
    yield from _head("accepted", len(report.known), "dim")
    for known in report.known[:limit]:
        until = f"until {known.entry.expires}" if known.entry.expires else "no end"
        about = f"{known.finding.title}  {where(known.finding.last)}  {known.entry.reason} ({until})"
        yield Text(plain(about), "dim")
    yield from _hidden(len(report.known), limit, "accepted")
    yield Text()


def _hidden(total: int, limit: int, what: str) -> Iterator[RenderableType]:
    if total > limit:
        yield Text(
            f"… and {total - limit:,} {'more ' if limit else ''}{what}: --all, --html or --json shows them.", "dim"
        )


def _places(finding: Finding) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    if finding.first == finding.last:
        table.add_row("at", _place(finding.first))
    else:
        table.add_row("first", _place(finding.first))
        table.add_row("last", _place(finding.last))
    return table


def _place(place: Place) -> Text:
    about = " ".join(filter(None, (plain(place.commit[:8]), day(place), who(place))))
    return Text.assemble(where(place), (f"  {about}", "dim")) if about else Text(where(place))


def _steps(finding: Finding) -> Iterator[RenderableType]:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="green")
    table.add_column(overflow="fold")
    for step in finding.remedy.splitlines():
        table.add_row("→", plain(step))
    yield Padding(table, (0, 0, 0, 2))
    yield from (Text(f"    {plain(link)}", "dim", no_wrap=True, overflow="ignore") for link in finding.links[:1])


def _end(report: Report) -> Iterator[RenderableType]:
    if report.gaps:
        yield Text(f" INCOMPLETE: {count(len(report.gaps), 'gap')} ", "bold white on red")
        for gap in report.gaps:
            yield Text(f"  ✗ {plain(gap.what)}")
            yield from (Text(f"    → {plain(step)}", "green") for step in gap.remedy.splitlines())
        yield Text()
    for known in report.expired:
        ended = f"  {known.finding.id}: {known.entry.reason} (until {known.entry.expires})"
        yield Text("No longer accepted, its time is over:", "yellow") + Text(plain(ended))
    yield Text(f"{verdict(report)}.", _verdict_style(report))
    if report.known:
        yield Text(f"{count(len(report.known), 'more finding')} in the baseline, not counted.", "dim")
    figures = ", ".join(figure(name, value) for name, value in report.figures.items())
    yield Text(f"{plain(report.subject.name)}: {figures or 'audited'} in {report.seconds:.1f} s", "dim")
    yield from _next(report)


def _verdict_style(report: Report) -> str:
    if alarms(report):
        return "bold red"
    return "bold yellow" if report.gaps else "bold green"


def _next(report: Report) -> Iterator[RenderableType]:
    if not report.findings:
        return
    table = Table.grid(padding=(0, 2))
    table.add_row(Text("--html report.html", "bold"), "the same as a page to read and pass on")
    if wipes(report.findings):
        table.add_row(Text("seawall secrets wipe", "bold"), "takes them out of the history, once they are revoked")
    table.add_row(
        Text("seawall secrets accept", "bold"), f"lets one stay: {report.findings[0].fingerprint[:8]} --reason …"
    )
    yield Padding(table, (1, 0, 0, 0))
