"""Read and check book.toml, and say what follows from it. Needs the standard library only."""

import difflib
import hashlib
import json
import os
import re
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

#: What book.toml may hold: section, key, type, and whether the key is needed.
SCHEMA: dict[str, dict[str, tuple[type, bool]]] = {
    "book": {
        "title": (str, True),
        "subtitle": (str, True),
        "authors": (list, True),
        "language": (str, True),
        "version": (str, True),
        "year": (int, True),
        "license": (str, True),
        "start": (str, True),
        "bibliography": (list, True),
        "repository": (str, True),
        "branch": (str, True),
    },
    "launch": {"colab": (bool, False), "binder": (bool, False)},
    "execute": {"timeout_seconds": (int, False)},
    "part": {"title": (str, True), "chapters": (list, True)},
}
TYPE_NAMES = {str: "a text", int: "a whole number", bool: "true or false", list: "a list of texts"}

EXTENSIONS = [
    "myst_nb",
    "sphinx_external_toc",
    "sphinxcontrib.bibtex",
    "sphinx_exercise",
    "sphinx_proof",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_togglebutton",
    "sphinx.ext.mathjax",
    "extension",
]


class BookError(Exception):
    """What is wrong with book.toml or the files it names, everything at once."""


@dataclass(frozen=True)
class Part:
    """Some chapters under one heading of the table of contents."""

    title: str
    chapters: tuple[str, ...]


