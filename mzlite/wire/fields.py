"""The fields that messages are made of: integers, strings, values with their length.

In: a message's body, or fields. Out: fields in order, or bytes. Data types are those of the chapter "Message Data
Types" of the PostgreSQL documentation, all in network byte order.
"""

from __future__ import annotations

import struct
from struct import Struct

INT16 = Struct("!h")
UINT16 = Struct("!H")
INT32 = Struct("!i")
UINT32 = Struct("!I")


class ProtocolViolationError(Exception):
    """Bytes that are not the message they claim to be."""


class Reader:
    """Reads fields one after the other from a message's body."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.position = 0

    def _unpack(self, layout: Struct) -> int:
        try:
            (value,) = layout.unpack_from(self.body, self.position)
        except struct.error as error:
            raise ProtocolViolationError("insufficient data left in message") from error
        self.position += layout.size
        return int(value)

    def int16(self) -> int:
        return self._unpack(INT16)

    def uint16(self) -> int:
        return self._unpack(UINT16)

    def int32(self) -> int:
        return self._unpack(INT32)

    def uint32(self) -> int:
        return self._unpack(UINT32)

    def byte(self) -> bytes:
        return self.take(1)

    def take(self, count: int) -> bytes:
        value = self.body[self.position : self.position + count]
        if count < 0 or len(value) != count:
            raise ProtocolViolationError("insufficient data left in message")
        self.position += count
        return value

    def string(self) -> str:
        end = self.body.find(b"\0", self.position)
        if end < 0:
            raise ProtocolViolationError("invalid string in message")
        value = self.body[self.position : end]
        self.position = end + 1
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ProtocolViolationError('invalid byte sequence for encoding "UTF8"') from error

    def value(self) -> bytes | None:
        """A length-prefixed value; None for the length -1."""
        length = self.int32()
        return None if length == -1 else self.take(length)

    def end(self) -> None:
        if self.position != len(self.body):
            raise ProtocolViolationError("invalid message format")


def string(value: str) -> bytes:
    """A text with a zero byte behind it."""
    return value.encode().replace(b"\0", b"") + b"\0"


def frame(kind: bytes, body: bytes = b"") -> bytes:
    """A whole message: the type byte, the length of what follows and the body."""
    return kind + UINT32.pack(len(body) + 4) + body


def value_field(value: bytes | None) -> bytes:
    """A value with its length before it; None has the length -1."""
    return b"\xff\xff\xff\xff" if value is None else INT32.pack(len(value)) + value
