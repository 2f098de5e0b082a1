"""Delivery with its second stage: the orders and the worlds that follow them, on one clock and with one seed.

In: a delivery world. Out: its messages, unchanged, and those of the topics `dispatch`, `gps`, `payments` and
`reviews`; what all their views must show. A part of the second stage is a subclass of `FollowingWorld`
listed in `PARTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from generator.customers import CustomerWorld
from generator.delivery import DeliveryWorld, Order
from generator.drivers import DriverWorld
from generator.events import Event
from generator.following import FollowingWorld
from generator.population import Population
from generator.shares import Shares

PARTS: tuple[type[FollowingWorld], ...] = (DriverWorld, CustomerWorld)
"""The worlds that follow the orders, each with topics of its own."""
COUNTED = ("sent", "late", "duplicates", "malformed", "invalid", "null_values")
"""The counts that a report gives by topic, or by the name of a fault."""


class StagedDeliveryWorld:
    """The delivery platform with both stages.

    Args:
        first: the first stage.
        parts: the second stage; those of `PARTS`, from the same seed and moment, if they are not given.
    """

    name = DeliveryWorld.name
    window_ms = DeliveryWorld.window_ms
    keeps_counting = DeliveryWorld.keeps_counting

    def __init__(self, first: DeliveryWorld, parts: tuple[FollowingWorld, ...] | None = None) -> None:
        if parts is None:
            parts = tuple(part(first.shares, first.seed, first.now_ms) for part in PARTS)
        self.first = first
        self.parts = parts
        self.seed = first.seed
        self.now_ms = first.now_ms
        first.follower = self

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of both stages."""
        return (*self.first.topics, *(topic for part in self.parts for topic in part.topics))

    @property
    def progress(self) -> Mapping[int, int]:
        """The orders of the latest windows."""
        return self.first.progress

    def placed(self, order: Order, fields: dict[str, Any]) -> None:
        """An order that counts was placed."""
        for part in self.parts:
            part.placed(order, fields)

    def status(self, order: Order, name: str, at_ms: int) -> None:
        """A status event that counts, of an order that counts."""
        for part in self.parts:
            part.status(order, name, at_ms)

    def advance(self, until_ms: int, budget: int | None) -> list[Event]:
        """Let time pass; the budget is for new orders, and what follows from them comes on top."""
        events = self.first.advance(until_ms, budget)
        for part in self.parts:
            events += part.advance(until_ms, 0)
        self.now_ms = until_ms
        return events

    def report(self, now_ms: int) -> dict[str, object]:
        """The first stage's report with the counts of the second, and what its views must show."""
        report = self.first.report(now_ms)
        expected: list[object] = []
        for part in self.parts:
            theirs = part.report(now_ms)
            for name in COUNTED:
                counts, more = report[name], theirs.pop(name)
                assert isinstance(counts, dict)
                assert isinstance(more, dict)
                report[name] = {**counts, **{key: counts.get(key, 0) + count for key, count in more.items()}}
            mine = theirs.pop("expected")
            assert isinstance(mine, list)
            expected += mine
            report |= theirs
        return {**report, "expected": expected}

    def saved(self) -> dict[str, Any]:
        """Everything that is needed to go on later, as plain values for JSON."""
        return {
            "now_ms": self.now_ms,
            "first": self.first.saved(),
            "parts": {part.name: part.saved() for part in self.parts},
        }

    @classmethod
    def restored(cls, population: Population, shares: Shares, saved: dict[str, Any]) -> Self:
        """The world that `saved` came from.

        Raises:
            ValueError, KeyError, TypeError: these are not the values that `saved` gave.
        """
        first = DeliveryWorld.restored(population, shares, saved["first"])
        return cls(first, tuple(part.restored(shares, saved["parts"][part.name]) for part in PARTS))
