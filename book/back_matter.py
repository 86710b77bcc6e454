"""What the back matter writes by itself: data catalogue, reproduced results, definitions."""

import html
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import page_notes
import runner
from bookconfig import Book, docname
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

TERM_LINK = re.compile(r'<a class="reference internal" href="[^"]*#(term-[^"]+)"')
URL = re.compile(r"(?<![<(])https?://[^\s;,)]*[^\s;,).]")
#: What a file of vectors is called on the page.
FILES = {
    "bittensor": "Bittensor",
    "filecoin": "Filecoin",
    "gpu_cost": "Cost of computing",
    "helium_render": "Helium and Render",
    "portfolio": "Markets and portfolios",
}


class DataCatalogue(SphinxDirective):
    """Describe every data table of the library: what, when, from where, under which licence."""

    def run(self) -> list[nodes.Node]:
        """Write a section per table."""
        book: Book = self.config.depin_book
        register = page_notes.read_register(book.root)
        users: dict[str, list[str]] = {name: [] for name in register}
        for page, run in runner.runs(book, self.config.depin_code_key).items():
            for name in run.about()["tables"]:
                users[name].append(f"{{doc}}`/{docname(page)}`")
        text = "\n\n".join(
            table_entry(book.root, name, about, users[name])
            for name, about in sorted(register.items())
        )
        return [nodes.container("", *self.parse_text_to_nodes(text), classes=["sources"])]


def table_entry(root: Path, name: str, about: dict[str, Any], users: list[str]) -> str:
    """Describe one table in Markdown."""
    with (root / "depin_lib" / "data" / "tables" / f"{name}.csv").open(encoding="utf-8") as stream:
        rows = sum(1 for _ in stream) - 1
    units = "; ".join(f"`{column}`: {unit}" for column, unit in about["units"].items())
    facts = {
        "As of": about["as_of"],
        "Rows": str(rows),
        "Units": units,
        "Source": about["source"],
        "Licence": about["licence"],
        "Note": about.get("note", ""),
        "Used in": ", ".join(users),
    }
    lines = [f"(data-{name})=", f"```{{rubric}} {name}", "```", "", f"{about['title']}.", ""]
    for label, fact in facts.items():
        if fact:
            lines += [f":{label}: {URL.sub(lambda m: f'<{m[0]}>', fact)}"]
    return "\n".join(lines)


class ReproducedResults(SphinxDirective):
    """List the published numbers that the tests reproduce, and say how many are to come."""

    def run(self) -> list[nodes.Node]:
        """Write a table per file of vectors."""
        book: Book = self.config.depin_book
        folder = book.root / "tests" / "vectors"
        pending = tomllib.loads((folder / "pending.toml").read_text("utf-8"))["kinds"]
        text = "\n\n".join(vector_table(path, pending) for path in sorted(folder.glob("*.json")))
        return [nodes.container("", *self.parse_text_to_nodes(text), classes=["sources"])]


def title(kind: str) -> str:
    """Name a kind by its last part, or by its first where the last is a mere letter or so."""
    first, last = kind.split("/")[0], kind.split("/")[-1]
    return last if len(last) > 5 else first


def vector_table(path: Path, pending: dict[str, str]) -> str:
    """Describe the vectors of one file in Markdown: a row per kind that is reproduced."""
    content = json.loads(path.read_text("utf-8"))
    vectors = content["vectors"] if isinstance(content, dict) else content
    kinds: dict[str, list[dict[str, Any]]] = {}
    for vector in vectors:
        if vector["kind"] not in pending:
            kinds.setdefault(vector["kind"], []).append(vector)
    done = sum(len(group) for group in kinds.values())
    lines = [
        f"```{{rubric}} {FILES.get(path.stem, path.stem)}\n```\n",
        f"{done} of {len(vectors)} vectors are reproduced, {len(vectors) - done} are to come.\n",
    ]
    if kinds:
        lines += ["```{list-table}", ":header-rows: 1", ":widths: 2 3", ":width: 100%", ""]
        lines += ["* - Result", "  - Source (of the first, where there are several)"]
    for kind, group in kinds.items():
        name = re.sub(r"_|\.(?=[a-z])", " ", group[0]["name"] if len(group) == 1 else title(kind))
        tolerance = ", ".join(f"{k} {v:g}" for k, v in group[0]["tol"].items() if k != "exact")
        number = f"{len(group)} vectors" if len(group) > 1 else "1 vector"
        source = " ".join(group[0]["source"].split())
        lines.append(f"* - {name}; {number}, {tolerance or 'exact'}\n  - {source}")
    return "\n".join([*lines, "```"] if kinds else lines)


def definitions(glossary: nodes.document) -> dict[str, str]:
    """Return the first paragraph of each definition, by the identifier of its term."""
    found: dict[str, str] = {}
    for entry in glossary.findall(nodes.definition_list_item):
        definition = next(iter(entry.findall(nodes.definition)))
        text = " ".join(definition[0].astext().split())
        found |= {name: text for term in entry.findall(nodes.term) for name in term["ids"]}
    return found


def with_definitions(body: str, found: dict[str, str]) -> str:
    """Add the definition to each link to a term."""

    def add(link: re.Match[str]) -> str:
        text = found.get(link[1])
        return f'{link[0]} data-definition="{html.escape(text)}"' if text else link[0]

    return TERM_LINK.sub(add, body)


__all__ = ["DataCatalogue", "ReproducedResults", "definitions", "with_definitions"]
