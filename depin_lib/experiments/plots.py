"""One plot for each answer of the sensitivity studies, in the style of the book."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..plotting import ACCENT, INK, MUTED, PALETTE, subplots

__all__ = ["plot_break_even", "plot_morris", "plot_one_at_a_time", "plot_sobol"]

_ROW_INCHES = 0.4


def plot_sobol(indices: pd.DataFrame, *, labels: Mapping[str, str] | None = None) -> Figure:
    """Draw first-order and total indices with their intervals, the largest on top.

    Parameters
    ----------
    indices
        From `sobol_indices`.
    labels
        What to call the inputs.

    Examples
    --------
    >>> columns = ["first", "first_low", "first_high", "total", "total_low", "total_high"]
    >>> frame = pd.DataFrame([[0.4, 0.3, 0.5, 0.6, 0.5, 0.7]], index=["fee"], columns=columns)
    >>> len(plot_sobol(frame).axes)
    1
    """
    fig, ax = _rows(indices, labels)
    place = np.arange(len(indices))
    for name, shift, color in (("total", -0.13, PALETTE[1]), ("first", 0.13, PALETTE[0])):
        ends = indices[[f"{name}_low", f"{name}_high"]].to_numpy().T
        ax.hlines(place + shift, *ends, color=color, lw=2)
        ax.plot(indices[name], place + shift, "o", color=color)
        text, lift = ("in total", 5) if name == "total" else ("alone", -5)
        _note(ax, text, ends[1, 0], shift, color, right=True, lift=lift)
    most = float(indices[["first_high", "total_high"]].to_numpy().max())
    ax.set_xlim(min(0.0, float(indices["first_low"].min())), max(1.0, most) * 1.12)
    ax.set_xlabel("share of the output's variance")
    return fig


def plot_morris(effects: pd.DataFrame, *, labels: Mapping[str, str] | None = None) -> Figure:
    """Draw spread over mean absolute effect: to the right what matters, on top what is not linear.

    Parameters
    ----------
    effects
        From `morris_screening`.
    labels
        What to call the inputs.

    Examples
    --------
    >>> frame = pd.DataFrame({"mu_star": [1.0], "sigma": [0.5]}, index=["fee"])
    >>> len(plot_morris(frame).axes)
    1
    """
    fig, ax = subplots()
    ax.plot(effects["mu_star"], effects["sigma"], "o", color=PALETTE[0])
    most = float(effects[["mu_star", "sigma"]].to_numpy().max()) * 1.1 or 1.0
    for name, row in effects.iterrows():
        right = row["mu_star"] < 0.75 * most
        _note(ax, _label(name, labels), row["mu_star"], row["sigma"], INK, right=right)
    ax.plot([0, most], [0, most], color=MUTED, lw=1, ls="--", zorder=0)
    ax.set_xlim(0, most)
    ax.set_ylim(-0.05 * most, most)
    ax.set_xlabel("mean absolute effect, in the unit of the output")
    ax.set_ylabel("spread of the effect")
    return fig


def plot_one_at_a_time(
    swings: pd.DataFrame,
    *,
    middle: float | None = None,
    unit: str = "",
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Draw a tornado: what the output is while one input goes from its low to its high end.

    Parameters
    ----------
    swings
        From `one_at_a_time`.
    middle
        The output with all inputs at rest; drawn as a line.
    unit
        What the output is, with its unit.
    labels
        What to call the inputs.

    Examples
    --------
    >>> frame = pd.DataFrame({"low": [0], "high": [1], "at_low": [2.0], "at_high": [3.0]}, ["fee"])
    >>> len(plot_one_at_a_time(frame).axes)
    1
    """
    fig, ax = _rows(swings, labels)
    for place, (_, row) in enumerate(swings.iterrows()):
        ax.plot([row["at_low"], row["at_high"]], [place] * 2, color=PALETTE[0], lw=9)
        for end in ("low", "high"):
            here, other = row[f"at_{end}"], row[f"at_{'high' if end == 'low' else 'low'}"]
            side = "left" if here > other or (here == other and end == "high") else "right"
            _note(ax, _short(row[end]), here, place, MUTED, right=side == "left")
    if middle is not None:
        ax.axvline(middle, color=ACCENT, lw=1.2)
    ax.margins(x=0.2)
    ax.set_xlabel(unit)
    return fig


def plot_break_even(
    model: Callable[[float], Any],
    low: float,
    high: float,
    found: list[float],
    *,
    inputs: str = "",
    unit: str = "",
) -> Figure:
    """Draw a function of one input and mark where it changes its sign.

    Parameters
    ----------
    model, low, high
        As in `break_even`.
    found
        From `break_even`.
    inputs, unit
        What the input and the output are, with their units.

    Examples
    --------
    >>> len(plot_break_even(lambda x: x - 1, 0, 3, [1.0]).axes)
    1
    """
    fig, ax = subplots()
    places = np.linspace(low, high, 129)
    ax.plot(places, [float(model(x)) for x in places.tolist()], color=PALETTE[0])
    ax.axhline(0, color=MUTED, lw=1)
    for x in found:
        ax.plot([x], [0], "o", color=ACCENT, zorder=3)
        ax.annotate(
            f"{x:.3g}", (x, 0), (0, 9), textcoords="offset points", ha="center", color=ACCENT
        )
    ax.set_xlabel(inputs)
    ax.set_ylabel(unit)
    return fig


def _rows(frame: pd.DataFrame, labels: Mapping[str, str] | None) -> tuple[Figure, Axes]:
    """Make a figure with one row per input, the first on top."""
    fig, ax = subplots(height=0.9 + _ROW_INCHES * len(frame))
    ax.set_yticks(range(len(frame)), [_label(name, labels) for name in frame.index])
    ax.set_ylim(len(frame) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    return fig, ax


def _note(
    ax: Axes, text: str, x: float, y: float, color: str, *, right: bool, lift: float = 0
) -> None:
    """Write a few words beside a point, to its right or to its left, so many points higher."""
    ax.annotate(
        text,
        (x, y),
        (8 if right else -8, lift),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        color=color,
        fontsize=9.5,
    )


def _short(value: float) -> str:
    """Write a number with three digits, without an exponent where that is possible."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def _label(name: Any, labels: Mapping[str, str] | None) -> str:
    return (labels or {}).get(str(name), str(name))
