"""How prices moved when the sellers that are seen change: indices that compare like with like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .. import checks
from ..seeds import Seed, uniforms

__all__ = ["PriceChange", "PriceIndex", "price_index"]

METHODS = ("time_dummy", "matched", "median")
#: Largest share of resamples in which a period may be undefined before its interval is withheld.
MOST_UNDEFINED = 0.1


@dataclass(frozen=True)
class PriceChange:
    """Change of an index from one period to another, as a share: 0.1 is a tenth dearer."""

    value: float  #: share
    low: float | None  #: lower end of the interval; None where it is not defined
    high: float | None  #: upper end; None where it is not defined
    matched: int  #: items with a price in both periods


@dataclass(frozen=True)
class PriceIndex:
    """An index over periods, 1 in the base period."""

    method: str  #: one of METHODS
    period: NDArray[np.str_]  #: shape (T,), in order
    level: NDArray[np.float64]  #: shape (T,), 1 in the base period
    items: NDArray[np.int64]  #: shape (T,), items with a price
    matched: NDArray[np.int64]  #: shape (T,), items with a price also in the period before
    confidence: float  #: of the intervals of `change`
    draws: NDArray[np.float64]  #: shape (resamples, T), on resampled items, up to a factor
    pairs: NDArray[np.bool_]  #: shape (T, items), where there is a price

    def change(self, start: str, end: str) -> PriceChange:
        """Return the change between two periods, with an interval if items were resampled.

        Raises
        ------
        ValueError
            If a period is not in the index; the nearest is suggested.

        Examples
        --------
        >>> index = price_index(["a", "a", "b", "b"], ["x", "y", "x", "y"], [1, 2, 1.1, 2.2])
        >>> round(index.change("a", "b").value, 3)
        0.1
        """
        known = [str(p) for p in self.period]
        i, j = (known.index(checks.choice("period", p, known)) for p in (start, end))
        both = int((self.pairs[i] & self.pairs[j]).sum())
        value = float(self.level[j] / self.level[i] - 1)
        drawn = self.draws[:, j] / self.draws[:, i] - 1
        good = drawn[np.isfinite(drawn)]
        if good.size < (1 - MOST_UNDEFINED) * max(1, drawn.size):
            return PriceChange(value, None, None, both)
        low, high = np.quantile(good, [(1 - self.confidence) / 2, (1 + self.confidence) / 2])
        return PriceChange(value, float(low), float(high), both)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per period: level, items, matched items."""
        columns = {"period": self.period, "level": self.level}
        return pd.DataFrame(columns | {"items": self.items, "matched": self.matched})


def price_index(
    period: ArrayLike,
    item: ArrayLike,
    price: ArrayLike,
    *,
    method: str = "time_dummy",
    base: str | None = None,
    confidence: float = 0.95,
    resamples: int = 0,
    seed: Seed = 0,
) -> PriceIndex:
    """Index of prices with the composition of the sample held constant.

    Parameters
    ----------
    period, item, price
        Shape (n,) each: a label that sorts in time such as ``"2025Q4"``, what is priced (a
        provider, or a provider and a card), and its price in any one unit. An item may be missing
        in a period; it has at most one price in each.
    method
        ``"time_dummy"``: log price on a constant per item and one per period, by least squares; it
        uses a price change also when the item was not seen in between. ``"matched"``: the chain of
        geometric means of the price changes of items seen in two neighbouring periods (Jevons); it
        forgets what happened in gaps. ``"median"``: the median of each period, whoever is in it,
        for comparison: it has no composition control.
    base
        Period in which the index is 1; the first by default.
    confidence, resamples, seed
        Of the intervals of `PriceIndex.change`, which resample items; no intervals by default.

    Returns
    -------
    PriceIndex
        One entry per period, sorted.

    Raises
    ------
    ValueError
        For unknown names, prices that are not positive, two prices of an item in a period, or
        periods that no item links.

    Source: IMF and others (2020), Consumer Price Index Manual: Concepts and Methods; time dummies
    with a constant per item: Aizcorbe (2003), Federal Reserve FEDS paper 2003-05.

    Examples
    --------
    >>> cheap_leaves = price_index(["a", "a", "b"], ["x", "y", "y"], [1, 3, 3])
    >>> naive = price_index(["a", "a", "b"], ["x", "y", "y"], [1, 3, 3], method="median")
    >>> abs(round(cheap_leaves.change("a", "b").value, 6)), round(naive.change("a", "b").value, 6)
    (0.0, 0.5)
    """
    checks.choice("method", method, METHODS)
    periods, items, table = _table(period, item, price)
    _linked(periods, table, method)
    log_level = _levels(table, np.ones(items.size), method)
    names = [str(p) for p in periods]
    origin = 0 if base is None else names.index(checks.choice("base", base, names))
    seen = np.isfinite(table)
    matched = np.r_[0, (seen[1:] & seen[:-1]).sum(axis=1)]
    return PriceIndex(
        method=method,
        period=periods,
        level=np.exp(log_level - log_level[origin]),
        items=seen.sum(axis=1),
        matched=matched,
        confidence=checks.number("confidence", confidence, low=0, high=1, low_open=True),
        draws=np.exp(_resampled(table, method, resamples, seed)),
        pairs=seen,
    )


