"""Decodes the key or the value of a message into fields of a binary COPY row.

In: a format and the bytes of one message. Out: the fields, each with its length before it, as
PostgreSQL's binary COPY wants them; or a `DecodeError` in Materialize's words. What is let through
here must be acceptable to PostgreSQL: one refused field would make the whole COPY fail.
"""

from __future__ import annotations

import csv
import io
import re
import struct
from collections.abc import Callable
from typing import Final

import orjson

from mzlite.dialect.definitions import Format
from mzlite.kafka.json_errors import MAX_DEPTH, json_error

NULL_FIELD: Final = b"\xff\xff\xff\xff"
_length = struct.Struct("!i").pack
_jsonb = struct.Struct("!ib").pack
JSONB_VERSION = 1

Decoder = Callable[[bytes], bytes]
"""Gives the encoded field (or fields) of one key or value."""

LONG_DOCUMENT = 16_000
_tiny_number = re.compile(rb"[eE]-[0-9]{4}")


class DecodeError(Exception):
    """Bytes that are not of the source's format; the text is what Materialize says after `Decode error: `."""

    def __init__(self, reason: str, data: bytes) -> None:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            super().__init__(f'{reason} (original bytes: "{data.hex()}")')
        else:
            super().__init__(f'{reason} (original text: {text}, original bytes: "{data.hex()}")')


def decoder(fmt: Format, side: str) -> Decoder:
    """The decoder of one side, "key" or "value"."""
    name = fmt.key if side == "key" else fmt.value
    if name == "csv":
        return csv_decoder(fmt.csv_columns or 0, fmt.csv_delimiter)
    return {"bytes": bytes_field, "text": text_field, "json": json_field}[str(name)]


def bytes_field(data: bytes) -> bytes:
    """FORMAT BYTES: everything is fine.

    >>> bytes_field(b"ab")
    b'\\x00\\x00\\x00\\x02ab'
    """
    return _length(len(data)) + data


def text_field(data: bytes) -> bytes:
    """FORMAT TEXT: any UTF-8 without NUL, which PostgreSQL's text cannot hold."""
    check_text(data)
    return _length(len(data)) + data


def check_text(data: bytes) -> None:
    """Raise unless PostgreSQL takes `data` as text."""
    try:
        data.decode()
    except UnicodeDecodeError:
        raise DecodeError("Failed to decode UTF-8", data) from None
    if 0 in data:
        raise DecodeError("Failed to decode UTF-8: NUL character is not supported", data)


def json_field(data: bytes) -> bytes:
    """FORMAT JSON: one JSON value that PostgreSQL's jsonb takes."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        reason = json_error(data)
        # What the fast parser alone refuses, such as 1e999, jsonb can hold.
        if reason is not None:
            raise DecodeError(f"Failed to decode JSON: {reason}", data) from None
    else:
        if _needs_a_closer_look(data) and (reason := json_error(data)) is not None:
            raise DecodeError(f"Failed to decode JSON: {reason}", data)
    return _jsonb(len(data) + 1, JSONB_VERSION) + data


def _needs_a_closer_look(data: bytes) -> bool:
    """The fast parser took it, and yet jsonb may not: NULs, deep nesting, extreme numbers."""
    return (
        (b"\\" in data and b"\\u0000" in data)
        or len(data) > LONG_DOCUMENT
        or ((b"e-" in data or b"E-" in data) and _tiny_number.search(data) is not None)
        or data.count(b"[") + data.count(b"{") >= MAX_DEPTH
    )


def csv_decoder(columns: int, delimiter: str) -> Decoder:
    """FORMAT CSV WITH n COLUMNS: one record in each message."""
    count = 0

    def decode(data: bytes) -> bytes:
        nonlocal count
        count += 1
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise DecodeError(
                f"CSV error at record number {count}: invalid UTF-8 ({_utf8_error(error)})", data
            ) from None
        record = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        if len(record) != columns:
            raise DecodeError(
                f"CSV error at record number {count}: expected {columns} columns, got {len(record)}.", data
            )
        return b"".join([text_field(field.encode()) for field in record])

    return decode


def _utf8_error(error: UnicodeDecodeError) -> str:
    if error.reason == "unexpected end of data":
        return f"incomplete utf-8 byte sequence from index {error.start}"
    length = max(1, error.end - error.start)
    return f"invalid utf-8 sequence of {length} bytes from index {error.start}"
