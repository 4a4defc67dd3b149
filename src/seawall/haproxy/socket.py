"""One balancer's runtime socket: what is asked of a running HAProxy, and what it is told (management guide, 9.3)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seawall.errors import EngineFailed
from seawall.haproxy.conversation import Conversation
from seawall.haproxy.render import INTERNAL, LATER, SORRY, Edge, ServerAddress, added_server, backend, server_name
from seawall.haproxy.statistics import Pulse, Reading, Row, pulse, reading, rows_of
from seawall.model import STRATEGIES, Route, RouteSeen, RouteStatus, Strategy

# Object types of `show stat`
_FRONTEND, _BACKEND, _SERVER = 1, 2, 4
# The backend whose servers' states say which strategy is on; see the template.
_SWITCH = "switch"
# What `del server` says while the last connections to a server are open.
_BUSY = "still has connections"
# More requests than can be there.
_ALL = 1_000_000
# The latency table's key is server id * 8192 + step; see the template.
_STEPS = 8192


@dataclass(frozen=True)
class Traffic:
    """Counters since the balancer started, and what is going on now."""

    requests: int = 0
    connections: int = 0  # now
    active: int = 0  # requests in servers now
    queued: int = 0  # requests waiting in the balancer now
    responses: dict[str, int] = field(default_factory=dict)  # "1xx" … "5xx" → count, errors of the balancer included
    servers: dict[str, int] = field(default_factory=dict)  # server → requests given to it


@dataclass(frozen=True)
class Word:
    """What a balancer says of its servers and of the requests for them."""

    routes: tuple[RouteSeen, ...] = ()  # every server in every backend
    strategy: Strategy | None = None  # where visitors are sent; None if it cannot be told
    turns_away: bool = False  # it refuses requests while no server is up


class RuntimeSocket:
    """Every method raises OSError (TimeoutError among them) if the balancer does not answer in time.

    `patience` is how long (s) each waits; None: as long as the balancer lives, for who judges by other signs.
    """

    def __init__(self, path: Path, patience: float | None = 1.0) -> None:
        self.path, self.patience = path, patience
        self.conversation = Conversation(path)

    async def ask(self, command: str) -> str:
        """The answer to one command."""
        return (await self.ask_all([command]))[0]

    async def ask_all(self, commands: Sequence[str]) -> list[str]:
        """The answers to several commands, which are sent at once."""
        async with asyncio.timeout(self.patience):
            return await self.conversation.ask(commands)

    def close(self) -> None:
        self.conversation.close()

    async def heartbeat(self, timeout: float = 0.1) -> bool:
        """Whether the balancer answers within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                return bool(await self.ask("show version"))
        except OSError:
            return False

    async def pulse(self, strategy: Strategy | None) -> Pulse:
        """Whether it takes visitors, and whether there is anything to do in the backend of `strategy`."""
        asked = [f"show stat http {_FRONTEND} -1"]
        asked += [f"show stat {backend(strategy)} {_BACKEND} -1"] if strategy else []
        return pulse(await self.ask_all(asked))

    async def reading(self, strategy: Strategy) -> Reading:
        """What it has counted of requests in the backend of `strategy`, and what goes on in it."""
        asked = [f"show stat {backend(strategy)} {_BACKEND + _SERVER} -1", "show table streams"]
        return reading(*await self.ask_all(asked))

    async def word(self) -> Word:
        """All that decisions are made from."""
        asked = [f"show stat {backend(strategy)} {_SERVER} -1" for strategy in STRATEGIES]
        *statistics, switch = await self.ask_all([*asked, f"show servers state {_SWITCH}"])
        rows = [row for answer in statistics for row in rows_of(answer)]
        return Word(
            routes=tuple(_route(row) for row in rows if row["svname"] not in INTERNAL),
            strategy=_strategy(switch),
            turns_away=any(row["svname"] == SORRY and _status(row) == "up" for row in rows),
        )

    async def turn_away(self, on: bool) -> None:
        """Answer requests 503 while no server is up, those that wait too; or let them wait again."""
        state = "ready" if on else "maint"
        await self._tell([(f"set server {backend(strategy)}/{SORRY} state {state}", "") for strategy in STRATEGIES])

    async def let_go(self) -> None:
        """Have those that wait for a server take the step inside (`waited`) all at once, and who comes later too."""
        await self.ask_all([_waiting(strategy, _ALL) for strategy in STRATEGIES])

    async def set_strategy(self, strategy: Strategy) -> None:
        """Send visitors to the backend of `strategy` from the next request on. Raises EngineFailed."""
        # In this order one is always on, whenever a control plane that does it is killed.
        others = [f"set server {_SWITCH}/{other} state maint" for other in STRATEGIES if other != strategy]
        # Who waits in the queue of another one goes into the new one's.
        waiting = [_waiting(other, most) for other in STRATEGIES if other != strategy for most in (_ALL, 1)]
        commands = [f"set server {_SWITCH}/{strategy} state ready", *others, *waiting]
        await self._tell([(command, "") for command in commands])

    async def steps(self, steps: Sequence[tuple[Route, ServerAddress]], edge: Edge) -> bool:
        """Do steps with servers, all at once. True when they are done, or were done before.

        False: a `remove` has to wait until the last connection is closed. Raises EngineFailed for any other refusal.
        """
        return await self._tell([command for route, address in steps for command in _commands(route, address, edge)])

    async def _tell(self, commands: Sequence[tuple[str, str]]) -> bool:
        """Each command with what HAProxy may say besides having done it. The first refusal is the one raised."""
        answers = await self.ask_all([command for command, _ in commands])
        for (command, fine), answer in zip(commands, answers, strict=True):
            if not (command.startswith("del ") and _BUSY in answer):
                _check(answer, command, fine)
        return not any(_BUSY in answer for answer in answers)

    async def traffic(self) -> Traffic:
        """Counters of the whole edge and of every server."""
        asked = [f"show stat {name} {_FRONTEND} -1" for name in ("http", "https")]
        asked += [f"show stat {backend(strategy)} 6 -1" for strategy in STRATEGIES]
        # Without HTTPS there is no such frontend, which HAProxy says in a sentence.
        answers = [answer for answer in await self.ask_all(asked) if answer.startswith("# ")]
        rows = [row for answer in answers for row in rows_of(answer)]
        fronts = [row for row in rows if row["svname"] == "FRONTEND"]
        backs = [row for row in rows if row["svname"] == "BACKEND"]
        servers: dict[str, int] = {}
        for row in rows:
            if row["type"] == "2" and row["svname"] not in INTERNAL:
                servers[row["svname"]] = servers.get(row["svname"], 0) + int(row["stot"])
        return Traffic(
            requests=_total(fronts, "req_tot"),
            connections=_total(fronts, "scur"),
            active=_total(backs, "scur") - _total(backs, "qcur"),
            queued=_total(backs, "qcur"),
            responses={f"{n}xx": _total(fronts, f"hrsp_{n}xx") for n in range(1, 6)},
            servers=servers,
        )

    async def latencies(self) -> dict[tuple[str, int], int]:
        """How many requests each server answered in how many milliseconds: (server, ms) → count.

        Of all requests, or of one in 16 while there are more than EXACT_RATE a second.
        From the whole request received to the first byte of the answer, so waiting in the balancer is included.
        """
        table = {}
        for line in (await self.ask("show table latency")).splitlines():
            if (start := line.find(" key=")) > 0:
                key = int(line[start + 5 : line.index(" ", start + 5)])
                server, step = divmod(key, _STEPS)
                table[server_name(server), milliseconds(step)] = int(line.rsplit("=", 1)[1])
        return table


