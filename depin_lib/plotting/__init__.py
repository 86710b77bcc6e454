"""What a chapter shows: figures in one style, results that the prose quotes, sliders.

In JupyterLab the outputs appear below their cell. In the book the cell only stores them, and the
text places them where it speaks of them: ``{glue:figure}`` for `show` and `explore`,
``{glue:text}`` for `report`.
"""

from .controls import explore
from .figure import show
from .results import report
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
    "report",
    "show",
    "subplots",
    "use_style",
]
