"""Importance and break-evens where the answer is known on paper."""

import math

import numpy as np
import pytest

from depin_lib import compute
from depin_lib.compute import Lognormal, Offer, ProviderKind, Uniform, Workload

JOB = Workload("job")
CHEAP = ProviderKind("cheap", Offer("cheap", Lognormal(2.0, 0.3)))
DEAR = ProviderKind("dear", Offer("dear", Lognormal(4.0, 0.4)))


def test_sobol_indices_of_a_ratio_of_lognormals() -> None:
    table = compute.sobol_importance(JOB, CHEAP, DEAR, n=4096, seed=1)
    known = {"cheap.price_usd": 0.09 / 0.25, "dear.price_usd": 0.16 / 0.25}
    for name, share in known.items():
        assert table.loc[name, "first_order"] == pytest.approx(share, abs=0.03)
        assert table.loc[name, "total"] == pytest.approx(share, abs=0.03)


def test_sobol_wants_independence() -> None:
    pair = {("cheap.price_usd", "dear.price_usd"): 0.5}
    with pytest.raises(ValueError, match="rank_importance"):
        compute.sobol_importance(JOB, CHEAP, DEAR, correlation=pair)
    with pytest.raises(ValueError, match="powers of two"):
        compute.sobol_importance(JOB, CHEAP, DEAR, n=1000)


def test_ranks_follow_the_saving() -> None:
    result = compute.compare(JOB, [CHEAP, DEAR], runs=10_000, seed=2)
    table = compute.rank_importance(result, "cheap", "dear")
    share = {"cheap.price_usd": -0.3 / 0.5, "dear.price_usd": 0.4 / 0.5}
    for name, pearson in share.items():
        spearman = 6 / math.pi * math.asin(pearson / 2)  # of the normal scores
        assert table.loc[name, "spearman"] == pytest.approx(spearman, abs=0.02)
        assert np.sign(table.loc[name, "partial"]) == np.sign(pearson)
        assert (
            abs(table.loc[name, "partial"]) > 0.9
        )  # with the other fixed, nearly all is explained


def test_correlated_inputs_share_the_rank_but_not_the_partial_rank() -> None:
    useless = Offer("cheap", Lognormal(2.0, 0.3), mtbf_hours=Uniform(1e8, 2e8))
    kinds = [ProviderKind("cheap", useless), DEAR]
    pair = {("cheap.price_usd", "cheap.mtbf_hours"): 0.9}
    result = compute.compare(JOB, kinds, runs=10_000, seed=2, correlation=pair)
    table = compute.rank_importance(result, "cheap", "dear")
    assert table.loc["cheap.mtbf_hours", "spearman"] < -0.4
    assert abs(table.loc["cheap.mtbf_hours", "partial"]) < 0.05


def test_break_even_price_and_stay() -> None:
    dear = ProviderKind("dear", Offer("dear", 4.0))
    price = compute.break_even(JOB, CHEAP, dear, "cheap.price_usd", (1, 10))
    assert price == pytest.approx(4.0, rel=1e-5)
    third = compute.break_even(JOB, CHEAP, dear, "cheap.price_usd", (1, 10), target=0.3)
    assert third == pytest.approx(2.8, rel=1e-5)
    work = Workload("job", state_gb=15.0)
    leaving = ProviderKind("cheap", Offer("cheap", 3.0, bandwidth_gbps=1.0))
    stay = compute.break_even(work, leaving, dear, "cheap.mtbf_hours", (0.05, 500))
    assert stay is not None
    phi = compute.checkpoint_overhead(2 / 60, 2 / 60, stay)
    assert 3.0 * phi == pytest.approx(4.0, rel=1e-3)


def test_no_break_even_is_said_so() -> None:
    dear = ProviderKind("dear", Offer("dear", 40.0))
    assert compute.break_even(JOB, CHEAP, dear, "cheap.price_usd", (1, 10)) is None
    with pytest.raises(ValueError, match="did you mean"):
        compute.break_even(JOB, CHEAP, dear, "cheap.price", (1, 10))


def test_speed_is_known_by_its_full_name() -> None:
    work, kinds = (
        compute.workload("batch"),
        [compute.provider_kind(name) for name in ("depin", "neocloud")],
    )
    slow, fast = compute.saving_at(work, *kinds, "depin.speed_node", [0.5, 1.0], runs=500)[:, 1]
    assert slow < fast