def _waiting(strategy: Strategy, most: int) -> str:
    """How many requests at once may take the step inside while there is no server: one, so that the others wait."""
    return f"set maxconn server {backend(strategy)}/{LATER} {most}"


def _commands(route: Route, address: ServerAddress, edge: Edge) -> list[tuple[str, str]]:
    """What a step is in HAProxy's words, and what it may answer when the step was done before."""
    name = f"{backend(route.strategy)}/{route.server}"
    limit = f"set maxconn server {name} {address.limit or edge.concurrency}"
    match route.step:
        case "add":
            # `add server … enabled` would corrupt the count of active servers (HAProxy issue 2497).
            return [(f"add server {name} {added_server(edge, address)}", "already"), (f"enable health {name}", "")]
        case "enable":
            # One that leaves "drain" does not look for those who wait meanwhile; one that is given its maxconn does.
            return [(f"set server {name} state ready", ""), (limit, "")]
        case "limit":
            return [(limit, "No such server")]
        case "drain" | "maint":
            return [(f"set server {name} state {route.step}", "No such server")]
        case "remove":
            return [(f"del server {name}", "No such server")]


def _strategy(answer: str) -> Strategy | None:
    # A server a line: number and name of its backend, its own, its address, whether it is up (guide, section 9.3).
    rows = [line.split() for line in answer.splitlines()]
    up = {row[3] for row in rows if row[1:2] == [_SWITCH] and row[5] != "0"}
    return next((strategy for strategy in STRATEGIES if strategy in up), None)


def milliseconds(step: int) -> int:
    """The latency a step of the histogram stands for, rounded down: 1 ms steps to 100 ms, 10 ms to 1 s, then 100 ms."""
    if step < 100:
        return step
    return (step - 90) * 10 if step < 190 else (step - 180) * 100


def backend_requests(answer: str) -> int:
    """Requests in servers and in queues, from a `show stat` of backends."""
    return _total(list(rows_of(answer)), "scur")


def _total(rows: list[Row], name: str) -> int:
    return sum(int(row[name] or 0) for row in rows)


_STATUS: dict[str, RouteStatus] = {"UP": "up", "DOWN": "down", "DRAIN": "drain", "MAINT": "maint", "no": "up"}


def _status(row: Row) -> RouteStatus:
    # "UP 1/2" and "MAINT (via …)" begin with the word that counts; "no check" is a server without heartbeats.
    return _STATUS.get(row["status"].split()[0], "down")


def _route(row: Row) -> RouteSeen:
    latency = row["check_duration"]
    strategy = next(strategy for strategy in STRATEGIES if row["pxname"] == backend(strategy))
    return RouteSeen(
        strategy=strategy,
        server=row["svname"],
        status=_status(row),
        check=row["check_status"].lstrip("* "),
        latency=int(latency) / 1000 if latency else None,
        current=int(row["scur"]),
        queued=int(row["qcur"]),
        limit=int(row["slim"] or 0),
    )


# HAProxy has no error codes here, only sentences; these are the ones of success.
_DONE = ("", "New server registered.", "Server deleted.")


def _check(answer: str, command: str, fine: str) -> None:
    answer = answer.strip()
    if answer in _DONE or (fine and fine in answer):
        return
    raise EngineFailed(f"HAProxy refused `{command}`: {answer}")
