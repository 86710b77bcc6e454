"""The book, built once for all tests, and a small book of their own for tests that break things."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "book"))

import bookconfig  # noqa: E402
import build  # noqa: E402

MINIMAL = """
[book]
title = "A book"
subtitle = "Small"
authors = ["A. Author"]
language = "en"
version = "1.0"
year = 2026
license = "CC BY 4.0"
start = "notebooks/00_start.ipynb"
bibliography = ["book/references.bib"]
repository = "https://github.com/a/book"
branch = "main"

[execute]
timeout_seconds = 60

[[part]]
title = "One"
chapters = ["notebooks/01_one.ipynb"]

[[part]]
title = "Back"
chapters = ["book/glossary.md", "book/data.md"]
"""


@pytest.fixture(scope="session")
def book() -> bookconfig.Book:
    """Return the book as book.toml describes it."""
    return bookconfig.load(ROOT)


@pytest.fixture(scope="session")
def html(book: bookconfig.Book) -> Path:
    """Return the folder of the built pages."""
    return build.html(book)


def notebook(path: Path, *cells: str) -> None:
    """Write a notebook; a cell that starts with # is Markdown."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content: dict[str, Any] = {"metadata": {"kernelspec": kernel}}
    content |= {"nbformat": 4, "nbformat_minor": 5}
    content["cells"] = [
        {"id": f"c{i}", "cell_type": "markdown", "metadata": {}, "source": text}
        if text.startswith("#")
        else {
            "id": f"c{i}",
            "cell_type": "code",
            "metadata": {},
            "source": text,
            "outputs": [],
            "execution_count": None,
        }
        for i, text in enumerate(cells)
    ]
    path.write_text(json.dumps(content), "utf-8")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bookconfig.Book]:
    """Lay out a book of two short notebooks; return the function that reads its book.toml."""
    monkeypatch.delenv("DEPIN_BUILD", raising=False)
    for name in ("book", "depin_lib"):
        ignore = shutil.ignore_patterns("__pycache__", "*.md", "*.bib")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    glossary = "# Glossary\n\n:::{glossary}\nstake\n  Tokens that give weight.\n:::\n"
    (tmp_path / "book" / "glossary.md").write_text(glossary, "utf-8")
    (tmp_path / "book" / "data.md").write_text("# Data\n\n```{data-catalogue}\n```\n", "utf-8")
    (tmp_path / "book" / "references.bib").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "depin_lib" / "answer.py").write_text("ANSWER = 41\n", "utf-8")
    notebook(tmp_path / "notebooks" / "00_start.ipynb", "# Start\n\nHere.")
    notebook(
        tmp_path / "notebooks" / "01_one.ipynb",
        "# One\n\nThe answer is {eval}`quoted.answer`.",
        "from depin_lib import plotting\nfrom depin_lib.answer import ANSWER",
        "open('../ran.txt', 'a').write('x')\n"
        "plotting.report('answer', ANSWER, '<{}>', 'the answer')",
    )
    (tmp_path / "book.toml").write_text(MINIMAL, "utf-8")
    return lambda: bookconfig.load(tmp_path)
