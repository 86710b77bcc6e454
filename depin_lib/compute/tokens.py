"""From the price of a GPU-hour to the cost and the energy of a million tokens."""

from .. import checks
from .ownership import Floats, plain

__all__ = ["cost_per_million_tokens", "energy_per_million_tokens"]

_TOKENS, _SECONDS_PER_HOUR = 1e6, 3600


def cost_per_million_tokens(
    gpu_hour_usd: Floats, tokens_per_second: Floats, *, gpus: Floats = 1, utilisation: Floats = 1.0
) -> Floats:
    """Cost of a million tokens at a measured rate, in USD.

    Parameters
    ----------
    gpu_hour_usd
        Price of a GPU-hour in USD.
    tokens_per_second
        Rate of all GPUs together while they work; say whether it counts output or all tokens.
    gpus
        GPUs that give this rate.
    utilisation
        Share of the paid time that is worked.

    Examples
    --------
    >>> round(cost_per_million_tokens(2.40, 545.8, gpus=2), 2)
    2.44
    """
    price = checks.non_negative("gpu_hour_usd", gpu_hour_usd, unit="USD per GPU-hour")
    rate = checks.finite("tokens_per_second", tokens_per_second, low=0, low_open=True, unit="1/s")
    count = checks.finite("gpus", gpus, low=0, low_open=True)
    u = checks.finite("utilisation", utilisation, low=0, low_open=True, high=1)
    return plain(price * count / (_SECONDS_PER_HOUR * rate * u) * _TOKENS)


def energy_per_million_tokens(
    power_kw: Floats, tokens_per_second: Floats, *, pue: Floats = 1.0
) -> Floats:
    """Energy of a million tokens at a measured rate, in kWh.

    Parameters
    ----------
    power_kw
        Power while working, in kW.
    tokens_per_second
        Rate at this power.
    pue
        Power usage effectiveness, at least 1.

    Examples
    --------
    >>> round(energy_per_million_tokens(0.35, 5438.38, pue=1.2), 4)
    0.0215
    """
    power = checks.non_negative("power_kw", power_kw, unit="kW")
    rate = checks.finite("tokens_per_second", tokens_per_second, low=0, low_open=True, unit="1/s")
    return plain(power * checks.finite("pue", pue, low=1) / (_SECONDS_PER_HOUR * rate) * _TOKENS)
