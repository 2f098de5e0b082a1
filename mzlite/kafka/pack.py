"""Packs Kafka messages into rows of PostgreSQL's binary COPY format.

In: an `IngestSpec`, once, and messages as librdkafka hands them out. Out: `Packed` rows whose
columns are in the order of `spec.staged_columns`. This is the hottest code of a source: each kind
of column is compiled into a closure once, so that a message costs a few calls and one join.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from mzlite.dialect.definitions import Include
from mzlite.kafka.decode import NULL_FIELD, DecodeError, bytes_field, check_text, decoder
from mzlite.kafka.spec import MARK_ERROR, MARK_TOMBSTONE, MARK_VALUE, IngestSpec

POSTGRES_EPOCH_US = 946_684_800_000_000
LATEST_MS = 9_224_318_015_999_999
TEXT_OID, BYTEA_OID = 25, 17
NULL_KEY = b"\0"
KEY_PREFIX = b"\x01"

_pair = struct.Struct("!ii").pack
_long = struct.Struct("!iq").pack
_int4 = struct.Struct("!i").pack
_mark = struct.Struct("!ih").pack
PLAIN = {"partition": "ii", "offset": "iq", "timestamp": "iq"}
"""The metadata that are numbers: how `struct` writes each with its length."""
MARKS = {mark: _mark(2, mark) for mark in (MARK_VALUE, MARK_TOMBSTONE, MARK_ERROR)}


class Message(Protocol):
    """A message that carries no error, as far as it is used here."""

    def value(self) -> bytes | None:
        """The value, None for a tombstone."""

    def key(self) -> bytes | None:
        """The key, or None."""

    def partition(self) -> int:
        """The partition it was read from."""

    def offset(self) -> int:
        """Its offset there."""

    def timestamp(self) -> tuple[int, int]:
        """The kind of timestamp, and milliseconds since 1970."""

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """The headers in order."""


@dataclass
class Packed:
    """Packed messages in the order in which they came.

    Attributes:
        rows: one encoded row for each message; empty for one that is skipped.
        partitions: the partition of each message.
        offsets: the offset of each message.
        timestamps: the Kafka timestamp of each message, in milliseconds.
        size: bytes in `rows`.
        error: what makes the whole source fail, with the index of the message that did it.
    """

    rows: list[bytes] = field(default_factory=list)
    partitions: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)
    size: int = 0
    error: tuple[int, str] | None = None

    def split(self, count: int) -> Packed:
        """Take the first `count` messages out of this one and return them."""
        first = Packed(self.rows[:count], self.partitions[:count], self.offsets[:count], self.timestamps[:count])
        first.size = sum(map(len, first.rows))
        if self.error is not None:
            if self.error[0] < count:
                first.error, self.error = self.error, None
            else:
                self.error = (self.error[0] - count, self.error[1])
        del self.rows[:count], self.partitions[:count], self.offsets[:count], self.timestamps[:count]
        self.size -= first.size
        return first

    def next_offsets(self) -> dict[int, int]:
        """The offset after the last message, by partition."""
        # The last occurrence of a partition wins, and its offset is the highest.
        return {partition: offset + 1 for partition, offset in zip(self.partitions, self.offsets, strict=True)}


Packer = Callable[[Sequence[Message]], Packed]
_Field = Callable[[Message], bytes]


class _FatalError(Exception):
    """The message makes the source fail for good; the text is the whole error."""


def packer(spec: IngestSpec) -> Packer:
    """Compile the spec into a function from messages to rows."""
    if spec.upsert:
        return _row_packer(_upsert_row(spec))
    if not spec.keyed and all(include.what in PLAIN for include in spec.includes):
        return _plain_packer(spec)
    return _row_packer(_append_row(spec))


def _plain_packer(spec: IngestSpec) -> Packer:
    """A value and numbers about it, without a key: the form of a stream of events, and the fastest."""
    value_of = decoder(spec.format, "value")
    width = struct.pack("!h", len(spec.columns))
    order = [include.what for include in spec.includes]
    tail = struct.Struct("!" + "".join([PLAIN[what] for what in order])).pack

    # The usual orders are written out, because building the arguments in a loop costs as much as all the rest.
    if order == ["partition", "offset", "timestamp"]:

        def fields(partition: int, offset: int, timestamp: int) -> bytes:
            return tail(4, partition, 8, offset, 8, timestamp * 1000 - POSTGRES_EPOCH_US)
    elif not order:

        def fields(partition: int, offset: int, timestamp: int) -> bytes:
            return b""
    else:

        def fields(partition: int, offset: int, timestamp: int) -> bytes:
            microseconds = timestamp * 1000 - POSTGRES_EPOCH_US
            values = {"partition": (4, partition), "offset": (8, offset), "timestamp": (8, microseconds)}
            return tail(*[number for what in order for number in values[what]])

    def pack(messages: Sequence[Message]) -> Packed:
        packed = Packed()
        rows, partitions, offsets, timestamps = packed.rows, packed.partitions, packed.offsets, packed.timestamps
        for message in messages:
            value = message.value()
            partition = message.partition()
            offset = message.offset()
            timestamp = min(message.timestamp()[1], LATEST_MS)
            partitions.append(partition)
            offsets.append(offset)
            timestamps.append(timestamp)
            if value is None:
                rows.append(b"")
                continue
            try:
                rows.append(b"".join((width, value_of(value), fields(partition, offset, timestamp))))
            except DecodeError as error:
                rows.append(b"")
                if packed.error is None:
                    packed.error = (len(rows) - 1, f"Decode error: {error}")
        packed.size = sum(map(len, rows))
        return packed

    return pack


def _row_packer(row: _Field) -> Packer:
    def pack(messages: Sequence[Message]) -> Packed:
        packed = Packed()
        for index, message in enumerate(messages):
            try:
                encoded = row(message)
            except _FatalError as error:
                encoded = b""
                if packed.error is None:
                    packed.error = (index, str(error))
            packed.rows.append(encoded)
            packed.partitions.append(message.partition())
            packed.offsets.append(message.offset())
            packed.timestamps.append(min(message.timestamp()[1], LATEST_MS))
        packed.size = sum(map(len, packed.rows))
        return packed

    return pack


def _append_row(spec: IngestSpec) -> _Field:
    """ENVELOPE NONE: a message is a row. A null value is skipped, or with a key fails the source."""
    value_of = decoder(spec.format, "value")
    key_of = decoder(spec.format, "key") if spec.keyed else None
    metadata = _metadata(spec)
    width = struct.pack("!h", len(spec.columns))

    def row(message: Message) -> bytes:
        tail = metadata(message)
        value = message.value()
        try:
            # An error of the value goes before one of the key.
            encoded = None if value is None else value_of(value)
            if key_of is None:
                return b"" if encoded is None else width + encoded + tail
            key = message.key()
            encoded_key = NULL_FIELD if key is None else key_of(key)
        except DecodeError as error:
            raise _FatalError(f"Decode error: {error}") from None
        if encoded is None:
            if key is None:
                return b""
            raise _FatalError("Envelope error: Flat: Value not present for message")
        return width + encoded_key + encoded + tail

    return row


def _upsert_row(spec: IngestSpec) -> _Field:
    """ENVELOPE UPSERT: a message is what its key has from now on; an error is of its key only."""
    value_of = decoder(spec.format, "value")
    key_of = decoder(spec.format, "key")
    identity = _json_identity if spec.format.key == "json" else _identity
    metadata = _metadata(spec)
    width = struct.pack("!h", len(spec.staged_columns))
    inline = spec.envelope == "upsert-value-err-inline"
    nothing = NULL_FIELD * len(spec.columns)
    metadata_width = sum(1 for include in spec.includes if include.what != "key")
    value_width = len(spec.columns) - metadata_width - (2 if inline else 1)

    def failed(key: bytes, value: bytes | None, text: str) -> bytes:
        if value is None:
            return width + bytes_field(key) + MARKS[MARK_TOMBSTONE] + NULL_FIELD + nothing
        return width + bytes_field(key) + MARKS[MARK_ERROR] + bytes_field(text.encode()) + nothing

    def row(message: Message) -> bytes:
        tail = metadata(message)
        key, value = message.key(), message.value()
        if key is None:
            return failed(NULL_KEY, value, NULL_KEY_ERROR)
        try:
            encoded_key = key_of(key)
        except DecodeError as error:
            return failed(KEY_PREFIX + key, value, f"Envelope error: Upsert: Key decode: {error}")
        same = identity(key)
        if value is None:
            return failed(same, None, "")
        head = width + bytes_field(same) + MARKS[MARK_VALUE] + NULL_FIELD + encoded_key
        try:
            encoded = value_of(value)
        except DecodeError as error:
            if inline:
                return head + _inline_error(str(error)) + NULL_FIELD * value_width + tail
            text = f"Envelope error: Upsert: Value error: {error}, decoded key: {_shown_key(spec, key)}"
            return failed(same, value, text)
        return head + (NULL_FIELD if inline else b"") + encoded + tail

    return row


NULL_KEY_ERROR = (
    "Envelope error: Upsert: Null key: record with NULL key in UPSERT source; to retract this error, "
    "produce a record upstream with a NULL key and NULL value"
)


def _identity(key: bytes) -> bytes:
    return KEY_PREFIX + key


def _json_identity(key: bytes) -> bytes:
    """Keys that differ only in spaces or in the order of their members are the same key."""
    try:
        return KEY_PREFIX + orjson.dumps(orjson.loads(key), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return KEY_PREFIX + key


def _shown_key(spec: IngestSpec, key: bytes) -> str:
    if spec.format.key == "bytes":
        return f"Row{{[Bytes({list(key)})]}}"
    text = key.decode()
    return "Row{[String(" + orjson.dumps(text).decode() + ")]}" if spec.format.key == "text" else f"Row{{[{text}]}}"


def _inline_error(text: str) -> bytes:
    encoded = text.encode()
    record = _int4(1) + _pair(TEXT_OID, len(encoded)) + encoded
    return _int4(len(record)) + record


def _metadata(spec: IngestSpec) -> _Field:
    fields = [_metadata_field(include, spec) for include in spec.includes if include.what != "key"]
    if not fields:
        return lambda _message: b""
    if len(fields) == 1:
        return fields[0]
    return lambda message: b"".join([encode(message) for encode in fields])


def _metadata_field(include: Include, spec: IngestSpec) -> _Field:
    match include.what:
        case "partition":
            return lambda message: _pair(4, message.partition())
        case "offset":
            return lambda message: _long(8, message.offset())
        case "timestamp":
            return lambda message: _long(8, min(message.timestamp()[1], LATEST_MS) * 1000 - POSTGRES_EPOCH_US)
        case "headers":
            return lambda message: _headers_field(message, spec.headers_type_oid)
        case _:
            return _header_field(include)


def _headers_field(message: Message, element_oid: int) -> bytes:
    """All headers as an array of (key, value); a message without headers has an empty one."""
    headers = message.headers() or []
    if not headers:
        array = struct.pack("!iii", 0, 0, element_oid)
        return _int4(len(array)) + array
    parts = [struct.pack("!iiiii", 1, 0, element_oid, len(headers), 1)]
    for key, value in headers:
        name = key.replace("\0", "\ufffd").encode()
        content = NULL_FIELD if value is None else bytes_field(value)
        record = _int4(2) + _pair(TEXT_OID, len(name)) + name + _int4(BYTEA_OID) + content
        parts.append(_int4(len(record)) + record)
    array = b"".join(parts)
    return _int4(len(array)) + array


def _header_field(include: Include) -> _Field:
    """One header by its key: the last one that has it. A message with other headers only fails the source."""
    wanted = include.header_key or ""

    def encode(message: Message) -> bytes:
        headers = message.headers()
        if not headers:
            return NULL_FIELD
        values = [value for key, value in headers if key == wanted]
        if not values:
            raise _FatalError(f"Source error: A header with key '{wanted}' was not found in the message headers")
        value = values[-1]
        if value is None:
            return NULL_FIELD
        if not include.header_bytes:
            try:
                check_text(value)
            except DecodeError:
                shown = ", ".join(f"{byte:x}" for byte in value)
                raise _FatalError(
                    f"Source error: Found ill-formed byte sequence in header '{wanted}' that cannot be decoded as "
                    f"valid utf-8 (original bytes: [{shown}])"
                ) from None
        return bytes_field(value)

    return encode
