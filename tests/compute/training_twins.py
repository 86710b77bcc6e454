"""Training on nodes that leave once more: whole lists of stays first, then one round after another.

Nothing is kept up to date: what a node was doing is read off its stays afterwards.
"""

import itertools
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from depin_lib.kernels.laws import DOWN, UP

from .event_twins import draws

Quantile = Callable[[float], float]
USES = ("counted", "lost", "exchanging", "waiting", "joining", "absent")


@dataclass
class Stay:
    arrival: float
    ready: float
    departure: float


@dataclass
class Node:
    stays: list[Stay]
    busy: list[tuple[str, float, float]] = field(default_factory=list)

    def part(self, now: float) -> Stay | None:
        """The stay in which the node can take part in a round that begins now."""
        stay = self.stays[bisect_right(self.stays, now, key=lambda s: s.departure)]
        return stay if stay.ready <= now else None

    def uses(self, end: float) -> dict[str, float]:
        """Hours by use until the end: what it was busy with, and the rest by its stays."""
        hours = dict.fromkeys(USES, 0.0)
        for use, start, stop in self.busy:
            hours[use] += stop - start
        previous = 0.0
        for stay in self.stays:
            hours["absent"] += max(0.0, min(stay.arrival, end) - previous)
            hours["joining"] += max(
                0.0, min(stay.ready, stay.departure, end) - min(stay.arrival, end)
            )
            previous = min(stay.departure, end)
        hours["waiting"] = end - sum(hours.values())
        return hours


def node(
    up: Quantile, down: Quantile, rejoin: float, horizon: float, seed: int, run: int, i: int
) -> Node:
    stays, absences = draws(up, seed, run, i + 1, UP), draws(down, seed, run, i + 1, DOWN)
    listed = [Stay(0.0, 0.0, next(stays))]
    while listed[-1].departure <= horizon:
        arrival = listed[-1].departure + next(absences)
        listed.append(Stay(arrival, arrival + rejoin, arrival + next(stays)))
    return Node(listed)


def moments(nodes: list[Node]) -> list[float]:
    """Every moment at which someone leaves or becomes ready, in order."""
    return sorted({t for n in nodes for s in n.stays for t in (s.ready, s.departure)})


def train(
    rounds: int,
    least: int,
    together: bool,
    rejoin: float,
    work: list[float],
    sync: list[float],
    up: Quantile,
    down: Quantile,
    seed: int,
    run: int,
    horizon: float,
) -> tuple[float, dict[str, float], int]:
    """Return hours by the clock, node-hours by use, and contributions."""
    nodes = [node(up, down, rejoin, horizon, seed, run, i) for i in range(len(work))]
    turns = moments(nodes)
    now, done, contributions = 0.0, 0, 0
    while done < rounds:
        parts = {i: s for i, n in enumerate(nodes) if (s := n.part(now)) is not None}
        if len(parts) < least:
            now = turns[bisect_right(turns, now)]
            continue
        computed = max(min(now + work[i], s.departure) for i, s in parts.items())
        still = {i: s for i, s in parts.items() if s.departure >= max(computed, now + work[i])}
        begun, success = computed, False
        first = min(s.departure for s in parts.values())
        if together and len(still) < len(parts):
            still = {}
        while still and not success:
            first = min(s.departure for s in still.values())
            success = first >= begun + sync[len(still) - 1]
            if not success:
                begun = first
                still = {} if together else {i: s for i, s in still.items() if s.departure > first}
        end = begun + sync[len(still) - 1] if success else first if together else begun
        for i, stay in parts.items():
            last = min(stay.departure, end)
            counts = success and i in still
            worked = min(now + work[i], last)
            nodes[i].busy.append(("counted" if counts else "lost", now, worked))
            if last > computed:
                nodes[i].busy.append(("exchanging", computed, last))
            contributions += counts
        done += success
        now = end
    assert now < horizon, "the lists of stays are too short"
    total = dict.fromkeys(USES, 0.0)
    for n, use in itertools.product(nodes, USES):
        total[use] += n.uses(now)[use]
    return now, total, contributions


def pipeline(stages: int, microbatches: int, compute: float, link: float) -> float:
    """One pass through a pipeline: every microbatch through every stage and link, one by one."""
    machines = [compute if k % 2 == 0 else link for k in range(2 * stages - 1)]
    free = [0.0] * len(machines)
    for _ in range(microbatches):
        t = 0.0
        for k, time in enumerate(machines):
            t = max(t, free[k]) + time
            free[k] = t
    return free[-1]
