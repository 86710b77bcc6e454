"""Every job of the project, with nothing but Python's standard library.

    python3 tasks.py book           execute the notebooks and build the book
    python3 tasks.py test           run all tests; options go on to pytest
    python3 tasks.py lab            open JupyterLab on the notebooks
    python3 tasks.py pdf            the book as one PDF (needs Chromium or Chrome)
    python3 tasks.py figures        write figures/ anew from the notebooks
    python3 tasks.py bench          measure speed against NumPy; --peers adds other libraries
    python3 tasks.py jupyter-book   build the same book with the jupyter-book command
    python3 tasks.py env            write environment.yml from pyproject.toml
    python3 tasks.py data           register changed data tables
    python3 tasks.py strip          take outputs out of the notebooks
    python3 tasks.py clean          remove what was built; --all also the environments

The first job makes an environment in .venv (or where DEPIN_VENV says), with uv where it is there.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (says so instead of failing on an import)
    sys.exit(
        "Python 3.11 or newer is needed; this is Python {}.{} at {}.\n"
        "Install a newer one (python.org, your system's packages, or uv) and call it by name, "
        "for example: python3.12 tasks.py book".format(*sys.version_info[:2], sys.executable)
    )

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("DEPIN_VENV", ROOT / ".venv"))
STAMP = VENV / "depin-environment.json"
NEEDED_BYTES = 2 * 10**9
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
#: Not on conda-forge, or there under conditions of their own: left to pip.
PIP_ONLY = {
    "sphinx-mathjax-offline",
    "font-source-serif-pro",
    "font-source-sans-pro",
    "playwright",
    "axe-playwright-python",
}


def main(arguments: list[str]) -> None:
    """Run the job that the command line names."""
    jobs = {
        "book": book,
        "test": test,
        "lab": lab,
        "pdf": pdf,
        "figures": figures,
        "bench": bench,
        "jupyter-book": jupyter_book,
        "env": env,
        "data": data,
        "strip": strip,
        "clean": clean,
    }
    if not arguments or arguments[0] not in jobs:
        if arguments and arguments[0] not in ("-h", "--help", "help"):
            sys.exit(f"There is no job {arguments[0]!r}.\n\n{__doc__}")
        print(__doc__)
        return
    try:
        jobs[arguments[0]](*arguments[1:])
    except subprocess.CalledProcessError as exc:
        sys.exit(exc.returncode)
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


# ---------------------------------------------------------------------------------------- the jobs


def book(*options: str) -> None:
    """Build the book as web pages."""
    run(environment("book"), "book/build.py", "html", *options)


def test(*options: str) -> None:
    """Run the tests; without options, all of them."""
    run(environment("book", "test", "cluster", "storage"), "-m", "pytest", *options)


def lab(*options: str) -> None:
    """Open JupyterLab on the notebooks."""
    python = environment("lab")
    # A chapter's opening quotes results before its code has imported anything.
    os.environ["PYTHONSTARTUP"] = str(ROOT / "book" / "lab_startup.py")
    run(python, "-m", "jupyterlab", f"--notebook-dir={ROOT / 'notebooks'}", *options)


def pdf(*options: str) -> None:
    """Print the book into one PDF."""
    run(environment("book"), "book/build.py", "pdf", *options)


def figures(*options: str) -> None:
    """Write the figures of the chapters to figures/."""
    run(environment("book"), "book/build.py", "figures", *options)


def bench(*options: str) -> None:
    """Measure speed; with --peers also against other libraries, which are installed for it."""
    peers = "--peers" in options
    python = environment("bench") if peers else environment()
    if peers:
        # It wants an older NumPy than ours, and does not say that it needs typing-extensions.
        peer_environment("radcad", "radcad>=0.14", "typing-extensions")
    run(python, "-m", "benchmarks", *[o for o in options if o != "--peers"])


def jupyter_book(*options: str) -> None:
    """Build the same book with the jupyter-book command, in an environment of its own."""
    run(environment("book"), "book/build.py", "jupyter-book", *options)


def env(*options: str) -> None:
    """Write environment.yml, or with --check say whether it is in step."""
    path = ROOT / "environment.yml"
    text = environment_yml()
    if "--check" in options:
        if not path.is_file() or path.read_text("utf-8") != text:
            sys.exit("environment.yml is not in step with pyproject.toml: python3 tasks.py env")
        return
    path.write_text(text, "utf-8", newline="\n")


def data() -> None:
    """Write the hash of every data table into its entry of the register."""
    folder = ROOT / "depin_lib" / "data" / "tables"
    register = folder / "tables.toml"
    text = register.read_text("utf-8")
    for name in tomllib.loads(text):
        content = (folder / f"{name}.csv").read_bytes().replace(b"\r\n", b"\n")
        digest = hashlib.sha256(content).hexdigest()
        entry = re.compile(rf'(^\[{re.escape(name)}\]\n(?:(?!^\[).*\n)*?sha256 = )"[^"]*"', re.M)
        text, changes = entry.subn(rf'\g<1>"{digest}"', text)
        if changes != 1:
            sys.exit(f'{register}: the entry [{name}] needs one line: sha256 = ""')
    register.write_text(text, "utf-8", newline="\n")


def strip() -> None:
    """Take outputs, counters and the machine's traces out of the notebooks."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = path.read_text("utf-8")
        bare = stripped(text)
        if bare != text:
            path.write_text(bare, "utf-8", newline="\n")
            print(f"stripped {path.relative_to(ROOT)}")


