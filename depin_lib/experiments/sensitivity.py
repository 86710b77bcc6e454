"""Which input moves the result: variance shares, screening, one at a time, break-even."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from .. import checks
from ..distributions import Distribution, Uniform
from ..seeds import Seed, seed_word
from .checkpoints import note_in
from .design import Inputs, ranges, sobol_shares, table
from .models import Measure
from .running import run

__all__ = ["break_even", "morris_screening", "one_at_a_time", "sobol_indices"]

Array = NDArray[np.float64]
_TAIL = 0.01


def _study(
    model: Any,
    inputs: Mapping[str, Distribution],
    measure: str | Measure | None,
    **options: Any,
) -> Callable[[Array], Array]:
    """Return the measure's mean over runs as a function of points, which share their noise.

    A row per point gives each input as a share of its range.
    """

    def outputs(shares: Array) -> Array:
        points = {name: d.quantile(shares[:, i]) for i, (name, d) in enumerate(inputs.items())}
        design = table(points).with_common_random_numbers()
        chosen = () if measure is None else (measure,)
        result = run(model, design, measures=chosen, quantiles=(), **options)
        names = [str(n).removesuffix("_mean") for n in result if str(n).endswith("_mean")]
        if len(names) != 1:
            raise ValueError(f"measure is None; name one of {', '.join(names)}")
        means = result[f"{names[0]}_mean"]
        if "time" in means.dims:
            raise ValueError(
                f"{names[0]} is a series; give one number per run, such as its end: "
                f"Measure('end', of=lambda out: out[{names[0]!r}][..., -1])"
            )
        values = means.to_numpy()
        if not np.isfinite(values).all():
            point = int(np.argmin(np.isfinite(values)))
            where = ", ".join(f"{name} = {column[point]:g}" for name, column in points.items())
            raise ValueError(
                f"{names[0]} is {values[point]} at {where}; the inputs' ranges "
                "must lie where the model gives numbers"
            )
        return np.asarray(values)

    return outputs


def _word(seed: Seed, options: Mapping[str, Any]) -> int:
    """Return the seed as a number; a study that goes on without one has that of its checkpoint."""
    folder = options.get("checkpoint") if options.get("resume") and seed is None else None
    stored = None if folder is None else note_in(folder).get("seed")
    return int(seed_word(seed)) if stored is None else int(stored)


def _number(model: Callable[..., Any], inputs: Mapping[str, float], *places: float) -> float:
    """Return the one finite number that a model gives, or say at which inputs it does not."""
    found = model(*places, **inputs)
    where = ", ".join([*map("{:g}".format, places), *(f"{n} = {x:g}" for n, x in inputs.items())])
    return checks.number(f"output at {where}", found, low_open=True, high_open=True)


def _ranked(columns: Mapping[str, Array], inputs: Mapping[str, Any], by: str) -> pd.DataFrame:
    """Return one row per input, the one that matters most first."""
    frame = pd.DataFrame(columns, index=pd.Index(list(inputs), name="input"))
    return frame.sort_values(by, ascending=False, kind="stable")


def sobol_indices(
    model: Any,
    inputs: Inputs,
    measure: str | Measure | None = None,
    *,
    points: int = 1024,
    runs: int = 1,
    seed: Seed = None,
    confidence: float = 0.95,
    resamples: int = 999,
    **options: Any,
) -> pd.DataFrame:
    """Share of the output's variance that each input causes, alone and with all others.

    Parameters
    ----------
    model
        As in `run`.
    inputs
        A distribution, or (low, high), of each input, at least two; they are independent.
    measure
        The number that is studied; may be left out if the model gives one only.
    points
        Size of the two samples, a power of two; the model runs points × (inputs + 2) times.
    runs
        Runs per point, whose mean is studied; all points share their noise.
    seed
        Integer, SeedSequence, Generator or None.
    confidence, resamples
        Level of the intervals, and how many bootstrap samples they rest on.
    options
        Of `run`: ``executor``, ``workers``, ``checkpoint``, ``resume``, ``progress``.

    Returns
    -------
    pandas.DataFrame
        One row per input, the largest total first: ``first`` and ``total`` with ``_low`` and
        ``_high``. Estimators of Saltelli et al. (2010) by `scipy.stats.sobol_indices`; intervals by
        percentiles of the bootstrap.

    Raises
    ------
    ValueError
        If there is one input, ``points`` is not a power of two, or the measure is a series, not
        finite or constant.

    Examples
    --------
    >>> add = lambda a, b: a + 2 * b
    >>> found = sobol_indices(add, {"a": (0, 1), "b": (0, 1)}, points=256, seed=1)
    >>> found.index[0], bool(abs(found.loc["b", "first"] - 0.8) < 0.02)
    ('b', True)
    """
    known, word = ranges(inputs), _word(seed, options)
    level = checks.number("confidence", confidence, low=0, high=1, low_open=True, high_open=True)
    resamples = checks.whole_number("resamples", resamples)
    outputs = _study(model, known, measure, runs=runs, seed=word, **options)
    d = checks.whole_number("number of inputs", len(known), low=2)
    shares = sobol_shares(2 * d, points, word)
    a, b = shares[:, :d], shares[:, d:]
    mixed = [np.where(np.arange(d) == i, b, a) for i in range(d)]
    values = outputs(np.concatenate([a, b, *mixed])).reshape(d + 2, points)
    if np.ptp(values) == 0:
        raise ValueError(f"the output is {values[0, 0]:g} at every point: no variance to share out")
    rng = np.random.default_rng(word)
    drawn = [_indices(values[:, rng.integers(0, points, points)]) for _ in range(resamples)]
    ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    columns = {}
    for k, name in enumerate(("first", "total")):
        columns[name] = _indices(values)[k]
        columns[f"{name}_low"], columns[f"{name}_high"] = ends[:, k]
    return _ranked(columns, known, "total")


def morris_screening(
    model: Any,
    inputs: Inputs,
    measure: str | Measure | None = None,
    *,
    trajectories: int = 20,
    levels: int = 4,
    runs: int = 1,
    seed: Seed = None,
    confidence: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Screen many inputs with few runs: mean and spread of their elementary effects.

    An effect is the change of the output when one input moves by levels / (2 levels − 2) of its
    range, divided by that share. The range of a uniform input is the whole of it, that of another
    distribution the middle 98% of its probability.

    Parameters
    ----------
    model, inputs, measure, runs, seed, options
        As in `sobol_indices`.
    trajectories
        Walks through the inputs; the model runs trajectories × (inputs + 1) times.
    levels
        Even number of levels of each input.
    confidence
        Level of the interval of ``mu_star``, by Student's t over trajectories.

    Returns
    -------
    pandas.DataFrame
        One row per input, the most important first: ``mu`` (mean effect), ``mu_star`` (mean
        absolute effect; Campolongo et al. 2007) with ``_low`` and ``_high``, and ``sigma`` (spread:
        curvature or interaction). After Morris (1991), Technometrics 33(2).

    Raises
    ------
    ValueError
        If ``levels`` is odd or a count is too small.

    Examples
    --------
    >>> found = morris_screening(lambda a, b: a + 2 * b, {"a": (0, 1), "b": (0, 1)}, seed=1)
    >>> found["mu_star"].round(9).to_dict()
    {'b': 2.0, 'a': 1.0}
    """
    known, word = ranges(inputs), _word(seed, options)
    level = checks.number("confidence", confidence, low=0, high=1, low_open=True, high_open=True)
    outputs = _study(model, known, measure, runs=runs, seed=word, **options)
    count = checks.whole_number("trajectories", trajectories, low=2)
    if checks.whole_number("levels", levels, low=2) % 2:
        raise ValueError(f"levels is {levels}; allowed: even numbers from 2 on")
    d, step = len(known), levels / (2 * (levels - 1))
    shares, place, up = _trajectories(word, count, d, levels, step)
    tail = np.array([0.0 if isinstance(d, Uniform) else _TAIL for d in known.values()])
    shares = np.clip(tail + shares * (1 - 2 * tail), 0, 1 - 2.0**-53)
    values = outputs(shares.reshape(-1, d)).reshape(count, d + 1)
    change = np.take_along_axis(np.diff(values, axis=1), place, axis=1)
    effects = change * np.where(up, 1, -1) / (step * (1 - 2 * tail))
    size = np.abs(effects)
    half = stats.t.ppf((1 + level) / 2, count - 1) * size.std(0, ddof=1) / np.sqrt(count)
    columns = {
        "mu": effects.mean(0),
        "mu_star": size.mean(0),
        "mu_star_low": size.mean(0) - half,
        "mu_star_high": size.mean(0) + half,
        "sigma": effects.std(0, ddof=1),
    }
    return _ranked(columns, known, "mu_star")


