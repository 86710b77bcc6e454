"""Copiers, free riders, merged stake and cabals against single epochs, and against arithmetic."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import subnets

SMALL = subnets.World(miners=6, validators=5, epochs=24)


def advantage_by_hand(world: subnets.World, reveal: int, seed: int) -> float:
    """One run with a copier, epoch by epoch; it submits its own weights as long as it must.

    What it copies without delay is what the others alone agree on; later, what counted with it.
    """
    weights = world.weights(1, seed)[0]
    honest, bonds, paid, seen = world.validators - 1, None, [], []
    for epoch in range(world.epochs):
        rows = weights[epoch].copy()
        others = subnets.yuma_epoch(rows[:honest], world.stake[:honest], validator_uids=-1)
        if epoch >= reveal:
            rows[honest] = seen[epoch - reveal] if reveal else others.consensus
        result = subnets.yuma_epoch(rows, world.stake, bonds=bonds, validator_uids=-1)
        bonds = result.bonds
        seen.append(result.consensus)
        paid.append(result.dividends)
    mean = np.array(paid)[world.epochs // 4 :].mean(axis=0)
    return float(mean[-1] / world.copier_stake / (mean[:-1].sum() / (1 - world.copier_stake)) - 1)


@pytest.mark.parametrize("reveal", [0, 1, 3])
def test_a_copier_by_hand(reveal: int) -> None:
    found = subnets.copier_advantage(SMALL, reveal=reveal, runs=1, seed=9)
    assert float(found[0]) == pytest.approx(advantage_by_hand(SMALL, reveal, 9), rel=1e-9)


def test_several_reveals_share_their_worlds() -> None:
    found = subnets.copier_advantage(SMALL, reveal=[0, 2], runs=3, seed=9)
    assert found.sizes == {"reveal": 2, "run": 3}
    for reveal in (0, 2):
        alone = subnets.copier_advantage(SMALL, reveal=reveal, runs=3, seed=9)
        np.testing.assert_array_equal(found.sel(reveal=reveal), alone)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.sampled_from([0.3, 0.9]))
def test_errors_last_and_keep_their_size(seed: int, memory: float) -> None:
    world = subnets.World(speed=0, miners=40, validators=5, epochs=30, memory=memory)
    weights = world.weights(40, seed)
    errors = np.log(weights) - world.quality(40, seed)[:, :, np.newaxis]
    errors -= errors.mean(axis=3, keepdims=True)  # the row's sum
    assert errors.std() == pytest.approx(world.error, rel=0.05)
    assert (errors[:, 1:] * errors[:, :-1]).mean() / errors.var() == pytest.approx(memory, abs=0.05)


def test_errors_that_last_keep_an_old_copy_good() -> None:
    still = subnets.World(speed=0, epochs=80)
    fresh = subnets.copier_advantage(still, reveal=[0, 1], runs=8, seed=3).mean("run")
    last = replace(still, memory=0.95)
    lasting = subnets.copier_advantage(last, reveal=[0, 1], runs=8, seed=3).mean("run")
    assert fresh[1] < 0.6 * fresh[0], "the consensus of two epochs errs independently"
    assert lasting[1] > 0.8 * lasting[0] > 0


def test_where_nobody_errs_and_nothing_moves_copying_pays_what_work_pays() -> None:
    still = replace(SMALL, speed=0.0, error=0.0)
    for reveal in (0, 2):
        found = subnets.copier_advantage(still, reveal=reveal, runs=3, seed=1)
        np.testing.assert_allclose(found, 0.0, atol=1e-9)


def test_the_copier_gains_from_errors_and_loses_from_delay() -> None:
    world = subnets.World(epochs=80)
    table = subnets.copying_table([0.0, 0.1, 0.3], [0, 1, 5], world, runs=10, seed=4)
    assert (table[0] > 0).all(), "the median errs less than a validator"
    assert (table.loc[0.1:].diff(axis=1).iloc[:, 1:] < 0).all(axis=None), "older copies pay less"
    assert (table[[1, 5]].diff().iloc[1:] < 0).all(axis=None), "and the less, the faster it moves"
    assert table.loc[0.3, 1] < 0, "hiding for one epoch is enough where quality moves fast"
    assert table.loc[0.0, 5] > 0, "and never where it stands still"


def test_copying_beats_the_other_ways_of_not_working() -> None:
    gains = subnets.free_riding(subnets.World(epochs=60), runs=8, seed=2)
    assert gains["copy"] > 0 > gains["frozen"] > gains["uniform"]


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.05, 1.0))
def test_quality_keeps_its_spread(seed: int, speed: float) -> None:
    world = subnets.World(miners=50, epochs=6, speed=speed)
    quality = world.quality(200, seed)
    np.testing.assert_allclose(quality.std(axis=(0, 2)), 1.0, atol=0.04)
    steps = np.diff(quality, axis=1).std()
    assert steps == pytest.approx(speed, rel=0.05)


def test_merged_stake_loses_the_bonds_that_hold_it() -> None:
    weights, stake, told = [[0, 1]] * 3, [8, 1, 1], {"parts": [1, 2], "at": 30, "epochs": 32}
    old = subnets.YumaParams(bonds_rule="yuma2")
    paid = subnets.stake_merge(weights, stake, params=old, **told)["dividends"].values[0]
    first = 0.9 * np.array([0.8, 0.1, 0.1]) + 0.1 * np.array([0.8, 0.2, 0.0])
    left = np.array([first[0], first[1], 0.0])  # without stake no permit, without permit no bonds
    then = 0.9 * left / left.sum() + 0.1 * np.array([0.8, 0.2, 0.0])
    np.testing.assert_allclose(paid[30:], [first, then])
    kept = subnets.stake_merge(weights, stake, **told)["dividends"].values[0]
    np.testing.assert_allclose(kept[30:], [[0.8, 0.2, 0.0]] * 2, atol=1e-12)


def test_a_cabal_that_moves_with_the_others_gains_nothing() -> None:
    for liquid in (False, True):
        params = subnets.YumaParams(liquid_alpha=liquid)
        assert subnets.liquid_alpha_cabal(0.3, lead=0, params=params) == pytest.approx(0, abs=1e-12)
        late = subnets.liquid_alpha_cabal(0.3, lead=-3, params=params)
        assert late < subnets.liquid_alpha_cabal(0.3, lead=-1, params=params) < 0


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="speed is 2 of log quality; allowed: at most spread, 1"):
        subnets.World(speed=2.0)
    with pytest.raises(ValueError, match="copier_stake is 1; allowed"):
        subnets.World(copier_stake=1.0)
    with pytest.raises(ValueError, match="validators is 1; allowed"):
        subnets.World(validators=1)
    with pytest.raises(ValueError, match="strategy is 'copying', which is not known; did you mean"):
        subnets.copier_advantage(strategy="copying")
    with pytest.raises(ValueError, match=r"reveal is 0\.5; allowed: whole numbers"):
        subnets.copier_advantage(reveal=0.5)
    with pytest.raises(ValueError, match="reveal is -1; allowed"):
        subnets.copier_advantage(reveal=[0, -1])
    with pytest.raises(ValueError, match="memory is 1; allowed"):
        subnets.World(memory=1.0)
    with pytest.raises(ValueError, match=r"parts is \[7\]; give two or more of validators 0 to 2"):
        subnets.stake_merge([[1.0]] * 3, [1, 1, 1], parts=[7], at=2)
    with pytest.raises(ValueError, match="at is epoch 40; allowed: 1 to 39"):
        subnets.stake_merge([[1.0]] * 3, [1, 1, 1], parts=[0, 1], at=40)
