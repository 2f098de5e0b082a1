"""The backend that stands behind one session.

In: the session that it serves. Out: a connected backend and the relay that passes its answers on; statements of which
the client sees nothing; settings, long names and the moment that is read at, as the session has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from mzlite.dialect.statements import Relayed, Statement
from mzlite.errors import MzError
from mzlite.long_names import known, known_since
from mzlite.wire import messages
from mzlite.wire.backend import Backend
from mzlite.wire.messages import FLUSH, Bind, Close, Parse, Query
from mzlite.wire.relay import FAILED, IDLE, Expected, Relay

if TYPE_CHECKING:
    from mzlite.wire.session import ClientSession

CANCEL_AGAIN_SECONDS = 0.2
"""How long a cancel request gets to have its effect before it is repeated."""
_SILENT = "mzlite"
"""The name of the statement and portal that the session uses for itself."""


class AttachedBackend:
    """The backend of one session, from its login to its end; another one after the database has changed.

    Args:
        session: the session.
        on_closed: called when the backend ends the connection.
    """

    def __init__(self, session: ClientSession, on_closed: Callable[[], None]) -> None:
        self.session = session
        self._on_closed = on_closed
        self._backend: Backend | None = None
        self._relay: Relay | None = None
        self._settings: dict[str, str] = {}
        self._startup_settings: dict[str, str] = {}
        self._names_shown = 0  # that many long names were known when no transaction ran,
        self._names_told = 0  # and that many when the backend was last told of them

    @property
    def has_backend(self) -> bool:
        """Whether a backend has been started."""
        return self._backend is not None

    @property
    def is_connected(self) -> bool:
        """Whether statements can be relayed."""
        return self._relay is not None

    @property
    def backend(self) -> Backend:
        """The session's PostgreSQL backend."""
        assert self._backend is not None
        return self._backend

    @property
    def relay(self) -> Relay:
        """What passes the backend's answers on."""
        assert self._relay is not None
        return self._relay

    async def connect(self) -> None:
        """Give the session a backend in its current database."""
        session = self.session
        path, _ = session.coordinator.backend_address(session.session)
        settings = self._wanted_settings()
        backend = Backend(path, self._on_closed)
        try:
            await backend.start(settings)
            descriptions = await session.server.descriptions(backend)
        except BaseException:
            await backend.stop()
            raise
        previous, self._backend = self._backend, backend
        if previous is not None:
            await previous.stop()
        self._relay = Relay(
            session.client, backend.stream, descriptions, session.server.dialect.translate, self._refine
        )
        self._settings = self._startup_settings = settings

    def _refine(self, statement: Statement | None, error: MzError) -> MzError:
        """The error for a write to what is no table, or for a query of what is no relation, names it and its type."""
        if not isinstance(statement, Relayed):
            return error
        if not statement.target:
            reads = statement.access.reads
            return self.session.coordinator.read_error(self.session.session, reads, error) if reads else error
        session = self.session
        return session.coordinator.write_error(session.session, statement.target, error, inserts=statement.inserts)

    async def cancel_for_nobody(self) -> None:
        """End what runs for a client that is gone; a request has no effect before the statement has begun."""
        backend, relay = self.backend, self.relay
        while relay.expected and not backend.stream.closed:
            await backend.cancel()
            await asyncio.sleep(CANCEL_AGAIN_SECONDS)

    async def silently(self, sql: str) -> None:
        """Run a statement without rows on the backend; the client sees nothing of it.

        Raises:
            MzError: it failed.
        """
        relay = self.relay
        await self.drain()
        send = relay.backend.send
        if self.session.extended.unsynced:
            send(Parse(_SILENT, sql).encode())
            send(Bind(_SILENT, _SILENT).encode())
            send(messages.Execute(_SILENT).encode())
            send(Close(b"P", _SILENT).encode())
            send(Close(b"S", _SILENT).encode())
            send(FLUSH)
            relay.expected.extend(
                Expected(kind, silent=True) for kind in ("parse", "bind", "execute", "close", "close")
            )
        else:
            send(Query(sql).encode())
            relay.expected.append(Expected("query", silent=True))
        failed_before = relay.failed
        await relay.pump()
        error = relay.take_silent_error()
        if error is not None:
            relay.failed = failed_before
            raise error

    async def drain(self) -> None:
        """Pass on everything that the backend still owes, so that an own answer may follow."""
        relay = self.relay
        if relay.expected and not relay.copying_in:
            relay.backend.send(FLUSH)
            await relay.pump()

    # As the session has it -----------------------------------------------------

    def _wanted_settings(self) -> dict[str, str]:
        session = self.session
        _, settings = session.coordinator.backend_address(session.session)
        return {**settings, **session.variables.followed(), "mzlite.variables": session.variables.as_json()}

    async def follow_settings(self) -> None:
        """Bring the backend in line with the session's variables."""
        settings, previous = self._wanted_settings(), self._settings
        if settings.get("database") != previous.get("database"):
            if self.relay.status != IDLE:
                raise MzError("the database cannot be changed inside a transaction", sqlstate="25001")
            await self.connect()
            return
        for name in dict.fromkeys((*settings, *previous)):
            if settings.get(name) == previous.get(name) or name in ("user", "database"):
                continue
            if name in settings:
                value = _literal(settings[name])
                await self.silently(f"select pg_catalog.set_config({_literal(name)}, {value}, false)")
            else:
                await self.silently(f"reset {name}")
        self._settings = settings

    def settings_discarded(self) -> None:
        """The backend has taken its settings back to those that it started with."""
        self._settings = self._startup_settings

    def settings_rolled_back(self) -> None:
        """The backend has taken its settings back as the session its variables."""
        self._settings = self._wanted_settings()

    @property
    def lacks_names(self) -> bool:
        """Whether it has not been told of every long name yet."""
        return known() != self._names_told

    async def show_names(self) -> None:
        """Let a transaction see long names that have been written down since it began: it reads older rows."""
        relay = self._relay
        self._names_told = known()
        if relay is None or (relay.status == IDLE and not self.session.extended.unsynced):
            self._names_shown = self._names_told
        elif relay.status != FAILED:
            names = _literal(json.dumps(dict(known_since(self._names_shown)), ensure_ascii=False))
            await self.silently(f"select pg_catalog.set_config('mzlite.long_names', {names}, true)")

    @contextlib.asynccontextmanager
    async def reading_at(self, moment: int | None) -> AsyncIterator[None]:
        """While this lasts, the backend takes the moment for the present one."""
        if moment is None:
            yield
            return
        await self.silently(f"select pg_catalog.set_config('mzlite.now', '{moment}', false)")
        yield
        # A transaction that has failed takes it back itself.
        if not self.session.extended.skipping and self.relay.status != FAILED:
            await self.silently("select pg_catalog.set_config('mzlite.now', '', false)")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
