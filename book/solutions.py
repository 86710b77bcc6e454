"""The solutions of the exercises: their code runs after the chapter's, their text quotes it.

In ``book/solutions.md`` an indented block is code, and ``{eval}`expression:format` `` stands for a
number: the name of MyST-NB's role, with a format as in an f-string. The runner runs each solution
where its reader does, in the chapter that has just run, and puts the chapter's names back after it;
expressions are evaluated when all code of the solution has run.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = "book/solutions.md"
SOLUTION = re.compile(r"^(`{3,}|:{3,})\{solution\} *(ex-(\w+)-\w+)\n(.*?)^\1 *$", re.M | re.S)
CODE = re.compile(r"(?:^(?: {4}.*)?\n)+", re.M)
VALUE = re.compile(r"\{eval\}`([^`]+)`")
#: Shown for the numbers of a chapter that is not part of a draft.
MISSING = "…"


@dataclass(frozen=True)
class Solution:
    """One solution: its exercise's label, its code, and its text without the code."""

    label: str
    code: str
    prose: str

    @property
    def values(self) -> list[str]:
        """Return the expressions that the text quotes, each with its format."""
        return VALUE.findall(self.prose)

    @property
    def cells(self) -> tuple[str, str]:
        """Return two cells: one runs the code, one prints the numbers and forgets the names."""
        quoted = ", ".join(f"f'''{{{value}}}'''" for value in self.values)
        return (
            f"# the code of the solution of {self.label}\n_before = dict(globals())\n{self.code}",
            f"# the numbers in the solution of {self.label}\n"
            f"import json\nprint(json.dumps([{quoted}]))\n"
            "globals().update(_before)\n"
            "for _name in set(globals()) - set(_before): del globals()[_name]",
        )


def of_chapter(root: Path, notebook: Path) -> list[Solution]:
    """Return the solutions of a chapter's exercises; the book may have no page of solutions."""
    page = root / PAGE
    text = page.read_text("utf-8") if page.is_file() else ""
    return [
        Solution(label, code_of(body), CODE.sub("\n\n", body))
        for _, label, chapter, body in SOLUTION.findall(text)
        if notebook.name.startswith(f"{chapter}_")
    ]


def code_of(body: str) -> str:
    """Return the indented blocks of a solution, one after the other."""
    blocks = (re.sub(r"^ {4}", "", block, flags=re.M) for block in CODE.findall(body))
    return "\n".join(block.strip("\n") for block in blocks if block.strip())


def numbers(printed: str) -> list[str]:
    """Read what a solution's second cell printed; a number gets the text's minus sign."""
    return [with_minus(text) for text in json.loads(printed)]


def with_minus(text: str) -> str:
    """Write the minus sign where a negative number has a hyphen; 2025-01-31, 1e-05 stay."""
    return re.sub(r"(?<![\w.%)])-(?=\$?\d)", "−", text)


def filled(page: str, found: Mapping[str, list[str]]) -> str:
    """Put its numbers into each solution, by the labels of the exercises."""

    def fill(match: re.Match[str]) -> str:
        numbers = iter(found.get(match[2], ()))
        return VALUE.sub(lambda _: next(numbers, MISSING), match[0])

    return SOLUTION.sub(fill, page)
