"""Paired timing: the candidates take turns, so that a drift of the machine meets all of them."""

import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 15
#: A round repeats a candidate until it has run for at least this long.
LEAST_SECONDS = 0.05


def paired(candidates: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Time candidates in turn; return the seconds per call of every round."""
    repeats = {}
    for name, call in candidates.items():
        call()
        start = time.perf_counter()
        call()
        once = time.perf_counter() - start
        repeats[name] = max(1, round(LEAST_SECONDS / max(once, 1e-9)))
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, call in candidates.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            seconds[name].append((time.perf_counter() - start) / repeats[name])
    return seconds


def report(title: str, seconds: Mapping[str, list[float]]) -> None:
    """Print medians, and each candidate's time as a multiple of the first, pair by pair."""
    first, *_ = seconds
    print(f"\n{title}, median of {ROUNDS} rounds\n")
    print(f"| | µs | times {first} (min – max) |\n|---|---|---|")
    for name, values in seconds.items():
        ratios = [b / a for a, b in zip(seconds[first], values, strict=True)]
        middle = statistics.median(ratios)
        spread = f"{middle:.3g} ({min(ratios):.3g} – {max(ratios):.3g})"
        print(f"| {name} | {statistics.median(values) * 1e6:,.1f} | {spread} |")
