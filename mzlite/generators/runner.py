"""Runs one load generator: a thread that writes its steps into the inboxes of the relations that it feeds.

In: a `GeneratorSpec`, and how far each relation has come. Out: rows in the inboxes, each step whole and together with
the number of the next one, so that a crash neither loses nor repeats a step; a tick takes them in like what clients
write.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import psycopg
import structlog
from psycopg import sql

from mzlite.clock import Clock
from mzlite.generators.outputs import output
from mzlite.generators.spec import GeneratorSpec
from mzlite.generators.steps import Step, steps

log = structlog.get_logger(__name__)

ROWS_AT_ONCE = 20_000
RETRY_SECONDS = 1.0
LONGEST_WAIT = 0.5
"""A held clock is moved without a word to anybody here."""
STOP_SECONDS = 10.0
LOCK_SECONDS = 0.02
_LOCK = 1_297_768_551
"""Marks the advisory locks of load generators."""


class Generation:
    """The thread of one load generator; create, `start`, `stop`.

    `ready` is done when the steps that were due at the start can be read, or never will be.

    Args:
        spec: what it does.
        connect: gives superuser connections to the database.
        clock: says which steps are due.
        absorb: makes a tick take in what was written.
    """

    def __init__(
        self,
        spec: GeneratorSpec,
        connect: Callable[[], psycopg.Connection[Any]],
        clock: Clock,
        absorb: Callable[[], Future[int]],
    ) -> None:
        self.spec = spec
        self._positions: dict[str, int] = {}
        self._connect, self._clock, self._absorb = connect, clock, absorb
        self._stopping = threading.Event()
        self.ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name=f"generate-{spec.source_id}", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop; with `wait`, until the thread has ended."""
        self._stopping.set()
        if wait and self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            self._keep_generating()
        finally:
            self._set_ready()

    def _set_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def _keep_generating(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = self._connect()
            except psycopg.Error as error:
                log.warning("a load generator cannot connect", source=self.spec.source_id, error=str(error).strip())
                self._stopping.wait(RETRY_SECONDS)
                continue
            try:
                with connection:
                    connection.autocommit = True
                    # Rows and positions are lost together or not at all.
                    connection.execute("set synchronous_commit = off")
                    if self._is_alone(connection):
                        self._positions = self._recorded(connection)
                        self._generate(connection)
                return
            except psycopg.Error as error:
                # When its source is being dropped, what it writes to may go first.
                if not self._stopping.wait(RETRY_SECONDS):
                    log.warning("a load generator starts again", source=self.spec.source_id, error=str(error).strip())

    def _is_alone(self, connection: psycopg.Connection[Any]) -> bool:
        """Waits for the thread that ran this generator before to end; False when this one is to stop, too."""
        number = int("".join(filter(str.isdigit, self.spec.source_id)))
        while not self._stopping.is_set():
            row = connection.execute("select pg_try_advisory_lock(%s, %s)", (_LOCK, number)).fetchone()
            if row is not None and row[0]:
                return True
            self._stopping.wait(LOCK_SECONDS)
        return False

    def _recorded(self, connection: psycopg.Connection[Any]) -> dict[str, int]:
        """The next step of the source and of each relation."""
        wanted = [self.spec.source_id, *(target.table_id for target in self.spec.targets)]
        rows = connection.execute(
            "select source_id, next_offset from mzlite.offsets where source_id = any(%s)", (wanted,)
        ).fetchall()
        return dict.fromkeys(wanted, 0) | {str(row[0]): int(row[1]) for row in rows}

    def _generate(self, connection: psycopg.Connection[Any]) -> None:
        """Goes through all steps from the first one; those that a relation has are passed over."""
        waiting: list[Step] = []
        first = 0
        for number, step in enumerate(steps(self.spec)):
            if not self._wait_for(number):
                return
            if not waiting:
                first = number
            waiting.append(step)
            due = self.spec.due(number + 1)
            if due is None or due > self._clock.now() or sum(len(item) for item in waiting) >= ROWS_AT_ONCE:
                self._write(connection, first, waiting)
                waiting = []
            if not waiting:
                self._set_ready()
            if due is None or self._stopping.is_set():
                return

    def _wait_for(self, number: int) -> bool:
        """Until a step is due; False if it never is, or the generator is to stop."""
        while not self._stopping.is_set():
            due = self.spec.due(number)
            if due is None:
                return False
            left = (due - self._clock.now()) / 1000
            if left <= 0:
                return True
            self._stopping.wait(min(left, LONGEST_WAIT) if self._clock.held is not None else left)
        return False

    def _write(self, connection: psycopg.Connection[Any], first: int, waiting: list[Step]) -> None:
        """Writes steps, for each relation those that it does not have."""
        following = first + len(waiting)
        wrote = False
        with connection.transaction():
            for target in self.spec.targets:
                position = self._positions[target.table_id]
                if position >= following:
                    continue
                rows = [
                    (*row, diff)
                    for step in waiting[max(0, position - first) :]
                    for name, row, diff in step
                    if name == target.output
                ]
                self._copy(connection, target.inbox, target.output, rows)
                wrote = wrote or bool(rows)
            behind = [table for table, position in self._positions.items() if position < following]
            connection.execute(
                "insert into mzlite.offsets as o (source_id, partition, next_offset)"
                " select t, 0, %s from unnest(%s::text[]) as t"
                " on conflict (source_id, partition) do update set next_offset = excluded.next_offset",
                (following, behind),
            )
        self._positions |= dict.fromkeys(behind, following)
        if wrote:
            # The next rows wait until these have been taken in: an engine that is busy is not buried.
            self._absorb().exception()

    def _copy(self, connection: psycopg.Connection[Any], inbox: str, name: str, rows: list[tuple[object, ...]]) -> None:
        if not rows:
            return
        columns = [column.name for column in output(self.spec.generator, name).columns]
        listed = sql.SQL(", ").join(sql.Identifier(column) for column in (*columns, "mz_diff"))
        schema, _, table = inbox.partition(".")
        statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(schema, table), listed)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
