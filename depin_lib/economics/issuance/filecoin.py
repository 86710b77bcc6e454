"""FIL in float64: closed forms of both kinds of minting, and paths of any length."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ... import checks
from ...kernels import issuance as _kernels
from .filecoin_chain import ATTO_PER_FIL, FIL_MAINNET, FilRules

__all__ = [
    "EPOCHS_PER_DAY",
    "FilPath",
    "fil_baseline_minted",
    "fil_baseline_power",
    "fil_circulating_supply",
    "fil_minting_path",
    "fil_network_time",
    "fil_simple_minted",
]

EPOCHS_PER_DAY = 2_880


@dataclass(frozen=True)
class FilPath:
    """Minting step by step; arrays of shape (n,)."""

    epoch: NDArray[np.int64]  #: last epoch of the step
    raw_power_bytes: NDArray[np.float64]  #: raw-byte power during the step, bytes
    baseline_bytes: NDArray[np.float64]  #: baseline at the last epoch, bytes
    theta: NDArray[np.float64]  #: effective network time at the end of the step, epochs
    realized_byte_epochs: NDArray[np.float64]  #: capped power summed up, byte-epochs
    simple_fil: NDArray[np.float64]  #: FIL of simple minting in the step
    baseline_fil: NDArray[np.float64]  #: FIL of baseline minting in the step

    def to_frame(self) -> pd.DataFrame:
        """Return one row per step: the arrays of the class as columns, power in bytes."""
        return pd.DataFrame(vars(self))


def fil_baseline_power(epoch: ArrayLike, *, rules: FilRules = FIL_MAINNET) -> NDArray[np.float64]:
    """Compute the baseline in bytes: 2.5057 EiB at the start, doubled every year.

    Examples
    --------
    >>> round(float(fil_baseline_power(6_429_840)) / 2**60, 2)
    173.87
    """
    e = checks.finite("epoch", epoch, unit="epochs")
    return rules.initial_baseline_bytes * np.exp(
        rules.growth_per_epoch * (e - rules.baseline_lag_epochs)
    )


def fil_network_time(
    realized_byte_epochs: ArrayLike, *, sums: bool = False, rules: FilRules = FIL_MAINNET
) -> NDArray[np.float64]:
    """Compute effective network time θ in epochs from the accumulated capped power.

    Parameters
    ----------
    realized_byte_epochs
        Power capped by the baseline, summed over epochs, byte-epochs; any shape.
    sums
        False: the textbook form, in which the baseline is integrated over time. True: the chain's
        form, in which it is summed over epochs; up to half an epoch less.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    float64 array of the same shape
        θ, epochs.

    Raises
    ------
    ValueError
        If a sum is negative.

    Notes
    -----
    θ = (1/g) ln(1 + g R / b₀); filecoin-project/specs @3d0b0c1, ``block_reward_minting.md``.

    Examples
    --------
    >>> round(float(fil_network_time(43798278896301797563559570)))
    3636130
    """
    total = checks.non_negative("realized_byte_epochs", realized_byte_epochs, unit="byte-epochs")
    g = rules.growth_per_epoch
    weight = -np.expm1(-g) if sums else g
    return np.log1p(weight * total / rules.initial_baseline_bytes) / g


def fil_simple_minted(epochs: ArrayLike, *, rules: FilRules = FIL_MAINNET) -> NDArray[np.float64]:
    """Compute the FIL of simple minting after some epochs, in the continuous form.

    Examples
    --------
    >>> float(fil_simple_minted(6 * 1_051_200))
    165000000.0
    """
    t = checks.non_negative("epochs", epochs, unit="epochs")
    return rules.simple_total_atto / ATTO_PER_FIL * -np.expm1(-rules.decay_per_epoch * t)


def fil_baseline_minted(theta: ArrayLike, *, rules: FilRules = FIL_MAINNET) -> NDArray[np.float64]:
    """Compute the FIL of baseline minting that belongs to an effective network time.

    On mainnet the total was rescaled in October 2020, so this is the issue counted from the
    rescaled start; differences between two times are what was minted between them.

    Examples
    --------
    >>> float(fil_baseline_minted(6 * 1_051_200, rules=FilRules()))
    385000000.0
    """
    t = checks.non_negative("theta", theta, unit="epochs")
    return rules.baseline_total_atto / ATTO_PER_FIL * -np.expm1(-rules.decay_per_epoch * t)


def fil_minting_path(
    raw_power_bytes: ArrayLike,
    *,
    epochs_per_step: int = EPOCHS_PER_DAY,
    first_epoch: int = 0,
    realized_byte_epochs: float = 0.0,
    rules: FilRules = FIL_MAINNET,
) -> FilPath:
    """Follow both kinds of minting along a path of the network's raw-byte power.

    Parameters
    ----------
    raw_power_bytes
        Raw-byte power in bytes, shape (n,), constant within each step.
    epochs_per_step
        Epochs in a step; 2,880 are a day.
    first_epoch
        First epoch of the first step.
    realized_byte_epochs
        Capped power summed up before it, byte-epochs.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    FilPath
        Agrees with the integer rules of `fil_next_state` to about 1e-9 of a step's minting.

    Raises
    ------
    ValueError
        If a power or the sum is negative, or a step has no epochs.

    Examples
    --------
    >>> path = fil_minting_path([1e30] * 365, rules=FilRules())
    >>> round(path.theta[-1])
    1051200
    """
    power = np.ascontiguousarray(
        checks.non_negative("raw_power_bytes", raw_power_bytes, unit="bytes")
    )
    checks.shape("raw_power_bytes", power, (None,), "one entry per step")
    length = int(checks.number("epochs_per_step", epochs_per_step, low=1, unit="epochs"))
    first = int(checks.number("first_epoch", first_epoch, low=0, unit="epochs"))
    start = checks.number("realized_byte_epochs", realized_byte_epochs, low=0, unit="byte-epochs")
    realized, theta, simple, baseline = (np.empty_like(power) for _ in range(4))
    _kernels.filecoin_path(
        power,
        length,
        first,
        start,
        float(rules.initial_baseline_bytes),
        rules.baseline_lag_epochs,
        rules.growth_per_epoch,
        rules.decay_per_epoch,
        rules.simple_total_atto / ATTO_PER_FIL,
        rules.baseline_total_atto / ATTO_PER_FIL,
        realized,
        theta,
        simple,
        baseline,
    )
    epoch = first + length * np.arange(1, power.size + 1) - 1
    level = fil_baseline_power(epoch, rules=rules)
    return FilPath(epoch, power, level, theta, realized, simple, baseline)


def fil_circulating_supply(
    vested_fil: float,
    mined_fil: float,
    reserve_disbursed_fil: float,
    burnt_fil: float,
    locked_fil: float,
) -> float:
    """Compute circulating supply: vested, mined and disbursed, less burnt and locked, at least 0.

    Source: filecoin-project/lotus, ``chain/stmgr/supply.go``; FIP-0100 (2025) prints an example.
    As of November 2026; since August 2024 (FIP-0065) balances in the built-in market do not count
    as locked.

    Examples
    --------
    >>> fil_circulating_supply(484_847_134, 365_928_138, 17_066_619, 40_327_377, 140_975_297)
    686539217.0
    """
    total = (
        checks.number("vested_fil", vested_fil, low=0, unit="FIL")
        + checks.number("mined_fil", mined_fil, low=0, unit="FIL")
        + checks.number("reserve_disbursed_fil", reserve_disbursed_fil, unit="FIL")
        - checks.number("burnt_fil", burnt_fil, low=0, unit="FIL")
        - checks.number("locked_fil", locked_fil, low=0, unit="FIL")
    )
    return max(0.0, total)
