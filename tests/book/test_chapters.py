"""Every chapter keeps to the template; the lint notices where one does not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from depin_lib import data

from . import chapter_lint

ROOT = Path(__file__).parent.parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_keeps_to_the_template(path: Path) -> None:
    found = chapter_lint.problems(path, (ROOT / "book" / "solutions.md").read_text("utf-8"))
    assert found == []


def test_the_map_of_chapters_says_which_stand() -> None:
    chapters = data.load("chapters")
    stand = chapters.loc[chapters["stands"] == "yes", "chapter"].tolist()
    numbers = [int(path.name[:2]) for path in CHAPTERS]
    assert stand == [number for number in numbers if 0 < number < 90], (  # 9x: appendices
        "set the column stands in depin_lib/data/tables/chapters.csv, then: python3 tasks.py data"
    )


def cell(text: str, *tags: str, kind: str = "markdown") -> dict[str, Any]:
    extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {"tags": list(tags)}, "source": text, **extra}


EXERCISES = "\n\n".join(
    f"```{{exercise}} Task {k} (easy, 5 minutes)\n:label: ex-33-{k}\nDo it.\n```"
    for k in range(1, 5)
)
SOLUTIONS = "\n\n".join(
    f"```{{solution}} ex-33-{k}\n:label: sol-33-{k}\n:class: dropdown\nDone.\n```"
    for k in range(1, 5)
)
FIGURE = "```{figure}\n:name: fig-33-a\nThe line rises from left to right.\n```"
CONTROL = "```{figure}\n:name: fig-33-b\nMove it and the line falls.\n```"


def good() -> list[dict[str, Any]]:
    """Return the cells of a chapter that lacks nothing."""
    return [
        cell("# A title\n\nWhy? Because of {eval}`quoted.share`.", "part:opening"),
        cell(
            "```{dropdown} Objectives, prerequisites, time\n"
            "1. Do a ({ref}`ex-33-1`).\n2. Do b ({ref}`ex-33-2`).\n3. Do c ({ref}`ex-33-3`).\n\n"
            "Reading 30 minutes, running 5 seconds.\n```",
            "part:objectives",
        ),
        cell("%pip install x\nimport numpy", "part:setup", "hide-input", kind="code"),
        cell("## Growth is linear\n\n$$ y = 1.5 x $$ (eq-33-a)", "part:model"),
        cell('plotting.show(fig, "33_a", alt="A line that rises.", data=d)', kind="code"),
        cell(f"The share was {{eval}}`quoted.share` in 2025.\n\n{FIGURE}", "part:data", "result"),
        cell('plotting.report("share", 0.5, "{}", "share")', "part:check", kind="code"),
        cell(
            'plotting.explore(f, g, "33_b", alt="A line that falls.")', "part:control", kind="code"
        ),
        cell(CONTROL),
        cell("## What it leaves out", "part:limits"),
        cell("## What we found", "part:summary"),
        cell(f"## Exercises\n\n{EXERCISES}", "part:exercises"),
        cell("## Sources", "part:sources"),
    ]


def lint(folder: Path, cells: list[dict[str, Any]], solutions: str = SOLUTIONS) -> list[str]:
    path = folder / "33_chapter.ipynb"
    path.write_text(json.dumps({"cells": cells}), "utf-8")
    return chapter_lint.problems(path, solutions)


def test_a_good_chapter_passes(tmp_path: Path) -> None:
    assert lint(tmp_path, good()) == []


def replaced(index: int, old: str, new: str) -> Callable[[list[dict[str, Any]]], None]:
    def change(cells: list[dict[str, Any]]) -> None:
        assert old in cells[index]["source"]
        cells[index]["source"] = cells[index]["source"].replace(old, new)

    return change


def set_tags(index: int, *tags: str) -> Callable[[list[dict[str, Any]]], None]:
    return lambda cells: cells[index]["metadata"].update(tags=list(tags))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cells: cells.pop(9), "no cell tagged part:limits"),
        (lambda cells: cells.insert(0, cells.pop(3)), "first part is part:opening"),
        (lambda cells: cells.append(cells.pop(9)), "last parts are limits, summary"),
        (lambda cells: cells.append(cells.pop(3)), "last parts are limits, summary"),
        (set_tags(2, "part:setup"), "also tagged hide-input"),
        (set_tags(3, "part:modell"), "unknown tag 'part:modell'"),
        (set_tags(3, "part:control"), "part:control stands on a code cell"),
        (replaced(0, "?", "."), "asks a question"),
        (replaced(2, "import numpy", "\n" * 21), "lines of code; at most 20"),
        (replaced(2, "import numpy", "np.random.rand()"), "depin_lib.seeds"),
        (replaced(3, "##", "![x](https://example.org/x.png)"), "from outside the book"),
        (lambda cells: cells[2].update(outputs=[{"output_type": "stream"}]), "with outputs"),
        (replaced(4, ', alt="A line that rises."', ""), "needs alt= written out"),
        (
            replaced(4, '"A line that rises."', 'f"A line {x} that rises."'),
            "needs alt= written out",
        ),
        (replaced(4, '"A line that rises."', '""'), "needs alt= written out"),
        (replaced(4, '"A line that rises."', "alt"), "needs alt= written out"),
        (replaced(4, "33_a", "34_a"), "starts with 33_"),
        (replaced(5, "The line rises from left to right.", ""), "needs a caption"),
        (replaced(5, ":name: fig-33-a\n", ""), "needs :name: fig-33-"),
        (replaced(5, "{figure}", "{note}"), "fig-33-a is the :name: of 0 figures"),
        (replaced(5, "{eval}`quoted.share` in", "52.3 % in"), "'52.3 %' is typed"),
        (replaced(5, "{eval}`quoted.share` in", "\\$1,200 in"), "'\\\\$1,200' is typed"),
        (
            replaced(
                5, "{eval}`quoted.share`", "{eval}`quoted.a` {eval}`quoted.b` {eval}`quoted.c`"
            ),
            "two",
        ),
        (set_tags(5, "part:data"), "tag it 'result'"),
        (lambda cells: cells.insert(7, cells[6]), "is reported 2 times"),
        (replaced(7, "plotting.explore", "explore"), "part:control calls plotting.explore"),
        (replaced(11, "ex-33-4", "ex-33-9"), "ex-33-9 has no solution"),
        (replaced(11, "Task 2 (easy, 5 minutes)", "Task 2"), "ends with (level, N minutes)"),
        (replaced(11, "{exercise} Task 4", "{note} Task 4"), "3 exercises; four to six"),
        (replaced(1, "{ref}`ex-33-3`", "none"), "2 objectives name an exercise"),
        (replaced(1, "ex-33-3", "ex-33-7"), "names ex-33-7, which is no exercise"),
        (replaced(1, "30 minutes, running 5 seconds", "a while"), "time of reading"),
    ],
)
def test_a_fault_is_noticed(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], Any], message: str
) -> None:
    cells = json.loads(json.dumps(good()))
    change(cells)
    assert message in "\n".join(lint(tmp_path, cells))


def test_a_solution_is_folded(tmp_path: Path) -> None:
    found = lint(tmp_path, good(), SOLUTIONS.replace(":class: dropdown\n", "", 1))
    assert found == ["33_chapter.ipynb: the solution of ex-33-1 needs :class: dropdown"]


@pytest.mark.parametrize(
    "text",
    [
        "In December 2025, on 2025-12-14, at block 7103000.",
        "The rate $r = 0.5$ is `0.5`, and {eval}`quoted.x` follows.",
        "The article says 600 % {cite:p}`a`.",
        "Version 0.1.0 of [the code](https://example.org/v1.5/).",
        "$$\nx = 1.25\n$$",
        "A source says so {cite:p}`a`. It counts 17 million.",
        "The cap is 21 million, the fee 18 %, the price $3.20.",
    ],
)
def test_what_is_no_result_may_be_typed(text: str) -> None:
    assert chapter_lint.typed_results(text, frozenset({21e6, 0.18, 3.2})) == []


@pytest.mark.parametrize(
    "text",
    [
        "We find 17 million.",
        "A source {cite:p}`a`. We find {eval}`quoted.x`, or 17 million.",
        "A source {cite:p}`a`.\n\nWe find 52.3 %.",
        "```{figure}\n:name: fig-a\nA line.\n```\n\nWe find 17 million.",
    ],
)
def test_what_is_a_result_may_not(text: str) -> None:
    assert len(chapter_lint.typed_results(text, frozenset({21e6}))) == 1
