"""The peer's rules and cases against what the peer's own program gives."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from depin_lib import subnets

#: Dividends of 40 epochs per 1,000 of stake, by validator: the output of bactensor/yuma-simulation
#: @2b976fd (MIT) under torch 2.13, with the settings of its script charts_table_generator.py.
TOTALS = pd.read_csv(Path(__file__).parent / "published" / "yuma_simulation_totals.csv")


@pytest.mark.parametrize("variant", sorted(subnets.VARIANTS))
def test_totals_are_the_peers(variant: str) -> None:
    rows = TOTALS[TOTALS["variant"] == variant]
    assert len(rows) == 22 * 4
    for row in rows.itertuples():
        if row.case == 21 and variant in ("Yuma2", "Yuma2B"):
            continue  # epochs without consensus: the peer's 0/0 then pays its validators as miners
        case = subnets.synthetic_case(int(row.case))
        history = subnets.simulate_variant(case, variant, bonds_penalty=row.bonds_penalty)
        found = history["dividends_per_1000"].sum("epoch")
        wanted = [row.dividends_1, row.dividends_2, row.dividends_3]
        np.testing.assert_allclose(found, wanted, rtol=3e-5, err_msg=f"case {row.case}")


def test_every_case_has_its_shape() -> None:
    cases = subnets.synthetic_cases()
    assert [case.number for case in cases] == list(range(1, 23))
    for case in cases:
        assert case.weights.shape == (40, 3, 3 if case.number in (15, 16, 17, 18, 21, 22) else 2)
        np.testing.assert_allclose(case.stake.sum(axis=1), 1.0)
        assert (case.weights >= 0).all()


@given(
    st.integers(1, 22),
    st.sampled_from(sorted(subnets.VARIANTS)),
    st.integers(0, 100).map(lambda percent: percent / 100),
)
@example(number=21, variant="Yuma2B", penalty=1.0)
def test_shares_sum_to_one(number: int, variant: str, penalty: float) -> None:
    case = subnets.synthetic_case(number)
    history = subnets.simulate_variant(case, variant, bonds_penalty=penalty)
    if (
        variant == "Yuma2B"
    ):  # last epoch's weights, this epoch's consensus: they may miss each other
        history = history.isel(epoch=history["incentive"].any("miner"))
    np.testing.assert_allclose(history["incentive"].sum("miner"), 1.0)
    paid = history["dividends"].sum("validator")
    if variant in ("Yuma2", "Yuma2B"):  # the peer's 1e-6 shows where bonds earn next to nothing
        earned = (history["bonds"] * history["incentive"]).sum(["validator", "miner"])
        np.testing.assert_allclose(paid, earned / (earned + 1e-6), rtol=1e-12)
    else:
        np.testing.assert_allclose(paid, 1.0, atol=2e-5)
    assert (history["bonds"] >= 0).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="number is 23; allowed: 1 to 22"):
        subnets.synthetic_case(23)
    case = subnets.synthetic_case(1)
    with pytest.raises(ValueError, match="variant is 'Yuma4', which is not known; did you mean"):
        subnets.simulate_variant(case, "Yuma4")
    with pytest.raises(ValueError, match="bonds_penalty is 2"):
        subnets.simulate_variant(case, bonds_penalty=2)
