"""Publishes a sink's rows from the outbox to Kafka, each exactly once.

In: rows of `mzlite.outbox`, which the tick that made them has committed durably. Out: messages and
the sink's position in one Kafka transaction; then the rows are deleted. Whatever is killed when:
the position in Kafka says what has been published, so a repeated start deletes those rows and goes on
behind them. All rows of one timestamp become visible in one transaction.

After the restoration of a backup the topic is ahead of the database. Then nothing is published until the sources have
been read to their ends; the difference between what the relation holds by then and what the topic shows follows in one
transaction, and all goes on from there.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from mzlite.errors import MzError
from mzlite.kafka.client import ensure_topic, quiet, topic_partitions
from mzlite.kafka.progress import PARTITION, Position, ensure_progress_topic, progress_key, read_position
from mzlite.kafka.restored import Snapshot, last_values
from mzlite.kafka.spec import SinkSpec
from mzlite.kafka.status import Health, SinkStatus

log = structlog.get_logger(__name__)

ROWS_IN_A_TRANSACTION = 10_000
"""A transaction ends at the first timestamp's end behind this many rows."""
ROWS_AT_ONCE = 2_000
TRANSACTION_TIMEOUT_MS = 300_000
COMMIT_TIMEOUT = 60.0
COMMIT_ATTEMPT = 3.0
IDLE_SECONDS = 5.0
STOP_SECONDS = 10.0
"""A broker that does not answer holds nobody up for longer; what is left open then is settled at the next start."""
ERROR_SECONDS = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
TIMESTAMP_HEADER = "materialize-timestamp"
NOT_AGREED = (
    "restored from a backup: its topic has messages from after the backup, which only ENVELOPE UPSERT can correct;"
    " drop the sink and create another"
)

FENCED = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError._FATAL)
"""What a producer says that may have been shut out; where it has heard of it before, only that all is over."""


@dataclass(frozen=True)
class _Published:
    """What one transaction published."""

    position: Position
    messages: int
    size: int


