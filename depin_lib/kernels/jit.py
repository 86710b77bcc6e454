"""One decorator for every kernel: compiled and cached where possible, plain Python where not."""

import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["COMPILED", "PerformanceWarning", "jit", "prange"]


class PerformanceWarning(UserWarning):
    """The result is right, but it was computed the slow way."""


try:
    from numba import njit, prange

    COMPILED = True
except ImportError:
    COMPILED = False
    prange = range  # type: ignore[misc]
    warnings.warn(
        "numba is not installed: the kernels of depin_lib run as plain Python, "
        "with the same results, in float64 to the last digits, but about a hundred times slower",
        PerformanceWarning,
        stacklevel=2,
    )


def jit(
    *,
    parallel: bool = False,
    inline: bool = False,
    nogil: bool = False,
    reassociate: bool = False,
    cache: bool = True,
) -> Callable[[Callable], Any]:
    """Compile a kernel with IEEE arithmetic and cache it on disk where a folder can be written.

    Parameters
    ----------
    parallel
        Whether ``prange`` loops run on several threads.
    inline
        Whether callers take the body in at compile time (for small helpers).
    nogil
        Whether other Python threads go on meanwhile.
    reassociate
        Whether a sum may be added up in the order of the processor's vector instructions, which
        differs among types of processors.
    cache
        Whether the machine code is kept on disk; not for functions made by functions.
    """

    def compile_kernel(function: Callable) -> Any:
        if not COMPILED:
            return function
        options: dict[str, Any] = {"error_model": "numpy", "parallel": parallel, "nogil": nogil}
        if reassociate:
            options["fastmath"] = {"reassoc"}
        if inline:
            return njit(inline="always", **options)(function)
        if not cache:
            return njit(**options)(function)
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:  # neither the package folder nor a cache folder can be written
            return njit(**options)(function)

    return compile_kernel
