"""What stands at the foot of every page: dates of the data, versions, citation, where to report."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import runner
from bookconfig import Book, chapter_number

LOAD = re.compile(r"""\bload\(\s*["'](\w+)["']""")


@dataclass(frozen=True)
class Notes:
    """The notes of one page."""

    tables: list[dict[str, str]]
    ran: str
    versions: str
    citation: str
    bibtex: str
    report: str


def notes(book: Book, docname: str, title: str, run: runner.Run | None) -> Notes:
    """Collect the notes of a page; ``run`` is the run of its notebook, if it is one."""
    number = chapter_number(docname)
    title = re.sub(r"<[^>]+>", "", title)
    title = title.removeprefix(f"{number} ")
    place = f"Chapter {number}" if number else "Page"
    about: dict[str, Any] = run.about() if run else {"ran": "", "versions": {}}
    ask = {
        "title": f"Error on the page “{title}”",
        "body": f"Page: {docname}\nVersion: {book.version}\n",
    }
    return Notes(
        tables=tables(book, run) if run else [],
        ran=about["ran"],
        versions=", ".join(f"{name} {version}" for name, version in about["versions"].items()),
        citation=(
            f"{book.author} ({book.year}). {title}. {place} of {book.title}: {book.subtitle}, "
            f"version {book.version}. {book.repository}"
        ),
        bibtex=bibtex(book, title),
        report=f"{book.repository}/issues/new?{urlencode(ask)}",
    )


def bibtex(book: Book, title: str) -> str:
    """Write the entry by which a page is cited."""
    fields = {
        "author": f"{{{book.author}}}",
        "title": title,
        "booktitle": f"{book.title}: {book.subtitle}",
        "year": str(book.year),
        "edition": f"version {book.version}",
        "url": book.repository,
    }
    lines = [f"  {key} = {{{value}}}," for key, value in fields.items()]
    return "\n".join([f"@incollection{{depin{book.year},", *lines, "}"])


def tables(book: Book, run: runner.Run) -> list[dict[str, str]]:
    """Return name, title and date of each table that the code of a notebook loads."""
    register = read_register(book.root)
    return [
        {"name": name, "title": register[name]["title"], "as_of": register[name]["as_of"]}
        for name in loaded(run.notebook)
        if name in register
    ]


def loaded(notebook: Path) -> list[str]:
    """Return the names of the tables that the code of a notebook loads, in order."""
    cells = runner.code_cells(json.loads(notebook.read_text("utf-8")))
    code = "\n".join(runner.text(cell) for cell in cells)
    return list(dict.fromkeys(LOAD.findall(code)))


def read_register(root: Path) -> dict[str, dict[str, Any]]:
    """Read the register of the data tables."""
    path = root / "depin_lib" / "data" / "tables" / "tables.toml"
    return tomllib.loads(path.read_text("utf-8"))