class Publisher:
    """The writer of one sink; create, `start`, `notify` after each tick that made rows, `stop`.

    Args:
        spec: the sink.
        connect: gives a superuser connection of its own to the database that has the outbox.
        changed: called, from the publisher's thread, when the status changed.
        snapshot: puts all rows of the relation into the outbox, in the place of what is there, or says why not yet.
    """

    def __init__(
        self,
        spec: SinkSpec,
        connect: Callable[[], psycopg.Connection[Any]],
        changed: Callable[[], None] = lambda: None,
        snapshot: Callable[[], Snapshot | str] = lambda: "there is no snapshot",
    ) -> None:
        self.spec = spec
        self._connect = connect
        self._snapshot = snapshot
        self._instance = uuid.uuid4().hex
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"publish-{spec.sink_id}", daemon=True)
        self._health = Health(changed)
        self._position = Position()
        self._partitions = 1
        self._messages = 0
        self._bytes = 0

    def start(self) -> None:
        """Begin to publish, in a thread of its own."""
        self._thread.start()

    def notify(self) -> None:
        """There are new rows in the outbox."""
        self._news.set()

    def stop(self, *, wait: bool = True) -> None:
        """Stop after the transaction at hand; with `wait`, until the thread has ended, or STOP_SECONDS."""
        self._stopping.set()
        self._news.set()
        if wait and self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    @property
    def status(self) -> SinkStatus:
        """How it goes, at this moment; may be read from any thread."""
        return SinkStatus(
            status=self._health.status,
            error=self._health.error,
            sequence=self._position.sequence,
            timestamp=self._position.timestamp,
            messages_committed=self._messages,
            bytes_committed=self._bytes,
        )

    # The publisher's thread --------------------------------------------------

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set() and not self._health.failed:
            before = self._messages
            try:
                self._publish()
            except (KafkaException, psycopg.Error, MzError, OSError) as error:
                if self._stopping.is_set():
                    return
                if self._messages > before:
                    pause = FIRST_PAUSE
                if _is_fenced(error) and self._is_replaced():
                    self._health.fail("fenced off: another instance publishes this sink")
                    log.error("a sink was taken over by another instance", sink=self.spec.sink_id)
                    return
                self._health.stalled(_text(error))
                log.warning("publishing failed", sink=self.spec.sink_id, error=_text(error), retry_in=pause)
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Exception as error:
                log.exception("a sink failed", sink=self.spec.sink_id)
                self._health.fail(f"internal error: {error}")

    def _publish(self) -> None:
        """Take the sink over, then publish until told to stop."""
        spec = self.spec
        ensure_progress_topic(spec)
        ensure_topic(
            spec.client,
            spec.topic,
            partitions=spec.partitions,
            replication_factor=spec.replication_factor,
            settings=spec.topic_config,
        )
        self._partitions = len(topic_partitions(spec.client, spec.topic))
        producer = Producer(self._configuration())
        # Ends what an earlier instance left open, and shuts it out from now on.
        producer.init_transactions(COMMIT_TIMEOUT)
        found = read_position(spec)
        self._position = replace(found, version=found.version + 1, instance=self._instance)
        self._claim(producer)
        with self._connect() as connection:
            connection.autocommit = True
            connection.execute("set synchronous_commit = off")
            query = _query(connection)
            if not self._agree_with_topic(producer, connection, query):
                return
            self._forget_published(connection)
            while not self._stopping.is_set():
                self._news.clear()
                error = self._error_of_what_it_reads(connection)
                if error is not None:
                    # As in Materialize nothing is published past an error; when it goes, everything since follows.
                    self._health.stalled(error)
                    self._news.wait(ERROR_SECONDS)
                    continue
                self._health.running()
                published = self._publish_some(producer, connection, query)
                if published is None:
                    producer.poll(0)
                    self._news.wait(IDLE_SECONDS)
                    continue
                self._position = published.position
                self._messages += published.messages
                self._bytes += published.size
                self._forget_published(connection)

    def _agree_with_topic(self, producer: Producer, connection: psycopg.Connection[Any], query: str) -> bool:
        """Bring the topic in line, once after each restoration of a backup; False if nothing may be published."""
        row = connection.execute(
            "select restored, restored_at from mzlite.sinks where sink_id = %s", (self.spec.sink_id,)
        ).fetchone()
        if row is None or row[0] in (None, self._position.restored):
            return True
        restored, restored_at = row
        if self._position.timestamp <= restored_at:
            # Nothing was published since the backup; what is still in the outbox says how to go on.
            self._position = replace(self._position, restored=restored)
            return True
        if self.spec.envelope != "upsert":
            self._health.fail(NOT_AGREED)
            return False
        while isinstance(snapshot := self._snapshot(), str):
            self._health.stalled(snapshot)
            if self._stopping.wait(ERROR_SECONDS):
                return False
        shown = last_values(self.spec)
        producer.begin_transaction()
        messages = size = 0
        with connection.transaction(), connection.cursor("outbox") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(query, (self.spec.sink_id,))
            for sequence, timestamp, key, value, headers, partition_hash in cursor:
                if sequence > snapshot.sequence:
                    break
                last = shown.pop(_encoded(key, self.spec.key_format), None)
                if last is None or last.value != _encoded(value, self.spec.value_format):
                    size += self._produce(producer, timestamp, key, value, headers, partition_hash)
                    messages += 1
        for gone, last in shown.items():
            fields: dict[str, Any] = {"key": gone, "partition": last.partition}
            producer.produce(self.spec.topic, None, headers=[(TIMESTAMP_HEADER, str(snapshot.timestamp))], **fields)
            messages += 1
        log.warning("a sink's topic agrees again with its restored relation", sink=self.spec.sink_id, messages=messages)
        position = replace(self._position, sequence=snapshot.sequence, timestamp=snapshot.timestamp, restored=restored)
        self._produce_position(producer, position)
        self._commit(producer)
        self._position = position
        self._messages += messages
        self._bytes += size
        return True

    def _configuration(self) -> dict[str, Any]:
        return quiet(
            self.spec.client,
            **{
                "transactional.id": self.spec.transactional_id,
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 5,
                "compression.type": self.spec.compression,
                "partitioner": "murmur2_random",
                "message.max.bytes": 20 * 1024 * 1024,
                "queue.buffering.max.kbytes": 64 * 1024,
            },
        )

    def _claim(self, producer: Producer) -> None:
        """Write a position of this instance, by which an older one that is shut out sees that it was replaced."""
        producer.begin_transaction()
        self._produce_position(producer, self._position)
        self._commit(producer)

    def _produce_position(self, producer: Producer, position: Position) -> None:
        key = progress_key(self.spec.sink_id)
        producer.produce(self.spec.progress_topic, position.encode(), key=key, partition=PARTITION)

    def _publish_some(self, producer: Producer, connection: psycopg.Connection[Any], query: str) -> _Published | None:
        """Publish the next whole timestamps in one transaction; None when there is nothing."""
        position, messages, size = self._position, 0, 0
        with connection.transaction(), connection.cursor("outbox") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(query, (self.spec.sink_id,))
            for sequence, timestamp, key, value, headers, partition_hash in cursor:
                if messages >= ROWS_IN_A_TRANSACTION and timestamp != position.timestamp:
                    break
                if messages == 0:
                    producer.begin_transaction()
                size += self._produce(producer, timestamp, key, value, headers, partition_hash)
                position = replace(position, sequence=sequence, timestamp=timestamp)
                messages += 1
        if messages == 0:
            return None
        try:
            self._produce_position(producer, position)
            self._commit(producer)
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                producer.abort_transaction(COMMIT_TIMEOUT)
            raise
        return _Published(position, messages, size)

    def _produce(
        self,
        producer: Producer,
        timestamp: int,
        key: str | None,
        value: str | None,
        headers: dict[str, str | None] | None,
        partition_hash: int | None,
    ) -> int:
        key_bytes = _encoded(key, self.spec.key_format)
        value_bytes = _encoded(value, self.spec.value_format)
        all_headers: list[tuple[str, str | bytes | None]] = [(TIMESTAMP_HEADER, str(timestamp))]
        if headers:
            all_headers += headers.items()
        arguments: dict[str, Any] = {"key": key_bytes, "headers": all_headers}
        if partition_hash is not None:
            arguments["partition"] = partition_hash % self._partitions
        while True:
            try:
                producer.produce(self.spec.topic, value_bytes, **arguments)
                break
            except BufferError:
                producer.poll(0.1)
        return len(key_bytes or b"") + len(value_bytes or b"")

    def _forget_published(self, connection: psycopg.Connection[Any]) -> None:
        # Both bounds: after the restoration of a backup, sequence numbers come again, with later timestamps.
        connection.execute(
            "delete from mzlite.outbox where sink_id = %s and seq <= %s and ts <= %s",
            (self.spec.sink_id, self._position.sequence, self._position.timestamp),
        )

    def _commit(self, producer: Producer) -> None:
        """Commit, and go on trying while the outcome can still be learned.

        To give up is safe: the next start settles the transaction and reads what became of it.

        Raises:
            KafkaException: it cannot be committed, or this instance is to stop.
            MzError: the topic has been deleted, so the messages will never arrive.
        """
        while True:
            try:
                producer.commit_transaction(COMMIT_ATTEMPT)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or error.args[0].txn_requires_abort() or self._stopping.is_set():
                    raise
            # The producer itself would wait for a deleted topic as long as a transaction may take.
            topic_partitions(self.spec.client, self.spec.topic)

    def _error_of_what_it_reads(self, connection: psycopg.Connection[Any]) -> str | None:
        """Why the sunk relation cannot be read at present."""
        row = connection.execute(
            "with s as (select from_id from mzlite.sinks where sink_id = %s)"
            " select e.message from s inner join mzlite.errors as e on e.object_id = s.from_id"
            " union all select e.message from s"
            " inner join mzlite.source_errors as e on e.object_id = s.from_id limit 1",
            (self.spec.sink_id,),
        ).fetchone()
        return None if row is None else str(row[0])

    def _is_replaced(self) -> bool:
        """Shut out by another instance, and not merely because a transaction ran out of time."""
        try:
            return read_position(self.spec).version > self._position.version
        except KafkaException:
            return False


def _query(connection: psycopg.Connection[Any]) -> str:
    """The rows of a sink in order. Columns that only some sinks need may be absent from the outbox."""
    rows = connection.execute(
        "select attname from pg_attribute where attrelid = 'mzlite.outbox'::regclass and attnum > 0"
    ).fetchall()
    present = {row[0] for row in rows}
    headers = "headers" if "headers" in present else "null::jsonb"
    hashed = "partition_hash" if "partition_hash" in present else "null::bigint"
    return f"select seq, ts, key, value, {headers}, {hashed} from mzlite.outbox where sink_id = %s order by seq"


def _encoded(text: str | None, fmt: str | None) -> bytes | None:
    if text is None:
        return None
    # FORMAT BYTES travels through the outbox as hexadecimal digits.
    return bytes.fromhex(text) if fmt == "bytes" else text.encode()


def _is_fenced(error: BaseException) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in FENCED


def _text(error: BaseException) -> str:
    return str(error.args[0].str()) if isinstance(error, KafkaException) else str(error).strip()
