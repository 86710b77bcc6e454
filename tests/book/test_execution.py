"""Notebooks run when they or the library changed; a page never shows an older number."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import bookconfig
import build
import pandas as pd
import pytest
import runner

from .conftest import ROOT, notebook

Small = Callable[[], bookconfig.Book]


def times_run(root: Path) -> int:
    path = root / "ran.txt"
    return len(path.read_text()) if path.exists() else 0


def folders(book: bookconfig.Book) -> list[str]:
    return sorted(path.name for path in (book.build / "runs").glob("*/*"))


def test_a_notebook_runs_again_only_if_it_or_the_library_changed(
    small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build.execute(small())
    assert times_run(tmp_path) == 1
    assert "2 to run" in capsys.readouterr().out
    build.execute(small())
    assert times_run(tmp_path) == 1
    assert capsys.readouterr().out == ""

    path = tmp_path / "notebooks" / "01_one.ipynb"
    path.write_text(path.read_text("utf-8").replace("The answer is", "We find"), "utf-8")
    build.execute(small())
    assert times_run(tmp_path) == 1, "text alone needs no run"

    path.write_text(path.read_text("utf-8").replace("'the answer'", "'our answer'"), "utf-8")
    build.execute(small())
    assert times_run(tmp_path) == 2

    (tmp_path / "depin_lib" / "answer.py").write_text("ANSWER = 42\n", "utf-8")
    book = small()
    build.execute(book)
    assert times_run(tmp_path) == 3
    assert "<42>" in runner.runs(book)["notebooks/01_one.ipynb"].executed()
    assert len(folders(book)) == len(book.notebooks), "older runs are deleted"


def test_the_book_takes_results_and_figures_from_the_run() -> None:
    chapter = (
        "It is {eval}`quoted.answer`; {eval}`1 + 1` stays.\n\n"
        "```{figure}\n:name: fig-01-a-b\nUp.\n```"
    )
    assert runner.glued(chapter) == (
        "It is {glue:text}`answer`; {eval}`1 + 1` stays.\n\n"
        "```{glue:figure} 01_a_b\n:name: fig-01-a-b\nUp.\n```"
    )


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("value = 1\nundefined_name + value", "NameError: name 'undefined_name' is not defined"),
        ("import os\nos._exit(1)", "Kernel died"),
        ("while True:\n    pass", "timed out"),
    ],
)
def test_a_failing_notebook_stops_the_build_and_leaves_nothing(
    small: Small, tmp_path: Path, cell: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (tmp_path / "book.toml").read_text("utf-8")
    if message == "timed out":  # after the cell before it, which imports much, has ended
        text = text.replace("_seconds = 60", "_seconds = 8")
    (tmp_path / "book.toml").write_text(text, "utf-8")
    path = tmp_path / "notebooks" / "01_one.ipynb"
    figure = (
        "import pandas as pd\nfrom depin_lib import plotting\nfig, ax = plotting.subplots()\n"
        "plotting.show(fig, '01_a', alt='Nothing.', data=pd.DataFrame())"
    )
    notebook(path, "# One", figure, cell)
    book = small()
    with pytest.raises(runner.NotebookError) as caught:
        build.html(book)
    said = str(caught.value)
    assert said.startswith("notebooks/01_one.ipynb failed in cell 3, which begins\n    ")
    assert cell.splitlines()[0] in said
    assert message in said
    assert "01_one.ipynb FAILED" in capsys.readouterr().out
    assert [name.split("-")[0] for name in folders(book)] == ["00_start"], "only the whole run"
    assert not (book.build / "html").exists()


def test_pages_are_never_stale_and_never_half_built(
    small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = build.html(small()) / "notebooks" / "01_one.html"
    assert "&lt;41&gt;" in page.read_text("utf-8")
    capsys.readouterr()
    build.html(small())
    assert "Nothing has changed." in capsys.readouterr().out

    (tmp_path / "depin_lib" / "answer.py").write_text("ANSWER = 42\n", "utf-8")
    build.html(small())
    assert "&lt;42&gt;" in page.read_text("utf-8")
    assert "&lt;41&gt;" not in page.read_text("utf-8")

    glossary = tmp_path / "book" / "glossary.md"
    whole = glossary.read_text("utf-8")
    glossary.write_text(whole + "\nSee {ref}`nowhere`.\n", "utf-8")
    with pytest.raises(build.BuildError, match="warnings"):
        build.html(small())
    assert "undefined label: 'nowhere'" in capsys.readouterr().err
    assert "&lt;42&gt;" in page.read_text("utf-8"), "the last good pages stay"
    with pytest.raises(build.BuildError):
        build.html(small())
    glossary.write_text(whole, "utf-8")
    build.html(small())


def test_a_run_notes_the_tables_that_the_library_loaded_for_it(
    small: Small, tmp_path: Path
) -> None:
    code = "from depin_lib.compute import market_prices\nmarket_prices('RTX 4090').shape"
    notebook(tmp_path / "notebooks" / "01_one.ipynb", "# One", code)
    assert build.execute(small())["notebooks/01_one.ipynb"].about()["tables"] == ["gpu_prices"]


def test_the_draft_of_a_chapter_keeps_going(small: Small, tmp_path: Path) -> None:
    glossary = tmp_path / "book" / "glossary.md"
    glossary.write_text(glossary.read_text("utf-8") + "\n{ref}`nowhere`\n", "utf-8")
    notebook(tmp_path / "notebooks" / "00_start.ipynb", "# Start")
    pages = build.draft(small(), "01")
    assert (pages / "notebooks" / "01_one.html").is_file()


def test_no_cell_leaves_debris_on_the_page(book: bookconfig.Book) -> None:
    """No figure shown beside `plotting.show`, no object's name, no warning."""
    found = []
    for page, run in build.execute(book).items():
        for i, cell in enumerate(json.loads(run.executed())["cells"], 1):
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                plain = "".join(data.get("text/plain", ""))
                object_name = plain.lstrip("[(").startswith("<") and "text/html" not in data
                if "image/png" in data or object_name or output.get("name") == "stderr":
                    found.append(f"{page}, cell {i}: {plain or output.get('text')}"[:160])
    assert found == []


