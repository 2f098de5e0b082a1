"""Reads one topic for one source.

In: an `IngestSpec` and the offsets that the last committed tick recorded. Out: packed rows in a `Buffer`, from which
the engine's thread takes `Batch`es. One thread consumes and packs ahead, while the engine's thread is busy in
PostgreSQL; how far ahead is bounded in bytes. Offsets live in PostgreSQL only: no consumer group, nothing is committed
to Kafka.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import cast

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from mzlite.kafka.buffer import Batch, Buffer
from mzlite.kafka.client import quiet
from mzlite.kafka.pack import Message, packer
from mzlite.kafka.spec import IngestSpec
from mzlite.kafka.status import Health, SourceStatus

log = structlog.get_logger(__name__)

MESSAGES_AT_ONCE = 1000
POLL_SECONDS = 0.25
METADATA_TIMEOUT = 5.0
STOP_SECONDS = 10.0
RETRY_SECONDS = 1.0
NOTE_SECONDS = 0.5
ABSENCES_UNTIL_DELETED = 3
"""A topic counts as deleted when this many looks in a row do not find it: a starting broker may not know it yet."""

BROKER_ERRORS = (
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError._RESOLVE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)


class Ingest:
    """The reader of one source; create, `start`, `take` again and again, `stop`.

    Args:
        spec: the source.
        offsets: the next offset by partition, as recorded by the last tick; it goes before `spec.start_offsets`.
        wake: called, from the reader's thread, when there is something to take or the status changed.
    """

    def __init__(self, spec: IngestSpec, offsets: dict[int, int], wake: Callable[[], None]) -> None:
        self.spec = spec
        self._recorded = dict(offsets)
        self._wake = wake
        self._pack = packer(spec)
        self._buffer = Buffer(spec.buffer_bytes, by_key=spec.upsert)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ingest-{spec.source_id}", daemon=True)
        self._health = Health(wake)
        self._positions = dict(offsets)
        self._ends: dict[int, int] = {}
        self._high: dict[int, int] = {}
        self._reached: dict[int, int] = {}
        self._snapshot: dict[int, tuple[int, int]] = {}
        self._looked = bool(offsets)
        self._absences = 0
        self._noted = 0.0
        self._note: str | None = None
        self._messages_received = 0
        self._bytes_received = 0
        self._newest = -1

    def start(self) -> None:
        """Begin to read, in a thread of its own."""
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop reading; with `wait`, until the thread has ended, which may take a broker's time to answer."""
        self._stopping.set()
        self._buffer.wake()
        if wait and self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    @property
    def status(self) -> SourceStatus:
        """How it goes, at this moment; may be read from any thread."""
        return SourceStatus(
            status=self._health.status,
            error=self._health.error,
            positions=dict(self._positions),
            ends={partition: max(end, self._high.get(partition, 0)) for partition, end in self._ends.copy().items()},
            messages_received=self._messages_received,
            bytes_received=self._bytes_received,
            buffered_bytes=self._buffer.size,
            newest_timestamp=self._newest,
            reached=dict(self._reached),
            note=self._note,
            snapshot=dict(self._snapshot),
        )

    def waiting(self) -> list[tuple[int, int]]:
        """What is there to take, piece by piece in order: (newest Kafka timestamp in ms, messages)."""
        return self._buffer.waiting()

    def take(self, max_rows: int, max_bytes: int, *, ahead: bool = False) -> Batch | None:
        """What has arrived, in order, or None, at most so many messages and bytes of rows; never blocks.

        Args:
            ahead: it is for a later tick than the one that may run now, and counts as buffered until `hand_over`.
        """
        return self._buffer.take(max_rows, max_bytes, ahead=ahead)

    def hand_over(self, batch: Batch) -> None:
        """A batch that was taken ahead becomes part of a tick."""
        self._buffer.hand_over(batch)

    def give_back(self, batch: Batch) -> None:
        """Undo the last `take`, for a tick that was rolled back: the same messages are taken again.

        Several batches go back in the opposite order of their taking.
        """
        self._buffer.give_back(batch)
        self._wake()

    # The reader's thread -----------------------------------------------------

    def _run(self) -> None:
        pause = 0.1
        while not self._stopping.is_set() and not self._health.failed:
            try:
                self._read()
            except KafkaException as error:
                self._health.stalled(str(error.args[0]))
                log.warning("reading a topic failed", source=self.spec.source_id, error=str(error))
                self._stopping.wait(pause)
                pause = min(2 * pause, 10.0)
            except Exception as error:
                log.exception("a source failed", source=self.spec.source_id)
                self._fail(f"internal error: {error}")

    def _read(self) -> None:
        consumer = Consumer(self._configuration())
        try:
            if not self._refresh_until_found(consumer):
                return
            refreshed = time.monotonic()
            while not self._stopping.is_set() and not self._health.failed:
                if not self._buffer.wait_for_space(POLL_SECONDS):
                    continue
                self._consume(consumer)
                interval = RETRY_SECONDS if self._health.status != "running" else self.spec.refresh_interval
                if time.monotonic() - refreshed >= interval:
                    self._refresh(consumer)
                    refreshed = time.monotonic()
                self._look_at_ends(consumer)
        finally:
            consumer.close()

    def _configuration(self) -> dict[str, object]:
        return quiet(
            self.spec.client,
            **{
                # librdkafka wants a group's name even when nothing uses it.
                "group.id": f"materialize-{self.spec.source_id}",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "queued.min.messages": 100_000,
                # How long to wait before fetching again after the queue was full; the default is a second.
                "fetch.queue.backoff.ms": 10,
                "queued.max.messages.kbytes": 16 * 1024,
                "fetch.message.max.bytes": 4 * 1024 * 1024,
                "topic.metadata.refresh.interval.ms": 30_000,
                "error_cb": self._on_error,
            },
        )

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in BROKER_ERRORS:
            self._health.stalled(error.str())

    def _look_at_ends(self, consumer: Consumer) -> None:
        """Notes how far the topic goes, as the last fetched messages told: nothing is asked."""
        if time.monotonic() < self._noted + NOTE_SECONDS:
            return
        self._noted = time.monotonic()
        for partition in list(self._ends):
            _, high = consumer.get_watermark_offsets(TopicPartition(self.spec.topic, partition), cached=True)
            # These count what readers of committed messages do not see yet, so `_ends` is kept apart.
            self._high[partition] = max(high, 0)

    def _consume(self, consumer: Consumer) -> None:
        first = consumer.poll(POLL_SECONDS)
        if first is None:
            return
        # One has come; with it comes what else has already been fetched.
        messages = [first, *consumer.consume(MESSAGES_AT_ONCE - 1, 0)]
        if any(message.error() is not None for message in messages):
            for message in messages:
                if (error := message.error()) is None:
                    continue
                partition, offset = message.partition(), message.offset()
                if error.code() == KafkaError._PARTITION_EOF and partition is not None and offset is not None:
                    self._reached[partition] = offset
                else:
                    self._handle(consumer, error, message)
            messages = [message for message in messages if message.error() is None]
        if not messages:
            return
        packed = self._pack(cast("list[Message]", messages))
        self._messages_received += len(messages)
        self._bytes_received += packed.size
        self._newest = max(self._newest, *packed.timestamps)
        self._positions.update(packed.next_offsets())
        self._buffer.put(packed)
        if self._health.status != "running":
            self._health.running()
        self._wake()

    def _handle(self, consumer: Consumer, error: KafkaError, message: object) -> None:
        code = error.code()
        if code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            self._reposition(consumer, message.partition())  # type: ignore[attr-defined]
        elif code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION):
            self._refresh(consumer)
        elif error.fatal():
            raise KafkaException(error)
        else:
            self._health.stalled(error.str())

    def _reposition(self, consumer: Consumer, partition: int) -> None:
        """The broker does not have the offset that was asked for: it has expired, or the topic is another."""
        low, high = consumer.get_watermark_offsets(TopicPartition(self.spec.topic, partition), timeout=METADATA_TIMEOUT)
        position = self._positions.get(partition, 0)
        if position > high:
            self._fail(_recreated(partition, position, high))
            return
        self._note_expired(partition, position, low)
        self._positions[partition] = low
        consumer.seek(TopicPartition(self.spec.topic, partition, low))

    def _note_expired(self, partition: int, position: int, low: int) -> None:
        self._note = f"messages expired before they were read: offsets {position} to {low - 1} of partition {partition}"
        log.warning(self._note, source=self.spec.source_id, topic=self.spec.topic)

    # Metadata ----------------------------------------------------------------

    def _refresh_until_found(self, consumer: Consumer) -> bool:
        while not self._stopping.is_set() and not self._health.failed:
            if self._refresh(consumer):
                return True
            self._stopping.wait(RETRY_SECONDS)
        return False

    def _refresh(self, consumer: Consumer) -> bool:
        """Look at the topic: assign new partitions, notice a deleted or recreated one. True when it is there."""
        topic = self.spec.topic
        try:
            found = consumer.list_topics(topic, timeout=METADATA_TIMEOUT).topics.get(topic)
            if found is None or found.error is not None:
                return self._not_found(None if found is None else found.error)
            self._absences = 0
            known = {item.partition for item in consumer.assignment()}
            if len(found.partitions) < len(known):
                regressed = f"from {len(known)} to {len(found.partitions)}"
                self._fail(f"Source error: topic was recreated: partition count regressed {regressed}")
                return False
            added = sorted(set(found.partitions) - known)
            for partition in sorted(found.partitions):
                if not self._look_at(consumer, partition, starting=partition in added):
                    return False
            self._looked = True
            if added:
                start = [TopicPartition(topic, partition, self._positions[partition]) for partition in added]
                consumer.incremental_assign(start)
                log.info("reading partitions", source=self.spec.source_id, topic=topic, partitions=added)
        except KafkaException as error:
            self._health.stalled(error.args[0].str())
            return False
        self._health.running()
        return True

    def _not_found(self, error: KafkaError | None) -> bool:
        if error is not None and error.code() not in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            self._health.stalled(error.str())
            return False
        self._absences += 1
        if self._absences >= ABSENCES_UNTIL_DELETED:
            self._fail("Source error: topic was deleted")
        else:
            self._health.stalled("Topic does not exist")
        return False

    def _look_at(self, consumer: Consumer, partition: int, *, starting: bool) -> bool:
        where = TopicPartition(self.spec.topic, partition)
        low, high = consumer.get_watermark_offsets(where, timeout=METADATA_TIMEOUT)
        known = max(self._ends.get(partition, 0), self._recorded.get(partition, 0))
        if high < known:
            self._fail(_recreated(partition, known, high))
            return False
        self._ends[partition] = high
        if starting:
            wanted = self._positions.get(partition, self.spec.start_offsets.get(partition, 0))
            if wanted < low and partition in self._recorded:
                self._note_expired(partition, wanted, low)
            self._positions[partition] = max(wanted, low)
            if not self._looked:
                self._snapshot[partition] = (self._positions[partition], max(high, self._positions[partition]))
        return True

    def _fail(self, text: str) -> None:
        """End the source for good: what has been read is still taken, then the error."""
        self._buffer.fail(text)
        self._health.fail(text)


def _recreated(partition: int, before: int, after: int) -> str:
    return (
        f"Source error: topic was recreated: high watermark of partition {partition} regressed from {before} to {after}"
    )
