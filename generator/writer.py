"""Writes events to Kafka as fast as they come, losing none.

In: lists of events. Out: messages in the topics, with their own timestamps, from an idempotent
producer: a retry inside the client neither repeats nor reorders them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Producer

from generator.events import Event

SETTINGS: dict[str, Any] = {
    "enable.idempotence": True,
    # The partitioner of the Java client, so that keys meet in the same partition whoever writes them.
    "partitioner": "murmur2_random",
    "linger.ms": 20,
    "batch.num.messages": 20_000,
    "batch.size": 1_000_000,
    "queue.buffering.max.messages": 200_000,
    # A report per message would cost more than producing it; failures are reported all the same.
    "delivery.report.only.error": True,
    "message.timeout.ms": 120_000,
}

BUSY_RATE = 2_000
"""From so many events/s on they are gathered for longer before they are sent."""
BUSY_SETTINGS: dict[str, Any] = {"linger.ms": 60}
"""Each request costs the broker, and whoever reads at the end of the topics, much more than a message in it."""

# The client's own words about connections are for debugging; failures that matter come as errors.
_client_log = logging.getLogger("hotplate.generator.kafka")
_client_log.addHandler(logging.NullHandler())
_client_log.propagate = False


class WriteError(Exception):
    """Messages could not be written; the text says how many and why."""


def settings_at(rate: float) -> dict[str, Any]:
    """What suits a rate in events/s, 0 being as many as possible, in place of the usual settings."""
    return BUSY_SETTINGS if rate == 0 or rate >= BUSY_RATE else {}


class EventWriter:
    """An idempotent producer; use it as a context manager.

    Args:
        brokers: bootstrap servers, host:port[,host:port].
        settings: librdkafka settings in addition to, or in place of, the usual ones.
    """

    def __init__(self, brokers: str, settings: dict[str, Any] | None = None) -> None:
        self.brokers = brokers
        self._failed = 0
        self._failure = ""
        self._fatal: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "client.id": "hotplate-generator",
                "error_cb": self._on_error,
                "on_delivery": self._on_delivery,
                **SETTINGS,
                **(settings or {}),
            },
            logger=_client_log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush(10.0 if kind else 60.0)

    def wait_for_topics(self, topics: Sequence[str], timeout: float = 30.0) -> None:
        """Return when the broker answers and has all of the topics.

        Raises:
            WriteError: it does not within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        missing: list[str] = list(topics)
        while time.monotonic() < deadline:
            try:
                known = self._producer.list_topics(timeout=2.0).topics
            except KafkaException:
                continue
            missing = [topic for topic in topics if topic not in known]
            if not missing:
                return
            time.sleep(0.1)
        raise WriteError(f"no broker with the topics {', '.join(missing)} answers on {self.brokers}")

    def write(self, events: Sequence[Event]) -> None:
        """Hand the events to the client; waits while its buffer is full.

        Raises:
            WriteError: the broker refused earlier messages for good.
        """
        produce = self._producer.produce
        for topic, key, value, timestamp in events:
            while True:
                try:
                    # By position, which is quicker: partition and callback are the usual ones.
                    produce(topic, value, key, -1, None, None, timestamp)
                    break
                except BufferError:
                    # The buffer is full: the broker is slower than we are.
                    self._producer.poll(0.05)
                    self._check()
        self._producer.poll(0)
        self._check()

    @property
    def waiting(self) -> int:
        """Messages that the broker has not yet acknowledged."""
        return len(self._producer)

    def flush(self, timeout: float = 60.0) -> None:
        """Return when the broker has acknowledged everything.

        Raises:
            WriteError: not all of it within `timeout` seconds, or some of it failed.
        """
        left = self._producer.flush(timeout)
        self._check()
        if left:
            raise WriteError(f"{left} messages were not acknowledged within {timeout:g} s by {self.brokers}")

    def _check(self) -> None:
        if self._fatal is not None:
            raise WriteError(f"the producer has stopped: {self._fatal.str()}")
        if self._failed:
            raise WriteError(f"{self._failed} messages could not be written: {self._failure}")

    def _on_delivery(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._failed += 1
            self._failure = error.str()

    def _on_error(self, error: KafkaError) -> None:
        # Anything else (a broker that is away for a while) the client mends itself.
        if error.fatal():
            self._fatal = error
