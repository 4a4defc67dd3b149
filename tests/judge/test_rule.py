"""The rule, as values: no verdict without evidence, and every verdict with it."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from seawall.judge import BALANCER, SERVER, Limits, Reading, Silence, ThreadSeen, Verdict
from seawall.judge.silence import LONG

MS = 1_000_000  # ns

Look = tuple[Reading, bool]


def threads(*seen: tuple[str, int, int]) -> Reading:
    return {number: ThreadSeen(*one) for number, one in enumerate(seen, 100)}


def all_in(state: str, count: int = 3) -> Reading:
    return threads(*[(state, 5 * MS, 7)] * count)


def verdicts(limits: Limits, readings: list[Reading], on_time: Callable[[int], bool] = lambda _: True) -> list[Verdict]:
    silence = Silence(limits)
    return [silence.look(reading, on_time(number)) for number, reading in enumerate(readings)]


def first(limits: Limits, readings: list[Reading]) -> tuple[int, Verdict]:
    """How many looks the first verdict took, and which it was."""
    said = verdicts(limits, readings)
    return next((number, verdict) for number, verdict in enumerate(said, 1) if verdict.hung)


def test_each_state_takes_its_number_of_looks() -> None:
    assert first(BALANCER, [all_in("T")] * 9) == (2, Verdict.STOPPED)
    assert first(SERVER, [all_in("t")] * 9) == (2, Verdict.STOPPED)
    assert first(BALANCER, [all_in("D")] * 50) == (8, Verdict.FROZEN)
    assert first(SERVER, [all_in("D")] * 50) == (20, Verdict.FROZEN)
    assert first(BALANCER, [all_in("S")] * 50) == (8, Verdict.IDLE)
    assert first(SERVER, [all_in("S")] * 50) == (40, Verdict.IDLE)


def test_one_thread_in_another_state_is_enough_for_doubt() -> None:
    assert first(SERVER, [threads(("T", 0, 1), ("S", 0, 1))] * 99) == (40, Verdict.IDLE)
    assert first(SERVER, [threads(("D", 0, 1), ("S", 0, 1))] * 99) == (40, Verdict.IDLE)
    assert first(SERVER, [threads(("D", 0, 1), ("T", 0, 1))] * 99) == (40, Verdict.IDLE)


def computing(looks: int, each: int, state: str = "R") -> list[Reading]:
    return [threads((state, number * each, 3), ("S", 0, 1)) for number in range(looks)]


def test_only_its_own_processor_time_counts_for_who_computes() -> None:
    assert first(BALANCER, computing(99, 25 * MS)) == (22, Verdict.COMPUTING)
    assert first(BALANCER, computing(99, 10 * MS)) == (52, Verdict.COMPUTING)
    assert first(SERVER, computing(99, 25 * MS)) == (82, Verdict.COMPUTING)
    assert first(SERVER, computing(99, 25 * MS, "S")) == (82, Verdict.COMPUTING)


def test_after_long_a_quarter_of_it_is_enough() -> None:
    assert LONG == 320
    assert first(SERVER, computing(999, 2 * MS)) == (LONG, Verdict.COMPUTING)
    assert first(SERVER, computing(999, MS)) == (502, Verdict.COMPUTING)
    assert not any(verdict.hung for verdict in verdicts(SERVER, computing(LONG - 1, 2 * MS)))


def test_late_looks_do_not_make_it_long() -> None:
    silence = Silence(SERVER)
    for reading in computing(LONG + 1, 2 * MS):
        assert silence.look(reading, False) is Verdict.WAITING
    assert silence.look(threads(("R", 700 * MS, 3), ("S", 0, 1)), True) is Verdict.WAITING


def test_an_answer_begins_the_long_time_anew() -> None:
    silence = Silence(SERVER)
    for reading in computing(LONG - 1, MS):
        silence.look(reading, True)
    silence.answered()
    assert {silence.look(reading, True) for reading in computing(LONG - 1, 2 * MS)} == {Verdict.WAITING}


def test_a_thread_number_that_is_used_again_takes_no_time_back() -> None:
    before, after = threads(("R", 10**10, 3)), computing(82, 25 * MS)
    assert first(SERVER, [before, *after]) == (83, Verdict.COMPUTING)


def test_once_said_it_is_not_said_again_by_a_late_look() -> None:
    silence = Silence(BALANCER)
    said = [silence.look(all_in("T"), on_time) for on_time in (True, True, False, True)]
    assert said == [Verdict.WAITING, Verdict.STOPPED, Verdict.WAITING, Verdict.STOPPED]


def test_what_is_hung() -> None:
    assert {verdict for verdict in Verdict if not verdict.hung} == {Verdict.FINE, Verdict.WAITING, Verdict.BUSY}
    assert not Verdict.FINE


def test_who_gets_no_processor_is_starved_for_ever() -> None:
    starved = threads(("R", 0, 7), ("S", 0, 1))
    assert set(verdicts(BALANCER, [starved] * 5000)) == {Verdict.WAITING}


def test_who_wakes_up_in_vain_is_not_starved() -> None:
    """Threads that wait for the interpreter's lock are seen in R by chance, with another turn each time."""
    waking = [threads(("R", number * MS, number), ("S", 0, 1)) for number in range(99)]
    assert first(SERVER, waking) == (41, Verdict.IDLE)  # the first look cannot tell


