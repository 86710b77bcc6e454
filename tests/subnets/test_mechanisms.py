"""The split among mechanisms loses no rao."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import subnets

U16 = subnets.U16_MAX


@given(st.integers(0, 2**64 - 1), st.integers(1, 16), st.lists(st.integers(0, 4_000), max_size=16))
def test_nothing_is_lost_and_shares_are_kept(rao: int, count: int, split: list[int]) -> None:
    parts = subnets.split_emission(rao, count, split)
    assert sum(parts) == rao
    assert len(parts) == count
    wanted = [rao * share // U16 for share in [*split, *[0] * count][:count]]
    assert parts[1:] == wanted[1:]
    assert parts[0] >= wanted[0]
    even = subnets.split_emission(rao, count)
    assert sum(even) == rao
    assert even[0] - min(even) < count


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"rao": -1}, "rao is -1; allowed"),
        ({"rao": 2**64}, "rao is 18446744073709551616; allowed"),
        ({"mechanisms": 17}, "mechanisms is 17; allowed"),
        ({"split": [60_000, 6_000]}, "split sums to 66000; allowed: at most 65535"),
        ({"split": [-1]}, "split is -1; allowed"),
    ],
)
def test_bad_input_is_named(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        subnets.split_emission(**{"rao": 10, "mechanisms": 2} | given_)
