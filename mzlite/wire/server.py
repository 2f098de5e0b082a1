"""The listening server: accepts clients, keeps their sessions, forwards cancel requests, stops in order.

In: a coordinator, the dialect and options. Out: a `WireServer` that is ready when `serve` returns, and whose `stop`
ends every session.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import secrets
import socket
from collections.abc import Sequence
from functools import lru_cache

import structlog

from mzlite.errors import MzError, cannot_listen
from mzlite.wire.address import bind
from mzlite.wire.backend import Backend
from mzlite.wire.descriptions import Descriptions
from mzlite.wire.errors import TOO_MANY_CONNECTIONS
from mzlite.wire.interface import Coordinator
from mzlite.wire.messages import CancelRequest
from mzlite.wire.options import Dialect, WireOptions
from mzlite.wire.session import ClientSession
from mzlite.wire.stream import MessageStream
from mzlite.wire.types import OWN_TYPES_SQL, TypeMap

log = structlog.get_logger(__name__)

SECRET_BYTES = 4
PARSED_TEXTS = 2048
"""How many texts' statements are remembered; clients send the same ones again and again."""


class WireServer:
    """Serves clients until it is stopped. Made by `serve`."""

    def __init__(self, coordinator: Coordinator, dialect: Dialect, options: WireOptions) -> None:
        self.coordinator = coordinator
        self.dialect = dialect
        self.options = options
        self.mock_key = secrets.token_bytes(32)
        self.parse_remembered = lru_cache(PARSED_TEXTS)(dialect.parse)
        self._listeners: list[asyncio.Server] = []
        self._process_ids = itertools.count(1)
        self._sessions: dict[int, ClientSession] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self._background: set[asyncio.Future[None]] = set()
        self._descriptions: dict[frozenset[tuple[int, str]], Descriptions] = {}

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port that are listened on."""
        host, port = self._listeners[0].sockets[0].getsockname()[:2]
        return str(host), int(port)

    @property
    def session_count(self) -> int:
        """How many clients are logged in or logging in."""
        return len(self._sessions)

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to listen on sockets that `bind` has made, and that are the server's from now on.

        Raises:
            OSError: somebody else listens there meanwhile.
        """
        loop = asyncio.get_running_loop()
        try:
            for bound in sockets:
                self._listeners.append(await loop.create_server(self._connect, sock=bound, backlog=512))
        except OSError as error:
            for listener in self._listeners:
                listener.close()
            for bound in sockets:
                bound.close()
            raise cannot_listen(self.options.host, self.options.port, error) from error
        log.info("listening", host=self.address[0], port=self.address[1])

    async def stop(self) -> None:
        """Stop listening, end every session with an error that says so, and wait for them."""
        for listener in self._listeners:
            listener.close()
        for task in self._tasks:
            task.cancel()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.options.stop_timeout
        # Sessions leave work behind for the background when they end, so that comes after them.
        for running in (self._tasks, self._background):
            if running:
                _, late = await asyncio.wait(set(running), timeout=max(0.0, deadline - loop.time()))
                if late:
                    log.warning("sessions did not end in time", sessions=len(late))
        for session in list(self._sessions.values()):
            session.client.abort()

    def _connect(self) -> MessageStream:
        session = ClientSession(self, next(self._process_ids), secrets.token_bytes(SECRET_BYTES))
        task = asyncio.ensure_future(session.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return session.client

    # Called by sessions.

    def register(self, session: ClientSession) -> None:
        """Count a session in.

        Raises:
            MzError: there are too many.
        """
        if len(self._sessions) >= self.options.max_connections:
            raise too_many()
        self._sessions[session.session.id] = session

    def admit(self, session: ClientSession) -> None:
        """Leave the last connections to superusers.

        Raises:
            MzError: only those are left, and the session is none of theirs.
        """
        free = self.options.max_connections - self.options.reserved_connections
        if len(self._sessions) > free and not session.session.superuser:
            raise too_many()

    def forget(self, session: ClientSession) -> None:
        """Count a session out."""
        self._sessions.pop(session.session.id, None)

    def cancel(self, request: CancelRequest) -> None:
        """End what the session with that key runs; a wrong key does nothing."""
        session = self._sessions.get(request.process_id)
        if session is not None and hmac.compare_digest(session.key.secret_key, request.secret_key):
            session.cancel()

    def background(self, task: asyncio.Future[None]) -> None:
        """Keep a task that nobody waits for."""
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def descriptions(self, backend: Backend) -> Descriptions:
        """What translates the descriptions of the backend's database; databases with the same types share it."""
        rows = await backend.fetch(OWN_TYPES_SQL)
        own = frozenset((int(oid), name.decode()) for oid, name in rows if oid is not None and name is not None)
        found = self._descriptions.get(own)
        if found is None:
            found = self._descriptions[own] = Descriptions(TypeMap(own))
        return found


def too_many() -> MzError:
    """What a client gets when no connection is left for it."""
    return MzError("creating connection would violate max_connections limit", sqlstate=TOO_MANY_CONNECTIONS)


async def serve(
    coordinator: Coordinator,
    options: WireOptions | None = None,
    dialect: Dialect | None = None,
    sockets: Sequence[socket.socket] | None = None,
) -> WireServer:
    """Start a server; it accepts clients when this returns.

    Args:
        coordinator: carries out what is Materialize's own.
        options: where to listen, and limits.
        dialect: the parser, the translation of errors and the variables; those of `mzlite.dialect` by default.
        sockets: those of the address, if it has been taken already.

    Raises:
        OSError: the address is taken.
    """
    options = options or WireOptions()
    server = WireServer(coordinator, dialect or default_dialect(), options)
    await server.start(sockets or bind(options.host, options.port))
    return server


def default_dialect() -> Dialect:
    """The dialect of Materialize."""
    from mzlite.dialect.parse import parse
    from mzlite.dialect.pg_errors import translate
    from mzlite.dialect.variables import VARIABLES

    return Dialect(parse, translate, VARIABLES)
