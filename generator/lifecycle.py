"""What can happen to an order after it was placed, and when.

In: a random generator. Out: templates, each a sequence of (status name, ms after the order was
placed). They are drawn once, in advance: an order then picks one, which costs nothing.
"""

from __future__ import annotations

import math
import random
from typing import TypeAlias

Template: TypeAlias = tuple[tuple[str, int], ...]
"""Status names with their time in ms after the order, in order of time."""

DELAY_MARK_MS = 30 * 60 * 1000
"""An order still `preparing` this long after it was placed is delayed."""
LONGEST_MS = 115 * 60 * 1000
"""No order takes longer, so every status falls within the two hours in which silver joins it."""

MINUTE = 60_000


def templates(rng: random.Random, count: int) -> tuple[tuple[Template, ...], tuple[Template, ...]]:
    """Draw `count` lives of ordinary orders, and `count` of orders that become delayed.

    Of the ordinary ones 4 % are rejected and 3 % cancelled; none is still `preparing` at the delay mark.
    Of the delayed ones a quarter starts to be prepared only after the mark; the others pass it while they are
    prepared, and 5 % of all are cancelled in the end.
    """
    return tuple(_ordinary(rng) for _ in range(count)), tuple(_delayed(rng) for _ in range(count))


def _ordinary(rng: random.Random) -> Template:
    placed = rng.randrange(50, 2_000)
    accepted = placed + _spread(rng, 0.75 * MINUTE, 0.5)
    fate = rng.random()
    if fate < 0.04:
        return ("placed", placed), ("rejected", accepted)
    preparing = accepted + _spread(rng, 1.5 * MINUTE, 0.5)
    ready = min(preparing + _spread(rng, 12 * MINUTE, 0.35), DELAY_MARK_MS - rng.randrange(1, MINUTE))
    start: Template = ("placed", placed), ("accepted", accepted), ("preparing", min(preparing, ready - MINUTE))
    if fate < 0.07:
        return (*start, ("cancelled", ready))
    return (*start, *_way_to_the_customer(rng, ready))


def _delayed(rng: random.Random) -> Template:
    placed = rng.randrange(50, 2_000)
    accepted = placed + _spread(rng, 2 * MINUTE, 0.5)
    if rng.random() < 0.25:
        preparing = DELAY_MARK_MS + rng.randrange(1_000, 12 * MINUTE)
    else:
        preparing = min(accepted + _spread(rng, 6 * MINUTE, 0.6), DELAY_MARK_MS - MINUTE)
    accepted = min(accepted, preparing - 1_000)
    ready = max(preparing, DELAY_MARK_MS) + 1_000 + _spread(rng, 9 * MINUTE, 0.7)
    start: Template = ("placed", placed), ("accepted", accepted), ("preparing", preparing)
    if rng.random() < 0.05:
        return (*start, ("cancelled", min(ready, LONGEST_MS)))
    return (*start, *_way_to_the_customer(rng, ready))


def _way_to_the_customer(rng: random.Random, ready: int) -> Template:
    picked_up = ready + _spread(rng, 3 * MINUTE, 0.6)
    delivered = picked_up + _spread(rng, 13 * MINUTE, 0.4)
    # A very long way is cut short, with the order of the three kept.
    over = max(0, delivered - LONGEST_MS)
    return ("ready", ready - over), ("picked_up", picked_up - over), ("delivered", delivered - over)


def _spread(rng: random.Random, median_ms: float, sigma: float) -> int:
    """A log-normal duration in ms: never negative, some far above the median; at most four times it."""
    return int(min(rng.lognormvariate(math.log(median_ms), sigma), 4 * median_ms))
