"""How soon a stack that is started again tells of an order that became delayed while it was down.

    python -m bench.warm_start [--rate 1000] [--backfill 10] [--rounds 3]

A demo fills a stack of its own (temporary state, free ports) and ends. In each round the stack is started, reads an
order that will be delayed in a moment, and is stopped before. When the moment has passed, the stack is started as
`hotplate up` does it. Measured from the launch: until it is up, broker and mzlite, and until a consumer that reads
committed messages only has the alert.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from bench.home import ROOT, BenchError
from generator.delivery import ORDERS, STATUS
from generator.timestamps import TimestampFormatter
from stack.broker import free_port
from stack.broker_jars import silent
from stack.engine import connect
from stack.local import Stack
from stack.settings import Settings
from stack.topics import quiet_log

ALERTS = "delivery-alerts"
DELAY_MS = 30 * 60_000
"""`delay_minutes` of dbt_project.yml."""
AHEAD_MS = 20_000
"""The order's moment is so far ahead that the stack can read it and stop before."""
SEED_SECONDS = 20
DEADLINE_SECONDS = 60.0


def seed(settings: Settings, rate: int, backfill: float) -> None:
    """A demo that leaves its state.

    Raises:
        BenchError: it failed.
    """
    command = [
        *(sys.executable, "-m", "stack", "demo", "--rate", str(rate), "--duration", str(SEED_SECONDS)),
        *("--backfill", str(backfill), "--state-dir", str(settings.state)),
        *("--kafka-port", str(settings.kafka_port), "--sql-port", str(settings.sql_port)),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"the demo before the measurement failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def send_order(brokers: str, date_ms: int) -> str:
    """Sends an order and that it is being prepared, as if at its date; its id."""
    order = str(uuid.uuid4())
    text = TimestampFormatter()
    date, later = text(date_ms), text(date_ms + 1_000)
    keys = {f"{name}_key": f"{name}-warm" for name in ("user", "restaurant", "driver")}
    times = {"order_date": date, "dt_current_timestamp": date}
    placed = {"order_id": order, **keys, "payment_id": order, "total_amount": 12.5, **times}
    status = {
        "status_id": str(uuid.uuid4()),
        "order_identifier": order,
        "status": {"status_name": "preparing", "timestamp": later},
        "dt_current_timestamp": later,
    }
    producer = Producer({"bootstrap.servers": brokers}, logger=quiet_log)
    for topic, value, at in ((ORDERS, placed, date_ms), (STATUS, status, date_ms + 1_000)):
        producer.produce(topic, json.dumps(value).encode(), order.encode(), timestamp=at)
    if producer.flush(DEADLINE_SECONDS) > 0:
        raise BenchError("the broker did not take the order")
    return order


def wait_until_read(settings: Settings, order: str) -> None:
    """Returns when the stack keeps the order with its status."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    with connect(settings) as connection:
        query = b"select status_name from silver.silver_current_orders where order_id = %s"
        while connection.execute(query, (order,)).fetchone() != ("preparing",):
            if time.monotonic() > deadline:
                raise BenchError(f"order {order} was not read within {DEADLINE_SECONDS:.0f} s")
            time.sleep(0.05)


def wait_for_alert(brokers: str, order: str, ends: list[TopicPartition]) -> None:
    """Returns when the order's alert can be read."""
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": "warm", "isolation.level": "read_committed"}, logger=quiet_log
    )
    deadline = time.monotonic() + DEADLINE_SECONDS
    try:
        consumer.assign(ends)
        while time.monotonic() < deadline:
            message = consumer.poll(0.05)
            if message is not None and message.error() is None and order in (message.key() or b"").decode():
                return
    finally:
        consumer.close()
    raise BenchError(f"no alert of order {order} came within {DEADLINE_SECONDS:.0f} s")


def ends_of(brokers: str) -> list[TopicPartition]:
    """Where the topic of the alerts ends now."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "warm"}, logger=quiet_log)
    try:
        numbers = consumer.list_topics(ALERTS, timeout=10.0).topics[ALERTS].partitions
        return [
            TopicPartition(ALERTS, number, consumer.get_watermark_offsets(TopicPartition(ALERTS, number))[1])
            for number in numbers
        ]
    finally:
        consumer.close()


def warm_start(settings: Settings) -> tuple[float, float]:
    """One round: seconds from the launch until the stack is up, and until the alert is there."""
    stack = Stack(settings)
    stack.up("delivery", silent)
    try:
        due_ms = time.time_ns() // 1_000_000 + AHEAD_MS
        order = send_order(settings.brokers, due_ms - DELAY_MS)
        wait_until_read(settings, order)
        ends = ends_of(settings.brokers)
        stack.down()
        left_ms = due_ms - time.time_ns() // 1_000_000
        if left_ms < 0:
            raise BenchError("the stack was not down before the order was delayed")
        # A moment, not a condition: the order is delayed at it.
        time.sleep(left_ms / 1000)
        launched = time.monotonic()
        stack.up("delivery", silent)
        is_up = time.monotonic() - launched
        wait_for_alert(settings.brokers, order, ends)
        return is_up, time.monotonic() - launched
    finally:
        stack.down()


def warm_starts(rate: int, backfill: float, rounds: int) -> list[str]:
    """All rounds on one stack."""
    with tempfile.TemporaryDirectory(prefix="hotplate-warm-") as directory:
        settings = Settings.load(state_dir=Path(directory), kafka_port=free_port(), sql_port=free_port())
        seed(settings, rate, backfill)
        stack = Stack(settings)
        stack.up("delivery", silent)
        with connect(settings) as connection:
            (orders,) = connection.execute("select count(*) from silver.silver_orders").fetchone() or (0,)
        stack.down()
        lines = [f"warm start with {orders:,} orders kept, seconds from the launch of broker and mzlite"]
        for number in range(1, rounds + 1):
            is_up, alerted = warm_start(settings)
            lines.append(f"round {number}: up {is_up:.1f}, first alert {alerted:.1f}")
        return lines


def main() -> None:
    """Runs it and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--backfill", type=float, default=10.0, help="minutes of events before the measurement")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for line in warm_starts(options.rate, options.backfill, options.rounds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
