"""Sends good events, and now and then a copy or something broken beside them.

In: a world's good events. Out: messages, with exact counts of each kind. Faults come beside the good
events, never in place of them, so they change no other count.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import ClassVar

from generator.counts import MessageCounts
from generator.events import Event
from generator.faults import invalid, malformed
from generator.identifiers import uuid_text
from generator.shares import Shares

UUID_LENGTH = 36
RESEND_TO_MS = 20_000
"""A duplicate follows within this time."""


class FaultySender(ABC):
    """What worlds share about sending; each message of theirs begins with a UUID or with a key of another form."""

    shares: Shares
    counts: MessageCounts
    _fault_rng: random.Random
    """A generator of its own: the shares of faults do not change what happens in the world."""
    resend_to_ms: ClassVar[int] = RESEND_TO_MS

    @abstractmethod
    def _send_again(self, event: Event, due_ms: int) -> None:
        """Arrange that this message is sent a second time at `due_ms`."""

    def _send(self, event: Event, events: list[Event]) -> None:
        """A good event goes out; now and then its copy follows, or something broken beside it."""
        events.append(event)
        topic, key, value, now_ms = event
        self.counts.sent[topic] += 1
        shares = self.shares
        luck = self._fault_rng.random()
        if luck > shares.any_fault:
            return
        if luck < shares.duplicate:
            self._send_again(event, now_ms + self._fault_rng.randrange(1, self.resend_to_ms))
            return
        luck -= shares.duplicate
        if luck < shares.malformed:
            self._send_malformed(topic, key, str(value), now_ms, events)
        elif luck - shares.malformed < shares.invalid:
            self._send_invalid(topic, key, str(value), now_ms, events)

    def _send_malformed(self, topic: str, key: str | bytes | None, good: str, now_ms: int, events: list[Event]) -> None:
        rng = self._fault_rng
        # One in ten has no value at all, and of the others one in ten no usable key.
        if rng.random() < 0.1:
            self.counts.null_values[topic] += 1
            events.append((topic, key, None, now_ms))
        else:
            kind, broken = malformed(rng, topic, good)
            self.counts.malformed[topic, kind] += 1
            events.append((topic, rng.choice((None, b"\xff\xfe")) if rng.random() < 0.1 else key, broken, now_ms))
        self.counts.sent[topic] += 1

    def _send_invalid(self, topic: str, key: str | bytes | None, good: str, now_ms: int, events: list[Event]) -> None:
        # With an id of its own, so that it stands for no other event: each message with an id begins with it.
        start = good.index(':"') + 2
        alike = good
        if good.index('"', start) == start + UUID_LENGTH:
            alike = f"{good[:start]}{uuid_text(self._fault_rng.getrandbits(128))}{good[start + UUID_LENGTH :]}"
        rule, broken = invalid(self._fault_rng, topic, alike)
        self.counts.invalid[rule] += 1
        self.counts.sent[topic] += 1
        events.append((topic, key, broken, now_ms))
