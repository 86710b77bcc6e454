"""The protocols' own test vectors, through the public API.

``pytest tests/vectors --vectors DIR`` runs further files of the same format instead.
"""

from functools import partial

import pytest

from depin_lib import subnets

from . import adapters
from .harness import ADAPTERS, BY_HAND, HERE, PENDING, check, read


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not {"vector", "epoch_vector"} & set(metafunc.fixturenames):
        return
    folder = metafunc.config.getoption("--vectors")
    if folder is not None and not folder.is_dir():
        raise pytest.UsageError(f"--vectors {folder}: no such folder")
    vectors = read(folder or HERE)
    if not vectors:
        raise pytest.UsageError(f"--vectors {folder}: the folder holds no *.json with vectors")
    if "vector" in metafunc.fixturenames:
        metafunc.parametrize("vector", [_case(v) for v in vectors])
    else:
        epochs = [v for v in vectors if _is_of_an_epoch(v)]
        metafunc.parametrize("epoch_vector", epochs, ids=lambda vector: vector["name"])


def _case(vector: dict) -> object:
    built = vector["kind"] in ADAPTERS or bool({vector["kind"], vector["name"]} & set(BY_HAND))
    marks = []
    if not built and vector["kind"] in PENDING:
        reason = f"not built yet: {PENDING[vector['kind']]}"
        marks.append(pytest.mark.xfail(raises=LookupError, strict=True, reason=reason))
    return pytest.param(vector, id=vector["name"], marks=marks)


def _is_of_an_epoch(vector: dict) -> bool:
    takes = BY_HAND.get(vector["name"]) or BY_HAND.get(vector["kind"])
    takes = takes or ADAPTERS.get(vector["kind"])
    return getattr(takes, "__module__", None) == adapters.consensus.__name__


def test_vector(vector: dict) -> None:
    check(vector)


def test_vector_of_an_epoch_in_the_chains_arithmetic(
    epoch_vector: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subnets, "yuma_epoch", partial(subnets.yuma_epoch, arithmetic="fixed"))
    check(epoch_vector)


def test_no_kind_is_both_built_and_pending() -> None:
    assert not set(PENDING) & (set(ADAPTERS) | set(BY_HAND))


def test_every_pending_kind_has_a_vector() -> None:
    assert set(PENDING) <= {v["kind"] for v in read(HERE)}
