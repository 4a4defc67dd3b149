"""The decision on the number of servers: its sentences, and what it does in each single situation."""

from dataclasses import replace

import pytest

from seawall.decide import count
from seawall.model import Demand, Expected, Load, Memory, Observed, Plan, Sample, Site, Sizing
from tests.decide.values import NOW, OPEN, observed, server

SITE = Site(min=2, max=10, edge="new")


def loaded(rate: float = 40.0, service: float = 0.31, **sizing: float) -> Memory:
    """A site that has had so many requests a second for a long time."""
    samples = tuple(
        Sample(NOW - ago, round(5000 - rate * ago), round(5000 - rate * ago), 1550 - rate * ago * service)
        for ago in (*range(120, 21, -5), *range(20, 1, -1), 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
    )
    peaks = ((NOW - 1000, 1),)
    return replace(OPEN, demand=Demand(samples, service, peaks=peaks), sizing=Sizing(**sizing))  # type: ignore[arg-type]


def decided(memory: Memory, number: int = 2, site: Site = SITE, seen: Observed | None = None, **load: object) -> Plan:
    known = {"arrived": 5000, "finished": 5000, "work": 1550.0, "serving": 12, **load}
    there = seen or observed(*(server(f"s{n}") for n in range(1, number + 1)))
    return count.decide(site, replace(there, load=Load(NOW, **known)), memory, NOW)  # type: ignore[arg-type]


def number(plan: Plan, site: Site = SITE) -> int:
    return count.wanted(site, plan.memory)


def test_the_sentence_has_the_numbers() -> None:
    plan = decided(loaded())
    assert plan.memory.demand.why == "12.4 requests in service, 40/s of 0.31 s each need 5 servers, 2 are there"
    [event] = plan.events
    assert (event.kind, event.subject) == ("scale-up", "site")
    assert event.text == f"from 2 to 5: {plan.memory.demand.why}"
    assert number(plan) == 5
    assert plan.memory.sizing.raised_at == NOW


def test_it_stays_within_the_bounds() -> None:
    few = replace(SITE, max=3)
    plan = decided(loaded(), site=few)
    assert number(plan, few) == 3
    assert plan.memory.demand.why.endswith("; servers.max is 3")
    many = replace(SITE, min=7)
    assert number(decided(loaded(), 7, many), many) == 7


def test_what_the_load_asks_for_is_there_when_the_settings_allow_it_again() -> None:
    memory = decided(loaded()).memory
    assert count.wanted(replace(SITE, max=3), memory) == 3
    assert count.wanted(replace(SITE, min=8), memory) == 8
    assert count.wanted(SITE, memory) == 5


def test_a_backlog_is_cleared_in_the_time_that_a_server_takes_to_start() -> None:
    # By hand: 30 x 0.31 - 20 x 0.1 = 7.3 s of work, within 0.5 s: 14.6 places more than 12.4, so 7 servers.
    plan = decided(loaded(wanted=5), 5, queued=30)
    assert number(plan) == 7
    assert "; to clear the 30 that wait within 0.5 s takes 7" in plan.memory.demand.why
    assert number(decided(loaded(wanted=5, start=4.0), 5, queued=30)) == 5


def test_a_queue_that_is_gone_within_the_time_people_may_wait_is_none() -> None:
    assert number(decided(loaded(wanted=5), 5, queued=6)) == 5


def test_nobody_gets_more_than_one_place() -> None:
    """By hand: 4 that are in service and 6 that wait need 10 places, and not 6 x 20 s / 0.5 s."""
    slow = [Sample(NOW - ago / 10, 10, 0, 80 - 0.4 * ago) for ago in range(200, 0, -1)]
    memory = replace(OPEN, demand=Demand(tuple(slow), peaks=((NOW - 1000, 1),)))
    plan = decided(memory, 1, replace(SITE, min=1), arrived=10, finished=0, work=80.0, serving=4, queued=6)
    assert number(plan, replace(SITE, min=1)) == 3


def test_who_waits_while_streams_have_all_places_gets_one() -> None:
    """Nothing is known yet of how long a request takes, and never will be."""
    plan = decided(OPEN, 1, replace(SITE, min=1), arrived=5, finished=0, work=0.0, serving=0, streams=4, queued=1)
    assert number(plan, replace(SITE, min=1)) == 2


def test_the_time_of_a_request_is_remembered_through_a_sleep_and_on_record() -> None:
    memory = decided(loaded()).memory
    assert memory.sizing.service == pytest.approx(0.31, rel=0.05)
    slept = count.decide(replace(SITE, min=0), observed(), replace(memory, asleep_since=NOW), NOW).memory
    assert slept.demand.service == pytest.approx(0.31, rel=0.05)
    after = decided(replace(OPEN, sizing=memory.sizing), 5, arrived=5, finished=5, work=1.0, serving=1).memory
    assert after.demand.service == memory.sizing.service
    little = replace(memory.sizing, service=0.4)
    assert decided(replace(memory, sizing=little)).memory.sizing.service == 0.4, "written for a small change"


def test_streams_keep_their_places() -> None:
    assert number(decided(loaded(), streams=9)) == 8


@pytest.mark.parametrize("age", [1.1, 60.0])
def test_without_data_it_holds_and_forgets_what_it_saw(age: float) -> None:
    memory = loaded(wanted=4)
    for load in (None, Load(NOW - age)):
        plan = count.decide(SITE, replace(observed(server("s1"), server("s2")), load=load), memory, NOW)
        assert (number(plan), plan.memory.demand.samples, plan.events) == (4, (), ())


def test_the_start_of_the_site_is_no_surge() -> None:
    plan = decided(loaded(), seen=observed(server("s1"), server("s2", ready=False)))
    assert (number(plan), plan.memory.demand.samples) == (2, ())


def test_while_servers_are_replaced_it_holds() -> None:
    site = replace(SITE, restart=frozenset({"s1"}))
    plan = decided(loaded(wanted=3), 3, site)
    assert number(plan, site) == 3
    assert len(plan.memory.demand.samples) > 20
    assert "being replaced" in plan.memory.demand.why


QUIET = replace(loaded(0.0, wanted=5), demand=replace(loaded(0.0).demand, peaks=((NOW - 50, 3),)))


def test_down_by_one_when_nothing_has_needed_more_for_long() -> None:
    plan = decided(QUIET, 5, serving=0)
    assert number(plan) == 4
    assert plan.events[0].text == "from 5 to 4: no more than 3 were needed in the last 60 s"
    assert number(decided(replace(QUIET, demand=replace(QUIET.demand, peaks=((NOW - 50, 5),))), 5)) == 5


@pytest.mark.parametrize(
    "sizing", [{"raised_at": NOW - 59}, {"lowered_at": NOW - 4.9}], ids=["an up before", "a down just now"]
)
def test_not_down_so_soon_after(sizing: dict[str, float]) -> None:
    assert number(decided(replace(QUIET, sizing=replace(QUIET.sizing, **sizing)), 5, serving=0)) == 5


def test_not_down_while_one_starts_or_leaves_or_a_balancer_is_not_read() -> None:
    starting = observed(*(server(f"s{n}") for n in range(1, 5)), server("s5", 1.0, ready=False))
    assert number(decided(QUIET, seen=starting, serving=0)) == 5
    assert number(decided(replace(QUIET, leaving={"s1": NOW - 1}), 6, serving=0)) == 5
    assert number(decided(QUIET, 5, serving=0, complete=False)) == 5


def test_not_down_while_those_who_wait_need_them() -> None:
    """They came at once, so their rate is none any more. By hand: to clear 100 x 0.31 s within 2 s takes 4 servers."""
    waiting = replace(QUIET, sizing=replace(QUIET.sizing, start=2.0), demand=replace(QUIET.demand, service=0.31))
    assert number(decided(replace(waiting, sizing=replace(waiting.sizing, wanted=4)), 4, serving=16, queued=100)) == 4
    assert number(decided(waiting, 5, serving=20, queued=100)) == 4


def test_not_down_before_a_whole_window_was_seen() -> None:
    short = replace(QUIET.demand, samples=tuple(s for s in QUIET.demand.samples if s.at > NOW - 15))
    assert number(decided(replace(QUIET, demand=short), 5, serving=0)) == 5


@pytest.mark.parametrize(("hold", "seconds"), [(60.0, 65), (5.0, 7), (60.0, 3)])
@pytest.mark.parametrize("why", ["replaced", "silent"])
def test_a_hold_takes_no_server_that_is_needed(why: str, hold: float, seconds: int) -> None:
    site, there, events = replace(SITE, hold=hold), [server(f"s{n}", 900.0) for n in range(1, 6)], []
    memory = loaded(wanted=5)
    for tick in range(round(10 * (seconds + 4 * hold + 30))):
        at, held = NOW + tick / 10, tick < 10 * seconds
        old = [server("s9", 900.0)] if held and why == "replaced" else []
        come = 5000 + 4 * tick
        load = None if held and why == "silent" else Load(at, come, come - 12, 1550 + 1.24 * tick, 12)
        seen = replace(observed(*there, *old), load=load)
        plan = count.decide(replace(site, drain=frozenset(one.name for one in old)), seen, memory, at)
        memory, events = plan.memory, events + [event.text for event in plan.events]
    assert (count.wanted(site, memory), events) == (5, [])


def test_after_a_hold_the_number_counts_as_just_needed() -> None:
    held = count.decide(SITE, replace(observed(server("s1"), server("s2")), load=None), QUIET, NOW - 0.1).memory
    seen_since = replace(held, demand=replace(held.demand, samples=QUIET.demand.samples))
    assert number(decided(seen_since, 5, serving=0)) == 5


def test_what_is_needed_again_soon_is_regretted_and_stays_longer() -> None:
    plan = decided(loaded(wanted=4, lowered_at=NOW - 100), 4)
    assert (number(plan), plan.memory.sizing.regret) == (5, 2.0)
    late = decided(loaded(wanted=4, lowered_at=NOW - 301), 4)
    assert late.memory.sizing.regret == 1.0
    often = decided(loaded(wanted=4, lowered_at=NOW - 100, regret=8.0), 4)
    assert often.memory.sizing.regret == count.MOST_REGRET


def test_those_who_wait_after_a_surge_are_no_reason_to_regret() -> None:
    plan = decided(loaded(wanted=5, lowered_at=NOW - 100), 5, queued=40)
    assert number(plan) > 5
    assert plan.memory.sizing.regret == 1.0


def test_a_quiet_time_halves_the_regret() -> None:
    long = replace(QUIET.sizing, regret=4.0, regretted_at=NOW - 601)
    assert decided(replace(QUIET, sizing=long), 5, serving=0).memory.sizing.regret == 2.0


def test_how_long_servers_take_to_start_is_measured() -> None:
    seen = observed(server("s1"), server("s2", 3.0, ready=False))
    memory = decided(loaded(), seen=seen).memory
    assert memory.demand.starting == {"s2"}
    ready = observed(server("s1"), server("s2", 4.0))
    assert decided(memory, seen=ready).memory.sizing.start == 4.0


def test_a_forecast_adds_where_servers_start_slowly_and_after_a_day() -> None:
    def foreseen(places: float, days: float, start: float) -> int:
        seen = replace(observed(server("s1"), server("s2")), expected=Expected(places, days))
        return number(decided(loaded(1.0, start=start), seen=seen))

    assert foreseen(12.4, 2.0, 4.0) == 5
    assert foreseen(12.4, 0.9, 4.0) == 2
    assert foreseen(12.4, 2.0, 0.1) == 2
    assert foreseen(0.1, 2.0, 4.0) == 2


def test_servers_that_compute_get_others_while_there_are_processors() -> None:
    """One with an event loop has a hundred places and one processor."""
    memory = loaded(20.0, 0.05)
    busy = tuple(sample._replace(processor=100 - (NOW - sample.at) * 1.9) for sample in memory.demand.samples)
    memory = replace(memory, demand=replace(memory.demand, samples=busy))
    loop = replace(SITE, slots=100, cores=8.0)
    plan = decided(memory, 2, loop, processor=100.0)
    assert number(plan, loop) == 3
    assert plan.memory.demand.why.endswith("; the processors that they use take 3")
    few = replace(loop, cores=2.0)
    assert number(decided(memory, 2, few, processor=100.0), few) == 2
