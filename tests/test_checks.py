import numpy as np
import pytest

from depin_lib import checks


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.0, r"utilisation is 0; allowed: \(0, 1\]"),
        (1.2, r"utilisation is 1.2; allowed: \(0, 1\]"),
        (float("nan"), r"utilisation is nan; allowed: \(0, 1\]"),
    ],
)
def test_number_names_value_and_range(value: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checks.number("utilisation", value, low=0, high=1, low_open=True)


def test_number_names_the_unit() -> None:
    with pytest.raises(ValueError, match=r"price is -1 USD; allowed: \[0, inf\) USD"):
        checks.number("price", -1, low=0, unit="USD")
    with pytest.raises(TypeError, match="price is 'a lot'; give one number in USD"):
        checks.number("price", "a lot", unit="USD")  # type: ignore[arg-type]


def test_finite_names_the_first_bad_entry() -> None:
    with pytest.raises(ValueError, match=r"weights\[1, 0\] is nan; allowed: finite, \[0, inf\)"):
        checks.non_negative("weights", [[0, 1], [np.nan, -1]])
    with pytest.raises(ValueError, match=r"stake\[2\] is -3 TAO"):
        checks.non_negative("stake", [1, 2, -3], unit="TAO")
    with pytest.raises(ValueError, match=r"x is inf; allowed: finite"):
        checks.finite("x", np.inf)
    with pytest.raises(TypeError, match="must hold real numbers in TAO"):
        checks.finite("stake", ["a"], unit="TAO")


def test_shape_names_both() -> None:
    with pytest.raises(ValueError, match=r"has shape \(2,\); expected \(3\): one per validator"):
        checks.shape("stake", np.ones(2), (3,), "one per validator")
    assert checks.shape("w", np.ones((2, 5)), (2, None), "validators × miners").shape == (2, 5)


def test_choice_suggests_the_nearest() -> None:
    known = ["H100 SXM", "RTX 4090", "A100 80GB"]
    with pytest.raises(ValueError, match="did you mean 'RTX 4090'"):
        checks.choice("gpu", "rtx4090", known)
    with pytest.raises(ValueError, match="known: A100 80GB, H100 SXM, RTX 4090"):
        checks.choice("gpu", "??", known)


def test_counts_are_whole() -> None:
    assert checks.whole_number("runs", 3.0) == 3
    with pytest.raises(ValueError, match=r"runs is 2.5; allowed: whole numbers from 1 on"):
        checks.whole_number("runs", 2.5)
    with pytest.raises(ValueError, match=r"runs is 0; allowed: \[1, 1e\+09\]"):
        checks.whole_number("runs", 0)
    with pytest.raises(TypeError, match="runs is 'many'; give one number"):
        checks.whole_number("runs", "many")
