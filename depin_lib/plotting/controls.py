"""A slider without a kernel: every frame is drawn beforehand, a few lines of script choose one."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from .. import checks
from .figure import csv_link, data_csv
from .publish import asset, figures_folder, publish
from .svg import escape, standalone, to_svg

MAX_FRAMES = 60


def explore(
    draw: Callable[..., Figure],
    describe: Callable[..., Mapping[str, Any]],
    name: str,
    *,
    controls: Mapping[str, Sequence[Any]],
    start: Sequence[Any],
    alt: str,
) -> None:
    """Let the reader move one or two parameters of a figure, on a page or in JupyterLab.

    Parameters
    ----------
    draw
        Takes one value per control, in order, and returns the figure.
    describe
        Takes the same values and returns the results to read off, by label. They stand below the
        figure, in a table of all frames, and in the CSV.
    name
        The name under which the text places the control, and of its files.
    controls
        One or two parameters: their labels (with unit) and the values to choose from.
    start
        The values shown first, in print, and where no script runs.
    alt
        Alternative text of the figure; the results of `describe` are added frame by frame.

    Raises
    ------
    ValueError
        For more than two controls or 60 frames, or if ``start`` is not among the values.
    """
    if not 1 <= len(controls) <= 2:
        raise ValueError(f"controls has {len(controls)} parameters; one or two can be moved")
    combinations = list(itertools.product(*controls.values()))
    checks.number("number of frames", len(combinations), low=2, high=MAX_FRAMES)
    if tuple(start) not in combinations:
        raise ValueError(f"start is {tuple(start)}; it must be one of the controls' values")
    first = combinations.index(tuple(start))
    rows, frames = [], []
    folder = figures_folder()
    for i, values in enumerate(combinations):
        readings = describe(*values)
        line = "; ".join(f"{k}: {v}" for k, v in readings.items())
        fig = draw(*values)
        svg = to_svg(fig, f"{name}-{i}", f"{alt} {line}")
        if folder and i == first:
            (folder / f"{name}.svg").write_text(standalone(svg), "utf-8", newline="\n")
            fig.savefig(
                folder / f"{name}.png", dpi=150, facecolor="white", metadata={"Software": None}
            )
        plt.close(fig)
        hidden = "" if i == first else " hidden"
        frames.append(f'<div class="depin-frame" data-reading="{escape(line)}"{hidden}>{svg}</div>')
        rows.append(dict(zip(controls, values, strict=True)) | dict(readings))
    table = pd.DataFrame(rows)
    csv = data_csv(table)
    if folder:
        (folder / f"{name}.csv").write_text(csv, "utf-8", newline="\n")
    sliders = "".join(
        _slider(name, i, label, values, start[i])
        for i, (label, values) in enumerate(controls.items())
    )
    reading = "; ".join(f"{k}: {v}" for k, v in describe(*start).items())
    html = _box(name, sliders, "".join(frames), escape(reading), table, csv_link(name, csv))
    publish(name, html=html, plain=f"{alt} {reading}")


def _box(name: str, sliders: str, frames: str, reading: str, table: pd.DataFrame, link: str) -> str:
    """Return the HTML of a control: sliders, frames, the reading, all values, and its script."""
    return (
        f'<div class="depin-figure depin-explore" id="{name}-explore">'
        f'<div class="depin-controls">{sliders}</div>'
        f"{frames}"
        f'<p class="depin-reading" aria-live="polite">{reading}</p>'
        f'<details class="depin-values"><summary>All values as a table</summary>'
        f'<div class="depin-scroll" tabindex="0" role="region" aria-label="All values">'
        f"{table.to_html(index=False, border=0)}</div></details>"
        f'<p class="depin-data">{link}</p></div>'
        f"<script>{asset('explore.js')}"
        f'depinExplore(document.getElementById("{name}-explore"));</script>'
    )


def _slider(name: str, i: int, label: str, values: Sequence[Any], start: Any) -> str:
    texts = [str(v) for v in values]
    identifier = f"{name}-control-{i}"
    position = texts.index(str(start))
    return (
        f'<div class="depin-control"><label for="{identifier}">{escape(label)}</label>'
        f'<input type="range" id="{identifier}" min="0" max="{len(texts) - 1}" step="1" '
        f'value="{position}" aria-valuetext="{escape(texts[position])}" '
        f'data-values="{escape(json.dumps(texts))}" autocomplete="off">'
        f'<output for="{identifier}">{escape(texts[position])}</output></div>'
    )
