"""Two byte streams over asyncio transports: one that gives whole messages, one that gives chunks as they came.

In: what the transport receives. Out: messages of a client, or raw chunks of a backend, both with flow control in
either direction: reading pauses while nobody takes what has arrived, and `flush` waits while the peer does not read.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from typing_extensions import override

from mzlite.wire.errors import ConnectionLostError
from mzlite.wire.fields import ProtocolViolationError

READ_AHEAD_BYTES = 1 << 20
"""Reading pauses when this much has arrived and waits to be taken."""
WRITE_AHEAD_BYTES = 1 << 20
"""`flush` waits when this much has been written and the peer has not taken it."""
STARTUP_LIMIT_BYTES = 10_000


class ConnectionClosedError(ConnectionLostError):
    """The peer is gone."""


class Stream(asyncio.Protocol):
    """What both kinds of stream share: the transport, waiting, and writing.

    Args:
        on_closed: called once when the peer has closed its side or the connection has broken.
    """

    def __init__(self, on_closed: Callable[[], None] | None = None) -> None:
        self.on_closed = on_closed
        self.closed = False
        self.transport: asyncio.Transport | None = None
        self._arrived = 0
        self._reading_paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writing_paused = False
        self._writers: list[asyncio.Future[None]] = []
        self._output: list[bytes] = []
        self.queued_bytes = 0
        self._lost = asyncio.Event()

    # Called by the transport.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_AHEAD_BYTES)

    @override
    def eof_received(self) -> bool:
        self._close()
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._close()
        self._lost.set()

    @override
    def pause_writing(self) -> None:
        self._writing_paused = True

    @override
    def resume_writing(self) -> None:
        self._writing_paused = False
        writers, self._writers = self._writers, []
        for writer in writers:
            if not writer.done():
                writer.set_result(None)

    def _close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._wake()
        self.resume_writing()
        if self.on_closed is not None:
            self.on_closed()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _received(self, size: int) -> None:
        self._arrived += size
        if self._reader is not None:
            self._wake()
        elif self._arrived > READ_AHEAD_BYTES and not self._reading_paused and self.transport is not None:
            self._reading_paused = True
            self.transport.pause_reading()

    def _taken(self, size: int) -> None:
        self._arrived -= size
        if self._reading_paused and self._arrived <= READ_AHEAD_BYTES:
            self._resume()

    def _resume(self) -> None:
        self._reading_paused = False
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    async def wait(self) -> None:
        """Return when something more has arrived.

        Raises:
            ConnectionClosedError: nothing more can arrive.
        """
        if self.closed:
            raise ConnectionClosedError
        if self._reading_paused:
            self._resume()
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    # Called by the session.

    @property
    def peer(self) -> str:
        """Where the connection comes from."""
        name = self.transport.get_extra_info("peername") if self.transport is not None else None
        return str(name[0]) if isinstance(name, tuple) and name else ""

    def send(self, data: bytes) -> None:
        """Queue bytes; `flush` writes them."""
        self._output.append(data)
        self.queued_bytes += len(data)

    def write_queued(self) -> None:
        """Hand everything queued to the transport, without waiting."""
        output = self._output
        if output:
            self._output = []
            self.queued_bytes = 0
            if self.transport is not None and not self.closed:
                self.transport.write(output[0] if len(output) == 1 else b"".join(output))

    async def flush(self) -> None:
        """Write everything queued and wait while the peer takes too little.

        Raises:
            ConnectionClosedError: the peer is gone.
        """
        self.write_queued()
        if self._writing_paused and not self.closed:
            writer = asyncio.get_running_loop().create_future()
            self._writers.append(writer)
            await writer
        if self.closed:
            raise ConnectionClosedError

    def close(self) -> None:
        """Write what is queued and close in order."""
        self.write_queued()
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once and drop what is queued."""
        self._output.clear()
        self.queued_bytes = 0
        if self.transport is not None:
            self.transport.abort()

    @property
    def writing_paused(self) -> bool:
        """The peer has not taken what was written for it."""
        return self._writing_paused

    def abandon(self, last: bytes) -> None:
        """Close behind some last words, which a peer that does not read at all never gets."""
        self._output.clear()
        self.queued_bytes = 0
        if self.transport is not None:
            self.transport.write(last)
            self.transport.abort()

    async def wait_lost(self, seconds: float) -> None:
        """After `close`: return when everything is written, at the latest after `seconds`, when the rest is dropped."""
        if self.transport is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._lost.wait()
        except TimeoutError:
            self.abort()


