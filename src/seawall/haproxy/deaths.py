"""Reads in a balancer's log of lost requests which were given up because servers died under them."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from seawall.haproxy.render import RING
from seawall.lost import BadAnswer, RequestDeath

COMMAND = f"show events {RING}"  # to the runtime socket; the answer is what Losses.new() reads
LAST = "last"  # the frontend of second tries, where servers do not know of the first; see the template
PATIENCE = 10  # s until the end of a server must have been seen, too


@dataclass(frozen=True)
class _Line:
    """One of LOG_FORMAT. `how` are HAProxy's two letters (manual, section 8.5): SH is a server that closed."""

    at: int  # Unix time, s
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
    """Both balancers' logs, as far as they have been read. What was lost before `since` (Unix time, s) is old news."""

    since: int
    _read: dict[_Line, None] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def new(self, answer: str, alive: Collection[str]) -> tuple[list[RequestDeath], list[BadAnswer]]:
        """What the answer to COMMAND says that was not told before.

        A server may close a connection without an answer, and live: only the end of those that are not in `alive`
        is a death.
        """
        lines = [line for line in map(_line, answer.splitlines()) if line and line.at >= self.since]
        self._read |= dict.fromkeys(lines)
        deaths = [death for death in self._deaths() if not set(death.servers) & set(alive)]
        bad = [_bad(line) for line in self._read if line.how == "PH" and line.number not in self._told]
        self._told |= {death.number for death in deaths} | {one.number for one in bad}
        self._forget()
        return deaths, bad

    def _deaths(self) -> list[RequestDeath]:
        lines = (line for line in self._read if line.number not in self._told)
        deaths = (_death(line) for line in lines if line.ended or (line.frontend == LAST and line.how == "SH"))
        return [death for death in deaths if death.servers]

    def _forget(self) -> None:
        newest = max((line.at for line in self._read), default=0)
        self.since = max(self.since, newest - PATIENCE)
        self._read = {line: None for line in self._read if line.at >= self.since}
        self._told &= {line.number for line in self._read}


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
        int(at), number, frontend.rstrip("~"), how[:2], status, server, ended.replace("-", ""), method, _target(target)
    )


def _target(logged: str) -> str:
    """Path and query as sent. HAProxy writes unusual bytes as #XX; over HTTP/2 the whole URI."""
    sent = re.sub(rb"#([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), logged.encode(errors="replace"))
    return re.sub(r"^[a-z]+://[^/]*", "", sent.decode(errors="surrogateescape"), flags=re.IGNORECASE)
