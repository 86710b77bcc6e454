"""What it costs to know that a stranger's machine has computed what it was asked to."""

import numpy as np
from scipy import special

from .. import checks
from .ownership import Floats, plain

__all__ = [
    "accepted_error_rate",
    "detection_probability",
    "deterrent_check_rate",
    "replication_error",
]


def replication_error(
    copies: int, dishonest_share: Floats, *, agreeing: int | None = None
) -> Floats:
    """Probability that enough of n copies of a task collude for a wrong result to be accepted.

    Parameters
    ----------
    copies
        n, times that each task is computed, which is also the cost factor.
    dishonest_share
        f, share of workers that collude; each copy goes to a worker drawn at random.
    agreeing
        k, copies that must agree; a majority where it is not given.

    Examples
    --------
    >>> round(replication_error(3, 0.1), 3), round(replication_error(5, 0.2), 4)
    (0.028, 0.0579)
    """
    n = checks.whole_number("copies", copies)
    f = checks.finite("dishonest_share", dishonest_share, low=0, high=1)
    k = checks.number("agreeing", n // 2 + 1 if agreeing is None else agreeing, low=1, high=n)
    return plain(special.bdtrc(k - 1, n, f))


def detection_probability(
    check_rate: Floats, cheating_share: Floats, tasks: Floats, *, detection: Floats = 1.0
) -> Floats:
    """Probability that a worker who cheats now and then is caught: 1 − (1 − q s d)ⁿ.

    Parameters
    ----------
    check_rate
        q, share of tasks that are computed a second time; the cost factor is 1 + q.
    cheating_share
        s, share of his tasks on which the worker cheats.
    tasks
        n, tasks that he has delivered.
    detection
        d, probability that a check notices a wrong result.

    Examples
    --------
    >>> round(detection_probability(0.1, 0.5, 100), 4)
    0.9941
    """
    survives = _survival(check_rate, cheating_share, tasks, detection)
    return plain(1 - survives)


def accepted_error_rate(
    check_rate: Floats,
    cheating_share: Floats,
    tasks: Floats,
    dishonest_share: Floats,
    *,
    detection: Floats = 1.0,
) -> Floats:
    """Share of wrong results among those accepted after n tasks, where who is caught must leave.

    Parameters
    ----------
    check_rate, cheating_share, tasks, detection
        As in `detection_probability`.
    dishonest_share
        f, share of workers that cheat at the start.

    Source: Sarmenta (2002), Future Generation Computer Systems 18(4), on spot-checking with
    blacklists.

    Examples
    --------
    >>> round(accepted_error_rate(0.1, 0.5, 50, 0.2), 4)
    0.0094
    """
    f = checks.finite("dishonest_share", dishonest_share, low=0, high=1)
    s = checks.finite("cheating_share", cheating_share, low=0, high=1)
    left = f * _survival(check_rate, s, tasks, detection)
    with np.errstate(invalid="ignore"):
        rate = np.where(left > 0, s * left / ((1 - f) + left), 0.0)
    return plain(rate)


def deterrent_check_rate(gain: Floats, stake: Floats, *, detection: Floats = 1.0) -> Floats:
    """Least share of tasks to check so that cheating does not pay: g / (d (g + S)).

    Parameters
    ----------
    gain
        g, what cheating on one task brings, in any money.
    stake
        S, bond that is lost when a check finds it, in the same money.
    detection
        d, probability that a check notices a wrong result.

    Returns
    -------
    float or ndarray
        Above 1 no rate of checks deters.

    Examples
    --------
    >>> round(deterrent_check_rate(1.0, 50.0, detection=0.95), 4)
    0.0206
    """
    g = checks.finite("gain", gain, low=0, low_open=True)
    bond = checks.non_negative("stake", stake)
    d = checks.finite("detection", detection, low=0, low_open=True, high=1)
    return plain(g / (d * (g + bond)))


def _survival(
    check_rate: Floats, cheating_share: Floats, tasks: Floats, detection: Floats
) -> Floats:
    q = checks.finite("check_rate", check_rate, low=0, high=1)
    s = checks.finite("cheating_share", cheating_share, low=0, high=1)
    n = checks.non_negative("tasks", tasks)
    d = checks.finite("detection", detection, low=0, high=1)
    return (1 - q * s * d) ** n
