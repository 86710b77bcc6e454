"""The measurement of one's own card, on machines with and without one."""

import importlib
import time
from types import SimpleNamespace
from typing import Any

import pytest

from depin_lib import compute


def test_without_a_card_the_message_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", nothing)
    with pytest.raises(compute.NoGpuError, match="torch is not installed; cupy is not installed"):
        compute.measure_gpu()


def test_a_library_without_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False))

    def only_torch(name: str) -> Any:
        if name == "torch":
            return torch
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", only_torch)
    with pytest.raises(compute.NoGpuError, match="torch finds no GPU"):
        compute.measure_gpu()


def test_a_card_of_known_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for torch whose clock moves as a card of 2 TFLOP/s and 1 TB/s would."""
    clock = [0.0]

    def product(a: Any, b: Any, out: Any) -> None:
        clock[0] += 2 * 1000**3 / 2e12

    def copy(source: Any) -> None:
        clock[0] += 4 * 1000**2 / 1e12

    array = SimpleNamespace(copy_=copy)
    cuda = SimpleNamespace(
        is_available=lambda: True, synchronize=lambda: None, get_device_name=lambda i: "stand-in"
    )
    torch = SimpleNamespace(
        cuda=cuda,
        float16="half",
        ones=lambda *a, **k: array,
        empty_like=lambda a: array,
        mm=product,
    )
    monkeypatch.setattr(importlib, "import_module", lambda name: torch)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    card = compute.measure_gpu(1000, repeats=3)
    assert card.name == "stand-in"
    assert card.library == "torch"
    assert card.matrix_tflops == pytest.approx(2.0)
    assert card.memory_gb_s == pytest.approx(1000.0)
    assert card.relative_speed(4.0, 2000.0) == pytest.approx((0.5, 0.5))


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="size is 2"):
        compute.measure_gpu(2)
