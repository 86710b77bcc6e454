"""The jobs' own logic; the jobs themselves are run by whoever runs these tests and by CI."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import tasks  # noqa: E402


def test_environment_yml_is_in_step_with_pyproject() -> None:
    assert (ROOT / "environment.yml").read_text("utf-8") == tasks.environment_yml()


def test_every_dependency_has_a_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    specs = [line for line in lines if line.startswith('  "') and ">=" in line]
    assert len(specs) > 20
    assert [line for line in specs if "#" not in line] == []


def test_strip_takes_out_what_a_run_leaves() -> None:
    run = {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": 3,
                "id": "abc",
                "metadata": {"tags": ["part:setup"], "execution": {"iopub": "…"}},
                "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}],
                "source": "a = 1\nprint(a)",
            }
        ],
        "metadata": {"language_info": {"version": "3.12.1"}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    bare = tasks.stripped(json.dumps(run))
    cell = json.loads(bare)["cells"][0]
    assert cell == {
        "cell_type": "code",
        "execution_count": None,
        "id": "c001",
        "metadata": {"tags": ["part:setup"]},
        "outputs": [],
        "source": ["a = 1\n", "print(a)"],
    }
    assert "3.12.1" not in bare
    assert tasks.stripped(bare) == bare


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_are_stored_bare(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text == tasks.stripped(text), "run: python3 tasks.py strip"


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("Temporary failure in name resolution", "Check the network"),
        ("error: dns error: failed to lookup address", "Check the network"),
        ("SyntaxError", "lines above say why"),
    ],
)
def test_failed_installations_are_explained(output: str, cause: str) -> None:
    assert cause in tasks.why(output)


def test_a_full_disk_is_noticed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "NEEDED_BYTES", 10**18)
    with pytest.raises(SystemExit, match=r"GB free; the environment and the book need about"):
        tasks.check_space()


def test_a_folder_that_moved_gets_a_new_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tasks.environment_key()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    monkeypatch.setattr(tasks, "ROOT", tmp_path)
    assert tasks.environment_key() != here, "the library is installed from where it stood"


def test_a_python_without_venv_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tasks, "VENV", tmp_path / "none")
    monkeypatch.setattr(tasks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        tasks.make_venv(uv=None)


def test_a_foreign_folder_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keep.txt").write_text("mine")
    monkeypatch.setattr(tasks, "VENV", tmp_path)
    with pytest.raises(SystemExit, match="is no environment"):
        tasks.make_venv(uv=None)
    assert (tmp_path / "keep.txt").read_text() == "mine"


def test_an_unknown_job_lists_the_jobs() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tasks.py", "boook"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "There is no job 'boook'" in done.stderr
    assert "python3 tasks.py book" in done.stderr


def test_an_old_python_is_told_which_is_needed() -> None:
    code = f"import sys; sys.version_info = (3, 9); exec(open({str(ROOT / 'tasks.py')!r}).read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11 or newer is needed; this is Python 3.9")


def test_registering_data_keeps_the_register(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "depin_lib" / "data" / "tables"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"x\n1\n")
    (folder / "tables.toml").write_text('[a]\ntitle = "A"\nsha256 = ""\n[a.units]\nx = "m"\n')
    monkeypatch.setattr(tasks, "ROOT", tmp_path)
    tasks.data()
    written = (folder / "tables.toml").read_text()
    assert written.startswith('[a]\ntitle = "A"\nsha256 = "')
    assert written.endswith('"\n[a.units]\nx = "m"\n')
    assert 'sha256 = ""' not in written


def test_ci_runs_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    for command in ("python3 tasks.py book", "python3 tasks.py test"):
        assert f"\n{command} " in readme
        assert f"\n{command}\n" in ci
