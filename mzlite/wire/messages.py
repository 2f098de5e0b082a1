"""The messages of the PostgreSQL protocol, version 3, as data.

In: the fields of a message, or the bytes of its body. Out: the other of the two. Names and order of fields are
those of the chapter "Message Formats" of the PostgreSQL documentation. Nothing here reads or writes a stream.
"""

# ruff: noqa: D101  (the names are the protocol's; `encode` and `decode` are the same pair everywhere)

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar

from mzlite.long_names import restored, whole
from mzlite.wire.fields import INT16, INT32, UINT16, UINT32, Reader, frame, string, value_field

PROTOCOL_VERSION = 3 << 16
CANCEL_REQUEST_CODE = 80877102
SSL_REQUEST_CODE = 80877103
GSSENC_REQUEST_CODE = 80877104

_FIELD = Struct("!IhIhih")

# Frontend --------------------------------------------------------------------


@dataclass(frozen=True)
class StartupMessage:
    parameters: dict[str, str]
    version: int = PROTOCOL_VERSION

    def encode(self) -> bytes:
        body = b"".join(string(name) + string(value) for name, value in self.parameters.items()) + b"\0"
        return UINT32.pack(len(body) + 8) + UINT32.pack(self.version) + body

    @classmethod
    def decode(cls, body: bytes) -> StartupMessage:
        """`body` starts with the version number."""
        reader = Reader(body)
        version = reader.uint32()
        parameters: dict[str, str] = {}
        while name := reader.string():
            parameters[name] = reader.string()
        return cls(parameters, version)


@dataclass(frozen=True)
class CancelRequest:
    process_id: int
    secret_key: bytes

    def encode(self) -> bytes:
        body = UINT32.pack(CANCEL_REQUEST_CODE) + UINT32.pack(self.process_id) + self.secret_key
        return UINT32.pack(len(body) + 4) + body

    @classmethod
    def decode(cls, body: bytes) -> CancelRequest:
        """`body` starts with the request code."""
        reader = Reader(body)
        reader.uint32()
        return cls(reader.uint32(), body[reader.position :])


@dataclass(frozen=True)
class Query:
    kind: ClassVar[bytes] = b"Q"
    query: str

    def encode(self) -> bytes:
        return frame(b"Q", string(self.query))

    @classmethod
    def decode(cls, body: bytes) -> Query:
        reader = Reader(body)
        message = cls(reader.string())
        reader.end()
        return message


@dataclass(frozen=True)
class Parse:
    kind: ClassVar[bytes] = b"P"
    statement: str
    query: str
    parameter_types: tuple[int, ...] = ()

    def encode(self) -> bytes:
        types = b"".join(UINT32.pack(oid) for oid in self.parameter_types)
        count = UINT16.pack(len(self.parameter_types))
        return frame(b"P", string(self.statement) + string(self.query) + count + types)

    @classmethod
    def decode(cls, body: bytes) -> Parse:
        reader = Reader(body)
        statement, query = reader.string(), reader.string()
        types = tuple(reader.uint32() for _ in range(reader.uint16()))
        reader.end()
        return cls(statement, query, types)


@dataclass(frozen=True)
class Bind:
    kind: ClassVar[bytes] = b"B"
    portal: str
    statement: str
    parameter_formats: tuple[int, ...] = ()
    parameters: tuple[bytes | None, ...] = ()
    result_formats: tuple[int, ...] = ()

    def encode(self) -> bytes:
        return frame(
            b"B",
            b"".join(
                (
                    string(self.portal),
                    string(self.statement),
                    UINT16.pack(len(self.parameter_formats)),
                    *(INT16.pack(code) for code in self.parameter_formats),
                    UINT16.pack(len(self.parameters)),
                    *(value_field(value) for value in self.parameters),
                    UINT16.pack(len(self.result_formats)),
                    *(INT16.pack(code) for code in self.result_formats),
                )
            ),
        )

    @classmethod
    def decode(cls, body: bytes) -> Bind:
        reader = Reader(body)
        portal, statement = reader.string(), reader.string()
        parameter_formats = tuple(reader.int16() for _ in range(reader.uint16()))
        parameters = tuple(reader.value() for _ in range(reader.uint16()))
        result_formats = tuple(reader.int16() for _ in range(reader.uint16()))
        reader.end()
        return cls(portal, statement, parameter_formats, parameters, result_formats)


