"""Training on machines that are far from one another: what the links allow."""

import numpy as np

from .. import checks
from .ownership import Floats, plain

__all__ = [
    "best_local_steps",
    "elastic_efficiency",
    "local_step_efficiency",
    "local_steps_needed",
    "pipeline_boundary_bytes",
    "pipeline_bubble",
    "pipeline_seconds",
    "ring_allreduce_seconds",
    "traffic_reduction",
    "training_days",
    "transformer_layer_flop",
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


def elastic_efficiency(
    step_time: Floats, sync_time: Floats, mean_stay: Floats, *, local_steps: Floats = 1
) -> Floats:
    """Useful share where nodes leave without memory and the others go on: x e^(−T/M).

    x is `local_step_efficiency` and T = H t + t_sync the length of a round: a node counts if it
    stays until the round's end. Holds for many nodes whose places are filled at once and whose
    exchange is short; `simulate_training` has neither limit.

    Parameters
    ----------
    step_time, sync_time
        Time of one local step and of one exchange.
    mean_stay
        M, mean time that a node stays, in the same unit.
    local_steps
        H, steps between two exchanges.

    Examples
    --------
    >>> round(elastic_efficiency(22.8, 469, 36_000, local_steps=100), 3)
    0.768
    """
    step = checks.finite("step_time", step_time, low=0, low_open=True)
    sync = checks.non_negative("sync_time", sync_time)
    stay = checks.finite("mean_stay", mean_stay, low=0, low_open=True)
    work = checks.finite("local_steps", local_steps, low=1) * step
    length = work + sync
    return plain(work / length * np.exp(-length / stay))


def best_local_steps(step_time: Floats, sync_time: Floats, mean_stay: Floats) -> Floats:
    """Steps between two exchanges at which `elastic_efficiency` is highest, not rounded.

    H t = (√(t_sync² + 4 t_sync M) − t_sync)/2, nearly √(t_sync M): Young's rule without the factor
    of two under the root, since who leaves loses the whole round, not half of it.

    Parameters
    ----------
    step_time, sync_time, mean_stay
        As in `elastic_efficiency`, all in the same unit.

    Returns
    -------
    float or ndarray
        Below 1 even single steps are too long for such stays.

    Examples
    --------
    >>> round(best_local_steps(22.8, 469, 36_000))
    170
    """
    step = checks.finite("step_time", step_time, low=0, low_open=True)
    sync = checks.non_negative("sync_time", sync_time)
    stay = checks.finite("mean_stay", mean_stay, low=0, low_open=True)
    return plain((np.sqrt(sync**2 + 4 * sync * stay) - sync) / (2 * step))


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


def pipeline_seconds(
    stages: Floats,
    microbatches: Floats,
    forward_seconds: Floats,
    transfer_seconds: Floats = 0.0,
    *,
    backward_seconds: Floats | None = None,
) -> Floats:
    """Time of one training step in a pipeline whose stages are joined by links.

    All forward passes, then all backward passes. A stage computes while its links carry what other
    microbatches need, so a pass of m microbatches takes p c + (p − 1) x + (m − 1) max(c, x), with c
    the time of a stage and x that of a link (none with a single stage). Without links the share
    that the stages stand idle is `pipeline_bubble`.

    Parameters
    ----------
    stages, microbatches
        p, each on a node of its own, and m.
    forward_seconds, backward_seconds
        Time of a microbatch in a stage; backward is twice forward unless given.
    transfer_seconds
        Time of a microbatch's activations, or of their gradients, on a link.

    Examples
    --------
    >>> pipeline_seconds(4, 12, 1.0), pipeline_seconds(4, 12, 1.0, 5.0)
    (45.0, 152.0)
    """
    p = checks.finite("stages", stages, low=1)
    m = checks.finite("microbatches", microbatches, low=1)
    forward = checks.finite("forward_seconds", forward_seconds, low=0, low_open=True)
    back = 2 * forward if backward_seconds is None else backward_seconds
    backward = checks.finite("backward_seconds", back, low=0, low_open=True)
    link = checks.non_negative("transfer_seconds", transfer_seconds, unit="seconds")
    link = np.where(p > 1, link, 0.0)
    total = sum(p * c + (p - 1) * link + (m - 1) * np.maximum(c, link) for c in (forward, backward))
    return plain(np.asarray(total))


def transformer_layer_flop(batch: Floats, sequence: Floats, hidden: Floats) -> Floats:
    """Operations of one transformer layer's forward pass: 24 b s h² + 4 b s² h.

    The backward pass takes twice as many. It grows with h² where `pipeline_boundary_bytes` grows
    with h, so that wide layers tolerate slow links.

    Source: Narayanan et al. (2021), Efficient Large-Scale Language Model Training on GPU Clusters,
    arXiv 2104.04473, appendix.

    Examples
    --------
    >>> transformer_layer_flop(1, 4096, 8192) / 1e12
    7.146825580544
    """
    b = checks.finite("batch", batch, low=0, low_open=True)
    s = checks.finite("sequence", sequence, low=0, low_open=True)
    h = checks.finite("hidden", hidden, low=0, low_open=True)
    return plain(np.asarray(24 * b * s * h**2 + 4 * b * s**2 * h))


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
