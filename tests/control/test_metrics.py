"""Percentiles of the latency histogram."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.control.metrics import percentile


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
