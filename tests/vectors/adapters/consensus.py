"""Vectors of whole epochs, one or several in a row."""

from typing import Any

import numpy as np

from depin_lib import seeds, subnets

from ..harness import Vector, adapter, by_hand, compare

U16 = subnets.U16_MAX
HALVES = 1_000_000_000  # rao per epoch in the chain's tests
UNITS_AGREE = 4  # steps of the chain's test of bonds before float64 rounds otherwise


@adapter("epoch", "epoch/epoch")
def epoch(inputs: dict[str, Any]) -> Any:
    n = inputs["n"]
    weights = np.zeros((n, n))
    for row, entries in inputs.get("weights", {}).items():
        for column, weight in entries:
            weights[int(row), column] = weight
    if inputs.get("self_weights_only"):
        np.fill_diagonal(weights, U16)
    result = subnets.yuma_epoch(weights, inputs["stake"])
    paid = result.payout_rao(inputs.get("rao_emission", HALVES))
    return {
        "consensus": result.consensus,
        "incentive": result.incentive,
        "dividends": result.dividends,
        "validator_trust": result.validator_trust,
        "emission": paid["combined"],
        "server_emission": paid["server"],
        "validator_emission": paid["validator"],
        "sum_of_server_and_validator_emission": (paid["server"] + paid["validator"]).sum(),
    }


@by_hand("epoch_sequence")
def bonds_of_yuma2(vector: Vector) -> None:
    """The chain's figures: to the rao in its own arithmetic, as near as float64 comes in float64.

    Where a stored bond would be a whole number again, fixed point falls one unit of u16 short of
    it: from the fourth step on, float64 is off by a unit or two in the bonds and so by up to 6e-6
    of the payout. Before, it agrees to 2 rao in 10**9.
    """
    for arithmetic in ("float64", "fixed"):
        results = steps_of_yuma2(vector["inputs"], arithmetic)
        expected, exact = vector["expected"], arithmetic == "fixed"
        for i, (result, row) in enumerate(zip(results, expected["emission_table"], strict=True)):
            paid = result.payout_rao(vector["inputs"]["rao_emission"])["combined"]
            compare(paid, row, {"abs": 0 if exact else 2 if i < UNITS_AGREE else 6_000})
        for name in ("dividends", "incentive"):
            for i, row in enumerate(expected[f"{name}_table"]):
                tol = {"abs": 3e-9 if exact or i < UNITS_AGREE else 1.2e-5}
                compare(getattr(results[i], name), row, tol)
        for i, entries in enumerate(expected["bonds_asserted"]):
            tol = {"abs": 1e-9 if exact or i < UNITS_AGREE - 1 else 2}
            for entry in entries:
                bond = results[i].bonds[entry["validator"], entry["server"]] * U16
                compare(bond, entry["bond_u16"], tol)


def steps_of_yuma2(inputs: dict[str, Any], arithmetic: str) -> list[subnets.EpochResult]:
    n, rows = inputs["n"], np.array(inputs["initial_weights"])
    params = subnets.YumaParams.from_chain(
        kappa=inputs["kappa_u16"],
        bonds_penalty=inputs["bonds_penalty_u16"],
        bonds_moving_average=inputs["bonds_moving_average"],
        yuma3=inputs["yuma3"],
        bonds_u16=True,
    )
    weights = np.zeros((n, n))
    weights[: len(rows), len(rows) :] = rows
    results: list[subnets.EpochResult] = []
    for step in inputs["steps"]:
        change_weights(weights, step)
        bonds = results[-1].bonds if results else None
        told = {"bonds": bonds, "params": params, "arithmetic": arithmetic}
        results.append(subnets.yuma_epoch(weights, inputs["stake"], **told))
    return results


def change_weights(weights: np.ndarray, step: str) -> None:
    """Do what a step of the chain's test says in words."""
    words = step.split()
    if words[0] == "validator":
        row = int(words[1])
        weights[row] = 0
        column = int(words[-1]) if "uid" in words else row
        weights[row, column] = U16
    else:
        assert words[0] in ("all", "no"), step


@by_hand("epoch_sequence/epoch_zero_weights")
def zero_weights(vector: Vector) -> None:
    stake = vector["inputs"]["stake"]
    nothing, server_only = np.zeros((2, 2)), np.array([[0, 0], [0, U16]])
    voted = np.array([[0, U16], [0, U16]])
    cases = [
        (nothing, {}),
        (server_only, {}),
        (voted, {"last_update": [5, 5], "registered": [0, 5]}),
        (voted, {"last_update": [6, 5], "registered": [0, 5]}),
    ]
    paid = [subnets.yuma_epoch(w, stake, **told).payout_rao(HALVES) for w, told in cases]
    compare([p["combined"].tolist() for p in paid], vector["expected"], vector["tol"])