def _trajectories(
    word: int, count: int, d: int, levels: int, step: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Draw walks over a grid of shares on which every input moves once, by one step.

    Returned are the shares (count, d + 1, d), at which place of its walk each input moves, and
    whether it moves up (count, d).
    """
    rng = np.random.default_rng(word)
    low = rng.integers(0, levels // 2, size=(count, d)) / (levels - 1)
    up = rng.integers(0, 2, size=(count, d)).astype(bool)
    turn = np.argsort(rng.random((count, d)), axis=1)  #: which input moves at which place
    place = np.argsort(turn, axis=1)
    moved = np.arange(d + 1)[None, :, None] > place[:, None, :]
    return low[:, None, :] + step * (moved == up[:, None, :]), place, up


def one_at_a_time(
    model: Callable[..., Any],
    inputs: Inputs,
    *,
    base: Mapping[str, float] | None = None,
    shares: tuple[float, float] = (0.05, 0.95),
) -> pd.DataFrame:
    """Move each input alone from the low to the high end of its range (a tornado).

    Parameters
    ----------
    model
        Takes inputs by name and returns one number.
    inputs
        A distribution, or (low, high), of each input; the ends are its quantiles at ``shares``.
    base
        The inputs at rest; by default the middle of each range. Those that it leaves out are left
        out of the call as well, unless they are the one that moves.
    shares
        Which quantiles count as ends; of a pair (low, high) the ends themselves are taken.

    Returns
    -------
    pandas.DataFrame
        One row per input, the one that matters most first: ``low`` and ``high`` of the input, the
        output ``at_low`` and ``at_high``, and its ``swing``.

    Examples
    --------
    >>> found = one_at_a_time(lambda a, b: a + 2 * b, {"a": (0, 1), "b": (0, 1)})
    >>> found["swing"].to_dict()
    {'b': 2.0, 'a': 1.0}
    """
    known = ranges(inputs)
    rest = {n: float(d.quantile(0.5)) for n, d in known.items()} if base is None else dict(base)
    pairs = [d if isinstance(d, tuple) else d.quantile(shares) for d in inputs.values()]
    low, high = np.array(pairs, dtype=np.float64).T
    at_low, at_high = (
        np.array([_number(model, rest | {n: float(x)}) for n, x in zip(known, ends, strict=True)])
        for ends in (low, high)
    )
    columns = {"low": low, "high": high, "at_low": at_low, "at_high": at_high}
    return _ranked(columns | {"swing": np.abs(at_high - at_low)}, known, "swing")


def break_even(
    model: Callable[[float], Any], low: float, high: float, *, points: int = 65, unit: str = ""
) -> list[float]:
    """Find where a function of one input changes its sign.

    Parameters
    ----------
    model
        Takes one number and returns one. If it draws random numbers, give it a fixed seed.
    low, high
        Range of the input that is searched.
    points
        Number of places at which the sign is looked at first; two changes between neighbours are
        missed.
    unit
        Unit of the input, for messages.

    Returns
    -------
    list of float
        Every change of sign, rising, to 1e-12 of the range; so is a zero at one of the places. A
        pole, where the sign changes through infinity, is none.

    Raises
    ------
    ValueError
        If the sign never changes (the message gives the output at both ends), an output is not
        finite, or it is zero along a stretch.

    Examples
    --------
    >>> [round(x, 9) for x in break_even(lambda x: x * x - 4, -3, 3)]
    [-2.0, 2.0]
    """
    low = checks.number("low", low, unit=unit)
    high = checks.number("high", high, low=low, low_open=True, unit=unit)
    places = np.linspace(low, high, checks.whole_number("points", points, low=2))
    values = np.array([_number(model, {}, x) for x in places.tolist()])
    zero, sign = values == 0, np.sign(values)
    name = f" {unit}" if unit else ""
    if flat := np.flatnonzero(zero[:-1] & zero[1:]).tolist():
        raise ValueError(
            f"the output is 0 at {places[flat[0]]:g} and {places[flat[0] + 1]:g}{name} and maybe "
            "in between: no single place; search where it is not flat"
        )
    found = set(places[zero].tolist())
    for i in np.flatnonzero(sign[:-1] * sign[1:] < 0):
        left, right = float(places[i]), float(places[i + 1])
        tolerance = 1e-12 * (high - low)
        x = float(optimize.brentq(lambda x: _number(model, {}, x), left, right, xtol=tolerance))
        if abs(model(x)) <= max(abs(values[i]), abs(values[i + 1])):
            found.add(x)
    if not found:
        raise ValueError(
            f"the output does not change its sign between {low:g} and {high:g}{name}: it is "
            f"{values[0]:g} and {values[-1]:g} at the ends"
        )
    return sorted(found)


def _indices(values: Array) -> Array:
    """Return first-order and total indices, shape (2, inputs), of outputs at A, B, and mixed."""
    found = stats.sobol_indices(
        func={"f_A": values[:1], "f_B": values[1:2], "f_AB": values[2:, None]}, n=values.shape[1]
    )
    return np.array([np.ravel(found.first_order), np.ravel(found.total_order)])
