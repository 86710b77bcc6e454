"""Which parameters an experiment tries: full grids, space-filling designs, draws, tables."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import qmc

from .. import checks
from ..distributions import Distribution, Uniform, sample
from ..seeds import Seed, seed_word

__all__ = ["Design", "grid", "latin_hypercube", "monte_carlo", "ranges", "sobol", "table"]

_RESERVED = {"run", "time", "quantile", "point", "seed"}

Range: TypeAlias = Distribution | tuple[float, float]
Inputs: TypeAlias = Mapping[str, Range]
Units: TypeAlias = Mapping[str, str] | None


@dataclass(frozen=True)
class Design:
    """The points of an experiment: one row per combination of parameters."""

    points: pd.DataFrame  #: one column per parameter
    kind: str  #: how the points were chosen
    units: Mapping[str, str] = field(default_factory=dict)  #: unit of each parameter
    shape: tuple[int, ...] = ()  #: of a full grid, one length per parameter; else empty
    paired: bool = False  #: whether run k has the same random numbers at every point

    def __post_init__(self) -> None:
        if not len(self.points):
            raise ValueError("the design has no point; give at least one value of each parameter")
        names = list(self.points.columns)
        for name in names:
            if not str(name).isidentifier() or name in _RESERVED:
                taken = ", ".join(sorted(_RESERVED))
                raise ValueError(f"parameter {name!r}: allowed are Python names other than {taken}")
        for name in self.units:
            checks.choice("unit of parameter", name, names)

    def __len__(self) -> int:
        return len(self.points)

    def with_common_random_numbers(self) -> "Design":
        """Give run k the same seed at every point: differences between points lose the noise.

        Examples
        --------
        >>> grid({"fee": [0.1, 0.2]}).with_common_random_numbers().paired
        True
        """
        return replace(self, paired=True)


def grid(values: Mapping[str, Sequence[Any] | NDArray[Any]], *, units: Units = None) -> Design:
    """Combine every value of every parameter with all the others; the last one moves fastest.

    Parameters
    ----------
    values
        The values of each parameter, by name; each value once.
    units
        Unit of each parameter.

    Raises
    ------
    TypeError
        If a parameter has a single value instead of a list.
    ValueError
        If a parameter has no value or one value twice, or a unit names an unknown parameter.

    Examples
    --------
    >>> grid({"fee": [0.1, 0.2], "nodes": [10, 20, 30]}).shape
    (2, 3)
    """
    for name, given in values.items():
        if isinstance(given, str) or not hasattr(given, "__len__"):
            raise TypeError(f"{name} is {given!r}; give a list of values, [{given!r}] for one")
        if len(given) == 0 or len(set(given)) < len(given):
            raise ValueError(f"{name} is {list(given)}; allowed: at least one value, each once")
    frame = pd.DataFrame(list(itertools.product(*values.values())), columns=list(values))
    shape = tuple(len(given) for given in values.values())
    return Design(frame, f"full grid, {' × '.join(map(str, shape))}", units or {}, shape)


def latin_hypercube(
    inputs: Inputs, points: int, *, seed: Seed = None, units: Units = None
) -> Design:
    """Spread points so that each parameter's range is covered evenly (McKay et al. 1979).

    Parameters
    ----------
    inputs
        A distribution, or (low, high), of each parameter.
    points
        Number of points.
    seed
        Integer, SeedSequence, Generator or None.
    units
        Unit of each parameter.

    Raises
    ------
    ValueError
        If ``points`` is not a positive whole number or a range is empty.

    Examples
    --------
    >>> design = latin_hypercube({"fee": (0, 0.4)}, 4, seed=1)
    >>> sorted((design.points["fee"] // 0.1).astype(int))
    [0, 1, 2, 3]
    """
    count = checks.whole_number("points", points)
    known = ranges(inputs)
    shares = qmc.LatinHypercube(len(known), rng=_generator(seed)).random(count)
    return Design(_quantiles(known, shares), f"Latin hypercube, {count} points", units or {})


def sobol(inputs: Inputs, points: int, *, seed: Seed = None, units: Units = None) -> Design:
    """Spread points by a scrambled Sobol sequence; ``points`` is a power of two (Owen 1998).

    Parameters
    ----------
    inputs
        A distribution, or (low, high), of each parameter.
    points
        Number of points, a power of two.
    seed
        Integer, SeedSequence, Generator or None.
    units
        Unit of each parameter.

    Raises
    ------
    ValueError
        If ``points`` is not a power of two or a range is empty.

    Examples
    --------
    >>> len(sobol({"fee": (0, 0.4), "price": (1, 2)}, 8, seed=1))
    8
    """
    known = ranges(inputs)
    shares = sobol_shares(len(known), points, seed)
    return Design(_quantiles(known, shares), f"Sobol sequence, {points} points", units or {})


def monte_carlo(inputs: Inputs, points: int, *, seed: Seed = None, units: Units = None) -> Design:
    """Draw every parameter of every point independently.

    Parameters
    ----------
    inputs
        A distribution, or (low, high), of each parameter.
    points
        Number of points.
    seed
        Integer, SeedSequence, Generator or None.
    units
        Unit of each parameter.

    Examples
    --------
    >>> len(monte_carlo({"fee": (0, 0.4)}, 5, seed=1))
    5
    """
    drawn = sample(ranges(inputs), points, seed=seed)
    return Design(pd.DataFrame(drawn), f"independent draws, {points} points", units or {})


def table(points: pd.DataFrame | Mapping[str, ArrayLike], *, units: Units = None) -> Design:
    """Take the points as they are given: one column per parameter.

    Examples
    --------
    >>> len(table({"fee": [0.1, 0.1, 0.2], "nodes": [10, 20, 20]}))
    3
    """
    frame = pd.DataFrame(points).reset_index(drop=True)
    return Design(frame, f"table, {len(frame)} points", units or {})


def ranges(inputs: Inputs) -> dict[str, Distribution]:
    """Return a distribution for each input; a pair of numbers becomes a uniform one.

    Raises
    ------
    TypeError
        If an input is neither.
    ValueError
        If there is no input, or a pair's first number is not below its second.

    Examples
    --------
    >>> ranges({"fee": (0, 1)})
    {'fee': Uniform(low=0, high=1)}
    """
    if not inputs:
        raise ValueError("there is no input; give a distribution or (low, high) of at least one")
    known: dict[str, Distribution] = {}
    for name, given in inputs.items():
        if isinstance(given, Distribution):
            known[name] = given
        elif isinstance(given, tuple) and len(given) == 2:
            try:
                known[name] = Uniform(*given)
            except (TypeError, ValueError) as exc:
                raise type(exc)(f"{name} is {given}: {exc}") from None
        else:
            raise TypeError(f"{name} is {given!r}; give a distribution or the pair (low, high)")
    return known


def sobol_shares(dimensions: int, points: int, seed: Seed) -> NDArray[np.float64]:
    """Return a scrambled Sobol sequence in (0, 1), shape (points, dimensions)."""
    count = checks.whole_number("points", points)
    if count & (count - 1):
        near = 1 << (count.bit_length() - 1)
        raise ValueError(f"points is {count}; allowed: powers of two, such as {near} or {2 * near}")
    shares = qmc.Sobol(dimensions, rng=_generator(seed)).random(count)
    return np.clip(shares, 2.0**-33, 1 - 2.0**-33)


def _quantiles(known: Mapping[str, Distribution], shares: NDArray[np.float64]) -> pd.DataFrame:
    return pd.DataFrame({name: known[name].quantile(shares[:, i]) for i, name in enumerate(known)})


def _generator(seed: Seed) -> np.random.Generator:
    return np.random.default_rng(int(seed_word(seed)))
