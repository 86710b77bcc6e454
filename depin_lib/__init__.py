"""DePIN economics, subnet consensus and GPU-cost simulations.

Four wings carry the names of the parts of the book: ``economics``, ``subnets``, ``compute`` and
``markets``. Below them lie ``experiments`` (sweeps and Monte Carlo over any model), ``data`` (dated
fact tables), ``plotting`` (the figures of the book) and ``kernels`` (numba, arrays in, arrays out).
A wing is loaded when it is first used, so that ``import depin_lib`` costs next to nothing.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
__all__ = ["compute", "data", "economics", "experiments", "markets", "plotting", "subnets"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
