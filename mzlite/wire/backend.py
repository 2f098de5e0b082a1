"""One connection to the inner PostgreSQL, from startup to its end.

In: the socket's path and the startup parameters. Out: an authenticated stream of chunks, the means to cancel what
runs on it, and a simple way to ask it something before a client's session begins.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from mzlite.errors import MzError
from mzlite.wire.errors import CANNOT_CONNECT_NOW, untranslated
from mzlite.wire.messages import TERMINATE, BackendKeyData, CancelRequest, DataRow, ErrorResponse, Query, StartupMessage
from mzlite.wire.stream import ChunkStream, ConnectionClosedError

SOCKET_NAME = ".s.PGSQL.5432"
CANCEL_TIMEOUT_SECONDS = 5.0
CLOSE_TIMEOUT_SECONDS = 2.0

_SETTINGS = {
    "client_encoding": "UTF8",
    # A query whose session has ended stops by itself, should the cancel request have missed it.
    "client_connection_check_interval": "2s",
}


class Backend:
    """A session's own PostgreSQL backend.

    Args:
        path: the socket, or the directory that holds it under its usual name.
        on_closed: called once when the backend has gone.
    """

    def __init__(self, path: str, on_closed: Callable[[], None] | None = None) -> None:
        self.path = str(Path(path) / SOCKET_NAME) if Path(path).is_dir() else path
        self.stream = ChunkStream(on_closed)
        self._key: BackendKeyData | None = None
        self._ending = asyncio.Lock()  # a cancel request and the end come one after the other

    async def start(self, parameters: Mapping[str, str]) -> None:
        """Connect and log in.

        Args:
            parameters: user, database and settings.

        Raises:
            MzError: PostgreSQL refuses or cannot be reached.
        """
        loop = asyncio.get_running_loop()
        try:
            await loop.create_unix_connection(lambda: self.stream, self.path)
        except OSError as error:
            raise MzError("the database is not accepting connections", sqlstate=CANNOT_CONNECT_NOW) from error
        self.stream.send(StartupMessage({**parameters, **_SETTINGS}).encode())
        for kind, body in await self._answer():
            if kind == b"K":
                self._key = BackendKeyData.decode(body)
            elif kind == b"R" and body != b"\0\0\0\0":
                raise MzError("the database asks for a password", sqlstate=CANNOT_CONNECT_NOW)

    async def fetch(self, sql: str) -> list[tuple[bytes | None, ...]]:
        """Run one statement and return its rows as text. Only while nothing else runs."""
        self.stream.send(Query(sql).encode())
        return [DataRow.decode(body).values for kind, body in await self._answer() if kind == b"D"]

    async def _answer(self) -> list[tuple[bytes, bytes]]:
        """All messages up to ReadyForQuery."""
        messages: list[tuple[bytes, bytes]] = []
        data = b""
        try:
            await self.stream.flush()
            while True:
                data += await self.stream.read_chunk()
                while len(data) >= 5 and len(data) > (length := int.from_bytes(data[1:5], "big")):
                    kind, body, data = data[:1], data[5 : length + 1], data[length + 1 :]
                    if kind == b"E":
                        raise untranslated(ErrorResponse.decode(body).fields)
                    if kind == b"Z":
                        return messages
                    messages.append((kind, body))
        except ConnectionClosedError as error:
            raise MzError("the database closed the connection", sqlstate=CANNOT_CONNECT_NOW) from error

    async def cancel(self) -> None:
        """Ask PostgreSQL to end what runs now; nothing happens if nothing does."""
        async with self._ending:
            if self._key is not None and not self.stream.closed:
                await self._request_cancel(self._key)

    async def _request_cancel(self, key: BackendKeyData) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CANCEL_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self.path)
                try:
                    writer.write(CancelRequest(key.process_id, key.secret_key).encode())
                    await writer.drain()
                    await reader.read()  # closed by PostgreSQL when it has sent the signal
                finally:
                    writer.close()
                    await writer.wait_closed()

    async def stop(self) -> None:
        """Log out. What runs is not waited for."""
        self.stream.on_closed = None
        async with self._ending:
            if not self.stream.closed:
                self.stream.send(TERMINATE)
            self.stream.close()
            await self.stream.wait_lost(CLOSE_TIMEOUT_SECONDS)
