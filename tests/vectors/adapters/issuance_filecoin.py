"""Vectors of Filecoin's minting: constants, rewards, recorded states, closed forms."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from depin_lib import economics

from ..harness import Vector, adapter, by_hand, compare

Q128 = 2**128


#: What a vector calls an input, and the field of `FilRules` that it sets.
FIELDS = {
    "b0": "initial_baseline_bytes",
    "simple_total_fil": "simple_total_atto",
    "baseline_total_fil": "baseline_total_atto",
} | {name: name for name in economics.FilRules.__dataclass_fields__}
SECONDS_PER_EPOCH = 86_400 / economics.EPOCHS_PER_DAY
#: The constants of the reward actor and of the specification, by what a name or a kind holds.
CONSTANTS: dict[str, Callable[[economics.FilRules], Any]] = {
    "atto_per_fil": lambda rules: economics.ATTO_PER_FIL,
    "b0_bytes": lambda rules: rules.initial_baseline_bytes,
    "baseline_exponent_q": lambda rules: economics.baseline_exponent_q128(
        rules.growth_per_year, rules.epochs_per_year
    ),
    "baseline_total_atto": lambda rules: rules.baseline_total_atto,
    "baseline_total_mainnet_atto": lambda rules: economics.FIL_MAINNET.baseline_total_atto,
    "epochs_per_day": lambda rules: economics.EPOCHS_PER_DAY,
    "epochs_per_year": lambda rules: rules.epochs_per_year,
    "exp_lambda_minus_one_q128": lambda rules: economics.exp_lambda_minus_one_q128(
        rules.half_life_years, rules.epochs_per_year
    ),
    "growth_per_epoch": lambda rules: rules.growth_per_epoch,
    "init_baseline_power_bytes": lambda rules: economics.fil_baseline_before_start(rules=rules),
    "initial_reward_position_atto": lambda rules: economics.fil_initial_reward_estimate_atto(
        rules.simple_total_atto // economics.ATTO_PER_FIL
    ),
    "lambda_per_epoch": lambda rules: rules.decay_per_epoch,
    "lambda_per_second": lambda rules: rules.decay_per_epoch / SECONDS_PER_EPOCH,
    "lambda_q128": lambda rules: economics.lambda_q128(
        rules.half_life_years, rules.epochs_per_year
    ),
    "simple_total_atto": lambda rules: rules.simple_total_atto,
    "wins_per_epoch": lambda rules: rules.wins_per_epoch,
}


@by_hand(
    "const",
    "const/baseline_exponent_q",
    "const/init_baseline_power_bytes",
    "const/initial_reward_position_atto",
    "const/lambda_per_second",
)
def constant(vector: Vector) -> None:
    label = f"{vector['name']} {vector['kind']}"
    name = max((known for known in CONSTANTS if known in label), key=len, default="")
    if not name:
        raise LookupError(f"{label!r} names no constant; known: {', '.join(CONSTANTS)}")
    unknown = set(vector["inputs"]) - set(FIELDS)
    if unknown:
        raise LookupError(f"constant {name!r}: unknown inputs {sorted(unknown)}")
    rules = economics.FilRules(**dict(_field(*item) for item in vector["inputs"].items()))
    compare(CONSTANTS[name](rules), vector["expected"], vector["tol"])


def _field(key: str, value: Any) -> tuple[str, Any]:
    """Read an input as a field of the rules; totals in FIL become atto-FIL."""
    if key == "growth_per_year":
        return key, float(value)
    unit = economics.ATTO_PER_FIL if key.endswith("_total_fil") else 1
    return FIELDS[key], int(value) * unit


@adapter("simple_reward")
def simple_reward(inputs: dict[str, Any]) -> Any:
    rules = economics.FilRules(simple_total_atto=int(inputs["simple_total_atto"]))
    return economics.fil_reward_atto(int(inputs["epoch"]), rules=rules)


@adapter("baseline_reward")
def baseline_reward(inputs: dict[str, Any]) -> Any:
    rules = economics.FilRules(baseline_total_atto=int(inputs["baseline_total_atto"]))
    theta0, theta1 = int(inputs["theta0_q128"]), int(inputs["theta1_q128"])
    whole = economics.fil_reward_atto(0, theta0, theta1, rules=rules)
    return whole - economics.fil_reward_atto(0, rules=rules)


@adapter("theta")
def theta(inputs: dict[str, Any]) -> Any:
    return economics.fil_theta_q128(**{k: int(v) for k, v in inputs.items()}) / Q128


@by_hand("baseline_growth_1yr")
def baseline_growth(vector: Vector) -> None:
    start, expected = int(vector["inputs"]["start_bytes"]), vector["expected"]
    end = economics.fil_grow_baseline(start, vector["inputs"]["epochs"])
    shortfall = 1 - end / (expected["ratio"] * start)
    assert 0 <= shortfall < expected["rel_err_upper_bound"]


@by_hand("reward_state")
def reward_state(vector: Vector) -> None:
    state = economics.fil_first_state(int(vector["inputs"]["power"]))
    compare(vars(state), vector["expected"], vector["tol"])


@by_hand("reward_state/cap_above_baseline")
def power_above_the_baseline(vector: Vector) -> None:
    expected = vector["expected"]
    a, b = (
        economics.fil_first_state(int(vector["inputs"][k])).this_epoch_reward
        for k in ("power_a", "power_b")
    )
    assert (a == b) is expected["equal"]
    compare(a, expected["this_epoch_reward"], vector["tol"])


@adapter("block_reward")
def block_reward(inputs: dict[str, Any]) -> Any:
    return economics.fil_block_reward_atto(
        int(inputs["this_epoch_reward"]),
        int(inputs["win_count"]),
        gas_atto=int(inputs["gas_reward"]),
    )


@adapter("block_reward/balance_capped_sequence")
def block_rewards_from_a_balance(inputs: dict[str, Any]) -> Any:
    balance = int(inputs["balance"])
    paid = []
    for _ in range(inputs["awards"]):
        reward = int(inputs["this_epoch_reward"])
        paid.append(economics.fil_block_reward_atto(reward, balance_atto=balance))
        balance -= paid[-1]
    return paid


@adapter("circulating_supply")
def circulating_supply(inputs: dict[str, Any]) -> Any:
    disbursed = inputs["reserve_initial"] - inputs["reserve_balance"]
    circulating = economics.fil_circulating_supply(
        inputs["vested"], inputs["mined"], disbursed, inputs["burnt"], inputs["locked"]
    )
    return {"disbursed": disbursed, "circulating": circulating}


@adapter("mainnet")
def effective_network_time(inputs: dict[str, Any]) -> Any:
    rules = economics.FilRules(initial_baseline_bytes=int(inputs["b0"]))
    realized = float(inputs["cumsum_realized_byte_epochs"])
    return {"effective_network_time": float(economics.fil_network_time(realized, rules=rules))}


@by_hand("mainnet/2026-10_state")
def recorded_state(vector: Vector) -> None:
    inputs = {k: int(v) for k, v in vector["inputs"].items()}
    expected = vector["expected"]
    rules = economics.FilRules(baseline_total_atto=inputs["baseline_total"], baseline_lag_epochs=1)
    state = economics.FilRewardState(
        epoch=inputs["epoch"],
        cumsum_baseline=inputs["cumsum_baseline"],
        cumsum_realized=inputs["cumsum_realized"],
        effective_network_time=inputs["effective_network_time"],
        effective_baseline_power=inputs["effective_baseline_power"],
        this_epoch_baseline_power=int(expected["this_epoch_baseline_power"]),
        this_epoch_reward=int(expected["this_epoch_reward_atto"]),
    )
    assert economics.fil_theta_q128(
        state.effective_network_time,
        state.effective_baseline_power,
        state.cumsum_realized,
        state.cumsum_baseline,
    ) / Q128 == pytest.approx(expected["theta"], abs=1e-6)
    baseline = float(economics.fil_baseline_power(state.epoch, rules=rules))
    assert baseline == pytest.approx(state.this_epoch_baseline_power, rel=1e-9)
    power = economics.fil_implied_raw_power(state, rules=rules)
    assert power / 2**60 == pytest.approx(expected["implied_raw_byte_power_EiB"], rel=1e-4)
    recomputed = economics.fil_recompute_reward_atto(state, math.floor(power), rules=rules)
    assert recomputed == pytest.approx(state.this_epoch_reward, rel=1e-6)
    theta = economics.fil_network_time(state.cumsum_realized, rules=rules)
    minted = economics.fil_simple_minted(state.epoch, rules=rules) + economics.fil_baseline_minted(
        theta, rules=rules
    )
    paid = int(expected["total_storage_power_reward_atto"]) / economics.ATTO_PER_FIL
    assert 0.9 * minted < paid < minted


@adapter("closed_form")
def simple_minted(inputs: dict[str, Any]) -> Any:
    epochs = [economics.EPOCHS_PER_DAY * d for d in inputs["days"]]
    return economics.fil_simple_minted(epochs)
