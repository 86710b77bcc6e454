"""Vectors of HNT's schedule, its net emissions and HIP-149's supplement."""

from collections.abc import Callable
from typing import Any

import numpy as np

from depin_lib import economics

from ..harness import Vector, adapter, by_hand, compare

#: HIP-20's two columns, by the word that an expected key, an input or a name holds.
COLUMNS = {
    "supply": economics.hnt_supply_at_start,
    "mint": economics.hnt_annual_issue,
    "issu": economics.hnt_annual_issue,
}


@by_hand("hnt_issuance_by_year")
def issuance_by_year(vector: Vector) -> None:
    inputs, expected = dict(vector["inputs"]), vector["expected"]
    years = inputs.pop("years")
    if isinstance(expected, dict):
        actual = {key: _column(key)(years) for key in expected}
    else:
        actual = _column(" ".join([*map(str, inputs.values()), vector["name"]]))(years)
    compare(actual, expected, vector["tol"])


def _column(text: str) -> Callable:
    for word, function in COLUMNS.items():
        if word in text:
            return function
    raise LookupError(f"{text!r} names none of {sorted(COLUMNS)}")


@adapter("hnt_reward_split")
def reward_split(inputs: dict[str, Any]) -> Any:
    split = economics.hnt_reward_split(inputs["years"])
    return np.stack([getattr(split, name) for name in inputs["order"]], axis=1)


@adapter("hnt_epoch_issue")
def epoch_issue(inputs: dict[str, Any]) -> Any:
    return economics.hnt_epoch_issue(inputs["annual_mint"], inputs["epochs_per_day"])


@adapter("net_emission_cap")
def net_emission_cap(inputs: dict[str, Any]) -> Any:
    return economics.hnt_net_emission_cap(
        inputs["annual_mint"],
        share=inputs["cap_share"],
        epochs_per_day=inputs["epochs_per_day"],
    )


@adapter("net_emission_cap/net_emission_cap_daily")
def net_emission_cap_daily(inputs: dict[str, Any]) -> Any:
    return economics.hnt_net_emission_cap(
        inputs["annual_mint_at_adoption"], share=inputs["share"], days=inputs["days"]
    )


@adapter("daily_emission")
def daily_emission(inputs: dict[str, Any]) -> Any:
    return economics.daily_emission(inputs["annual"], inputs["days"])


@adapter("daily_emission/hip")
def treasury_stream(inputs: dict[str, Any]) -> Any:
    return economics.treasury_stream(inputs["total_hnt"], inputs["days"])


@adapter("net_emission_smoothing")
def net_emission_smoothing(inputs: dict[str, Any]) -> Any:
    result = economics.net_emissions(
        [inputs["burn_today"]], cap_hnt=inputs["cap"], start_hnt=inputs["target_yesterday"]
    )
    return [result.memory_hnt[0], result.emitted_hnt[0]]


@adapter("net_emission_smoothing_integer")
def net_emission_smoothing_integer(inputs: dict[str, Any]) -> Any:
    _, emitted = economics.net_emission_step_bones(
        inputs["prev_smoothed_bones"], inputs["burn_bones"], inputs["cap_bones"]
    )
    return inputs["epoch_rewards_bones"] + emitted


@adapter("hip149_supplement_totals")
def hip149_supplement_totals(inputs: dict[str, Any]) -> Any:
    supplement = economics.HntSupplement(
        flat_hnt_per_day=inputs["flat_rate"],
        flat_days=inputs["flat_days"],
        taper_days=inputs["taper_days"],
    )
    return {
        "flat": supplement.flat_hnt,
        "taper": supplement.taper_hnt,
        "total": supplement.total_hnt,
        "council_1.25pct": supplement.council_hnt,
    }


@adapter("hip149_max_supply")
def hip149_max_supply(inputs: dict[str, Any]) -> Any:
    return economics.hnt_max_supply(inputs["current_effective"], inputs["supplement"])
