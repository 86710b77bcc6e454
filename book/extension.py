"""The book's own Sphinx extension: what MyST-NB and the theme leave open."""

import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import bookconfig
import runner
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

ROOT = Path(__file__).parent.parent


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("depin_book", None, "env", types=[bookconfig.Book])
    app.connect("config-inited", read_book, priority=1)
    app.connect("builder-inited", share_handlers)
    app.connect("builder-inited", write_styles)
    app.connect("source-read", insert_outputs)
    app.connect("env-get-updated", number_chapters, priority=900)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": False, "parallel_write_safe": True}


def read_book(app: Sphinx, config: Config) -> None:
    """Read book.toml where no conf.py of ours has done so."""
    config.depin_book = config.depin_book or bookconfig.load(ROOT)


@cache
def runs(app: Sphinx) -> dict[str, runner.Run]:
    """Return the runs of the notebooks, found once per build."""
    return runner.runs(app.config.depin_book)


def share_handlers(app: Sphinx) -> None:
    """Let every HTML builder draw the nodes that sphinx-proof registers for one of them."""
    handlers = app.registry.translation_handlers
    if app.builder.format == "html" and app.builder.name in handlers:
        for node, pair in handlers.get("html", {}).items():
            handlers[app.builder.name].setdefault(node, pair)


def write_styles(app: Sphinx) -> None:
    """Write the style sheet of the figures, whose palette is the library's."""
    from depin_lib.plotting.publish import asset, palette_css

    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    (static / "figures.css").write_text(palette_css() + asset("figure.css"), "utf-8")


def insert_outputs(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give a notebook the outputs of its run."""
    run = runs(app).get(f"{docname}.ipynb")
    if run:
        source[0] = run.executed()


def number_chapters(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Number chapters as their files are numbered, and their figures and equations after them."""
    for page in app.config.depin_book.notebooks:
        number, docname = bookconfig.chapter_number(page), bookconfig.docname(page)
        if number is None or docname not in env.tocs:
            continue
        title = next(iter(env.tocs[docname].findall(nodes.reference)))
        title["secnumber"] = env.titles[docname]["secnumber"] = [number]
        env.toc_secnumbers[docname] = {"": (number,)}
    return TocTreeCollector().assign_figure_numbers(env)


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Copy the one file of MathJax that the pages need, and the TeX packages it may ask for."""
    if exception or app.builder.format != "html":
        return
    wheel = find_spec("sphinx-mathjax-offline")
    assert wheel is not None, "sphinx-mathjax-offline"
    assert wheel.origin is not None, "the wheel is a folder"
    source = Path(wheel.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    packages = Path("input/tex/extensions")
    shutil.copytree(source / packages, target / packages, dirs_exist_ok=True)
    shutil.copy2(source / "tex-svg.js", target)


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write the page that a browser opens first: it leads on to the first page of the book."""
    if exception or app.builder.name != "html":
        return
    book = app.config.depin_book
    target = f"{bookconfig.docname(book.start)}.html"
    (Path(app.outdir) / "index.html").write_text(
        f'<!doctype html>\n<html lang="{book.language}">\n<meta charset="utf-8">\n'
        f'<title>{book.title}</title>\n<meta http-equiv="refresh" content="0; url={target}">\n'
        f'<p><a href="{target}">{book.title}</a></p>\n</html>\n',
        "utf-8",
    )
