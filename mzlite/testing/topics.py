"""Kafka topics of a test.

In: events. Out: messages that the broker has acknowledged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import Producer

from mzlite.kafka.client import ensure_topic

FLUSH_SECONDS = 30.0
Event = Mapping[str, Any] | list[Any] | str | bytes | None


class Topic:
    """One topic.

    Args:
        brokers: bootstrap servers.
        name: its name; it is created if it does not exist.
    """

    def __init__(self, brokers: str, name: str, partitions: int = 1) -> None:
        self.name = name
        self._producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0})
        ensure_topic({"bootstrap.servers": brokers}, name, partitions=partitions)

    def write(self, events: Iterable[Event], *, key: str | bytes | None = None, timestamp: int | None = None) -> None:
        """Write events: bytes and text as they are, None as a message without a value, anything else as JSON.

        Args:
            key: the messages' key.
            timestamp: their Kafka timestamp, ms since 1970; the broker's time without it.

        Raises:
            AssertionError: the broker did not acknowledge them all in time.
        """
        fields: dict[str, Any] = {} if timestamp is None else {"timestamp": timestamp}
        for event in events:
            value = event if isinstance(event, str | bytes | None) else json.dumps(event)
            self._producer.produce(self.name, value, key, **fields)
        left = self._producer.flush(FLUSH_SECONDS)
        assert left == 0, f"{left} messages to {self.name} were not acknowledged within {FLUSH_SECONDS} s"
