"""How fast `Ingest` reads and packs messages: rows a second on one core.

    python -m bench.kafka_ingest --brokers 127.0.0.1:9092 [--messages 500000] [--bytes 270]

Writes a topic of its own first, and deletes it at the end. Prints the rate of packing alone, and
the rate from the broker to `Ingest.take`, with the processor time of this process.
"""

from __future__ import annotations

import argparse
import threading
import time
import uuid

from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient

from mzlite.dialect.definitions import Format, Include
from mzlite.kafka.client import ensure_topic
from mzlite.kafka.ingest import Ingest
from mzlite.kafka.pack import packer
from mzlite.kafka.spec import IngestSpec

METADATA = (Include("partition"), Include("offset"), Include("timestamp"))


def produce(brokers: str, topic: str, count: int, size: int) -> None:
    """Write `count` messages of `size` bytes."""
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 20, "queue.buffering.max.messages": 2_000_000})
    value = b'{"data":"' + b"x" * (size - 11) + b'"}'
    for number in range(count):
        producer.produce(topic, value, key=b"%d" % number)
        if number % 10_000 == 0:
            producer.poll(0)
    producer.flush()


def packing_rate(spec: IngestSpec, size: int) -> float:
    """Rows a second of packing alone, from messages in memory."""
    value = b'{"data":"' + b"x" * (size - 11) + b'"}'
    messages = [Message("t", 0, offset, b"key", value, None, None, (1, 1_767_225_600_000)) for offset in range(1000)]
    pack = packer(spec)
    started, rows = time.perf_counter(), 0
    while time.perf_counter() - started < 1.0:
        rows += len(pack(messages).rows)  # type: ignore[arg-type]
    return rows / (time.perf_counter() - started)


def reading_rate(spec: IngestSpec, count: int) -> tuple[float, float]:
    """Rows a second from the broker to `take`, and processor seconds for a million rows."""
    arrived = threading.Event()
    ingest = Ingest(spec, {}, arrived.set)
    started, processor, rows = time.perf_counter(), time.process_time(), 0
    ingest.start()
    while rows < count and arrived.wait(30):
        arrived.clear()
        while (batch := ingest.take(20_000, 16 << 20)) is not None:
            rows += batch.rows
    elapsed, used = time.perf_counter() - started, time.process_time() - processor
    ingest.stop()
    return rows / elapsed, used / rows * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--bytes", type=int, default=270)
    options = parser.parse_args()
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    client = {"bootstrap.servers": options.brokers}
    ensure_topic(client, topic, partitions=2)
    produce(options.brokers, topic, options.messages, options.bytes)
    sources = {
        "bytes": Format(None, "bytes"),
        "text": Format(None, "text"),
        "json": Format(None, "json"),
    }
    try:
        for name, fmt in sources.items():
            columns = ("data", "partition", "offset", "timestamp")
            spec = IngestSpec("bench", client, topic, fmt, METADATA, columns=columns)
            packed = packing_rate(spec, options.bytes)
            read, processor = reading_rate(spec, options.messages)
            print(
                f"{name:6} packing {packed:10,.0f} rows/s   reading {read:10,.0f} rows/s   {processor:.2f} s CPU/M rows"
            )
    finally:
        admin = AdminClient(client)
        admin.delete_topics([topic])[topic].result()


if __name__ == "__main__":
    main()
