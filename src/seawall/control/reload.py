"""Settings that change while the site runs: tried, put in effect and on record as a whole, and waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from seawall.config.effects import AT_ONCE, SERVERS, effects, flat
from seawall.config.live import Proposal, ordered, saved, unsets, with_live
from seawall.control import limits
from seawall.control.act.warms import Attempt, Warms
from seawall.control.change import Change
from seawall.control.compare import compared
from seawall.control.giving_up import does_not_start
from seawall.control.state import State
from seawall.control.tasks import Tasks
from seawall.control.telling import as_answer, in_words
from seawall.control.wanted import Wanted, built, lightly, starts_alike
from seawall.errors import ChangeRefused, SeawallError, StateUnusable, shell
from seawall.fleet.application import find
from seawall.model import Event

PROGRESS = 2.0  # s between two words on what goes on
LOOK = 0.05  # s between two looks
MORE = 30.0  # s that a change may take besides the timeouts of servers; then it is said what goes on
LIMITS = ("servers.cpu", "servers.memory")
ATTEMPTS = 2  # servers of a command that die before any has answered: then all is as it was before

Answers = AsyncIterator[dict[str, Any]]
GOES_ON = "What runs goes on as it is. Correct it, then: seawall reload"


@dataclass
class Changes:
    """The changes of settings of one site, one at a time. `kept` is called when there may be another certificate."""

    state: State
    warms: Warms
    tasks: Tasks
    kept: Callable[[], None] = lambda: None
    current: Change | None = None

    async def reload(self, dry_run: bool = False) -> Answers:
        """What differs between seawall.toml and what runs; then what goes on, until it is in effect."""
        proposal, application = await compared(self.state)
        told = as_answer(proposal)
        if dry_run or not self._is_news(proposal):
            yield {**told, "in_effect": not proposal.changes}
            return
        change = self._begin(Change(proposal, application, Event("reload", "site", in_words(proposal))))
        yield told
        async for answer in self._follow(change):
            yield answer

    async def saved(self, key: str, value: str | None = None) -> Answers:
        """What was set is in seawall.toml now: from here on a change of the file counts."""
        while self.current:
            await self.current.finished.wait()
        state = self.state
        proposal = saved(state.wanted.file, state.record.settings, key, value)
        self._put(proposal, replace(state.wanted, file=proposal.file), state.site.generation)
        state.say(Event("set", key, "seawall.toml says so too"))
        yield {"saved": key}

    async def set(self, key: str, value: str) -> Answers:
        """Change one setting, and say what goes on until it is in effect."""
        state = self.state
        proposal = ordered(state.wanted.file, state.record.settings, key, value)
        text = f"an operator unset {key}" if unsets(key, value) else f"an operator set {key} to {value}"
        event = Event("set", key, text)
        told = {"set": key, "value": value, **as_answer(proposal)}
        if effects(proposal.changes) <= {AT_ONCE}:
            self._require_idle()
            self._put(proposal, lightly(state.wanted, proposal.file, proposal.live, state.paths), state.site.generation)
            state.say(event)
            yield {**told, "in_effect": True, **self._not_enforced(proposal)}
            return
        application = state.wanted.application
        if SERVERS in effects(proposal.changes):
            application = find(with_live(proposal.file, proposal.live), state.paths.project)
        change = self._begin(Change(proposal, application, event))
        yield told
        async for answer in self._follow(change):
            yield answer

    async def resume(self) -> None:
        """Apply a file that changed while no control plane ran, or while one was killed that was about to apply it."""
        try:
            proposal, application = await compared(self.state)
        except SeawallError as error:
            self._not_in_effect(error.problem)
            return
        event = Event("reload", "site", in_words(proposal))
        if self.current:
            return  # somebody has asked for it meanwhile
        if self._is_news(proposal):
            self._begin(Change(proposal, application, event, asked=False))
        elif proposal.refused:
            self._not_in_effect(event.text)

    @property
    def progress(self) -> str:
        """What goes on, in words, or ""."""
        if self.current is None:
            return ""
        if not self.current.committed:
            return "the application is imported with the new settings; the old ones are in effect until it is"
        return "; ".join(self._pending())

    def _is_news(self, proposal: Proposal) -> bool:
        return bool(proposal.changes) or dict(proposal.live) != self.state.record.settings

    def _require_idle(self) -> None:
        if self.current:
            raise ChangeRefused(
                f"Another change of settings is on its way: {self.current.event.text}.",
                "Wait for it: seawall status, seawall events --follow",
            )

    def _begin(self, change: Change) -> Change:
        self._require_idle()
        if not (self.state.open or self.state.adopted):
            raise ChangeRefused("The site is still starting.", "Wait until it serves: seawall status")
        self.current = change
        self.tasks.start(self._carry_out(change))
        return change

    async def _follow(self, change: Change) -> Answers:
        """Whoever asked may go: the change does not end with him."""
        while not change.finished.is_set():
            try:
                async with asyncio.timeout(PROGRESS):
                    await change.finished.wait()
            except TimeoutError:
                yield {"progress": self.progress}
        if change.error:
            raise change.error
        yield {"in_effect": not change.pending, "pending": change.pending, **self._not_enforced(change.proposal)}

    def _not_enforced(self, proposal: Proposal) -> dict[str, Any]:
        """What is not, of the limits that were changed."""
        groups = self.state.groups
        if not any(change.setting in LIMITS for change in proposal.changes) or not groups.missing:
            return {}
        return {"not_enforced": groups.why_not(), "remedy": groups.remedy}

    async def _carry_out(self, change: Change) -> None:
        began = asyncio.get_running_loop().time()
        try:
            await self._apply(change)
            seconds = asyncio.get_running_loop().time() - began
            goes_on = "; ".join(change.pending)
            text = f"this goes on after {seconds:.1f} s: {goes_on}" if goes_on else f"in effect after {seconds:.1f} s"
            self.state.say(Event(change.event.kind, change.event.subject, text))
        except SeawallError as error:
            change.error = error
        except OSError as error:
            state = self.state.paths.state
            change.error = StateUnusable(
                f"The change failed: {error}.", f"Make room or correct it: df -h {shell(state)}"
            )
        except BaseException:  # the control plane ends, or it is a defect: nobody who waits may take it for done
            change.error = change.cut_off()
            raise
        finally:
            self.current = None
            change.finished.set()
        if change.error:
            text = f"{change.event.text}: {change.error.problem} Nothing has changed."
            if change.asked:
                self.state.say(Event("reload-failed", "site", text))
            else:
                self._not_in_effect(text)

    def _not_in_effect(self, why: str) -> None:
        """Nobody has asked, so it is said for as long as it is so."""
        self.state.troubles.note("settings", f"seawall.toml has changed, and is not in effect: {why}")

    async def _apply(self, change: Change) -> None:
        """Raises what is wrong with the new settings, and leaves all as it was then."""
        state, before = self.state, self.state.wanted
        live = state.record.settings
        change.anew = not starts_alike(before.application, change.application)
        attempt = None
        if change.anew and not change.unproven:
            attempt = await self.warms.attempt(change.application)
        try:
            proposal = change.proposal
            wanted = built(proposal.file, proposal.live, state.paths, change.application, before.edge)
        except (SeawallError, OSError):
            if attempt:
                await self.warms.discard(attempt)
            raise
        generation = state.site.generation
        self._put(proposal, wanted, self._next_generation() if change.anew else generation, attempt)
        change.committed = True
        state.say(change.event)
        if change.anew:
            self._try_at_once()
        await self._settle(change)
        # No attempt shows whether a command starts: only its servers do.
        if change.unproven and self._fail():
            failed = does_not_start(state)
            self._put(Proposal(before.file, live), before, generation)
            self._try_at_once()
            raise failed

    def _next_generation(self) -> int:
        servers, warms = self.state.processes.servers.values(), self.state.processes.warms.values()
        there = [*(one.generation for one in servers), *(one.generation for one in warms)]
        return 1 + max([self.state.site.generation, self.state.record.memory.crashes.generation, *there])

    def _try_at_once(self) -> None:
        """Other code is to be started: how the one before failed says nothing of it."""
        self.state.record.memory = replace(self.state.record.memory, deaths=0, retry_at=0.0)

    def _put(self, proposal: Proposal, wanted: Wanted, generation: int, attempt: Attempt | None = None) -> None:
        """From here on it is in effect: on record as a whole before anything is done about it."""
        state = self.state
        if attempt:
            self.warms.accept(attempt, generation)
        self.kept()
        state.troubles.over("settings")
        state.wanted = wanted
        state.record.settings, state.record.file = dict(proposal.live), flat(proposal.file)
        state.site = replace(wanted.site, generation=generation, drain=state.site.drain, restart=state.site.restart)
        limits.put(state)
        state.processes.changed()
        state.wake()

    async def _settle(self, change: Change) -> None:
        """Wait until it is in effect, as long as that may take."""
        loop, site = asyncio.get_running_loop(), self.state.site
        deadline = loop.time() + ATTEMPTS * site.start_timeout + site.stop_timeout + MORE
        while (pending := self._pending()) and loop.time() < deadline and not (change.anew and self._fail()):
            if change.unproven:
                self._stay_awake()
            await asyncio.sleep(LOOK)
        change.pending = pending

    def _stay_awake(self) -> None:
        """A site that sleeps would show only to the next visitor whether its command starts."""
        memory = self.state.record.memory
        if memory.asleep_since is not None and not self._answered():
            self.state.record.memory = replace(memory, asleep_since=None, idle_since=None)
            self.state.say(Event("wake", "site", "a server is to show that the new command starts"))
            self.state.wake()

    def _answered(self) -> bool:
        """Whether a server of the present generation is ready, or has been."""
        state, generation = self.state, self.state.site.generation
        ready = (one.ready for one in state.processes.servers.values() if one.generation >= generation)
        return any(ready) or state.record.memory.crashes.generation >= generation

    def _fail(self) -> bool:
        """Whether new servers keep dying and none has answered."""
        return self.state.record.memory.deaths >= ATTEMPTS and not self._answered()

    def _pending(self) -> list[str]:
        """What is not yet as the settings want it."""
        state, memory = self.state, self.state.record.memory
        pending = []
        active = state.processes.balancers.get(state.listeners.active) if state.listeners else None
        if active is None or not active.answering or active.edge != state.site.edge:
            finishing = f"; {', '.join(memory.retiring)} finishes its visitors' requests" if memory.retiring else ""
            pending.append(f"a balancer with the new configuration is to take over{finishing}")
        gone = memory.leaving.keys() | memory.stopping.keys()
        there = [one for one in state.processes.servers.values() if not one.exited and one.name not in gone]
        if old := [one.name for one in there if one.generation < state.site.generation]:
            pending.append(f"new servers are to take the place of {', '.join(old)}")
        elif there and not any(one.ready for one in there):
            pending.append(f"{', '.join(one.name for one in there)} do not answer yet")
        elif self.current and self.current.unproven and not self._answered():
            pending.append("a first server is to show that the new command starts")
        return pending
