"""Vectors of verification, of training over slow links, and of prices that clear a market."""

from typing import Any

from depin_lib import compute

from ..harness import adapter


@adapter("majority_error")
def majority(inputs: dict[str, Any]) -> Any:
    return compute.replication_error(inputs["n"], inputs["f"], agreeing=inputs.get("k"))


@adapter("spotcheck_deterrence")
def deterrence(inputs: dict[str, Any]) -> Any:
    return compute.deterrent_check_rate(
        inputs["gain"], inputs["stake"], detection=inputs.get("det", 1.0)
    )


@adapter("spotcheck_detection")
def detection(inputs: dict[str, Any]) -> Any:
    if "f" in inputs:
        return compute.accepted_error_rate(inputs["q"], inputs["s"], inputs["n"], inputs["f"])
    return compute.detection_probability(
        inputs["q"], inputs["s"], inputs["n"], detection=inputs.get("det", 1.0)
    )


@adapter("ring_allreduce")
def allreduce(inputs: dict[str, Any]) -> Any:
    return compute.ring_allreduce_seconds(
        inputs["N"], inputs["S"], inputs["B"], latency_seconds=inputs.get("alpha", 0.0)
    )


@adapter("bandwidth_reduction_intellect1")
def reduction(inputs: dict[str, Any]) -> Any:
    return compute.traffic_reduction(inputs["H"], inputs["quant"])


@adapter("local_step_efficiency")
def efficiency(inputs: dict[str, Any]) -> Any:
    return compute.local_step_efficiency(
        inputs["local_min"], inputs["sync_min"], local_steps=inputs.get("H", 1)
    )


@adapter("pipeline_bubble")
def bubble(inputs: dict[str, Any]) -> Any:
    return compute.pipeline_bubble(inputs["p"], inputs["m"])


@adapter("surge_price")
def surge(inputs: dict[str, Any]) -> Any:
    return compute.surge_price(inputs["z"], inputs["eps"], inputs.get("eta", 0.0))


@adapter("rationing_fixed_price")
def rationing(inputs: dict[str, Any]) -> Any:
    return compute.unserved_share(inputs["z"], load_before=inputs.get("load0", 1.0))


@adapter("reverse_auction_price")
def auction(inputs: dict[str, Any]) -> Any:
    if "k" in inputs:
        return compute.uniform_auction_price(
            inputs["a"], inputs["b"], inputs["n"], units=inputs["k"]
        )
    return compute.reverse_auction_price(inputs["a"], inputs["b"], inputs["n"])


@adapter("first_price_bid")
def bid(inputs: dict[str, Any]) -> Any:
    return compute.first_price_bid(inputs["c"], inputs["b"], inputs["n"])


@adapter("commitment_level")
def commitment(inputs: dict[str, Any]) -> Any:
    return compute.commitment_level(inputs["mu"], inputs["sd"], inputs["ratio"])
