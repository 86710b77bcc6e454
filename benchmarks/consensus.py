"""The epoch of Yuma consensus against the same rules in NumPy and torch, and against itself."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from depin_lib import subnets

from .harness import paired, report

Array = NDArray[np.float64]
KAPPA = 32_767 / 65_535
ALPHA = 0.1
SIZES = ((64, 256), (256, 1024))


def numpy_epoch(weights: Array, stake: Array, bonds: Array) -> tuple[Array, Array, Array]:
    """Incentive, dividends and bonds by the Yuma3 rule: one sort per column, whole arrays else."""
    w = weights / weights.sum(axis=1, keepdims=True)
    s = stake / stake.sum()
    order = np.argsort(-w, axis=0)
    support = np.cumsum(s[order], axis=0)
    first = np.argmax(support >= KAPPA, axis=0)
    columns = np.arange(w.shape[1])
    consensus = w[order[first, columns], columns]
    clipped = np.minimum(w, consensus)
    ranks = s @ clipped
    incentive = ranks / ranks.sum()
    new = np.minimum(1.0, (1 - ALPHA) * bonds + ALPHA * clipped)
    dividends = s * ((new / new.sum(axis=0)) @ incentive)
    return incentive, dividends / dividends.sum(), new


def torch_epoch(weights: Array, stake: Array, bonds: Array) -> Callable[[], Any]:
    """Return the same epoch as a call without arguments, on torch tensors and one thread."""
    import torch

    torch.set_num_threads(1)
    w0, s0, b0 = (torch.from_numpy(a) for a in (weights, stake, bonds))

    def call() -> tuple[Any, Any, Any]:
        w = w0 / w0.sum(dim=1, keepdim=True)
        s = s0 / s0.sum()
        ordered, order = torch.sort(w, dim=0, descending=True)
        support = torch.cumsum(s[order], dim=0)
        first = torch.argmax((support >= KAPPA).to(torch.int8), dim=0, keepdim=True)
        consensus = torch.gather(ordered, 0, first)[0]
        clipped = torch.minimum(w, consensus)
        ranks = s @ clipped
        incentive = ranks / ranks.sum()
        new = torch.clamp((1 - ALPHA) * b0 + ALPHA * clipped, max=1.0)
        dividends = s * ((new / new.sum(dim=0)) @ incentive)
        return incentive.numpy(), (dividends / dividends.sum()).numpy(), new.numpy()

    return call


def against_peers() -> None:
    """Check that the outputs are equal, then time."""
    for n, m in SIZES:
        weights, stake, bonds = subnet(n, m)
        params = subnets.YumaParams(max_validators=n)
        ours = partial(subnets.yuma_epoch, weights, stake, bonds=bonds, params=params)
        peers: dict[str, Callable[[], Any]] = {
            "NumPy": partial(numpy_epoch, weights, stake, bonds),
        }
        try:
            peers["torch"] = torch_epoch(weights, stake, bonds)
        except ImportError:
            print("torch is not installed; with it: python3 tasks.py bench --peers")
        expected = ours()
        for name, call in peers.items():
            found = dict(zip(("incentive", "dividends", "bonds"), call(), strict=True))
            for field, values in found.items():
                wanted = getattr(expected, field)
                np.testing.assert_allclose(values, wanted, rtol=1e-9, err_msg=f"{name}: {field}")
        copy = partial(np.copyto, np.empty_like(weights), weights)
        candidates = {"ours": ours} | peers | {"one np.copyto of the weights": copy}
        report(f"Epoch, Yuma3, {n} validators × {m} miners", paired(candidates))


def liquid_alpha() -> None:
    """Time liquid alpha against the plain average."""
    weights, stake, bonds = subnet(64, 256)
    calls = {
        name: partial(subnets.yuma_epoch, weights, stake, bonds=bonds, params=params)
        for name, params in {
            "Yuma3": subnets.YumaParams(),
            "with liquid alpha": subnets.YumaParams(liquid_alpha=True),
        }.items()
    }
    report("Liquid alpha, 64 validators × 256 miners", paired(calls))


def arithmetics() -> None:
    """Time the chain's arithmetic against float64, both on stored weights and bonds."""
    rng = np.random.default_rng(6)
    for n, m in SIZES:
        weights = rng.integers(1, 65_536, (n, m)).astype(float)
        stake, bonds = rng.integers(1, 10**6, n), rng.integers(0, 65_536, (n, m)) / 65_535
        params = subnets.YumaParams(bonds_u16=True, max_validators=n)
        calls = {
            a: partial(subnets.yuma_epoch, weights, stake, bonds=bonds, params=params, arithmetic=a)
            for a in subnets.ARITHMETICS
        }
        report(f"The chain's arithmetic, {n} × {m}", paired(calls))


