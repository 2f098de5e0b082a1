"""Ahead of the tick: what messages alone decide is computed in a session of its own, while a tick runs.

In: what waits in the readers' buffers, and the nodes that compute rows from single messages (decoding, casts,
filters: `Share.ahead`). Out: `Prepared` work, which the next tick takes in: the messages, and the changes of those nodes
that others read. Such work depends on no state and on no clock, so it can be done before the tick's moment is known; and a
second PostgreSQL backend does it on a second core. Nothing of it is visible before the tick commits: what is prepared lies
in this process, and is thrown away and done again if definitions change or a tick fails.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog

from mzlite.dataflow.binary_copy import copy_in, copy_out
from mzlite.dataflow.intake import shares
from mzlite.dataflow.node import Node
from mzlite.dataflow.objects import Graph
from mzlite.dataflow.rel import Column, Mode, names_of
from mzlite.dataflow.rules.base import Base
from mzlite.dataflow.rules.share import Share
from mzlite.dataflow.sinks import ActiveSink
from mzlite.dataflow.transaction import run
from mzlite.kafka.buffer import Batch
from mzlite.kafka.ingest import Ingest
from mzlite.priority import lower

log = structlog.get_logger(__name__)

ROUND_ROWS = 5_000
"""Messages that are computed at once, at most: a tick waits for the ones at hand, so they must not take long."""
NICENESS = 5
"""Of the session: a tick goes first."""
RETRY_SECONDS = 5.0
"""After a failure, ticks compute everything themselves for so long."""

Taken = list[tuple[Ingest, Batch]]


@dataclass(frozen=True)
class AheadPlan:
    """What can be computed ahead.

    Attributes:
        sources: the base of each source whose messages are taken, by the source's id.
        nodes: what is computed from them, in dependency order.
        decoded: numbers of the bases whose changes these nodes read.
        exported: numbers of those nodes whose changes are read by others than them.
        stored: numbers of the bases whose changes are read by nobody else: their rows only need to be stored.
    """

    sources: Mapping[str, Base]
    nodes: Sequence[Share]
    decoded: frozenset[int]
    exported: frozenset[int]
    stored: frozenset[int]


@dataclass
class Prepared:
    """Work that was done ahead of a tick.

    Attributes:
        taken: the messages, in the order of their taking.
        counts: changed rows of each node.
        changes: of the exported nodes: rows in PostgreSQL's binary COPY format (columns and `mz_diff`).
        stored: numbers of the bases whose rows go directly into their stores.
    """

    taken: Taken = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    changes: dict[int, list[bytes]] = field(default_factory=dict)
    stored: frozenset[int] = frozenset()

    @property
    def rows(self) -> int:
        """How many messages' rows it has."""
        return sum(batch.rows for _, batch in self.taken)

    def size_of(self, ingest: Ingest) -> int:
        """Bytes of the messages of one source."""
        return sum(len(batch.copy_data) for other, batch in self.taken if other is ingest)

    def add(self, other: Prepared) -> None:
        """Takes in what came later."""
        self.taken += other.taken
        self.stored = other.stored if other.taken else self.stored
        for number, rows in other.counts.items():
            self.counts[number] = self.counts.get(number, 0) + rows
        for number, data in other.changes.items():
            self.changes.setdefault(number, []).extend(data)


def plan_ahead(graph: Graph, sinks: Iterable[ActiveSink]) -> AheadPlan | None:
    """What can be computed ahead now; None if there is nothing, or while an object is in error."""
    if any(item.error is not None for item in graph):
        return None  # The ticks mark and heal objects; meanwhile all work is theirs.
    nodes = [node for item in graph for node in item.nodes]
    ahead = [node for node in nodes if isinstance(node, Share) and node.ahead]
    if not ahead:
        return None
    sources = {item.id: item.base for item in graph if item.kind == "source" and item.base.append_only}
    numbers, bases = {node.number for node in ahead}, {base.number for base in sources.values()}
    read = frozenset().union(*(item.deltas for item in graph))
    told = [item.rel for item in graph if item.kind == "subscription"] + [sink.rel for sink in sinks]
    read = read.union(*(rel.changes_with() for rel in told))
    decoded = bases & frozenset().union(*(node.source.changes_with() for node in ahead))
    return AheadPlan(sources, ahead, frozenset(decoded), frozenset(numbers & read), frozenset(bases - read))