def clean(*options: str) -> None:
    """Remove what was built; with --all also the environments."""
    places = [ROOT / "_build"]
    if "--all" in options:
        places += [VENV, *ROOT.glob(".venv*")]
    for place in places:
        if place.is_dir():
            shutil.rmtree(place)
            print(f"removed {place}")


# ----------------------------------------------------------------------------------- what they use


def stripped(text: str) -> str:
    """Return a notebook's text as it is stored: no outputs, stable identifiers, one kernel."""
    notebook = json.loads(text)
    for i, cell in enumerate(notebook["cells"], 1):
        cell["id"] = f"c{i:03d}"
        cell["metadata"] = {k: v for k, v in cell["metadata"].items() if k in ("tags", "mystnb")}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        if isinstance(cell["source"], str):
            cell["source"] = cell["source"].splitlines(keepends=True)
    notebook["cells"] = [dict(sorted(cell.items())) for cell in notebook["cells"]]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook |= {"metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def environment_yml() -> str:
    """Return the text of environment.yml for the dependencies of pyproject.toml."""
    project = pyproject()
    extras = project["optional-dependencies"]
    wanted = ("book", "lab", "test", "cluster", "storage")
    specs = project["dependencies"] + [s for name in wanted for s in extras[name]]
    conda: dict[str, str] = {}
    pip: dict[str, str] = {}
    for spec in specs:
        found = re.match(r"[A-Za-z0-9._-]+", spec)
        assert found, f"pyproject.toml: {spec!r} does not start with a package name"
        name = found[0]
        target = pip if name in PIP_ONLY else conda
        target[name] = CONDA_NAMES.get(name, name) + spec[len(name) :]
    lines = [
        "# Written by `python3 tasks.py env` from pyproject.toml: edit that file, not this one.",
        "name: depin",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        f"  - python{project['requires-python']}",
        *[f"  - {spec}" for spec in conda.values()],
        "  - pip",
        "  - pip:",
        *[f"      - {spec}" for spec in pip.values()],
        "      - -e .",
    ]
    return "\n".join(lines) + "\n"


def environment(*extras: str) -> str:
    """Return the Python of an environment that holds the project with these extras."""
    conda = os.environ.get("CONDA_PREFIX")
    if conda and Path(conda) == Path(sys.prefix) and importlib.util.find_spec("depin_lib"):
        return sys.executable  # made from environment.yml and active
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    have = stamp()
    if have.get("key") != environment_key() or not runs(python):
        have = {}
    wanted = sorted({*have.get("extras", []), *extras})
    if have and wanted == have["extras"]:
        return str(python)
    check_space()
    print(f"Preparing the environment in {VENV} (once; one or two minutes) …", flush=True)
    uv = shutil.which("uv")
    if not have:
        make_venv(uv)
    target = f".[{','.join(wanted)}]" if wanted else "."
    if uv:
        command = [uv, "pip", "install", "--python", str(python), "--compile-bytecode"]
    else:
        command = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    install([*command, "-e", target])
    STAMP.write_text(json.dumps({"key": environment_key(), "extras": wanted}), "utf-8")
    return str(python)


def peer_environment(name: str, *specs: str) -> None:
    """Make the environment of a peer that cannot share ours, if it is not there."""
    place = ROOT / f".venv-{name}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if runs(python):
        return
    print(f"Preparing the environment of {name} in {place} …", flush=True)
    uv = shutil.which("uv")
    make_venv(uv, place)
    pip = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip"]
    install([*pip, *([] if uv else ["install"]), *specs])


def make_venv(uv: str | None, place: Path | None = None) -> None:
    """Make an empty environment in place of whatever stands there."""
    place = place or VENV
    if place.exists() and not (place / "pyvenv.cfg").is_file():
        sys.exit(f"{place} is there but is no environment; move it away or set DEPIN_VENV.")
    if uv:
        install([uv, "venv", "--clear", "--python", sys.executable, str(place)])
        return
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            f"The Python at {sys.executable} cannot make environments: its venv or ensurepip "
            "module is missing.\nOn Debian or Ubuntu: sudo apt install python3-venv. "
            "Or install uv, which needs neither."
        )
    install([sys.executable, "-m", "venv", "--clear", str(place)])