@dataclass(frozen=True)
class Describe:
    """`what` is S for a prepared statement, P for a portal."""

    kind: ClassVar[bytes] = b"D"
    what: bytes
    name: str

    def encode(self) -> bytes:
        return frame(b"D", self.what + string(self.name))

    @classmethod
    def decode(cls, body: bytes) -> Describe:
        reader = Reader(body)
        message = cls(reader.byte(), reader.string())
        reader.end()
        return message


@dataclass(frozen=True)
class Close:
    """`what` is S for a prepared statement, P for a portal."""

    kind: ClassVar[bytes] = b"C"
    what: bytes
    name: str

    def encode(self) -> bytes:
        return frame(b"C", self.what + string(self.name))

    @classmethod
    def decode(cls, body: bytes) -> Close:
        reader = Reader(body)
        message = cls(reader.byte(), reader.string())
        reader.end()
        return message


@dataclass(frozen=True)
class Execute:
    """`maximum_rows` 0 is no limit."""

    kind: ClassVar[bytes] = b"E"
    portal: str
    maximum_rows: int = 0

    def encode(self) -> bytes:
        return frame(b"E", string(self.portal) + INT32.pack(self.maximum_rows))

    @classmethod
    def decode(cls, body: bytes) -> Execute:
        reader = Reader(body)
        message = cls(reader.string(), reader.int32())
        reader.end()
        return message


@dataclass(frozen=True)
class CopyFail:
    kind: ClassVar[bytes] = b"f"
    message: str

    def encode(self) -> bytes:
        return frame(b"f", string(self.message))


FLUSH = frame(b"H")
SYNC = frame(b"S")
TERMINATE = frame(b"X")

# Backend ---------------------------------------------------------------------

AUTHENTICATION_OK = frame(b"R", UINT32.pack(0))
PARSE_COMPLETE = frame(b"1")
BIND_COMPLETE = frame(b"2")
CLOSE_COMPLETE = frame(b"3")
NO_DATA = frame(b"n")
EMPTY_QUERY_RESPONSE = frame(b"I")
PORTAL_SUSPENDED = frame(b"s")
COPY_DONE = frame(b"c")


@dataclass(frozen=True)
class BackendKeyData:
    process_id: int
    secret_key: bytes

    def encode(self) -> bytes:
        return frame(b"K", UINT32.pack(self.process_id) + self.secret_key)

    @classmethod
    def decode(cls, body: bytes) -> BackendKeyData:
        reader = Reader(body)
        return cls(reader.uint32(), body[4:])


@dataclass(frozen=True)
class NegotiateProtocolVersion:
    """`newest_version` is the newest minor version of major version 3 that is spoken."""

    newest_version: int
    unknown_options: tuple[str, ...] = ()

    def encode(self) -> bytes:
        options = b"".join(string(option) for option in self.unknown_options)
        return frame(b"v", UINT32.pack(self.newest_version) + UINT32.pack(len(self.unknown_options)) + options)


@dataclass(frozen=True)
class ParameterStatus:
    name: str
    value: str

    def encode(self) -> bytes:
        return frame(b"S", string(self.name) + string(self.value))

    @classmethod
    def decode(cls, body: bytes) -> ParameterStatus:
        reader = Reader(body)
        return cls(reader.string(), reader.string())


@dataclass(frozen=True)
class ReadyForQuery:
    """`status` is I (idle), T (in a transaction block) or E (in a failed one)."""

    status: bytes

    def encode(self) -> bytes:
        return frame(b"Z", self.status)


