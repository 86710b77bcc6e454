"""The figure style: one palette, each colour with its twin for the dark theme.

The hexadecimal values are those of the light theme. `svg` turns each into a CSS variable that the
page may set anew, so one drawing is right in light and dark.
"""

from typing import Any

import cycler
import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1f2328"
MUTED = "#59636e"
GRID = "#d5dae0"
PAPER = "#fefefe"
#: Series colours in order: told apart by readers with any common colour-vision deficiency, and
#: each at least 3 : 1 against the page (WCAG 2.2, 1.4.11).
PALETTE = ("#0069a8", "#c8500a", "#00845f", "#a8497f", "#8a6d00", "#5f6b7a")
ACCENT = PALETTE[1]
NETWORK_COLORS = {
    "TAO": PALETTE[0],
    "RENDER": PALETTE[1],
    "HNT": PALETTE[2],
    "FIL": PALETTE[3],
}

#: Name of the CSS variable, light value, dark value.
THEME = (
    ("--fig-ink", INK, "#e6e9ed"),
    ("--fig-muted", MUTED, "#a6afba"),
    ("--fig-grid", GRID, "#3b434d"),
    ("--fig-paper", PAPER, "#14181e"),
    ("--fig-1", PALETTE[0], "#5ab4f0"),
    ("--fig-2", PALETTE[1], "#ff9a57"),
    ("--fig-3", PALETTE[2], "#3fcf9f"),
    ("--fig-4", PALETTE[3], "#ee9cc9"),
    ("--fig-5", PALETTE[4], "#e3c04a"),
    ("--fig-6", PALETTE[5], "#a9b5c4"),
)

WIDTH_INCHES = 7.2

_RC: Any = {
    "figure.figsize": (WIDTH_INCHES, 3.8),
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.labelsize": 10.5,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler.cycler(color=PALETTE),
    "axes.formatter.use_mathtext": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "ytick.major.size": 0,
    "lines.linewidth": 2.0,
    "lines.markersize": 5.5,
    "patch.linewidth": 0.0,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign is a dollar sign
    "font.size": 10.5,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "legend.frameon": False,
    "legend.fontsize": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "depin",
    "date.autoformatter.year": "%Y",
}


def use_style() -> None:
    """Make the book's figure style the default of this session."""
    mpl.rcParams.update(_RC)


def subplots(rows: int = 1, cols: int = 1, *, height: float = 3.8, **options: Any) -> Any:
    """Make a figure as wide as the page's text column; as `Figure.subplots` otherwise.

    The figure stays out of pyplot's hands: a notebook shows it where `show` is called, and not
    below each cell that draws a part of it.

    Parameters
    ----------
    rows, cols
        Number of panels.
    height
        Height of the figure in inches.
    options
        Passed on to `matplotlib.figure.Figure.subplots`.

    Returns
    -------
    (Figure, Axes or array of Axes)
    """
    use_style()
    fig = Figure(figsize=(WIDTH_INCHES, height))
    return fig, fig.subplots(rows, cols, **options)


def label_line(ax: Axes, x: float, y: float, text: str, color: str, **options: Any) -> None:
    """Write a series' name beside its line instead of in a legend."""
    settings: dict[str, Any] = {
        "ha": "left",
        "va": "center",
        "fontweight": "bold",
        "fontsize": 10,
    } | options
    ax.text(x, y, text, color=color, **settings)


def theme_css(selector: str, *, dark: bool) -> str:
    """Write the CSS rule that sets the palette of one theme under a selector."""
    column = 2 if dark else 1
    body = " ".join(f"{row[0]}: {row[column]};" for row in THEME)
    return f"{selector} {{ {body} }}"


__all__ = [
    "ACCENT",
    "GRID",
    "INK",
    "MUTED",
    "NETWORK_COLORS",
    "PALETTE",
    "PAPER",
    "THEME",
    "label_line",
    "subplots",
    "theme_css",
    "use_style",
]
