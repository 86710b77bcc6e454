"""The protocols' own test vectors, through the public API.

``pytest tests/vectors --vectors DIR`` runs further files of the same format instead.
"""

import pytest

from . import adapters  # noqa: F401  (registers the adapters)
from .harness import ADAPTERS, BY_HAND, HERE, PENDING, check, read


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" not in metafunc.fixturenames:
        return
    folder = metafunc.config.getoption("--vectors")
    if folder is not None and not folder.is_dir():
        raise pytest.UsageError(f"--vectors {folder}: no such folder")
    vectors = read(folder or HERE)
    if not vectors:
        raise pytest.UsageError(f"--vectors {folder}: the folder holds no *.json with vectors")
    metafunc.parametrize("vector", [_case(v) for v in vectors])


def _case(vector: dict) -> object:
    built = vector["kind"] in ADAPTERS or bool({vector["kind"], vector["name"]} & set(BY_HAND))
    marks = []
    if not built and vector["kind"] in PENDING:
        reason = f"not built yet: {PENDING[vector['kind']]}"
        marks.append(pytest.mark.xfail(raises=LookupError, strict=True, reason=reason))
    return pytest.param(vector, id=vector["name"], marks=marks)


def test_vector(vector: dict) -> None:
    check(vector)


def test_no_kind_is_both_built_and_pending() -> None:
    assert not set(PENDING) & (set(ADAPTERS) | set(BY_HAND))


def test_every_pending_kind_has_a_vector() -> None:
    assert set(PENDING) <= {v["kind"] for v in read(HERE)}
