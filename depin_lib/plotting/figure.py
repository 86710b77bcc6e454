"""Show a figure, with its alternative text and the table of its data."""

import base64

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from .publish import figures_folder, publish
from .svg import escape, standalone, to_svg


def show(fig: Figure, name: str, *, alt: str, data: pd.DataFrame) -> None:
    """Show a figure and keep its data beside it.

    Parameters
    ----------
    fig
        The figure; it is closed afterwards.
    name
        The name under which the text places it, ``:name: fig-…``, and of its files.
    alt
        What a reader who cannot see the figure needs to know, in plain words.
    data
        The numbers drawn; readers download them as CSV.
    """
    csv = data_csv(data)
    svg = to_svg(fig, name, alt)
    folder = figures_folder()
    if folder:
        (folder / f"{name}.svg").write_text(standalone(svg), "utf-8", newline="\n")
        (folder / f"{name}.csv").write_text(csv, "utf-8", newline="\n")
        fig.savefig(folder / f"{name}.png", dpi=150, facecolor="white", metadata={"Software": None})
    plt.close(fig)
    html = (
        f'<div class="depin-figure"><div class="depin-frame">{svg}</div>'
        f'<p class="depin-data">{csv_link(name, csv)}</p></div>'
    )
    publish(name, html=html, plain=alt)


def data_csv(data: pd.DataFrame) -> str:
    """Write a table as CSV, twelve significant digits."""
    return data.to_csv(index=False, float_format="%.12g", lineterminator="\n")


def csv_link(name: str, csv: str) -> str:
    """Make a download link that carries the table itself, so that it works from any page."""
    content = base64.b64encode(csv.encode()).decode()
    label = escape(f"Data of the figure {name} as CSV")
    return (
        f'<a class="depin-csv" download="{name}.csv" aria-label="{label}" '
        f'href="data:text/csv;base64,{content}">data (CSV)</a>'
    )
