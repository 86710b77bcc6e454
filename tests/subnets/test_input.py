"""What is wrong with an input is said with its place, its value and what is allowed."""

import re
from typing import Any

import numpy as np
import pytest

from depin_lib import subnets

GOOD: dict[str, Any] = {"weights": [[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]], "stake": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [[0.5, float("nan"), 0], [1, 1, 1]]}, "weights[0, 1] is nan"),
        (
            {"weights": [[0.5, 0, 0], [1, -1, 1]]},
            "weights[1, 1] is -1; allowed: finite, [0, 1e+300]",
        ),
        ({"weights": np.full((2, 3), np.inf)}, "weights[0, 0] is inf"),
        ({"weights": [0.5, 0.5]}, "weights has shape (2,); expected (any, any): validators (rows)"),
        ({"stake": [1.0, -1.0]}, "stake[1] is -1"),
        ({"stake": [1.0, float("nan")]}, "stake[1] is nan"),
        ({"stake": [1.0]}, "stake has shape (1,); expected (2): one entry per validator"),
        ({"bonds": [[0.1]]}, "bonds has shape (1, 1); expected (2, 3)"),
        ({"bonds": np.full((2, 3), 1.5)}, "bonds[0, 0] is 1.5; allowed: finite, [0, 1]"),
        ({"bonds": np.full((2, 3), -0.5)}, "bonds[0, 0] is -0.5"),
        ({"arithmetic": "float46"}, "did you mean 'float64'"),
        ({"validator_uids": [0, 3]}, "validator_uids holds 3; allowed: −1 to 2"),
        ({"validator_uids": [1, 1]}, "validator_uids holds 1 twice; a uid has one row"),
        ({"validator_uids": [0.5, 1]}, "validator_uids must hold whole numbers"),
        ({"validator_uids": [0]}, "validator_uids has shape (1,); expected (2)"),
        ({"permits": [1, 0]}, "expected (2,) truth values"),
        ({"owner": 2}, "owner is 2; allowed: row 0 to 1"),
        ({"block": -1}, "block is -1"),
        ({"last_update": [5, -1]}, "last_update[1] is -1"),
        ({"registered": [5, 5]}, "registered has shape (2,); expected (3): one block per column"),
        ({"committed": [-2, 5]}, "committed[0] is -2"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        subnets.yuma_epoch(**GOOD | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [["a", "b"]]}, "weights must hold real numbers"),
        ({"owner": 0.5}, "owner is 0.5; give a whole number"),
        ({"block": True}, "block is True; give a whole number"),
    ],
)
def test_input_of_another_type_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        subnets.yuma_epoch(**GOOD | change)


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"kappa": 0.0}, "kappa is 0 of the stake; allowed: (0, 1] of the stake"),
        ({"kappa": 1.5}, "kappa is 1.5 of the stake; allowed: (0, 1] of the stake"),
        ({"bonds_penalty": -0.1}, "bonds_penalty is -0.1; allowed: [0, 1]"),
        ({"bonds_rule": "yuma33"}, "did you mean 'yuma3'"),
        ({"alpha_low": 0.9, "alpha_high": 0.7}, "alpha_low is 0.9, above alpha_high, 0.7"),
        ({"tempo": 0}, "tempo is 0 blocks"),
        ({"max_validators": -1}, "max_validators is -1 validators"),
    ],
)
def test_bad_constants_are_named(constants: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        subnets.YumaParams(**constants)


def test_bonds_above_one_are_shares_for_yuma2() -> None:
    params = subnets.YumaParams(bonds_rule="yuma2")
    bonds = np.array([[3.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    one, two = (subnets.yuma_epoch(**GOOD, bonds=b, params=params) for b in (bonds, bonds * 7))
    np.testing.assert_allclose(one.bonds, two.bonds)


def test_a_payout_is_a_whole_number() -> None:
    result = subnets.yuma_epoch(**GOOD)
    for wrong in (-1, 0.5, True):
        with pytest.raises(ValueError, match="give a whole number of rao"):
            result.payout_rao(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("tiny", [5e-324, 1.1e-308, 1e-300, 1e-200])
@pytest.mark.parametrize("rule", subnets.BOND_RULES)
def test_tiny_numbers_never_give_nan(tiny: float, rule: str) -> None:
    weights = np.array([[tiny, 0.0, 0.0], [tiny, 1.0, 0.0], [0.0, 1.0, tiny]])
    params = subnets.YumaParams(bonds_rule=rule, liquid_alpha=True)
    for stake in ([1.0, 1.0, 1.0], [tiny, 0.0, 0.0], [1.0, tiny, 0.0]):
        bonds = None
        for _ in range(3):
            result = subnets.yuma_epoch(
                weights, stake, bonds=bonds, params=params, validator_uids=-1
            )
            bonds = result.bonds
            for name in ("consensus", "incentive", "dividends", "bonds", "emission"):
                assert np.isfinite(getattr(result, name)).all(), name
