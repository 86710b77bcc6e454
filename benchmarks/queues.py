"""The queue simulator against SimPy, if it is there: the same draws, the same waits."""

import math
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from depin_lib import compute
from depin_lib.kernels.laws import ARRIVALS, DOWN, SERVICE, UP
from depin_lib.kernels.random import stream_key, uniform

from .harness import paired, report

REQUESTS, SEED = 20_000, 1
SERVICE_TIME, UP_TIME, DOWN_TIME = 1.0, 50.0, 5.0
LOAD = 0.75


def exponentials(mean: float, machine: int, purpose: int) -> Iterator[float]:
    """Draw what our simulator draws for this machine and purpose."""
    words = (np.uint64(word) for word in (SEED, 0, machine, purpose))
    key = np.uint64(stream_key(*words))
    i = 0
    while True:
        yield -mean * math.log(uniform(key, np.uint64(i)))
        i += 1


def simpy_queue(servers: int, fails: bool) -> Callable[[], list[float]]:
    """Return a simulation of the queue as a call without arguments; it gives the waits."""
    import simpy

    gaps = exponentials(SERVICE_TIME / (LOAD * servers), 0, ARRIVALS)
    services = exponentials(SERVICE_TIME, 0, SERVICE)
    between = [next(gaps) for _ in range(REQUESTS)]
    needs = [next(services) for _ in range(REQUESTS)]
    lives = [
        (exponentials(UP_TIME, s + 1, UP), exponentials(DOWN_TIME, s + 1, DOWN))
        for s in range(servers)
    ]
    spare = int(10 + 2 * REQUESTS * SERVICE_TIME / (LOAD * servers) / UP_TIME)
    stays = [[(next(up), next(down)) for _ in range(spare)] for up, down in lives]

    def call() -> list[float]:
        env = simpy.Environment()
        line = simpy.PriorityStore(env) if fails else simpy.Store(env)
        arrived, wait, left = [0.0] * REQUESTS, [-1.0] * REQUESTS, list(needs)
        served = env.event()
        count = 0

        def source() -> Generator[Any, Any, None]:
            for request in range(REQUESTS):
                yield env.timeout(between[request])
                arrived[request] = env.now
                line.put(request)

        def leaves() -> None:
            nonlocal count
            count += 1
            if count == REQUESTS:
                served.succeed()

        def steady_server(number: int) -> Generator[Any, Any, None]:
            while True:
                request = yield line.get()
                wait[request] = env.now - arrived[request]
                yield env.timeout(needs[request])
                leaves()

        def failing_server(number: int) -> Generator[Any, Any, None]:
            for up, down in stays[number]:
                failure = env.timeout(up)
                while True:
                    turn = line.get()
                    yield turn | failure
                    if not turn.processed:
                        turn.cancel()
                        break
                    request = turn.value
                    if wait[request] < 0:
                        wait[request] = env.now - arrived[request]
                    begun = env.now
                    done = env.timeout(left[request])
                    yield done | failure
                    if not done.processed:
                        left[request] -= env.now - begun
                        line.put(request)
                        break
                    leaves()
                yield env.timeout(down)

        server = failing_server if fails else steady_server
        env.process(source())
        for number in range(servers):
            env.process(server(number))
        env.run(served)
        return wait

    return call


def our_queue(servers: int, fails: bool) -> Callable[[], compute.QueueSamples]:
    """Return the same simulation by this library."""
    up, down = compute.ExponentialTime(UP_TIME), compute.ExponentialTime(DOWN_TIME)

    def call() -> compute.QueueSamples:
        return compute.simulate_queue(
            compute.ExponentialTime(SERVICE_TIME / (LOAD * servers)),
            compute.ExponentialTime(SERVICE_TIME),
            servers,
            up=up if fails else None,
            down=down if fails else None,
            resume=True,
            requests=REQUESTS,
            warm_up=0,
            runs=1,
            seed=SEED,
        )

    return call


def main() -> None:
    """Check that the waits are equal, then time."""
    for servers, fails in ((1, True), (10, False), (10, True)):
        ours = our_queue(servers, fails)
        candidates: dict[str, Callable[[], object]] = {"ours": ours}
        try:
            peer = simpy_queue(servers, fails)
        except ImportError:
            print("SimPy is not installed; with it: python3 tasks.py bench --peers")
        else:
            candidates["SimPy"] = peer
            if servers == 1 or not fails:  # else which server is idle depends on the book-keeping
                np.testing.assert_allclose(ours().wait[0], peer(), rtol=1e-9, atol=1e-9)
        kind = "failing" if fails else "never failing"
        report(f"Queue, servers: {servers}, {kind}, {REQUESTS:,} requests", paired(candidates))


if __name__ == "__main__":
    main()
