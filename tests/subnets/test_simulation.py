"""Many epochs against epoch after epoch, against the laws they keep, on any number of threads."""

import re
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import subnets
from depin_lib.kernels.random import stream_key, uniform

seeds = st.integers(0, 10**9)
ALL = tuple(subnets.FIELDS)


class Story:
    """A random schedule: weights and stake that move, everything that may happen."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.epochs, n = int(rng.integers(1, 7)), int(rng.integers(1, 9))
        m = int(rng.choice([1, 3, 7, 64, 90]))
        ties = rng.integers(0, 4, (self.epochs, n, m)).astype(float)
        self.weights = ties if rng.random() < 0.5 else rng.random((self.epochs, n, m))
        self.stake = rng.integers(0, 5, (self.epochs, n)).astype(float)
        self.bonds = rng.random((n, m))
        self.emission = float(rng.choice([0.0, 1.5]))
        self.present = rng.random((self.epochs, n)) < 0.85
        self.resets = {int(e): [int(rng.integers(m))] for e in range(self.epochs) if e % 2}
        self.copies = rng.choice([-1, -1, -1, 0, 1, 3], n)
        # stake that grows by fractions may lie on a round kappa but for the last digit
        kappas = [0.2511, 0.6007] if self.emission else [0.25, 32_767 / 65_535, 0.5, 1.0]
        self.params = subnets.YumaParams(
            kappa=float(rng.choice(kappas)),
            bonds_penalty=float(rng.choice([0.0, 0.3, 1.0])),
            bonds_rule=str(rng.choice(["yuma2", "yuma3"])),
            liquid_alpha=bool(rng.random() < 0.5),
            drop_unweighted_bonds=bool(rng.random() < 0.3),
            bonds_u16=bool(rng.random() < 0.5),
            stake_threshold=float(rng.choice([0.0, 2.0])),
        )

    def told(self) -> dict[str, Any]:
        names = ("bonds", "emission", "present", "resets", "copies", "params")
        return {name: getattr(self, name) for name in names}

    def run(self, **others: Any) -> Any:
        return subnets.simulate_epochs(
            self.weights, self.stake, **(self.told() | {"record": ALL} | others)
        )

    def slowly(self) -> list[dict[str, np.ndarray]]:
        """One call of `yuma_epoch` after the other, what happens between them in plain NumPy."""
        n = self.stake.shape[1]
        bonds, grown, seen, told = self.bonds, np.zeros(n), [], []
        paid = {"dividends": np.zeros(n), "incentive": np.zeros(self.weights.shape[2])}
        for e in range(self.epochs):
            here = self.present[e]
            grown = np.where(here, grown, 0.0)
            stake = np.where(here, self.stake[e] + grown, 0.0)
            stake = np.where(stake >= self.params.stake_threshold, stake, 0.0)
            weights = subnets.row_normalise(self.weights[e])
            others = np.where(self.copies == -1, stake, 0.0)
            now = subnets.weighted_median(weights, others, self.params.kappa)
            for i in np.flatnonzero((self.copies >= 0) & (self.copies <= e)):
                weights[i] = now if self.copies[i] == 0 else seen[e - self.copies[i]]
            bonds = subnets.reset_bonds(bonds, self.resets.get(e, []))
            result = subnets.yuma_epoch(
                weights, stake, bonds=bonds, params=self.params, validator_uids=-1
            )
            bonds = result.bonds
            seen.append(result.consensus)
            share = result.dividends if result.dividends.any() else result.active_stake
            grown = grown + self.emission * share
            for name in paid:
                paid[name] = paid[name] + getattr(result, name)
            fields = {name: getattr(result, name) for name in ALL if hasattr(result, name)}
            totals = {f"{name}_total": total for name, total in paid.items()}
            told.append(fields | totals | {"stake": stake})
        return told


def assert_same(history: Any, epochs: list[dict[str, np.ndarray]]) -> None:
    for e, values in enumerate(epochs):
        for name, wanted in values.items():
            found = history[name].values[0, e]
            np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=f"{name}, {e}")


@settings(max_examples=300)
@given(seeds)
def test_many_epochs_are_one_after_the_other(seed: int) -> None:
    story = Story(seed)
    if story.params.bonds_u16:  # a last digit may fall to another 65,535th, and stays there
        story.params = replace(story.params, bonds_u16=False)
    assert_same(story.run(epochs=story.epochs), story.slowly())


def test_bonds_are_stored_in_65535ths() -> None:
    params = subnets.YumaParams(bonds_u16=True)
    history = subnets.simulate_epochs([[1, 2], [2, 1]], [1, 1], epochs=5, params=params, record=ALL)
    whole = history["bonds"] * subnets.U16_MAX
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-9)


@given(seeds)
def test_a_function_sees_what_an_array_foretells(seed: int) -> None:
    story = Story(seed)
    story.copies = np.full_like(story.copies, -1)
    want = story.run(epochs=story.epochs)
    found = subnets.simulate_epochs(
        lambda before: story.weights[before.epoch],
        story.stake,
        **(story.told() | {"record": ALL, "epochs": story.epochs}),
    )
    for name in ALL:
        np.testing.assert_allclose(found[name], want[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_function_can_copy() -> None:
    rng = np.random.default_rng(1)
    weights = rng.random((20, 5, 8))

    def rule(before: subnets.Snapshot) -> np.ndarray:
        rows = subnets.row_normalise(weights[before.epoch])[np.newaxis]
        if before.epoch > 0:
            rows[:, 4] = before.consensus
        return rows

    stake = np.arange(1.0, 6.0)
    one = subnets.simulate_epochs(rule, stake, epochs=20, record=ALL)
    two = subnets.simulate_epochs(weights, stake, copies=[-1, -1, -1, -1, 1], record=ALL)
    for name in ALL:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_noise_is_the_stream_of_its_run_and_epoch() -> None:
    rng = np.random.default_rng(2)
    weights, stake = rng.random((6, 70)), rng.random(6)
    history = subnets.simulate_epochs(
        weights, stake, epochs=4, runs=3, noise=0.4, seed=11, record=("consensus",)
    )
    for run in range(3):
        for epoch in range(4):
            key = np.uint64(stream_key(*map(np.uint64, (11, run, epoch, 0))))
            u = np.array([uniform(key, np.uint64(k)) for k in range(weights.size)])
            noisy = weights * (1.0 + 0.4 * (2.0 * u.reshape(weights.shape) - 1.0))
            wanted = subnets.weighted_median(
                subnets.row_normalise(noisy), stake, subnets.YumaParams().kappa
            )
            found = history["consensus"].sel(run=run, epoch=epoch)
            np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_the_number_of_threads_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    weights, stake = rng.random((16, 64)), rng.random(16)
    found = []
    threads = numba.get_num_threads()
    try:
        for count in {1, threads}:
            numba.set_num_threads(count)
            found.append(
                subnets.simulate_epochs(
                    weights, stake, epochs=20, runs=50, noise=0.3, seed=5, record=ALL, every=20
                )
            )
    finally:
        numba.set_num_threads(threads)
    assert all(found[0].identical(other) for other in found)


def test_a_run_does_not_depend_on_how_many_there_are() -> None:
    few, many = (
        subnets.simulate_epochs([[1, 2], [2, 1]], [1, 2], epochs=5, runs=r, noise=0.5, seed=5)
        for r in (2, 7)
    )
    assert few.equals(many.isel(run=slice(2)))


@given(seeds)
def test_shares_are_conserved(seed: int) -> None:
    story = Story(seed)
    history = story.run(epochs=story.epochs)
    for name in ("dividends", "incentive"):
        total = history[name].sum(history[name].dims[-1]).values
        assert (np.isclose(total, 1.0) | (total == 0.0)).all()
        last = history[f"{name}_total"].isel(epoch=-1)
        np.testing.assert_allclose(last, history[name].sum("epoch"), atol=1e-12)
    assert ((history["bonds"] >= 0) & (history["bonds"] <= 1 + 1e-12)).all()


def test_stake_grows_by_the_emission() -> None:
    history = subnets.simulate_epochs(
        [[1, 2], [2, 1]], [5, 2], epochs=11, emission=0.5, record=("stake",)
    )
    np.testing.assert_allclose(history["stake"].sum("validator")[0], 7 + 0.5 * np.arange(11))


def test_who_leaves_starts_anew() -> None:
    present = np.ones((6, 2), np.bool_)
    present[3, 0] = False
    history = subnets.simulate_epochs(
        [[1, 2], [2, 1]], [5, 2], present=present, emission=1.0, record=("stake", "bonds")
    )
    assert history["stake"].values[0, 3, 0] == 0.0
    assert history["stake"].values[0, 4, 0] == 5.0
    assert not history["bonds"].values[0, 3, 0].any()
    np.testing.assert_allclose(history["bonds"][0, 4, 0], history["bonds"][0, 0, 0])


def test_only_what_is_asked_for_is_kept() -> None:
    history = subnets.simulate_epochs(
        [[1, 2]], [1], epochs=10, record=("incentive_total",), every=4
    )
    assert list(history.data_vars) == ["incentive_total"]
    assert history["epoch"].values.tolist() == [1, 5, 9]
    np.testing.assert_allclose(history["incentive_total"].sum("miner")[0], [2, 6, 10])
    assert history["incentive_total"].attrs["units"] == "epochs' worth of the half"


GOOD: dict[str, Any] = {"weights": np.ones((2, 3)), "stake": [1, 2], "epochs": 4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0, 2.0]}, "weights has shape (2,); expected (n, m), (epochs, n, m)"),
        (
            {"weights": np.full((2, 3), np.nan)},
            "weights[0, 0] is nan; allowed: finite, [0, 1e+300]",
        ),
        ({"weights": np.ones((5, 2, 3))}, "the number of epochs differs (weights: 5, epochs: 4)"),
        ({"weights": lambda _: np.ones((3, 2))}, "weights has shape (1, 3, 2); expected (any, 2"),
        ({"weights": lambda _: np.ones((7, 2, 3))}, "expected (n, m) or (runs, n, m) with runs"),
        ({"epochs": None}, "epochs is not given, and no array says how many there are"),
        ({"epochs": 0}, "epochs is 0; allowed: 1 to"),
        ({"stake": [1, -2]}, "stake[1] is -2; allowed: finite, [0, 1e+300]"),
        ({"stake": [1, 2, 3]}, "stake has shape (3,); expected (2): one entry per validator"),
        ({"bonds": np.ones((3, 2))}, "bonds has shape (3, 2); expected (2, 3)"),
        ({"noise": 1.5}, "noise is 1.5 of a weight; allowed: [0, 1] of a weight"),
        ({"emission": -1}, "emission is -1 stake per epoch"),
        ({"present": np.ones((4, 2))}, "expected (4, 2) truth values: epochs × validators"),
        ({"resets": {4: 1}}, "resets names epoch 4; allowed: 0 to 3"),
        ({"resets": {1: [3]}}, "resets[1] names [3]; allowed: miners 0 to 2"),
        ({"copies": [0, -2]}, "copies[1] is -2 epochs"),
        ({"copies": [0, 0.5]}, "copies must hold whole numbers of epochs"),
        ({"copies": [0, 1], "weights": lambda _: np.ones((2, 3))}, "copies needs weights as an ar"),
        ({"record": ("dividend",)}, "record is 'dividend', which is not known; did you mean"),
        ({"every": 5}, "every is 5; allowed: 1 to 4"),
        ({"params": subnets.YumaParams(max_validators=1)}, "weights has 2 rows; allowed: 1"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        subnets.simulate_epochs(**GOOD | change)
