"""What stands at the foot of every page: dates of the data, versions, citation, where to report."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import runner
from bookconfig import Book, chapter_number


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
    kind = "Appendix" if isinstance(number, str) else "Chapter"
    place = f"{kind} {number}" if number else "Page"
    about: dict[str, Any] = run.about() if run else {"ran": "", "versions": {}, "tables": []}
    ask = {
        "title": f"Error on the page “{title}”",
        "body": f"Page: {docname}\nVersion: {book.version}\n",
    }
    return Notes(
        tables=tables(book.root, about["tables"]),
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


def tables(root: Path, names: list[str]) -> list[dict[str, str]]:
    """Return name, title and date of the data tables of these names."""
    register = read_register(root)
    return [
        {"name": name, "title": register[name]["title"], "as_of": register[name]["as_of"]}
        for name in names
    ]


def read_register(root: Path) -> dict[str, dict[str, Any]]:
    """Read the register of the data tables."""
    path = root / "depin_lib" / "data" / "tables" / "tables.toml"
    return tomllib.loads(path.read_text("utf-8"))
