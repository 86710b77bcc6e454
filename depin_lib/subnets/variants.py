"""The bond rules that the simulator yuma-simulation compares, by name, and runs over its cases.

They are proposals and simplifications, not the chain: consensus is divided by its sum and rounded
down to 65,535ths before weights are clipped to it, which the chain does not do, and Yuma2 forgets
nine tenths of a bond in an epoch, where the chain keeps nine tenths. `simulate_epochs` is the
chain's way. Source: bactensor/yuma-simulation @2b976fd (5 June 2025), ``_internal/yumas.py`` and
``_internal/simulation_utils.py``. The peer computes in float32, this in float64.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import checks
from .cases import SyntheticCase
from .matrices import safe_divide, sigmoid, weighted_median
from .parameters import U16_MAX

__all__ = ["VARIANTS", "Variant", "simulate_variant"]

Array = NDArray[np.float64]

_KAPPA = 0.5
_TINY = 1e-6  # the peer adds it to every sum that it divides by
_NO_CONSENSUS = -(2.0**31) / U16_MAX  # the integer that 0/0 becomes: the same for all miners
_PAYOUT = 100.0 * 0.41 / 1000.0  # of an epoch's 100, 41% for validators, per 1,000 of a million


@dataclass(frozen=True)
class Variant:
    """Constants of one rule, as the peer runs them for its charts."""

    name: str  #: as in `VARIANTS`
    keep: float = 0.0  #: share of an old bond that lasts an epoch
    alpha_low: float = 0.1  #: least rate of liquid alpha
    alpha_high: float = 0.3  #: largest rate of liquid alpha
    steepness: float = 10.0  #: slope of liquid alpha's sigmoid
    liquid: bool = False  #: whether every pair has a rate of its own
    capacity: float = 0.1  #: Yuma2C: share of its stake that a validator can bond in an epoch
    resets: bool = False  #: whether a reset of bonds has an effect


#: The peer's rules. Yuma1 has no memory; Yuma2B clips the weights of the epoch before; Yuma2C gives
#: each pair a capacity that its stake fills; Yuma3 takes stake out of bonds.
VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("Yuma1"),
        Variant("Yuma2", keep=0.1),
        Variant("Yuma2B", keep=0.1),
        Variant("Yuma2C", keep=0.9, resets=True),
        Variant("Yuma3", keep=0.975, resets=True),
        Variant("Yuma3 liquid", keep=0.975, liquid=True, resets=True),
    )
}


def simulate_variant(
    case: SyntheticCase, variant: str = "Yuma3", *, bonds_penalty: float = 1.0
) -> xr.Dataset:
    """Run one case by one of the peer's rules.

    Parameters
    ----------
    case
        Weights and stake, epoch by epoch.
    variant
        Name in `VARIANTS`.
    bonds_penalty
        β, weight of the clipped against the raw weights in bonds, 0 to 1.

    Returns
    -------
    xarray.Dataset
        consensus, incentive (epoch, miner); dividends, the validators' shares, and
        dividends_per_1000, what the peer charts: payout per 1,000 of stake where the stake is a
        million, an epoch pays 100 and validators have 41% of it (epoch, validator); bonds.

    Raises
    ------
    ValueError
        For an unknown name or a penalty outside 0 to 1.

    Examples
    --------
    >>> from depin_lib.subnets import synthetic_case
    >>> history = simulate_variant(synthetic_case(2), "Yuma3", bonds_penalty=0)
    >>> history["dividends_per_1000"].sum("epoch").values.round(3)
    array([1.643, 1.774, 1.485])
    """
    checks.choice("variant", variant, VARIANTS)
    checks.number("bonds_penalty", bonds_penalty, low=0, high=1)
    rule = VARIANTS[variant]
    epochs, n, m = case.weights.shape
    consensus, incentive = np.empty((2, epochs, m))
    dividends, bonds = np.empty((epochs, n)), np.empty((epochs, n, m))
    held = np.zeros((n, m))
    old_weights: Array | None = None
    old_consensus: Array | None = None
    for epoch in range(epochs):
        if rule.resets and case.reset is not None and case.reset[0] == epoch:
            held[:, case.reset[1]] = 0.0
        raw = case.weights[epoch]
        weights = raw / (raw.sum(axis=1, keepdims=True) + _TINY)
        stake = case.stake[epoch] / case.stake[epoch].sum()
        agreed = _normalised(np.asarray(weighted_median(weights, stake, _KAPPA)))
        shown = old_weights if variant == "Yuma2B" and old_weights is not None else weights
        clipped = np.minimum(shown, agreed)
        paid = _incentive(stake @ clipped, case.winner_takes_all)
        for_bonds = (1.0 - bonds_penalty) * shown + bonds_penalty * clipped
        held = _bonds(rule, held, stake, weights, for_bonds, agreed, old_consensus)
        earned = _dividends(rule, held, stake, paid)
        consensus[epoch], incentive[epoch], dividends[epoch] = agreed, paid, earned
        bonds[epoch], old_weights, old_consensus = held, weights, agreed
    per_1000 = safe_divide(_PAYOUT * dividends, case.stake)
    return xr.Dataset(
        {
            "consensus": (("epoch", "miner"), consensus, {"units": "share of a row's weight"}),
            "incentive": (("epoch", "miner"), incentive, {"units": "share of the miners' half"}),
            "dividends": (("epoch", "validator"), dividends, {"units": "share of their half"}),
            "dividends_per_1000": (
                ("epoch", "validator"),
                per_1000,
                {"units": "tokens per 1,000 of stake and epoch"},
            ),
            "bonds": (("epoch", "validator", "miner"), bonds, {"units": "as the rule has them"}),
        },
        coords={"epoch": np.arange(epochs), "validator": np.arange(n), "miner": np.arange(m)},
        attrs={"case": case.number, "variant": variant, "bonds_penalty": bonds_penalty},
    )


def _normalised(consensus: Array) -> Array:
    """Divide by the sum and round down to 65,535ths; without any consensus as the peer does."""
    total = float(consensus.sum())
    if total == 0.0:
        return np.full(consensus.size, _NO_CONSENSUS)
    return np.floor(consensus / total * U16_MAX) / U16_MAX


def _incentive(rank: Array, winner_takes_all: bool) -> Array:
    """Share out by rank, or all to the highest rank; equal winners share."""
    if winner_takes_all:
        rank = np.where(rank == rank.max(), 1.0, 0.0)
    return safe_divide(rank, rank.sum())


def _bonds(
    rule: Variant,
    held: Array,
    stake: Array,
    weights: Array,
    for_bonds: Array,
    consensus: Array,
    old_consensus: Array | None,
) -> Array:
    """Move the bonds of one epoch."""
    if rule.name == "Yuma2C":
        capacity = stake[:, np.newaxis]
        bought = np.minimum(rule.capacity * capacity, np.maximum(capacity - held, 0.0)) * weights
        return np.minimum(rule.keep * held + bought, capacity)
    if rule.name.startswith("Yuma3"):
        alpha: Array | float = 1.0 - rule.keep
        if rule.liquid and old_consensus is not None:
            alpha = _liquid_rates(rule, held, weights, np.maximum(consensus, old_consensus))
        decayed = (1.0 - alpha) * held
        return decayed + np.minimum(alpha * weights, 1.0 - decayed)
    shares = stake[:, np.newaxis] * for_bonds
    bought = safe_divide(shares, shares.sum(axis=0) + (_TINY if rule.name == "Yuma1" else 0.0))
    if old_consensus is None or rule.name == "Yuma1":
        return bought
    return rule.keep * held + (1.0 - rule.keep) * bought


def _liquid_rates(rule: Variant, held: Array, weights: Array, consensus: Array) -> Array:
    """A rate for every pair; consensus is the larger of this epoch's and the last one's."""
    distance = np.where(weights >= held, weights - consensus, held - weights)
    share = sigmoid(np.clip(distance, 0.0, 1.0), rule.steepness, 0.5)
    return rule.alpha_low + (rule.alpha_high - rule.alpha_low) * share


def _dividends(rule: Variant, bonds: Array, stake: Array, incentive: Array) -> Array:
    """Shares of the validators' half."""
    if rule.name == "Yuma2C":  # the peer counts these in 2^64ths, beside which 1e-6 is nothing
        bonds = safe_divide(bonds, bonds.sum(axis=0))
    elif rule.name not in ("Yuma2", "Yuma2B"):
        bonds = bonds / (bonds.sum(axis=0) + _TINY)
    earned = bonds @ incentive
    if rule.name.startswith("Yuma3"):
        earned = stake * earned
    return earned / (earned.sum() + _TINY)
