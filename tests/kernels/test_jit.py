"""The kernels where numba, a cache folder or a home is missing, each in a fresh interpreter."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in_tree", "cache_dir"])
def test_an_edit_in_an_imported_file_is_noticed(tmp_path: Path, elsewhere: bool) -> None:
    package = tmp_path / "tiny"
    package.mkdir()
    shutil.copy(PACKAGE / "kernels" / "jit.py", package)
    (package / "__init__.py").touch()
    start = '"""A kernel."""\n\nfrom .jit import jit\n'
    for name, above in (("shared", ""), ("middle", "shared"), ("top", "middle"), ("other", "")):
        imports, value = (f"from .{above} import {above}\n", f"{above}() + 1") if above else ("", 1)
        (package / f"{name}.py").write_text(
            f"{start}{imports}\n\n@jit()\ndef {name}():\n    return {value}\n", "utf-8"
        )
    env = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    if elsewhere:
        env["NUMBA_CACHE_DIR"] = str(tmp_path / "cache")
    code = """
    from tiny.top import top
    from tiny.other import other
    print(top(), other(), *(sum(kernel.stats.cache_hits.values()) for kernel in (top, other)))
    """

    def result() -> str:
        done = run(code, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert result() == "3 1 0 0\n"
    assert result() == "3 1 1 1\n", "kept where nothing has changed"
    shared = package / "shared.py"
    shared.write_text(shared.read_text("utf-8").replace("return 1", "return 5"), "utf-8")
    assert result() == "7 1 0 1\n", "compiled anew where a file is imported, and only there"
