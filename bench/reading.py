"""Reads whole topics: the messages that were prepared, and what a stack has written.

In: a broker and a topic's name. Out: every message up to the end that the topic has now.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from bench.home import BenchError
from stack.topics import quiet_log

BATCH = 20_000
DEADLINE_SECONDS = 60.0


def read_topic(brokers: str, topic: str, *, is_committed_only: bool = True) -> Iterator[list[Any]]:
    """Batches of confluent-kafka messages, from the first to the last.

    Raises:
        BenchError: there is no such topic, or the broker stopped answering.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "bench",
            "enable.auto.commit": False,
            "isolation.level": "read_committed" if is_committed_only else "read_uncommitted",
            # The end of a partition is told also where its last entries are marks of transactions.
            "enable.partition.eof": True,
            "fetch.message.max.bytes": 16 << 20,
            "queued.max.messages.kbytes": 128 << 10,
        },
        logger=quiet_log,
    )
    try:
        found = consumer.list_topics(timeout=20.0).topics.get(topic)
        if found is None:
            raise BenchError(f"there is no topic {topic} on {brokers}")
        consumer.assign([TopicPartition(topic, number, 0) for number in found.partitions])
        open_partitions = set(found.partitions)
        heard = time.monotonic()
        while open_partitions:
            # It waits until the batch is full: at the end of the topic in vain.
            messages = consumer.consume(BATCH, timeout=0.5)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > DEADLINE_SECONDS:
                raise BenchError(f"{topic} on {brokers} could not be read to its end")
            batch = []
            for message in messages:
                if (error := message.error()) is None:
                    batch.append(message)
                elif error.name() == "_PARTITION_EOF":
                    open_partitions.discard(message.partition())
                else:
                    raise BenchError(f"{topic}: {error.str()}")
            if batch:
                yield batch
    except KafkaException as error:
        raise BenchError(f"{topic} on {brokers}: {error.args[0].str()}") from error
    finally:
        consumer.close()


def compacted(brokers: str, topic: str) -> tuple[dict[bytes, bytes], int, int]:
    """What the topic replays to: the last value of each key; and how many messages and tombstones it has."""
    last: dict[bytes, bytes] = {}
    messages = tombstones = 0
    for batch in read_topic(brokers, topic):
        for message in batch:
            key, value = message.key() or b"", message.value()
            messages += 1
            if value is None:
                tombstones += 1
                last.pop(key, None)
            else:
                last[key] = value
    return last, messages, tombstones
