"""Kills of everything while events flow; afterwards nothing may be missing, doubled or out of order.

In: a running stack, numbers of kills and events, a seed. Out: a summary, or an AssertionError that says what is wrong.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from mzlite.kafka.client import ensure_topic
from pytests.end_to_end.kafka_tools import Read, read_committed, wait_for
from pytests.faults.pipeline import ALERTS, ORDERS, QUERIES, SCHEMA, STATUS, Rows, World, expected
from pytests.faults.stack import FaultyStack, Writer

PARTITIONS = 2
SETTLE_SECONDS = 600.0


@dataclass(frozen=True)
class Plan:
    """How much of it.

    Attributes:
        seconds_a_kill: between two kills, at most.
    """

    kills: int = 200
    events: int = 2_000_000
    seed: int = 1
    seconds_a_kill: float = 3.0


@dataclass
class Summary:
    """What happened."""

    plan: Plan
    kills: Counter[str] = field(default_factory=Counter)
    made: int = 0
    dropped: int = 0
    interrupted: int = 0
    alerts: int = 0
    tombstones: int = 0
    rows: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        kills = ", ".join(f"{count} x {name}" for name, count in sorted(self.kills.items()))
        return (
            f"seed {self.plan.seed}: {self.plan.events:,} events, {self.kills.total()} kills ({kills}) in"
            f" {self.seconds:.0f} s; {self.made} views made, {self.dropped} dropped, {self.interrupted} statements"
            f" interrupted; {self.alerts:,} alerts, {self.tombstones:,} tombstones; {self.rows:,} rows compared, all equal"
        )


class Definer:
    """Makes and drops views all the while, each in the middle of whatever is killed."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], seed: int, summary: Summary) -> None:
        self._connect = connect
        self._random = random.Random(seed)
        self._summary = summary
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="definer", daemon=True)
        self.busy = threading.Event()
        self.failure: psycopg.Error | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "a definition does not end"
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            name = f"pipe.extra_{self._random.randrange(3)}"
            try:
                with self._connect() as connection:
                    self._define(connection, name)
            except psycopg.OperationalError:
                self._summary.interrupted += 1
                self._stopping.wait(0.1)
            except psycopg.Error as error:
                self.failure = error
                return

    def _define(self, connection: psycopg.Connection[Any], name: str) -> None:
        chance = self._random
        while not self._stopping.is_set():
            drop = f"drop materialized view if exists {name}"
            make = (
                f"create materialized view {name} as select user_key, count(*) as orders, count(distinct step) as steps,"
                f" sum(amount) as amount from pipe.order_status where amount > {chance.randrange(50)} group by user_key"
            )
            for statement in (drop, make):
                self.busy.set()
                try:
                    connection.execute(statement.encode())
                finally:
                    self.busy.clear()
                self._stopping.wait(chance.random() * 0.2)
            self._summary.made += 1
            self._summary.dropped += 1


