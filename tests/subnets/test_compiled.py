"""Compiled code and the same code as plain Python give the same results."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

ROOT = Path(__file__).parent.parent.parent
SEEDS = range(12)


def results() -> dict[str, NDArray]:
    """Return every array of some epochs: in float64, in fixed arithmetic, in fixed on sparse."""
    from . import cases, test_fixed

    arrays = {}
    for seed in SEEDS:
        fixed = test_fixed.sprinkle(test_fixed.Case(seed))
        runs = {
            "float64": cases.Case(seed).ours(),
            "fixed": fixed.ours(),
            "sparse fixed": fixed.ours(thin="csr"),
        }
        for kind, result in runs.items():
            for name, values in vars(result).items():
                dense = values.toarray() if sparse.issparse(values) else values
                arrays[f"{kind} {seed} {name}"] = dense
    return arrays


def test_plain_python_gives_the_same(tmp_path: Path) -> None:
    # in float64 to rounding: compiled sums go in the order of vector instructions
    path = tmp_path / "plain.npz"
    code = (
        "import sys, numpy; from tests.subnets.test_compiled import results; "
        "numpy.savez(sys.argv[1], **results())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    plain, compiled = np.load(path), results()
    assert set(plain) == set(compiled)
    for name, values in compiled.items():
        if name.startswith("float64"):
            np.testing.assert_allclose(values, plain[name], rtol=1e-12, atol=1e-16, err_msg=name)
        else:
            np.testing.assert_array_equal(values, plain[name], err_msg=name)
