"""The simulations by event once more: plain Python, one small step per line, the same draws."""

import heapq
import math
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from depin_lib.kernels.laws import ARRIVALS, DOWN, NOTICE, ROUTE, SERVICE, UP
from depin_lib.kernels.random import stream_key, uniform

Quantile = Callable[[float], float]


def draws(law: Quantile, seed: int, run: int, machine: int, purpose: int) -> Iterator[float]:
    with np.errstate(over="ignore"):
        key = np.uint64(stream_key(*(np.uint64(word) for word in (seed, run, machine, purpose))))
    for i in count():
        with np.errstate(over="ignore"):
            p = uniform(key, np.uint64(i))
        yield law(p)


def exponential(mean: float) -> Quantile:
    return lambda p: -mean * math.log(p)


def job(
    work: float,
    interval: float,
    write: float,
    restart: float,
    announced: float,
    up: Quantile,
    down: Quantile,
    seed: int,
    run: int,
) -> tuple[float, float, int, float]:
    """Live through a job phase by phase: restart, work, checkpoint, work, checkpoint, …"""
    stays, absences = draws(up, seed, run, 0, UP), draws(down, seed, run, 0, DOWN)
    notices = draws(lambda p: p, seed, run, 0, NOTICE)
    saved = running = away = lost = 0.0
    interruptions = 0
    while True:
        stay, told = next(stays), next(notices) < announced
        clock = restart if interruptions else 0.0
        done_here = 0.0  # worked since the last checkpoint
        while clock < stay and saved < work - 1e-9:
            piece = min(interval, work - saved)
            if clock + piece + write <= stay:
                clock += piece + write
                saved += piece
                continue
            done_here = min(stay - clock, piece)
            if told and stay - clock > write:
                saved += min(stay - clock - write, piece)
                done_here = 0.0
            break
        if saved >= work - 1e-9:
            return running + clock, away, interruptions, lost
        running += stay
        lost += done_here
        away += next(absences)
        interruptions += 1


def queue(
    gap: Quantile,
    service: Quantile,
    servers: int,
    requests: int,
    seed: int,
    *,
    run: int = 0,
    room: float = math.inf,
    up: Quantile | None = None,
    down: Quantile | None = None,
    resume: bool = False,
) -> tuple[list[float], list[float]]:
    """One queue with a heap of events; a cancelled departure stays in it with an old number."""
    gaps, services = (
        draws(gap, seed, run, 0, ARRIVALS),
        draws(service, seed, run, 0, SERVICE),
    )
    needs = [next(services) for _ in range(requests)]
    arrived, t = [], 0.0
    for _ in range(requests):
        t += next(gaps)
        arrived.append(t)
    events = [(t, 0, i, 0) for i, t in enumerate(arrived)]
    lives = {}
    for s in range(servers if up and down else 0):
        stays, away = draws(up, seed, run, s + 1, UP), draws(down, seed, run, s + 1, DOWN)
        lives[s] = (stays, away)
        events.append((next(stays), 2, s, 0))
    heapq.heapify(events)
    idle = list(range(servers))[::-1]  # the one that became idle last works first
    busy, version = {}, [0] * servers
    waiting: list[int] = []  # a heap of request numbers: who came first goes first
    wait, spent = [math.nan] * requests, [math.nan] * requests
    left, gone = list(needs), 0
    while gone < requests:
        now, kind, who, number = heapq.heappop(events)
        if kind == 0:
            if not idle and len([r for r in waiting if math.isnan(wait[r])]) >= room:
                gone += 1
            else:
                heapq.heappush(waiting, who)
        elif kind == 1:
            if version[who] != number:
                continue
            request, _ = busy.pop(who)
            spent[request] = now - arrived[request]
            gone += 1
            idle.append(who)
        elif who in idle or who in busy:  # fails
            version[who] += 1
            heapq.heappush(events, (now + next(lives[who][1]), 2, who, 0))
            if who in idle:
                idle[idle.index(who)] = idle[-1]
                idle.pop()
            else:
                request, begun = busy.pop(who)
                if resume:
                    left[request] -= now - begun
                heapq.heappush(waiting, request)
        else:  # is repaired
            heapq.heappush(events, (now + next(lives[who][0]), 2, who, 0))
            idle.append(who)
        while idle and waiting:
            request, server = heapq.heappop(waiting), idle.pop()
            if math.isnan(wait[request]):
                wait[request] = now - arrived[request]
            busy[server] = (request, now)
            version[server] += 1
            heapq.heappush(events, (now + left[request], 1, server, version[server]))
    return wait, spent


