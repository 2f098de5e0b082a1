"""Values in Materialize's words."""

from __future__ import annotations

import json
from decimal import Decimal
from struct import pack, unpack_from

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mzlite.wire import binary, text, types
from mzlite.wire.text import jsonb, jsonb_binary, jsonbs, numeric, numeric_binary, numerics


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        (b"56.70", b"56.7"),
        (b"70.000000", b"70"),
        (b"100", b"100"),
        (b"0.00", b"0"),
        (b"-0.50", b"-0.5"),
        (b"NaN", b"NaN"),
        (b"Infinity", b"Infinity"),
    ],
)
def test_numeric(given_text: bytes, expected: bytes) -> None:
    assert numeric(given_text) == expected


def test_numerics() -> None:
    assert numerics(b"{1.50,NULL,20,3.00,{0.10}}") == b"{1.5,NULL,20,3,{0.1}}"
    assert numerics(b"[1.50,20.00)") == b"[1.5,20)"
    assert numerics(b"(,20.10]") == b"(,20.1]"


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        (b'{"a": 1}', b'{"a":1}'),
        (b'{"b": 1, "aa": 2}', b'{"aa":2,"b":1}'),
        (b'{"a": "x: y, z"}', b'{"a":"x: y, z"}'),
        (b'{"a": "\\": \\", "}', b'{"a":"\\": \\", "}'),
        (b'{"a": [1, 2.50, "3.0"], "b": {"c": null, "d": true}}', b'{"a":[1,2.5,"3.0"],"b":{"c":null,"d":true}}'),
        (b"1.50", b"1.5"),
        (b"20", b"20"),
        (b'"1.50"', b'"1.50"'),
        (b"null", b"null"),
        (b"[]", b"[]"),
        (b"[1, 2]", b"[1,2]"),
        (b"[1.0]", b"[1]"),
        (b"[123456789012345678901234567890, 0.00000123, 1.10]", b"[123456789012345678901234567890,0.00000123,1.1]"),
        (b'{"n": 1.234567890123456789}', b'{"n":1.234567890123456789}'),
        ('{"ä": "ö, \\u0001"}'.encode(), '{"ä":"ö, \\u0001"}'.encode()),
        (b'{"k": "2026-01-01T00:00:00.000Z"}', b'{"k":"2026-01-01T00:00:00.000Z"}'),
    ],
)
def test_jsonb(given_text: bytes, expected: bytes) -> None:
    assert jsonb(given_text) == expected
    assert jsonb_binary(b"\1" + given_text) == b"\1" + expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


def as_postgres_prints(value: object) -> str:
    match value:
        case Decimal():
            return format(abs(value), "f")
        case dict():
            items = ", ".join(f"{json.dumps(key)}: {as_postgres_prints(item)}" for key, item in value.items())
            return "{" + items + "}"
        case list():
            return "[" + ", ".join(map(as_postgres_prints, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


@given(JSON)
def test_jsonb_keeps_the_meaning(value: object) -> None:
    def decimal_value(data: bytes | str) -> object:
        return json.loads(data, parse_float=Decimal, parse_int=Decimal)

    printed = as_postgres_prints(value)
    if any("\ud800" <= character <= "\udfff" for character in printed):
        return
    converted = jsonb(printed.encode())
    assert decimal_value(converted) == decimal_value(printed)
    assert jsonb(converted) == converted


def test_jsonb_that_is_nested_deeply() -> None:
    deep = b"[" * 800 + b"1, 2" + b"]" * 800
    assert jsonb(deep) == deep.replace(b" ", b"")


def test_jsonbs() -> None:
    assert jsonbs(rb'{"{\"a\": 1.50, \"b\": \"x, y\"}",NULL,"[1, 2]",3.0}') == (
        rb'{"{\"a\":1.5,\"b\":\"x, y\"}",NULL,"[1,2]",3}'
    )


def numeric_bytes(number: str) -> bytes:
    return binary.encode(number.encode(), types.NUMERIC)


@pytest.mark.parametrize(
    "number", ["0", "1", "1.5", "-12345.678", "10000", "0.0001", "100.00", "1.10", "123456789.00010"]
)
def test_numeric_binary(number: str) -> None:
    trimmed = numeric(number.encode()).decode()
    assert numeric_binary(numeric_bytes(number)) == numeric_bytes(trimmed)
    (scale,) = unpack_from("!H", numeric_binary(numeric_bytes(number)), 6)
    assert scale == len(trimmed.partition(".")[2])


def test_binary_values() -> None:
    assert binary.encode(b"t", types.BOOL) == b"\1"
    assert binary.encode(b"\\x00ff", types.BYTEA) == b"\0\xff"
    assert binary.encode(b"-2", types.INT4) == pack("!i", -2)
    assert binary.encode(b"1.5", types.FLOAT8) == pack("!d", 1.5)
    assert binary.encode(b"2000-01-02", types.DATE) == pack("!i", 1)
    assert binary.encode(b"00:00:01", types.TIME) == pack("!q", 1_000_000)
    assert binary.encode(b"2000-01-01 00:00:01", types.TIMESTAMP) == pack("!q", 1_000_000)
    assert binary.encode(b"2000-01-01 02:00:01+02", types.TIMESTAMPTZ) == pack("!q", 1_000_000)
    assert binary.encode(b"123e4567-e89b-12d3-a456-426614174000", types.UUID)[:4] == b"\x12\x3e\x45\x67"
    assert binary.encode(b"18446744073709551615", types.OWN_TYPES["uint8"]) == b"\xff" * 8
    with pytest.raises(Exception, match="not yet supported"):
        binary.encode(b"1 day", 1186)


def test_only_some_types_need_anything() -> None:
    assert text.adaptation(types.INT4) is None
    assert text.adaptation(types.TEXT) is None
    assert text.adaptation(types.NUMERIC) is not None
    assert text.adaptation(types.NUMERIC, 1) is not None
