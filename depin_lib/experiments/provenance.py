"""Where a result comes from: versions, processor and commit."""

import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__

__all__ = ["provenance"]


@cache
def provenance() -> dict[str, str]:
    """Return the versions of what computed a result, its processor, and the library's commit.

    Examples
    --------
    >>> sorted(provenance())
    ['commit', 'processor', 'versions']
    """
    packages = {"depin-lib": __version__}
    for package in ("numpy", "numba", "scipy", "xarray"):
        with suppress(PackageNotFoundError):
            packages[package] = version(package)
    known = [f"Python {platform.python_version()}", *map(" ".join, packages.items())]
    processor = platform.machine()
    with suppress(ImportError):
        from llvmlite.binding import get_host_cpu_name

        processor += f" {get_host_cpu_name()}"
    return {"versions": ", ".join(known), "processor": processor, "commit": _commit()}


def _commit() -> str:
    """Return the commit of the checkout that holds the library; empty if there is none."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            words, cwd=folder, capture_output=True, text=True, timeout=10
        ).stdout.strip()
    return ""
