"""Reads in a balancer's log of lost requests which were given up because servers died under them."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from seawall.haproxy.render import RING
from seawall.lost import BadAnswer, RequestDeath

COMMAND = f"show events {RING}"  # to the runtime socket; the answer is what Losses.new() reads
LAST = "last"  # the frontend of second tries, where servers do not know of the first; see the template
PATIENCE = 60  # readings until the end of a server must have been seen, too


@dataclass(frozen=True)
class _Line:
    """One of LOG_FORMAT. `how` are HAProxy's two letters (manual, section 8.5): SH is a server that closed."""

    at: str  # Unix time, s
    number: str
    frontend: str
    how: str
    status: str
    server: str
    ended: str
    method: str
    target: str


@dataclass
class Losses:
    """The balancers' logs, as far as they have been read. What a log holds at the first reading is old news."""

    first_is_news: bool = False
    _known: dict[str, frozenset[_Line]] = field(default_factory=dict)  # by log: what it held at the last reading
    _waiting: dict[_Line, int] = field(default_factory=dict)  # deaths of servers that live as far as we know
    _told: set[str] = field(default_factory=set)

    def begin(self, log: str) -> None:
        """It is another process's from now on."""
        self._known.pop(log, None)

    def new(self, log: str, answer: str, alive: Collection[str]) -> tuple[list[RequestDeath], list[BadAnswer]]:
        """What the answer to COMMAND says that was not told before; `log` names whose it is.

        A server may close a connection without an answer, and live: only the end of those that are not in `alive`
        is a death.
        """
        lines = frozenset(line for line in map(_line, answer.splitlines()) if line)
        before = self._known.get(log, frozenset() if self.first_is_news else lines)
        self._known[log] = lines
        bad = [_bad(line) for line in lines - before if line.how == "PH"]
        self._waiting |= {line: PATIENCE for line in lines - before if _is_death(line)}
        return self._dead(set(alive)), bad

    def _dead(self, alive: set[str]) -> list[RequestDeath]:
        deaths = {line.number: _death(line) for line in self._waiting if not set(_death(line).servers) & alive}
        found = [death for number, death in deaths.items() if number not in self._told]
        self._waiting = {
            line: left - 1 for line, left in self._waiting.items() if line.number not in deaths and left > 1
        }
        # Both a step inside and the one before it may tell of the same request.
        self._told = {line.number for lines in self._known.values() for line in lines} & (self._told | deaths.keys())
        return found


def _is_death(line: _Line) -> bool:
    told = line.ended or (line.frontend == LAST and line.how == "SH")
    return bool(told and _death(line).servers)


def _death(line: _Line) -> RequestDeath:
    """Without servers where it was in the waiting room: of which server it died is not told."""
    servers = re.findall(r"\bs[0-9]+\b", line.ended or line.server)
    return RequestDeath(line.number, line.method, line.target, tuple(servers))


def _bad(line: _Line) -> BadAnswer:
    return BadAnswer(line.number, line.method, line.target, line.server)


def _line(text: str) -> _Line | None:
    """None for what is no line of ours, such as a request that was no HTTP."""
    words = text.split(" ", 8)
    if len(words) < 9 or not words[0].isdigit():
        return None
    at, number, frontend, how, status, server, ended, method, target = words
    return _Line(
        at, number, frontend.rstrip("~"), how[:2], status, server, ended.replace("-", ""), method, _target(target)
    )


def _target(logged: str) -> str:
    """Path and query as sent. HAProxy writes unusual bytes as #XX; over HTTP/2 the whole URI."""
    sent = re.sub(rb"#([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), logged.encode(errors="replace"))
    return re.sub(r"^[a-z]+://[^/]*", "", sent.decode(errors="surrogateescape"), flags=re.IGNORECASE)
