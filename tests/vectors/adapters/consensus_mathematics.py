"""Vectors of the small functions that the epoch is made of."""

from typing import Any

import numpy as np

from depin_lib import subnets

from ..harness import adapter

BILLION = 10**9


@adapter("weighted_median")
def weighted_median(inputs: dict[str, Any]) -> Any:
    """The chain is told the stake that must lie at or below the median, and more than that.

    Stakes are decimals whose sums tie with the majority: billionths, as whole numbers, tie exactly.
    """
    stake = np.round(np.array(inputs["stake"], dtype=float) * BILLION)
    minority = inputs["minority"]
    if minority == "1-majority":
        minority = 1 - inputs["majority"]
    total = BILLION if inputs["normalise_stake"] or not stake.sum() else stake.sum()
    return subnets.weighted_median(inputs["score"], stake, 1 - minority * BILLION / total)


@adapter("weighted_median_col")
def weighted_median_by_column(inputs: dict[str, Any]) -> Any:
    return subnets.weighted_median(inputs["weights"], inputs["stake"], inputs["kappa"])


@adapter("row_normalize")
def row_normalise(inputs: dict[str, Any]) -> Any:
    return subnets.row_normalise(inputs["matrix"])


@adapter("col_normalize")
def column_normalise(inputs: dict[str, Any]) -> Any:
    return subnets.column_normalise(inputs["matrix"])


@adapter("col_max_upscale")
def column_max_upscale(inputs: dict[str, Any]) -> Any:
    return subnets.column_max_upscale(inputs["matrix"])


@adapter("col_clip")
def column_clip(inputs: dict[str, Any]) -> Any:
    return subnets.column_clip(inputs["matrix"], inputs["threshold"])


@adapter("max_upscale_u16")
def max_upscale(inputs: dict[str, Any]) -> Any:
    return subnets.max_upscale_u16(inputs["vector"])


@adapter("max_upscale_u16/u")
def max_upscale_of_u16(inputs: dict[str, Any]) -> Any:
    return subnets.max_upscale_u16(inputs["vector_u16"])


@adapter("topk")
def top_k(inputs: dict[str, Any]) -> Any:
    return subnets.top_k(inputs["vector"], inputs["k"]).tolist()


@adapter("matmul")
def weighted_column_sums(inputs: dict[str, Any]) -> Any:
    return subnets.weighted_column_sums(inputs["matrix"], inputs["vector"])


@adapter("matmul_transpose")
def weighted_row_sums(inputs: dict[str, Any]) -> Any:
    return subnets.weighted_row_sums(inputs["matrix"], inputs["vector"])


@adapter("vecdiv")
def safe_divide(inputs: dict[str, Any]) -> Any:
    return subnets.safe_divide(inputs["x"], inputs["y"])


@adapter("interpolate")
def interpolate(inputs: dict[str, Any]) -> Any:
    return subnets.interpolate(inputs["a"], inputs["b"], inputs["ratio"])


@adapter("bond_ema_alpha")
def bond_ema(inputs: dict[str, Any]) -> Any:
    return subnets.bond_ema(inputs["old"], inputs["new"], inputs["alpha"])


@adapter("bond_ema_alpha_sparse")
def bond_ema_of_sparse_rows(inputs: dict[str, Any]) -> Any:
    old, new, alpha = inputs["old"], inputs["new"], inputs["alpha"]
    return subnets.bond_ema(old, new, alpha, drop_unweighted=True)


@adapter("sigmoid")
def sigmoid(inputs: dict[str, Any]) -> Any:
    return subnets.sigmoid(inputs["x"], inputs["rho"], inputs["kappa"])


@adapter("mechanism_split")
def mechanism_split(inputs: dict[str, Any]) -> Any:
    return subnets.split_emission(inputs["alpha"], inputs["mechanisms"], inputs["split_u16"])
