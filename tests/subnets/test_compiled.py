"""Compiled code and the same code as plain Python give the same bits."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from scipy import sparse

ROOT = Path(__file__).parent.parent.parent
SEEDS = range(12)


def digest() -> str:
    """Hash every array of some epochs."""
    from . import cases, test_fixed

    sums = hashlib.sha256()
    for seed in SEEDS:
        fixed = test_fixed.sprinkle(test_fixed.Case(seed))
        for result in (cases.Case(seed).ours(), fixed.ours(), fixed.ours(thin="csr")):
            for values in vars(result).values():
                array = values.toarray() if sparse.issparse(values) else values
                sums.update(array.tobytes())
    return sums.hexdigest()


def test_plain_python_gives_the_same_bits() -> None:
    code = "from tests.subnets.test_compiled import digest; print(digest())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == digest()