def test_a_thread_that_has_just_begun_is_a_sign_of_life() -> None:
    readings = [{number: ThreadSeen("R", 0, 1)} for number in range(300)]
    assert set(verdicts(BALANCER, readings)) == {Verdict.WAITING}


def test_running_takes_five_looks_back() -> None:
    asleep, runs = all_in("S"), all_in("R")
    assert first(BALANCER, [asleep] * 7 + [runs] + [asleep] * 9) == (14, Verdict.IDLE)
    assert first(BALANCER, [asleep] * 2 + [runs] + [asleep] * 9) == (11, Verdict.IDLE)


def test_another_state_begins_from_nothing() -> None:
    assert first(BALANCER, [all_in("S")] * 7 + [all_in("D")] * 9) == (15, Verdict.FROZEN)


def test_a_frozen_process_that_used_its_processor_until_now_is_running() -> None:
    readings = [threads(("D", number * 25 * MS, number)) for number in range(15)]
    assert set(verdicts(BALANCER, readings)) == {Verdict.WAITING}


READINGS = st.dictionaries(
    st.integers(1, 4),
    st.builds(ThreadSeen, st.sampled_from("RSDTt"), st.integers(0, 10**10), st.integers(0, 50)),
    max_size=4,
)
LIMITS = st.sampled_from([BALANCER, SERVER])


@given(LIMITS, st.lists(READINGS, max_size=60))
def test_late_looks_alone_prove_nothing(limits: Limits, readings: list[Reading]) -> None:
    assert set(verdicts(limits, readings, lambda _: False)) <= {Verdict.WAITING}


@given(LIMITS, st.sampled_from("SDT"), st.integers(0, 60), st.lists(st.booleans(), max_size=60))
def test_late_looks_never_bring_a_verdict_nearer(limits: Limits, state: str, before: int, pattern: list[bool]) -> None:
    """As many looks on time are needed, however many late ones lie between."""
    silence, counted = Silence(limits), 0
    for on_time in [False] * before + pattern:
        counted += on_time
        if silence.look(all_in(state), on_time).hung:
            assert on_time
            break
    kind = {"S": limits.idle, "D": limits.frozen, "T": limits.stopped}[state]
    assert counted <= kind
    assert sum(pattern) < kind or counted == kind


@given(LIMITS, st.lists(st.tuples(READINGS, st.booleans()), max_size=80), st.lists(READINGS, max_size=40))
def test_an_answer_zeroes_everything(limits: Limits, before: list[Look], after: list[Reading]) -> None:
    silence = Silence(limits)
    for reading, on_time in before:
        silence.look(reading, on_time)
    silence.answered()
    assert [silence.look(reading, True) for reading in after] == verdicts(limits, after)


@given(LIMITS, st.lists(st.tuples(READINGS, st.booleans()), max_size=120))
def test_the_last_look_is_on_time_and_shows_what_is_said(limits: Limits, looks: list[Look]) -> None:
    silence = Silence(limits)
    for reading, on_time in looks:
        verdict = silence.look(reading, on_time)
        assert verdict is Verdict.WAITING or verdict.hung
        states = {seen.state for seen in reading.values()}
        assert on_time or not verdict.hung
        assert verdict is not Verdict.STOPPED or states <= {"T", "t"}
        assert verdict is not Verdict.FROZEN or states == {"D"}
        assert reading or not verdict.hung


@given(LIMITS, st.lists(READINGS, max_size=40), st.integers(0, 40))
def test_unknown_is_no_evidence(limits: Limits, readings: list[Reading], gap: int) -> None:
    """Looks that saw nothing change nothing of what the others say."""
    with_gaps = readings[:gap] + [{}] * 50 + readings[gap:]
    said = verdicts(limits, with_gaps)
    assert said[: min(gap, len(readings))] + said[min(gap, len(readings)) + 50 :] == verdicts(limits, readings)


@given(st.lists(READINGS, max_size=80))
def test_a_server_is_given_at_least_the_time_of_a_balancer(readings: list[Reading]) -> None:
    for server, balancer in zip(verdicts(SERVER, readings), verdicts(BALANCER, readings), strict=True):
        assert balancer.hung or not server.hung


@given(LIMITS, st.lists(st.tuples(st.sampled_from("RSDTt"), st.sampled_from("RSDTt")), max_size=400))
def test_nobody_is_hung_while_one_of_its_threads_starves(limits: Limits, others: list[tuple[str, str]]) -> None:
    readings = [threads(("R", 5 * MS, 7), (one, 0, 1), (another, 0, 1)) for one, another in others]
    assert set(verdicts(limits, readings)) <= {Verdict.WAITING}


@given(LIMITS, st.lists(st.tuples(st.integers(0, 3 * MS), st.booleans()), max_size=400))
def test_computing_is_said_only_with_the_processor_time_spent(limits: Limits, gaps: list[tuple[int, bool]]) -> None:
    silence, ran = Silence(limits), 0
    for used, on_time in gaps:
        ran += used
        if silence.look(threads(("R", ran, 7)), on_time).hung:
            assert ran > limits.computing * 1e9 / 4
            return
