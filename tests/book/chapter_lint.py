"""What CONTRIBUTING.md asks of a chapter, as far as a program can see it."""

import ast
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solutions import Solution

#: The parts of a chapter and the kind of cell each may stand on.
PARTS = {
    "opening": "markdown",
    "objectives": "markdown",
    "setup": "code",
    "model": "markdown",
    "data": "any",
    "check": "any",
    "control": "code",
    "limits": "markdown",
    "summary": "markdown",
    "exercises": "markdown",
    "sources": "markdown",
}
LAST = ("limits", "summary", "exercises", "sources")
OTHER_TAGS = {"result", "hide-input", "hide-output", "remove-input", "remove-output"}
MAX_CODE_LINES, MAX_FIGURES, MAX_CONTROLS, MAX_RESULTS_PER_SENTENCE = 20, 6, 2, 2

FIGURE = re.compile(r"^(`{3,}|:{3,})\{figure\} *(\S*) *\n(.*?)^\1", re.M | re.S)
EXERCISE = re.compile(r"^[`:]{3,}\{exercise(?:-start)?\} *(.*)\n((?:^:.*\n)*)", re.M)
SOLUTION = re.compile(r"^[`:]{3,}\{solution(?:-start)?\} *(\S+) *\n((?:^:.*\n)*)", re.M)
LABEL = re.compile(r"^:label: *(\S+)", re.M)
LEVEL = re.compile(r"\([^()]+, *\d+ minutes\b[^()]*\)\s*$")
ITEM = re.compile(r"^\s*(?:\d+\.|[-*])\s+(.*(?:\n(?!\s*(?:\d+\.|[-*]|`{3}|:{3})\s).+)*)", re.M)
QUOTED = re.compile(r"\{eval\}`quoted\.(\w+)`")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=[-*|])")
#: What is no result though it looks like one: code, mathematics, roles, links, versions, dates.
NO_RESULT = re.compile(
    r"^`{3,}\{math\}.*?^`{3,}|^`{3,}(?:python|text|bash|console|json).*?^`{3,}|\$\$.*?\$\$"
    r"|\{[\w:.-]+\}`[^`]*`|`[^`]*`|(?<!\\)\$[^$\n]+(?<!\\)\$"
    r"|\]\([^)]*\)|https?://\S+|\bv?\d+\.\d+\.\d+\S*|\b\d{4}-\d\d(?:-\d\d)?\b|^:\w+:[^\n]*$",
    re.M | re.S,
)
TYPED = re.compile(
    r"\\?[$€] ?\d[\d.,]*|\b\d[\d.,]* ?(?:\\?%|per ?cent|million|billion|trillion)"
    r"|\b\d{1,3}(?:,\d{3})+(?:\.\d+)?|\b\d+\.\d+"
)


LOAD = re.compile(r"""\bload\(\s*["'](\w+)["']""")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")


@dataclass(frozen=True)
class Cell:
    """A cell with its number, as a reader counts them."""

    number: int
    kind: str
    tags: frozenset[str]
    text: str
    raw: dict[str, Any]

    @property
    def parts(self) -> list[str]:
        return [tag.removeprefix("part:") for tag in self.tags if tag.startswith("part:")]


@dataclass(frozen=True)
class Call:
    """A call of one of the helpers of `depin_lib.plotting`."""

    cell: int
    helper: str
    name: str | None
    alt: str | None


