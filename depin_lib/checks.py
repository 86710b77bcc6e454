"""Checks of input. Every message names the value, the allowed range and the unit."""

import difflib
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["choice", "finite", "non_negative", "number", "shape", "whole_number"]


def number(
    name: str,
    value: float,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    low_open: bool = False,
    high_open: bool = False,
    unit: str = "",
) -> float:
    """Return ``value`` as a float if it is one number within the range.

    Raises
    ------
    TypeError
        If ``value`` is not a single real number.
    ValueError
        If it is NaN or lies outside the range.

    Examples
    --------
    >>> number("utilisation", 0.5, low=0, high=1, low_open=True)
    0.5
    """
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; give one number{_of_unit(unit)}") from None
    below = result <= low if low_open else result < low
    above = result >= high if high_open else result > high
    if np.isnan(result) or below or above:
        interval = _interval(low, high, low_open, high_open)
        raise ValueError(f"{name} is {result:g}{_unit(unit)}; allowed: {interval}{_unit(unit)}")
    return result


def whole_number(name: str, value: float, *, low: int = 1, high: float = 1e9) -> int:
    """Return ``value`` as an integer if it is a whole number within the range.

    Raises
    ------
    TypeError
        If ``value`` is not a single real number.
    ValueError
        If it lies outside the range or between two whole numbers.

    Examples
    --------
    >>> whole_number("runs", 100.0)
    100
    """
    count = number(name, value, low=low, high=high)
    if count != int(count):
        raise ValueError(f"{name} is {count:g}; allowed: whole numbers from {low} on")
    return int(count)


def finite(
    name: str,
    values: ArrayLike,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    low_open: bool = False,
    high_open: bool = False,
    unit: str = "",
) -> NDArray[np.float64]:
    """Return ``values`` as a float64 array if every entry is finite and within the range.

    Raises
    ------
    TypeError
        If ``values`` holds something other than real numbers.
    ValueError
        If an entry is NaN, infinite or outside the range; the message names the first one.

    Examples
    --------
    >>> finite("price", [1.0, 2.0], low=0)
    array([1., 2.])
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must hold real numbers{_of_unit(unit)}; got {values!r}") from None
    good = np.isfinite(array)
    good &= array > low if low_open else array >= low
    good &= array < high if high_open else array <= high
    if not good.all():
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        place = f"[{', '.join(map(str, where))}]" if where else ""
        interval = _interval(low, high, low_open, high_open)
        raise ValueError(
            f"{name}{place} is {array[where]:g}{_unit(unit)}; "
            f"allowed: finite, {interval}{_unit(unit)}"
        )
    return array


def non_negative(name: str, values: ArrayLike, *, unit: str = "") -> NDArray[np.float64]:
    """Return ``values`` as a float64 array if every entry is finite and at least zero.

    Examples
    --------
    >>> non_negative("stake", [0, 1])
    array([0., 1.])
    """
    return finite(name, values, low=0.0, unit=unit)


def shape(
    name: str, array: NDArray[np.float64], expected: tuple[int | None, ...], meaning: str
) -> NDArray[np.float64]:
    """Return ``array`` if its shape is as expected; None stands for any length.

    Raises
    ------
    ValueError
        With both shapes and the meaning of the axes.

    Examples
    --------
    >>> shape("stake", np.ones(3), (3,), "one entry per validator").shape
    (3,)
    """
    if array.shape == expected:
        return array
    fits = array.ndim == len(expected)
    for have, want in zip(array.shape, expected, strict=False):  # faster than all(...)
        fits &= want is None or have == want
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in expected)
        raise ValueError(f"{name} has shape {array.shape}; expected ({wanted}): {meaning}")
    return array


def choice(name: str, value: str, known: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``known``; otherwise suggest the nearest.

    Raises
    ------
    ValueError
        With the nearest known names, or all of them where none is near.

    Examples
    --------
    >>> choice("gpu", "H100", ["A100", "H100"])
    'H100'
    """
    names = sorted(known)
    if value in names:
        return value
    lower = {n.lower(): n for n in names}
    near = [lower[n] for n in difflib.get_close_matches(str(value).lower(), lower, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {', '.join(names)}"
    raise ValueError(f"{name} is {value!r}, which is not known; {hint}")


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _of_unit(unit: str) -> str:
    return f" in {unit}" if unit else ""


def _interval(low: float, high: float, low_open: bool, high_open: bool) -> str:
    left = "(" if low_open or np.isneginf(low) else "["
    right = ")" if high_open or np.isposinf(high) else "]"
    return f"{left}{low:g}, {high:g}{right}"