def test_every_figure_has_its_three_files(book: bookconfig.Book) -> None:
    for page, run in build.execute(book).items():
        names = {path.stem for path in run.figures.iterdir()}
        number = Path(page).name[:2]
        assert all(name.startswith(f"{number}_") for name in names)
        for name in names:
            for suffix in (".svg", ".png", ".csv"):
                assert (run.figures / f"{name}{suffix}").is_file(), f"{name}{suffix}"


def test_figures_agree_with_the_chapters(book: bookconfig.Book) -> None:
    fresh = {
        path.name: path for run in build.execute(book).values() for path in run.figures.iterdir()
    }
    kept = {p.name for p in (ROOT / "figures").iterdir() if p.suffix in (".svg", ".png", ".csv")}
    assert kept == set(fresh), "run: python3 tasks.py figures"
    for name in sorted(name for name in kept if name.endswith(".csv")):
        pd.testing.assert_frame_equal(
            pd.read_csv(ROOT / "figures" / name), pd.read_csv(fresh[name]), rtol=1e-6, atol=1e-9
        )


def test_figures_are_written_alike_each_time(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = (
        "import pandas as pd\nfrom depin_lib import plotting\nfig, ax = plotting.subplots()\n"
        "ax.plot([1, 2])\ndata = pd.DataFrame({'y': [1, 2]})\n"
        "plotting.show(fig, '01_a', alt='A line.', data=data)"
    )
    notebook(tmp_path / "notebooks" / "01_one.ipynb", "# One", draw)
    first = {p.name: p.read_bytes() for p in build.figures(small()).iterdir()}
    assert set(first) == {"01_a.svg", "01_a.png", "01_a.csv"}
    notebook(tmp_path / "notebooks" / "01_one.ipynb", "# One", draw + "\n")
    (tmp_path / "figures" / "01_old.svg").write_text("", "utf-8")
    (tmp_path / "figures" / "README.md").write_text("kept", "utf-8")
    second = {p.name: p.read_bytes() for p in build.figures(small()).iterdir()}
    assert second.pop("README.md") == b"kept"
    assert second == first
    assert re.search(rb"<svg[^>]+aria-label=\"A line\.\"", first["01_a.svg"])
