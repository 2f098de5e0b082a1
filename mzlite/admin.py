"""Carries out the administrator's statements: the clock, the state of things, views against their definitions.

In: a statement of `dialect/admin.py`. Out: its rows, one by one. The clock moves only where the server was started
with one that may be held; when a statement about it has been answered, a tick has brought every view to its moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from mzlite.dataflow import verify
from mzlite.dataflow.engine import Engine
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.dialect.admin import AdminStatement, AdvanceClock, ReleaseClock, SetClock, ShowStatus, Verify
from mzlite.dialect.pg_errors import from_psycopg
from mzlite.errors import MzError
from mzlite.report import Entry, report
from mzlite.storage.postgres import Postgres

Row = tuple[str | None, ...]
INVALID_VALUE = "22023"
NOT_IN_THIS_STATE = "55000"


class Administration:
    """What the administrator of one server may do.

    Args:
        may_hold_clock: the server was started for tests that move the clock.
    """

    def __init__(self, engine: Engine, postgres: Postgres, *, may_hold_clock: bool) -> None:
        self._engine = engine
        self._postgres = postgres
        self._may_hold_clock = may_hold_clock

    async def rows(self, statement: AdminStatement) -> AsyncGenerator[Row, None]:
        """Carries out a statement; yields its rows as they are known.

        Raises:
            MzError: it is refused.
        """
        if isinstance(statement, Verify):
            async with contextlib.aclosing(self._verify(statement)) as comparisons:
                async for found in comparisons:
                    subject, counts = found.subject, (str(found.rows), str(found.milliseconds))
                    yield (subject.name, subject.type, *counts, found.outcome, found.difference)
            return
        if isinstance(statement, ShowStatus):
            for entry in await asyncio.to_thread(self._status):
                yield (entry.kind, entry.name, json.dumps(entry.values))
            return
        match statement:
            case SetClock():
                await self._hold(await self._computed(statement.moment, after=None))
            case AdvanceClock():
                await self._hold(await self._computed(statement.by, after=self._present()))
            case ReleaseClock():
                self._require_test_clock()
                self._engine.clock.hold(None)
                await asyncio.wrap_future(self._engine.absorb_writes())
        moment = self._present()
        # Not datetime.fromtimestamp: that goes through a float, and may lose the last millisecond.
        text = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
        state = "running" if self._engine.clock.held is None else "held"
        yield (str(moment), text.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment % 1000:03}", state)

    def _status(self) -> list[Entry]:
        try:
            with self._postgres.connect() as connection:
                return list(report(self._engine, connection))
        except psycopg.Error as error:
            raise from_psycopg(error) from error

    # The clock ---------------------------------------------------------------------------

    def _require_test_clock(self) -> None:
        if not self._may_hold_clock:
            raise MzError(
                "the clock of this server cannot be held",
                sqlstate=NOT_IN_THIS_STATE,
                hint="Start the server with --test-clock or --clock-at.",
            )

    def _present(self) -> int:
        """What mz_now() is, in ms."""
        held = self._engine.clock.held
        return held if held is not None else self._engine.frontier() - 1

    async def _hold(self, moment: int) -> None:
        """Holds the clock at a moment; returns when a tick has happened at it."""
        self._require_test_clock()
        present = self._present()
        try:
            if moment < present:
                raise ValueError(f"the clock stands at {present} and cannot go back to {moment}")
            self._engine.clock.hold(moment)
        except ValueError as error:
            raise MzError(str(error), sqlstate=INVALID_VALUE) from error
        await asyncio.wrap_future(self._engine.absorb_writes())

    async def _computed(self, text: str, *, after: int | None) -> int:
        """A moment in ms: a timestamp or milliseconds, or an interval after a moment, as PostgreSQL reads them."""
        if after is None and text.isdecimal():
            return int(text)
        start = "timestamptz 'epoch'"
        moment = (
            "%(text)s::timestamptz" if after is None else f"({start} + %(ms)s * interval '1 ms' + %(text)s::interval)"
        )

        def compute() -> int:
            with self._postgres.connect() as connection:
                row = connection.execute(
                    f"select round(extract(epoch from {moment}) * 1000)::bigint",
                    {"text": text, "ms": after},
                ).fetchone()
                assert row is not None
                return int(row[0])

        try:
            return await asyncio.to_thread(compute)
        except psycopg.Error as error:
            raise from_psycopg(error) from error

    # The comparison ------------------------------------------------------------------------

    async def _verify(self, statement: Verify) -> AsyncGenerator[verify.Report, None]:
        connection = await asyncio.to_thread(self._postgres.connect)
        try:

            def begin(tx: EngineTransaction) -> list[verify.Subject]:
                # Between two ticks: the objects and the snapshot are of the same moment.
                found = verify.subjects(tx, statement.name)
                verify.hold_snapshot(connection)
                return found

            for subject in await asyncio.wrap_future(self._engine.submit(begin)):
                yield await _uninterrupted(connection, subject)
        except psycopg.Error as error:
            raise from_psycopg(error) from error
        finally:
            await asyncio.to_thread(connection.close)


async def _uninterrupted(connection: psycopg.Connection[Any], subject: verify.Subject) -> verify.Report:
    """A comparison on another thread; if nobody waits for it any more, PostgreSQL is told to stop it."""
    running = asyncio.ensure_future(asyncio.to_thread(verify.compare, connection, subject))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        connection.cancel()
        await asyncio.wait({running})
        raise
