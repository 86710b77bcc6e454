"""Distributions in, distributions out: the cost of a GPU-hour when its inputs are ranges."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import checks
from ..distributions import Distribution, sample
from ..experiments.sensitivity import one_at_a_time as _one_at_a_time
from ..seeds import Seed
from .ownership import CostBreakdown, Floats, Ownership, check_input_names, cost_of_ownership

__all__ = ["CostSamples", "one_at_a_time", "simulate_cost"]


@dataclass(frozen=True)
class CostSamples:
    """Draws of the inputs and of the cost that follows from them; arrays of shape (draws,)."""

    inputs: dict[str, NDArray[np.float64]]  #: draws by name of the field of `Ownership`
    breakdown: CostBreakdown  #: USD per sold GPU-hour

    def quantiles(self, shares: Sequence[float] = (0.05, 0.5, 0.95)) -> pd.DataFrame:
        """Return quantiles of every part of the cost: one row per part, one column per share."""
        frame = self.breakdown.to_frame()
        return frame.quantile(list(shares)).T

    def share_covered(self, list_price_usd: Floats) -> float:
        """Return the share of draws in which a list price (or one draw of it each) pays the cost.

        Raises
        ------
        ValueError
            If a price is negative.
        """
        price = checks.non_negative("list_price_usd", list_price_usd, unit="USD per GPU-hour")
        return float(np.mean(price >= self.breakdown.list_price))


def simulate_cost(
    owner: Ownership,
    ranges: Mapping[str, Distribution],
    *,
    draws: int = 100_000,
    seed: Seed = None,
) -> CostSamples:
    """Draw the uncertain inputs independently and compute the cost of a GPU-hour for each draw.

    Parameters
    ----------
    owner
        The inputs that are taken as known.
    ranges
        Distributions of the others, by the name of their field in `Ownership`.
    draws
        Number of draws; a million takes a fraction of a second.
    seed
        Integer, SeedSequence, Generator or None.

    Returns
    -------
    CostSamples
        The same bits for any number of threads.

    Raises
    ------
    ValueError
        If a name is no field of `Ownership`, or a draw lies outside the field's range.

    Examples
    --------
    >>> from depin_lib.compute import Uniform
    >>> card = Ownership(capex_usd=2200, power_kw=0.5, electricity_usd_per_kwh=0.173)
    >>> known = {"utilisation": Uniform(0.2, 0.8)}
    >>> samples = simulate_cost(card, known, draws=1000, seed=1)
    >>> samples.share_covered(0.10) < samples.share_covered(0.30)
    True
    """
    check_input_names(ranges)
    inputs = sample(ranges, draws, seed=seed)
    return CostSamples(inputs, cost_of_ownership(replace(owner, **inputs)))


def one_at_a_time(
    owner: Ownership,
    ranges: Mapping[str, Distribution],
    *,
    measure: Callable[[Ownership], Floats] | None = None,
    shares: tuple[float, float] = (0.05, 0.95),
) -> pd.DataFrame:
    """Move each input alone from the low to the high end of its range (a tornado).

    Parameters
    ----------
    owner
        The inputs at rest.
    ranges
        Distributions by field name; the ends are their quantiles at ``shares``.
    measure
        What to compute; by default the list price that pays for everything.
    shares
        Which quantiles count as ends.

    Returns
    -------
    pandas.DataFrame
        One row per input, the one that matters most first: ``low`` and ``high`` of the input, the
        measure ``at_low`` and ``at_high``, and its ``swing``.

    Examples
    --------
    >>> from depin_lib.compute import Uniform
    >>> card = Ownership(capex_usd=2200, power_kw=0.5, electricity_usd_per_kwh=0.173)
    >>> known = {"utilisation": Uniform(0.2, 0.8), "pue": Uniform(1.0, 1.1)}
    >>> list(one_at_a_time(card, known).index)
    ['utilisation', 'pue']
    """
    measure = measure or (lambda moved: cost_of_ownership(moved).list_price)
    check_input_names(ranges)
    at = measure
    return _one_at_a_time(
        lambda **moved: at(replace(owner, **moved)), ranges, base={}, shares=shares
    )
