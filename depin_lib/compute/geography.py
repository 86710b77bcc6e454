"""How long light takes from one place to another."""

import numpy as np
import pandas as pd

from .. import checks, data
from .ownership import Floats, plain

__all__ = ["fibre_round_trip_ms", "great_circle_km", "region_round_trips"]

#: Mean radius of the Earth in km (IUGG).
_EARTH_RADIUS_KM = 6371.0088
_LIGHT_KM_PER_MS = 299.792458
#: Refractive index of the glass in a fibre.
_FIBRE_INDEX = 1.468


def great_circle_km(
    latitude_1: Floats, longitude_1: Floats, latitude_2: Floats, longitude_2: Floats
) -> Floats:
    """Distance over the surface of the Earth, taken as a sphere, in km.

    Parameters
    ----------
    latitude_1, longitude_1, latitude_2, longitude_2
        The two places in degrees, north and east positive.

    Examples
    --------
    >>> round(great_circle_km(0, 0, 0, 180))
    20015
    """
    phi_1, phi_2 = (
        np.radians(checks.finite(name, value, low=-90, high=90, unit="degrees"))
        for name, value in (("latitude_1", latitude_1), ("latitude_2", latitude_2))
    )
    lambda_1, lambda_2 = (
        np.radians(checks.finite(name, value, low=-180, high=180, unit="degrees"))
        for name, value in (("longitude_1", longitude_1), ("longitude_2", longitude_2))
    )
    haversine = np.sin((phi_2 - phi_1) / 2) ** 2
    haversine = haversine + np.cos(phi_1) * np.cos(phi_2) * np.sin((lambda_2 - lambda_1) / 2) ** 2
    return plain(2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(haversine, 0, 1))))


def fibre_round_trip_ms(distance_km: Floats, *, detour: Floats = 1.0) -> Floats:
    """Time of light through fibre, there and back, in milliseconds.

    Parameters
    ----------
    distance_km
        Distance as the crow flies in km.
    detour
        Length of the cable over that distance; 1 gives what no network can beat.

    Examples
    --------
    >>> round(fibre_round_trip_ms(1000), 1)
    9.8
    """
    distance = checks.non_negative("distance_km", distance_km, unit="km")
    longer = checks.finite("detour", detour, low=1)
    return plain(2 * distance * longer * _FIBRE_INDEX / _LIGHT_KM_PER_MS)


def region_round_trips(*, detour: float = 1.0) -> pd.DataFrame:
    """Round-trip times of light between the regions of the table ``cloud_regions``, in ms.

    Examples
    --------
    >>> float(region_round_trips().loc["eu-central-1", "eu-central-1"])
    0.0
    """
    places = data.load("cloud_regions").set_index("region")
    lat, lon = (places[name].to_numpy()[:, None] for name in ("latitude", "longitude"))
    times = fibre_round_trip_ms(great_circle_km(lat, lon, lat.T, lon.T), detour=detour)
    return pd.DataFrame(times, index=places.index, columns=places.index)
