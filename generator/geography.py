"""Distances on the globe, and points on the way from one place to another.

In: positions in degrees (latitude, longitude). Out: kilometres and positions.
"""

from __future__ import annotations

import math
from typing import TypeAlias

Position: TypeAlias = tuple[float, float]
"""(latitude, longitude) in degrees."""

EARTH_RADIUS_KM = 6371.0
KM_PER_DEGREE = EARTH_RADIUS_KM * math.pi / 180


def distance_km(start: Position, end: Position) -> float:
    """The great-circle distance by the haversine formula.

    >>> round(distance_km((52.52, 13.405), (48.8566, 2.3522)))
    877
    """
    latitude, other = math.radians(start[0]), math.radians(end[0])
    a = (
        math.sin((other - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(other) * math.sin(math.radians(end[1] - start[1]) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(a)))


def offset(start: Position, north_km: float, east_km: float) -> Position:
    """The position so far to the north and to the east; for short ways, away from the poles.

    >>> offset((0.0, 0.0), 111.19493, 0.0)
    (1.0, 0.0)
    """
    latitude = start[0] + north_km / KM_PER_DEGREE
    longitude = start[1] + east_km / (KM_PER_DEGREE * math.cos(math.radians(start[0])))
    return round(latitude, 6), round(longitude, 6)


def between(start: Position, end: Position, share: float) -> Position:
    """The position after this share of a short straight way."""
    return round(start[0] + (end[0] - start[0]) * share, 6), round(start[1] + (end[1] - start[1]) * share, 6)
