"""One decorator for every kernel: compiled and cached where possible, plain Python where not."""

import contextlib
import hashlib
import os
import re
import warnings
from collections.abc import Callable
from functools import cache as once
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
            kernel = njit(cache=True, **options)(function)
        except RuntimeError:  # neither the package folder nor a cache folder can be written
            return njit(**options)(function)
        # Numba loads kept code while its stamp is the same, and stamps a function with its own file
        # alone; there is no public way to another stamp. Where this one finds none, numba's stays.
        with contextlib.suppress(AttributeError, OSError):
            kernel._cache._cache_file._source_stamp = _stamp(function.__code__.co_filename)
        return kernel

    return compile_kernel


@once
def _stamp(path: str) -> bytes:
    """Hash a file, the files that it imports from this package, and those that they import."""
    files = [path]
    hashes = []
    for file in files:  # grows meanwhile
        content, imports = _read(file)
        hashes.append(content)
        files += [imported for imported in imports if imported not in files]
    return hashlib.sha256(b"".join(hashes)).digest()


@once
def _read(path: str) -> tuple[bytes, list[str]]:
    """Return a file's hash and the files from which it imports names, as ``from .laws import``."""
    with open(path, "rb") as file:
        text = file.read()
    imports = []
    for dots, name in re.findall(rb"\nfrom (\.+)([\w.]+) import", text):
        folder = path.rsplit(os.sep, len(dots))[0]
        imports.append(os.path.join(folder, *name.decode().split(".")) + ".py")
    return hashlib.sha256(text).digest(), list(filter(os.path.isfile, imports))
