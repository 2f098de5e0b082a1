"""The rows of the small load generators, step by step.

In: a `GeneratorSpec`. Out: an endless iterator of steps, each a list of (output, row, +1 or -1). What a step holds
follows from its number and its moment alone, so that a generator that starts again puts out the same.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from mzlite.generators.people import ORGANIZATIONS, PEOPLE
from mzlite.generators.spec import GeneratorSpec
from mzlite.generators.tpch import tpch

Change = tuple[str, tuple[object, ...], int]
Step = list[Change]

_ITEMS = ("Signed Memorabilia", "City Bar Crawl", "Best Pizza in Town", "Gift Basket", "Custom Art")
_AUCTION_MS = 10_000
_MOST_BIDS = 10


def steps(spec: GeneratorSpec) -> Iterator[Step]:
    """The steps of a generator from the first one on; it ends where the generator ends."""
    made: dict[str, Callable[[GeneratorSpec], Iterator[Step]]] = {
        "auction": _auction,
        "marketing": _marketing,
        "tpch": tpch,
        "counter": _counter,
        "clock": _clock,
    }
    return made[spec.generator](spec)


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _auction(spec: GeneratorSpec) -> Iterator[Step]:
    """Organizations, users and accounts first; then an auction or a bid with each step."""
    chance = random.Random(0)
    first: Step = [("organizations", (number, name), 1) for number, name in enumerate(ORGANIZATIONS, 1)]
    first += [
        ("users", (number, (number - 1) % len(ORGANIZATIONS) + 1, name), 1) for number, name in enumerate(PEOPLE, 1)
    ]
    first += [("accounts", (number + 42, number, 10_000), 1) for number in range(1, len(ORGANIZATIONS) + 1)]
    yield first
    step, auction = 1, 0
    while (now := spec.due(step)) is not None:
        auction += 1
        seller = chance.randint(1, len(PEOPLE))
        events: list[Change] = [("auctions", (auction, seller, chance.choice(_ITEMS), _moment(now + _AUCTION_MS)), 1)]
        for bid in range(chance.randint(2, _MOST_BIDS - 1)):
            buyer, amount = chance.randint(1, len(PEOPLE)), chance.randint(1, 99)
            number = auction * _MOST_BIDS + bid
            events.append(("bids", (number, buyer, auction, amount, _moment(now + 1000 * bid)), 1))
        for event in events:
            yield [event]
            step += 1


def _marketing(spec: GeneratorSpec) -> Iterator[Step]:
    """Customers first; then an impression and a lead with each step, and what becomes of them later."""
    chance = random.Random(0)
    emails = [f"{name.lower().replace(' ', '.')}@example.com" for name in PEOPLE[:50]]
    yield [
        ("customers", (number, email, chance.randint(5_000_000, 9_999_999)), 1) for number, email in enumerate(emails)
    ]
    later: deque[tuple[int, Change]] = deque()
    step, number = 1, 0
    while (now := spec.due(step)) is not None:
        at = _moment(now)
        found: Step = [("impressions", (number, chance.randrange(len(emails)), chance.randrange(20), at), 1)]
        if chance.random() < 0.1:
            click = now + chance.randint(20_000, 39_999)
            later.append((click, ("clicks", (number, _moment(click)), 1)))
        number += 1
        found += [change for moment, change in later if moment <= now]
        later = deque(item for item in later if item[0] > now)
        lead, customer = number, chance.randrange(len(emails))
        number += 1
        score = chance.random()
        bucket = "control" if lead % 10 <= 1 else "experiment"
        row = (lead, customer, at, None, None)
        found += [("leads", row, 1), ("conversion_predictions", (lead, bucket, at, score), 1)]
        coupon = score <= 0.5 and bucket == "experiment"
        if coupon:
            found.append(("coupons", (number, lead, at, chance.randint(500, 4999)), 1))
            number += 1
        if chance.random() < score or (coupon and chance.random() < score):
            converted = now + chance.randint(1, 29)
            paid = (lead, customer, at, _moment(converted), chance.randint(1000, 24_999))
            later += [(converted, ("leads", row, -1)), (converted, ("leads", paid, 1))]
        yield found
        step += 1


def _counter(spec: GeneratorSpec) -> Iterator[Step]:
    """1, 2, 3 ..; with a greatest number of rows the oldest one leaves for each that comes."""
    number, kept = 0, spec.max_cardinality
    while True:
        number += 1
        if kept == 0:
            yield []
            continue
        found: Step = [("counter", (number,), 1)]
        if kept is not None and number > kept:
            found.append(("counter", (number - kept,), -1))
        yield found


def _clock(spec: GeneratorSpec) -> Iterator[Step]:
    """One row: the moment of the last step."""
    step, before = 0, None
    while (now := spec.due(step)) is not None:
        at = (_moment(now),)
        found: Step = [("clock", at, 1)]
        if before is not None:
            found.append(("clock", before, -1))
        before = at
        yield found
        step += 1