class MessageStream(Stream):
    """A client's side: whole messages, bounded in size."""

    def __init__(self, message_limit: int, on_closed: Callable[[], None] | None = None) -> None:
        super().__init__(on_closed)
        self.message_limit = message_limit
        self.encrypted = False
        self._buffer = bytearray()

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._received(len(data))

    async def read_startup(self) -> bytes:
        """The body of the first message of a connection, which has no type byte."""
        while len(self._buffer) < 4:
            await self.wait()
        length = int.from_bytes(self._buffer[:4], "big")
        if not 8 <= length <= STARTUP_LIMIT_BYTES:
            raise ProtocolViolationError("invalid length of startup packet")
        while len(self._buffer) < length:
            await self.wait()
        return self._take(length)[4:]

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Say that the connection will be encrypted, and encrypt it.

        Raises:
            ProtocolViolationError: the client has already sent something that is not.
            ConnectionClosedError: the handshake has failed.
        """
        assert self.transport is not None
        if self.has_data:
            raise ProtocolViolationError("received unencrypted data after SSL request")
        # What comes from now on is for the TLS layer, which is not there yet.
        self.transport.pause_reading()
        self.send(b"S")
        self.write_queued()
        try:
            transport = await asyncio.get_running_loop().start_tls(self.transport, self, context, server_side=True)
        except (OSError, ssl.SSLError) as error:
            raise ConnectionClosedError from error
        if transport is None:
            raise ConnectionClosedError
        self.transport = transport
        self.transport.set_write_buffer_limits(high=WRITE_AHEAD_BYTES)
        self.encrypted = True

    async def read_message(self, limit: int | None = None) -> tuple[int, bytes]:
        """The type byte and the body of the next message.

        Args:
            limit: bytes that it may have, if not the usual ones.
        """
        limit = self.message_limit if limit is None else limit
        buffer = self._buffer
        while len(buffer) < 5:
            await self.wait()
        length = int.from_bytes(buffer[1:5], "big")
        if length < 4 or length > limit:
            raise ProtocolViolationError(f"invalid message length {length}, the limit is {limit}")
        while len(buffer) <= length:
            await self.wait()
        kind = buffer[0]
        return kind, self._take(length + 1)[5:]

    def take_run(self, kind: int) -> bytes:
        """All whole messages of one type that have arrived and come next, as they are; empty if there is none."""
        buffer = self._buffer
        position, size = 0, len(buffer)
        while position + 5 <= size and buffer[position] == kind:
            length = int.from_bytes(buffer[position + 1 : position + 5], "big")
            if length < 4 or length > self.message_limit:
                raise ProtocolViolationError(f"invalid message length {length}")
            if position + 1 + length > size:
                break
            position += 1 + length
        return self._take(position) if position else b""

    @property
    def has_data(self) -> bool:
        """Something has arrived that has not been taken."""
        return bool(self._buffer)

    def _take(self, size: int) -> bytes:
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        self._taken(size)
        return data


class ChunkStream(Stream):
    """A backend's side: chunks as they arrived."""

    def __init__(self, on_closed: Callable[[], None] | None = None) -> None:
        super().__init__(on_closed)
        self._chunks: list[bytes] = []

    @override
    def data_received(self, data: bytes) -> None:
        self._chunks.append(data)
        self._received(len(data))

    @property
    def has_data(self) -> bool:
        """Something has arrived that has not been taken."""
        return bool(self._chunks)

    async def read_chunk(self) -> bytes:
        """Everything that has arrived, at least one byte.

        Raises:
            ConnectionClosedError: the backend is gone and everything it sent has been taken.
        """
        while not self._chunks:
            await self.wait()
        return self.take()

    def take(self) -> bytes:
        """Everything that has arrived, possibly nothing."""
        chunks, self._chunks = self._chunks, []
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._taken(len(data))
        return data
