"""Build the book. tasks.py calls this in the environment that holds its packages.

python book/build.py html          run what has changed, build the web pages
python book/build.py execute       only run the notebooks
python book/build.py figures       write figures/ from the runs
python book/build.py pdf           print the book into one PDF
python book/build.py jupyter-book  build the same pages with the jupyter-book command
python book/build.py draft 02 07   build some chapters; warnings do not stop it
"""

import dataclasses
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bookconfig
import jupyter_book as other
import pdf as printing
import runner
from bookconfig import Book

ROOT = Path(__file__).resolve().parent.parent


class BuildError(Exception):
    """The pages could not be built, and why."""


def main(arguments: list[str]) -> None:
    """Run the job that the command line names."""
    jobs = {
        "html": html,
        "draft": draft,
        "execute": execute,
        "figures": figures,
        "pdf": pdf,
        "jupyter-book": jupyter_book,
    }
    if not arguments or arguments[0] not in jobs:
        sys.exit(__doc__)
    try:
        jobs[arguments[0]](bookconfig.load(ROOT), *arguments[1:])
    except (bookconfig.BookError, runner.NotebookError, BuildError, other.CommandError) as exc:
        sys.exit(f"\n{exc}")
    except OSError as exc:
        sys.exit(f"\nThe book could not be written: {exc}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


def execute(book: Book) -> dict[str, runner.Run]:
    """Run the notebooks that have not run with the present library."""
    wanted = runner.runs(book)
    runner.execute(book, wanted)
    runner.remove_old(book, wanted)
    return wanted


def html(book: Book) -> Path:
    """Build the web pages; nothing is touched where nothing has changed."""
    execute(book)
    target = book.build / "html"
    stamp = book.build / "html.json"
    state = {"inputs": book.input_key()}
    if target.is_dir() and stamp.is_file() and json.loads(stamp.read_text("utf-8")) == state:
        print("Nothing has changed.")
    else:
        pages = sphinx(book, "html")
        stamp.unlink(missing_ok=True)
        replace(pages, target)
        stamp.write_text(json.dumps(state), "utf-8")
    print(f"Open {(target / 'index.html').as_uri()}")
    return target


def draft(book: Book, *names: str) -> Path:
    """Build some chapters and the back matter for their author: warnings do not stop it."""
    parts = [
        dataclasses.replace(
            part,
            chapters=tuple(c for c in part.chapters if c.endswith(".md") or c[10:12] in names),
        )
        for part in book.parts
    ]
    book = dataclasses.replace(book, parts=tuple(part for part in parts if part.chapters))
    wanted = runner.runs(book)
    runner.execute(book, wanted)
    target = book.build / "draft"
    replace(sphinx(book, "html", strict=False), target)
    print(f"Open {(target / 'index.html').as_uri()}")
    return target


def figures(book: Book) -> Path:
    """Write the figures of every chapter, and the data behind them, to figures/."""
    wanted = execute(book)
    target = book.root / "figures"
    target.mkdir(exist_ok=True)
    new = {path.name: path for run in wanted.values() for path in run.figures.iterdir()}
    for old in target.iterdir():
        if old.suffix in (".svg", ".png", ".csv") and old.name not in new:
            old.unlink()
    for name, path in sorted(new.items()):
        shutil.copyfile(path, target / name)
    print(f"{len(new)} files in {target}")
    return target


def pdf(book: Book) -> Path:
    """Print the book into one PDF."""
    browser = printing.find_browser()
    if browser is None:
        raise BuildError(
            "The PDF is printed by Chromium or Chrome, and none was found. Install one, "
            f"or set {printing.BROWSER} to the path of its program."
        )
    execute(book)
    page = printing.one_page(book, sphinx(book, "singlehtml"))
    print("PDF …", flush=True)
    target = book.build / "depin-in-numbers.pdf"
    failure = printing.print_page(browser, page, target)
    if failure:
        raise BuildError(f"{browser} did not print the book: {failure}")
    printing.mend_outline(target, page)
    print(f"Open {target.as_uri()}")
    return target


def jupyter_book(book: Book) -> tuple[set[str], set[str]]:
    """Build the same pages with the jupyter-book command, and compare the two lists of pages."""
    ours = other.pages(html(book))
    folder = other.build(book)
    theirs = other.pages(folder)
    if ours != theirs:
        raise BuildError(f"Only one of the two books has: {', '.join(sorted(ours ^ theirs))}")
    print(f"The same {len(ours)} pages. Open {(folder / 'index.html').as_uri()}")
    return ours, theirs


def sphinx(book: Book, builder: str, *, strict: bool = True) -> Path:
    """Let Sphinx write the pages anew, from nothing, and stop on any warning."""
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    print("Pages …", flush=True)
    work = book.build / "work" / builder
    shutil.rmtree(work, ignore_errors=True)
    warnings = io.StringIO()
    try:
        with patch_docutils(), docutils_namespace():
            app = Sphinx(
                srcdir=book.root,
                confdir=None,
                outdir=work / "pages",
                doctreedir=work / "doctrees",
                buildername=builder,
                confoverrides=book.sphinx_settings() | {"nitpicky": True},
                status=None,
                warning=warnings,
            )
            app.build(force_all=True)
    except SphinxError as exc:
        raise BuildError(
            f"{readable(warnings.getvalue(), book.root)}\nThe pages were not built: {exc}"
        ) from None
    found = readable(warnings.getvalue(), book.root)
    if found:
        print(found, file=sys.stderr)
    if (found and strict) or app.statuscode:
        raise BuildError("The pages were not built: the warnings above have to be resolved.")
    return work / "pages"


def readable(warnings: str, root: Path) -> str:
    """Name a notebook's cell and line, where MyST-NB writes cell times 10000 plus line."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", warnings).replace(f"{root}{os.sep}", "").strip()
    place = re.compile(r"(\.ipynb):(\d+)(\d{4}):")
    return place.sub(lambda m: f"{m[1]}, cell {m[2]}, line {int(m[3])}:", text)


def replace(source: Path, target: Path) -> None:
    """Put a finished folder in the place of the one before."""
    old = target.with_name(f".{target.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
