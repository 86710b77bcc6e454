"""The same book by the jupyter-book command (1.x), in an environment of its own.

``book.toml`` stays the one configuration: ``_config.yml`` and ``_toc.yml`` are written from it. The
notebooks are not run again; their outputs are those of the same runs.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bookconfig import Book

#: Beside jupyter-book itself: what the pages use and it does not bring.
PACKAGES = [
    "jupyter-book>=1.0,<2",
    "sphinx-exercise",
    "sphinx-proof",
    "sphinx-mathjax-offline",
    "font-source-serif-pro",
    "font-source-sans-pro",
]


class CommandError(Exception):
    """A command that failed, with what it said."""


def write(book: Book, folder: Path) -> Path:
    """Write the files that the jupyter-book command reads, and copy the pages beside them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = {**book.page_settings(), **book.html_settings(), "depin_code_key": book.code_key()}
    config = {
        "title": book.title,
        "author": book.author,
        "copyright": str(book.year),
        "logo": str(book.root / "book" / "_static" / "logo.svg"),
        "only_build_toc_files": True,
        "execute": {"execute_notebooks": "off"},
        "repository": {"url": book.repository, "branch": book.branch},
        "bibtex_bibfiles": list(book.bibliography),
        "sphinx": {
            "extra_extensions": ["sphinx_exercise", "sphinx_proof"],
            "local_extensions": {"extension": str(book.root / "book")},
            "config": settings | {"templates_path": [str(book.root / "book" / "_templates")]},
        },
    }
    # JSON is YAML.
    (folder / "_config.yml").write_text(json.dumps(config, indent=1), "utf-8")
    (folder / "_toc.yml").write_text(json.dumps(book.toc(), indent=1), "utf-8")
    for name in (*book.pages, *book.bibliography):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(book.root / name, folder / name)
    return folder


def build(book: Book) -> Path:
    """Build the book with the jupyter-book command; return the folder of its pages."""
    python = environment(book.root)
    source = write(book, book.build / "jupyter-book" / "source")
    target = book.build / "jupyter-book" / "pages"
    shutil.rmtree(target, ignore_errors=True)
    print("Pages by jupyter-book …", flush=True)
    command = [
        str(python.with_name("jupyter-book")),
        "build",
        "--quiet",
        "-W",
        "-n",
        "--keep-going",
    ]
    call([*command, "--path-output", str(target), str(source)])
    return target / "_build" / "html"


def environment(root: Path) -> Path:
    """Return the Python of the environment that holds jupyter-book; make it if need be."""
    place = root / ".venv-jupyter-book"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = place / "depin-packages.json"
    wanted = json.dumps([sys.version, PACKAGES])
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return python
    print(f"Preparing the environment of jupyter-book in {place} …", flush=True)
    uv = shutil.which("uv")
    if uv:
        call([uv, "venv", "--clear", "--python", sys.executable, str(place)])
        call([uv, "pip", "install", "--python", str(python), *PACKAGES, "-e", str(root)])
    else:
        call([sys.executable, "-m", "venv", "--clear", str(place)])
        call([str(python), "-m", "pip", "install", "-q", *PACKAGES, "-e", str(root)])
    stamp.write_text(wanted, "utf-8")
    return python


def call(command: list[str]) -> None:
    """Run a command; if it fails, say what it said."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CommandError(f"{done.stdout}{done.stderr}\nfailed: {' '.join(command)}")


def pages(folder: Path) -> set[str]:
    """Return the names of the book's pages under a folder of HTML."""
    return {
        path.relative_to(folder).as_posix()
        for part in ("book", "notebooks")
        for path in (folder / part).glob("*.html")
    }