def run(stack: FaultyStack, plan: Plan, tell: Callable[[str], None] = lambda _: None) -> Summary:
    """Carry a plan out on a running stack.

    Raises:
        AssertionError: something is missing, doubled, out of order or does not come back.
    """
    started = time.monotonic()
    summary = Summary(plan)
    world = World(plan.seed, time.time_ns() // 1_000_000, 2 * plan.kills * plan.seconds_a_kill)
    brokers = stack.broker.bootstrap_servers
    deploy(stack)
    writer = Writer(brokers, world.messages)
    writer.start()
    definer = Definer(stack.mzlite.connect, plan.seed, summary)
    definer.start()
    _kill(stack, writer, definer, plan, summary, tell)
    definer.stop()
    writer.finish(plan.events)
    tell(f"{plan.events} events written; comparing")
    delayed = compare(stack, world, summary, plan.events)
    # Whether an order moved on while it was seen to be delayed was chance until here: now every second one does.
    settled = iter(messages := world.settle(delayed[::2]))
    last = Writer(brokers, lambda count: itertools.islice(settled, count))
    last.start()
    last.finish(len(messages))
    tell(f"{len(messages)} delayed orders move on; comparing")
    left = compare(stack, world, summary, plan.events + len(messages))
    assert left == sorted(set(delayed) - set(delayed[::2]))
    summary.seconds = time.monotonic() - started
    return summary


def deploy(stack: FaultyStack) -> None:
    """Make topics and pipeline."""
    brokers = stack.broker.bootstrap_servers
    for topic in (ORDERS, STATUS):
        ensure_topic({"bootstrap.servers": brokers}, topic, partitions=PARTITIONS)
    with stack.mzlite.connect() as connection:
        for statement in SCHEMA:
            connection.execute(statement.replace("{brokers}", brokers).encode())


def _kill(
    stack: FaultyStack, writer: Writer, definer: Definer, plan: Plan, summary: Summary, tell: Callable[[str], None]
) -> None:
    chance = random.Random(plan.seed)
    faults: dict[str, Callable[[], None]] = {
        "mzlite": stack.kill_mzlite,
        "engine's backend": stack.kill_engine_backend,
        "broker": stack.kill_broker,
        "postmaster": stack.kill_postmaster,
        "mzlite twice": lambda: stack.kill_mzlite_while_it_starts(chance),
        "any backend": lambda: stack.kill_any_backend(chance),
    }
    bag: list[str] = []
    for number in range(plan.kills):
        writer.reach(plan.events * (number + 1) // (plan.kills + 1))
        time.sleep(chance.random() * plan.seconds_a_kill)
        if chance.random() < 0.5:
            # In the middle of CREATE or DROP.
            definer.busy.wait(2)
            time.sleep(chance.random() * 0.05)
        if not bag:
            bag = chance.sample(sorted(faults), len(faults))
        name = bag.pop()
        began = time.monotonic()
        faults[name]()
        summary.kills[name] += 1
        tell(f"{number + 1}/{plan.kills} {name}: back after {time.monotonic() - began:.1f} s, {writer.written} events")


def compare(stack: FaultyStack, world: World, summary: Summary, events: int) -> list[str]:
    """Compare everything with the topics, once all of it has arrived. Returns the orders that are delayed.

    Raises:
        AssertionError: something is missing, doubled or out of order.
    """
    brokers = stack.broker.bootstrap_servers
    messages = {topic: read_committed(brokers, topic) for topic in (ORDERS, STATUS)}
    sizes = [(len(messages[ORDERS]), len(messages[STATUS]))]
    assert sum(sizes[0]) == events
    wait_for(lambda: time.time_ns() // 1_000_000 > world.last_moment + 1000, SETTLE_SECONDS)
    with stack.mzlite.connect() as connection:
        source = QUERIES["source"]
        wait_for(lambda: _fetch(connection, source) == sizes, SETTLE_SECONDS)
        with connection.transaction():
            ((now,),) = _fetch(connection, "select mz_now()::text::bigint")
            shown = {name: _fetch(connection, query) for name, query in QUERIES.items()}
        for name, rows in expected(messages, now).items():
            assert_same(name, shown[name], rows)
            summary.rows += len(rows)
        for name, _, rows_kept, _, outcome, difference in stack.mzlite.administer("mzlite verify"):
            assert outcome == "equal", f"{name}: {outcome}: {difference}"
            summary.rows += int(rows_kept)
        delayed = dict(_fetch(connection, "select order_id, user_key from pipe.delayed_orders"))
        wait_for(lambda: _outbox_is_empty(stack), SETTLE_SECONDS)
    log = read_committed(brokers, ALERTS)
    shown_by_alerts = replay(log)
    assert_same("alerts", sorted(shown_by_alerts), sorted(order.encode() for order in delayed))
    summary.alerts = sum(read.value is not None for read in log)
    summary.tombstones = len(log) - summary.alerts
    return sorted(delayed)


def _outbox_is_empty(stack: FaultyStack) -> bool:
    with stack.inside() as connection:
        return connection.execute("select from mzlite.outbox limit 1").fetchone() is None


def replay(log: list[Read]) -> dict[bytes, bytes]:
    """What is left of a keyed topic; each message must change what was there before it, and times never go back."""
    state: dict[bytes, bytes] = {}
    latest: dict[int, int] = {}
    for read in log:
        assert read.key is not None
        where = f"{read.key.decode()} at offset {read.offset} of partition {read.partition}"
        timestamp = int(dict(read.headers)["materialize-timestamp"])
        assert timestamp >= latest.get(read.partition, 0), f"out of order: {where}"
        latest[read.partition] = timestamp
        if read.value is None:
            assert state.pop(read.key, None) is not None, f"a tombstone without an alert: {where}"
        else:
            assert state.get(read.key) != read.value, f"an alert twice: {where}"
            state[read.key] = read.value
    return state


def assert_same(name: str, shown: Rows | list[bytes], wanted: Rows | list[bytes]) -> None:
    """Compare as bags."""
    too_many, missing = Counter(shown) - Counter(wanted), Counter(wanted) - Counter(shown)
    what = f"{name}: {too_many.total()} too many, {missing.total()} missing:"
    assert not too_many + missing, f"{what} {list(too_many)[:3]} instead of {list(missing)[:3]}"


def _fetch(connection: psycopg.Connection[Any], query: str) -> Rows:
    return connection.execute(query.encode()).fetchall()
