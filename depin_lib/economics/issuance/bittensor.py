"""TAO: the payout per block falls when total issuance crosses a threshold, not at a date."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ... import checks
from ...kernels import issuance as _kernels

__all__ = [
    "RAO_PER_TAO",
    "TaoHalving",
    "TaoPath",
    "TaoRules",
    "tao_block_emission",
    "tao_block_emission_rao",
    "tao_issuance_path",
    "tao_next_halving",
    "tao_threshold_rao",
]

RAO_PER_TAO = 10**9
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class TaoRules:
    """Constants of the issuance rule of TAO; each subnet's alpha follows the same ones.

    Source: opentensor/subtensor @14bc6f9 (30 June 2026), ``pallets/subtensor/src/coinbase/``
    ``block_emission.rs`` and ``tao.rs``. As of November 2026.
    """

    cap_rao: int = 21_000_000 * RAO_PER_TAO  #: rao; MAX_TAO_ISSUANCE
    first_emission_rao: int = RAO_PER_TAO  #: rao per block before the first halving
    seconds_per_block: float = 12.0  #: s; target block time

    def __post_init__(self) -> None:
        checks.number("cap_rao", self.cap_rao, low=1, high=2**62, unit="rao")
        checks.number("first_emission_rao", self.first_emission_rao, low=1, unit="rao per block")
        checks.number("seconds_per_block", self.seconds_per_block, low=0, low_open=True, unit="s")

    @property
    def blocks_per_day(self) -> float:
        """Blocks a day at the target block time, 7,200 by default."""
        return _SECONDS_PER_DAY / self.seconds_per_block


@dataclass(frozen=True)
class TaoHalving:
    """The next halving, if issuance goes on at today's pace."""

    number: int  #: 1 for the first halving
    threshold_rao: int  #: issuance that triggers it, rao
    blocks: int | None  #: blocks until then; None if recycling keeps issuance below for ever
    days: float | None  #: days until then at the target block time


