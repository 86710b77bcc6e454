"""Vectors of queues, pools, tails and hedged requests."""

import re
from typing import Any

from depin_lib import compute

from ..harness import Vector, adapter, by_hand, compare

POOLS = re.compile(r"(\w+)_pools?(?:_of_\w+)?$")
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10}
NUMBERS |= {"sixteen": 16, "twenty": 20, "forty": 40, "fifty": 50, "hundred": 100}


@adapter("erlang_b")
def lost(inputs: dict[str, Any]) -> Any:
    return compute.erlang_b(inputs["c"], inputs["A"])


@adapter("erlang_c")
def waits(inputs: dict[str, Any]) -> Any:
    return compute.erlang_c(inputs["c"], inputs["A"])


@adapter("mmc")
def queue(inputs: dict[str, Any]) -> Any:
    found = compute.mmc(inputs["lam"], inputs["mu"], inputs["c"])
    tails = {f"p{q}_wait": found.wait_quantile(q / 100) for q in (50, 90, 95, 99)}
    return tails | {
        "rho": found.utilisation,
        "C": found.wait_probability,
        "Wq": found.mean_wait,
        "W": found.mean_time,
        "Lq": found.mean_queue,
        "L": found.mean_time * inputs["lam"],
    }


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


@adapter("hedged_request")
def hedged(inputs: dict[str, Any]) -> Any:
    hedge = compute.hedged_request(inputs["mu"], inputs["delay"])
    tails = {f"p{q}": hedge.quantile(q / 100) for q in (50, 90, 95, 99)}
    return tails | {"mean": hedge.mean, "extra": hedge.extra_load}


@adapter("sla_downtime_min_month")
def downtime(inputs: dict[str, Any]) -> Any:
    return compute.downtime_minutes(inputs["sla"], hours=inputs["hours"])