@by_hand("validator_permits")
def validator_permits(vector: Vector) -> None:
    """The cases stand in words: who is permitted before and after servers get more stake."""
    assert "(2,1),(4,2),(8,4)" in vector["inputs"]["cases"]
    for n, k in ((2, 1), (4, 2), (8, 4)):
        params = subnets.YumaParams(max_validators=k, stake_threshold=k)
        validators = np.arange(n) < k
        for raised in (False, True):
            stake = np.where(validators, 1 if not raised else np.arange(n) + n, 0)
            stake = np.where(validators | (not raised), stake, np.arange(n))
            before = subnets.yuma_epoch(np.zeros((n, n)), stake, params=params).permits
            best = np.argsort(stake, kind="stable")[n - k :]
            wanted = np.isin(np.arange(n), best) & (stake >= k)
            assert (before == wanted).all()
            topped = np.where(validators, stake, stake + 2 * n)
            after = subnets.yuma_epoch(np.zeros((n, n)), topped, params=params).permits
            assert (after == ~validators).all()


def yuma3_params(setup: dict[str, Any], liquid_alpha: bool) -> subnets.YumaParams:
    return subnets.YumaParams(
        kappa=setup["kappa_u16"] / U16,
        bonds_penalty=setup["bonds_penalty_u16"] / U16,
        bonds_moving_average=setup["bonds_moving_average"] / 1_000_000,
        bonds_rule="yuma3" if setup["yuma3"] else "yuma2",
        bonds_u16=True,
        liquid_alpha=liquid_alpha,
        alpha_low=round(setup["alpha_low"] * U16) / U16,  # as the chain stores it
        alpha_high=round(setup["alpha_high"] * U16) / U16,
        alpha_steepness=setup["alpha_sigmoid_steepness"] / 100,
        max_validators=setup["max_validators"],
        tempo=setup["tempo"],
    )


def run_epochs(
    stake: list[float],
    schedule: list[Any],
    params: subnets.YumaParams,
    resets: dict[int, int] | None = None,
) -> dict[str, list[Any]]:
    """Validators come first among the uids, servers after them; None keeps the weights."""
    n, validators = len(stake), len(schedule[0])
    weights, bonds = np.zeros((n, n)), None
    history: dict[str, list[Any]] = {"bonds": [], "dividends": []}
    for epoch_number, rows in enumerate(schedule):
        if rows is not None:
            weights[:validators, validators:] = rows
        if bonds is not None and resets and epoch_number in resets:
            bonds = subnets.reset_bonds(bonds, resets[epoch_number])
        result = subnets.yuma_epoch(weights, stake, bonds=bonds, params=params)
        bonds = result.bonds
        history["bonds"].append(bonds[:validators, validators:])
        history["dividends"].append(result.dividends)
    return history


@adapter("yuma3_sequence")
def yuma3_sequence(inputs: dict[str, Any]) -> Any:
    params = yuma3_params(inputs["setup"], inputs["liquid_alpha"])
    return run_epochs(inputs["stake"], inputs["weights_per_epoch_u16"], params)


@by_hand("yuma3_sequence/yuma")
def bonds_reset(vector: Vector) -> None:
    inputs, expected = vector["inputs"], vector["expected"]
    first, second = [U16, 0], [0, U16]
    schedule: list[Any] = [[first] * 3, [first, second, second]]
    schedule += [[second] * 3] * 19
    schedule += [[second, first, first]]
    schedule += [[first] * 3] * 19
    params = yuma3_params(inputs["setup"], inputs["liquid_alpha"])
    resets = {inputs["reset_epoch"]: inputs["reset_uid"]}
    history = run_epochs(inputs["stake"], schedule, params, resets)
    for name, by_epoch in expected.items():
        for epoch_number, values in by_epoch.items():
            compare(history[name][int(epoch_number)], values, vector["tol"], name)


@by_hand("liquid_alpha")
def liquid_alpha_of_equal_limits(vector: Vector) -> None:
    """Between equal limits every rate is the limit, and bonds move as by a plain average."""
    inputs = vector["inputs"]
    constants = {key: inputs[f"{key}_u16"] for key in ("alpha_low", "alpha_high")}
    constants["bonds_moving_average"] = inputs["bonds_moving_average"]
    weights, stored = np.floor(seeds.uniforms(2, 5 * 7, seed=7) * U16).reshape(2, 5, 7)
    bonds = stored / U16
    liquid, plain = (
        subnets.yuma_epoch(
            weights,
            [5, 4, 3, 2, 1],
            bonds=bonds,
            params=subnets.YumaParams.from_chain(**constants, liquid_alpha=liquid),
        ).bonds
        for liquid in (True, False)
    )
    compare(liquid.tolist(), plain.tolist(), vector["tol"])
    clipped = subnets.yuma_epoch(weights, [5, 4, 3, 2, 1]).consensus
    wanted = subnets.bond_ema(
        bonds,
        subnets.column_clip(subnets.row_normalise(weights), clipped),
        1 - inputs["bonds_moving_average"] / 1_000_000,
    )
    compare(liquid.tolist(), wanted.tolist(), vector["tol"])