def _table(
    period: ArrayLike, item: ArrayLike, price: ArrayLike
) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.float64]]:
    """Log prices by period and item, NaN where there is none."""
    values = checks.finite("price", price, low=0, low_open=True).ravel()
    when, what = (np.asarray(x, dtype=np.str_).ravel() for x in (period, item))
    if not values.size == when.size == what.size or not values.size:
        raise ValueError(
            f"period, item and price have {when.size}, {what.size} and {values.size} entries; "
            "allowed: the same number, at least one"
        )
    periods, rows = np.unique(when, return_inverse=True)
    items, columns = np.unique(what, return_inverse=True)
    cells = rows * items.size + columns
    unique, counts = np.unique(cells, return_counts=True)
    if (counts > 1).any():
        cell = int(unique[np.argmax(counts > 1)])
        raise ValueError(
            f"item {str(items[cell % items.size])!r} has {counts.max()} prices in the period "
            f"{str(periods[cell // items.size])!r}; allowed: one, for instance their median"
        )
    table = np.full((periods.size, items.size), np.nan)
    table[rows, columns] = np.log(values)
    return periods, items, table


def _linked(periods: NDArray[np.str_], table: NDArray[np.float64], method: str) -> None:
    """Refuse periods between which no item carries a comparison."""
    seen = np.isfinite(table)
    if method == "median":
        return
    if method == "matched":
        both = (seen[1:] & seen[:-1]).sum(axis=1)
        if not both.all():
            t = int(np.argmin(both > 0))
            raise ValueError(
                f"no item has a price both in {str(periods[t])!r} and in "
                f"{str(periods[t + 1])!r}; allowed with method='matched': a common item in each "
                "pair of neighbouring periods; time_dummy also bridges gaps"
            )
        return
    part = _components(seen)
    apart: Sequence[str] = [str(p) for p in periods[part != part[0]]]
    if apart:
        raise ValueError(
            f"no item links the period {str(periods[0])!r} with {', '.join(apart)}; "
            "allowed: periods linked by common items"
        )


def _components(seen: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number of the connected part to which each period belongs."""
    rows, columns = np.nonzero(seen)
    n = sum(seen.shape)
    edges = coo_matrix((np.ones(rows.size), (rows, columns + seen.shape[0])), shape=(n, n))
    parts: NDArray[np.int32] = connected_components(edges, directed=False)[1]
    return parts[: seen.shape[0]]


def _levels(
    table: NDArray[np.float64], weight: NDArray[np.float64], method: str
) -> NDArray[np.float64]:
    """Log index by period, 0 in the first; weight counts how often an item was drawn."""
    if method == "median":
        repeated = np.repeat(table, weight.astype(np.int64), axis=1)
        return np.log(np.nanmedian(np.exp(repeated), axis=1))
    if method == "matched":
        steps = table[1:] - table[:-1]
        w = np.where(np.isfinite(steps), weight, 0.0)
        return np.r_[0.0, np.cumsum(np.nansum(w * steps, axis=1) / w.sum(axis=1))]
    rows, columns = np.nonzero(np.isfinite(table) & (weight > 0))
    kept, column = np.unique(columns, return_inverse=True)
    design = np.zeros((rows.size, table.shape[0] - 1 + kept.size))
    later = np.flatnonzero(rows > 0)
    design[later, rows[later] - 1] = 1.0
    design[np.arange(rows.size), table.shape[0] - 1 + column] = 1.0
    root = np.sqrt(weight[columns])
    target = table[rows, columns]
    fit = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
    return np.r_[0.0, fit[: table.shape[0] - 1]]


def _resampled(
    table: NDArray[np.float64], method: str, resamples: int, seed: Seed
) -> NDArray[np.float64]:
    """Log index on items drawn with replacement; NaN where a period is not linked to the first."""
    count = checks.whole_number("resamples", resamples, low=0)
    n = table.shape[1]
    draws = np.full((count, table.shape[0]), np.nan)
    if not count:
        return draws
    chosen = (uniforms(count, n, seed=seed) * n).astype(np.intp)
    for k, drawn in enumerate(chosen):
        weight = np.bincount(drawn, minlength=n).astype(np.float64)
        seen = np.isfinite(table) & (weight > 0)
        if method == "time_dummy":
            part = _components(seen)
            good = (part == np.bincount(part).argmax()) & seen.any(axis=1)
        elif method == "matched":
            good = np.r_[True, (seen[1:] & seen[:-1]).any(axis=1)]
            good = np.full(good.size, bool(good.all()))
        else:
            good = seen.any(axis=1)
        if good.any():
            draws[k, good] = _levels(table[good], weight, method)
    return draws
