"""The position of a sink, kept in Kafka beside its messages.

In: a sink's spec. Out: the last committed `Position`, and the record that commits the next one.
Every transaction of a sink ends with one record in the progress topic, so messages and position
become visible together. The key is the sink; the topic is compacted.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from mzlite.kafka.client import REQUEST_TIMEOUT, Config, ensure_topic, quiet
from mzlite.kafka.spec import SinkSpec

PARTITION = 0
FIRST_WINDOW = 100
SETTINGS = {
    "cleanup.policy": "compact",
    # Small segments, because only closed ones are compacted.
    "segment.bytes": str(16 * 1024 * 1024),
    "min.cleanable.dirty.ratio": "0.1",
}
READ_TIMEOUT = 60.0


@dataclass(frozen=True)
class Position:
    """How far a sink has come.

    Attributes:
        sequence: the last published outbox row.
        timestamp: its logical time in milliseconds since 1970; everything up to it is published.
        version: one more with each instance that took the sink over.
        instance: which instance wrote it.
        restored: after which restoration of a backup, if there was one, the topic was last brought in line.
    """

    sequence: int = 0
    timestamp: int = 0
    version: int = 0
    instance: str = ""
    restored: str = ""

    def encode(self) -> bytes:
        """The record's value.

        >>> Position(7, 1000, 2, "x").encode()
        b'{"frontier":[1001],"version":2,"sequence":7,"instance":"x"}'
        """
        fields = {
            "frontier": [self.timestamp + 1],
            "version": self.version,
            "sequence": self.sequence,
            "instance": self.instance,
        }
        if self.restored:
            fields["restored"] = self.restored
        return json.dumps(fields, separators=(",", ":")).encode()

    @staticmethod
    def decode(value: bytes) -> Position:
        """The inverse of `encode`."""
        fields = json.loads(value)
        return Position(
            fields["sequence"],
            fields["frontier"][0] - 1,
            fields["version"],
            fields["instance"],
            fields.get("restored", ""),
        )


def progress_key(sink_id: str) -> bytes:
    """The key of a sink's records."""
    return f"mz-sink-{sink_id}".encode()


def ensure_progress_topic(spec: SinkSpec) -> None:
    """Create the progress topic unless it is there."""
    ensure_topic(
        spec.client,
        spec.progress_topic,
        partitions=1,
        replication_factor=spec.progress_replication_factor,
        settings=SETTINGS,
    )


def read_position(spec: SinkSpec) -> Position:
    """The last committed position, or the zero one.

    To be called after `init_transactions`, which settles what an earlier instance left open. Records
    behind another sink's open transaction are not readable yet, so this waits until the topic is
    readable up to its true end; otherwise an old position could be taken for the last one.

    Raises:
        KafkaException: no broker answers, or another sink's transaction stays open for too long.
    """
    end = _true_end(spec)
    consumer = Consumer(_configuration(spec, "read_committed"))
    try:
        where = TopicPartition(spec.progress_topic, PARTITION)
        low, _high = consumer.get_watermark_offsets(where, timeout=REQUEST_TIMEOUT)
        # The sink's last record is most likely near the end: look there first, then further and further back.
        window, upper = FIRST_WINDOW, end
        while upper > low:
            lower = max(low, upper - window)
            found = _last_record(consumer, spec, lower, upper)
            if found is not None:
                return found
            window, upper = 8 * window, lower
        return Position()
    finally:
        consumer.close()


def _configuration(spec: SinkSpec, isolation: str) -> Config:
    return quiet(
        spec.client,
        **{
            "group.id": f"materialize-{spec.sink_id}-progress",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": isolation,
            "enable.partition.eof": True,
        },
    )


def _true_end(spec: SinkSpec) -> int:
    """The offset after the last record, those of open transactions included."""
    consumer = Consumer(_configuration(spec, "read_uncommitted"))
    try:
        where = TopicPartition(spec.progress_topic, PARTITION)
        _low, high = consumer.get_watermark_offsets(where, timeout=REQUEST_TIMEOUT)
        return int(high)
    finally:
        consumer.close()


def _last_record(consumer: Consumer, spec: SinkSpec, lower: int, upper: int) -> Position | None:
    """The sink's last record with an offset from `lower` up to, not including, `upper`."""
    consumer.assign([TopicPartition(spec.progress_topic, PARTITION, lower)])
    key, found = progress_key(spec.sink_id), None
    deadline = time.monotonic() + READ_TIMEOUT
    while time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is None:
            continue
        error, offset = message.error(), message.offset()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            if error.fatal() or not error.retriable():
                raise KafkaException(error)
        elif offset is not None and offset >= upper:
            return found
        elif error is None and message.key() == key and (value := message.value()) is not None:
            found = Position.decode(value)
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the progress topic was not readable up to its end"))
