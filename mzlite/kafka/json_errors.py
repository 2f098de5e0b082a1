"""Says where and why a text is not JSON, in the words of the parser inside Materialize.

In: bytes that a fast parser refused. Out: a message such as `EOF while parsing an object at
line 1 column 4`, or None when there is nothing wrong with them. A column counts bytes; errors
about the next byte name its position, errors about what was read name the last byte's.
"""

from __future__ import annotations

MAX_DEPTH = 128
SPACE = frozenset(b" \t\n\r")
DIGITS = frozenset(b"0123456789")
HEX = frozenset(b"0123456789abcdefABCDEF")
LITERALS = {ord("n"): b"null", ord("t"): b"true", ord("f"): b"false"}
MAX_EXPONENT_DIGITS = 4
LONGEST_FRACTION = 16_000


class _NotJsonError(Exception):
    """The message, with its position."""


def json_error(data: bytes) -> str | None:
    """Why `data` is not one JSON value, or None when it is one."""
    parser = _Parser(data)
    try:
        parser.value(MAX_DEPTH)
        parser.skip_space()
        if parser.index < len(data):
            parser.fail_ahead("trailing characters")
    except _NotJsonError as error:
        return str(error)
    return None


class _Parser:
    """A cursor over the bytes; each method reads one construct and leaves the cursor behind it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.index = 0

    def fail(self, message: str) -> None:
        """The error is in what has been read."""
        self._fail_at(message, self.index)

    def fail_ahead(self, message: str) -> None:
        """The error is in the byte that comes next."""
        self._fail_at(message, min(len(self.data), self.index + 1))

    def _fail_at(self, message: str, index: int) -> None:
        line = self.data.count(b"\n", 0, index) + 1
        column = index - (self.data.rfind(b"\n", 0, index) + 1)
        raise _NotJsonError(f"{message} at line {line} column {column}")

    def peek(self) -> int:
        """The next byte, or -1 at the end."""
        return self.data[self.index] if self.index < len(self.data) else -1

    def skip_space(self) -> int:
        while self.peek() in SPACE:
            self.index += 1
        return self.peek()

    def value(self, depth: int) -> None:
        first = self.skip_space()
        if first == -1:
            self.fail_ahead("EOF while parsing a value")
        elif first in LITERALS:
            self.literal(LITERALS[first])
        elif first == ord("-") or first in DIGITS:
            self.number()
        elif first == ord('"'):
            self.string()
        elif first in b"[{":
            if depth == 1:
                self.fail_ahead("recursion limit exceeded")
            self.index += 1
            (self.array if first == ord("[") else self.object)(depth - 1)
        else:
            self.fail_ahead("expected value")

    def literal(self, word: bytes) -> None:
        self.index += 1
        for expected in word[1:]:
            found = self.peek()
            if found == -1:
                self.fail("EOF while parsing a value")
            self.index += 1
            if found != expected:
                self.fail("expected ident")

    def number(self) -> None:
        start = self.index
        if self.peek() == ord("-"):
            self.index += 1
        first = self.peek()
        if first == -1:
            self.fail("EOF while parsing a value")
        self.index += 1
        if first == ord("0"):
            if self.peek() in DIGITS:
                self.fail_ahead("invalid number")
        elif first in DIGITS:
            self.digits()
        else:
            self.fail("invalid number")
        if self.peek() == ord("."):
            self.index += 1
            if not self.digits():
                self.fail_ahead("EOF while parsing a value" if self.peek() == -1 else "invalid number")
        if self.peek() in (ord("e"), ord("E")):
            self.exponent()
        if not _can_be_kept(self.data[start : self.index]):
            self.fail("number out of range")

    def exponent(self) -> None:
        self.index += 1
        if self.peek() in (ord("+"), ord("-")):
            self.index += 1
        if self.peek() == -1:
            self.fail("EOF while parsing a value")
        if not self.digits():
            self.index += 1
            self.fail("invalid number")

    def digits(self) -> bool:
        start = self.index
        while self.peek() in DIGITS:
            self.index += 1
        return self.index > start

    def string(self) -> None:
        self.index += 1
        start = self.index
        while True:
            byte = self.peek()
            if byte == -1:
                self.fail("EOF while parsing a string")
            self.index += 1
            if byte == ord('"'):
                try:
                    self.data[start : self.index].decode()
                except UnicodeDecodeError:
                    self.fail("invalid unicode code point")
                return
            if byte == ord("\\"):
                self.escape()
            elif byte < ord(" "):
                self.fail("control character (\\u0000-\\u001F) found while parsing a string")

    def escape(self) -> None:
        byte = self.peek()
        if byte == -1:
            self.fail("EOF while parsing a string")
        self.index += 1
        if byte == ord("u"):
            unit = self.hex_unit()
            if unit == 0:
                # Materialize takes it; PostgreSQL's jsonb cannot hold it.
                self.fail("NUL character is not supported")
            if 0xDC00 <= unit <= 0xDFFF:
                self.fail("lone leading surrogate in hex escape")
            if 0xD800 <= unit <= 0xDBFF:
                for expected in b"\\u":
                    if self.peek() != expected:
                        self.fail("unexpected end of hex escape")
                    self.index += 1
                if not 0xDC00 <= self.hex_unit() <= 0xDFFF:
                    self.fail("lone leading surrogate in hex escape")
        elif byte not in b'"\\/bfnrt':
            self.fail("invalid escape")

    def hex_unit(self) -> int:
        if self.index + 4 > len(self.data):
            self.index = len(self.data)
            self.fail("EOF while parsing a string")
        text = self.data[self.index : self.index + 4]
        self.index += 4
        if any(byte not in HEX for byte in text):
            self.fail("invalid escape")
        return int(text, 16)

    def array(self, depth: int) -> None:
        first = True
        while True:
            byte = self.skip_space()
            if byte == -1:
                self.fail_ahead("EOF while parsing a list")
            if byte == ord("]"):
                break
            if not first:
                if byte != ord(","):
                    self.fail_ahead("expected `,` or `]`")
                self.index += 1
                if self.skip_space() == ord("]"):
                    self.fail_ahead("trailing comma")
            first = False
            self.value(depth)
        self.index += 1

    def object(self, depth: int) -> None:
        first = True
        while True:
            byte = self.skip_space()
            if byte == -1:
                self.fail_ahead("EOF while parsing an object")
            if byte == ord("}"):
                break
            if not first:
                if byte != ord(","):
                    self.fail_ahead("expected `,` or `}`")
                self.index += 1
                byte = self.skip_space()
            first = False
            if byte == ord("}"):
                self.fail_ahead("trailing comma")
            if byte == -1:
                self.fail_ahead("EOF while parsing a value")
            if byte != ord('"'):
                self.fail_ahead("key must be a string")
            self.string()
            if self.skip_space() != ord(":"):
                self.fail_ahead("EOF while parsing an object" if self.peek() == -1 else "expected `:`")
            self.index += 1
            self.value(depth)
        self.index += 1


def _can_be_kept(number: bytes) -> bool:
    """PostgreSQL's numeric, in which jsonb keeps numbers, holds this one."""
    mantissa, _, exponent = number.lower().partition(b"e")
    whole, _, fraction = mantissa.partition(b".")
    if len(exponent.lstrip(b"+-").lstrip(b"0")) > MAX_EXPONENT_DIGITS:
        return False
    shift = int(exponent or 0)
    return len(whole) + max(shift, 0) <= 8 * LONGEST_FRACTION and len(fraction) - min(shift, 0) <= LONGEST_FRACTION
