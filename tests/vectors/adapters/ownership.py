"""Vectors of the cost of ownership and of the decisions that follow from it."""

from dataclasses import asdict
from typing import Any

import pytest

from depin_lib import compute

from ..harness import Vector, adapter, by_hand

#: Short names of the vectors, ours.
NAMES = {
    "K": "capex_usd",
    "s": "salvage_fraction",
    "r": "cost_of_capital",
    "n": "life_years",
    "u": "utilisation",
    "kw": "power_kw",
    "pue": "pue",
    "e": "electricity_usd_per_kwh",
    "idle": "idle_power_fraction",
    "maint": "maintenance_per_year",
    "colo": "colocation_usd_per_kw_month",
    "fixed": "fixed_usd_per_year",
    "fee": "platform_fee",
}


def owner(inputs: dict[str, Any]) -> compute.Ownership:
    known = {NAMES[name]: value for name, value in inputs.items() if name in NAMES}
    return compute.Ownership(**{"capex_usd": 0.0} | known)


@adapter("crf")
def capital_recovery(inputs: dict[str, Any]) -> Any:
    return compute.capital_recovery_factor(inputs["r"], inputs["n"])


@adapter("cost_of_ownership")
def cost_of_ownership(inputs: dict[str, Any]) -> Any:
    parts = asdict(compute.cost_of_ownership(owner(inputs)))
    return parts | {"colo": parts["colocation"], "price": parts["list_price"]}


@by_hand("tco_h100_energy_share")
def energy_share(vector: Vector) -> None:
    assert vector["inputs"] == {"same_as": "tco_h100_hosted"}
    hosted = {"K": 40000, "s": 0.2, "r": 0.1, "n": 5, "u": 0.7, "kw": 1.275, "pue": 1.2}
    hosted |= {"e": 0.0862, "idle": 0.3, "maint": 0.03}
    share = compute.cost_of_ownership(owner(hosted)).energy_share
    assert share == pytest.approx(vector["expected"], abs=vector["tol"]["abs"])


@adapter("cluster_tco_1024_h100")
def cluster(inputs: dict[str, Any]) -> Any:
    return asdict(
        compute.cluster_cost(
            inputs["n_gpu"],
            inputs["price"],
            inputs["kw"],
            inputs["eff_kwh"],
            years=inputs["years"],
            utilisation=inputs["util"],
        )
    )


@adapter("straight_line_depreciation")
def straight_line(inputs: dict[str, Any]) -> Any:
    return compute.straight_line_cost(
        inputs["K"], inputs["years"], utilisation=inputs.get("u", 1.0)
    )


@adapter("shutdown_price")
def shutdown(inputs: dict[str, Any]) -> Any:
    return compute.shutdown_price(owner(inputs), wear_usd_per_hour=inputs.get("w", 0.0))


@adapter("payback_months")
def payback(inputs: dict[str, Any]) -> Any:
    return compute.payback_months(owner(inputs), inputs["price"])


@adapter("breakeven_util_h100")
def break_even(inputs: dict[str, Any]) -> Any:
    """The vector gives capital per hour of the year: a card bought for a year without interest."""
    yearly = compute.HOURS_PER_YEAR * inputs["fixed_hour"]
    card = owner(inputs | {"K": yearly, "r": 0.0, "n": 1.0})
    return compute.break_even_utilisation(card, inputs["price"], capital_only=True)


@adapter("cost_per_million_tokens", "cost_per_million_tokens/mtok")
def token_cost(inputs: dict[str, Any]) -> Any:
    return compute.cost_per_million_tokens(
        inputs["price"],
        inputs["tok_s"],
        gpus=inputs.get("gpus", 1),
        utilisation=inputs.get("u", 1.0),
    )


@adapter("kwh_per_mtok_h100")
def token_energy(inputs: dict[str, Any]) -> Any:
    return compute.energy_per_million_tokens(
        inputs["kw"], inputs["tok_s"], pue=inputs.get("pue", 1.0)
    )
