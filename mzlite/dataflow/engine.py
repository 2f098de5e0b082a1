"""The engine: one thread, one PostgreSQL connection, and the loop that ticks.

In: wake-ups (a batch arrived, a client wrote, a moment fell due) and jobs (definitions,
subscriptions) that run between ticks. Out: committed ticks. When nothing happens it sleeps.
"""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import psycopg
import structlog

from mzlite.clock import Clock
from mzlite.dataflow import restored, source_errors
from mzlite.dataflow.ahead import Ahead, Taken, give_back, plan_ahead
from mzlite.dataflow.client_indexes import TOO_WIDE, ValueTooWideError, give_up, indexes_of
from mzlite.dataflow.connectors import RunningConnectors
from mzlite.dataflow.dataflow import Dataflow
from mzlite.dataflow.heal import Healing
from mzlite.dataflow.intake import shares
from mzlite.dataflow.keeping import mark_failed
from mzlite.dataflow.litter import Litter, clear_away, littered
from mzlite.dataflow.objects import evaluation_error
from mzlite.dataflow.profile import PROFILE_TABLE, log_profile
from mzlite.dataflow.statistics import Statistics
from mzlite.dataflow.statuses import Record, Statuses
from mzlite.dataflow.subscriptions import ActiveSubscription
from mzlite.dataflow.tick import SETTINGS, Program, Stopwatch, Tick, TickResult, notify_error
from mzlite.dataflow.transaction import ENGINE_PATH, EngineTransaction, engine_session, run
from mzlite.errors import MzError
from mzlite.kafka.buffer import Batch
from mzlite.kafka.ingest import Ingest
from mzlite.kafka.restored import Snapshot

log = structlog.get_logger(__name__)

T = TypeVar("T")
Connect = Callable[[], psycopg.Connection[Any]]

GONE = "the inner PostgreSQL has gone"
LONGEST_SLEEP = 3600.0
RETRY_SECONDS = 1.0
SLOW_TICK = 1.0
"""Seconds from which on a tick is worth a line in the log, which says what took so long."""
LOCK_TIMEOUT = "5s"
"""How long a definition waits for a relation that a session's transaction uses."""


@dataclass(frozen=True)
class EngineOptions:
    """Limits of a tick.

    Attributes:
        batch_rows: messages taken from all sources together in one tick, at most.
        batch_bytes: bytes of rows taken from one source in one tick, at most.
        pause: seconds from one tick's end to the next one's start while only sources have news, so that
            ticks at rest gather a few messages each.
        ahead_rows: from so many waiting messages on they are decoded ahead, in a session of its own, while a tick
            runs; 0 for never.
        profile: note the time of each statement of a tick, and log the sums at the end.
    """

    batch_rows: int = 20_000
    batch_bytes: int = 16 * 1024 * 1024
    pause: float = 0.01
    ahead_rows: int = 1_000
    profile: bool = False


