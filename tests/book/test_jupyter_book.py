"""The jupyter-book command builds the same pages from the same book.toml."""

import json
from pathlib import Path

import bookconfig
import build
import jupyter_book
import pytest


@pytest.mark.slow
def test_the_command_builds_the_same_pages(book: bookconfig.Book, html: Path) -> None:
    try:
        jupyter_book.environment(book.root)
    except jupyter_book.CommandError as exc:
        pytest.skip(f"the environment of jupyter-book could not be made: {str(exc)[-300:]}")
    ours, theirs = build.jupyter_book(book)
    assert ours == theirs
    assert {name.removesuffix(".html") for name in ours} == set(map(bookconfig.docname, book.pages))


def test_its_files_come_from_book_toml(book: bookconfig.Book, tmp_path: Path) -> None:
    folder = jupyter_book.write(book, tmp_path / "source")
    config = json.loads((folder / "_config.yml").read_text("utf-8"))
    assert config["title"] == book.title
    assert config["execute"] == {"execute_notebooks": "off"}
    assert json.loads((folder / "_toc.yml").read_text("utf-8")) == book.toc()
    for name in (*book.pages, *book.bibliography):
        assert (folder / name).read_bytes() == (book.root / name).read_bytes()
