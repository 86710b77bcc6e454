"""A million purchases: ten ways to buy, four workloads, with and without correlated prices."""

import statistics
import time

import numba

from depin_lib import compute

RUNS, ROUNDS, SEED = 1_000_000, 3, 1


def seconds(name: str, *, threads: int, correlated: bool = False) -> list[float]:
    """Time `compare` on one workload, ten providers, a million draws."""
    work, providers = compute.workload(name), compute.provider_kinds()
    pairs = compute.scarcity(0.5, providers) if correlated else None
    usual = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        compute.compare(work, providers, runs=1000, seed=SEED, correlation=pairs)
        found = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            compute.compare(work, providers, runs=RUNS, seed=SEED, correlation=pairs)
            found.append(time.perf_counter() - start)
    finally:
        numba.set_num_threads(usual)
    return found


def main() -> None:
    """Time every workload on one thread and on all, and correlated prices once."""
    most = numba.get_num_threads()
    print(f"\nA million purchases from ten providers, median of {ROUNDS} (fastest – slowest), s\n")
    print(f"| | one thread | {most} threads |\n|---|---|---|")
    rows = [(name, False) for name in compute.WORKLOADS] + [("batch", True)]
    for name, correlated in rows:
        cells = []
        for threads in (1, most):
            found = seconds(name, threads=threads, correlated=correlated)
            middle = statistics.median(found)
            cells.append(f"{middle:.2f} ({min(found):.2f} – {max(found):.2f})")
        title = f"{name}, prices correlated" if correlated else name
        print(f"| {title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