@dataclass(frozen=True)
class Book:
    """The book as book.toml describes it."""

    root: Path
    build: Path
    title: str
    subtitle: str
    authors: tuple[str, ...]
    language: str
    version: str
    year: int
    license: str
    start: str
    bibliography: tuple[str, ...]
    repository: str
    branch: str
    colab: bool
    binder: bool
    timeout_seconds: int
    parts: tuple[Part, ...]

    @property
    def pages(self) -> tuple[str, ...]:
        """Return the file of every page, in reading order."""
        return (self.start, *(chapter for part in self.parts for chapter in part.chapters))

    @property
    def notebooks(self) -> tuple[str, ...]:
        """Return the pages that are notebooks, in reading order."""
        return tuple(page for page in self.pages if page.endswith(".ipynb"))

    @property
    def author(self) -> str:
        """Return the authors as one text."""
        return ", ".join(self.authors)

    def toc(self) -> dict[str, Any]:
        """Return the table of contents in the form of sphinx-external-toc and Jupyter Book."""
        parts = [
            {"caption": part.title, "chapters": [{"file": docname(c)} for c in part.chapters]}
            for part in self.parts
        ]
        return {"format": "jb-book", "root": docname(self.start), "parts": parts}

    def code_key(self) -> str:
        """Hash what the notebooks compute with: the library, its data, Python and the packages."""
        digest = hashlib.sha256(sys.version.encode())
        project = tomllib.loads((self.root / "pyproject.toml").read_text("utf-8"))["project"]
        for spec in project["dependencies"]:
            name = re.split(r"[^\w.-]", spec)[0]
            digest.update(f"{name} {metadata.version(name)}\n".encode())
        for path in sorted((self.root / "depin_lib").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".css":
                update(digest, self.root, path)
        return digest.hexdigest()[:16]

    def input_key(self) -> str:
        """Hash everything that the pages are made from."""
        digest = hashlib.sha256(self.code_key().encode())
        for path in sorted({Path(entry) for entry in sys.path if entry.endswith("site-packages")}):
            digest.update(repr(sorted(os.listdir(path))).encode())
        folders = ("book", "depin_lib/plotting", "tests/vectors")
        files = {path for folder in folders for path in (self.root / folder).rglob("*")}
        files |= {self.root / name for name in ("book.toml", *self.pages)}
        for path in sorted(files):
            if path.is_file() and "__pycache__" not in path.parts:
                update(digest, self.root, path)
        return digest.hexdigest()[:16]

    def sphinx_settings(self) -> dict[str, Any]:
        """Return what would stand in a conf.py."""
        toc_file = self.build / "work" / "toc.yml"
        toc_file.parent.mkdir(parents=True, exist_ok=True)
        toc_file.write_text(json.dumps(self.toc(), indent=1), "utf-8")  # JSON is YAML
        return {
            "project": self.title,
            "author": self.author,
            "copyright": f"{self.year}, {self.author}. {self.license}",
            "language": self.language,
            "version": self.version,
            "release": self.version,
            "depin_book": self,
            "extensions": EXTENSIONS,
            "external_toc_path": str(toc_file),
            # Only listed pages are read; the folders are named so that they are not searched.
            "include_patterns": list(self.pages),
            "exclude_patterns": [".*", "_build", "depin_lib", "tests", "figures", "benchmarks"],
            "templates_path": [str(self.root / "book" / "_templates")],
            **self.page_settings(),
            **self.html_settings(),
        }

    def page_settings(self) -> dict[str, Any]:
        """Return the settings of the text: notebooks, Markdown, numbers, citations."""
        return {
            # build.py has run the notebooks; the extension hands their outputs over.
            "nb_execution_mode": "off",
            "nb_merge_streams": True,
            "nb_code_prompt_show": "Show the code",
            "nb_code_prompt_hide": "Hide the code",
            "myst_enable_extensions": [
                "amsmath",
                "attrs_block",
                "attrs_inline",
                "colon_fence",
                "deflist",
                "dollarmath",
                "fieldlist",
            ],
            "myst_heading_anchors": 3,
            "numfig": True,
            "numfig_secnum_depth": 1,
            "numfig_format": {"figure": "Figure %s", "table": "Table %s", "code-block": "Code %s"},
            "math_numfig": True,
            "math_eqref_format": "Eq. ({number})",
            "bibtex_bibfiles": [str(self.root / name) for name in self.bibliography],
            "bibtex_default_style": "plain",
            "bibtex_reference_style": "author_year",
        }

    def html_settings(self) -> dict[str, Any]:
        """Return the settings of the web pages."""
        launch = {"notebook_interface": "jupyterlab"}
        if self.colab:
            launch["colab_url"] = "https://colab.research.google.com"
        if self.binder:
            launch["binderhub_url"] = "https://mybinder.org"
        return {
            "html_theme": "sphinx_book_theme",
            "html_title": self.title,
            "html_secnumber_suffix": " ",
            "html_logo": str(self.root / "book" / "_static" / "logo.svg"),
            "html_favicon": str(self.root / "book" / "_static" / "favicon.svg"),
            "html_static_path": [str(self.root / "book" / "_static")],
            "html_css_files": ["figures.css", "book.css"],
            "html_js_files": ["book.js"],
            "html_context": {"default_mode": "auto"},
            "html_theme_options": {
                "repository_url": self.repository,
                "repository_branch": self.branch,
                "launch_buttons": launch,
                "use_download_button": True,
                "use_fullscreen_button": False,
                "use_repository_button": False,
                "use_issues_button": False,
                "home_page_in_toc": True,
                "navbar_persistent": [],  # one search field, in the sidebar
                "article_footer_items": ["page-notes.html"],
                "footer_content_items": ["copyright.html"],
                "pygments_light_style": "a11y-high-contrast-light",
                "pygments_dark_style": "a11y-high-contrast-dark",
                "logo": {"text": self.title, "alt_text": ""},
                "show_toc_level": 2,
            },
            # SVG output needs no font files, which a browser may refuse to load from file://.
            "mathjax_path": "mathjax/tex-svg.js",
            "mathjax3_config": {
                "options": {"enableMenu": False},
                "svg": {"fontCache": "global"},
            },
        }


def load(root: Path) -> Book:
    """Read book.toml under ``root`` and check it; `BookError` lists whatever is wrong."""
    try:
        content = tomllib.loads((root / "book.toml").read_text("utf-8"))
    except FileNotFoundError:
        raise BookError(f"there is no book.toml in {root}") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise BookError(f"book.toml cannot be read: {exc}") from None
    problems = schema_problems(content)
    if not problems:
        problems = file_problems(root, content)
    if problems:
        raise BookError("book.toml:\n" + "\n".join(f"  {line}" for line in problems))
    about: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in content["book"].items()
    }
    return Book(
        root=root,
        build=Path(os.environ.get("DEPIN_BUILD", root / "_build")).resolve(),
        **about,
        colab=content.get("launch", {}).get("colab", False),
        binder=content.get("launch", {}).get("binder", False),
        timeout_seconds=content.get("execute", {}).get("timeout_seconds", 300),
        parts=tuple(Part(p["title"], tuple(p["chapters"])) for p in content["part"]),
    )


