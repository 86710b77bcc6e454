"""How an output reaches the page: shown below its cell, or stored for the text.

The stored form is the one that MyST-NB's ``glue`` roles read. It is written here in three lines, so
that a chapter needs neither MyST-NB nor Sphinx to run.
"""

import os
from importlib.resources import files
from pathlib import Path

from .style import theme_css

_STORED = "application/papermill.record/"
#: Set while the book is built: outputs are stored for the text to place, not shown.
IN_BOOK = "DEPIN_BOOK"
#: Set while the book is built: the folder that takes each figure as SVG, PNG and CSV.
FIGURES = "DEPIN_FIGURES"


def publish(name: str, *, html: str | None, plain: str) -> None:
    """Store an output under ``name`` for the text; outside the book also show its HTML."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is None:
        return
    bundle = {"text/plain": plain} | ({"text/html": html} if html else {})
    stored = {_STORED + mime: text for mime, text in bundle.items()}
    display(stored, raw=True, metadata={"scrapbook": {"name": name, "mime_prefix": _STORED}})
    if html and IN_BOOK not in os.environ:
        display({"text/plain": plain, "text/html": _assets() + html}, raw=True)


def figures_folder() -> Path | None:
    """Return the folder that takes the figures' files, if this run keeps them."""
    folder = os.environ.get(FIGURES)
    if not folder:
        return None
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def asset(name: str) -> str:
    """Read a script or style sheet that stands beside this module."""
    return (files(__package__) / name).read_text("utf-8")


def palette_css() -> str:
    """Write the palette for the book's themes and for JupyterLab's."""
    dark = 'html[data-theme="dark"], [data-jp-theme-light="false"]'
    return f"{theme_css(':root', dark=False)}\n{theme_css(dark, dark=True)}\n"


def _assets() -> str:
    style = palette_css() + asset("figure.css")
    return f"<style>{style}</style>"
