"""Statements that are not PostgreSQL's: described, carried out and answered.

In: one statement that is Materialize's own, from either side of the protocol. Out: its rows and its command tag, or
an `MzError`. Definitions go to the coordinator, variables are the session's, SUBSCRIBE and its cursors stream.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from mzlite.dialect.admin import AdminStatement
from mzlite.dialect.statements import (
    CloseCursor,
    Explain,
    Fetch,
    Relayed,
    ResetVariable,
    SetVariable,
    ShowVariable,
    Statement,
    Subscribe,
)
from mzlite.errors import MzError
from mzlite.long_names import restored
from mzlite.wire.durations import seconds
from mzlite.wire.errors import (
    ACTIVE_TRANSACTION,
    DUPLICATE_CURSOR,
    FEATURE_NOT_SUPPORTED,
    INVALID_CURSOR_NAME,
    NO_ACTIVE_TRANSACTION,
    WARNING,
    internal_errors,
    notice_response,
)
from mzlite.wire.interface import END_OF_TIME, Subscription
from mzlite.wire.lines import copy_csv, copy_text
from mzlite.wire.messages import (
    COPY_DONE,
    PORTAL_SUSPENDED,
    CommandComplete,
    CopyData,
    CopyOutResponse,
    FieldDescription,
)
from mzlite.wire.relay import IDLE, Portal
from mzlite.wire.results import Columns, Row, data_rows, described, result_codes
from mzlite.wire.subscribe import SubscribeCursor, SubscribeRows, subscribe_columns
from mzlite.wire.types import TEXT

if TYPE_CHECKING:
    from mzlite.wire.session import ClientSession

_STREAMING_NOTICE = "streaming SUBSCRIBE rows directly requires a client that does not buffer output"
_STREAMING_HINT = "Wrap your SUBSCRIBE statement in `COPY (SUBSCRIBE ...) TO STDOUT`."
_IMMEDIATE = 0.0

T = TypeVar("T")


class OwnStatements:
    """Carries out the own statements of one session."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    def as_relayed(self, statement: Statement) -> Relayed | None:
        """The statement for the backend when a FETCH or CLOSE is about a cursor of PostgreSQL's."""
        cursors = self.session.cursors
        match statement:
            case Fetch() if statement.cursor not in cursors:
                return Relayed(statement.sql, statement.relay_sql or statement.sql, "cursor")
            case CloseCursor() if statement.cursor not in cursors:
                return Relayed(statement.sql, statement.sql, "cursor")
            case _:
                return None

    async def describe(self, statement: Statement, portal: Portal | None = None) -> Columns | None:
        """The columns of a statement's rows; None when it gives none.

        Args:
            portal: if it is bound: what had to be started to know the columns is kept there.
        """
        with internal_errors(statement.sql):
            return await self._describe(statement, portal)

    async def _describe(self, statement: Statement, portal: Portal | None) -> Columns | None:
        match statement:
            case ShowVariable():
                return _show_columns(statement)
            case Fetch():
                cursor = self._cursor(statement.cursor)
                await self._start(cursor)
                return cursor.columns
            case Subscribe(output="rows"):
                cursor = self._held(portal) or SubscribeCursor(statement)
                await self._start(cursor)
                if portal is not None:
                    portal.held = cursor
                else:
                    await cursor.close()
                return cursor.columns
            case AdminStatement():
                return _text_columns(statement.columns)
            case Explain():
                return _text_columns(statement.columns)
            case _:
                return None

    async def execute(
        self, statement: Statement, portal: Portal | None = None, *, describe: bool = True, maximum_rows: int = 0
    ) -> None:
        """Carry out a statement and send its answer up to CommandComplete.

        Args:
            portal: in the extended protocol, what is executed.
            describe: send a RowDescription before rows.
            maximum_rows: 0 for all; otherwise suspend the portal after so many.
        """
        with internal_errors(statement.sql):
            await self._execute(statement, portal, describe, maximum_rows)

    async def _execute(self, statement: Statement, portal: Portal | None, describe: bool, maximum_rows: int) -> None:
        session = self.session
        formats = portal.result_formats if portal is not None else ()
        match statement:
            case ShowVariable():
                rows = self._show(statement)
                self._result(_show_columns(statement), rows, f"SELECT {len(rows)}", formats, describe)
            case SetVariable():
                await self._set(statement.name, statement.value, statement.local, "SET")
            case ResetVariable():
                await self._set(statement.name, None, False, "RESET")
            case AdminStatement():
                await self._administer(statement, formats, describe)
            case Subscribe(output="cursor"):
                await self._declare(statement)
            case Subscribe(output="copy"):
                await self._copy(statement)
            case Subscribe():
                await self._stream(statement, portal, formats, describe, maximum_rows)
            case Fetch():
                await self._fetch(statement, formats, describe)
            case CloseCursor():
                await self._cursor(statement.cursor).close()
                del session.cursors[statement.cursor]
                session.client.send(CommandComplete("CLOSE CURSOR").encode())
            case _:
                await self._commit_before()
                result = await session.execute(statement)
                names: Sequence[str] | None = getattr(result, "columns", None)
                if names:
                    columns = _text_columns(names)
                    texts = [tuple(map(_encoded, row)) for row in getattr(result, "rows", ())]
                    self._result(columns, texts, result.tag, formats, describe)
                else:
                    session.client.send(CommandComplete(result.tag).encode())

    async def _commit_before(self) -> None:
        """Commit what a pipeline has done on the backend so far: what the engine does must not wait for its locks."""
        session = self.session
        if session.extended.unsynced and session.relay.status == IDLE and not session.transaction.explicit:
            await session.extended.sync_silently()
            await session.settle()

    # Results -----------------------------------------------------------------

    def _result(self, columns: Columns, rows: Sequence[Row], tag: str, formats: Sequence[int], describe: bool) -> None:
        codes = result_codes(formats, len(columns))
        if describe:
            self.session.client.send(described(columns, codes))
        self._rows(columns, rows, codes)
        self.session.client.send(CommandComplete(tag).encode())

    def _rows(self, columns: Columns, rows: Sequence[Row], codes: Sequence[int]) -> None:
        for message in data_rows(columns, rows, codes):
            self.session.client.send(message)

    async def _administer(self, statement: AdminStatement, formats: Sequence[int], describe: bool) -> None:
        """A statement of the administrator: its rows go to the client one by one, because some take a while."""
        client = self.session.client
        await self._commit_before()
        columns = _text_columns(statement.columns)
        codes = result_codes(formats, len(columns))
        if describe:
            client.send(described(columns, codes))
        rows = self.session.coordinator.administer(statement)
        count = 0
        async with contextlib.aclosing(rows):
            while (row := await self.session.interruptible.wait(_following(rows))) is not None:
                self._rows(columns, [tuple(map(_encoded, row))], codes)
                await client.flush()
                count += 1
        client.send(CommandComplete(f"SELECT {count}").encode())

    # Variables ---------------------------------------------------------------

    def _show(self, statement: ShowVariable) -> list[Row]:
        variables = self.session.variables
        if statement.name.lower() == "all":
            return [(name.encode(), value.encode(), text.encode()) for name, value, text in variables.show_all()]
        return [(variables.show(statement.name).encode(),)]

    async def _set(self, name: str, value: str | None, local: bool, tag: str) -> None:
        session = self.session
        variables = session.variables
        if name.lower() == "transaction_isolation" and session.transaction.mode is not None:
            raise MzError(
                "SET TRANSACTION ISOLATION LEVEL must be called before any query", sqlstate=ACTIVE_TRANSACTION
            )
        if name.lower() == "cluster" and session.transaction.mode is not None:
            raise MzError("SET cluster cannot be called in an active transaction", sqlstate=ACTIVE_TRANSACTION)
        before = variables.save()
        try:
            if tag == "RESET" and name.lower() == "all":
                variables.reset_all(in_transaction=session.transaction.is_block)
            else:
                variables.set(name, value, local=local, in_transaction=session.transaction.is_block)
            await session.attached.follow_settings()
        except MzError:
            variables.restore(before)
            raise
        session.send_changes()
        session.client.send(CommandComplete(tag).encode())

    # Subscriptions -----------------------------------------------------------

    def _cursor(self, name: str) -> SubscribeCursor:
        cursor = self.session.cursors.get(name)
        if cursor is None:
            raise MzError(f'cursor "{name}" does not exist', sqlstate=INVALID_CURSOR_NAME)
        return cursor

    @staticmethod
    def _held(portal: Portal | None) -> SubscribeCursor | None:
        return portal.held if portal is not None and isinstance(portal.held, SubscribeCursor) else None

    async def _declare(self, statement: Subscribe) -> None:
        session = self.session
        if not session.transaction.is_block:
            raise MzError("DECLARE CURSOR can only be used in transaction blocks", sqlstate=NO_ACTIVE_TRANSACTION)
        assert statement.cursor is not None
        if statement.cursor in session.cursors:
            raise MzError(f'cursor "{statement.cursor}" already exists', sqlstate=DUPLICATE_CURSOR)
        await session.coordinator.check_subscribe(session.session, statement)
        session.cursors[statement.cursor] = SubscribeCursor(statement)
        session.client.send(CommandComplete("DECLARE CURSOR").encode())

    async def _start(self, cursor: SubscribeCursor) -> None:
        """Begin the subscription behind a cursor unless that has been done."""
        if cursor.rows is not None:
            return
        session = self.session
        if cursor.statement.output == "cursor":
            session.transaction.start_subscription(cursor.statement)
        await self._commit_before()
        starting = asyncio.ensure_future(session.coordinator.subscribe(session.session, cursor.statement))
        try:
            subscription = await session.interruptible.wait(asyncio.shield(starting))
        except BaseException:
            # It may still come to be; then nobody wants it any more.
            session.server.background(asyncio.ensure_future(_close_when_started(starting)))
            raise
        try:
            types = session.relay.descriptions.types
            cursor.columns = subscribe_columns(cursor.statement, subscription.columns, types)
            cursor.rows = SubscribeRows(cursor.statement, subscription, types)
            cursor.subscription = subscription
            subscription.overflowed = session.overflowed
        except MzError:
            await subscription.close()
            raise

    async def _batches(self, cursor: SubscribeCursor) -> AsyncIterator[list[Row]]:
        """The rows of each event as they come, until nothing can follow."""
        while True:
            if cursor.waiting:
                rows = list(cursor.waiting)
                cursor.waiting.clear()
                yield rows
            if not await self._next(cursor, None) and cursor.ended:
                return

    async def _next(self, cursor: SubscribeCursor, limit: float | None) -> bool:
        """Wait for the next event, at most `limit` seconds; False when there is none."""
        if cursor.ended or cursor.subscription is None or cursor.rows is None:
            cursor.ended = True
            return False
        event = await self.session.interruptible.wait(cursor.subscription.next(limit))
        if event is None:
            return False
        cursor.waiting.extend(cursor.rows.rows(event))
        if event.frontier >= END_OF_TIME:
            cursor.ended = True
        return True

    async def _copy(self, statement: Subscribe) -> None:
        """COPY (SUBSCRIBE ..) TO STDOUT."""
        if statement.copy_format == "binary":
            raise MzError("COPY of a SUBSCRIBE in binary format not yet supported", sqlstate=FEATURE_NOT_SUPPORTED)
        client = self.session.client
        line = copy_csv if statement.copy_format == "csv" else copy_text
        cursor = SubscribeCursor(statement)
        await self._start(cursor)
        count = 0
        try:
            client.send(CopyOutResponse(0, (0,) * len(cursor.columns)).encode())
            await client.flush()
            async for rows in self._batches(cursor):
                for row in rows:
                    client.send(CopyData(line(row)).encode())
                count += len(rows)
                await client.flush()
        finally:
            await cursor.close()
        client.send(COPY_DONE)
        client.send(CommandComplete(f"COPY {count}").encode())

    async def _stream(
        self, statement: Subscribe, portal: Portal | None, formats: Sequence[int], describe: bool, maximum_rows: int
    ) -> None:
        """A SUBSCRIBE whose rows are its result."""
        session = self.session
        client = session.client
        cursor = self._held(portal) or SubscribeCursor(statement)
        if portal is not None:
            portal.held = cursor
        hint = _STREAMING_HINT if session.session.variables.get("application_name") == "psql" else None
        client.send(notice_response(_STREAMING_NOTICE, sqlstate=WARNING, hint=hint))
        await self._start(cursor)
        codes = result_codes(formats, len(cursor.columns))
        if describe:
            client.send(described(cursor.columns, codes))
        await client.flush()
        count = 0
        try:
            while not cursor.ended or cursor.waiting:
                if not cursor.waiting:
                    await self._next(cursor, None)
                    continue
                rows = _taken(cursor, maximum_rows - count if maximum_rows else None)
                count += len(rows)
                self._rows(cursor.columns, rows, codes)
                await client.flush()
                if maximum_rows and count >= maximum_rows:
                    client.send(PORTAL_SUSPENDED)
                    return
        except BaseException:
            await cursor.close()
            raise
        await cursor.close()
        client.send(CommandComplete(f"SELECT {count}").encode())

    async def _fetch(self, statement: Fetch, formats: Sequence[int], describe: bool) -> None:
        """FETCH from a subscription: without a timeout it waits for at least one row, then takes what is there."""
        client = self.session.client
        cursor = self._cursor(statement.cursor)
        now = asyncio.get_running_loop().time
        deadline = None if statement.timeout is None else now() + seconds(statement.timeout)
        await self._start(cursor)
        codes = result_codes(formats, len(cursor.columns))
        if describe:
            client.send(described(cursor.columns, codes))
        count = 0
        while statement.count is None or count < statement.count:
            if not cursor.waiting:
                if cursor.ended:
                    break
                timeout = None if deadline is None else max(_IMMEDIATE, deadline - now())
                if not await self._next(cursor, timeout):
                    break
                continue
            rows = _taken(cursor, None if statement.count is None else statement.count - count)
            count += len(rows)
            self._rows(cursor.columns, rows, codes)
            await client.flush()
            if deadline is None:
                deadline = now()
        client.send(CommandComplete(f"FETCH {count}").encode())


async def _following(rows: AsyncIterator[T]) -> T | None:
    """The next item; None when there is none."""
    return await anext(rows, None)


async def _close_when_started(starting: asyncio.Future[Subscription]) -> None:
    """Close a subscription that was given up while it started."""
    try:
        subscription = await starting
    except MzError:
        return
    await subscription.close()


def _taken(cursor: SubscribeCursor, limit: int | None) -> list[Row]:
    """Up to `limit` of the waiting rows."""
    waiting = cursor.waiting
    number = len(waiting) if limit is None else min(limit, len(waiting))
    return [waiting.popleft() for _ in range(number)]


def _text_columns(names: Sequence[str]) -> Columns:
    return tuple(FieldDescription(name, TEXT) for name in names)


def _show_columns(statement: ShowVariable) -> Columns:
    if statement.name.lower() == "all":
        return _text_columns(("name", "setting", "description"))
    return _text_columns((statement.name,))


def _encoded(value: object) -> bytes | None:
    return None if value is None else value if isinstance(value, bytes) else restored(str(value)).encode()