class Ahead:
    """The session that computes ahead, and its thread.

    Every method but the thread's own is the engine's to call.

    Args:
        connect: gives a connection with the engine's settings.
        ingests: the running readers by their source's id; the engine changes it only after `withdraw`.
        rows: messages of all sources in a tick, at most.
        size: bytes of the messages of one source in a tick, at most.
        least: with fewer messages waiting, the tick computes them itself.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        ingests: Mapping[str, Ingest],
        *,
        rows: int,
        size: int,
        least: int,
    ) -> None:
        self._ingests, self._rows, self._size, self._least = ingests, rows, size, least
        self._session = DecodingSession(connect)
        self._condition = threading.Condition()
        self._plan: AheadPlan | None = None
        self._allowed = self._busy = self._stopping = False
        self._pause_until = 0.0
        self._prepared = Prepared()
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> bool:
        """Whether there is something for the next tick, or soon will be."""
        with self._condition:
            return self._busy or bool(self._prepared.taken)

    @property
    def settled(self) -> bool:
        """Whether it rests, because it may not work or there is too little to do."""
        with self._condition:
            return not self._busy and not self._is_enough()

    def install(self, plan: AheadPlan | None) -> None:
        """Has other nodes computed from now on; what was prepared must have been withdrawn."""
        with self._condition:
            assert not self._busy
            assert not self._prepared.taken
            self._plan = plan

    def begin(self) -> None:
        """Lets it work, until `take`, `pause` or `withdraw`."""
        with self._condition:
            if self._plan is None or time.monotonic() < self._pause_until:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
                self._thread.start()
            self._allowed = True
            self._condition.notify_all()

    def pause(self) -> None:
        """Nothing new is begun; what is at hand is finished."""
        with self._condition:
            self._allowed = False

    def notify(self) -> None:
        """More messages wait. From any thread."""
        with self._condition:
            if self._allowed and not self._busy:
                self._condition.notify_all()

    def take(self) -> Prepared | None:
        """What was prepared; if there is nothing yet, what is at hand, when it has been finished; None if that is nothing, too.

        What is at hand otherwise comes with the next tick. Its messages follow those that are taken now, so until then the
        tick may take none of these sources by itself.
        """
        with self._condition:
            self._allowed = False
            while self._busy and not self._prepared.taken:
                self._condition.wait()
            return self._handed_over()

    def withdraw(self) -> None:
        """Gives everything back that was prepared and not taken, after what is at hand has been finished."""
        with self._condition:
            self._allowed = False
            while self._busy:
                self._condition.wait()
            prepared = self._handed_over()
        if prepared is not None:
            give_back(prepared.taken)

    def stop(self) -> None:
        """Ends the thread and the session."""
        self.withdraw()
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._session.close()

    def _handed_over(self) -> Prepared | None:
        prepared, self._prepared = self._prepared, Prepared()
        return prepared if prepared.taken else None

    # The thread ------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._stopping and not self._is_enough():
                    self._condition.wait()
                if self._stopping:
                    return
                self._busy, plan, so_far = True, self._plan, self._prepared
            assert plan is not None
            done = self._round(plan, so_far)
            with self._condition:
                self._prepared.add(done)
                self._busy = False
                self._condition.notify_all()

    def _is_enough(self) -> bool:
        """Whether a round is worth its while."""
        if not self._allowed or self._plan is None:
            return False
        room = self._rows - self._prepared.rows
        waiting = sum(count for pieces in self._waiting(self._plan).values() for _, count in pieces)
        return 0 < self._least <= min(waiting, room)

    def _waiting(self, plan: AheadPlan) -> dict[str, list[tuple[int, int]]]:
        """What waits in the buffers that may be taken from."""
        readers = {source_id: self._ingests.get(source_id) for source_id in plan.sources}
        return {
            source_id: reader.waiting()
            for source_id, reader in readers.items()
            if reader is not None and self._prepared.size_of(reader) < self._size
        }

    def _round(self, plan: AheadPlan, so_far: Prepared) -> Prepared:
        """Takes messages and computes what follows from them alone; on a failure they are left to the tick."""
        done = Prepared(stored=plan.stored)
        try:
            limits = shares(self._waiting(plan), min(ROUND_ROWS, self._rows - so_far.rows))
            for source_id, limit in limits.items():
                ingest = self._ingests[source_id]
                batch = ingest.take(limit, self._size - so_far.size_of(ingest), ahead=True) if limit else None
                if batch is not None:
                    done.taken.append((ingest, batch))
            self._session.compute(plan, done)
        except Exception as error:  # noqa: BLE001  (whatever it is, the tick meets it too and knows what to do)
            log.info("messages are left to the tick", error=str(error).strip())
            self._session.close()
            with self._condition:
                self._allowed, self._pause_until = False, time.monotonic() + RETRY_SECONDS
            give_back(done.taken)
            return Prepared()
        return done


class DecodingSession:
    """The session's tables and statements; opened when they are first needed."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._tables: list[Node] = []

    def close(self) -> None:
        """Ends the session."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._tables = None, []

    def compute(self, plan: AheadPlan, work: Prepared) -> None:
        """Fills in counts and changes for the messages that were taken."""
        connection = self._opened(plan)
        rows = {node.number: 0 for node in (*plan.sources.values(), *plan.nodes)}
        # The tables are emptied when the transaction ends.
        with connection.transaction():
            for ingest, batch in work.taken:
                base = plan.sources[ingest.spec.source_id]
                if batch.rows and base.number in plan.decoded:
                    copy_in(connection, base.staging_table, ingest.spec.staged_columns, [batch.copy_data])
                rows[base.number] += batch.rows
            for node in plan.nodes:
                for step in node.steps(Mode.TICK):
                    if all(any(rows[number] for number in numbers) for numbers in step.when):
                        rows[node.number] += connection.execute(step.sql.encode(), prepare=True).rowcount
                if rows[node.number] and node.number in plan.exported:
                    columns = names_of(changes_columns(node))
                    work.changes[node.number] = [copy_out(connection, f"{node.delta_table} ({columns})")]
        work.counts = {node.number: rows[node.number] for node in plan.nodes if rows[node.number]}

    def _opened(self, plan: AheadPlan) -> psycopg.Connection[Any]:
        """The session, with tables for the nodes of the plan."""
        tables: list[Node] = [*plan.sources.values(), *plan.nodes]
        if [id(node) for node in tables] != [id(node) for node in self._tables]:
            self.close()
        if self._connection is None:
            self._connection = self._connect()
            run(self._connection, "set application_name = 'mzlite ahead'")
            lower(self._connection.info.backend_pid, NICENESS)
            for node in tables:
                run(self._connection, f"{node.delta_statement()} on commit delete rows")
            self._tables = tables
        return self._connection


def changes_columns(node: Node) -> list[Column]:
    """The columns of a node's delta table."""
    return [*node.columns, Column("mz_diff", "bigint")]


def give_back(taken: Sequence[tuple[Ingest, Batch]]) -> None:
    """Messages go back into their buffers, the last first."""
    for ingest, batch in reversed(taken):
        ingest.give_back(batch)
