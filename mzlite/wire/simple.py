"""The simple protocol: one message with any number of statements.

In: a Query message. Out: the answers of its statements in order, up to the first error, and ReadyForQuery. Relayed
statements that stand together go to the backend as one query, so that they are one transaction there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mzlite.dialect.statements import Refused, Relayed, Statement
from mzlite.errors import MzError
from mzlite.wire.copy_in import copy_in
from mzlite.wire.errors import error_response, failed_transaction
from mzlite.wire.messages import EMPTY_QUERY_RESPONSE, CommandComplete, Query
from mzlite.wire.relay import FAILED, IDLE, Expected
from mzlite.wire.transaction import Mode, closes_transaction, deferred_tag, ends_transaction

if TYPE_CHECKING:
    from mzlite.wire.session import ClientSession

ABORT = "rollback to savepoint mzlite_abort"
"""A statement that always fails: it puts the backend's transaction where the client's is after an error of ours."""


class SimpleProtocol:
    """Handles Query messages of one session."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def query(self, message: Query) -> None:
        """Answer one Query message."""
        session = self.session
        if session.extended.unsynced:
            await session.extended.sync_silently()
        session.relay.failed = False
        session.relay.last_tag = ""
        batch: list[Relayed] = []
        try:
            statements = await session.parse(message.query)
            if not statements:
                session.client.send(EMPTY_QUERY_RESPONSE)
            session.transaction.several = len(statements) > 1
            for statement in statements:
                await self._statement(statement, batch)
                if session.relay.failed:
                    break
            else:
                await self._relay(batch)
        except MzError as error:
            await self._fail(batch, error)
        finally:
            session.transaction.several = False
        if session.extended.unsynced:
            await session.extended.sync_silently()
        await session.settle()
        session.ready()

    async def _statement(self, statement: Statement, batch: list[Relayed]) -> None:
        """Run one statement, or leave it in the batch."""
        session = self.session
        transaction = session.transaction
        failed = session.relay.status == FAILED
        if ends_transaction(statement) and transaction.deferred:
            await self._relay(batch)
            if session.relay.failed:
                return
            await session.execute_deferred()
        if isinstance(statement, Refused):
            raise statement.error
        written = transaction.mode is Mode.WRITE or any(each.writes for each in batch)
        control = isinstance(statement, Relayed) and statement.kind == "transaction"
        now = (failed and not control) or transaction.admit(statement)
        if isinstance(statement, Relayed):
            if not failed:
                await session.authorize(statement)
                if getattr(session.meant(statement), "as_of", None) is not None:
                    await self._relay_at_moment(statement, batch)
                    return
            batch.append(statement)
            if (written and ends_transaction(statement)) or (
                session.variables.changed and closes_transaction(statement)
            ):
                # What follows in the same text has to see what was written, and begins with what was set.
                await self._relay(batch)
            return
        await self._relay(batch)
        if session.relay.failed:
            return
        if failed:
            raise failed_transaction()
        if not now:
            await session.rehearse_deferred()
            session.client.send(CommandComplete(deferred_tag(statement)).encode())
            return
        relayed = session.own.as_relayed(statement)
        if relayed is not None:
            batch.append(relayed)
            return
        await session.own.execute(statement)

    async def _relay_at_moment(self, statement: Relayed, batch: list[Relayed]) -> None:
        """Run the batch, and then a query with AS OF alone, when its moment has come."""
        session = self.session
        await self._relay(batch)
        if session.relay.failed:
            return
        moment = await session.moment_of(session.meant(statement))
        async with session.attached.reading_at(moment):
            await self._relay([statement])

    async def _relay(self, batch: list[Relayed], error: MzError | None = None) -> None:
        """Run the batch on the backend and empty it; with an error, let it fail with that at its end."""
        if not batch and error is None:
            return
        session = self.session
        relay = session.relay
        statements = list(batch)
        batch.clear()
        if any(statement.reads_then_writes for statement in statements):
            await session.lock_writes()
        # Rows that are copied come as a query's, whose types are known, and go out as lines.
        texts = [session.relayed_text(item, simple=True) for item in statements]
        if error is not None:
            texts.append(ABORT)
        sql = "\n;".join(texts)
        expected = Expected("query", statements=statements, sql=sql, error=error, error_after=len(statements))
        relay.backend.send(Query(sql).encode())
        relay.expected.append(expected)
        await relay.pump()
        while relay.copying_in:
            await copy_in(session)
            await relay.pump()
        if relay.status == IDLE and (relay.dirty or session.cursors or closes_transaction(statements[-1])):
            await session.settle()

    async def _fail(self, batch: list[Relayed], error: MzError) -> None:
        """Answer with an error of ours, and leave the backend's transaction as PostgreSQL would after an error."""
        session = self.session
        if batch or session.relay.status != IDLE:
            await self._relay(batch, error)
        else:
            session.relay.failed = True
            session.client.send(error_response(error))
