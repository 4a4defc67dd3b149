"""One task for each balancer process: asks it for signs of life and for its word, and has it carry out steps.

Nobody waits for it. Decisions see the last word it gave; a takeover goes on while it is silent.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from seawall.control.inquiry import Inquiry
from seawall.control.processes import Balancer
from seawall.errors import EngineFailed
from seawall.haproxy import deaths, refuse
from seawall.haproxy.render import Edge, ServerAddress
from seawall.haproxy.socket import Word
from seawall.haproxy.statistics import Pulse, Reading
from seawall.judge import BALANCER, Verdict
from seawall.lost import Refused
from seawall.model import FINISHING, Route, SetStrategy, Strategy, TurnAway

BEAT = 0.1  # s between two heartbeats of the active balancer
BEAT_SPARE = 0.3  # s: nobody waits for the spare
WORD = 0.5  # s between two questions for its word while nothing moves
OLD = 1.5  # s after which a word is no longer believed
LOSSES = 2.0  # s between two readings of the log of lost requests; and for which it is read often after a death
REFUSED = 0.5  # s after a refusal: it will hardly think otherwise at once
CLOSED = 0.02  # s between two attempts to reach a socket that nobody listens on
ENDING = 10  # attempts after which a process that refuses is not one that is just ending

Step = Route | SetStrategy | TurnAway


@dataclass
class Link:
    """The conversation with one balancer process from its start to its end."""

    balancer: Balancer
    edge: Edge
    active: Callable[[], bool]
    moving: Callable[[], bool]
    address: Callable[[str], ServerAddress]  # of a server, by name
    wake: Callable[[], None]
    answers: Callable[[], None]  # told when it begins to
    lost: Callable[[str], None]  # told of the balancer's log of lost requests
    failed: Callable[[str], None]  # told of a step that HAProxy refused
    counted: Callable[[Strategy, Reading, float], None]  # told what it has counted, and when (s, the loop's clock)
    last: Word | None = None  # the last word, however old
    said: float = 0.0  # when it was given, on the loop's clock
    fresh: bool = False  # nothing was changed since it was given
    refused: Refused = field(default_factory=Refused)  # what it is to refuse

    def __post_init__(self) -> None:
        self._steps: list[Step] = []
        self._ended = False
        self._refuses: Refused | None = None  # None: what an earlier control plane told it
        self._losses_at = self._losses_until = 0.0
        self._posted = asyncio.Event()
        self._attempts = 0  # to reach it since it last answered
        self._verdict = ""  # why it hangs
        self._finishing = False  # it takes no new visitors
        self.pulse: Pulse | None = None  # what goes on in the backend that is used
        self._counts: tuple[Strategy, Reading] | None = None  # the last
        self.loaded = False  # it has requests, or had some at the last look

    def word(self, now: float) -> Word | None:
        """What it says; None, which means hold, while that is not known."""
        return self.last if self.last and self.fresh and now - self.said < OLD else None

    def post(self, steps: Sequence[Step]) -> None:
        """Have these steps done, in order. While others are under way they are left for the next round to decide."""
        if steps and not self._steps:
            self._steps = list(steps)
            self.fresh = False
            self._posted.set()

    def end(self) -> None:
        """Talk to it no more."""
        self._ended = True
        self._posted.set()
        self.balancer.socket.close()

    async def run(self) -> None:
        """Until the process has ended, or `end` is called."""
        judging = asyncio.create_task(self._judge())
        try:
            while self.balancer.alive and not self._ended:
                try:
                    await self._round()
                except OSError as error:
                    self._unreached(error)
                    await asyncio.sleep(CLOSED)
                except EngineFailed as error:
                    self.failed(error.problem)
                    await asyncio.sleep(REFUSED)
        finally:
            judging.cancel()
            self.balancer.owes, self.balancer.hung = False, ""
            self.balancer.socket.close()

    async def _round(self) -> None:
        await self._carry_out()
        socket, loop = self.balancer.socket, asyncio.get_running_loop()
        if self.refused != self._refuses:
            refused = self.refused
            await socket.ask_all(refuse.commands(refused))
            self._refuses = refused
        self._attempts = 0
        await self._look()
        if loop.time() >= self._losses_at or loop.time() < self._losses_until:
            self._losses_at = loop.time() + LOSSES
            self.lost(await socket.ask(deaths.COMMAND))
        if self.last is None or not self.fresh or self.moving() or loop.time() - self.said > WORD:
            before, self.last, self.said = self.last, await socket.word(), loop.time()
            changed = not self.fresh or before is None or _told(before) != _told(self.last)
            self.fresh = not self._steps
        else:
            changed = False
        if changed or not self.balancer.answering:
            if not self.balancer.answering:
                self.answers()
            self.balancer.answering = True
            self.wake()
        often = self.active() or self.moving() or self.loaded
        await self._pause(BEAT if often else BEAT_SPARE)

    async def _look(self) -> None:
        """Whether it takes visitors, and, where there is anything to count, what it has counted."""
        strategy = self.last.strategy if self.last else None
        pulse = await self.balancer.socket.pulse(strategy)
        self._find(self._verdict, pulse.finishing)
        if strategy is None:
            return
        before, self.pulse = self.pulse, pulse
        loaded = bool(pulse.current) or before is None or pulse.requests != before.requests
        now = asyncio.get_running_loop().time()
        if loaded or self.loaded or self._counts is None or self._counts[0] != strategy:
            self._counts = strategy, await self.balancer.socket.reading(strategy)
        # Where nothing has come since and nothing is there, it says the same again.
        self.counted(*self._counts, now)
        if loaded and not self.loaded:
            self.wake()
        self.loaded = loaded

    def _unreached(self, error: OSError) -> None:
        """It does not listen yet, or has just ended; or it finishes, and our connection was lost."""
        self._attempts += isinstance(error, ConnectionRefusedError)
        process = self.balancer.process
        if self.balancer.answering and self._attempts > ENDING and process and process.alive:
            self._find(self._verdict, True)

    def _find(self, verdict: str, finishing: bool) -> None:
        self._verdict, self._finishing = verdict, finishing
        hung = verdict or (FINISHING if finishing else "")
        if hung != self.balancer.hung:
            self.balancer.hung = hung
            self.wake()

    def look_for_losses(self) -> None:
        """Read the log of lost requests at each round for a while: what a server died of may be told a little later."""
        self._losses_until = asyncio.get_running_loop().time() + LOSSES
        self._posted.set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._posted.wait()
        except TimeoutError:
            return

    async def _carry_out(self) -> None:
        """The steps in order, those that may go together at once; a refusal leaves the later ones undone."""
        self._posted.clear()
        try:
            for _, together in groupby(self._steps, _phase):
                await self._phase_of(list(together))
        finally:
            self._steps = []

    async def _phase_of(self, steps: list[Step]) -> None:
        socket = self.balancer.socket
        for step in steps:
            if isinstance(step, SetStrategy):
                await socket.set_strategy(step.strategy)
            if isinstance(step, TurnAway):
                await socket.turn_away(step.on)
        routes = [(s, self.address(s.server)) for s in steps if isinstance(s, Route)]
        if routes:
            await socket.steps(routes, self.edge)

    async def _judge(self) -> None:
        """Whether it hangs, while it owes an answer."""
        balancer, conversation = self.balancer, self.balancer.socket.conversation
        assert balancer.process is not None
        inquiry = Inquiry(BALANCER, balancer.process)
        try:
            async for verdict in inquiry.follow(lambda: conversation.asked, conversation.arrived):
                balancer.owes = verdict != Verdict.FINE
                self._find(str(verdict) if verdict.hung and balancer.answering else "", self._finishing)
        finally:
            inquiry.close()


def _phase(step: Step) -> int:
    """Servers come before the switch between backends, and go after it."""
    if not isinstance(step, Route):
        return 1
    return 0 if step.step in ("add", "limit", "enable") else 2


def _told(word: Word) -> object:
    """What a decision could be made from; the number of requests alone is none."""
    routes = [(route.strategy, route.server, route.status) for route in word.routes]
    return word.strategy, routes, word.turns_away
