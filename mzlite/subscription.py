"""A subscription: from the ticks of the engine to the session that reads it.

In: a SUBSCRIBE, joined to the ticks on the engine's thread; then the net changes of each tick. Out: events, awaited on
the event loop, in the order of their timestamps, with progress where nothing changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mzlite.catalog.definitions import analyse, refuse_inputs
from mzlite.catalog.maintained import check_inputs
from mzlite.catalog.rbac import authorize_reads
from mzlite.catalog.registry import quote_name, search_path
from mzlite.dataflow.engine import Engine
from mzlite.dataflow.objects import MaintainedObject
from mzlite.dataflow.source_errors import error_of
from mzlite.dataflow.subscriptions import ActiveSubscription, Change, snapshot_query
from mzlite.dataflow.tick import fetch_changes
from mzlite.dataflow.transaction import EngineTransaction, as_client
from mzlite.dialect.check import check_query
from mzlite.dialect.databases import physical_name
from mzlite.dialect.features import FLAGS
from mzlite.dialect.statements import Subscribe
from mzlite.errors import MzError
from mzlite.session import Session
from mzlite.wire.interface import END_OF_TIME, Column, SubscriptionEvent

PROGRESS_SECONDS = 1.0
WAITING_BYTES = 256 * 1024 * 1024
"""What may wait for a subscriber before it is cut off."""
ROW_BYTES = 100
"""What a row takes in memory beside its values, about."""


class Subscription:
    """A live query of one session; made by `Coordinator.subscribe`."""

    def __init__(
        self, engine: Engine, number: int, loop: asyncio.AbstractEventLoop, limit: int = WAITING_BYTES
    ) -> None:
        self._limit = limit
        self.overflowed: Callable[[MzError], None] | None = None
        self.columns: Sequence[Column] = ()
        self.timestamp = 0
        self._engine = engine
        self._number = number
        self._loop = loop
        self._queue: asyncio.Queue[Change | MzError] = asyncio.Queue()
        self._waiting = 0
        self._active: ActiveSubscription | None = None
        self._frontier = 0
        self._up_to: int | None = None
        self._constant = False

    # On the engine's thread ------------------------------------------------------------

    def open(self, tx: EngineTransaction, session: Session, statement: Subscribe) -> None:
        """Finds or builds what is subscribed to, reads its state, and joins the ticks."""
        query = subscribed_query(tx, session, statement)
        object_id = f"t{self._number}"
        item = tx.dataflow.subscribe(tx, object_id, query, search_path(session))
        if item.error is not None:
            raise MzError(item.error[1], sqlstate=item.error[0])
        source_error = error_of(tx, item.id)
        if source_error is not None:
            raise MzError(source_error)
        self.timestamp = self._frontier = tx.timestamp
        self._set_up_to(tx, statement)
        self._constant = is_constant(tx, item)
        self.columns = described(tx, item.rel.state())
        snapshot = fetch_changes(tx, snapshot_query(item.rel)) if statement.snapshot else []
        reads = frozenset(
            {other.id for other in tx.dataflow.graph if other.id in item.reads}
            | {
                other.id
                for read in item.reads
                for other in tx.dataflow.graph
                if item in tx.dataflow.graph.readers(other.id)
            }
            | {object_id}
        )
        self._active = ActiveSubscription(self._number, item.rel, reads, self._deliver, object_id)
        active = self._active

        def begin() -> None:
            self._engine.subscriptions[self._number] = active
            self._deliver(Change(self.timestamp, snapshot))

        tx.after_commit.append(begin)

    def _set_up_to(self, tx: EngineTransaction, statement: Subscribe) -> None:
        if statement.up_to is not None:
            row = as_client(
                tx, f"select mz_internal.milliseconds(({statement.up_to})::mz_catalog.mz_timestamp)"
            ).fetchone()
            assert row is not None
            self._up_to = int(row[0])
            if self._up_to < self.timestamp:
                raise MzError(
                    'subscription lower ("as of") bound is beyond its upper ("up to") bound: '
                    f"{self._up_to} < {self.timestamp}"
                )

    def _deliver(self, change: Change | MzError) -> None:
        self._loop.call_soon_threadsafe(self._put, change)

    # On the event loop -------------------------------------------------------------------

    def _put(self, change: Change | MzError) -> None:
        if isinstance(change, Change):
            self._waiting += _size(change)
            # One change of any size may wait, the first state for example: it is there already.
            behind = self._waiting > self._limit and not self._queue.empty()
            if behind and self._active is not None and not self._active.done:
                self._active.done = True
                self._queue = asyncio.Queue()
                self._engine.statistics.cut_off += 1
                change = MzError("the subscription does not keep up with the changes", sqlstate="53400")
                if self.overflowed is not None:
                    self.overflowed(change)
        self._queue.put_nowait(change)

    async def next(self, timeout: float | None) -> SubscriptionEvent | None:  # noqa: ASYNC109  (the wire's interface)
        """The next event, or None when none came within `timeout` seconds.

        Raises:
            MzError: what is subscribed to cannot be computed any more.
        """
        wait = PROGRESS_SECONDS if timeout is None else min(timeout, PROGRESS_SECONDS)
        try:
            # What is there is given even when there is no time to wait.
            change = self._queue.get_nowait() if not self._queue.empty() else await self._wait(wait)
        except TimeoutError:
            if timeout is not None and timeout < PROGRESS_SECONDS:
                return None
            return self._progress()
        if isinstance(change, MzError):
            raise change
        self._waiting -= _size(change)
        if self._up_to is not None and change.timestamp >= self._up_to:
            return SubscriptionEvent(self._up_to, [], END_OF_TIME)
        if self._constant:
            return SubscriptionEvent(change.timestamp, change.rows, END_OF_TIME)
        self._frontier = max(self._frontier, change.timestamp + 1)
        return SubscriptionEvent(change.timestamp, change.rows, self._frontier)

    async def _wait(self, seconds: float) -> Change | MzError:
        return await asyncio.wait_for(self._queue.get(), seconds)

    def _progress(self) -> SubscriptionEvent:
        """An event that only says how far time has come."""
        frontier = max(self._frontier, self._engine.frontier())
        # A tick between the two look-ups has put its change into the queue, and that one goes first.
        if not self._queue.empty():
            frontier = self._frontier
        if self._up_to is not None and frontier >= self._up_to:
            return SubscriptionEvent(self._up_to, [], END_OF_TIME)
        self._frontier = frontier
        return SubscriptionEvent(frontier, [], frontier)

    async def close(self) -> None:
        """Leaves the ticks; harmless when already closed."""
        active, self._active = self._active, None
        if active is None:
            return
        active.done = True
        self._engine.subscriptions.pop(active.id, None)

        def job(tx: EngineTransaction) -> None:
            if active.owned is not None:
                tx.dataflow.drop(tx, active.owned)

        await asyncio.wrap_future(self._engine.submit(job))


def _size(change: Change) -> int:
    """What a change takes in memory, about."""
    values = sum(len(value) for _, row in change.rows for value in row if value is not None)
    return values + ROW_BYTES * len(change.rows)


def described(tx: EngineTransaction, query: str) -> list[Column]:
    """The columns of a query as the protocol describes them."""
    result = tx.execute(f"select * from ({query}) as t limit 0").pgresult
    assert result is not None
    return [
        Column((result.fname(index) or b"").decode(), result.ftype(index), result.fsize(index), result.fmod(index))
        for index in range(result.nfields)
    ]


def refuse_unavailable(statement: Subscribe) -> None:
    """Refuses the forms of SUBSCRIBE that Materialize has behind flags.

    Raises:
        MzError: the flag is off.
    """
    if statement.envelope == "debezium":
        FLAGS.require("enable_envelope_debezium_in_subscribe")
    if statement.within_timestamp_order_by is not None:
        FLAGS.require("enable_within_timestamp_order_by_in_subscribe")


def subscribed_query(tx: EngineTransaction, session: Session, statement: Subscribe) -> str:
    """The query of a SUBSCRIBE.

    Raises:
        MzError: it reads what is not there, or may not be read or subscribed to.
    """
    query = statement.query
    if query is None:
        assert statement.relation is not None
        refuse_inputs(tx, session, [statement.relation])
        name = physical_name(statement.relation, session.database)
        query = "select * from " + ".".join(quote_name(part) for part in name)
    elif statement.syntax is None:
        check_query(query, maintained=True)
    references = analyse(tx, session, query, statement.syntax, temporary=True).references
    authorize_reads(tx, session, references)
    check_inputs(tx, references)
    return query


def is_constant(tx: EngineTransaction, item: MaintainedObject) -> bool:
    """Whether the rows can never change: neither by what is read, through plain views, nor by the clock."""
    if any(node.due_query() is not None for node in item.nodes):
        return False
    inputs = [tx.dataflow.graph[object_id] for object_id in item.reads]
    return all(other.kind == "view" and is_constant(tx, other) for other in inputs)
