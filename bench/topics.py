"""The topics that every stack reads: written once into a broker of the bench's own, and from then on only copied.

In: how many messages each topic gets. Out: a directory with a stopped broker that holds `orders` and `status`, and
prepared.json, which tells of it. Each measurement runs on a copy, so that none sees what another one wrote.

The messages are the generator's: an evenly loaded platform over SPAN_MS, in the past, so that at the time of the
measurement the clock has passed every mark and all stacks must come to the same result. To have as many status events
as orders (an order has six in its life), only the orders of a share, chosen by their ids, report a status.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.home import BROKER_JARS, HOME, BenchError, Tell
from generator.delivery import ORDERS, STATUS, TOPICS, DeliveryWorld
from generator.events import Event
from generator.population import populate
from generator.shares import Shares
from generator.writer import EventWriter
from stack.broker import Broker, free_port
from stack.topics import create_topics

SEED = 6
HOUR_MS = 3_600_000
SPAN_MS = 3 * HOUR_MS
BEGIN_MS = 6 * HOUR_MS
"""So long before now the first event happens: the last order's statuses are over, the first window is still kept."""
END_MS = HOUR_MS
"""No event is younger than this."""
STEP_MS = 100
REPORTING = 0.2
"""The share of orders whose statuses are reported."""
PARTITIONS = 4
ALERTS = "delivery-alerts"
OLDEST_SECONDS = 12 * 3600
"""After that the first windows would soon leave gold; the topics are written anew."""
HEAP_MB = 512


@dataclass(frozen=True)
class Prepared:
    """The topics, ready to be read.

    Attributes:
        orders, status: messages in each topic.
        written_ms: when they were written; all events and all marks are before.
        kafka_port: the broker's port, the same for every copy.
    """

    orders: int
    status: int
    written_ms: int
    kafka_port: int

    @property
    def events(self) -> int:
        """Messages in both topics."""
        return self.orders + self.status

    @property
    def name(self) -> str:
        """Results belong together when they were measured over the same topics."""
        return f"{self.orders}+{self.status}@{self.written_ms}"

    @property
    def brokers(self) -> str:
        """Where a copy's broker answers."""
        return f"127.0.0.1:{self.kafka_port}"


@contextmanager
def running_copy(prepared: Prepared, name: str, home: Path = HOME) -> Iterator[tuple[Path, Broker]]:
    """A directory of one's own with a running broker that holds the topics; both are gone in the end."""
    run = home / f"run-{name}"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    copy_directory(home / "topics" / "kafka", run)
    broker = Broker(run / "kafka", BROKER_JARS, port=prepared.kafka_port, heap_mb=HEAP_MB)
    try:
        broker.start()
        yield run, broker
    finally:
        broker.stop()
        shutil.rmtree(run, ignore_errors=True)


def copy_directory(source: Path, target: Path) -> None:
    """Copies a directory into another; owners stay (PostgreSQL's files may belong to another account)."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True, capture_output=True)


def prepare(orders: int, status: int, tell: Tell, home: Path = HOME) -> Prepared:
    """The topics with so many messages each; written if they are not there or too old.

    Raises:
        BenchError: the generator's world does not give so many.
    """
    target = home / "topics"
    description = target / "prepared.json"
    if description.exists():
        known = Prepared(**json.loads(description.read_text()))
        if (known.orders, known.status) == (orders, status) and time.time() - known.written_ms / 1000 < OLDEST_SECONDS:
            tell(f"the topics of {known.name} are there")
            return known
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    broker = Broker(target / "kafka", BROKER_JARS, port=free_port(), heap_mb=HEAP_MB)
    broker.start()
    try:
        create_topics(broker.bootstrap_servers, TOPICS, PARTITIONS)
        tell(f"writing {orders:,} orders and {status:,} status events")
        began = time.monotonic()
        written = _write(broker.bootstrap_servers, {ORDERS: orders, STATUS: status})
        tell(f"written in {time.monotonic() - began:.0f} s")
    finally:
        broker.stop()
    if written != {ORDERS: orders, STATUS: status}:
        raise BenchError(f"the generator's world gave only {written}; see REPORTING in bench/topics.py")
    prepared = Prepared(orders, status, int(time.time() * 1000), broker.port)
    description.write_text(json.dumps(asdict(prepared), indent=2))
    return prepared


def _write(brokers: str, wanted: dict[str, int]) -> dict[str, int]:
    """Runs the world until both topics are full; how many messages each has."""
    now_ms = int(time.time() * 1000)
    world = DeliveryWorld(populate(), Shares(), SEED, now_ms - BEGIN_MS)
    written = dict.fromkeys(wanted, 0)
    per_step = wanted[ORDERS] * STEP_MS / SPAN_MS
    allowance = 0.0
    with EventWriter(brokers) as writer:
        while written != wanted and world.now_ms < now_ms - END_MS:
            until_ms = world.now_ms + STEP_MS
            # First what falls due, then the new orders, at the end of the step: their number is exact.
            events = world.advance(until_ms - 1, 0)
            allowance += per_step if written[ORDERS] < wanted[ORDERS] else 0
            events += world.advance(until_ms, int(allowance))
            allowance %= 1.0
            kept = []
            for event in events:
                topic = event[0]
                if written[topic] < wanted[topic] and (topic == ORDERS or _reports(event)):
                    written[topic] += 1
                    kept.append(event)
            writer.write(kept)
    return written


def _reports(event: Event) -> bool:
    """True for the status events of a share of the orders, whole lives; and for those without a usable key."""
    key = event[1]
    return not isinstance(key, str) or int(key[:8], 16) < REPORTING * 2**32