def states_with_failures(
    arrival: float, service: float, servers: int, failure: float, repair: float, most: int = 400
) -> float:
    """Mean number of requests in M/M/c with failing servers and resumed work, from the balance.

    The state is (requests, servers up); requests beyond ``most`` are turned away.
    """
    up_states = servers + 1
    size = (most + 1) * up_states
    rates = np.zeros((size, size))
    for n in range(most + 1):
        for k in range(up_states):
            here = n * up_states + k
            if n < most:
                rates[here, here + up_states] = arrival
            if n > 0:
                rates[here, here - up_states] = min(n, k) * service
            if k > 0:
                rates[here, here - 1] = k * failure
            if k < servers:
                rates[here, here + 1] = (servers - k) * repair
    balance = (rates - np.diag(rates.sum(axis=1))).T
    balance[-1] = 1.0
    share = np.linalg.solve(balance, np.eye(size)[-1])
    return float(share @ np.repeat(np.arange(most + 1), up_states))


def dispatch(
    gap: Quantile,
    service: Quantile,
    servers: int,
    requests: int,
    seed: int,
    *,
    run: int = 0,
    hedge_after: float = math.inf,
    same_service: bool = False,
) -> tuple[list[float], int, float]:
    """Servers with a line each: time of each request, copies, share of time that servers worked."""
    gaps = draws(gap, seed, run, 0, ARRIVALS)
    needs_of, routes_of = (
        draws(law, seed, run, 0, purpose)
        for law, purpose in ((service, SERVICE), (lambda p: p, ROUTE))
    )
    needs = [next(needs_of) for _ in range(2 * requests)]
    routes = [next(routes_of) for _ in range(2 * requests)]
    arrived, events, t = [], [], 0.0
    for r in range(requests):
        t += next(gaps)
        arrived.append(t)
        events.append((t, "arrival", r))
        if not math.isinf(hedge_after):
            events.append((t + hedge_after, "again", r))
    heapq.heapify(events)
    lines: list[list[int]] = [[] for _ in range(servers)]  # the first of each is being served
    started: dict[int, float] = {}
    spent, copies, worked, now = [math.nan] * requests, 0, 0.0, 0.0

    def serve(server: int, now: float) -> None:
        if lines[server] and lines[server][0] not in started:
            copy = lines[server][0]
            started[copy] = now
            need = needs[copy - copy % 2] if same_service else needs[copy]
            heapq.heappush(events, (now + need, "end", copy))

    while any(math.isnan(x) for x in spent):
        now, kind, who = heapq.heappop(events)
        if kind == "end":
            if not math.isnan(spent[who // 2]):
                continue  # was dropped
            spent[who // 2] = now - arrived[who // 2]
            for copy in (who, who ^ 1):
                for s in range(servers):
                    if copy in lines[s]:
                        lines[s].remove(copy)
                        worked += now - started[copy] if copy in started else 0.0
                        serve(s, now)
            continue
        first = int(routes[2 * who] * servers)
        if kind == "arrival":
            copy, s = 2 * who, first
        elif math.isnan(spent[who]):
            copy, s = 2 * who + 1, (first + 1 + int(routes[2 * who + 1] * (servers - 1))) % servers
        else:
            continue
        copies += 1
        lines[s].append(copy)
        serve(s, now)
    return spent, copies, worked / (servers * now)
