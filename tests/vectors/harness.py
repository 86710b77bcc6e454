"""Protocol vectors: which adapter takes a vector, and what counts as equal.

A vector names a ``kind``: one function, or one way of calling it, with fixed input keys. The
adapter of that kind calls the public API with the inputs and returns what the vector expects.
"""

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Vector = dict[str, Any]
#: 0.04 − 0.0399 is 1e-4 on paper and a hair more in float64: a deviation on the bound passes.
_ON_THE_BOUND = 1.0 + 1e-9

ADAPTERS: dict[str, Callable[[dict[str, Any]], Any]] = {}
BY_HAND: dict[str, Callable[[Vector], None]] = {}
#: Kinds whose mechanism is not built yet, with the mechanism's name.
PENDING: dict[str, str] = tomllib.loads((HERE / "pending.toml").read_text("utf-8"))["kinds"]


def adapter(*kinds: str) -> Callable[[Callable], Callable]:
    """Register a function from a vector's inputs to the actual result for these kinds."""

    def register(function: Callable[[dict[str, Any]], Any]) -> Callable:
        for kind in kinds:
            assert kind not in ADAPTERS, f"kind {kind!r} has two adapters"
            ADAPTERS[kind] = function
        return function

    return register


def by_hand(*names: str) -> Callable[[Callable], Callable]:
    """Register a function that takes a whole vector and asserts what it says.

    ``names`` are those of vectors, or kinds: then every vector of the kind is read as a whole,
    because its name or its tolerance says what is meant.
    """

    def register(function: Callable[[Vector], None]) -> Callable:
        for name in names:
            assert name not in BY_HAND, f"vector {name!r} has two tests"
            BY_HAND[name] = function
        return function

    return register


def read(folder: Path) -> list[Vector]:
    """Read every vector of a folder, in the order of its files."""
    vectors: list[Vector] = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        vectors += content["vectors"] if isinstance(content, dict) else content
    return vectors


def check(vector: Vector) -> None:
    """Run a vector and raise if the result is not the expected one."""
    kind = vector["kind"]
    read_whole = BY_HAND.get(vector["name"]) or BY_HAND.get(kind)
    if read_whole:
        read_whole(vector)
        return
    if kind not in ADAPTERS:
        raise LookupError(f"no adapter takes the kind {kind!r} of vector {vector['name']!r}")
    compare(ADAPTERS[kind](vector["inputs"]), vector["expected"], vector["tol"])


def compare(actual: Any, expected: Any, tol: Mapping[str, Any], path: str = "result") -> None:
    """Compare nested results number by number within the vector's tolerance."""
    if isinstance(expected, Mapping):
        missing = set(expected) - set(actual)
        assert not missing, f"{path}: no {sorted(missing)}"
        for key, value in expected.items():
            compare(actual[key], value, tol, f"{path}[{key!r}]")
    elif isinstance(expected, Sequence) and not isinstance(expected, str):
        actual = list(actual)
        assert len(actual) == len(expected), f"{path}: {len(actual)} entries, not {len(expected)}"
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            compare(a, e, tol, f"{path}[{i}]")
    elif expected is None or isinstance(expected, bool):
        assert actual == expected, f"{path}: {actual!r}, expected {expected!r}"
    else:
        _compare_number(actual, expected, tol, path)


def _compare_number(actual: Any, expected: Any, tol: Mapping[str, Any], path: str) -> None:
    want = _number(expected)
    if isinstance(want, str):
        assert actual == want, f"{path}: {actual!r}, expected {want!r}"
        return
    have = _number(actual)
    message = f"{path}: {have!r}, expected {want!r}, tolerance {dict(tol)}"
    if math.isinf(want) or math.isinf(have):
        assert have == want, message
    elif "abs" in tol:
        assert abs(have - want) <= tol["abs"] * _ON_THE_BOUND, message
    elif "rel" in tol:
        assert abs(have - want) <= tol["rel"] * abs(want) * _ON_THE_BOUND, message
    elif tol.get("exact"):
        if isinstance(have, float) and "float64_rel" in tol:
            assert abs(have - want) <= tol["float64_rel"] * abs(want), message
        else:
            assert have == want, message
    else:
        raise ValueError(f"tolerance {dict(tol)}: give abs, rel or exact")


def _number(value: Any) -> Any:
    """Read integers written as text (too large for JSON) and numpy scalars as Python numbers."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            try:
                return float(value)
            except ValueError:
                return value
    return value.item() if hasattr(value, "item") else value
