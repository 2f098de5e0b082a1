"""One client's session, from its first byte to its last.

In: a client's stream and the server's shared parts. Out: nothing; it logs the client in, gives it a backend, hands
each message to the protocol's simple or extended side, and leaves nothing behind when it ends. What both sides
share lives here: what statements need of the coordinator, waiting that a client can cancel, and what a commit brings
with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from mzlite.dialect.admin import ADMINISTRATOR, parse_admin
from mzlite.dialect.common_types import query_in
from mzlite.dialect.statements import CopyOut, Execute, Prepare, Relayed, Statement
from mzlite.errors import MzError
from mzlite.session import Session
from mzlite.wire import messages
from mzlite.wire.attached import AttachedBackend
from mzlite.wire.errors import (
    ADMIN_SHUTDOWN,
    INTERNAL_ERROR,
    PROTOCOL_VIOLATION,
    canceled,
    error_response,
    internal_errors,
    notice_response,
)
from mzlite.wire.extended import ExtendedProtocol
from mzlite.wire.fields import ProtocolViolationError
from mzlite.wire.interface import ExecuteResult
from mzlite.wire.interrupt import Interruptible
from mzlite.wire.login import log_in
from mzlite.wire.messages import (
    BackendKeyData,
    CancelRequest,
    Close,
    Parse,
    Query,
    ReadyForQuery,
)
from mzlite.wire.own import OwnStatements
from mzlite.wire.prepared import PreparedQueries
from mzlite.wire.relay import FAILED, IDLE, IN_TRANSACTION, BackendClosedError, Relay
from mzlite.wire.simple import SimpleProtocol
from mzlite.wire.startup import negotiate
from mzlite.wire.stream import ConnectionClosedError, MessageStream
from mzlite.wire.subscribe import SubscribeCursor
from mzlite.wire.transaction import Mode, Transaction, first_word
from mzlite.wire.variables import SessionVariables

if TYPE_CHECKING:
    from mzlite.wire.server import WireServer

log = structlog.get_logger(__name__)

LONGEST_REMEMBERED = 8_192
"""Characters of a text whose parse is remembered."""
LONGEST_AT_ONCE = 32_768
"""Characters of a text that is parsed on the event loop; longer ones do not keep the other sessions waiting."""
QUEUED_LIMIT_BYTES = 64 * 1024
"""Answers are written together while the client has more messages waiting, up to so much."""
IDLE_IN_TRANSACTION = "25P03"
CLOSE_TIMEOUT_SECONDS = 2.0
"""How long a client gets to take the last words before its connection is cut."""


class ClientSession:
    """The state of one connection and the loop over its messages."""

    def __init__(self, server: WireServer, process_id: int, secret_key: bytes) -> None:
        self.server = server
        self.coordinator = server.coordinator
        self.key = BackendKeyData(process_id, secret_key)
        self.client = MessageStream(server.options.message_limit, self._client_closed)
        self.session = Session(process_id)
        self.variables = SessionVariables(self.session, server.dialect.variables)
        self.transaction = Transaction()
        self.cursors: dict[str, SubscribeCursor] = {}
        self.prepared = PreparedQueries(self)
        self.interruptible = Interruptible(self.client)
        self.own = OwnStatements(self)
        self.simple = SimpleProtocol(self)
        self.extended = ExtendedProtocol(self)
        self.attached = AttachedBackend(self, self._backend_closed)
        self._busy = False
        self._write_lock_held = False

    @property
    def relay(self) -> Relay:
        """What passes the backend's answers on."""
        return self.attached.relay

    async def parse(self, sql: str, parameters: Sequence[int] = ()) -> Sequence[Statement]:
        """The statements in a text.

        Args:
            sql: the text.
            parameters: oids of the types of its parameters in the inner PostgreSQL, as far as they are known.

        Raises:
            MzError: it is refused.
        """
        with internal_errors(sql):
            if self.session.user == ADMINISTRATOR and (statement := parse_admin(sql)) is not None:
                return [statement]
            statements = await self._parsed(sql)
            if self.attached.lacks_names:
                await self.coordinator.keep_names()
                await self.attached.show_names()
            return [
                await self._analysed(each, parameters) if isinstance(each, Relayed) else each for each in statements
            ]

    async def _analysed(self, statement: Relayed, parameters: Sequence[int]) -> Relayed:
        await self.coordinator.refuse_by_types(self.session, statement, parameters)
        return await self.coordinator.with_common_types(self.session, statement, parameters)

    async def _parsed(self, sql: str) -> Sequence[Statement]:
        if len(sql) <= LONGEST_REMEMBERED:
            return self.server.parse_remembered(sql, self.session.database)
        parse = self.server.dialect.parse
        if len(sql) <= LONGEST_AT_ONCE:
            return parse(sql, self.session.database)
        return await asyncio.to_thread(parse, sql, self.session.database)

    # The life of a session ---------------------------------------------------

    async def run(self) -> None:
        """Serve the client until it leaves."""
        try:
            await self._serve()
        except ConnectionClosedError:
            pass
        except ProtocolViolationError as error:
            self._fatal(MzError(str(error), sqlstate=PROTOCOL_VIOLATION))
        except BackendClosedError:
            if not self.relay.ended:
                self._fatal(MzError("terminating connection due to administrator command", sqlstate=ADMIN_SHUTDOWN))
        except MzError as error:
            self._fatal(error)
        except asyncio.CancelledError:
            self._fatal(MzError("terminating connection due to administrator command", sqlstate=ADMIN_SHUTDOWN))
            raise
        except Exception as error:
            log.exception("session ended by an internal error", session=self.session.id)
            self._fatal(MzError(f"internal error: {error}", sqlstate=INTERNAL_ERROR))
        finally:
            # A stop of the server that comes meanwhile must not interrupt it: the backend would stay.
            leaving = asyncio.ensure_future(self._clean_up())
            self.server.background(leaving)
            await asyncio.shield(leaving)

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout(self.server.options.login_timeout):
                message = await negotiate(self.client, self.server.options.tls)
                if isinstance(message, CancelRequest):
                    self.server.cancel(message)
                    return
                self.server.register(self)
                await log_in(self, message)
        except TimeoutError as error:
            raise MzError("canceling authentication due to timeout", sqlstate="57014") from error
        await self._messages()

    async def _messages(self) -> None:
        client, simple, extended = self.client, self.simple, self.extended
        while True:
            if not client.has_data or client.queued_bytes > QUEUED_LIMIT_BYTES:
                await client.flush()
            kind, body = await self._next_message()
            if client.closed:
                # Nobody would hear of what it does, or could end it.
                raise ConnectionClosedError
            self._busy = True
            match chr(kind):
                case "Q":
                    await simple.query(Query.decode(body))
                case "P":
                    await extended.parse(Parse.decode(body))
                case "B":
                    await extended.bind(body)
                case "D":
                    await extended.describe(body)
                case "E":
                    await extended.execute(messages.Execute.decode(body))
                case "C":
                    await extended.close(Close.decode(body))
                case "H":
                    await extended.flush()
                case "S":
                    await extended.sync()
                case "X":
                    return
                case "d" | "c" | "f":
                    pass  # the rest of a COPY that has failed
                case "F":
                    await extended.fail(MzError("function call protocol not supported", sqlstate="0A000"))
                    await extended.sync()
                case other:
                    raise ProtocolViolationError(f"invalid frontend message type {other!r}")
            self._busy = False

    async def _next_message(self) -> tuple[int, bytes]:
        """The client's next message; a transaction that waits for it does not wait for ever.

        Raises:
            MzError: it has waited too long.
        """
        if not self.attached.is_connected or self.relay.status == IDLE:
            return await self.client.read_message()
        limit = self.variables.seconds("idle_in_transaction_session_timeout")
        try:
            async with asyncio.timeout(limit):
                return await self.client.read_message()
        except TimeoutError as error:
            raise MzError(
                "terminating connection due to idle-in-transaction timeout", sqlstate=IDLE_IN_TRANSACTION
            ) from error

    async def _clean_up(self) -> None:
        self.server.forget(self)
        self.unlock_writes()
        for cursor in self.cursors.values():
            with contextlib.suppress(Exception):
                await cursor.close()
        self.cursors.clear()
        await self.extended.clean_up()
        if self.attached.has_backend:
            backend = self.attached.backend
            if self.attached.is_connected and self.relay.expected:
                await backend.cancel()
            await backend.stop()
            await self._end_session()
        self.client.on_closed = None
        self.client.close()
        await self.client.wait_lost(CLOSE_TIMEOUT_SECONDS)

    async def _end_session(self) -> None:
        try:
            await self.coordinator.end_session(self.session)
        except MzError as error:  # what is left goes at the next start
            log.warning("temporary objects were left behind", session=self.session.id, error=error.message)
        except Exception:
            log.exception("temporary objects were left behind", session=self.session.id)

    def _fatal(self, error: MzError) -> None:
        if not self.client.closed:
            self.client.send(error_response(error, "FATAL"))

    def overflowed(self, error: MzError) -> None:
        """More waits for the client than may. One that reads nothing gets no error either, so it is cut off."""
        client = self.client
        if client.writing_paused:
            log.warning("a client does not read its subscription", session=self.session.id, user=self.session.user)
            client.abandon(error_response(error, "FATAL"))

    def _client_closed(self) -> None:
        if self._busy:
            self.interrupt(None)

    def _backend_closed(self) -> None:
        """The backend has ended the connection while nothing ran: its last words go to the client."""
        if self._busy or not self.attached.is_connected or self.client.closed:
            return
        stream = self.attached.backend.stream
        if stream.has_data:
            self.relay.feed(stream.take())
        if not self.relay.ended:
            self._fatal(MzError("terminating connection due to administrator command", sqlstate=ADMIN_SHUTDOWN))
        self.client.close()

    def interrupt(self, error: MzError | None) -> None:
        """End what runs now: with an error that the client gets, or None when there is no client any more."""
        if not self._busy or self.interruptible.interrupt(error):
            return
        if self.attached.is_connected and self.relay.expected:
            work = self.attached.backend.cancel() if error is not None else self.attached.cancel_for_nobody()
            self.server.background(asyncio.ensure_future(work))

    # Statements --------------------------------------------------------------

    async def execute(self, statement: Statement) -> ExecuteResult:
        """Have the coordinator carry out an own statement, and send its notices.

        Raises:
            MzError: it is refused or has failed.
        """
        if not self.relay.hold:
            self.client.write_queued()
        result = await self.coordinator.execute(self.session, statement)
        self._notify(result)
        return result

    def _notify(self, result: ExecuteResult) -> None:
        for notice in result.notices:
            self.client.send(
                notice_response(
                    notice.message,
                    severity=str(getattr(notice, "severity", "NOTICE")).upper(),
                    sqlstate=getattr(notice, "sqlstate", None) or "00000",
                    detail=getattr(notice, "detail", None),
                    hint=getattr(notice, "hint", None),
                )
            )

    async def rehearse_deferred(self) -> None:
        """Try what the transaction has put off so far where its mistakes are to show at once; nothing changes by it.

        Raises:
            MzError: a statement is refused, or another session has changed the catalog.
        """
        transaction = self.transaction
        if transaction.mode is Mode.RENAME:
            with internal_errors(transaction.deferred[-1].sql):
                transaction.revision = await self.coordinator.rehearse(
                    self.session, transaction.deferred, transaction.revision
                )

    async def authorize(self, statement: Statement) -> None:
        """Have a relayed statement judged; an EXECUTE by what was prepared.

        Raises:
            MzError: the session's role may not.
        """
        await self.prepared.follow(statement)
        statement = self.meant(statement)
        if not isinstance(statement, Relayed):
            return
        if "current_setting" in statement.relay_sql:
            await self.attached.follow_settings()
        if statement.access.reads or statement.access.target:
            await self.coordinator.authorize(self.session, statement.access)
        if statement.kind == "select" and statement.as_of is None and self.transaction.is_block:
            catalog = statement.plain or first_word(statement.sql) == "show"
            self.transaction.domain = await self.coordinator.enter_domain(
                self.session, statement.access.reads, self.transaction.domain, catalog=catalog
            )

    def relayed_text(self, statement: Relayed, *, simple: bool = False) -> str:
        """What the backend is sent for a statement.

        Args:
            simple: as a query, whose rows are copied by us if it is COPY.
        """
        if isinstance(statement, CopyOut):
            return self.variables.limited(statement.query_sql) if simple else statement.relay_sql
        if isinstance(statement, Prepare):
            is_select = statement.prepared is not None and statement.prepared.kind == "select"
            return self._limited_within(statement) if is_select else statement.relay_sql
        if statement.kind == "cursor":
            return self._limited_within(statement)
        if statement.kind != "select" or first_word(statement.relay_sql) == "copy":
            return statement.relay_sql
        return self.variables.limited(statement.relay_sql)

    def _limited_within(self, statement: Relayed) -> str:
        query = query_in(statement)
        return statement.relay_sql.replace(query, self.variables.limited(query)) if query else statement.relay_sql

    def meant(self, statement: Statement) -> Statement:
        """What an EXECUTE stands for; of everything else itself."""
        if not isinstance(statement, Execute):
            return statement
        return self.extended.prepared_relayed(statement.name) or self.prepared.get(statement.name) or statement

    async def moment_of(self, statement: Statement | None) -> int | None:
        """Wait for the moment of a query's AS OF, which is to be read then; None for the present.

        Raises:
            MzError: it has passed, or the client has had enough of waiting.
        """
        if not isinstance(statement, Relayed) or statement.as_of is None:
            return None
        return await self.interruptible.wait(self.coordinator.moment(self.session, statement))

    async def execute_deferred(self) -> None:
        """Carry out what the transaction has put off to its COMMIT, all at one moment or not at all.

        Raises:
            MzError: it failed; the transaction has been rolled back.
        """
        deferred, self.transaction.deferred = self.transaction.deferred, []
        if self.relay.status == FAILED:
            return
        try:
            with internal_errors(deferred[-1].sql):
                for result in await self.coordinator.execute_together(
                    self.session, deferred, self.transaction.revision
                ):
                    self._notify(result)
        except MzError:
            await self.extended.sync_silently()
            await self.attached.silently("rollback")
            await self.settle()
            raise

    def send_changes(self) -> None:
        """Tell the client which reported variables have changed."""
        for message in self.variables.changes():
            self.client.send(message)

    async def lock_writes(self) -> None:
        """Keep the other sessions from writing until this one's transaction is absorbed."""
        if not self._write_lock_held:
            await self.interruptible.wait(self.coordinator.write_lock.acquire())
            self._write_lock_held = True

    def unlock_writes(self) -> None:
        """Let others write again."""
        if self._write_lock_held:
            self._write_lock_held = False
            self.coordinator.write_lock.release()

    async def settle(self) -> None:
        """Do what the end of a transaction brings with it, after the backend has said that it is ready."""
        relay = self.relay
        if relay.discarded:
            discarded, relay.discarded = relay.discarded, ""
            if discarded != "DISCARD TEMP":
                self.extended.forget_prepared()
            if discarded == "DISCARD ALL":
                self.variables.reset_all()
                self.attached.settings_discarded()
            if discarded != "DEALLOCATE ALL":
                await self._end_session()
        if relay.status == IN_TRANSACTION:
            self.transaction.explicit = True
        elif relay.status == IDLE:
            committed = relay.last_tag != "ROLLBACK"
            explicit = self.transaction.explicit
            if relay.dirty:
                relay.dirty = False
                if committed:
                    await self._absorb()
            self.transaction.reset()
            self.transaction.deferred.clear()
            if self.cursors:
                cursors, self.cursors = self.cursors, {}
                for cursor in cursors.values():
                    await cursor.close()
            self.unlock_writes()
            if self.variables.end_transaction(committed and not relay.failed):
                if committed or not explicit:
                    await self.attached.follow_settings()
                else:
                    self.attached.settings_rolled_back()
        relay.hold = False

    async def _absorb(self) -> None:
        try:
            await self.coordinator.absorb_writes()
        except Exception:
            log.exception("a committed write could not be absorbed", session=self.session.id)

    def ready(self) -> None:
        """Tell the client that it may go on."""
        self.send_changes()
        self.client.send(ReadyForQuery(self.relay.status).encode())

    def cancel(self) -> None:
        """What a cancel request with this session's key does."""
        self.interrupt(canceled())