@dataclass(frozen=True)
class CommandComplete:
    tag: str

    def encode(self) -> bytes:
        return frame(b"C", string(self.tag))


@dataclass(frozen=True)
class FieldDescription:
    """One column of a RowDescription; `format_code` 0 is text, 1 binary."""

    name: str
    type_oid: int
    type_size: int = -1
    type_modifier: int = -1
    format_code: int = 0
    table_oid: int = 0
    column_number: int = 0


@dataclass(frozen=True)
class RowDescription:
    fields: tuple[FieldDescription, ...]

    def encode(self) -> bytes:
        parts = [UINT16.pack(len(self.fields))]
        for column in self.fields:
            parts.append(string(whole(column.name)))
            parts.append(
                _FIELD.pack(
                    column.table_oid,
                    column.column_number,
                    column.type_oid,
                    column.type_size,
                    column.type_modifier,
                    column.format_code,
                )
            )
        return frame(b"T", b"".join(parts))

    @classmethod
    def decode(cls, body: bytes) -> RowDescription:
        reader = Reader(body)
        fields = []
        for _ in range(reader.uint16()):
            name = reader.string()
            table_oid, column_number, type_oid, type_size, type_modifier, format_code = _FIELD.unpack(
                reader.take(_FIELD.size)
            )
            fields.append(
                FieldDescription(name, type_oid, type_size, type_modifier, format_code, table_oid, column_number)
            )
        return cls(tuple(fields))


@dataclass(frozen=True)
class ParameterDescription:
    parameter_types: tuple[int, ...]

    def encode(self) -> bytes:
        types = b"".join(UINT32.pack(oid) for oid in self.parameter_types)
        return frame(b"t", UINT16.pack(len(self.parameter_types)) + types)

    @classmethod
    def decode(cls, body: bytes) -> ParameterDescription:
        reader = Reader(body)
        return cls(tuple(reader.uint32() for _ in range(reader.uint16())))


@dataclass(frozen=True)
class DataRow:
    values: tuple[bytes | None, ...]

    def encode(self) -> bytes:
        return frame(b"D", UINT16.pack(len(self.values)) + b"".join(value_field(value) for value in self.values))

    @classmethod
    def decode(cls, body: bytes) -> DataRow:
        reader = Reader(body)
        return cls(tuple(reader.value() for _ in range(reader.uint16())))


@dataclass(frozen=True)
class CopyOutResponse:
    """`format_code` is that of the whole copy, `column_formats` those of its columns."""

    format_code: int
    column_formats: tuple[int, ...]

    def encode(self) -> bytes:
        codes = b"".join(INT16.pack(code) for code in self.column_formats)
        return frame(b"H", bytes((self.format_code,)) + UINT16.pack(len(self.column_formats)) + codes)


@dataclass(frozen=True)
class CopyData:
    data: bytes

    def encode(self) -> bytes:
        return frame(b"d", self.data)


@dataclass(frozen=True)
class _Fields:
    """The body of ErrorResponse and NoticeResponse: texts by their one-letter code (S, V, C, M, D, H, P, ..)."""

    fields: dict[str, str] = field(default_factory=dict)

    def _body(self) -> bytes:
        return b"".join(code.encode() + string(restored(text)) for code, text in self.fields.items()) + b"\0"

    @staticmethod
    def _read(body: bytes) -> dict[str, str]:
        reader = Reader(body)
        fields: dict[str, str] = {}
        while (code := reader.byte()) != b"\0":
            fields[code.decode("latin-1")] = reader.string()
        return fields


@dataclass(frozen=True)
class ErrorResponse(_Fields):
    def encode(self) -> bytes:
        return frame(b"E", self._body())

    @classmethod
    def decode(cls, body: bytes) -> ErrorResponse:
        return cls(cls._read(body))


@dataclass(frozen=True)
class NoticeResponse(_Fields):
    def encode(self) -> bytes:
        return frame(b"N", self._body())

    @classmethod
    def decode(cls, body: bytes) -> NoticeResponse:
        return cls(cls._read(body))