def schema_problems(content: dict[str, Any]) -> list[str]:
    """Compare sections, keys and types with the schema."""
    problems = [f"unknown section [{s}]{nearest(s, SCHEMA)}" for s in content if s not in SCHEMA]
    for section, keys in SCHEMA.items():
        tables = content.get(section, [] if section == "part" else {})
        if section == "part" and not isinstance(tables, list):
            problems.append("parts are written [[part]], with two brackets")
            continue
        if section != "part" and not isinstance(tables, dict):
            problems.append(f"{section} must be a section, [{section}]")
            continue
        if section == "part" and not tables:
            problems.append("there is no [[part]]")
        for table in tables if isinstance(tables, list) else [tables]:
            where = f"[[part]] {table.get('title', '')!r}" if section == "part" else f"[{section}]"
            problems += table_problems(where, table, keys)
    return problems


def table_problems(
    where: str, table: dict[str, Any], keys: dict[str, tuple[type, bool]]
) -> list[str]:
    """Compare one table with the keys that it may and must have."""
    problems = [f"{where}: unknown key {k!r}{nearest(k, keys)}" for k in table if k not in keys]
    for key, (kind, needed) in keys.items():
        if key not in table:
            if needed:
                problems.append(f"{where}: {key} is missing")
            continue
        value = table[key]
        right = type(value) is kind
        if kind is list:
            right = right and all(isinstance(entry, str) for entry in value)
        if not right:
            problems.append(f"{where}: {key} must be {TYPE_NAMES[kind]}, not {value!r}")
    return problems


def file_problems(root: Path, content: dict[str, Any]) -> list[str]:
    """Compare the files that are named with the files that are there."""
    pages = [content["book"]["start"]]
    pages += [chapter for part in content["part"] for chapter in part["chapters"]]
    on_disk = {f"notebooks/{path.name}" for path in (root / "notebooks").glob("[0-9]*.ipynb")}
    problems = []
    for name in dict.fromkeys([*pages, *content["book"]["bibliography"]]):
        if not (root / name).is_file():
            problems.append(f"{name} is listed but not there{nearest(name, on_disk)}")
    for page in dict.fromkeys(pages):
        if pages.count(page) > 1:
            problems.append(f"{page} is listed {pages.count(page)} times")
        if Path(page).suffix not in (".ipynb", ".md"):
            problems.append(f"{page} must be a notebook (.ipynb) or a Markdown page (.md)")
    problems += [f"{name} is there but not listed" for name in sorted(on_disk - set(pages))]
    return problems


def nearest(word: str, known: Any) -> str:
    """Suggest the known word that is most like ``word``, if one is."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f"; do you mean {found[0]!r}?" if found else ""


def docname(page: str) -> str:
    """Return a page's name without its ending, as Sphinx calls it."""
    return page.rsplit(".", 1)[0]


def chapter_number(page: str) -> int | str | None:
    """Return the number of a chapter, from its file's name; none for preface and back matter.

    Files from 90 on are appendices: 90 is A.
    """
    found = re.match(r"notebooks/(\d\d)_", page)
    number = int(found[1]) if found else 0
    return chr(ord("A") + number - 90) if number >= 90 else number or None


def update(digest: Any, root: Path, path: Path) -> None:
    """Add a file to a hash, so that line ends do not matter."""
    digest.update(path.relative_to(root).as_posix().encode() + b"\0")
    digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
