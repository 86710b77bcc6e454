"""Issuance paths: TAO by thresholds, Helium's net emissions, Filecoin's two minting clocks.

A step of these kernels covers any number of blocks or epochs: within one step every sum has a
closed form, so a path costs what its output costs.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit

# The net-emission rules of `net_emissions`.
HIP20_TEXT, L1_CODE, NO_MEMORY, SMOOTHED = 0, 1, 2, 3


@jit(inline=True)
def halvings(issuance: int, cap: int) -> int:
    """Count the halvings passed: floor(log2(cap / (cap − issuance))) for issuance < cap."""
    quotient = cap // (cap - issuance)
    k = 0
    while quotient > 1:
        quotient >>= 1
        k += 1
    return k


@jit()
def tao_emission(
    issuance: NDArray[np.int64], cap: int, initial: int, out: NDArray[np.int64]
) -> None:
    """Emission per block in rao, for issuances (n,) in rao."""
    for i in range(issuance.size):
        x = issuance[i]
        out[i] = 0 if x >= cap else initial >> halvings(x, cap)


@jit()
def tao_path(
    start: int,
    heights: NDArray[np.int64],
    recycled: int,
    cap: int,
    initial: int,
    issuance: NDArray[np.int64],
    emission: NDArray[np.int64],
) -> None:
    """Issuance and emission in rao at ascending block heights (n,), from ``start`` at height 0.

    Each block adds the emission of the issuance before it and takes ``recycled`` (at most
    ``initial``) away. Between two thresholds the change per block is constant, so the path jumps
    from one to the next.
    """
    x = start
    height = 0
    for i in range(heights.size):
        left = heights[i] - height
        while left > 0:
            if x >= cap:
                k, mint = 0, 0
            else:
                k = halvings(x, cap)
                mint = initial >> k
            net = mint - recycled
            blocks = left
            if net > 0:
                upper = cap - (cap >> (k + 1))
                blocks = min(left, (upper - x + net - 1) // net)
            elif net < 0:
                lower = cap - (cap >> k) if x < cap else cap
                blocks = min(left, (x - lower) // (-net) + 1)
            x += blocks * net
            left -= blocks
        height = heights[i]
        issuance[i] = x
        emission[i] = 0 if x >= cap else initial >> halvings(x, cap)


@jit()
def net_emissions(
    burn: NDArray[np.float64],
    cap: float,
    window: float,
    rule: int,
    start: float,
    memory: NDArray[np.float64],
    emitted: NDArray[np.float64],
) -> None:
    """Re-emission per epoch (n,) from burns (n,), and the rule's memory after each epoch."""
    state = start
    for i in range(burn.size):
        if rule == HIP20_TEXT:
            emitted[i] = state / window
            state += min(burn[i], cap) - emitted[i]
        elif rule == L1_CODE:
            emitted[i] = min(cap, burn[i] + state)
            state = max(0.0, state + burn[i] - cap)
        elif rule == NO_MEMORY:
            emitted[i] = min(burn[i], cap)
        else:
            state = ((window - 1.0) * state + burn[i]) / window
            emitted[i] = min(state, cap)
        memory[i] = state


@jit(inline=True)
def capped_power_sum(baseline: float, growth: float, power: float, epochs: int) -> float:
    """Sum of min(baseline, power) over epochs, the first with ``baseline``, then growing."""
    if baseline >= power:
        return power * epochs
    below = float(epochs)
    if power < baseline * math.exp(growth * epochs):
        below = min(below, math.ceil(math.log(power / baseline) / growth))
    rising = baseline * math.expm1(growth * below) / math.expm1(growth)
    return rising + power * (epochs - below)


@jit()
def filecoin_path(
    power: NDArray[np.float64],
    epochs_per_step: int,
    first_epoch: int,
    realized_start: float,
    initial_baseline: float,
    lag: int,
    growth: float,
    decay: float,
    simple_total: float,
    baseline_total: float,
    realized: NDArray[np.float64],
    theta: NDArray[np.float64],
    simple: NDArray[np.float64],
    baseline: NDArray[np.float64],
) -> None:
    """Minting in FIL per step, for raw-byte power (n,) in bytes that is constant in each step.

    ``realized`` (byte-epochs) and ``theta`` (epochs) are those at the end of the step. A step's
    baseline minting telescopes to a difference of two exponentials of theta.
    """
    scale = -math.expm1(-growth) / initial_baseline
    ratio = decay / growth
    log_total = math.log1p(scale * realized_start)
    total = realized_start
    simple_scale = simple_total * math.exp(decay) * -math.expm1(-decay * epochs_per_step)
    for i in range(power.size):
        epoch = first_epoch + i * epochs_per_step
        start_baseline = initial_baseline * math.exp(growth * (epoch - lag))
        added = capped_power_sum(start_baseline, growth, power[i], epochs_per_step)
        step = math.log1p(scale * added / (1.0 + scale * total))
        baseline[i] = baseline_total * math.exp(-ratio * log_total) * -math.expm1(-ratio * step)
        simple[i] = simple_scale * math.exp(-decay * epoch)
        total += added
        log_total = math.log1p(scale * total)
        realized[i] = total
        theta[i] = log_total / growth
