"""Percentiles of the latency histogram."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.control.metrics import Last, change, percentile
from seawall.haproxy.render import EXACT_RATE
from seawall.haproxy.socket import Traffic


@given(st.lists(st.integers(0, 500), min_size=1), st.sampled_from([0.5, 0.9, 0.99]))
def test_the_smallest_value_that_the_share_does_not_exceed(values: list[int], share: float) -> None:
    histogram: dict[tuple[str, int], int] = {}
    for index, value in enumerate(values):
        key = (f"s{index % 3}", value)
        histogram[key] = histogram.get(key, 0) + 1
    found = percentile(histogram, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_without_requests_there_is_no_percentile() -> None:
    assert percentile({}, 0.99) is None
    assert percentile({("s1", 5): 0}, 0.99) is None


def reading(servers: dict[str, int], latencies: dict[tuple[str, int], int]) -> Last:
    return Last(1, Traffic(servers=servers, responses={"5xx": 0}), latencies)


def test_what_happened_between_two_readings() -> None:
    before = reading({"s1": 10, "s2": 7}, {("s1", 5): 10, ("s2", 5): 7})
    # s2 left its backend, and its counter with it.
    after = reading({"s1": 15, "s3": 2}, {("s1", 5): 11, ("s1", 9): 4, ("s2", 5): 7, ("s3", 1): 2})
    found = change(before, after.traffic, after.latencies)
    assert found.servers == {"s1": 5, "s3": 2}
    assert found.latencies == {("s1", 5): 1, ("s1", 9): 4, ("s3", 1): 2}


def test_a_busy_second_counts_for_all_its_requests() -> None:
    busy = EXACT_RATE * 4
    found = change(
        reading({}, {}), Traffic(servers={"s1": busy}, responses={"5xx": 0}), {("s1", 1): 900, ("s1", 2): 100}
    )
    assert found.latencies == {("s1", 1): busy * 9 // 10, ("s1", 2): busy // 10}