def read(path: Path) -> list[Cell]:
    """Read the cells of a notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [
        Cell(
            number=i,
            kind=cell["cell_type"],
            tags=frozenset(cell["metadata"].get("tags", [])),
            text="".join(cell["source"]),
            raw=cell,
        )
        for i, cell in enumerate(cells, 1)
    ]


def problems(path: Path, solutions: str) -> list[str]:
    """Say what a chapter lacks; preface (00) and appendices (9x) have no fixed list of parts."""
    cells = read(path)
    number = path.name[:2]
    known = inputs(cells, path.parent.parent / "depin_lib" / "data" / "tables")
    found = [*cell_problems(cells), *figure_problems(cells, number), *result_problems(cells, known)]
    if not (number == "00" or number.startswith("9")):
        found += [*part_problems(cells), *exercise_problems(cells, number, solutions)]
    return [f"{path.name}: {problem}" for problem in found]


def cell_problems(cells: list[Cell]) -> list[str]:
    """Check every cell: stored bare, known tags, short code, nothing from outside."""
    found = []
    for cell in cells:
        where = f"cell {cell.number}"
        if cell.raw.get("outputs") or cell.raw.get("execution_count"):
            found.append(f"{where} is stored with outputs: python3 tasks.py strip")
        for tag in sorted(cell.tags - OTHER_TAGS - {f"part:{part}" for part in PARTS}):
            found.append(f"{where} has the unknown tag {tag!r}")
        for part in cell.parts:
            if PARTS.get(part, "any") not in ("any", cell.kind):
                found.append(f"{where}: part:{part} stands on a {PARTS[part]} cell")
        if cell.kind == "code":
            lines = len(cell.text.splitlines())
            if lines > MAX_CODE_LINES:
                found.append(f"{where} has {lines} lines of code; at most {MAX_CODE_LINES}")
            if "np.random" in cell.text:
                found.append(f"{where}: random numbers come from depin_lib.seeds")
        elif re.search(r"!\[[^]]*\]\(https?:|<(?:script|img|iframe)\b", cell.text):
            found.append(f"{where} takes an image or a script from outside the book")
    if not cells or not cells[0].text.startswith("# "):
        found.append("the first cell starts with the title, '# …'")
    return found


def part_problems(cells: list[Cell]) -> list[str]:
    """Check that every part is there, and the opening first and the last four last."""
    order = [part for cell in cells for part in cell.parts]
    found = [f"there is no cell tagged part:{part}" for part in PARTS if part not in order]
    if order[:1] != ["opening"]:
        found.append("the first part is part:opening")
    last = [part for part in dict.fromkeys(reversed(order)) if part in LAST][::-1]
    start = min((order.index(part) for part in last), default=0)
    if last != [part for part in LAST if part in last] or set(order[start:]) - set(LAST):
        found.append(f"the last parts are {', '.join(LAST)}, in this order")
    setup = [cell for cell in cells if "setup" in cell.parts]
    if setup and "hide-input" not in setup[0].tags:
        found.append("the cell tagged part:setup is also tagged hide-input")
    opening = part_text(cells, "opening")
    if "?" not in opening or not QUOTED.search(opening):
        found.append("part:opening asks a question and answers it with one {eval}`quoted.…`")
    return found


def figure_problems(cells: list[Cell], number: str) -> list[str]:
    """Check that every figure and control has alternative text, a place and a caption."""
    calls = [c for cell in cells for c in helper_calls(cell) if c.helper != "report"]
    placed = [match for cell in cells for match in FIGURE.finditer(cell.text)]
    found = []
    for helper, most in (("show", MAX_FIGURES), ("explore", MAX_CONTROLS)):
        count = sum(call.helper == helper for call in calls)
        if count > most:
            found.append(f"{count} calls of plotting.{helper}; at most {most}")
    controls = {c.number for c in cells if "control" in c.parts}
    if controls and not controls & {call.cell for call in calls if call.helper == "explore"}:
        found.append("a cell tagged part:control calls plotting.explore")
    labels = [split_options(match[3])[0].get("name", "") for match in placed]
    for call in calls:
        where = f"cell {call.cell}: plotting.{call.helper}"
        if call.name is None or not call.name.startswith(f"{number}_"):
            found.append(f"{where} needs a name written out that starts with {number}_")
        elif (count := labels.count(label_of(call.name))) != 1:
            found.append(f"{label_of(call.name)} is the :name: of {count} figures")
        if not call.alt or len(call.alt.split()) < 4:
            found.append(f"{where} needs alt= written out, in plain words")
    for match, label in zip(placed, labels, strict=True):
        if match[2]:
            found.append(f"{{figure}} {match[2]} shows a file; a chapter draws its figures")
        if not label.startswith(f"fig-{number}-"):
            found.append(f"a figure needs :name: fig-{number}-… (it has {label!r})")
        elif label not in {label_of(call.name) for call in calls if call.name}:
            found.append(f"figure {label}: no cell shows a figure of this name")
        caption = split_options(match[3])[1]
        if len(caption.split()) < 4 or not caption.rstrip().endswith((".", "?", "!")):
            found.append(f"figure {label} needs a caption that states its finding")
    return found


def label_of(figure: str) -> str:
    """Return the label by which the text places a figure."""
    return f"fig-{figure.replace('_', '-')}"


def result_problems(cells: list[Cell], known: frozenset[float]) -> list[str]:
    """Check that results are quoted, not typed, and that each has a name of its own."""
    found = []
    reported = [
        call.name for cell in cells for call in helper_calls(cell) if call.helper == "report"
    ]
    for name in sorted({name for name in reported if name and reported.count(name) > 1}):
        found.append(f"the result {name!r} is reported {reported.count(name)} times")
    for cell in cells:
        if cell.kind == "code":
            continue
        where = f"cell {cell.number}"
        if QUOTED.search(cell.text) and not cell.tags & {"result", "part:opening"}:
            found.append(f"{where} quotes results: tag it 'result'")
        for sentence in SENTENCE_END.split(cell.text):
            row = sentence.startswith("|")
            if len(QUOTED.findall(sentence)) > MAX_RESULTS_PER_SENTENCE and not row:
                found.append(f"{where}: more than two results in “{sentence.strip()[:60]}…”")
        if "result" in cell.tags:
            found += [
                f"{where}: {typed!r} is typed; report it and quote it with {{eval}}`quoted.…`"
                for typed in typed_results(cell.text, known)
            ]
    return found


def typed_results(text: str, known: frozenset[float] = frozenset()) -> list[str]:
    """Return what looks like a result of a text that was typed.

    A number may be typed that the chapter's code or data hold (an input), or that a source is cited
    for: in the same sentence, or in the same paragraph if the sentence quotes no result.
    """
    found = []
    for paragraph in re.split(r"\n\s*\n", NO_RESULT.sub(keep_roles, text)):
        for sentence in SENTENCE_END.split(paragraph):
            cited = "{cite" in (sentence if "{eval" in sentence else paragraph)
            if not cited:
                found += [m[0] for m in TYPED.finditer(sentence) if not is_input(m[0], known)]
    return found


def typed_in_solution(path: Path, solution: Solution) -> list[str]:
    """Return what looks like a result of a solution that was typed.

    Known are the numbers of the chapter's code and data, of the exercise, and of its own code.
    """
    cells = read(path)
    own = Cell(0, "code", frozenset(), solution.code, {})
    known = inputs([*cells, own], path.parent.parent / "depin_lib" / "data" / "tables")
    exercise = part_text(cells, "exercises").split(f":label: {solution.label}\n")[-1]
    asked = re.findall(r"\d+(?:\.\d+)?", exercise.split("\n```")[0].replace(",", ""))
    return typed_results(solution.prose, known | set(map(float, asked)))


def keep_roles(match: re.Match[str]) -> str:
    """Leave a trace of citations and quoted results."""
    role = re.match(r"\{(?:cite|eval)", match[0])
    return role[0] if role else " "


def is_input(typed: str, known: frozenset[float]) -> bool:
    """Say whether a typed number is one that code or data hold."""
    number = re.search(r"\d[\d,]*(?:\.\d+)?", typed)
    if number is None:
        return False
    value = float(number[0].replace(",", ""))
    scales = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "%": 0.01}
    factors = [1.0, *(factor for word, factor in scales.items() if word in typed)]
    return any(math.isclose(value * factor, x) for factor in factors for x in known)


def inputs(cells: list[Cell], tables: Path) -> frozenset[float]:
    """Collect the numbers in a chapter's code and in the tables that it loads."""
    code = "\n".join(cell.text for cell in cells if cell.kind == "code")
    paths = [tables / f"{name}.csv" for name in LOAD.findall(code)]
    data = "\n".join(path.read_text("utf-8") for path in paths if path.is_file())
    numbers = NUMBER.findall(code.replace("_", "")) + NUMBER.findall(data)
    return frozenset(float(number) for number in numbers)


