"""A client that sends exactly the bytes that a test wants."""

from __future__ import annotations

import socket
from typing import Protocol

from mzlite.wire.messages import BackendKeyData, StartupMessage
from pytests.wire.conftest import DEADLINE, Wire


class Encodable(Protocol):
    def encode(self) -> bytes: ...


class RawClient:
    """A logged-in connection, or with `parameters` None one that has said nothing yet."""

    def __init__(self, wire: Wire, parameters: dict[str, str] | None = None, *, log_in: bool = True) -> None:
        self.socket = socket.create_connection((wire.host, wire.port), timeout=DEADLINE)
        wire.raw_clients.append(self)
        self.buffer = b""
        self.key: BackendKeyData | None = None
        self.greeting: list[tuple[bytes, bytes]] = []
        if log_in:
            self.send(StartupMessage({"user": "materialize", "database": "materialize", **(parameters or {})}))
            self.greeting = self.until_ready()
            self.key = BackendKeyData.decode(next(body for kind, body in self.greeting if kind == b"K"))

    def send(self, *messages: Encodable | bytes) -> None:
        self.socket.sendall(
            b"".join(message if isinstance(message, bytes) else message.encode() for message in messages)
        )

    def message(self) -> tuple[bytes, bytes]:
        """The next message; raises EOFError when the server has closed."""
        while len(self.buffer) < 5 or len(self.buffer) <= int.from_bytes(self.buffer[1:5], "big"):
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        end = int.from_bytes(self.buffer[1:5], "big") + 1
        kind, body, self.buffer = self.buffer[:1], self.buffer[5:end], self.buffer[end:]
        return kind, body

    def until(self, last: bytes) -> list[tuple[bytes, bytes]]:
        """All messages up to the first of that type."""
        messages = [self.message()]
        while messages[-1][0] != last:
            messages.append(self.message())
        return messages

    def rest(self) -> list[tuple[bytes, bytes]]:
        """What still comes until the server closes."""
        messages = []
        try:
            while True:
                messages.append(self.message())
        except (EOFError, ConnectionResetError):
            return messages

    def until_ready(self) -> list[tuple[bytes, bytes]]:
        return self.until(b"Z")

    def close(self) -> None:
        self.socket.close()
