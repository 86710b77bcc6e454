"""Where a result comes from: versions, processor and commit."""

import platform
import subprocess
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
    known = [f"Python {platform.python_version()}", f"depin-lib {__version__}"]
    for package in ("numpy", "numba", "scipy", "xarray"):
        try:
            known.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return {"versions": ", ".join(known), "processor": _processor(), "commit": _commit()}


def _processor() -> str:
    try:
        from llvmlite.binding import get_host_cpu_name
    except ImportError:
        return platform.machine()
    return f"{platform.machine()} {get_host_cpu_name()}"


def _commit() -> str:
    """Return the commit of the checkout that holds the library; empty if there is none."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""
    try:
        words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
