"""A sink's messages, exactly once: what a consumer of committed messages sees, whatever is killed when."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer

from mzlite.kafka.progress import ensure_progress_topic, read_position
from mzlite.kafka.publish import Publisher
from mzlite.kafka.spec import SinkSpec
from mzlite.storage.postgres import Postgres
from pytests.end_to_end.kafka_tools import create_topic, read_committed, unique, wait_for
from stack.broker import Broker

REPOSITORY = Path(__file__).parents[2]
INSERT = "insert into mzlite.outbox (sink_id, seq, ts, key, value) overriding system value values (%s, %s, %s, 'k', %s)"
OUTBOX = """
create schema mzlite;
create table mzlite.outbox (
    sink_id text not null, seq bigint generated always as identity, ts bigint not null,
    key text, value text, headers jsonb, partition_hash bigint, primary key (sink_id, seq)
);
create table mzlite.sinks (sink_id text primary key, from_id text, restored text, restored_at bigint);
create table mzlite.errors (object_id text, message text);
create table mzlite.source_errors (object_id text, message text);
"""
Row = tuple[int, str | None, str | None]
"""A timestamp, a key and a value."""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres"), shared_buffers_mb=32) as server:
        with server.connect("postgres") as connection:
            connection.execute(OUTBOX)  # type: ignore[call-overload]
        yield server


@pytest.fixture
def connection(postgres: Postgres) -> Iterator[psycopg.Connection]:
    with postgres.connect("postgres") as connection:
        yield connection


@pytest.fixture
def spec(kafka: Broker) -> SinkSpec:
    sink = unique("u")
    return SinkSpec(
        sink_id=sink,
        client={"bootstrap.servers": kafka.bootstrap_servers},
        topic=unique("sink"),
        transactional_id=f"test-{sink}",
        progress_topic=unique("progress"),
        key_columns=("id",),
        key_format="text",
        partitions=1,
    )


def fill(connection: psycopg.Connection, spec: SinkSpec, rows: list[Row]) -> None:
    into = "copy mzlite.outbox (sink_id, ts, key, value) from stdin"
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(into) as copy:
        for timestamp, key, value in rows:
            copy.write_row((spec.sink_id, timestamp, key, value))


def left(connection: psycopg.Connection, spec: SinkSpec) -> int:
    row = connection.execute("select count(*) from mzlite.outbox where sink_id = %s", (spec.sink_id,)).fetchone()
    assert row is not None
    return int(row[0])


def publisher(postgres: Postgres, spec: SinkSpec) -> Publisher:
    return Publisher(spec, lambda: postgres.connect("postgres"))


def published(kafka: Broker, spec: SinkSpec) -> list[tuple[bytes | None, bytes | None]]:
    return [(read.key, read.value) for read in read_committed(kafka.bootstrap_servers, spec.topic)]


def test_rows_become_messages_in_order_with_tombstones(
    kafka: Broker, postgres: Postgres, connection: psycopg.Connection, spec: SinkSpec
) -> None:
    fill(connection, spec, [(1000, "a", '{"n":1}'), (1000, "b", "é"), (2000, "a", None), (3000, "a", '{"n":2}')])
    writer = publisher(postgres, spec)
    writer.start()
    wait_for(lambda: left(connection, spec) == 0)
    fill(connection, spec, [(4000, "b", None)])
    writer.notify()
    wait_for(lambda: left(connection, spec) == 0)
    status = writer.status
    writer.stop()
    read = read_committed(kafka.bootstrap_servers, spec.topic)
    assert [(message.key, message.value) for message in read] == [
        (b"a", b'{"n":1}'), (b"b", "é".encode()), (b"a", None), (b"a", b'{"n":2}'), (b"b", None),
    ]  # fmt: skip
    assert [message.headers for message in read] == [
        [("materialize-timestamp", str(timestamp).encode())] for timestamp in (1000, 1000, 2000, 3000, 4000)
    ]
    assert (status.status, status.error, status.timestamp, status.messages_committed) == ("running", None, 4000, 5)


def test_headers_bytes_and_partitions(
    kafka: Broker, postgres: Postgres, connection: psycopg.Connection, spec: SinkSpec
) -> None:
    spec = replace(spec, key_format="bytes", partitions=3)
    columns = "(sink_id, ts, key, value, headers, partition_hash)"
    for number, partition_hash in enumerate((0, 4, 8)):
        connection.execute(
            f"insert into mzlite.outbox {columns} values (%s, 1, %s, 'v', %s, %s)",  # type: ignore[arg-type]
            (spec.sink_id, f"0{number}", json.dumps({"h": f"x{number}"}), partition_hash),
        )
    writer = publisher(postgres, spec)
    writer.start()
    wait_for(lambda: left(connection, spec) == 0)
    writer.stop()
    read = read_committed(kafka.bootstrap_servers, spec.topic)
    assert [(message.partition, message.key, message.headers[1:]) for message in read] == [
        (0, b"\x00", [("h", b"x0")]), (1, b"\x01", [("h", b"x1")]), (2, b"\x02", [("h", b"x2")]),
    ]  # fmt: skip


def test_a_row_that_was_published_but_not_deleted_is_not_published_again(
    kafka: Broker, postgres: Postgres, connection: psycopg.Connection, spec: SinkSpec
) -> None:
    fill(connection, spec, [(timestamp, "k", str(timestamp)) for timestamp in range(1, 11)])
    kept = connection.execute(
        "select seq, ts, value from mzlite.outbox where sink_id = %s order by seq", (spec.sink_id,)
    ).fetchall()
    writer = publisher(postgres, spec)
    writer.start()
    wait_for(lambda: left(connection, spec) == 0)
    writer.stop()
    # As after a crash of PostgreSQL that lost the deletion, and with one more row.
    for row in kept:
        connection.execute(INSERT, (spec.sink_id, *row))
    fill(connection, spec, [(11, "k", "11")])
    again = publisher(postgres, spec)
    again.start()
    wait_for(lambda: left(connection, spec) == 0)
    again.stop()
    assert published(kafka, spec) == [(b"k", str(number).encode()) for number in range(1, 12)]


def test_after_a_restored_backup_new_rows_are_published_though_their_numbers_come_again(
    kafka: Broker, postgres: Postgres, connection: psycopg.Connection, spec: SinkSpec
) -> None:
    for sequence in (1, 2, 3):
        connection.execute(INSERT, (spec.sink_id, sequence, 100 + sequence, f"before {sequence}"))
    writer = publisher(postgres, spec)
    writer.start()
    wait_for(lambda: left(connection, spec) == 0)
    writer.stop()
    connection.execute(INSERT, (spec.sink_id, 2, 102, "before 2"))
    connection.execute(INSERT, (spec.sink_id, 3, 200, "after 3"))
    again = publisher(postgres, spec)
    again.start()
    wait_for(lambda: left(connection, spec) == 0)
    again.stop()
    assert [value for _, value in published(kafka, spec)] == [b"before 1", b"before 2", b"before 3", b"after 3"]


def test_exactly_once_across_kills(
    kafka: Broker, postgres: Postgres, connection: psycopg.Connection, spec: SinkSpec
) -> None:
    rng = random.Random(1)
    count, kills, written = 60_000, 0, 0

    def start() -> subprocess.Popen[bytes]:
        dsn = f"host={postgres.socket_dir} port={postgres.port} dbname=postgres user=mz_system"
        arguments = json.dumps({"dsn": dsn, "spec": asdict(spec)})
        return subprocess.Popen(
            [sys.executable, "-m", "pytests.end_to_end.publisher_process", arguments], cwd=REPOSITORY
        )

    process = start()
    try:
        deadline = time.monotonic() + 240
        while written < count or left(connection, spec) > 0:
            assert time.monotonic() < deadline, f"{left(connection, spec)} rows are left after {kills} kills"
            if written < count:
                # Ticks of different sizes; a publisher finds them when it starts or by its own look around.
                size = min(count - written, rng.choice((1, 500, 4_000)))
                fill(connection, spec, [(written, "k", str(written + number)) for number in range(size)])
                written += size
            if kills < 10:
                # Anywhere from its start to the middle of a transaction.
                before = left(connection, spec)
                wait_for(lambda before=before: left(connection, spec) < before or rng.random() < 0.02, 60)
                time.sleep(rng.random() * 0.15)
                process.kill()
                process.wait()
                kills += 1
                process = start()
            elif written == count:
                wait_for(lambda: left(connection, spec) == 0, 120)
    finally:
        process.kill()
        process.wait()
    assert kills == 10
    assert [value for _, value in published(kafka, spec)] == [str(number).encode() for number in range(count)]


@pytest.mark.parametrize("rows", [1, 20_000])
def test_a_newer_instance_shuts_out_an_older_one(
    kafka: Broker, postgres: Postgres, connection: psycopg.Connection, spec: SinkSpec, rows: int
) -> None:
    """Of many messages some are handed over when the producer has heard of the fence, and fail at once."""
    fill(connection, spec, [(1, "k", "1")])
    older = publisher(postgres, spec)
    older.start()
    wait_for(lambda: left(connection, spec) == 0)
    newer = publisher(postgres, spec)
    newer.start()
    wait_for(lambda: newer.status.status == "running")
    fill(connection, spec, [(sequence, "k", str(sequence)) for sequence in range(2, rows + 2)])
    older.notify()
    wait_for(lambda: older.status.status == "stalled")
    assert older.status.error == "fenced off: another instance publishes this sink"
    newer.notify()
    wait_for(lambda: left(connection, spec) == 0)
    older.stop()
    newer.stop()
    assert [value for _, value in published(kafka, spec)] == [str(value).encode() for value in range(1, rows + 2)]


def test_the_position_is_found_behind_another_sinks_open_transaction(kafka: Broker, spec: SinkSpec) -> None:
    """An open transaction hides what is behind it; an older position must not be taken for the last."""
    ensure_progress_topic(spec)

    def record(producer: Producer, sequence: int) -> None:
        value = json.dumps({"frontier": [sequence + 1], "version": 1, "sequence": sequence, "instance": "x"})
        producer.produce(spec.progress_topic, value, key=f"mz-sink-{spec.sink_id}", partition=0)

    def transactional(name: str) -> Producer:
        producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": unique(name)})
        producer.init_transactions(30)
        return producer

    ours, theirs = transactional("ours"), transactional("theirs")
    ours.begin_transaction()
    record(ours, 1)
    ours.commit_transaction(30)
    theirs.begin_transaction()
    theirs.produce(spec.progress_topic, b"{}", key=b"mz-sink-other", partition=0)
    theirs.flush(30)
    ours.begin_transaction()
    record(ours, 2)
    ours.commit_transaction(30)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(read_position(spec)))
    thread.start()
    thread.join(2)
    assert not found
    theirs.abort_transaction(30)
    thread.join(30)
    assert [position.sequence for position in found] == [2]


def test_one_timestamp_is_one_transaction(
    kafka: Broker, postgres: Postgres, connection: psycopg.Connection, spec: SinkSpec
) -> None:
    topic = create_topic(kafka.bootstrap_servers)
    spec = replace(spec, topic=topic)
    fill(connection, spec, [(1, str(number), "x" * 100) for number in range(25_000)])
    seen: set[int] = set()
    writer = publisher(postgres, spec)
    writer.start()
    while left(connection, spec) > 0:
        seen.add(len(read_committed(kafka.bootstrap_servers, topic)))
    writer.stop()
    seen.add(len(read_committed(kafka.bootstrap_servers, topic)))
    assert seen <= {0, 25_000}
