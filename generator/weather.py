"""Weather and luck that are the same on every run of a seed, whenever they are asked for.

In: a seed, a place and a time. Out: whether it rains there, whether somebody has a bad day.
"""

from __future__ import annotations

import random
from functools import lru_cache

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@lru_cache(maxsize=4096)
def chance(seed: int, what: str, where: str, period: int) -> float:
    """A number from 0 to 1 that belongs to this thing, place and period."""
    return random.Random(f"{what} {where} {period} {seed}").random()


def is_raining(seed: int, place: str, at_ms: int, share: float = 0.15) -> bool:
    """True in this share of the hours."""
    return chance(seed, "rain", place, at_ms // HOUR_MS) < share


def has_bad_day(seed: int, who: str, at_ms: int, share: float = 0.06) -> bool:
    """True on this share of the days."""
    return chance(seed, "bad day", who, at_ms // DAY_MS) < share