def exercise_problems(cells: list[Cell], number: str, solutions: str) -> list[str]:
    """Check four to six exercises with level, time and solution, and objectives that name them."""
    exercises = EXERCISE.findall(part_text(cells, "exercises"))
    found = []
    if not 4 <= len(exercises) <= 6:
        found.append(f"{len(exercises)} exercises; four to six")
    solved = dict(SOLUTION.findall(solutions))
    labels = []
    for title, options in exercises:
        label = (LABEL.findall(options) or [""])[0]
        labels.append(label)
        if not re.fullmatch(rf"ex-{number}-\w+", label):
            found.append(f"exercise {title!r} needs :label: ex-{number}-k")
        elif label not in solved:
            found.append(f"{label} has no solution in book/solutions.md")
        elif "dropdown" not in solved[label]:
            found.append(f"the solution of {label} needs :class: dropdown")
        if not LEVEL.search(title):
            found.append(f"exercise {title!r}: the title ends with (level, N minutes)")
    objectives = part_text(cells, "objectives")
    named = [re.findall(rf"ex-{number}-\w+", item) for item in ITEM.findall(objectives)]
    named = [item for item in named if item]
    if len(named) != 3:
        found.append(f"{len(named)} objectives name an exercise; three should")
    for label in sorted({label for item in named for label in item} - set(labels)):
        found.append(f"an objective names {label}, which is no exercise of the chapter")
    if objectives and not re.search(r"\d+[ -–]+(?:\d+ )?(?:minutes|seconds)", objectives):
        found.append("part:objectives gives the time of reading and running")
    return found


