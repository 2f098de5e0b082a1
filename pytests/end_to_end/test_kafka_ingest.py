"""Reading topics: rows and offsets, bad messages, and topics that change under a source."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from mzlite.dialect.definitions import Format, Include
from mzlite.errors import MzError
from mzlite.kafka.buffer import Batch
from mzlite.kafka.client import client_config, resolve_start, topic_partitions, validate
from mzlite.kafka.ingest import Ingest
from mzlite.kafka.spec import IngestSpec, source_columns
from pytests.conftest import JARS
from pytests.end_to_end.kafka_tools import create_topic, produce, unique, wait_for
from stack.broker import Broker, free_port

Field = bytes | None


def fields(copy_data: bytes) -> list[list[Field]]:
    """The rows of a binary COPY stream as lists of raw fields."""
    rows: list[list[Field]] = []
    at = 0
    while at < len(copy_data):
        (count,) = struct.unpack_from("!h", copy_data, at)
        at += 2
        row: list[Field] = []
        for _ in range(count):
            (length,) = struct.unpack_from("!i", copy_data, at)
            at += 4
            row.append(None if length < 0 else copy_data[at : at + length])
            at += max(length, 0)
        rows.append(row)
    return rows


@dataclass
class Reader:
    """An `Ingest` with what it gave so far."""

    ingest: Ingest
    rows: list[list[Field]] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    messages: int = 0

    def take(self, max_rows: int = 10_000, max_bytes: int = 1 << 24) -> Batch | None:
        batch = self.ingest.take(max_rows, max_bytes)
        if batch is not None:
            found = fields(batch.copy_data)
            assert len(found) == batch.rows
            self.rows += found
            self.batches.append(batch)
            self.offsets.update(batch.offsets)
            self.messages += batch.messages
            if batch.error is not None:
                self.errors.append(batch.error)
        return batch

    def until(self, condition: Callable[[], bool], deadline: float = 60) -> None:
        def attempt() -> bool:
            self.take()
            return condition()

        wait_for(attempt, deadline)


Open = Callable[..., Reader]


@pytest.fixture
def read(kafka: Broker) -> Iterator[Open]:
    """Starts readers; all are stopped at the end."""
    readers: list[Reader] = []

    def start(topic: str, fmt: Format = BYTES, *, offsets: dict[int, int] | None = None, **more: Any) -> Reader:
        includes = more.pop("includes", ())
        envelope = more.pop("envelope", "none")
        columns = tuple(column.name for column in source_columns(fmt, includes, envelope))
        more.setdefault("client", {"bootstrap.servers": kafka.bootstrap_servers})
        more.setdefault("refresh_interval", 0.5)
        spec = IngestSpec("u1", topic=topic, format=fmt, includes=includes, envelope=envelope, columns=columns, **more)
        reader = Reader(Ingest(spec, offsets or {}, lambda: None))
        reader.ingest.start()
        readers.append(reader)
        return reader

    yield start
    for reader in readers:
        reader.ingest.stop()


BYTES = Format(None, "bytes")
JSON = Format(None, "json")
KEY = (Include("key"),)
TEXTS = Format("text", "text")
UPSERT = Format("bytes", "json")

GOOD = (b"k", b'{"a": 1}')
BAD = {
    "value not UTF-8": (b"k2", b"\xff\xfe{"),
    "null value": (b"k", None),
    "null key": (None, b"{}"),
    "key not UTF-8": (b"\xff", b"{}"),
    "broken JSON": (b"k2", b'{"a"'),
}
EOF_ERROR = (
    "Decode error: Failed to decode JSON: EOF while parsing an object at line 1 column 4 "
    '(original text: {"a", original bytes: "7b226122")'
)
NO_VALUE = "Envelope error: Flat: Value not present for message"
NULL_KEY = (
    "Envelope error: Upsert: Null key: record with NULL key in UPSERT source; to retract this error, "
    "produce a record upstream with a NULL key and NULL value"
)
MATRIX: list[tuple[Format, tuple[Include, ...], str, int | str]] = [
    (JSON, (), "value not UTF-8",
     'Decode error: Failed to decode JSON: expected value at line 1 column 1 (original bytes: "fffe7b")'),
    (JSON, (), "null value", 1),
    (JSON, (), "null key", 2),
    (JSON, (), "key not UTF-8", 2),
    (JSON, (), "broken JSON", EOF_ERROR),
    (TEXTS, KEY, "value not UTF-8", 'Decode error: Failed to decode UTF-8 (original bytes: "fffe7b")'),
    (TEXTS, KEY, "null value", NO_VALUE),
    (TEXTS, KEY, "null key", 2),
    (TEXTS, KEY, "key not UTF-8", 'Decode error: Failed to decode UTF-8 (original bytes: "ff")'),
    (TEXTS, KEY, "broken JSON", 2),
    (Format("bytes", "bytes"), KEY, "value not UTF-8", 2),
    (Format("bytes", "bytes"), KEY, "null value", NO_VALUE),
    (Format("bytes", "bytes"), KEY, "null key", 2),
    (Format("bytes", "bytes"), KEY, "key not UTF-8", 2),
    (Format("bytes", "bytes"), KEY, "broken JSON", 2),
    (BYTES, (), "value not UTF-8", 2),
    (BYTES, (), "null value", 1),
    (BYTES, (), "null key", 2),
    (BYTES, (), "key not UTF-8", 2),
    (BYTES, (), "broken JSON", 2),
]  # fmt: skip


@pytest.mark.parametrize(("fmt", "includes", "bad", "expected"), MATRIX)
def test_a_bad_message_does_what_it_does_in_materialize(
    kafka: Broker, read: Open, fmt: Format, includes: tuple[Include, ...], bad: str, expected: int | str
) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [GOOD, BAD[bad]])
    reader = read(topic, fmt, includes=includes)
    reader.until(lambda: reader.messages == 2)
    if isinstance(expected, int):
        assert (len(reader.rows), reader.errors) == (expected, [])
    else:
        assert reader.errors == [expected]
    assert reader.offsets == {0: 2}


@pytest.mark.parametrize("inline", [False, True])
def test_upsert_rows_say_what_becomes_of_their_key(kafka: Broker, read: Open, inline: bool) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [GOOD, *BAD.values(), (None, None)])
    reader = read(
        topic, UPSERT, envelope="upsert-value-err-inline" if inline else "upsert", includes=(Include("offset"),)
    )
    reader.until(lambda: reader.messages == 7)
    assert reader.errors == []
    value, tombstone, error = (struct.pack("!h", mark) for mark in (0, 1, 2))
    shown = [(row[0], row[1], row[2] and row[2].decode(), *row[3:]) for row in reader.rows]
    offsets = [struct.pack("!q", offset) for offset in range(7)]
    not_utf8 = 'Failed to decode JSON: expected value at line 1 column 1 (original bytes: "fffe7b")'
    broken = EOF_ERROR.removeprefix("Decode error: ")
    if inline:

        def record(text: str) -> bytes:
            return struct.pack("!iii", 1, 25, len(text)) + text.encode()

        assert shown == [
            (b"\x01k", value, None, b"k", None, b'\x01{"a": 1}', offsets[0]),
            (b"\x01k2", value, None, b"k2", record(not_utf8), None, offsets[1]),
            (b"\x01k", tombstone, None, None, None, None, None),
            (b"\x00", error, NULL_KEY, None, None, None, None),
            (b"\x01\xff", value, None, b"\xff", None, b"\x01{}", offsets[4]),
            (b"\x01k2", value, None, b"k2", record(broken), None, offsets[5]),
            (b"\x00", tombstone, None, None, None, None, None),
        ]
    else:
        key = ", decoded key: Row{[Bytes([107, 50])]}"
        prefix = "Envelope error: Upsert: Value error: "
        assert shown == [
            (b"\x01k", value, None, b"k", b'\x01{"a": 1}', offsets[0]),
            (b"\x01k2", error, prefix + not_utf8 + key, None, None, None),
            (b"\x01k", tombstone, None, None, None, None),
            (b"\x00", error, NULL_KEY, None, None, None),
            (b"\x01\xff", value, None, b"\xff", b"\x01{}", offsets[4]),
            (b"\x01k2", error, prefix + broken + key, None, None, None),
            (b"\x00", tombstone, None, None, None, None),
        ]


def test_metadata_and_resuming_from_offsets(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers, partitions=2)
    for partition in (0, 1):
        for number in range(5):
            message = (b"k", f"{partition}/{number}".encode())
            produce(kafka.bootstrap_servers, topic, [message], partition=partition, timestamp=1_000_000 + number)
    includes = (Include("partition"), Include("offset"), Include("timestamp", alias="ts"))
    reader = read(topic, includes=includes, offsets={0: 2, 1: 4})
    reader.until(lambda: reader.messages == 4)
    decoded = sorted((row[0], *struct.unpack("!i", row[1]), *struct.unpack("!q", row[2])) for row in reader.rows)  # type: ignore[arg-type]
    assert decoded == [(b"0/2", 0, 2), (b"0/3", 0, 3), (b"0/4", 0, 4), (b"1/4", 1, 4)]
    microseconds = {struct.unpack("!q", row[3] or b"")[0] + 946_684_800_000_000 for row in reader.rows}
    assert microseconds == {1_000_002_000, 1_000_003_000, 1_000_004_000}
    assert reader.offsets == {0: 5, 1: 5}
    assert max(batch.newest_timestamp for batch in reader.batches) == 1_000_004


def test_batches_keep_to_their_limits_and_their_offsets_are_exact(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    values = [(None, b"%04d" % number if number % 3 else None) for number in range(100)]
    produce(kafka.bootstrap_servers, topic, values)
    reader = read(topic)
    wait_for(lambda: reader.ingest.status.messages_received == 100)
    while (batch := reader.take(max_rows=7)) is not None:
        assert batch.messages <= 7
        # A restart from these offsets must see exactly the rest.
        last = batch.offsets[0]
        seen = [row[0] for row in reader.rows]
        assert seen == [value for _, value in values[:last] if value is not None]
    assert reader.offsets == {0: 100}
    one = read(topic)
    wait_for(lambda: one.ingest.status.messages_received == 100)
    while (batch := one.take(max_bytes=25)) is not None:
        assert batch.rows <= 2


def test_what_a_rolled_back_tick_took_is_taken_again(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [(None, b"%d" % number) for number in range(10)])
    reader = read(topic)
    wait_for(lambda: reader.ingest.status.messages_received == 10)
    first, second = reader.ingest.take(4, 1000), reader.ingest.take(4, 1000)
    assert first is not None
    assert second is not None
    reader.ingest.give_back(second)
    reader.ingest.give_back(first)
    reader.until(lambda: reader.messages == 10)
    assert reader.rows == [[b"%d" % number] for number in range(10)]
    assert reader.ingest.status.buffered_bytes == 0


def test_what_is_taken_ahead_of_its_tick_counts_as_buffered(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [(None, b"%d" % number) for number in range(10)])
    reader = read(topic)
    wait_for(lambda: reader.ingest.status.messages_received == 10)
    all_bytes = reader.ingest.status.buffered_bytes
    first, second = reader.ingest.take(4, 1000, ahead=True), reader.ingest.take(10, 1000, ahead=True)
    assert first is not None
    assert second is not None
    assert reader.ingest.waiting() == []
    assert reader.ingest.status.buffered_bytes == all_bytes
    reader.ingest.hand_over(first)
    assert reader.ingest.status.buffered_bytes == len(second.copy_data)
    reader.ingest.give_back(second)
    assert reader.ingest.status.buffered_bytes == len(second.copy_data)
    reader.until(lambda: reader.messages == 6)
    assert reader.rows == [[b"%d" % number] for number in range(4, 10)]
    assert reader.ingest.status.buffered_bytes == 0


def test_memory_stays_bounded_when_nothing_is_taken(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [(None, b"x" * 1000)] * 20_000)
    reader = read(topic, buffer_bytes=1_000_000)
    wait_for(lambda: reader.ingest.status.buffered_bytes >= 1_000_000)
    time.sleep(0.5)
    status = reader.ingest.status
    assert status.buffered_bytes < 3_000_000
    assert status.lag > 10_000
    reader.until(lambda: reader.messages == 20_000)
    assert reader.ingest.status.lag == 0


def test_an_aborted_transaction_is_not_read(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": unique("t")})
    producer.init_transactions(30)
    for number, commit in enumerate((True, False, True)):
        producer.begin_transaction()
        producer.produce(topic, str(number).encode())
        producer.flush(30)
        (producer.commit_transaction if commit else producer.abort_transaction)(30)
    reader = read(topic)
    reader.until(lambda: len(reader.rows) == 2)
    assert reader.rows == [[b"0"], [b"2"]]


def test_headers(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [(None, b"v")], headers=[("h", b"1"), ("h", b"2"), ("n", None)])
    one = Include("header", alias="x", header_key="h")
    reader = read(topic, includes=(one,))
    reader.until(lambda: reader.messages == 1)
    assert reader.rows == [[b"v", b"2"]]
    other = read(topic, includes=(Include("header", alias="x", header_key="missing"),))
    other.until(lambda: bool(other.errors))
    assert other.errors == ["Source error: A header with key 'missing' was not found in the message headers"]


def test_new_partitions_are_found(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    reader = read(topic)
    produce(kafka.bootstrap_servers, topic, [(None, b"a")])
    reader.until(lambda: len(reader.rows) == 1)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    wait_for(lambda: topic_partitions({"bootstrap.servers": kafka.bootstrap_servers}, topic) == [0, 1, 2])
    produce(kafka.bootstrap_servers, topic, [(None, b"b")], partition=2)
    reader.until(lambda: len(reader.rows) == 2)
    assert reader.offsets == {0: 1, 2: 1}


def test_a_deleted_topic_ends_the_source_after_what_was_read(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [(None, b"a")])
    reader = read(topic)
    wait_for(lambda: reader.ingest.status.messages_received == 1)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.delete_topics([topic])[topic].result(30)
    reader.until(lambda: bool(reader.errors))
    assert reader.rows == [[b"a"]]
    assert reader.errors == ["Source error: topic was deleted"]
    assert reader.ingest.status.status == "stalled"


def test_a_recreated_topic_ends_the_source(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [(None, b"new")])
    # What is recorded is ahead of the topic: it is not the topic that was read before.
    reader = read(topic, offsets={0: 10})
    reader.until(lambda: bool(reader.errors))
    assert reader.errors == ["Source error: topic was recreated: high watermark of partition 0 regressed from 10 to 1"]
    assert reader.rows == []


def test_expired_messages_are_passed_over(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    produce(kafka.bootstrap_servers, topic, [(None, str(number).encode()) for number in range(10)])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for future in admin.delete_records([TopicPartition(topic, 0, 6)]).values():
        future.result(30)
    reader = read(topic, offsets={0: 2})
    reader.until(lambda: len(reader.rows) == 4)
    assert reader.rows == [[b"6"], [b"7"], [b"8"], [b"9"]]


def test_start_offsets_and_timestamps(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers, partitions=2)
    client = {"bootstrap.servers": kafka.bootstrap_servers}
    for number in range(4):
        message = (None, str(number).encode())
        produce(kafka.bootstrap_servers, topic, [message], partition=0, timestamp=1000 * (number + 1))
    assert resolve_start(client, topic, [3, 1]) == {0: 3, 1: 1}
    assert resolve_start(client, topic, start_timestamp=2500) == {0: 2, 1: 0}
    assert resolve_start(client, topic, start_timestamp=-1000) == {0: 4, 1: 0}
    with pytest.raises(MzError, match="START OFFSET specified more partitions"):
        resolve_start(client, topic, [0, 0, 0])
    with pytest.raises(MzError, match="Topic does not exist"):
        resolve_start(client, unique("none"), [0])
    reader = read(topic, start_offsets={0: 2})
    reader.until(lambda: len(reader.rows) == 2)
    assert reader.rows == [[b"2"], [b"3"]]


def test_validation(kafka: Broker) -> None:
    def config(options: dict[str, object]) -> dict[str, str]:
        return client_config(options, lambda name: {"m.public.p": "secret"}[name])

    validate(config({"BROKER": kafka.bootstrap_servers, "SECURITY PROTOCOL": "plaintext"}))
    started = time.monotonic()
    for options in (
        {"BROKER": f"127.0.0.1:{free_port()}"},
        # A TLS client at a plaintext port.
        {"BROKER": kafka.bootstrap_servers},
    ):
        with pytest.raises(MzError) as caught:
            validate(config(options))
        assert caught.value.sqlstate == "58000"
    assert time.monotonic() - started < 15


def test_a_large_message(kafka: Broker, read: Open) -> None:
    topic = create_topic(kafka.bootstrap_servers, settings={"max.message.bytes": str(15 << 20)})
    produce(kafka.bootstrap_servers, topic, [(None, b"x" * (10 << 20)), (None, b"y")])
    reader = read(topic)
    reader.until(lambda: len(reader.rows) == 2)
    assert [len(row[0] or b"") for row in reader.rows] == [10 << 20, 1]


@pytest.mark.slow
def test_a_broker_that_goes_away_and_comes_back(read: Open, tmp_path: Path) -> None:
    broker = Broker(tmp_path, JARS, port=0, heap_mb=256)
    broker.start()
    try:
        topic = create_topic(broker.bootstrap_servers)
        produce(broker.bootstrap_servers, topic, [(None, b"before")])
        woken = threading.Event()
        reader = read(topic, client={"bootstrap.servers": broker.bootstrap_servers})
        reader.ingest._wake = woken.set
        reader.until(lambda: len(reader.rows) == 1)
        broker.kill()
        wait_for(lambda: reader.ingest.status.status == "stalled")
        assert reader.ingest.status.error
        broker.start()
        produce(broker.bootstrap_servers, topic, [(None, b"after")])
        reader.until(lambda: len(reader.rows) == 2)
        wait_for(lambda: reader.ingest.status.status == "running")
        assert reader.rows == [[b"before"], [b"after"]]
        assert woken.is_set()
        assert reader.errors == []
    finally:
        broker.kill()
