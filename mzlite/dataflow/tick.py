"""One tick: what arrived, through every maintained object, committed at once.

In: batches of sources, writes in inboxes, moments that fell due. Out: one PostgreSQL transaction
with all changes, the offsets and the outbox rows; and what subscribers are to be told about it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
import structlog

from mzlite.dataflow.ahead import Prepared, changes_columns
from mzlite.dataflow.binary_copy import copy_in
from mzlite.dataflow.dataflow import Dataflow
from mzlite.dataflow.node import Node
from mzlite.dataflow.objects import MaintainedObject
from mzlite.dataflow.program import AHEAD, careful, careful_function, clean_function, driver_function, object_function
from mzlite.dataflow.rel import NOW
from mzlite.dataflow.rules.base import TICK_SETTING
from mzlite.dataflow.sinks import outbox_statement
from mzlite.dataflow.subscriptions import ActiveSubscription, Change, Deliver, changes_query
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.errors import MzError
from mzlite.kafka.buffer import Batch

log = structlog.get_logger(__name__)

REPLAN_ROWS = 1_000
"""Changed rows that an object has worked through when its statements are first planned anew: they were planned while tables were small."""
REPLAN_FACTOR = 4
"""They are planned again each time that its rows have grown by so much."""
CUT_INBOX = 10_000
"""Rows taken out of an inbox from which on its file is cut at once: each write reads all of its inbox."""
REPLAN_OBJECTS = 3
"""Objects that are planned anew in one tick, so that planning a hundred views never holds one tick up."""
SETTINGS = (
    "select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),"
    " set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),"
    f" set_config('{TICK_SETTING}', %s, true)"
)
"""Of a tick's transaction: its number, and plans for small changes against large states. The same statements come every tick, with another moment: planned for each of
the first five moments anew, as PostgreSQL does by default, a hundred views take more time to plan than to keep."""


@dataclass
class Program:
    """The tick's functions in the engine's session, and the state that they carry from tick to tick.

    Attributes:
        order: the objects as the driver runs them.
        dues: the moment at which each changes by the clock, ms.
        known: of which nodes each object's functions were made.
        rows: changed rows that each object has worked through since its functions were made.
        planned: those at which its statements are planned anew.
    """

    order: list[MaintainedObject] = field(default_factory=list)
    dues: list[int | None] = field(default_factory=list)
    known: dict[str, tuple[object, ...]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    planned: dict[str, int] = field(default_factory=dict)
    profile: bool = False

    def install(self, tx: EngineTransaction, dataflow: Dataflow) -> None:
        """Makes the functions for the objects as they are now; those with an error are left out until they heal."""
        graph = dataflow.graph
        nodes, slots = graph.nodes(), graph.slots
        due_of = {item.id: due for item, due in zip(self.order, self.dues, strict=True)}
        self.order = [item for item in graph if item.error is None]
        for item in self.order:
            signature = tuple((id(node), node.found_by) for node in item.nodes)
            if self.known.get(item.id) != signature:
                tx.execute(object_function(item.function, item.nodes, slots, nodes, profile=self.profile))
                tx.execute(careful_function(careful(item.function), item.nodes, slots, nodes))
                self.known[item.id] = signature
                self.rows[item.id], self.planned[item.id] = 0, REPLAN_ROWS
        for kept in (self.known, self.rows, self.planned):
            for gone in [object_id for object_id in kept if object_id not in graph]:
                del kept[gone]
        tx.execute(driver_function([(item.id, item.function, item.inputs) for item in self.order], slots))
        tx.execute(clean_function(list(nodes.values()), slots))
        self.dues = [due_of.get(item.id) for item in self.order]
        for position, item in enumerate(self.order):
            if item.id not in due_of:
                self.dues[position] = first_due(tx, item)

    def replan(self, tx: EngineTransaction, dataflow: Dataflow) -> None:
        """Has a few objects' statements planned anew whose tables may have outgrown their plans.

        A function that is made again comes without plans. DISCARD PLANS would throw all of them away at once.
        """
        grown = [item for item in self.order if self.rows.get(item.id, 0) >= self.planned.get(item.id, REPLAN_ROWS)]
        graph = dataflow.graph
        for item in grown[:REPLAN_OBJECTS]:
            tx.execute(object_function(item.function, item.nodes, graph.slots, graph.nodes(), profile=self.profile))
            self.planned[item.id] = REPLAN_FACTOR * self.rows[item.id]

    def worked(self, counts: Mapping[int, int]) -> None:
        """Notes the changed rows of a tick's nodes."""
        for item in self.order:
            changed = counts.keys() & item.numbers
            if changed:
                self.rows[item.id] = self.rows.get(item.id, 0) + sum(counts[number] for number in changed)

    def next_due(self) -> int | None:
        """The next moment at which something changes by the clock, ms."""
        return min((due for due in self.dues if due is not None), default=None)


def first_due(tx: EngineTransaction, item: MaintainedObject) -> int | None:
    """The next moment at which an object changes by the clock."""
    queries = [query for node in item.nodes if (query := node.due_query()) is not None]
    if not queries:
        return None
    row = tx.execute(f"select least({', '.join(queries)})").fetchone()
    return None if row is None else row[0]


@dataclass
class TickResult:
    """What a tick did."""

    timestamp: int
    rows: int = 0
    ahead: int = 0
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    deliveries: list[tuple[Deliver, Change]] = field(default_factory=list)
    sinks: set[str] = field(default_factory=set)
    counts: dict[int, int] = field(default_factory=dict)


class Stopwatch:
    """How long the parts of a tick take.

    Attributes:
        seconds: of each part that has ended, by its name.
    """

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def end(self, part: str) -> None:
        """A part ends, and the next one begins."""
        now = time.monotonic()
        self.seconds[part], self._last = round(now - self._last, 3), now

    def total(self) -> float:
        """Seconds since the tick began."""
        return time.monotonic() - self._started