def install(command: list[str]) -> None:
    """Run an installer, show its progress, and say in plain words why it failed."""
    output = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None, "stdout is a pipe"
        for line in process.stdout:
            output.append(line)
            if line.startswith(("Collecting ", "Installing ", "Prepared ", "Installed ")):
                print("  " + line.rstrip()[:100], flush=True)
    if process.returncode:
        text = "".join(output)
        sys.exit(f"{text}\n{why(text)}\nThe command was: {' '.join(command)}")


def why(output: str) -> str:
    """Name the likely cause of a failed installation."""
    if re.search(r"No space left|Errno 28|disk (is )?full", output, re.IGNORECASE):
        return f"The disk is full. The environment needs about 1.5 GB in {VENV}."
    network = r"resolution|getaddrinfo|NewConnection|dns error|Max retries|timed out|unreachable"
    if re.search(network, output, re.IGNORECASE):
        return "The package index was not reached. Check the network, then run the job again."
    return "The environment could not be made; the lines above say why."


def check_space() -> None:
    """Stop before an installation that the disk cannot hold."""
    place = next(p for p in (VENV, *VENV.parents) if p.exists())
    free = shutil.disk_usage(place).free
    if free < NEEDED_BYTES:
        sys.exit(
            f"The disk that holds {place} has {free / 1e9:.1f} GB free; "
            f"the environment and the book need about {NEEDED_BYTES / 1e9:.0f} GB."
        )


def environment_key() -> str:
    """Hash what an environment is made from: this Python, this folder and the dependencies."""
    project = pyproject()
    listed = [project["dependencies"], project["optional-dependencies"], project["version"]]
    text = json.dumps([sys.version, sys.prefix, str(ROOT), listed])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stamp() -> dict[str, Any]:
    """Read what the environment was made from; nothing if it was never finished."""
    try:
        found = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def runs(python: Path) -> bool:
    """Say whether this Python starts."""
    try:
        return subprocess.run([python, "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False


def pyproject() -> dict[str, Any]:
    """Read the project table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def run(python: str, *command: str) -> None:
    """Run a command of the environment from the root of the project."""
    subprocess.run([python, *command], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
