"""Vectors of queues, pools, tails and hedged requests."""

import re
from collections.abc import Callable
from typing import Any

from depin_lib import compute

from ..harness import Vector, adapter, by_hand, compare

POOLS = re.compile(r"(\w+)_pools?(?:_of_\w+)?$")
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
NUMBERS |= {"nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "sixteen": 16, "twenty": 20}
NUMBERS |= {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "eighty": 80, "hundred": 100}
UNHEDGED = re.compile("unhedged|without|alone|single|plain|base")


@adapter("erlang_b")
def lost(inputs: dict[str, Any]) -> Any:
    return compute.erlang_b(inputs["c"], inputs["A"])


@adapter("erlang_c")
def waits(inputs: dict[str, Any]) -> Any:
    return compute.erlang_c(inputs["c"], inputs["A"])


def quantiles(expected: dict[str, Any], quantile: Callable[[float], Any]) -> dict[str, Any]:
    """Answer the keys that ask for a quantile: p99, p95_wait, p999."""
    asked = {key: re.search(r"p(\d+)", key) for key in expected}
    return {key: quantile(float(f"0.{found[1]}")) for key, found in asked.items() if found}


@by_hand("mmc")
def queue(vector: Vector) -> None:
    inputs, expected = vector["inputs"], vector["expected"]
    found = compute.mmc(inputs["lam"], inputs["mu"], inputs["c"])
    answers = quantiles(expected, found.wait_quantile) | {
        "rho": found.utilisation,
        "C": found.wait_probability,
        "Wq": found.mean_wait,
        "W": found.mean_time,
        "Lq": found.mean_queue,
        "L": found.mean_time * inputs["lam"],
    }
    compare(answers, expected, vector["tol"])


@by_hand("pooling_gain")
def pooling(vector: Vector) -> None:
    """The number of pools stands in the keys of the result, in a word: ten_pools_of_8."""
    inputs, found = vector["inputs"], {}
    for key in vector["expected"]:
        match = POOLS.match(key)
        assert match, f"{key!r} names no number of pools"
        pools = NUMBERS.get(match[1]) or int(match[1])
        found[key] = compute.servers_needed(inputs["A"], inputs["target"], pools=pools)
    compare(found, vector["expected"], vector["tol"])


@adapter("tail_at_scale")
def tail(inputs: dict[str, Any]) -> Any:
    return compute.tail_at_scale(inputs["p"], inputs["n"])


@by_hand("hedged_request")
def hedged(vector: Vector) -> None:
    hedge = compute.hedged_request(vector["inputs"]["mu"], vector["inputs"]["delay"])
    never = compute.hedged_request(vector["inputs"]["mu"], float("inf"))
    answers = quantiles(vector["expected"], hedge.quantile)
    answers |= quantiles({k: 0 for k in answers if UNHEDGED.search(k)}, never.quantile)
    answers |= {"mean": hedge.mean, "extra": hedge.extra_load}
    compare(answers, vector["expected"], vector["tol"])


@adapter("sla_downtime_min_month")
def downtime(inputs: dict[str, Any]) -> Any:
    return compute.downtime_minutes(inputs["sla"], hours=inputs.get("hours", 730.0))