class Tick:
    """Runs one tick inside a transaction."""

    def __init__(self, tx: EngineTransaction, dataflow: Dataflow, program: Program) -> None:
        self.tx, self.dataflow, self.program = tx, dataflow, program
        self.slots = dataflow.graph.slots
        self.counters = [0] * (2 * len(self.slots) + 2)
        self.result = TickResult(tx.timestamp)

    def ingest(self, item: MaintainedObject, batch: Batch, columns: Sequence[str], *, stored: bool = False) -> None:
        """Takes a source's batch in, with its offsets; `stored`: into its store at once, as nobody reads its changes."""
        node = item.base
        if batch.rows and stored:
            copy_in(self.tx.connection, node.store, columns, [batch.copy_data])
        elif batch.rows:
            rows = batch.latest_of_keys() if batch.by_key else (batch.copy_data,)
            copy_in(self.tx.connection, node.staging_table, columns, rows)
            self.count(node.number, len(rows) if batch.by_key else batch.rows)
        values = ", ".join(f"('{item.id}', {partition}, {offset})" for partition, offset in batch.offsets.items())
        if values:
            self.tx.execute(
                f"insert into mzlite.offsets as o (source_id, partition, next_offset) values {values}"
                " on conflict (source_id, partition) do update set next_offset = excluded.next_offset"
            )
        self.result.rows += batch.rows

    def take_over(self, prepared: Prepared, nodes: Mapping[int, Node]) -> None:
        """Takes in what was computed ahead of this tick from all messages of append-only sources in it."""
        self.counters[AHEAD] = 1
        self.result.ahead = prepared.rows
        for number, rows in prepared.counts.items():
            self.count(number, rows)
        for number, changes in prepared.changes.items():
            node = nodes[number]
            copy_in(self.tx.connection, node.delta_table, [column.name for column in changes_columns(node)], changes)

    def collect(self, item: MaintainedObject) -> None:
        """Takes in what clients wrote to a table."""
        statement = item.base.collect_inbox()
        rows = self.tx.execute(statement).rowcount
        if rows > CUT_INBOX and self._locked(item.base.inbox):
            # What was committed meanwhile is in no snapshot yet but the next one's.
            rows += self.tx.execute(statement).rowcount
            self.tx.execute(f"truncate {item.base.inbox}")
        self.count(item.base.number, rows)
        self.result.rows += rows

    def _locked(self, table: str) -> bool:
        """Locks a table until the tick has committed; False if somebody writes to it."""
        try:
            with self.tx.connection.transaction():
                self.tx.execute(f"lock table {table} in access exclusive mode nowait")
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    def count(self, number: int, rows: int) -> None:
        """Notes changed rows of a node."""
        # PostgreSQL's arrays begin at 1; slots do too, so entry 2 * slot is at index 2 * slot - 1.
        self.counters[2 * self.slots[number] - 1] += rows

    def run(self) -> None:
        """Runs the maintained objects."""
        row = self.tx.execute(
            "select mz_c, mz_dues, mz_failed from pg_temp.tick(%s::bigint[], %s::bigint[], %s, %s)",
            (self.counters, self.program.dues, self.tx.timestamp, self.tx.tick),
        ).fetchone()
        assert row is not None
        self.counters, self.program.dues = list(row[0]), list(row[1])
        flat = row[2]
        self.result.failed = [(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)]
        for number, slot in self.slots.items():
            rows = self.counters[2 * slot - 1]
            if rows:
                self.result.counts[number] = rows

    def changed(self, numbers: frozenset[int]) -> bool:
        """Whether one of the nodes changed."""
        return any(number in self.result.counts for number in numbers)

    def publish(self, subscriptions: Sequence[ActiveSubscription]) -> None:
        """Works out what subscribers and sinks are told."""
        seen: dict[str, Change] = {}
        for subscription in subscriptions:
            if not self.changed(subscription.rel.changes_with()):
                continue
            query = changes_query(subscription.rel)
            if query is None:
                continue
            if query not in seen:
                seen[query] = Change(self.tx.timestamp, fetch_changes(self.tx, query))
            if seen[query].rows:
                self.result.deliveries.append((subscription.deliver, seen[query]))
        for sink in self.dataflow.sinks.values():
            if self.changed(sink.rel.changes_with()):
                statement = outbox_statement(sink)
                if statement is not None:
                    rows = self.tx.execute(statement.replace(NOW, str(self.tx.timestamp))).rowcount
                    if rows:
                        self.result.sinks.add(sink.spec.sink_id)
        if self.result.sinks:
            # What Kafka is about to see must be durable here first.
            self.tx.execute("set local synchronous_commit = on")

    def clean(self) -> None:
        """Empties the delta tables."""
        self.tx.execute("select pg_temp.clean(%s::bigint[])", (self.counters,))


def fetch_changes(tx: EngineTransaction, query: str) -> list[tuple[int, tuple[bytes | None, ...]]]:
    """Rows of (difference, values as PostgreSQL prints them)."""
    result = tx.execute(query).pgresult
    assert result is not None
    width = result.nfields
    return [
        (
            int(result.get_value(row, 0) or b"0"),
            tuple(result.get_value(row, column) for column in range(1, width)),
        )
        for row in range(result.ntuples)
    ]


def notify_error(subscriptions: Sequence[ActiveSubscription], object_id: str, error: MzError) -> Callable[[], None]:
    """Ends the subscriptions that depend on an object, with its error."""

    def tell() -> None:
        for subscription in subscriptions:
            if object_id in subscription.reads:
                subscription.done = True
                subscription.deliver(error)

    return tell
