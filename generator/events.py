"""What every simulator hands to the writer: one Kafka message with its time.

In: nothing. Out: the `Event` type, the `World` interface that the pacing code drives, and what the command
asks of a system's world besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

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


class SystemWorld(World, Protocol):
    """A system's whole world, as the command opens it, tells of it and keeps it."""

    @property
    def name(self) -> str:
        """The system's name."""
        ...

    @property
    def seed(self) -> int:
        """Of all its random choices."""
        ...

    @property
    def window_ms(self) -> int:
        """The length of the windows in which `progress` counts."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it writes."""
        ...

    @property
    def progress(self) -> Mapping[int, int]:
        """What a gold view counts, by start of the window in ms: how a reader knows how far the view is behind."""
        ...

    @property
    def keeps_counting(self) -> bool:
        """True if the counts of a world that goes on include those of before."""
        ...

    def report(self, now_ms: int) -> dict[str, object]:
        """The exact counts of what was sent, as plain values."""
        ...

    def saved(self) -> dict[str, Any]:
        """Everything that is needed to go on later, as plain values for JSON."""
        ...
