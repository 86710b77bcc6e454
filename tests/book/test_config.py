"""book.toml is checked: everything that is wrong is said at once, in plain words."""

import re
from collections.abc import Callable
from pathlib import Path

import bookconfig
import pytest

from .conftest import ROOT


def change(root: Path, old: str, new: str) -> None:
    path = root / "book.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[execute]", "[execution]", "unknown section [execution]; do you mean 'execute'?"),
        ("subtitle", "subtitel", "[book]: unknown key 'subtitel'; do you mean 'subtitle'?"),
        ("subtitle", "subtitel", "[book]: subtitle is missing"),
        ("timeout_seconds = 60", "timeout = 60", "unknown key 'timeout'; do you mean"),
        ('title = "A book"\n', "", "[book]: title is missing"),
        ("year = 2026", 'year = "2026"', "[book]: year must be a whole number, not '2026'"),
        ('["A. Author"]', '"A. Author"', "authors must be a list of texts"),
        ('["A. Author"]', "[1]", "authors must be a list of texts"),
        ('title = "One"', "title = 1", "title must be a text, not 1"),
        ("01_one.ipynb", "01_won.ipynb", "01_won.ipynb is listed but not there; do you mean"),
        ("01_one.ipynb", "01_won.ipynb", "notebooks/01_one.ipynb is there but not listed"),
        ("book/data.md", "book/glossary.md", "book/glossary.md is listed 2 times"),
        ("book/data.md", "book/conf.py", "book/conf.py must be a notebook (.ipynb) or a Markdown"),
        ("book/references.bib", "book/none.bib", "book/none.bib is listed but not there"),
        ("[[part]]", "[part]", "cannot be read"),
        ("year = 2026", "year = ", "cannot be read"),
    ],
)
def test_a_fault_is_named(
    small: Callable[[], bookconfig.Book], tmp_path: Path, old: str, new: str, message: str
) -> None:
    small()
    change(tmp_path, old, new)
    with pytest.raises(bookconfig.BookError, match=re.escape(message)):
        small()


def test_every_fault_is_named_at_once(small: Callable[[], bookconfig.Book], tmp_path: Path) -> None:
    change(tmp_path, "language", "langage")
    change(tmp_path, "year = 2026", "year = true")
    with pytest.raises(bookconfig.BookError) as caught:
        small()
    assert len(str(caught.value).splitlines()) == 4


def test_a_book_without_parts_and_a_missing_book(tmp_path: Path) -> None:
    with pytest.raises(bookconfig.BookError, match=r"there is no book\.toml"):
        bookconfig.load(tmp_path)
    (tmp_path / "book.toml").write_text("part = 3\n", "utf-8")
    with pytest.raises(bookconfig.BookError, match="two brackets"):
        bookconfig.load(tmp_path)


def test_what_follows_from_it(book: bookconfig.Book) -> None:
    assert book.pages[0] == "notebooks/00_preface.ipynb"
    assert book.toc()["root"] == "notebooks/00_preface"
    files = [chapter["file"] for part in book.toc()["parts"] for chapter in part["chapters"]]
    assert [f"{docname}" for docname in files] == [bookconfig.docname(p) for p in book.pages[1:]]
    settings = book.sphinx_settings()
    assert settings["include_patterns"] == list(book.pages)
    options = settings["html_theme_options"]
    assert options["repository_url"] == book.repository
    assert set(options["launch_buttons"]) >= {"colab_url", "binderhub_url"}


@pytest.mark.parametrize(
    ("page", "number"),
    [
        ("notebooks/00_preface.ipynb", None),
        ("notebooks/07_yuma.ipynb", 7),
        ("notebooks/90_running.ipynb", "A"),
        ("notebooks/91_more.ipynb", "B"),
        ("notebooks/14_cost.ipynb", 14),
        ("book/glossary.md", None),
    ],
)
def test_a_chapter_is_numbered_as_its_file(page: str, number: int | str | None) -> None:
    assert bookconfig.chapter_number(page) == number


def test_the_key_of_the_code_ignores_line_ends(
    small: Callable[[], bookconfig.Book], tmp_path: Path
) -> None:
    key = small().code_key()
    path = tmp_path / "depin_lib" / "checks.py"
    unix = path.read_bytes().replace(b"\r\n", b"\n")
    path.write_bytes(unix.replace(b"\n", b"\r\n"))
    assert small().code_key() == key
    path.write_bytes(unix + b"# a change\n")
    assert small().code_key() != key


def test_the_key_of_the_code_covers_the_data(
    small: Callable[[], bookconfig.Book], tmp_path: Path
) -> None:
    key = small().code_key()
    table = next((tmp_path / "depin_lib" / "data" / "tables").glob("*.csv"))
    table.write_bytes(table.read_bytes() + b"\n")
    assert small().code_key() != key


def test_conf_py_is_nothing_but_book_toml() -> None:
    lines = (ROOT / "book" / "conf.py").read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) < 10
