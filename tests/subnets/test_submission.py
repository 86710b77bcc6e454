"""What the chain refuses of a row of weights, and what it stores."""

from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import subnets


def upscaled(value: int, top: int) -> int:
    """I32F32 by fractions: every product and quotient rounded down to 2⁻³², then halves up."""

    def held(x: Fraction) -> Fraction:
        return Fraction(floor(x * 2**32), 2**32)

    if top > 32_768:
        return floor(held(value * held(Fraction(65_535, top))) + Fraction(1, 2))
    return floor(held(Fraction(value * 65_535, top)) + Fraction(1, 2))


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 65_535), min_size=1))
def test_what_is_stored_is_scaled_and_in_its_place(weights: dict[int, int]) -> None:
    row = subnets.submit_weights(list(weights), list(weights.values()), n=10, uid=0)
    top = max(weights.values())
    for uid in range(10):
        assert row[uid] == (upscaled(weights.get(uid, 0), top) if top else 0)
    assert top == 0 or row.max() == 65_535


def test_a_half_above_32768_is_rounded_down() -> None:
    """32,767 × 65,535 / 65,534 is 32,767.5, but the quotient is cut before it is multiplied."""
    row = subnets.submit_weights([0, 1], [65_534, 32_767], n=2, uid=0)
    assert row.tolist() == [65_535, 32_767]
    assert subnets.submit_weights([0, 1], [2, 1], n=2, uid=0).tolist() == [65_535, 32_768]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"uids": [1, 1]}, "DuplicateUids: uid 1 is given twice"),
        ({"uids": [1, 4]}, "UidVecContainInvalidOne: uid 4; allowed: 0 to 3"),
        ({"uids": [1, -1]}, "UidVecContainInvalidOne: uid -1"),
        ({"uids": [1, 0.5]}, "UidVecContainInvalidOne: uid 0.5"),
        ({"values": [1]}, "WeightVecNotEqualSize: 2 uids and values of shape"),
        ({"uids": [0, 1, 2, 3, 0], "values": [1] * 5}, "UidsLengthExceedUidsInSubNet: 5 uids"),
        ({"permit": False}, "NeuronNoValidatorPermit: uid 3 holds no permit"),
        ({"min_allowed": 3}, "WeightVecLengthIsLow: 2 weights; allowed: at least 3"),
        ({"uids": [], "values": []}, "WeightVecLengthIsLow: 0 weights; allowed: at least 1"),
        ({"values": [1, 65_536]}, r"values\[1\] is 65536; allowed"),
        ({"values": [1, np.nan]}, r"values\[1\] is nan"),
        ({"values": [1, 0.5]}, "values must be whole numbers"),
        ({"uid": 4}, "uid is 4; allowed"),
    ],
)
def test_what_is_refused_is_named(change: dict[str, Any], message: str) -> None:
    told: dict[str, Any] = {"uids": [1, 2], "values": [3, 4], "n": 4, "uid": 3} | change
    with pytest.raises(ValueError, match=message):
        subnets.submit_weights(told.pop("uids"), told.pop("values"), **told)


def test_who_needs_no_permit() -> None:
    told: dict[str, Any] = {"n": 4, "uid": 3, "permit": False, "min_allowed": 3}
    assert subnets.submit_weights([3], [7], **told).tolist() == [0, 0, 0, 65_535]
    owner = subnets.submit_weights([0, 1, 2], [1, 1, 0], owner=True, **told)
    assert owner.tolist() == [65_535, 65_535, 0, 0]
    small = told | {"n": 2, "uid": 1, "permit": True}
    assert subnets.submit_weights([0, 1], [1, 1], **small).tolist() == [65_535, 65_535]
