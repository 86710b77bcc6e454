"""Run the notebooks and keep what they gave, by the code of each and the library it ran with.

A run is a folder ``<build>/runs/<code key>/<notebook>-<cells key>/``: the outputs, the figures'
files, the versions it ran with, and the numbers of the solutions to its exercises, whose code runs
when the notebook has ended. It is renamed into place when all has finished, so whatever is there is
whole.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import solutions
from bookconfig import Book
from nbclient import NotebookClient

#: Printed by each notebook's kernel when it has finished: what the foot of the page shows.
ABOUT = """
import json, platform, sys
from importlib.metadata import version
names = ["depin-lib", "numpy", "numba", "scipy", "pandas", "matplotlib"]
versions = {"Python": platform.python_version()} | {name: version(name) for name in names}
data = sys.modules.get("depin_lib.data")
print(json.dumps({"versions": versions, "tables": data.loaded() if data else []}))
"""

#: A result, and a figure, as a chapter's text writes them.
QUOTED = re.compile(r"\{eval\}`quoted\.(\w+)`")
PLACED = re.compile(r"^(`{3,}|:{3,})\{figure\} *\n:name: fig-(\S+)\n", re.M)


@dataclass(frozen=True)
class Run:
    """One notebook and the folder of what it gives under the present library."""

    notebook: Path
    folder: Path
    solutions: tuple[solutions.Solution, ...]

    @property
    def done(self) -> bool:
        """Say whether the notebook has run."""
        return self.folder.is_dir()

    @property
    def figures(self) -> Path:
        """Return the folder of the figures' files."""
        return self.folder / "figures"

    def about(self) -> dict[str, Any]:
        """Return when the notebook ran, how long, with which versions and data tables."""
        about: dict[str, Any] = json.loads((self.folder / "about.json").read_text("utf-8"))
        return about

    def solved(self) -> dict[str, list[str]]:
        """Return the numbers that the solutions of the chapter quote, by exercise."""
        solved: dict[str, list[str]] = json.loads((self.folder / "solved.json").read_text("utf-8"))
        return solved

    def executed(self) -> str:
        """Return the notebook as it stands now, with the outputs of its code cells."""
        notebook = json.loads(self.notebook.read_text("utf-8"))
        outputs = json.loads((self.folder / "outputs.json").read_text("utf-8"))
        for cell, results in zip(code_cells(notebook), outputs, strict=True):
            cell["outputs"] = results
            cell["execution_count"] = None
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = glued(text(cell))
        return json.dumps(notebook)


def glued(markdown: str) -> str:
    """Write results and figures for MyST-NB, which takes them from stored outputs.

    A chapter writes them for JupyterLab: an inline expression, which JupyterLab evaluates, and a
    figure without a file, whose caption stands below the cell that drew it.
    """
    markdown = QUOTED.sub(r"{glue:text}`\1`", markdown)
    return PLACED.sub(
        lambda m: f"{m[1]}{{glue:figure}} {m[2].replace('-', '_')}\n:name: fig-{m[2]}\n", markdown
    )


class NotebookError(Exception):
    """A notebook that did not run to its end."""


def runs(book: Book, code_key: str = "") -> dict[str, Run]:
    """Return the run of every notebook, done or not, with the present or another library."""
    base = book.build / "runs" / (code_key or book.code_key())
    return {page: find(base, book.root, book.root / page) for page in book.notebooks}


def find(base: Path, root: Path, notebook: Path) -> Run:
    """Return where the run of a notebook belongs: its name and a hash of its code."""
    content = json.loads(notebook.read_text("utf-8"))
    solved = tuple(solutions.of_chapter(root, notebook))
    own = [text(cell) for cell in code_cells(content)]
    code = json.dumps([own, [solution.cells for solution in solved]])
    key = hashlib.sha256(code.encode()).hexdigest()[:12]
    return Run(notebook, base / f"{notebook.stem}-{key}", solved)


def execute(book: Book, wanted: dict[str, Run]) -> None:
    """Run the notebooks that have not run, some at a time; raise `NotebookError` if one fails."""
    todo = [page for page, run in wanted.items() if not run.done]
    if todo:
        print(f"Notebooks: {len(wanted) - len(todo)} unchanged, {len(todo)} to run", flush=True)
        failures = asyncio.run(execute_all(book, {page: wanted[page] for page in todo}))
        if failures:
            raise NotebookError("\n\n".join(failures))


