"""What a sink's topic shows, for a sink whose database is older than its topic: a backup was restored.

In: a sink. Out: the last value of each key that a consumer of committed messages sees. From the difference to what the
sunk relation holds the publisher makes the messages that bring the topic in line, so that nothing is published again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from mzlite.kafka.client import quiet, topic_partitions
from mzlite.kafka.spec import SinkSpec

SILENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Snapshot:
    """All that a sunk relation holds is in the outbox, and nothing older.

    Attributes:
        timestamp: of these rows.
        sequence: of the last of them; 0 if there is none.
    """

    timestamp: int
    sequence: int


@dataclass(frozen=True)
class Shown:
    """The last message of a key, and where it is."""

    value: bytes
    partition: int


def last_values(spec: SinkSpec) -> dict[bytes | None, Shown]:
    """What is left of a keyed topic; keys whose last message is a tombstone are not there.

    Raises:
        KafkaException: it cannot be read to its end.
    """
    settings = {
        "group.id": f"materialize-{spec.sink_id}-restored",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
    open_partitions = set(topic_partitions(spec.client, spec.topic))
    consumer = Consumer(quiet(spec.client, **settings))
    found: dict[bytes | None, Shown] = {}
    try:
        consumer.assign([TopicPartition(spec.topic, partition, OFFSET_BEGINNING) for partition in open_partitions])
        heard = time.monotonic()
        while open_partitions:
            message = consumer.poll(1.0)
            if message is None:
                if time.monotonic() > heard + SILENCE_SECONDS:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the topic was not readable up to its end"))
                continue
            heard = time.monotonic()
            error, partition, value = message.error(), message.partition(), message.value()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF and partition is not None:
                    open_partitions.discard(partition)
                elif error.fatal() or not error.retriable():
                    raise KafkaException(error)
            elif value is None:
                found.pop(message.key(), None)
            else:
                assert partition is not None
                found[message.key()] = Shown(value, partition)
        return found
    finally:
        consumer.close()
