"""The game of two teams against one call of the epoch per grid point, and what it must keep."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from depin_lib import data, seeds, subnets

Array = np.ndarray
GRID = np.linspace(0, 1, 51)
SMALL = {"nodes": 40, "validators": 9}
shares = st.floats(0.03, 0.97)
weights = st.integers(0, 1000).map(lambda k: k / 1000)
kappas = st.integers(1, 18).map(lambda k: k / 20 + 0.0001234567)  # on no sum of round stakes
sigmas = st.floats(0, 2)
words = st.integers(0, 2**32)


def shared_out(values: Array, total: float) -> Array:
    """Scale numbers to a total; all alike if they are zeros."""
    return (
        total * values / values.sum() if values.any() else np.full(values.size, total / len(values))
    )


def played_slowly(
    honest_stake: float,
    honest_weight: float,
    cabal_weight: float,
    *,
    weight_sigma: float,
    stake_sigma: float = 0.3,
    kappa: float = 0.5,
    bonds_penalty: float = 1.0,
    xi: float = 0.5,
    seed: int = 0,
    nodes: int = 512,
    validators: int = 64,
) -> float:
    """Honest emission at one grid point: draw the network, run the epoch, add up the honest."""
    n, m = validators, nodes - validators
    draws = np.maximum(0, 1 + weight_sigma * seeds.normals(n, m, seed=seed, purpose=0))
    stakes = np.maximum(0, 1 + stake_sigma * seeds.normals(1, n, seed=seed, purpose=1)[0])
    h, k = (max(1, min(count - 1, int(honest_stake * count))) for count in (n, m))
    stake = np.concatenate(
        [shared_out(stakes[:h], honest_stake), shared_out(stakes[h:], 1 - honest_stake)]
    )
    rows = []
    for i in range(n):
        on_honest = honest_weight if i < h else 1 - cabal_weight
        first, second = shared_out(draws[i, :k], on_honest), shared_out(draws[i, k:], 1 - on_honest)
        rows.append(np.concatenate([first, second]))
    params = subnets.YumaParams(
        kappa=kappa,
        bonds_penalty=bonds_penalty,
        bonds_rule="yuma2",
        bonds_moving_average=0.0,
        max_validators=n,
    )
    result = subnets.yuma_epoch(np.array(rows), stake, params=params, validator_uids=-1)
    return float(xi * result.dividends[:h].sum() + (1 - xi) * result.incentive[:k].sum())


@settings(max_examples=60)
@given(
    shares,
    weights,
    weights,
    sigmas,
    sigmas,
    kappas,
    weights,
    weights,
    words,
    st.integers(2, 12),
    st.integers(2, 90),
)
def test_a_point_is_one_epoch(
    stake: float,
    honest: float,
    cabal: float,
    weight_sigma: float,
    stake_sigma: float,
    kappa: float,
    penalty: float,
    xi: float,
    seed: int,
    n: int,
    m: int,
) -> None:
    assume(min(abs(stake - kappa), abs(1 - stake - kappa)) > 1e-6)
    settings = {
        "weight_sigma": weight_sigma,
        "stake_sigma": stake_sigma,
        "kappa": kappa,
        "bonds_penalty": penalty,
        "xi": xi,
        "seed": seed,
        "nodes": n + m,
        "validators": n,
    }
    found = subnets.retention_map(stake, honest, cabal, **settings).honest_emission[0, 0, 0]
    expected = played_slowly(stake, honest, cabal, **settings)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("point", [(0.51, 0.88, 1.0), (0.6, 0.72, 0.8), (0.99, 0.98, 0.02)])
@pytest.mark.parametrize("penalty", [0.0, 0.5, 1.0])
def test_full_size(point: tuple[float, float, float], penalty: float) -> None:
    told = {"weight_sigma": 0.4, "bonds_penalty": penalty, "seed": 3}
    found = subnets.retention_map(*point, **told).honest_emission[0, 0, 0]
    assert found == pytest.approx(played_slowly(*point, **told), rel=1e-10)


@settings(max_examples=40)
@given(shares, sigmas, st.floats(0.05, 1), weights, words)
def test_both_teams_get_everything(
    stake: float, sigma: float, kappa: float, penalty: float, seed: int
) -> None:
    """Where both teams weigh alike, whatever κ, E_H = ξ S_H + (1 − ξ) W_H."""
    told: dict[str, Any] = {"weight_sigma": 0.0, "stake_sigma": sigma, "seed": seed} | SMALL
    told |= {"kappa": kappa, "bonds_penalty": penalty, "xi": 0.3}
    for honest in (0.0, 0.25, 0.8, 1.0):
        result = subnets.retention_map(stake, honest, 1 - honest, **told)
        expected = 0.3 * stake + 0.7 * honest
        assert result.honest_emission[0, 0, 0] == pytest.approx(expected, rel=1e-12)


@settings(max_examples=40)
@given(st.floats(0.52, 0.97), st.floats(0.05, 0.5), weights, words)
def test_without_noise_more_utility_earns_more(
    stake: float, kappa: float, cabal: float, seed: int
) -> None:
    told: dict[str, Any] = {"weight_sigma": 0.0, "kappa": kappa, "seed": seed} | SMALL
    emission = subnets.retention_map(stake, GRID, cabal, **told).honest_emission[0, :, 0]
    assert (np.diff(emission) >= -1e-12).all()
    assert ((emission >= 0) & (emission <= 1 + 1e-12)).all()


@settings(max_examples=25)
@given(st.floats(0.05, 0.95), st.floats(0.05, 1), sigmas, words)
def test_required_weight_is_the_least_that_always_retains(
    stake: float, kappa: float, sigma: float, seed: int
) -> None:
    told: dict[str, Any] = {"weight_sigma": sigma, "kappa": kappa, "seed": seed} | SMALL
    result = subnets.retention_map([stake], GRID, GRID[::5], **told)
    required = result.required_honest_weight()[0]
    kept = result.retained[0].all(axis=1)
    if np.isnan(required):
        assert not kept.any()
    else:
        assert kept[np.flatnonzero(required == GRID)].all()
        assert not kept[required > GRID].any()
        between = result.required_honest_weight(interpolate=True)[0]
        assert required - 0.02 - 1e-12 <= between <= required
    backwards = subnets.retention_map([stake], GRID[::-1], GRID[::5], **told)
    np.testing.assert_array_equal(backwards.required_honest_weight(), [required])


def required(**told: Any) -> float:
    defaults = {"weight_sigma": 0.4, "kappa": 0.5, "bonds_penalty": 1.0, "seed": 0}
    result = subnets.retention_map(0.6, GRID, GRID, **(defaults | told))
    return float(result.required_honest_weight(interpolate=True)[0])


@pytest.mark.parametrize(
    ("told", "published"),
    [
        ({"weight_sigma": 0.0}, 0.60),
        ({"weight_sigma": 0.2}, 0.67),
        ({"weight_sigma": 0.4}, 0.73),
        ({"bonds_penalty": 0.0}, 0.78),
        ({"bonds_penalty": 0.5}, 0.76),
        ({"xi": 0.0}, 0.82),
        ({"xi": 0.25}, 0.78),
    ],
)
def test_published_sentences(told: dict[str, float], published: float) -> None:
    """The percentages of docs/consensus.md for 60 % honest stake; some are cut, not rounded."""
    assert -0.005 < required(**told) - published < 0.015


def test_published_lines() -> None:
    """Every line of the nine published graphs, by draws of our own."""
    lines = data.load("retention_published")
    settings = ["weight_sigma", "kappa", "bonds_penalty", "xi"]
    for told, line in lines.groupby(settings):
        constants = dict(zip(settings, told, strict=True))
        result = subnets.retention_map(line["honest_stake"], GRID, GRID, seed=0, **constants)
        found = result.required_honest_weight(interpolate=True)
        kept = line["honest_stake"].to_numpy() > constants["kappa"]
        assert (np.isnan(found) | kept | (line["honest_stake"] == 0.6)).all()
        thin = np.where(line["honest_stake"] == 0.51, 0.03, 0.01)
        assert (abs(found - line["required_honest_weight"]) < thin)[kept].all()


def test_no_protection_below_kappa() -> None:
    result = subnets.retention_map([0.51, 0.55, 0.65], GRID, GRID, weight_sigma=0.4, kappa=0.6)
    assert np.isnan(result.required_honest_weight()).tolist() == [True, True, False]


@pytest.mark.parametrize("seed", range(10))
def test_on_the_chain_rounding_takes_the_majority_from_who_has_exactly_kappa(seed: int) -> None:
    """Why the published map at kappa = 0.6 protects 60 % nowhere, and ours does."""
    rng = np.random.default_rng(seed)
    n, honest, kappa = 64, 38, 39_321  # 39,321 / 65,535 is 0.6
    stake = (rng.normal(1.0, 0.3, n).clip(0.01) * 1e9).astype(np.int64)
    stake[:honest] *= 10**11 * 6 // stake[:honest].sum()
    stake[honest:] *= 10**11 * 4 // stake[honest:].sum()
    stake[0] += 10**11 * 6 - stake[:honest].sum()
    stake[honest] += 10**11 * 4 - stake[honest:].sum()
    votes = np.repeat([[subnets.U16_MAX, 0], [0, subnets.U16_MAX]], [honest, n - honest], axis=0)

    def consensus(kappa: int, arithmetic: str) -> list[float]:
        told = {"params": subnets.YumaParams.from_chain(kappa=kappa), "arithmetic": arithmetic}
        result = subnets.yuma_epoch(votes, stake, validator_uids=-1, **told)
        if arithmetic == "fixed":
            held = int(result.active_stake[:honest].sum() * 2**32)
            assert 0 < (39_321 << 32) // subnets.U16_MAX - held <= honest
        return result.consensus.tolist()

    assert consensus(kappa, "float64") == [1.0, 0.0]
    assert consensus(kappa, "fixed") == [0.0, 0.0]
    assert consensus(kappa - 1, "fixed") == [1.0, 0.0]


def test_weights_at_kappa_count() -> None:
    """Honest stake of exactly κ is a majority, whatever the rounding of the single stakes."""
    for seed in range(20):
        result = subnets.retention_map(0.6, 1.0, 1.0, weight_sigma=0.0, kappa=0.6, seed=seed)
        assert result.honest_emission[0, 0, 0] == pytest.approx(1.0)


def test_nobody_is_paid_by_scores() -> None:
    result = subnets.retention_map(0.55, 1.0, 1.0, weight_sigma=0.0, kappa=0.6)
    assert result.honest_emission[0, 0, 0] == 0.0


def test_same_bits_on_any_number_of_threads() -> None:
    told: dict[str, Any] = {"weight_sigma": 0.4, "seed": 7} | SMALL
    before = numba.get_num_threads()
    try:
        maps = []
        for threads in {1, before}:
            numba.set_num_threads(threads)
            maps.append(subnets.retention_map([0.51, 0.7], GRID, GRID, **told).honest_emission)
    finally:
        numba.set_num_threads(before)
    for other in maps[1:]:
        np.testing.assert_array_equal(maps[0], other)


def small_map() -> str:
    told: dict[str, Any] = {"weight_sigma": 0.7, "bonds_penalty": 0.3, "xi": 0.4, "seed": 5} | SMALL
    result = subnets.retention_map([0.51, 0.6], GRID[::10], GRID[::10], **told)
    return result.honest_emission.tobytes().hex()


def test_plain_python_gives_the_same_bits() -> None:
    code = "from tests.subnets.test_guarantees import small_map; print(small_map())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent.parent,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == small_map()


def test_draws_are_shared_by_all_points() -> None:
    told: dict[str, Any] = {"weight_sigma": 0.4, "seed": 7} | SMALL
    whole = subnets.retention_map([0.6, 0.7], [0.5, 0.9], [0.1, 0.8], **told)
    part = subnets.retention_map(0.7, 0.9, 0.1, **told)
    assert part.honest_emission[0, 0, 0] == whole.honest_emission[1, 1, 0]
    other = subnets.retention_map(0.7, 0.9, 0.1, **(told | {"seed": 8}))
    assert part.honest_emission[0, 0, 0] != other.honest_emission[0, 0, 0]


def test_labelled() -> None:
    result = subnets.retention_map([0.6, 0.8], GRID, GRID[::10], weight_sigma=0.2, seed=1)
    labelled = result.to_xarray()
    assert labelled["honest_emission"].dims == ("honest_stake", "honest_weight", "cabal_weight")
    least = labelled["required_honest_weight"].sel(honest_stake=0.8).item()
    assert labelled["retained"].sel(honest_stake=0.8, honest_weight=least).all()
    assert result.worst_emission.shape == result.worst_cabal_weight.shape == (2, 51)
    at = labelled["honest_emission"].sel(cabal_weight=result.worst_cabal_weight[1, 30])
    assert at[1, 30].item() == result.worst_emission[1, 30]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"honest_stake": 1.0}, r"honest_stake is 1; allowed: finite, \(0, 1\)"),
        ({"honest_weight": [0.5, np.nan]}, r"honest_weight\[1\] is nan"),
        ({"cabal_weight": [0.2, 1.2]}, r"cabal_weight\[1\] is 1.2"),
        ({"cabal_weight": [[0.2]]}, r"cabal_weight has shape \(1, 1\)"),
        ({"kappa": 0.0}, "kappa is 0"),
        ({"bonds_penalty": -0.1}, "bonds_penalty is -0.1"),
        ({"xi": 1.1}, "xi is 1.1"),
        ({"weight_sigma": -1.0}, "weight_sigma is -1"),
        ({"stake_sigma": np.inf}, "stake_sigma is inf"),
        ({"validators": 1}, "validators is 1"),
        ({"validators": 64, "nodes": 65}, "nodes is 65"),
    ],
)
def test_bad_input(told: dict[str, Any], message: str) -> None:
    good = {"honest_stake": 0.6, "honest_weight": 0.7, "cabal_weight": 0.8, "weight_sigma": 0.4}
    with pytest.raises(ValueError, match=message):
        subnets.retention_map(**(good | told))


# ---------------------------------------------------------------------------------- coalitions


@given(st.lists(st.integers(0, 20), min_size=1, max_size=7), st.integers(1, 20))
def test_no_smaller_coalition_does(held: list[int], twentieths: int) -> None:
    assume(sum(held) > 0)
    coalition = subnets.smallest_coalition(held, twentieths / 20)
    needed = twentieths * sum(held)  # in twentieths, exact
    assert 20 * sum(held[i] for i in coalition.members) >= needed
    assert coalition.share == pytest.approx(sum(held[i] for i in coalition.members) / sum(held))
    assert coalition.size == len(set(coalition.members.tolist()))
    for smaller in combinations(held, coalition.size - 1):
        assert 20 * sum(smaller) < needed


def test_tenths_are_tenths() -> None:
    sizes = [subnets.smallest_coalition([0.1] * 10, k / 10).size for k in range(1, 11)]
    assert sizes == list(range(1, 11))


def test_coalition_of_a_real_subnet() -> None:
    stake = data.load("subnet15_stake")["stake"]
    coalition = subnets.smallest_coalition(stake)
    assert (coalition.size, coalition.members[0]) == (3, stake.idxmax())


@pytest.mark.parametrize(
    ("held", "share", "message"),
    [
        ([0, 0], 0.5, "all 0"),
        ([], 0.5, "all 0"),
        ([1, -1], 0.5, r"shares\[1\] is -1"),
        ([1, np.nan], 0.5, r"shares\[1\] is nan"),
        ([[1]], 0.5, r"shares has shape \(1, 1\)"),
        ([1], 0.0, "share is 0"),
        ([1], 1.01, "share is 1.01"),
    ],
)
def test_bad_holdings(held: Any, share: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        subnets.smallest_coalition(held, share)