async def execute_all(book: Book, todo: dict[str, Run]) -> list[str]:
    """Run notebooks side by side, one for each processor, at most four; return what failed."""
    turn = asyncio.Semaphore(min(4, os.cpu_count() or 1))
    finished = 0

    async def one(page: str, run: Run) -> str | None:
        nonlocal finished
        async with turn:
            start = time.perf_counter()
            failure = await execute_one(book, page, run)
            finished += 1
            result = "FAILED after" if failure else "…"
            seconds = time.perf_counter() - start
            print(f"[{finished}/{len(todo)}] {page} {result} {seconds:.1f} s", flush=True)
            return failure

    results = await asyncio.gather(*(one(page, run) for page, run in todo.items()))
    return [failure for failure in results if failure]


async def execute_one(book: Book, page: str, run: Run) -> str | None:
    """Run one notebook into its folder, or return why it did not run to its end."""
    partial = run.folder.with_name(f".{run.folder.name}-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    notebook = nbformat.reads(run.notebook.read_text("utf-8"), as_version=4)
    client = NotebookClient(
        notebook,
        timeout=book.timeout_seconds,
        kernel_name="python3",
        extra_arguments=["--log-level=CRITICAL"],
        resources={"metadata": {"path": str(run.notebook.parent)}},
    )
    path = [str(book.root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        "DEPIN_BOOK": "1",
        "DEPIN_FIGURES": str(partial / "figures"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONPATH": os.pathsep.join(path),
    }
    own = len(notebook.cells)
    extra = [ABOUT, *(cell for solution in run.solutions for cell in solution.cells)]
    notebook.cells += map(nbformat.v4.new_code_cell, extra)
    start = time.perf_counter()
    seconds = 0.0
    index = 0
    try:
        async with client.async_setup_kernel(env=environment):
            # The client caught Ctrl-C for itself; it is to stop the whole job.
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
            client.reset_execution_trackers()
            for index, cell in enumerate(notebook.cells):
                await client.async_execute_cell(cell, index)
                if index == own:
                    seconds = time.perf_counter() - start
        last, *solved = notebook.cells[own:]
        about = {
            "ran": datetime.now(UTC).date().isoformat(),
            "seconds": round(seconds, 1),
            **json.loads(printed(last)),
        }
        outputs = [cell.outputs for cell in notebook.cells[:own] if cell.cell_type == "code"]
        numbers = {
            solution.label: solutions.numbers(printed(cell))
            for solution, cell in zip(run.solutions, solved[1::2], strict=True)
        }
        for name, content in (("about", about), ("outputs", outputs), ("solved", numbers)):
            (partial / f"{name}.json").write_text(json.dumps(content), "utf-8")
        (partial / "figures").mkdir(exist_ok=True)
        partial.rename(run.folder)
    except Exception as exc:
        return explain(page, notebook, index, exc)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return None


def printed(cell: Any) -> str:
    """Return what a cell has printed; it may come in pieces."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def explain(page: str, notebook: Any, index: int, exc: Exception) -> str:
    """Say which notebook failed, in which cell, and with which message."""
    cell = notebook.cells[index]
    lines = [line for line in cell.source.splitlines() if line.strip()] or [""]
    name, message = getattr(exc, "ename", type(exc).__name__), getattr(exc, "evalue", str(exc))
    return (
        f"{page} failed in cell {index + 1}, which begins\n"
        f"    {lines[0].strip()}\n{name}: {message.strip()}"
    )


def remove_old(book: Book, wanted: dict[str, Run]) -> None:
    """Delete runs of an older library or of older code."""
    keep = {run.folder for run in wanted.values()}
    for folder in (book.build / "runs").glob("*/*"):
        if folder not in keep and not folder.name.startswith("."):
            shutil.rmtree(folder, ignore_errors=True)
    for base in (book.build / "runs").glob("*"):
        if not any(base.iterdir()):
            base.rmdir()


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the code cells of a notebook."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def text(cell: dict[str, Any]) -> str:
    """Return a cell's source as one text."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