class Engine:
    """Maintains the objects of one database.

    Args:
        connect: gives superuser connections to the database.
        clock: what ticks read.
        options: limits.
        record: notes what sources and sinks do; None to note nothing.
    """

    def __init__(
        self, connect: Connect, clock: Clock, options: EngineOptions | None = None, record: Record | None = None
    ) -> None:
        self._connect = connect
        self.clock = clock
        self.options = options or EngineOptions()
        self.connectors = RunningConnectors(connect, clock, self.wake, self.absorb_writes, self._snapshot)
        self.dataflow = Dataflow(self.connectors)
        self.statistics = Statistics()
        self.subscriptions: dict[int, ActiveSubscription] = {}
        self._statuses = Statuses(self.connectors.ingests, self.connectors.publishers, record)
        self._program = Program(profile=self.options.profile)
        self.ahead = Ahead(
            lambda: engine_session(connect),
            self.connectors.ingests,
            rows=self.options.batch_rows,
            size=self.options.batch_bytes,
            least=self.options.ahead_rows,
        )
        self._healing = Healing()
        self._connection: psycopg.Connection[Any] | None = None
        self._condition = threading.Condition()
        self._jobs: deque[tuple[Callable[[EngineTransaction], Any], Future[Any]]] = deque()
        self._writers: list[Future[int]] = []
        self._news = False
        self._stopping = False
        self._last = 0
        self._ended = 0.0
        self._litter = Litter()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.failure: BaseException | None = None

    # From any thread -----------------------------------------------------------------

    def start(self, prepare: Callable[[EngineTransaction], None] | None = None) -> None:
        """Attaches to the database and begins to tick; `prepare` runs in the first transaction."""
        self._connection = engine_session(self._connect)
        run(self._connection, "set application_name = 'mzlite engine'")
        if self.options.profile:
            run(self._connection, PROFILE_TABLE)

        def first(tx: EngineTransaction) -> None:
            self.dataflow.attach(tx)
            if prepare is not None:
                prepare(tx)

        try:
            self._work(first)
        except BaseException:
            if self._connection is not None:
                self._connection.close()
            raise
        with self._condition:
            self._news = True
            # What was written before a crash and not yet absorbed.
            self._writers.append(Future())
        self._thread.start()

    def stop(self) -> None:
        """Stops after the work at hand, then the readers and writers of Kafka."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join()
        self.ahead.stop()
        self.connectors.stop()
        if self._connection is not None:
            if self.options.profile and not self._connection.closed:
                log_profile(self._connection, self.dataflow.graph.nodes())
            self._connection.close()

    def submit(self, job: Callable[[EngineTransaction], T]) -> Future[T]:
        """Runs a job between ticks, in a transaction of its own; its exception undoes everything and is the future's."""
        future: Future[T] = Future()
        with self._condition:
            if self._stopping:
                future.set_exception(MzError("the server is shutting down", sqlstate="57P01"))
            else:
                self._jobs.append((job, future))
                self._condition.notify()
        return future

    def absorb_writes(self) -> Future[int]:
        """A tick that takes in all writes committed before this call; the result is its timestamp."""
        future: Future[int] = Future()
        with self._condition:
            self._writers.append(future)
            self._condition.notify()
        return future

    def wake(self) -> None:
        """Something arrived, or the clock was moved."""
        with self._condition:
            if not self._news:
                self._news = True
                self._condition.notify()
        self.ahead.notify()

    @property
    def is_cut_off(self) -> bool:
        """Whether PostgreSQL has ended the engine's session, which an idle engine would only see at its next tick."""
        if self.failure is not None or self._connection is None:
            return self.failure is not None
        poll = select.poll()
        try:
            poll.register(self._connection.fileno(), 0)
        except (psycopg.Error, ValueError):
            return True
        # Nothing is asked for: that the other side has hung up is told in any case.
        return bool(poll.poll(0))

    def frontier(self) -> int:
        """Every moment before this one is complete, in ms."""
        due = self._program.next_due()
        now = self.clock.now()
        return max(self._last, now if due is None else min(now, due - 1)) + 1

    def _snapshot(self, sink_id: str) -> Snapshot | str:
        """What a restored sink's collection holds; asked by its writer's thread."""
        return self.submit(lambda tx: restored.snapshot(tx, self.dataflow, self.connectors.ingests, sink_id)).result()

    # The engine's thread ---------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[EngineTransaction]:
        """A transaction with the next timestamp; the graph goes back if it fails."""
        assert self._connection is not None
        graph, sinks = self.dataflow.graph.copy(), dict(self.dataflow.sinks)
        known, order, dues = dict(self._program.known), list(self._program.order), list(self._program.dues)
        # A held clock may not move while several ticks happen; otherwise each has a moment of its own.
        now = self.clock.now()
        timestamp = max(self._last, now) if self.clock.held is not None else max(self._last + 1, now)
        try:
            with self._connection.transaction():
                row = run(self._connection, "select nextval('mzlite.ticks')").fetchone()
                assert row is not None
                tx = EngineTransaction(self._connection, timestamp, row[0], self.dataflow)
                yield tx
                tx.execute(
                    "update mzlite.clock set last_tick = %s, next_due = %s, held = %s",
                    (timestamp, self._program.next_due(), self.clock.held),
                )
        except BaseException:
            self.dataflow.graph, self.dataflow.sinks = graph, sinks
            self._program.known, self._program.order, self._program.dues = known, order, dues
            raise
        self._last = timestamp
        for action in tx.after_commit:
            action()

    def _work(self, job: Callable[[EngineTransaction], T]) -> T:
        """Runs a job in a transaction and makes the tick's functions anew."""
        self.ahead.withdraw()  # The job may stop the readers whose messages have been taken.
        with self._transaction() as tx:
            # A session that sits on a lock must not hold up the ticks for long.
            tx.execute(
                "select set_config('lock_timeout', %s, true), set_config('synchronous_commit', 'on', true)",
                (LOCK_TIMEOUT,),
            )
            result = job(tx)
            tx.execute("select set_config('search_path', %s, true)", (ENGINE_PATH,))
            self._program.install(tx, self.dataflow)
        self._plan_ahead()
        return result

    def _plan_ahead(self) -> None:
        """After a change of what is maintained, of what reads it, or of what can be computed."""
        self.ahead.install(plan_ahead(self.dataflow.graph, self.dataflow.sinks.values()))

    def _run(self) -> None:
        while True:
            jobs, writers, news = self._wait()
            if self._stopping and not jobs and not writers:
                return
            try:
                for job, future in jobs:
                    self._do(job, future)
                if writers or news or self._is_due():
                    counts = self._tick(writers)
                    writers = []
                    # Nobody waits for this tick any more.
                    assert self._connection is not None
                    graph = self.dataflow.graph
                    clear_away(self._connection, graph, self._litter.after(littered(graph, counts)))
            except ValueTooWideError as error:
                self._do(partial(give_up, names=error.names), Future())
                with self._condition:
                    self._writers = writers + self._writers
                    self._news = True
            except Exception as error:  # noqa: BLE001  (the loop must outlive whatever a tick meets)
                self._recover(error, writers)

    def _do(self, job: Callable[[EngineTransaction], Any], future: Future[Any]) -> None:
        """Runs one submitted job."""
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = self._work(job)
        except Exception as error:  # handed to whoever submitted the job
            assert self._connection is not None
            is_gone = self._connection.closed
            future.set_exception(MzError(GONE, sqlstate="57P01") if is_gone else error)
            if is_gone:
                raise
        else:
            future.set_result(result)

    def _wait(self) -> tuple[list[tuple[Callable[[EngineTransaction], Any], Future[Any]]], list[Future[int]], bool]:
        """Sleeps until there is something to do, and takes it."""
        with self._condition:
            while not (self._jobs or self._writers or self._stopping):
                sleep = self._sleep()
                if sleep <= 0:
                    break
                self._condition.wait(sleep)
            jobs, writers, news = list(self._jobs), self._writers, self._news
            self._jobs.clear()
            self._writers, self._news = [], False
        return jobs, writers, news

    def _sleep(self) -> float:
        """Seconds until the next tick that nobody waits for."""
        if self._news:
            return self._ended + self.options.pause - time.monotonic()
        sleep = LONGEST_SLEEP
        due = self._program.next_due()
        if due is not None and self.clock.held is None:
            sleep = min(sleep, (due - self.clock.now()) / 1000)
        for moment in (self._healing.next_attempt(self.dataflow.graph), self._statuses.next_look):
            if moment is not None:
                sleep = min(sleep, moment - time.monotonic())
        return sleep

    def _is_due(self) -> bool:
        due = self._program.next_due()
        retry = self._healing.next_attempt(self.dataflow.graph)
        if (due is not None and due <= self.clock.now()) or (retry is not None and retry <= time.monotonic()):
            return True
        return self._statuses.is_due()

    def _tick(self, writers: list[Future[int]]) -> Mapping[int, int]:
        """One tick, and what follows its commit; how many rows of each node it changed."""
        watch = Stopwatch()
        taken: Taken = []
        try:
            with self._transaction() as tx:
                healed = self._healing.attempt(tx, self.dataflow)
                if healed:
                    self._program.install(tx, self.dataflow)
                self._program.replan(tx, self.dataflow)
                tx.execute(SETTINGS, (str(tx.tick),))
                watch.end("preparing")
                tick = Tick(tx, self.dataflow, self._program)
                self._take_in(tick, taken)
                self.ahead.begin()
                if writers:
                    for item in self.dataflow.graph:
                        if item.has_inbox:
                            tick.collect(item)
                watch.end("taking")
                tick.run()
                watch.end("maintaining")
                for ingest, _ in taken:
                    self._notify(tx, source_errors.refresh(tx, self.dataflow.graph, ingest.spec.source_id))
                tick.publish([item for item in self.subscriptions.values() if not item.done])
                tick.clean()
                self._statuses.record(tx, taken)
                if tick.result.failed:
                    self._failed(tx, tick.result)
                watch.end("telling")
        except BaseException:
            # Not committed, so not read: the next tick takes the same messages again, in their order.
            self.ahead.withdraw()
            give_back(taken)
            raise
        self.ahead.pause()
        watch.end("committing")
        self._finished(watch, tick.result, writers)
        self._statuses.committed(taken)
        if healed or tick.result.failed:
            self.ahead.withdraw()
            self._plan_ahead()
        if self.ahead.pending or any(ingest.waiting() for ingest in self.connectors.ingests.values()):
            self.wake()
        return tick.result.counts

    def _take_in(self, tick: Tick, taken: Taken) -> None:
        """Takes what the sources have received; of append-only ones what has been decoded, if that was begun."""
        graph, budget = self.dataflow.graph, self.options.batch_rows
        known = {source_id: ingest for source_id, ingest in self.connectors.ingests.items() if source_id in graph}
        prepared = self.ahead.take()
        if prepared is not None:
            taken += prepared.taken
            tick.take_over(prepared, graph.nodes())
            for ingest, batch in prepared.taken:
                ingest.hand_over(batch)
                self._ingested(tick, ingest, batch, prepared.stored)
            known = {source_id: ingest for source_id, ingest in known.items() if not graph[source_id].base.append_only}
            budget = max(budget - prepared.rows, budget // 2)
        limits = shares({source_id: ingest.waiting() for source_id, ingest in known.items()}, budget)
        for source_id, ingest in known.items():
            # Where nothing waits there may be an error to take, or what has arrived just now.
            found = ingest.take(limits[source_id] or 1, self.options.batch_bytes)
            if found is not None:
                taken.append((ingest, found))
                self._ingested(tick, ingest, found)

    def _ingested(self, tick: Tick, ingest: Ingest, batch: Batch, stored: frozenset[int] = frozenset()) -> None:
        """A batch becomes part of a tick, or the error that a source ended with."""
        source_id = ingest.spec.source_id
        item = self.dataflow.graph[source_id]
        tick.ingest(item, batch, ingest.spec.staged_columns, stored=item.base.number in stored)
        if batch.error is not None:
            failure = source_errors.fail(tick.tx, self.dataflow.graph, source_id, batch.error)
            self._notify(tick.tx, failure)

    def _finished(self, watch: Stopwatch, result: TickResult, writers: list[Future[int]]) -> None:
        """Tells everybody who waited."""
        for deliver, change in result.deliveries:
            deliver(change)
        for sink_id in result.sinks:
            publisher = self.connectors.publishers.get(sink_id)
            if publisher is not None:
                publisher.notify()
        for future in writers:
            future.set_result(result.timestamp)
        self._ended = time.monotonic()
        self._program.worked(result.counts)
        seconds = watch.total()
        self.statistics.committed(result, seconds)
        if seconds > SLOW_TICK:
            log.info("a slow tick", seconds=round(seconds, 3), rows=result.rows, **watch.seconds)

    def _failed(self, tx: EngineTransaction, result: TickResult) -> None:
        """Marks objects that could not be brought up to date, and all that read them.

        Raises:
            ValueTooWideError: it may be for an index alone.
        """
        wide = [self.dataflow.graph[object_id] for object_id, sqlstate, _ in result.failed if sqlstate == TOO_WIDE]
        if wide and (indexes := indexes_of(tx, wide)):
            raise ValueTooWideError(indexes)
        for object_id, sqlstate, message in result.failed:
            self._mark(tx, object_id, sqlstate, message)
        self._program.install(tx, self.dataflow)

    def _mark(self, tx: EngineTransaction, object_id: str, sqlstate: str, message: str) -> None:
        failure = evaluation_error(message)
        active = [item for item in self.subscriptions.values() if not item.done]
        for item in (self.dataflow.graph[object_id], *self.dataflow.graph.readers(object_id)):
            if item.error is not None:
                continue
            self._healing.failed(item.id)
            mark_failed(tx, item, failure)
            tx.after_commit.append(notify_error(active, item.id, MzError(failure[1])))
        log.warning("a view cannot be computed", object=object_id, error=message, sqlstate=sqlstate)

    def _notify(self, tx: EngineTransaction, failure: source_errors.SourceFailure | None) -> None:
        """Ends the subscriptions that a source's error reaches."""
        if failure is None:
            return
        active = [item for item in self.subscriptions.values() if not item.done]
        for item in failure.objects:
            tx.after_commit.append(notify_error(active, item.id, MzError(failure.message)))

    def _recover(self, error: Exception, writers: list[Future[int]]) -> None:
        """After a tick that could not commit: everything is as before it; try again, with a new session if need be."""
        log.error("a tick failed and is tried again", error=str(error), exc_info=error)
        self.statistics.failed(error)
        assert self._connection is not None
        if self._connection.closed:
            self.failure = error
        with self._condition:
            self._writers = writers + self._writers
            self._news = True
            if self._connection.closed or self._stopping:
                # What was written stays in its inbox, and is taken in after the next start.
                reason = GONE if self._connection.closed else "the server is shutting down"
                self._stopping = True
                for future in (*(job[1] for job in self._jobs), *self._writers):
                    future.set_exception(MzError(reason, sqlstate="57P01"))
                self._jobs.clear()
                self._writers = []
            else:
                self._condition.wait(RETRY_SECONDS)
