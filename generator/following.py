"""The base of the worlds of delivery's second stage: each follows the orders of the delivery world.

In: the orders that count and their status events, as they happen. Out: what a subclass makes of them, in
topics of its own, and its truth. Whatever such a world does, the messages of the first stage stay the same.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from generator.delivery import LATE_TO_MS, Order
from generator.events import Event
from generator.truth import LATE_MS, WINDOW_MS
from generator.world import SimulatedWorld


class FollowingWorld(SimulatedWorld):
    """A world in which nothing begins by itself: everything follows from an order.

    A subclass sends with `_tell(key, fields, at_ms, events, topic)`, where the key field of the message comes
    first, and arranges with `_arrange` what is to come; `_state` and `_restore` keep it over a restart.
    """

    tolerance_ms = LATE_MS
    late_to_ms = LATE_TO_MS
    window_ms = WINDOW_MS

    @abstractmethod
    def placed(self, order: Order, fields: dict[str, Any]) -> None:
        """An order that counts was placed; `fields` is its message. Its template says what will happen to it."""

    @abstractmethod
    def status(self, order: Order, name: str, at_ms: int) -> None:
        """A status event that counts, of an order that counts."""

    def _begin(self, now_ms: int, events: list[Event]) -> None:
        """Nothing does."""
