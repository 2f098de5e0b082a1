from __future__ import annotations

import json

import orjson
import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mzlite.dataflow.binary_copy import copy_in
from mzlite.dialect.definitions import Format
from mzlite.kafka.decode import DecodeError, decoder, json_field, text_field
from mzlite.kafka.json_errors import json_error

ERRORS = [
    (b'{"a"', "EOF while parsing an object at line 1 column 4"),
    (b"", "EOF while parsing a value at line 1 column 0"),
    (b"[1,", "EOF while parsing a value at line 1 column 3"),
    (b"[1", "EOF while parsing a list at line 1 column 2"),
    (b"[1,]", "trailing comma at line 1 column 4"),
    (b'{"a":1,}', "trailing comma at line 1 column 8"),
    (b"nul", "EOF while parsing a value at line 1 column 3"),
    (b"nulx", "expected ident at line 1 column 4"),
    (b"01", "invalid number at line 1 column 2"),
    (b"1.x", "invalid number at line 1 column 3"),
    (b'"a', "EOF while parsing a string at line 1 column 2"),
    (b'"a\tb"', "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 3"),
    (b'"\\x"', "invalid escape at line 1 column 3"),
    (b'{"a" 1}', "expected `:` at line 1 column 6"),
    (b"{1:2}", "key must be a string at line 1 column 2"),
    (b"[1 2]", "expected `,` or `]` at line 1 column 4"),
    (b'{"a":1 "b":2}', "expected `,` or `}` at line 1 column 8"),
    (b"1 2", "trailing characters at line 1 column 3"),
    (b"\xff\xfe{", "expected value at line 1 column 1"),
    (b'"\xff"', "invalid unicode code point at line 1 column 3"),
    (b'\n {"a": tru}', "expected ident at line 2 column 11"),
    (b"[" * 128 + b"]" * 128, "recursion limit exceeded at line 1 column 128"),
]


@pytest.mark.parametrize(("data", "expected"), ERRORS)
def test_what_is_wrong_with_a_document(data: bytes, expected: str) -> None:
    assert json_error(data) == expected


def accepted(data: bytes) -> bool:
    try:
        json_field(data)
    except DecodeError:
        return False
    return True


def jsonb_takes(connection: psycopg.Connection, fields: list[bytes]) -> bool:
    """A COPY of these fields works."""
    connection.execute("create temporary table if not exists documents (document jsonb)")
    copy_in(connection, "documents", ("document",), [b"\0\1" + field for field in fields])
    return True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *(bytes([byte]) for byte in b'{}[],:"1-0 \n\0\xff'),
            *(b'"a"', b".5", b"e9", b"E-9999", b"e-99999", b"1e999", b"1e99999", b"true", b"null", b"nul"),
            *(b"\\u0000", b"\\ud800", b"\\udc00", b"\\\\", "é".encode()),
        ]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(JSON, st.booleans())
@example("\ud83d\ude00 \\u0000", True)
def test_what_is_json_is_taken(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    holds_nul = "\0" in repr(value).replace("\\x00", "\0")
    if not holds_nul and "\\ud" not in text:
        assert json_error(data) is None
        assert accepted(data)


@settings(deadline=None, max_examples=1000)
@given(FRAGMENTS | st.binary(max_size=20))
def test_a_reason_is_given_exactly_when_it_is_not_json(data: bytes) -> None:
    try:
        orjson.loads(data)
        valid = True
    except orjson.JSONDecodeError:
        valid = False
    if valid and b"\\u0000" not in data and b"e" not in data.lower():
        assert json_error(data) is None
    if not valid and b"e" not in data.lower():
        assert json_error(data) is not None
    assert accepted(data) == (json_error(data) is None)


def test_postgres_takes_every_document_that_is_let_through(connection: psycopg.Connection) -> None:
    """One refused field would fail the whole COPY, and with it every source."""

    @settings(deadline=None, max_examples=500)
    @given(FRAGMENTS)
    def check(data: bytes) -> None:
        if accepted(data):
            assert jsonb_takes(connection, [json_field(data)])

    check()
    extremes = [
        b"1e999", b"1e-999", b"-0", b"1e9999", b"1e-9999", b"1" * 100_000,
        b"0." + b"1" * 15_000, b"0." + b"1" * 20_000, b"1e-16000", b"1e131000", b"1e140000", b"1" * 140_000,
        b"[" * 127 + b"]" * 127, b"[" * 2000 + b"]" * 2000,
        b'{"a":1,"a":2}', b'"\\u0000"', b'"\\\\u0000"', b'"\xf0\x9f\x98\x80"', b'"\\ud83d\\ude00"',
        b" 1 ", b"\xef\xbb\xbf1",
    ]  # fmt: skip
    for data in extremes:
        if accepted(data):
            assert jsonb_takes(connection, [json_field(data)]), data
    assert accepted(b"1e999")
    assert not accepted(b"1e-99999")


def test_text() -> None:
    assert text_field("é".encode()) == b"\0\0\0\2\xc3\xa9"
    with pytest.raises(DecodeError, match=r'^Failed to decode UTF-8 \(original bytes: "fffe7b"\)$'):
        text_field(b"\xff\xfe{")
    with pytest.raises(DecodeError, match="NUL"):
        text_field(b"a\0b")


def test_csv() -> None:
    decode = decoder(Format(None, "csv", csv_columns=2, csv_delimiter=";"), "value")
    assert decode(b'a;"b;""c"') == b'\0\0\0\1a\0\0\0\4b;"c'
    with pytest.raises(DecodeError, match=r"^CSV error at record number 2: expected 2 columns, got 3\. "):
        decode(b"a;b;c")
