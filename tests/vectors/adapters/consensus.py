"""Yuma consensus: the chain's matrix functions and epochs, through `depin_lib.subnets`."""

from typing import Any

import numpy as np

from depin_lib import subnets

from ..harness import adapter

Inputs = dict[str, Any]


@adapter("weighted_median")
def weighted_median(inputs: Inputs) -> float:
    stake = np.array(inputs["stake"], dtype=float)
    if stake.size and inputs["normalise_stake"]:
        stake = stake / stake.sum()
    minority = inputs["minority"]
    if minority == "1-majority":
        minority = 1.0 - inputs["majority"]
    kappa = 1.0 - minority / stake.sum() if stake.size else inputs["majority"]
    column = np.array(inputs["score"], dtype=float)[:, np.newaxis]
    return subnets.weighted_median(column, stake, kappa)[0] if stake.size else 0.0


@adapter("weighted_median_col")
def weighted_median_col(inputs: Inputs) -> Any:
    return subnets.weighted_median(inputs["weights"], inputs["stake"], inputs["kappa"])


@adapter("row_normalize")
def row_normalize(inputs: Inputs) -> Any:
    return subnets.row_normalise(inputs["matrix"])


@adapter("col_normalize")
def col_normalize(inputs: Inputs) -> Any:
    return subnets.column_normalise(inputs["matrix"])


@adapter("col_max_upscale")
def col_max_upscale(inputs: Inputs) -> Any:
    return subnets.column_max_upscale(inputs["matrix"])


@adapter("col_clip")
def col_clip(inputs: Inputs) -> Any:
    return subnets.column_clip(inputs["matrix"], inputs["threshold"])


@adapter("max_upscale_u16", "max_upscale_u16/u")
def max_upscale_u16(inputs: Inputs) -> Any:
    return subnets.max_upscale_u16(inputs.get("vector", inputs.get("vector_u16")))


@adapter("topk")
def topk(inputs: Inputs) -> Any:
    return subnets.top_k(inputs["vector"], inputs["k"]).tolist()


@adapter("matmul")
def matmul(inputs: Inputs) -> Any:
    return subnets.weighted_column_sums(inputs["matrix"], inputs["vector"])


@adapter("matmul_transpose")
def matmul_transpose(inputs: Inputs) -> Any:
    return subnets.weighted_row_sums(inputs["matrix"], inputs["vector"])


@adapter("vecdiv")
def vecdiv(inputs: Inputs) -> Any:
    return subnets.safe_divide(inputs["x"], inputs["y"])


@adapter("interpolate")
def interpolate(inputs: Inputs) -> Any:
    return subnets.interpolate(inputs["a"], inputs["b"], inputs["ratio"])


@adapter("bond_ema_alpha")
def bond_ema_alpha(inputs: Inputs) -> Any:
    return subnets.bond_ema(inputs["old"], inputs["new"], inputs["alpha"])


@adapter("bond_ema_alpha_sparse")
def bond_ema_alpha_sparse(inputs: Inputs) -> Any:
    return subnets.bond_ema(inputs["old"], inputs["new"], inputs["alpha"], drop_unweighted=True)


@adapter("sigmoid")
def sigmoid(inputs: Inputs) -> Any:
    return subnets.sigmoid(inputs["x"], inputs["rho"], inputs["kappa"])


@adapter("epoch", "epoch/epoch")
def epoch(inputs: Inputs) -> dict[str, Any]:
    n = inputs["n"]
    weights = np.eye(n) if inputs.get("self_weights_only") else np.zeros((n, n))
    for row, entries in inputs.get("weights", {}).items():
        for column, weight in entries:
            weights[int(row), column] = weight
    result = subnets.yuma_epoch(weights, inputs["stake"])
    paid = result.payout_rao(inputs.get("rao_emission", 10**9))
    return {
        "consensus": result.consensus,
        "incentive": result.incentive,
        "dividends": result.dividends,
        "emission": paid["combined"].tolist(),
        "sum_of_server_and_validator_emission": int((paid["server"] + paid["validator"]).sum()),
    }


@adapter("yuma3_sequence")
def yuma3_sequence(inputs: Inputs) -> dict[str, Any]:
    """Validators come first in the stake, the servers that they score follow without stake."""
    setup = inputs["setup"]
    params = subnets.YumaParams.from_chain(
        kappa=setup["kappa_u16"],
        bonds_penalty=setup["bonds_penalty_u16"],
        bonds_moving_average=setup["bonds_moving_average"],
        alpha_low=round(setup["alpha_low"] * subnets.U16_MAX),
        alpha_high=round(setup["alpha_high"] * subnets.U16_MAX),
        alpha_sigmoid_steepness=setup["alpha_sigmoid_steepness"],
        yuma3=setup["yuma3"],
        liquid_alpha=inputs["liquid_alpha"],
        max_validators=setup["max_validators"],
        bonds_u16=True,
    )
    stake = np.array(inputs["stake"], dtype=float)
    weights: Any = None
    bonds = None
    history: dict[str, list] = {"bonds": [], "dividends": []}
    for given in inputs["weights_per_epoch_u16"]:
        weights = weights if given is None else np.array(given, dtype=float)
        n = len(weights)
        result = subnets.yuma_epoch(
            weights, stake[:n], bonds=bonds, params=params, validator_uids=-1
        )
        bonds = result.bonds
        history["bonds"].append(bonds)
        history["dividends"].append(np.append(result.dividends, np.zeros(stake.size - n)))
    return history