def part_text(cells: list[Cell], part: str) -> str:
    return "\n\n".join(cell.text for cell in cells if part in cell.parts)


def split_options(body: str) -> tuple[dict[str, str], str]:
    """Separate a directive's options from its content."""
    options, content = {}, []
    for line in body.splitlines():
        option = re.match(r":(\w+): *(.*)", line)
        if option and not content:
            options[option[1]] = option[2].strip()
        else:
            content.append(line)
    return options, "\n".join(content).strip()


def helper_calls(cell: Cell) -> list[Call]:
    """Find the calls of plotting.show, plotting.explore and plotting.report in a code cell."""
    if cell.kind != "code":
        return []
    tree = ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.text, flags=re.M))
    calls = []
    for node in ast.walk(tree):
        helper = getattr(node, "func", None)
        if not isinstance(node, ast.Call) or not isinstance(helper, ast.Attribute):
            continue
        place = {"report": 0, "show": 1, "explore": 2}.get(helper.attr)
        if place is None or getattr(helper.value, "id", "") != "plotting":
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        name = node.args[place] if len(node.args) > place else keywords.get("name")
        alt = keywords.get("alt")
        if isinstance(alt, ast.Name):
            alt = assigned(tree, alt.id)
        calls.append(Call(cell.number, helper.attr, literal(name), literal(alt)))
    return calls


def assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """Return what a cell assigns to a name."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == name:
            return statement.value
    return None


def literal(node: ast.expr | None) -> str | None:
    """Return a text that is written out; none if it is computed."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None
