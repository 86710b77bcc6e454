"""Which inputs decide a comparison, and which value of one of them would turn it."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from .. import checks
from ..distributions import Distribution
from ..seeds import Seed, seed_word
from .comparison import Comparison, Correlation, Model
from .providers import ProviderKind, Workload

__all__ = ["break_even", "rank_importance", "saving_at", "sobol_importance"]


def rank_importance(
    comparison: Comparison, challenger: str, comparator: str, *, draws: int = 20_000
) -> pd.DataFrame:
    """Rank the inputs by how closely the saving follows them; right for correlated inputs too.

    Parameters
    ----------
    comparison
        Result of `compare`.
    challenger, comparator
        Names of two of its providers.
    draws
        How many of its draws are used, at most all.

    Returns
    -------
    pandas.DataFrame
        One row per uncertain input of the two, the one that matters most first: ``spearman``, the
        rank correlation with the saving, and ``partial``, the same with the ranks of all other
        inputs held fixed (PRCC). Correlated inputs share the first and not the second.

    Source: Saltelli et al. (2008), Global Sensitivity Analysis: The Primer, for both measures.

    Examples
    --------
    >>> from depin_lib.compute import compare, workload
    >>> result = compare(workload("batch"), runs=5000, seed=18)
    >>> table = rank_importance(result, "depin", "hyperscaler", draws=5000)
    >>> table.index[0]
    'depin.price_usd'
    """
    kinds = [kind for kind in comparison.kinds if kind.name in (challenger, comparator)]
    model = Model(comparison.workload, kinds, comparison.correlation)
    count = min(checks.whole_number("draws", draws), comparison.paid.shape[1])
    values = model.draw(comparison.word, 0, count)
    names = list(model.uncertain)
    saved = comparison.saving(challenger, comparator)[:count]
    ranks = np.array([stats.rankdata(x) for x in [*(values[n] for n in names), saved]])
    matrix = np.corrcoef(ranks)
    inverse = np.linalg.inv(matrix)
    scale = np.sqrt(np.diag(inverse)[:-1] * inverse[-1, -1])
    frame = pd.DataFrame(
        {"spearman": matrix[-1, :-1], "partial": -inverse[-1, :-1] / scale},
        index=pd.Index(names, name="input"),
    )
    return frame.sort_values("partial", key=np.abs, ascending=False, kind="stable")


def sobol_importance(
    workload: Workload,
    challenger: ProviderKind,
    comparator: ProviderKind,
    *,
    n: int = 2048,
    seed: Seed = None,
    correlation: Correlation | None = None,
) -> pd.DataFrame:
    """Split the variance of the log of the cost ratio among independent inputs (Sobol indices).

    Parameters
    ----------
    workload, challenger, comparator
        What is compared.
    n, seed
        Points of the Sobol sequence, a power of two; the model runs n (inputs + 2) times.
    correlation
        Must be empty: with correlated inputs a share of the variance belongs to no single input.

    Returns
    -------
    pandas.DataFrame
        One row per uncertain input, largest total first: ``first_order``, the share of the variance
        that goes when the input becomes known, and ``total``, the share left when all others do.

    Raises
    ------
    ValueError
        If ``correlation`` is not empty, or ``n`` is no power of two.

    Source: Saltelli et al. (2010), Computer Physics Communications 181, 259–270, as
    `scipy.stats.sobol_indices` has it.

    Examples
    --------
    >>> from depin_lib.compute import provider_kind, workload
    >>> kinds = [provider_kind(name) for name in ("depin", "hyperscaler")]
    >>> table = sobol_importance(workload("batch"), *kinds, n=256, seed=1)
    >>> table.index[0]
    'depin.price_usd'
    """
    if correlation:
        raise ValueError(
            f"correlation has {len(correlation)} pairs; allowed: none, since Sobol indices split "
            "the variance only among independent inputs; use rank_importance"
        )
    count = checks.whole_number("n", n, low=2)
    if count & (count - 1):
        raise ValueError(f"n is {count}; allowed: powers of two")
    model = Model(workload, [challenger, comparator])
    names = list(model.uncertain)

    def log_ratio(points: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = points.reshape(len(names), -1)
        values = {k: np.full(flat.shape[1], v) for k, v in model.numbers.items()}
        values |= dict(zip(names, np.ascontiguousarray(flat), strict=True))
        paid = model.evaluate(values)[1]
        return np.asarray(np.log(paid[0] / paid[1]).reshape(1, *points.shape[1:]))

    shapes = [_Shape(model.known[name]) for name in names]  # type: ignore[arg-type]
    generator = np.random.default_rng(int(seed_word(seed)))
    found = stats.sobol_indices(func=log_ratio, n=count, dists=shapes, rng=generator)
    frame = pd.DataFrame(
        {"first_order": found.first_order.ravel(), "total": found.total_order.ravel()},
        index=pd.Index(names, name="input"),
    )
    return frame.sort_values("total", ascending=False, kind="stable")


def saving_at(
    workload: Workload,
    challenger: ProviderKind,
    comparator: ProviderKind,
    name: str,
    values: ArrayLike,
    *,
    shares: Sequence[float] = (0.05, 0.5, 0.95),
    runs: int = 10_000,
    seed: Seed = 0,
    correlation: Correlation | None = None,
) -> NDArray[np.float64]:
    """Return the saving where one input has a known value and the others keep their doubts.

    Parameters
    ----------
    workload, challenger, comparator
        What is compared.
    name
        An input, such as ``"depin.mtbf_hours"`` or ``"egress_gb_per_hour"``.
    values
        Shape (k,), in the unit of the input.
    shares
        Which quantiles over the draws.
    runs, seed, correlation
        As in `compare`; the same draws serve for every value.

    Returns
    -------
    ndarray, shape (k, len(shares))
        Quantiles of 1 − challenger's cost / comparator's.

    Raises
    ------
    ValueError
        If the input is not known; the nearest is suggested.

    Examples
    --------
    >>> from depin_lib.compute import provider_kind, workload
    >>> kinds = [provider_kind(name) for name in ("depin", "hyperscaler")]
    >>> cheap, dear = saving_at(workload("batch"), *kinds, "depin.price_usd", [2, 4])[:, 1]
    >>> bool(cheap > dear)
    True
    """
    saving = _saving(workload, challenger, comparator, name, runs, seed, correlation)
    known = checks.finite(name, values).ravel()
    return np.array([np.quantile(saving(float(value)), list(shares)) for value in known])


def break_even(
    workload: Workload,
    challenger: ProviderKind,
    comparator: ProviderKind,
    name: str,
    between: Sequence[float],
    *,
    target: float = 0.0,
    runs: int = 10_000,
    seed: Seed = 0,
    correlation: Correlation | None = None,
) -> float | None:
    """Find the value of one input at which the median saving crosses a target.

    Parameters
    ----------
    workload, challenger, comparator, name, runs, seed, correlation
        As in `saving_at`.
    between
        Two values between which to look, in the unit of the input.
    target
        Saving to be reached: 0 for equal cost, 0.3 for the low end of the article's claim.

    Returns
    -------
    float or None
        None where the median saving is on the same side of the target at both ends.

    Examples
    --------
    >>> from depin_lib.compute import provider_kind, workload
    >>> kinds = [provider_kind(name) for name in ("depin", "hyperscaler")]
    >>> price = break_even(workload("batch"), *kinds, "depin.price_usd", (1, 12))
    >>> 6 < price < 12
    True
    """
    low, high = (float(x) for x in checks.finite("between", between))
    saving = _saving(workload, challenger, comparator, name, runs, seed, correlation)

    def gap(value: float) -> float:
        return float(np.median(saving(value))) - target

    if gap(low) * gap(high) > 0:
        return None
    return float(optimize.brentq(gap, low, high, xtol=1e-6 * (high - low)))


def _saving(
    workload: Workload,
    challenger: ProviderKind,
    comparator: ProviderKind,
    name: str,
    runs: int,
    seed: Seed,
    correlation: Correlation | None,
) -> Callable[[float], NDArray[np.float64]]:
    """Draw once, and return the savings as a function of one input."""
    model = Model(workload, [challenger, comparator], correlation)
    key = re.sub(r"speed_\w+$", "speed", name)
    checks.choice("input", key, model.known)
    count = checks.whole_number("runs", runs)
    inputs = model.draw(seed_word(seed), 0, count)

    def saving(value: float) -> NDArray[np.float64]:
        paid = model.evaluate(inputs | {key: np.full(count, value)})[1]
        return np.asarray(1 - paid[0] / paid[1])

    return saving


class _Shape:
    """A distribution as `scipy.stats.sobol_indices` wants it."""

    def __init__(self, known: Distribution) -> None:
        self._known = known

    def ppf(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._known.quantile(np.minimum(p, np.nextafter(1.0, 0.0)))
