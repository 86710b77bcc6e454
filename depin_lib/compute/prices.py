"""The small sums by which rental prices are compared."""

import numpy as np

from .. import checks
from .ownership import Floats, plain

__all__ = [
    "discount",
    "fee_gross_up",
    "net_of_fee",
    "price_per_gpu_hour",
    "relative_price",
    "revenue_per_unit",
]


def relative_price(price: Floats, reference: Floats) -> Floats:
    """Price above a reference, as a share of it: 0.1 is a tenth dearer, −0.1 a tenth cheaper.

    Examples
    --------
    >>> round(relative_price(2.40, 2.12), 3)
    0.132
    """
    p = checks.non_negative("price", price)
    base = checks.finite("reference", reference, low=0, low_open=True)
    return plain(p / base - 1)


def discount(price: Floats, reference: Floats) -> Floats:
    """Price below a reference, as a share of it.

    Examples
    --------
    >>> round(discount(2.67, 6.88), 3)
    0.612
    """
    return plain(-np.asarray(relative_price(price, reference)))


def net_of_fee(list_price: Floats, fee: Floats) -> Floats:
    """Price that the provider receives after the platform's fee.

    Examples
    --------
    >>> round(net_of_fee(2.0, 0.05), 3)
    1.9
    """
    return plain(checks.non_negative("list_price", list_price) * (1 - _fee(fee)))


def fee_gross_up(net_price: Floats, fee: Floats) -> Floats:
    """List price that leaves the provider a net price after the platform's fee.

    Examples
    --------
    >>> round(fee_gross_up(1.9, 0.05), 3)
    2.0
    """
    return plain(checks.non_negative("net_price", net_price) / (1 - _fee(fee)))


def price_per_gpu_hour(instance_usd_per_hour: Floats, gpus: Floats) -> Floats:
    """Price of a machine with several GPUs, per GPU, in USD per GPU-hour.

    Examples
    --------
    >>> price_per_gpu_hour(55.04, 8)
    6.88
    """
    price = checks.non_negative("instance_usd_per_hour", instance_usd_per_hour, unit="USD per hour")
    return plain(price / checks.finite("gpus", gpus, low=0, low_open=True))


def revenue_per_unit(
    revenue_usd: Floats, units: Floats, *, hours: Floats = 1.0, share: Floats = 1.0
) -> Floats:
    """Revenue of a network per machine, or per machine-hour if the hours of the period are given.

    Parameters
    ----------
    revenue_usd
        Revenue of the period in USD.
    units
        Machines that earned it.
    hours
        Hours of the period, 24 for a day or 8760 for a year; 1 leaves the period as it is.
    share
        Share of the revenue that belongs to these machines.

    Examples
    --------
    >>> round(revenue_per_unit(4.3e6, 60_000, share=0.73), 2)
    52.32
    """
    revenue = checks.non_negative("revenue_usd", revenue_usd, unit="USD")
    machines = checks.finite("units", units, low=0, low_open=True)
    period = checks.finite("hours", hours, low=0, low_open=True, unit="hours")
    part = checks.finite("share", share, low=0, high=1)
    return plain(revenue * part / (machines * period))


def _fee(fee: Floats) -> Floats:
    return checks.finite("fee", fee, low=0, high=1, high_open=True)
