"""From drawn inputs to the cost of a useful GPU-hour, for every provider and every draw.

Rows of ``offers`` are the inputs of an offer in the order of the constants below; rows of ``work``
those of the workload. One column is one draw.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit, prange
from .random import normal_quantile

PRICE, MTBF, RESTART, BANDWIDTH, EGRESS_PRICE, VERIFICATION, UPTIME, SPEED, SUBSIDY = range(9)
EGRESS, STATE, SESSION, ACTIVE, PERSISTENCE, DEMAND_CV = range(6)
LIST, COMMITMENT, IDLE, START, INTERRUPTIONS, SPARES, CHECKS, SLOWNESS, TRAFFIC, TOKENS = range(10)
#: Hours paid per useful hour at which everyone has given up.
MAX_OVERHEAD = 100.0
#: Draws that one thread takes at a time.
BLOCK = 1024


@jit(inline=True)
def _overhead(c: float, r: float, m: float) -> tuple[float, float]:
    """Hours paid per useful hour and the best interval; without a checkpoint no interval."""
    if c <= 0.0:
        return min(math.exp(min(r / m, 50.0)), MAX_OVERHEAD), np.inf
    ratio = c / m
    root = math.sqrt(2.0 * ratio)
    series = root < 0.5
    # Newton's steps converge from above: g(x) = log(1 − x) + x + C/M is concave and falls.
    x = root - root**2 / 3.0 + root**3 / 36.0 if series else 1.0 - math.exp(-1.0 - ratio)
    if ratio > 1e-8:
        for _ in range(2 if series else 6):
            if x < 1.0:
                x = min(x + (math.log1p(-x) + x + ratio) * (1.0 - x) / x, 1.0)
    tau = m * x
    power = r / m + (tau + c) / m
    if power > 50.0:
        return MAX_OVERHEAD, tau
    return min(m / tau * math.exp(r / m) * math.expm1((tau + c) / m), MAX_OVERHEAD), tau


@jit(inline=True)
def _spares(uptime: float, replicas: float, z: float) -> float:
    """Running machines per needed one so that enough are up, by the normal approximation."""
    if replicas <= 0.0:
        return 1.0
    spread = z * math.sqrt(uptime * (1.0 - uptime))
    root = (spread + math.sqrt(spread * spread + 4.0 * uptime * replicas)) / (2.0 * uptime)
    return root * root * uptime / replicas


@jit(inline=True)
def _unit(
    offer: NDArray[np.float64],
    i: int,
    work: NDArray[np.float64],
    fixed: NDArray[np.float64],
    leaves: float,
    unit: NDArray[np.float64],
) -> None:
    """Hours paid per useful hour in parts (for a price of 1), and the traffic in dollars."""
    gpus, machines, replicas, z, check, stateless = fixed
    state = 0.0 if stateless > 0.0 else work[STATE, i]
    copy = state * 8.0 / (offer[BANDWIDTH, i] * machines * 3600.0)
    mean = offer[MTBF, i] / (1.0 if stateless > 0.0 else machines)
    phi, tau = _overhead(copy, offer[RESTART, i] + copy, mean)
    start = offer[RESTART, i] / work[SESSION, i]
    spare = _spares(offer[UPTIME, i], replicas, z)
    hours = 1.0 + start
    unit[START] = start
    unit[INTERRUPTIONS] = hours * (phi - 1.0)
    hours *= phi
    unit[SPARES] = hours * (spare - 1.0)
    hours *= spare
    v = check * offer[VERIFICATION, i]
    unit[CHECKS] = hours * v
    hours *= 1.0 + v
    unit[SLOWNESS] = hours * (1.0 / offer[SPEED, i] - 1.0)
    hours /= offer[SPEED, i]
    sent = work[EGRESS, i]
    if leaves > 0.0:
        sent += state / (tau * gpus)
    unit[TRAFFIC] = sent * offer[EGRESS_PRICE, i]
    unit[LIST] = hours


@jit(inline=True)
def _reserve(
    fixed_cost: float, saved: float, active: float, cv: float
) -> tuple[float, float, float]:
    """Return the reserved level, the mean demand and the mean demand above it (mean 1)."""
    ratio = 1.0 if saved <= 0.0 else fixed_cost / (active * saved)
    if cv < 1e-9:
        level = 1.0 if ratio < 1.0 else 0.0
        return level, 1.0, 1.0 - level
    t = -1.0 / cv
    density = math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)
    mean = cv * (density - t * 0.5 * math.erfc(t / math.sqrt(2.0)))
    if ratio >= 1.0:
        return 0.0, mean, mean
    level = 1.0 + cv * normal_quantile(1.0 - max(ratio, 1e-12))
    if level <= 0.0:
        return 0.0, mean, mean
    t = (level - 1.0) / cv
    density = math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)
    return level, mean, cv * (density - t * 0.5 * math.erfc(t / math.sqrt(2.0)))


@jit(inline=True)
def _active(share: float, persistence: float, years: int) -> float:
    """Share of the hours of a term of years in which the workload runs."""
    total, alive = 0.0, 1.0
    for _ in range(years):
        total += alive
        alive *= persistence
    return share * total / years


@jit(inline=True)
def _mix(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    price_a: float,
    price_b: float,
    ratio: float,
    level: float,
    mean: float,
    above: float,
    active: float,
    out: NDArray[np.float64],
) -> None:
    """Add up what a useful hour costs, part by part, of a reserved and a burst offer."""
    burst = above / mean
    used = 1.0 - burst
    reserved = level / (active * mean)
    paid = reserved * ratio * price_a
    out[LIST] = used * price_a + burst * price_b
    out[COMMITMENT] = used * price_a * (ratio - 1.0)
    out[IDLE] = (reserved - used) * ratio * price_a
    for part in range(START, SLOWNESS + 1):
        out[part] = paid * a[part] + burst * price_b * b[part]
    out[TRAFFIC] = used * a[TRAFFIC] + burst * b[TRAFFIC]
    out[TOKENS] = paid * a[LIST] * a[TOKENS] + burst * price_b * b[LIST] * b[TOKENS]


@jit(inline=True)
def _reserved_level(
    base: int,
    burst: int,
    years: int,
    ratio: float,
    i: int,
    work: NDArray[np.float64],
    offers: NDArray[np.float64],
    unit: NDArray[np.float64],
) -> tuple[float, float, float, float]:
    """Return what to reserve, the mean demand, what lies above the reserve, the active share."""
    if base < 0:
        return 0.0, 1.0, 1.0, 1.0
    active = _active(work[ACTIVE, i], work[PERSISTENCE, i], years)
    bursting = offers[burst, PRICE, i] * unit[burst, LIST] + unit[burst, TRAFFIC]
    reserving = ratio * offers[base, PRICE, i] * unit[base, LIST]
    saved = bursting - unit[base, TRAFFIC]
    level, mean, above = _reserve(reserving, saved, active, work[DEMAND_CV, i])
    return level, mean, above, active


@jit(parallel=True)
def fill_costs(
    work: NDArray[np.float64],
    offers: NDArray[np.float64],
    ratios: NDArray[np.float64],
    plans: NDArray[np.int64],
    leaves: NDArray[np.float64],
    fixed: NDArray[np.float64],
    parts: NDArray[np.float64],
    paid: NDArray[np.float64],
    level: NDArray[np.float64],
) -> None:
    """Fill ``parts`` (draws × plans × 10), ``paid`` and the reserved ``level`` (plans × draws).

    Costs are in USD per useful GPU-hour; ``paid`` is all parts but the last. ``plans`` has a row
    per provider: index of the reserved offer (−1: none), of the burst offer, and the years of the
    term; ``fixed`` is GPUs, machines, replicas, z, weight of checks, stateless.
    """
    n = work.shape[1]
    for block in prange((n + BLOCK - 1) // BLOCK):
        unit = np.zeros((offers.shape[0], 10))
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            for k in range(offers.shape[0]):
                _unit(offers[k], i, work, fixed, leaves[k], unit[k])
                unit[k, TOKENS] = offers[k, SUBSIDY, i]
            for p in range(plans.shape[0]):
                base, burst, ratio = plans[p, 0], plans[p, 1], ratios[p, i]
                q, mean, above, active = _reserved_level(
                    base, burst, plans[p, 2], ratio, i, work, offers, unit
                )
                first = burst if base < 0 else base
                price_a, price_b = offers[first, PRICE, i], offers[burst, PRICE, i]
                cost = parts[i, p]
                _mix(
                    unit[first], unit[burst], price_a, price_b, ratio, q, mean, above, active, cost
                )
                total = cost[LIST]
                for part in range(COMMITMENT, TOKENS):
                    total += cost[part]
                paid[p, i] = total
                level[p, i] = q
