"""A server that answers by its heartbeat thread is busy at most, unless everything else waits for locks."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from seawall.judge import Progress, Pulse, Reading, ThreadSeen, Verdict
from seawall.judge.progress import DEADLOCK, SUSPECT

STILL = Pulse(loop=50, begun=12, ended=8, working=4, abandoned=0)
HEART = 900
LOCKED = frozenset({1, 2, 3})


def reading(beat: int, stirs: int = 0) -> Reading:
    """Three threads that rest, and the heartbeat thread. `stirs` is how often thread 1 has had a turn."""
    rest = {number: ThreadSeen("S", 1000, 5) for number in (1, 2, 3)}
    return rest | {1: ThreadSeen("S", 1000, 5 + stirs), HEART: ThreadSeen("S", beat * 1000, beat)}


class Server:
    """What one server says, answer after answer."""

    def __init__(self) -> None:
        self.progress, self.beat = Progress(), 0

    def answers(
        self, pulse: Pulse = STILL, locked: frozenset[int] = LOCKED, stirs: int = 0, on_time: bool = True
    ) -> str:
        self.beat += 1
        if not self.progress.stands(pulse, on_time):
            return Verdict.FINE
        return self.progress.look(reading(self.beat, stirs), locked, on_time)


def test_deadlocked_after_two_seconds_of_nothing() -> None:
    server = Server()
    said = [server.answers() for _ in range(DEADLOCK + 1)]
    # The first answer is what the others are compared with.
    assert said[:SUSPECT] == [Verdict.FINE] * SUSPECT
    assert said[SUSPECT:DEADLOCK] == [Verdict.BUSY] * (DEADLOCK - SUSPECT)
    assert said[DEADLOCK:] == [Verdict.DEADLOCKED]


def test_the_numbers_are_those_that_were_measured() -> None:
    assert (SUSPECT, DEADLOCK) == (10, 20)


def test_one_stir_costs_a_second_and_no_more() -> None:
    server = Server()
    for _ in range(DEADLOCK - 2):
        server.answers()
    said = [server.answers(stirs=1) for _ in range(DEADLOCK)]
    assert said.index(Verdict.DEADLOCKED) == DEADLOCK - SUSPECT


def test_progress_forgets_what_the_threads_did_before() -> None:
    server = Server()
    for _ in range(DEADLOCK - 2):
        server.answers()
    moved = replace(STILL, loop=STILL.loop + 1)
    said = [server.answers(moved, stirs=1) for _ in range(DEADLOCK + 1)]
    assert said.index(Verdict.DEADLOCKED) == DEADLOCK


def test_an_answer_to_a_late_question_is_no_verdict() -> None:
    server = Server()
    for _ in range(DEADLOCK + 1):
        server.answers()
    assert server.answers(on_time=False) is Verdict.BUSY
    assert server.answers() is Verdict.DEADLOCKED


def test_without_a_request_nothing_is_owed() -> None:
    server = Server()
    idle = replace(STILL, begun=8, working=0)
    assert {server.answers(idle) for _ in range(100)} == {Verdict.FINE}


def test_who_waits_for_anything_but_a_lock_is_busy() -> None:
    server = Server()
    said = {server.answers(locked=frozenset({1, 2})) for _ in range(200)}
    assert said == {Verdict.FINE, Verdict.BUSY}


def test_a_lock_that_is_looked_at_now_and_then_is_no_deadlock() -> None:
    server = Server()
    assert Verdict.DEADLOCKED not in {server.answers(stirs=number // 9) for number in range(300)}


def test_nothing_known_of_the_threads_is_no_proof() -> None:
    progress = Progress()
    for _ in range(100):
        if progress.stands(STILL, True):
            assert progress.look({}, frozenset(), True) is Verdict.BUSY


def test_a_heartbeat_thread_may_itself_wait_for_a_lock_at_that_moment() -> None:
    server = Server()
    assert Verdict.DEADLOCKED in {server.answers(locked=LOCKED | {HEART}) for _ in range(DEADLOCK + 1)}


MOVES = st.sampled_from(["loop", "ended"])


@given(st.lists(st.one_of(MOVES, st.integers(1, DEADLOCK - 1)), max_size=30))
def test_any_progress_begins_from_nothing(steps: list[str | int]) -> None:
    """Never called deadlocked if the loop or a request moves at least every other second."""
    server, pulse = Server(), replace(STILL, begun=10**6)
    last_moved = True
    for step in steps:
        if isinstance(step, str):
            pulse = replace(pulse, **{step: getattr(pulse, step) + 1})
            assert server.answers(pulse) is Verdict.FINE
            last_moved = True
        elif last_moved:
            assert Verdict.DEADLOCKED not in {server.answers(pulse) for _ in range(step)}
            last_moved = False


@given(st.lists(st.booleans(), max_size=120))
def test_answers_to_late_questions_do_not_count(pattern: list[bool]) -> None:
    server, counted = Server(), -1
    for on_time in [True, *pattern]:
        counted += on_time
        if server.answers(on_time=on_time) is Verdict.DEADLOCKED:
            assert on_time
            assert counted == DEADLOCK
            return
    assert counted < DEADLOCK