def growth() -> None:
    """Time a large epoch per entry against a small one."""
    calls, entries = {}, {}
    for n, m in ((64, 256), (1024, 4096)):
        weights, stake, bonds = subnet(n, m)
        params, name = subnets.YumaParams(max_validators=n), f"{n} × {m}"
        calls[name] = partial(subnets.yuma_epoch, weights, stake, bonds=bonds, params=params)
        entries[name] = n * m
    report("Dense epoch, per million entries", per_million(paired(calls), entries))


def sparse_epoch() -> None:
    """Time sparse epochs per entry held, and one against the dense epoch."""
    calls, entries = {}, {}
    for n, m, density in ((256, 1024, 0.0625), (1024, 4096, 0.205)):
        weights, stake, bonds = thin_subnet(n, m, density)
        name = f"{n} × {m}, {weights.nnz:,} entries"
        calls[name] = partial(subnets.yuma_epoch, weights, stake, bonds=bonds)
        entries[name] = weights.nnz
    report("Sparse epoch, per million entries held", per_million(paired(calls), entries))
    weights, stake, bonds = thin_subnet(1024, 4096, 0.05)
    full, held = weights.toarray(), np.ascontiguousarray(bonds.toarray())
    params = subnets.YumaParams(max_validators=1024)
    dense = partial(subnets.yuma_epoch, full, stake, bonds=held, params=params)
    thin = partial(subnets.yuma_epoch, weights, stake, bonds=bonds, params=params)
    np.testing.assert_allclose(thin().dividends, dense().dividends, rtol=1e-9, atol=1e-15)
    report("Density 5 %, 1024 × 4096", paired({"sparse": thin, "dense": dense}))


def medians() -> None:
    """Time the median kernel on six distributions of weights."""
    rng, stake = np.random.default_rng(2), np.random.default_rng(3).lognormal(size=64)
    shape = 64, 256
    weights = {
        "lognormal": rng.lognormal(size=shape),
        "uniform": rng.random(shape),
        "all equal": np.ones(shape),
        "four values": rng.integers(0, 4, shape).astype(float),
        "nine in ten zero": rng.random(shape) * (rng.random(shape) < 0.1),
        "over thirty powers of ten": 10.0 ** rng.uniform(-30, 0, shape),
    }
    calls = {n: partial(subnets.weighted_median, w, stake, KAPPA) for n, w in weights.items()}
    report("Median kernel, 64 × 256", paired(calls))


def monte_carlo() -> None:
    """Time many epochs of many subnets with fresh noise, on one thread and on two."""
    base = np.random.default_rng(4).lognormal(size=(16, 64))

    def run(threads: int) -> None:
        numba.set_num_threads(threads)
        subnets.simulate_epochs(
            base, np.ones(16), runs=1_000, epochs=100, noise=0.1, seed=1, record=("dividends",)
        )

    threads = range(1, min(2, numba.get_num_threads()) + 1)
    calls = {f"{k} thread{'s' * (k > 1)}": partial(run, k) for k in threads}
    report("1,000 runs × 100 epochs × (16 × 64), fresh noise", paired(calls))


def subnet(n: int, m: int) -> tuple[Array, Array, Array]:
    """Draw weights, stake and bonds."""
    rng = np.random.default_rng(1)
    return rng.lognormal(size=(n, m)), rng.lognormal(size=n), rng.random((n, m))


def thin_subnet(n: int, m: int, density: float) -> tuple[Any, Array, Any]:
    """Draw sparse weights, stake and sparse bonds at the same places."""
    weights, stake, bonds = subnet(n, m)
    kept = np.random.default_rng(5).random((n, m)) < density
    return sparse.csr_array(weights * kept), stake, sparse.csc_array(bonds * kept)


def per_million(seconds: dict[str, list[float]], entries: dict[str, int]) -> dict[str, list[float]]:
    """Divide times by the millions of entries."""
    return {name: [s / entries[name] * 1e6 for s in seconds[name]] for name in seconds}


def main() -> None:
    """Run all."""
    for measure in (
        against_peers,
        arithmetics,
        liquid_alpha,
        growth,
        sparse_epoch,
        medians,
        monte_carlo,
    ):
        measure()


if __name__ == "__main__":
    main()
