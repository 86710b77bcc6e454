"""The solutions run where their readers run them, and their text quotes what came out."""

import re
from collections.abc import Callable
from pathlib import Path

import bookconfig
import build
import nbformat
import pytest
import runner
import solutions

from . import chapter_lint
from .conftest import ROOT

Small = Callable[[], bookconfig.Book]
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
PAGE = """# Solutions

```{solution} ex-01-1
:class: dropdown
Half of the answer is {eval}`half:.1f`, and {eval}`"unknown" if ANSWER is None else ANSWER:d`.

    half = ANSWER / 2
    del ANSWER

    ANSWER = -1234
```

```{solution} ex-01-2
:class: dropdown
It is {eval}`ANSWER` again, and less {eval}`ANSWER - 50:,.1f`, at ${eval}`2 * ANSWER` x$.
```
"""


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_solution_quotes_what_its_code_gives(path: Path) -> None:
    found = {
        solution.label: chapter_lint.typed_in_solution(path, solution)
        for solution in solutions.of_chapter(ROOT, path)
    }
    typed = {label: numbers for label, numbers in found.items() if numbers}
    assert typed == {}, "numbers of a solution are quoted: {eval}`expression:format`"


def test_every_solution_belongs_to_an_exercise_of_its_chapter() -> None:
    text = (ROOT / solutions.PAGE).read_text("utf-8")
    written = re.findall(r"^`{3,}\{solution\} *(\S+)", text, re.M)
    asked = [
        label
        for path in CHAPTERS
        for label in re.findall(r":label: (ex-\d\d-\d+)", path.read_text("utf-8"))
    ]
    assert written == asked, "one solution an exercise, in the order of the chapters"
    read = [s.label for path in CHAPTERS for s in solutions.of_chapter(ROOT, path)]
    assert read == written, "is the fence before the missing ones closed?"


def test_the_page_shows_the_numbers(book: bookconfig.Book, html: Path) -> None:
    page = (html / "book" / "solutions.html").read_text("utf-8")
    assert "{eval}" not in page
    assert "highlight-none" not in page, "code without colours"
    for run in build.execute(book).values():
        solved = run.solved()
        for solution in run.solutions:
            assert len(solved[solution.label]) == len(solution.values)


def test_solutions_run_in_their_chapter_and_leave_it_as_it_was(
    small: Small, tmp_path: Path
) -> None:
    (tmp_path / solutions.PAGE).write_text(PAGE, "utf-8")
    run = build.execute(small())["notebooks/01_one.ipynb"]
    assert run.solved() == {"ex-01-1": ["20.5", "−1234"], "ex-01-2": ["41", "−9.0", "82"]}
    assert (tmp_path / "ran.txt").read_text("utf-8") == "x"
    page = solutions.filled(PAGE, run.solved())
    assert "Half of the answer is 20.5, and −1234." in page
    assert "It is 41 again, and less −9.0, at $82 x$." in page

    path = tmp_path / solutions.PAGE
    path.write_text(PAGE.replace("It is", "We find"), "utf-8")
    assert build.execute(small())["notebooks/01_one.ipynb"].folder == run.folder
    path.write_text(PAGE.replace("ANSWER / 2", "ANSWER / 4"), "utf-8")
    again = build.execute(small())["notebooks/01_one.ipynb"]
    assert again.solved()["ex-01-1"][0] == "10.2"


@pytest.mark.parametrize(
    ("old", "new", "begins", "message"),
    [
        ("ANSWER / 2", "ANSWER / 0", "# the code of the solution of ex-01-1", "ZeroDivisionError"),
        ("`half:.1f`", "`halves:.1f`", "# the numbers in the solution of ex-01-1", "halves"),
    ],
)
def test_a_failing_solution_is_named(
    small: Small, tmp_path: Path, old: str, new: str, begins: str, message: str
) -> None:
    (tmp_path / solutions.PAGE).write_text(PAGE.replace(old, new), "utf-8")
    with pytest.raises(runner.NotebookError) as caught:
        build.execute(small())
    assert begins in str(caught.value)
    assert message in str(caught.value)


def test_what_a_cell_prints_may_come_in_pieces() -> None:
    pieces = (
        ("stdout", '["−1",'),
        ("stderr", "a warning"),
        ("stdout", ' "-1 %"]'),
        ("stdout", "\n"),
    )
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in pieces]
    cell = nbformat.v4.new_code_cell(outputs=outputs)
    assert solutions.numbers(runner.printed(cell)) == ["−1", "−1 %"]


def test_a_draft_leaves_gaps_for_other_chapters() -> None:
    page = solutions.filled(PAGE, {"ex-01-2": ["41", "−9.0", "82"]})
    assert "Half of the answer is …, and …." in page
    assert "It is 41 again" in page


def test_a_typed_result_is_noticed() -> None:
    path = CHAPTERS[-1]
    first = solutions.of_chapter(ROOT, path)[0]
    wrong = solutions.Solution(first.label, first.code, f"{first.prose}\nIn all 7.654 %.")
    assert chapter_lint.typed_in_solution(path, wrong) == ["7.654 %"]
