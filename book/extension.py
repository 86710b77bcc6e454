"""The book's own Sphinx extension: what MyST-NB and the theme leave open."""

import re
import shutil
from collections import ChainMap
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import back_matter
import bookconfig
import page_notes
import runner
import solutions
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

ROOT = Path(__file__).parent.parent
#: The text of a cell of an HTML table.
CELL = re.compile(r"(?<=>)[^<]+(?=</t[dh]>)")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("depin_book", None, "env", types=[bookconfig.Book])
    app.add_config_value("depin_code_key", "", "env", types=[str])
    app.connect("config-inited", read_book, priority=1)
    app.connect("builder-inited", share_handlers)
    app.connect("builder-inited", write_static_files)
    app.connect("source-read", insert_outputs)
    app.connect("doctree-read", list_index)
    app.connect("doctree-read", join_hidden_code)
    app.connect("doctree-read", color_solutions)
    app.connect("doctree-read", sign_tables)
    app.connect("env-get-updated", number_chapters, priority=900)
    app.connect("doctree-resolved", tidy_exercises)
    app.connect("html-page-context", add_notes)
    app.connect("html-page-context", finish_body)
    app.add_directive("data-catalogue", back_matter.DataCatalogue)
    app.add_directive("reproduced-results", back_matter.ReproducedResults)
    return {"parallel_read_safe": False, "parallel_write_safe": False}


def read_book(app: Sphinx, config: Config) -> None:
    """Read book.toml where no conf.py of ours has done so."""
    config.depin_book = config.depin_book or bookconfig.load(ROOT)


@cache
def runs(app: Sphinx) -> dict[str, runner.Run]:
    """Return the runs of the notebooks by docname, found once per build."""
    found = runner.runs(app.config.depin_book, app.config.depin_code_key)
    return {bookconfig.docname(page): run for page, run in found.items()}


def share_handlers(app: Sphinx) -> None:
    """Let every HTML builder draw the nodes that sphinx-proof registers for one of them."""
    handlers = app.registry.translation_handlers
    if app.builder.format == "html" and app.builder.name in handlers:
        for node, pair in handlers.get("html", {}).items():
            handlers[app.builder.name].setdefault(node, pair)


def insert_outputs(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give a notebook the outputs of its run, and the solutions their numbers."""
    if docname in runs(app):
        source[0] = runs(app)[docname].executed()
    elif docname == bookconfig.docname(solutions.PAGE):
        solved = [run.solved() for run in runs(app).values()]
        source[0] = solutions.filled(source[0], ChainMap(*solved))


def list_index(app: Sphinx, doctree: nodes.document) -> None:
    """List the index as the last page."""
    if app.env.docname == app.config.root_doc:
        *_, last = doctree.findall(addnodes.toctree)
        last["entries"].append((None, "genindex"))


def join_hidden_code(app: Sphinx, doctree: nodes.document) -> None:
    """Put code cells that stand hidden one after the other behind one toggle."""
    for cell in list(doctree.findall(nodes.container)):
        if cell.get("hide_mode") != "input" or len(cell) > 1:
            continue
        following = cell.next_node(descend=False, siblings=True)
        if isinstance(following, nodes.container) and following.get("hide_mode") == "input":
            following[0].insert(0, cell[0].children)
            cell.parent.remove(cell)


def color_solutions(app: Sphinx, doctree: nodes.document) -> None:
    """Color the code of the solutions: an indented block does not name its language."""
    if app.env.docname == bookconfig.docname(solutions.PAGE):
        for block in doctree.findall(nodes.literal_block):
            block["language"] = "python"


def sign_tables(app: Sphinx, doctree: nodes.document) -> None:
    """Write "−3.2" for "-3.2" in the tables that cells show; what cells print stays Python's.

    The script gives a copied table its hyphens back: few spreadsheets read "−3.2" as a number.
    """
    for output in doctree.findall(nodes.raw):
        if "text_html" in output["classes"]:
            table = CELL.sub(lambda cell: solutions.with_minus(cell[0]), output.astext())
            output[:] = [nodes.Text(table)]


def number_chapters(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Number chapters as their files are numbered, and their figures and equations after them."""
    for page in app.config.depin_book.notebooks:
        number, docname = bookconfig.chapter_number(page), bookconfig.docname(page)
        if number is None or docname not in env.tocs:
            continue
        title, *sections = env.tocs[docname].findall(nodes.reference)
        title["secnumber"] = env.titles[docname]["secnumber"] = [number]
        env.toc_secnumbers[docname] = {section["anchorname"]: () for section in sections}
        env.toc_secnumbers[docname][""] = (number,)  # type: ignore[assignment]
    return TocTreeCollector().assign_figure_numbers(env)


def tidy_exercises(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write "Exercise 2.1 · Title" for "Exercise 2.1 (Title)"; let no identifier appear twice."""
    for title in doctree.findall(nodes.title):
        for part in (title, *title.findall(nodes.reference)):
            if len(part) > 2 and part[-1] == ")" and " (" in part.children[:2]:
                opening = part.children.index(" (")  # the number, if not here, ends with a space
                part[opening] = nodes.Text(" · " if opening else "· ")
                part.pop()
    for section in doctree.findall(nodes.section):
        if section["ids"] in (["exercise-content"], ["solution-content"], ["proof-content"]):
            section["ids"] = []


def add_notes(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Tell the template what stands at the foot of the page."""
    book = app.config.depin_book
    context["book"] = book
    if doctree is not None:
        context["notes"] = page_notes.notes(
            book, pagename, context["title"], runs(app).get(pagename)
        )


def finish_body(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Put its definition on each link to a term; the script shows it on hover and focus.

    Two roles that docutils writes on a bibliography are taken out: one is deprecated, the other
    asks for children that are not there.
    """
    glossary = "book/glossary"
    if "body" in context:
        for role in (' role="doc-biblioentry"', ' role="list" class="citation-list"'):
            context["body"] = context["body"].replace(role, "")
    if "body" in context:  # letters number appendices
        number = r'(<h[12]>)<span class="section-number">(?=[A-Z]\b)'
        lettered = r'\1<span class="section-number appendix">'
        context["body"] = re.sub(number, lettered, context["body"])
    if "body" in context and pagename != glossary and glossary in app.env.found_docs:
        definitions = back_matter.definitions(app.env.get_doctree(glossary))
        context["body"] = back_matter.with_definitions(context["body"], definitions)


def write_static_files(app: Sphinx) -> None:
    """Write what comes from packages: the figures' style, the fonts, MathJax."""
    if app.builder.format != "html":
        return
    from depin_lib.plotting.publish import asset, palette_css

    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    (static / "figures.css").write_text(palette_css() + asset("figure.css"), "utf-8")
    for package in ("font_source_serif_pro", "font_source_sans_pro"):
        for name in ("Regular", "It", "Semibold", "SemiboldIt"):
            for path in (folder(package) / "files").glob(f"*-{name}.otf"):
                shutil.copy2(path, static)
    mathjax = folder("sphinx-mathjax-offline") / "static" / "mathjax"
    tex_packages = Path("input/tex/extensions")
    shutil.copytree(mathjax / tex_packages, static / "mathjax" / tex_packages, dirs_exist_ok=True)
    shutil.copy2(mathjax / "tex-svg.js", static / "mathjax")


def folder(package: str) -> Path:
    """Return where an installed package lies."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise bookconfig.BookError(f"the package {package} is missing: python3 tasks.py book")
    return Path(spec.origin).parent
