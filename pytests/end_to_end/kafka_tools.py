"""What the tests around Kafka share: unique topics, writing and reading messages, waiting with a deadline."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from mzlite.kafka.client import ensure_topic, quiet

T = TypeVar("T")
DEADLINE = 60.0


@dataclass(frozen=True)
class Read:
    """A message as a consumer of committed messages sees it."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int = 0
    offset: int = 0


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def create_topic(brokers: str, *, partitions: int = 1, settings: dict[str, str] | None = None) -> str:
    topic = unique("test")
    ensure_topic({"bootstrap.servers": brokers}, topic, partitions=partitions, settings=settings)
    return topic


def produce(brokers: str, topic: str, messages: Iterable[tuple[bytes | None, bytes | None]], **fields: object) -> None:
    """Write (key, value) pairs; `fields` go to every message: partition, headers, timestamp."""
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0, "message.max.bytes": 20 << 20})
    for key, value in messages:
        producer.produce(topic, value, key, **fields)  # type: ignore[arg-type]
    assert producer.flush(DEADLINE) == 0


def read_committed(brokers: str, topic: str) -> list[Read]:
    """Every committed message of a topic, partition by partition in order."""
    consumer = Consumer(
        quiet(
            {"bootstrap.servers": brokers},
            **{
                "group.id": unique("reader"),
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
            },
        )
    )
    try:
        partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        open_partitions, found = set(partitions), list[Read]()
        deadline = time.monotonic() + DEADLINE
        while open_partitions:
            assert time.monotonic() < deadline
            message = consumer.poll(1.0)
            if message is None:
                continue
            error = message.error()
            if error is None:
                headers = [(name, bytes(value)) for name, value in message.headers() or []]
                found.append(
                    Read(message.key(), message.value(), headers, message.partition() or 0, message.offset() or 0)
                )
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                open_partitions.discard(message.partition())
        return sorted(found, key=lambda read: (read.partition, read.offset))
    finally:
        consumer.close()


def wait_for(condition: Callable[[], T | None], deadline: float = DEADLINE) -> T:
    """Ask again and again until the answer is true, and return it."""
    until = time.monotonic() + deadline
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)
