"""How fast `Publisher` publishes: rows a second of a backlog, and the delay of single rows.

    python -m bench.kafka_publish --brokers 127.0.0.1:9092 [--rows 200000]

Starts a PostgreSQL of its own in a temporary directory. The delay is from the commit of a row in the
outbox until a consumer of committed messages has it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import uuid
from pathlib import Path

import psycopg
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from mzlite.kafka.client import quiet
from mzlite.kafka.publish import Publisher
from mzlite.kafka.spec import SinkSpec
from mzlite.storage.postgres import Postgres

OUTBOX = """
create schema mzlite;
create table mzlite.outbox (
    sink_id text not null, seq bigint generated always as identity, ts bigint not null,
    key text, value text, headers jsonb, partition_hash bigint, primary key (sink_id, seq)
)
"""
INSERT = (
    "insert into mzlite.outbox (sink_id, ts, key, value) "
    "select 'bench', %(now)s + n / 1000, 'key-' || n, rpad('{\"n\":' || n, 200, 'x') "
    "from generate_series(1, %(rows)s) as n"
)


def left(connection: psycopg.Connection) -> int:
    """Rows that are not yet published."""
    row = connection.execute("select count(*) from mzlite.outbox").fetchone()
    return 0 if row is None else int(row[0])


def delays(connection: psycopg.Connection, publisher: Publisher, spec: SinkSpec, count: int) -> list[float]:
    """Seconds from commit to consumer, for single rows."""
    consumer = Consumer(quiet(spec.client, **{"group.id": "bench", "isolation.level": "read_committed"}))
    where = TopicPartition(spec.topic, 0)
    _low, high = consumer.get_watermark_offsets(where)
    consumer.assign([TopicPartition(spec.topic, 0, high)])
    consumer.poll(1.0)
    found: list[float] = []
    for _ in range(count):
        connection.execute(INSERT, {"now": time.time_ns() // 1_000_000, "rows": 1})
        started = time.perf_counter()
        publisher.notify()
        while (message := consumer.poll(5.0)) is None or message.error() is not None:
            pass
        found.append(time.perf_counter() - started)
        time.sleep(0.05)
    consumer.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--rows", type=int, default=200_000)
    options = parser.parse_args()
    name = uuid.uuid4().hex[:8]
    client = {"bootstrap.servers": options.brokers}
    spec = SinkSpec("bench", client, f"bench-{name}", f"bench-{name}", f"bench-progress-{name}", partitions=1)
    with tempfile.TemporaryDirectory() as directory, Postgres(Path(directory), shared_buffers_mb=128) as postgres:
        connection = postgres.connect("postgres")
        for statement in OUTBOX.split(";", 1):
            connection.execute(statement)
        publisher = Publisher(spec, lambda: postgres.connect("postgres"))
        publisher.start()
        while publisher.status.status != "running":
            time.sleep(0.01)
        connection.execute(INSERT, {"now": 1_700_000_000_000, "rows": options.rows})
        started = time.perf_counter()
        publisher.notify()
        while left(connection):
            time.sleep(0.01)
        elapsed = time.perf_counter() - started
        print(f"backlog  {options.rows / elapsed:10,.0f} rows/s")
        found = sorted(delays(connection, publisher, spec, 100))
        print(f"one row  median {statistics.median(found) * 1000:.1f} ms   p99 {found[98] * 1000:.1f} ms")
        publisher.stop()
        connection.close()
    admin = AdminClient(client)
    for future in admin.delete_topics([spec.topic, spec.progress_topic]).values():
        future.result()


if __name__ == "__main__":
    main()
