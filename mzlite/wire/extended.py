"""The extended protocol: statements prepared, bound, described and executed one message at a time.

In: Parse, Bind, Describe, Execute, Close, Flush and Sync messages. Out: their answers in the order of the messages.
Messages about relayed statements go to the backend as they come, and it is heard when the client wants answers; before
an own statement is answered, everything that the backend still owes is passed on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mzlite.dialect.statements import Refused, Relayed, Statement
from mzlite.errors import MzError, syntax_error
from mzlite.long_names import inner_name, is_long
from mzlite.wire.copy_in import copy_in
from mzlite.wire.errors import (
    DUPLICATE_STATEMENT,
    error_response,
    failed_transaction,
)
from mzlite.wire.fields import frame
from mzlite.wire.messages import (
    BIND_COMPLETE,
    CLOSE_COMPLETE,
    FLUSH,
    NO_DATA,
    PARSE_COMPLETE,
    SYNC,
    Bind,
    Close,
    CommandComplete,
    Describe,
    Execute,
    ParameterDescription,
    Parse,
)
from mzlite.wire.relay import FAILED, IDLE, Expected, Portal, Prepared
from mzlite.wire.results import described, result_codes
from mzlite.wire.rows import row_adapter
from mzlite.wire.subscribe import SubscribeCursor
from mzlite.wire.transaction import deferred_tag, ends_transaction

if TYPE_CHECKING:
    from mzlite.wire.session import ClientSession

UNHEARD_BYTES = 128 * 1024
"""So much goes to the backend before its answers are heard, even if the client has not asked for them."""
HEADER_BYTES = 5
"""Type and length of a message."""
_FAILING = "mzlite_fail"
"""The name and text of a statement that always fails to parse."""


def _is_own(statement: Statement | None) -> bool:
    return statement is not None and not isinstance(statement, Relayed)


class ExtendedProtocol:
    """Handles the extended protocol's messages of one session.

    Attributes:
        unsynced: the backend was sent something since the last Sync.
    """

    def __init__(self, session: ClientSession) -> None:
        self.session = session
        self.unsynced = False
        self._skipping = False  # after an error of ours that the backend does not know of
        self._unheard = 0
        self._prepared: dict[str, Prepared] = {}
        self._portals: dict[str, Portal] = {}

    @property
    def skipping(self) -> bool:
        """Messages are ignored until the next Sync, because one has failed."""
        return self._skipping or self.session.relay.skipping

    # Messages ----------------------------------------------------------------

    async def parse(self, message: Parse) -> None:
        """Prepare a statement."""
        if self.skipping:
            return
        session = self.session
        name = inner_name(message.statement)
        inner = session.relay.descriptions.types.inner
        types = tuple(inner(oid) for oid in message.parameter_types)
        try:
            statements = await session.parse(message.query, types)
            if len(statements) > 1:
                raise syntax_error("cannot insert multiple commands into a prepared statement")
            statement: Statement = statements[0] if statements else Relayed(message.query, "", "other")
            if isinstance(statement, Refused):
                raise statement.error
            if _is_own(statement):
                statement = session.own.as_relayed(statement) or statement
            if name and name in self._prepared and _is_own(self._prepared[name].statement):
                raise MzError(f'prepared statement "{name}" already exists', sqlstate=DUPLICATE_STATEMENT)
        except MzError as error:
            await self.fail(error)
            return
        prepared = Prepared(statement)
        if isinstance(statement, Relayed):
            await self._wait_for(prepared)
            before = self._prepared.get(name)
            self._prepared[name] = prepared
            text = session.relayed_text(statement)
            await self._forward(
                Parse(name, text, types).encode(),
                Expected("parse", sql=text, on_error=lambda: self._unprepare(name, prepared, before)),
            )
        elif await self._heard():
            self._prepared[name] = prepared
            session.client.send(PARSE_COMPLETE)

    def _unprepare(self, name: str, prepared: Prepared, before: Prepared | None) -> None:
        if self._prepared.get(name) is prepared:
            if before is not None and name:
                self._prepared[name] = before
            else:
                del self._prepared[name]

    async def bind(self, body: bytes) -> None:
        """Bind a prepared statement to a portal."""
        if self.skipping:
            return
        message = Bind.decode(body)
        if is_long(message.portal) or is_long(message.statement):
            message = replace(message, portal=inner_name(message.portal), statement=inner_name(message.statement))
            body = message.encode()[HEADER_BYTES:]
        prepared = self._prepared.get(message.statement) or Prepared(None)
        portal = Portal(prepared, message.result_formats)
        await self._drop_portal(message.portal)
        if _is_own(prepared.statement):
            if await self._heard():
                self._portals[message.portal] = portal
                self.session.client.send(BIND_COMPLETE)
            return
        self._portals[message.portal] = portal
        if prepared.moment is None and prepared.refusal is None:
            await self._wait_for(prepared)
        portal.moment, portal.refusal = prepared.moment, prepared.refusal
        prepared.moment = prepared.refusal = None
        await self._forward(frame(b"B", body), Expected("bind"))

    async def describe(self, body: bytes) -> None:
        """Describe a prepared statement or a portal."""
        if self.skipping:
            return
        message = Describe.decode(body)
        if is_long(message.name):
            message = replace(message, name=inner_name(message.name))
        portal = self._portals.get(message.name) if message.what == b"P" else None
        prepared = portal.prepared if portal is not None else self._prepared.get(message.name)
        if prepared is not None and _is_own(prepared.statement) and (portal is not None or message.what == b"S"):
            await self._describe_own(prepared, portal)
            return
        expected = Expected("describe")
        if portal is not None:
            portal.described = True
            expected.portal = portal
        elif message.what == b"S":
            expected.prepared = prepared
        await self._forward(message.encode(), expected)

    async def _describe_own(self, prepared: Prepared, portal: Portal | None) -> None:
        session = self.session
        if not await self._heard():
            return
        assert prepared.statement is not None
        try:
            columns = await session.own.describe(prepared.statement, portal)
            codes = result_codes(portal.result_formats if portal is not None else (), len(columns or ()))
        except MzError as error:
            await self.fail(error)
            return
        if portal is None:
            session.client.send(ParameterDescription(()).encode())
        session.client.send(NO_DATA if columns is None else described(columns, codes))

    async def execute(self, message: Execute) -> None:
        """Execute a portal."""
        if self.skipping:
            return
        if is_long(message.portal):
            message = replace(message, portal=inner_name(message.portal))
        session = self.session
        portal = self._portals.get(message.portal)
        statement = portal.prepared.statement if portal is not None else None
        failed = session.relay.status == FAILED
        try:
            if statement is not None:
                if failed and not isinstance(statement, Relayed):
                    raise failed_transaction()
                if ends_transaction(statement) and session.transaction.deferred:
                    if not await self._heard():
                        return
                    await session.execute_deferred()
                control = isinstance(statement, Relayed) and statement.kind == "transaction"
                if (not failed or control) and not session.transaction.admit(statement):
                    if await self._heard():
                        await session.rehearse_deferred()
                        session.client.send(CommandComplete(deferred_tag(statement)).encode())
                    return
            if statement is None or isinstance(statement, Relayed):
                await self._execute_relayed(message, portal, statement)
            elif await self._heard():
                await session.own.execute(statement, portal, describe=False, maximum_rows=message.maximum_rows)
        except MzError as error:
            await self.fail(error)

    async def _execute_relayed(self, message: Execute, portal: Portal | None, statement: Relayed | None) -> None:
        session = self.session
        if statement is not None and session.relay.status != FAILED:
            await session.authorize(statement)
        if portal is None:
            # A cursor that was declared by SQL, or nothing at all: the backend knows.
            portal = Portal(Prepared(None))
        if statement is not None and statement.reads_then_writes:
            if not await self._heard():
                return
            await session.lock_writes()
        if portal.adapter is None and not portal.described:
            portal.described = True
            columns = portal.prepared.columns
            if columns is None:
                await self._forward(
                    Describe(b"P", message.portal).encode(),
                    Expected("describe", silent=True, reported=True, portal=portal),
                )
            else:
                codes = result_codes(portal.result_formats, len(columns))
                types = session.relay.descriptions.types
                portal.adapter = row_adapter(
                    types.adapted((oid, code) for (oid, _), code in zip(columns, codes, strict=True))
                )
        if portal.refusal is not None:
            raise portal.refusal
        if portal.moment is not None and not await self._heard():
            return
        async with session.attached.reading_at(portal.moment):
            await self._forward(message.encode(), Expected("execute", portal=portal))
            if portal.moment is not None:
                await self._heard()

    async def _wait_for(self, prepared: Prepared) -> None:
        """Wait for the moment of AS OF before the backend takes the snapshot that it will read.

        Whether there is anything to read at that moment is said when the statement is executed.
        """
        session = self.session
        if prepared.statement is None or session.relay.status == FAILED:
            return
        try:
            prepared.moment = await session.moment_of(session.meant(prepared.statement))
        except MzError as error:
            prepared.refusal = error

    async def close(self, message: Close) -> None:
        """Forget a prepared statement or a portal."""
        if self.skipping:
            return
        if is_long(message.name):
            message = replace(message, name=inner_name(message.name))
        if message.what == b"S":
            prepared = self._prepared.pop(message.name, None)
            own = prepared is not None and _is_own(prepared.statement)
        else:
            portal = self._portals.get(message.name)
            own = portal is not None and _is_own(portal.prepared.statement)
            await self._drop_portal(message.name)
        if not own:
            await self._forward(message.encode(), Expected("close"))
        elif await self._heard():
            self.session.client.send(CLOSE_COMPLETE)

    async def flush(self) -> None:
        """Answer everything so far."""
        session = self.session
        await session.attached.drain()
        if session.relay.copying_in:
            await copy_in(session)
        await session.client.flush()

    async def sync(self) -> None:
        """End the implicit transaction, and with it the skipping after an error."""
        session = self.session
        relay = session.relay
        if self.unsynced:
            relay.backend.send(SYNC)
            relay.expected.append(Expected("sync"))
            await relay.pump()
            if relay.copying_in:
                # The backend has ignored the Sync; the client sends another one after its data.
                await copy_in(session)
                return
        self.unsynced = self._skipping = False
        self._unheard = 0
        relay.failed = False
        await session.settle()
        if relay.status == IDLE:
            for name in list(self._portals):
                await self._drop_portal(name)
        session.ready()

    # Parts -------------------------------------------------------------------

    async def _forward(self, message: bytes, expected: Expected) -> None:
        """Send a message to the backend and note what it owes for it."""
        relay = self.session.relay
        relay.backend.send(message)
        relay.expected.append(expected)
        self.unsynced = True
        self._unheard += len(message)
        if self._unheard > UNHEARD_BYTES:
            self._unheard = 0
            await self.session.attached.drain()

    async def _heard(self) -> bool:
        """Pass on what the backend owes; whether it has all gone well, so that an own answer may follow."""
        await self.session.attached.drain()
        return not self.skipping

    async def fail(self, error: MzError) -> None:
        """Answer with an error of ours and skip to the next Sync; the backend's transaction fails with it."""
        session = self.session
        relay = session.relay
        if relay.unreported:
            relay.unreported = False
            session.client.send(error_response(error))
            await session.client.flush()
            return
        if not await self._heard():
            return
        if self.unsynced or relay.status != IDLE:
            relay.backend.send(Parse(_FAILING, _FAILING).encode())
            relay.backend.send(FLUSH)
            relay.expected.append(Expected("parse", error=error))
            self.unsynced = True
            await relay.pump()
            await session.client.flush()
        else:
            session.client.send(error_response(error))
            await session.client.flush()
            self._skipping = True

    async def sync_silently(self) -> None:
        """Send a Sync of ours, to which the client gets no answer."""
        if self.unsynced:
            relay = self.session.relay
            relay.backend.send(SYNC)
            relay.expected.append(Expected("sync", silent=True))
            await relay.pump()
            self.unsynced = False

    async def _drop_portal(self, name: str) -> None:
        portal = self._portals.pop(name, None)
        if portal is not None and isinstance(portal.held, SubscribeCursor):
            await portal.held.close()

    def prepared_relayed(self, name: str) -> Relayed | None:
        """The relayed statement that a client has prepared under a name."""
        found = self._prepared.get(name)
        return found.statement if found is not None and isinstance(found.statement, Relayed) else None

    def forget_prepared(self) -> None:
        """The backend has forgotten every prepared statement, so the own ones go too."""
        self._prepared.clear()

    async def clean_up(self) -> None:
        """Let go of everything that portals hold."""
        for name in list(self._portals):
            await self._drop_portal(name)
