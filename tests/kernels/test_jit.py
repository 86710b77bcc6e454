"""The kernels where numba, a cache folder or a home is missing, each in a fresh interpreter."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import depin_lib

PACKAGE = Path(depin_lib.__file__).parent
DRAWS = "from depin_lib import seeds; print(seeds.normals(2, 3, seed=1).tolist())"


def run(code: str, *, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_without_numba_the_same_numbers_and_one_warning(tmp_path: Path) -> None:
    code = """
    import sys, warnings
    sys.modules["numba"] = None  # importing it fails
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from depin_lib import seeds
        from depin_lib.kernels import jit
        draws = seeds.normals(2, 3, seed=1).tolist()
    assert not jit.COMPILED
    kinds = [w.category.__name__ for w in caught]
    assert kinds == ["PerformanceWarning"], kinds
    print(draws)
    """
    plain = run(code, cwd=tmp_path)
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout == run(DRAWS, cwd=tmp_path).stdout


def test_from_a_read_only_folder_without_home(tmp_path: Path) -> None:
    shutil.copytree(
        PACKAGE, tmp_path / "depin_lib", ignore=shutil.ignore_patterns("__pycache__", "*.nb?")
    )
    env = {k: v for k, v in os.environ.items() if k not in ("HOME", "NUMBA_CACHE_DIR")}
    env |= {"PYTHONDONTWRITEBYTECODE": "1"}
    # Root may write anywhere, so the cache's locators are told that they may not.
    code = """
    import pathlib, depin_lib
    from numba.core import caching
    for locator in caching.CacheImpl._locator_classes:
        locator.from_function = classmethod(lambda cls, function, path: None)
    assert pathlib.Path(depin_lib.__file__).parent == pathlib.Path.cwd() / "depin_lib"
    """
    done = run(textwrap.dedent(code) + DRAWS, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*.nb?"))
    assert done.stdout == run(DRAWS, cwd=tmp_path).stdout


def test_importing_the_package_loads_no_wing(tmp_path: Path) -> None:
    code = """
    import sys, depin_lib
    heavy = {"numba", "pandas", "matplotlib", "scipy"} & set(sys.modules)
    assert not heavy, heavy
    assert depin_lib.data.catalogue is not None
    """
    done = run(code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
