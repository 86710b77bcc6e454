"""What a chapter shows: figures in one style, results that the prose quotes, sliders.

In JupyterLab the figures appear below their cell. In the book the cell only stores them, and the
text places them where it speaks of them: a ``{figure}`` with the name of what `show` or `explore`
drew. ``{eval}`quoted.name` `` quotes what `report` printed, in both.
"""

from .controls import explore
from .figure import show
from .results import quoted, report
from .style import (
    ACCENT,
    GRID,
    INK,
    MUTED,
    NETWORK_COLORS,
    PALETTE,
    PAPER,
    label_line,
    subplots,
    use_style,
)

__all__ = [
    "ACCENT",
    "GRID",
    "INK",
    "MUTED",
    "NETWORK_COLORS",
    "PALETTE",
    "PAPER",
    "explore",
    "label_line",
    "quoted",
    "report",
    "show",
    "subplots",
    "use_style",
]
