"""Reads the alert topic back, as another system would: committed messages only.

In: the broker and a topic. Out: each alert and each tombstone as it arrives, and the state that
the topic replays to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from stack.topics import quiet_log


@dataclass(frozen=True)
class Alert:
    """One delayed order, as the topic tells of it.

    Attributes:
        order_id: the message's key.
        restaurant_key: may be missing.
        delay_minutes: whole minutes.
        since_ms: when it became delayed, in ms since 1970.
        seen_ms: when we read it.
    """

    order_id: str
    restaurant_key: str
    delay_minutes: int
    since_ms: float
    seen_ms: float


class AlertReader(threading.Thread):
    """Follows the topic from its beginning.

    Args:
        brokers: bootstrap servers.
        topic: its name; it may come into being later.
        on_alert: called from this thread for every alert.
    """

    def __init__(self, brokers: str, topic: str, on_alert: Callable[[Alert], None]) -> None:
        super().__init__(name=f"consume {topic}", daemon=True)
        self.open: dict[str, Alert] = {}
        """The orders that are delayed according to the topic."""
        self.alerts = 0
        self.tombstones = 0
        self.unreadable = 0
        self.error: str | None = None
        self._brokers = brokers
        self._topic = topic
        self._on_alert = on_alert
        self._ending = threading.Event()

    def run(self) -> None:
        """Read until `stop`."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._brokers,
                "group.id": "hotplate-demo",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 100,
            },
            logger=quiet_log,
        )
        try:
            if self._assign(consumer):
                while not self._ending.is_set():
                    self._read(consumer)
        except KafkaException as error:
            self.error = error.args[0].str()
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> bool:
        while not self._ending.is_set():
            topic = consumer.list_topics(timeout=10.0).topics.get(self._topic)
            if topic is not None and topic.partitions:
                consumer.assign([TopicPartition(self._topic, number, OFFSET_BEGINNING) for number in topic.partitions])
                return True
            self._ending.wait(0.25)
        return False

    def _read(self, consumer: Consumer) -> None:
        message = consumer.poll(0.2)
        if message is None:
            return
        if (error := message.error()) is not None:
            self.error = error.str()
            return
        order_id = (message.key() or b"").decode(errors="replace")
        value = message.value()
        if value is None:
            self.tombstones += 1
            self.open.pop(order_id, None)
            return
        try:
            alert = parse_alert(order_id, value, time.time() * 1000)
        except (ValueError, KeyError, TypeError):
            self.unreadable += 1
            return
        self.alerts += 1
        self.open[order_id] = alert
        self._on_alert(alert)

    def stop(self) -> None:
        """End it, and wait for that at most two seconds."""
        self._ending.set()
        if self.is_alive():
            self.join(2.0)


def parse_alert(order_id: str, value: bytes, seen_ms: float) -> Alert:
    """The alert in a message's JSON value.

    Raises:
        ValueError, KeyError, TypeError: it is not one.
    """
    fields = orjson.loads(value)
    return Alert(
        order_id=order_id,
        restaurant_key=str(fields.get("restaurant_key") or ""),
        delay_minutes=int(float(fields["delay_minutes"])),
        since_ms=float(fields["timestamp"]),
        seen_ms=seen_ms,
    )
