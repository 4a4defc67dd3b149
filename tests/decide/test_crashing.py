"""Which requests are refused, for how long, and when they are forgotten."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from seawall.decide import crashing
from seawall.decide.crashing import FIRST, FORGOTTEN, LONGEST, MOST, SAME_PATH, refused, remember
from seawall.lost import Crashes, RequestDeath, path_of
from tests.decide.values import NOW, OPEN, SITE, observed, server


def death(target: str, *servers: str) -> RequestDeath:
    return RequestDeath("1-9.9.9.9", "GET", target, servers or ("s3", "s4"))


def after(*targets: str, remembered: Crashes | None = None, now: float = NOW) -> Crashes:
    return remember([death(target) for target in targets], remembered or Crashes(), now)[0]


def test_one_proof() -> None:
    remembered, (event,) = remember([death("/crash?a=1")], Crashes(), NOW)
    assert event.kind == "request-killed"
    assert (
        event.text == "GET /crash?a=1 ended two servers: s3, s4; it was answered 502 and is refused to 9.9.9.9 for 10 s"
    )
    assert refused(remembered, NOW).targets == {"9.9.9.9 /crash?a=1"}
    assert refused(remembered, NOW).paths == set()
    assert refused(remembered, NOW + FIRST - 1).targets == {"9.9.9.9 /crash?a=1"}
    assert refused(remembered, NOW + FIRST).targets == set()


def test_each_further_proof_lasts_twice_as_long() -> None:
    remembered, now, seconds = Crashes(), NOW, []
    for _ in range(6):
        remembered = after("/crash", remembered=remembered, now=now)
        seconds.append(remembered.targets["9.9.9.9 /crash"].seconds)
        now += remembered.targets["9.9.9.9 /crash"].seconds
    assert seconds == [FIRST, 20, 40, LONGEST, LONGEST, LONGEST]


def test_forgotten_after_an_hour() -> None:
    remembered = after(remembered=after("/crash"), now=NOW + FORGOTTEN)
    assert remembered == Crashes()
    assert after(remembered=after("/crash"), now=NOW + FORGOTTEN - 1) != Crashes()


def test_many_queries_of_one_path() -> None:
    targets = [f"/cr{letter}sh?{n}" for n, letter in enumerate(["a", "%61", "a"])]
    before = after(*targets[: SAME_PATH - 1])
    assert refused(before, NOW).paths == set()
    remembered, events = remember([death(targets[-1])], before, NOW)
    assert refused(remembered, NOW).paths == {"9.9.9.9 /crash"}
    assert [event.kind for event in events] == ["request-killed", "path-refused"]


def test_the_same_query_three_times_is_one() -> None:
    assert refused(after("/crash?1", "/crash?1", "/crash?1"), NOW).paths == set()


def test_path() -> None:
    assert path_of("/a%20b/%C3%BC?x=/y") == "/a b/ü"
    assert path_of("/%ff") == "/\udcff"


@given(st.lists(st.tuples(st.text("ab%?/", max_size=5), st.floats(0, 5000)), max_size=60))
def test_always(steps: list[tuple[str, float]]) -> None:
    remembered, now = Crashes(), 0.0
    for target, pause in steps:
        now += pause
        remembered, events = remember([death("/" + target)], remembered, now)
        assert "9.9.9.9 /" + target in refused(remembered, now).targets
        assert len(events) in (1, 2)
        for refusal in (*remembered.targets.values(), *remembered.paths.values()):
            assert FIRST <= refusal.seconds <= LONGEST
            assert now - refusal.since < FORGOTTEN


def test_memory_is_bounded() -> None:
    remembered = after(*(f"/{n}" for n in range(3 * MOST)))
    assert len(remembered.targets) == MOST
    assert f"9.9.9.9 /{3 * MOST - 1}" in remembered.targets


def test_other_code_may_have_cured_it() -> None:
    memory = replace(OPEN, crashes=after("/crash"))
    seen = observed()
    assert crashing.decide(SITE, seen, memory, NOW).memory is memory
    # Not when it is ordered, which may fail, but when it serves.
    assert crashing.decide(replace(SITE, generation=1), seen, memory, NOW).memory is memory
    seen = observed(server("s2", generation=1))
    cured = crashing.decide(SITE, seen, memory, NOW).memory
    assert cured.crashes == Crashes(generation=1)
    proven = crashing.decide(SITE, replace(seen, deaths=(death("/x"),)), memory, NOW)
    assert set(proven.memory.crashes.targets) == {"9.9.9.9 /x"}
    assert [event.kind for event in proven.events] == ["request-killed"]
