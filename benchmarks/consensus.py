"""The epoch of Yuma consensus against the same rules in vectorised NumPy and, if there, torch."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def main() -> None:
    """Check that the outputs are equal, then time."""
    rng = np.random.default_rng(1)
    for n, m in SIZES:
        weights, stake = rng.lognormal(size=(n, m)), rng.lognormal(size=n)
        bonds = rng.random((n, m))
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


if __name__ == "__main__":
    main()
