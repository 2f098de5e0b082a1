"""What every simulator hands to the writer: one Kafka message with its time.

In: nothing. Out: the `Event` type and the `World` interface that the pacing code drives.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

Event: TypeAlias = tuple[str, str | bytes | None, str | bytes | None, int]
"""(topic, key, value, Kafka timestamp in ms). A plain tuple: one is made for every message."""


class World(Protocol):
    """A simulated system on a clock of its own, advanced in steps."""

    now_ms: int
    """Everything up to this moment (ms since 1970) has happened."""

    def advance(self, until_ms: int, budget: int | None) -> list[Event]:
        """Let time pass and return what happened, in (now_ms, until_ms].

        Args:
            until_ms: the new `now_ms`.
            budget: how many events to aim for; None for as many as one step can reasonably make. What was
                already under way happens in any case, new beginnings fill the rest.
        """
        ...
