"""The base of the simulated worlds: one clock, one list of what is to come, one way to send.

In: shares, a seed and the moment of the beginning, and from a subclass what happens when. Out: messages
in the order of time; the same arguments and steps give the same messages, byte for byte.
"""

from __future__ import annotations

import random
from abc import abstractmethod
from typing import Any, ClassVar, Self, TypeAlias

import orjson

from generator.agenda import Agenda
from generator.counts import Expected, MessageCounts
from generator.events import Event
from generator.identifiers import uuid_text
from generator.sender import FaultySender
from generator.shares import Shares
from generator.timestamps import TimestampFormatter

Pending: TypeAlias = tuple[int, int, str, Any]
"""(when, tie, what, with which plain values)."""

AS_MANY_AS_POSSIBLE = 500
"""New beginnings in one step without a budget."""
LATE_MESSAGE = "late"
REPEATED_MESSAGE = "repeated"


class SimulatedWorld(FaultySender):
    """A world whose events are JSON objects with an event time; most write to one topic.

    Args:
        shares: what goes wrong and how often.
        seed: of all random choices.
        start_ms: the moment at which it begins, in ms since 1970.
    """

    name: ClassVar[str]
    """The system's name."""
    topic: ClassVar[str]
    """Where its events go if it names no other topic."""
    more_topics: ClassVar[tuple[str, ...]] = ()
    tolerance_ms: ClassVar[int]
    """An event that reaches Kafka more than this after its own time is late."""
    late_to_ms: ClassVar[int]
    """No late event comes later than this after its own time."""
    window_ms: ClassVar[int]
    """Windows in which `progress` counts."""
    keeps_counting: ClassVar[bool] = False

    def __init__(self, shares: Shares, seed: int, start_ms: int) -> None:
        self.now_ms = start_ms
        self.seed = seed
        self.shares = shares
        self.counts = MessageCounts()
        self._rng = random.Random(seed)
        self._fault_rng = random.Random(f"faults of {seed}")
        self._pending = Agenda[Pending]()
        self._ties = 0
        self._formatted = TimestampFormatter()
        self.timely_duplicates = 0
        self.progress: dict[int, int] = {}
        """What a gold view counts, by start of the window: how a reader measures how far the views are behind."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it writes."""
        return (self.topic, *self.more_topics)

    @property
    def pending(self) -> int:
        """Events that are still to come of what has begun."""
        return len(self._pending)

    def advance(self, until_ms: int, budget: int | None) -> list[Event]:
        """Let time pass until `until_ms`: what is under way happens, new beginnings fill the budget."""
        events: list[Event] = []
        for due_ms, _, kind, data in self._pending.due(until_ms):
            if kind == LATE_MESSAGE:
                self._send_late(data, due_ms, events)
            elif kind == REPEATED_MESSAGE:
                self._repeat(data, due_ms, events)
            else:
                self._happen(kind, data, due_ms, events)
        beginnings = AS_MANY_AS_POSSIBLE if budget is None else max(budget - len(events), 0)
        span = until_ms - self.now_ms
        first = self.now_ms + 1
        number = 0
        while number < beginnings:
            # One beginning may make several messages at once.
            before = len(events)
            self._begin(first + span * number // beginnings, events)
            number += max(len(events) - before, 1)
        self.now_ms = until_ms
        return events

    @abstractmethod
    def _begin(self, now_ms: int, events: list[Event]) -> None:
        """Something new begins."""

    @abstractmethod
    def _happen(self, kind: str, data: Any, due_ms: int, events: list[Event]) -> None:
        """What was arranged with `_arrange` happens."""

    @abstractmethod
    def expected(self) -> list[Expected]:
        """What the views must show of everything that was sent so far."""

    @abstractmethod
    def summary(self) -> dict[str, object]:
        """The most telling exact counts, for people."""

    def report(self, now_ms: int) -> dict[str, object]:
        """The counts and what the views must show as plain values, ready for JSON."""
        return {
            "at": self._formatted(now_ms),
            **self.counts.message_report(),
            **self.summary(),
            "expected": [expected.as_json() for expected in self.expected()],
        }

    def _arrange(self, due_ms: int, kind: str, data: Any) -> None:
        self._ties += 1
        self._pending.add((due_ms, self._ties, kind, data))

    def _tell(
        self, key: str, fields: dict[str, Any], at_ms: int, events: list[Event], topic: str | None = None
    ) -> bool:
        """Send an event that happens at `at_ms`, or hold it back until it is late; True if it counts."""
        value = orjson.dumps(fields).decode()
        if self._fault_rng.random() < self.shares.late:
            due_ms = at_ms + self._fault_rng.randrange(self.tolerance_ms + 1_000, self.late_to_ms)
            self._arrange(due_ms, LATE_MESSAGE, [topic or self.topic, key, value, at_ms])
            return False
        self._event_ms = at_ms
        self._send((topic or self.topic, key, value, at_ms), events)
        return True

    def _send_late(self, data: Any, due_ms: int, events: list[Event]) -> None:
        topic, key, value, self._event_ms = data
        self.counts.late[topic] += 1
        self._send((topic, key, value, due_ms), events)

    def _send_again(self, event: Event, due_ms: int) -> None:
        topic, key, value, _ = event
        self._arrange(due_ms, REPEATED_MESSAGE, [topic, key, value, self._event_ms])

    def _repeat(self, data: Any, due_ms: int, events: list[Event]) -> None:
        topic, key, value, event_ms = data
        events.append((topic, key, value, due_ms))
        self.counts.sent[topic] += 1
        self.counts.duplicates[topic] += 1
        if due_ms - event_ms > self.tolerance_ms:
            self.counts.late[topic] += 1
        else:
            self.timely_duplicates += 1

    def _uuid(self) -> str:
        return uuid_text(self._rng.getrandbits(128))

    def _count_progress(self, at_ms: int) -> None:
        start = at_ms - at_ms % self.window_ms
        self.progress[start] = self.progress.get(start, 0) + 1

    def saved(self) -> dict[str, Any]:
        """Everything that is needed to go on later, as plain values for JSON; not what was counted."""
        return {
            "seed": self.seed,
            "now_ms": self.now_ms,
            "random": [self._rng.getstate(), self._fault_rng.getstate()],
            "pending": list(self._pending),
            "state": self._state(),
        }

    @abstractmethod
    def _state(self) -> Any:
        """What a subclass must keep besides, as plain values."""

    @abstractmethod
    def _restore(self, state: Any) -> None:
        """Take back what `_state` gave."""

    @classmethod
    def restored(cls, shares: Shares, saved: dict[str, Any]) -> Self:
        """The world that `saved` came from; its counts begin at nothing.

        Raises:
            ValueError, KeyError, TypeError: these are not the values that `saved` gave.
        """
        world = cls(shares, saved["seed"], saved["now_ms"])
        for rng, (version, state, gauss) in zip((world._rng, world._fault_rng), saved["random"], strict=True):
            rng.setstate((version, tuple(state), gauss))
        world._pending = Agenda((due_ms, tie, kind, data) for due_ms, tie, kind, data in saved["pending"])
        world._ties = max((entry[1] for entry in world._pending), default=0)
        world._restore(saved["state"])
        return world