@dataclass(frozen=True)
class TaoPath:
    """Total issuance along the chain."""

    block: NDArray[np.int64]  #: blocks after the start
    day: NDArray[np.float64]  #: days after the start at the target block time
    issuance_rao: NDArray[np.int64]  #: total issuance, rao
    emission_rao: NDArray[np.int64]  #: emission of the next block, rao

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point: block, day, total issuance and next emission in TAO."""
        return pd.DataFrame(
            {
                "block": self.block,
                "day": self.day,
                "issuance_tao": self.issuance_rao / RAO_PER_TAO,
                "emission_tao_per_block": self.emission_rao / RAO_PER_TAO,
            }
        )


_RULES = TaoRules()


def tao_block_emission_rao(
    issuance_rao: int | Iterable[int], *, rules: TaoRules = _RULES
) -> int | NDArray[np.int64]:
    """Compute the emission of a block in whole rao, exactly as the chain pays it.

    The chain evaluates ``k = floor(log2(1 / (1 − x/cap)))`` in 96.32-bit fixed point. Here k is
    the largest integer with ``(cap − x) · 2**k ≤ cap``. The two agree for every whole number of
    rao: each threshold is a multiple of cap/2**32, and the chain's division rounds down.

    Parameters
    ----------
    issuance_rao
        Total issuance in rao: one integer or several. At the cap and above it the emission is 0.
        For a subnet's alpha: the alpha in its pool plus the alpha outside.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    int or int64 array of shape (n,)
        rao per block.

    Raises
    ------
    TypeError
        If an issuance is not an integer.
    ValueError
        If an issuance is negative.

    Examples
    --------
    >>> tao_block_emission_rao(10_500_000 * 10**9 - 1), tao_block_emission_rao(10_500_000 * 10**9)
    (1000000000, 500000000)
    """
    single = not isinstance(issuance_rao, Iterable)
    values = list(issuance_rao) if isinstance(issuance_rao, Iterable) else [issuance_rao]
    whole = [min(_rao("issuance_rao", v), rules.cap_rao) for v in values]
    out = np.empty(len(whole), np.int64)
    issuance = np.array(whole, np.int64)
    _kernels.tao_emission(issuance, rules.cap_rao, rules.first_emission_rao, out)
    return int(out[0]) if single else out


def tao_block_emission(
    issuance_tao: ArrayLike, *, rules: TaoRules = _RULES
) -> NDArray[np.float64] | float:
    """Compute the emission per block in TAO before it is rounded down to whole rao.

    A float64 issuance resolves about 2e-9 TAO near the first threshold: within that distance use
    `tao_block_emission_rao`.

    Parameters
    ----------
    issuance_tao
        Total issuance in TAO, any shape.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    float or float64 array of the same shape
        TAO per block: the first emission divided by a power of two; 0 from the cap on.

    Raises
    ------
    ValueError
        If an issuance is negative or not finite.

    Examples
    --------
    >>> tao_block_emission(15_800_000.0)
    0.25
    """
    x = checks.non_negative("issuance_tao", issuance_tao, unit="TAO")
    cap = rules.cap_rao / RAO_PER_TAO
    left = np.maximum(cap - x, 0.0)
    with np.errstate(divide="ignore"):
        _, exponent = np.frexp(np.floor(cap / left))
    first = rules.first_emission_rao / RAO_PER_TAO
    emission = np.where(left > 0, np.ldexp(first, 1 - exponent), 0.0)
    return float(emission) if x.ndim == 0 else emission


def tao_threshold_rao(halving: int, *, rules: TaoRules = _RULES) -> int:
    """Return the least issuance in rao at which the payout has halved ``halving`` times.

    Raises
    ------
    ValueError
        If ``halving`` is not in 0 … 62.

    Examples
    --------
    >>> [tao_threshold_rao(k) // 10**9 for k in (1, 2, 3)]
    [10500000, 15750000, 18375000]
    """
    k = int(checks.number("halving", halving, low=0, high=62))
    return rules.cap_rao - (rules.cap_rao >> k)


def tao_next_halving(
    issuance_rao: int, *, recycled_rao_per_block: int = 0, rules: TaoRules = _RULES
) -> TaoHalving:
    """Find the next halving from total issuance and a steady rate of recycling.

    Recycled TAO leaves total issuance and can be emitted again, so it puts halvings off. TAO that
    is burned stays in total issuance and does not.

    Parameters
    ----------
    issuance_rao
        Total issuance in rao, below the cap.
    recycled_rao_per_block
        TAO recycled, in rao per block.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    TaoHalving

    Raises
    ------
    ValueError
        If the issuance is negative or at the cap, or the recycling is negative.

    Examples
    --------
    >>> tao_next_halving(10_400_000 * 10**9).blocks
    100000
    >>> tao_next_halving(10_400_000 * 10**9, recycled_rao_per_block=10**9).blocks is None
    True
    """
    x = _rao("issuance_rao", issuance_rao, high=rules.cap_rao - 1)
    recycled = _rao("recycled_rao_per_block", recycled_rao_per_block)
    k = (rules.cap_rao // (rules.cap_rao - x)).bit_length() - 1
    threshold = tao_threshold_rao(k + 1, rules=rules)
    net = (rules.first_emission_rao >> k) - recycled
    blocks = -(-(threshold - x) // net) if net > 0 else None
    days = None if blocks is None else blocks / rules.blocks_per_day
    return TaoHalving(k + 1, threshold, blocks, days)


def tao_issuance_path(
    start_rao: int,
    blocks: ArrayLike,
    *,
    recycled_rao_per_block: int = 0,
    rules: TaoRules = _RULES,
) -> TaoPath:
    """Follow total issuance block by block, exactly, and report it at some heights.

    Parameters
    ----------
    start_rao
        Total issuance at the start, rao.
    blocks
        Heights above the start, ascending whole numbers, shape (n,).
    recycled_rao_per_block
        TAO recycled, rao per block; at most the first emission.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    TaoPath
        Arrays of shape (n,).

    Raises
    ------
    ValueError
        If an amount is negative or above its bound, or the heights do not ascend.

    Examples
    --------
    >>> path = tao_issuance_path(10_499_999 * 10**9, [0, 1, 3])
    >>> path.to_frame()["issuance_tao"].tolist()
    [10499999.0, 10500000.0, 10500001.0]
    """
    start = _rao("start_rao", start_rao, high=rules.cap_rao)
    recycled = _rao("recycled_rao_per_block", recycled_rao_per_block, high=rules.first_emission_rao)
    heights = checks.non_negative("blocks", blocks, unit="blocks")
    if heights.ndim != 1 or (heights != np.floor(heights)).any() or (np.diff(heights) < 0).any():
        raise ValueError("blocks must be ascending whole numbers in one dimension")
    whole = heights.astype(np.int64)
    issuance, emission = np.empty_like(whole), np.empty_like(whole)
    _kernels.tao_path(
        start, whole, recycled, rules.cap_rao, rules.first_emission_rao, issuance, emission
    )
    return TaoPath(whole, whole / rules.blocks_per_day, issuance, emission)


def _rao(name: str, value: object, *, high: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; give whole rao (1 TAO = 10**9 rao)")
    if value < 0 or (high is not None and value > high):
        allowed = "at least 0" if high is None else f"0 to {high}"
        raise ValueError(f"{name} is {value} rao; allowed: {allowed} rao")
    return int(value)
