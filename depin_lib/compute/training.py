"""Training on machines that are far from one another: what the links allow."""

import numpy as np

from .. import checks
from .ownership import Floats, plain

__all__ = [
    "local_step_efficiency",
    "local_steps_needed",
    "pipeline_boundary_bytes",
    "pipeline_bubble",
    "ring_allreduce_seconds",
    "traffic_reduction",
    "training_days",
]

_SECONDS_PER_DAY = 86_400


def ring_allreduce_seconds(
    nodes: Floats, payload_bytes: Floats, bytes_per_second: Floats, *, latency_seconds: Floats = 0.0
) -> Floats:
    """Time to sum an array over N nodes in a ring: 2(N − 1)/N · S/B + 2(N − 1)α.

    Parameters
    ----------
    nodes
        N, nodes in the ring.
    payload_bytes
        S, size of the array on each node.
    bytes_per_second
        B, what the slowest link carries in one direction.
    latency_seconds
        α, time for the first byte of a message.

    Source: Patarasuk & Yuan (2009), Journal of Parallel and Distributed Computing 69(2).

    Examples
    --------
    >>> round(ring_allreduce_seconds(14, 20e9, 50e9), 3)
    0.743
    """
    n = checks.finite("nodes", nodes, low=1)
    size = checks.non_negative("payload_bytes", payload_bytes, unit="bytes")
    rate = checks.finite("bytes_per_second", bytes_per_second, low=0, low_open=True, unit="B/s")
    alpha = checks.non_negative("latency_seconds", latency_seconds, unit="seconds")
    return plain(2 * (n - 1) / n * size / rate + 2 * (n - 1) * alpha)


def local_step_efficiency(
    step_time: Floats, sync_time: Floats, *, local_steps: Floats = 1
) -> Floats:
    """Share of time spent computing where nodes exchange only every H steps: H t/(H t + t_sync).

    Parameters
    ----------
    step_time, sync_time
        Time of one local step and of one exchange, in the same unit.
    local_steps
        H, steps between two exchanges.

    Examples
    --------
    >>> round(local_step_efficiency(38, 7), 3)
    0.844
    """
    step = checks.finite("step_time", step_time, low=0, low_open=True)
    sync = checks.non_negative("sync_time", sync_time)
    work = checks.finite("local_steps", local_steps, low=1) * step
    return plain(work / (work + sync))


def local_steps_needed(efficiency: Floats, step_time: Floats, sync_time: Floats) -> Floats:
    """Steps between two exchanges for a share of time spent computing: x/(1 − x) · t_sync/t.

    Examples
    --------
    >>> round(local_steps_needed(0.95, 22.8, 420))
    350
    """
    x = checks.finite("efficiency", efficiency, low=0, high=1, high_open=True)
    step = checks.finite("step_time", step_time, low=0, low_open=True)
    sync = checks.non_negative("sync_time", sync_time)
    return plain(x / (1 - x) * sync / step)


def traffic_reduction(local_steps: Floats, compression: Floats) -> Floats:
    """Factor by which local steps and fewer bits per number cut the traffic.

    Examples
    --------
    >>> traffic_reduction(100, 4)
    400.0
    """
    steps = checks.finite("local_steps", local_steps, low=1)
    return plain(steps * checks.finite("compression", compression, low=0, low_open=True))


def pipeline_bubble(stages: Floats, microbatches: Floats) -> Floats:
    """Share of time that a pipeline of p stages stands idle with m microbatches: (p−1)/(m+p−1).

    Source: Huang et al. (2019), GPipe, arXiv 1811.06965.

    Examples
    --------
    >>> pipeline_bubble(4, 12)
    0.2
    """
    p = checks.finite("stages", stages, low=1)
    m = checks.finite("microbatches", microbatches, low=1)
    return plain((p - 1) / (m + p - 1))


def pipeline_boundary_bytes(
    batch: Floats, sequence: Floats, hidden: Floats, *, bytes_per_number: Floats = 2
) -> Floats:
    """Activations that one microbatch sends over a boundary between stages, in bytes.

    Examples
    --------
    >>> pipeline_boundary_bytes(1, 4096, 8192)
    67108864.0
    """
    size = checks.finite("bytes_per_number", bytes_per_number, low=0, low_open=True)
    for name, value in (("batch", batch), ("sequence", sequence), ("hidden", hidden)):
        size = size * checks.finite(name, value, low=0, low_open=True)
    return plain(size)


def training_days(
    parameters: Floats,
    tokens: Floats,
    gpus: Floats,
    flop_per_second: Floats,
    *,
    utilisation: Floats = 1.0,
) -> Floats:
    """Duration of a training run by the rule of six operations per parameter and token, in days.

    Parameters
    ----------
    parameters, tokens
        Size of the model and of the data.
    gpus, flop_per_second
        Number of GPUs and the peak rate of one.
    utilisation
        Share of the peak that is reached (MFU).

    Examples
    --------
    >>> round(training_days(10e9, 1e12, 112, 989e12, utilisation=0.39), 1)
    16.1
    """
    work = 6 * checks.non_negative("parameters", parameters) * checks.non_negative("tokens", tokens)
    count = checks.finite("gpus", gpus, low=0, low_open=True)
    peak = checks.finite("flop_per_second", flop_per_second, low=0, low_open=True, unit="1/s")
    mfu = checks.finite("utilisation", utilisation, low=0, low_open=True, high=1)
    return plain(np.asarray(work / (count * peak * mfu * _SECONDS_PER_DAY)))
