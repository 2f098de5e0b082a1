"""The macros that decode JSON and cast its fields, against Python's own parsers.

The macros are rendered as dbt renders them and run on a real PostgreSQL over thousands of good,
odd and broken documents. What a strict parser takes within the contract's bounds must come out
equal; everything else must come out as null, and nothing may raise an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mzlite.storage.postgres import Postgres

MACROS = Path(__file__).parents[2] / "macros"
NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,17})?(?:[eE][+-]?[01]?[0-9])?")
SHAPES = [(1, False), (2, False), (3, False), (2, True)]

JUNK = [
    *(b"{}[],:\"\\'x01.-e \n\t"[i : i + 1] for i in range(18)),
    *(b"\x00", b"\x01", b"\x7f", b"\xff", b"\xc3", b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"),
    *("é".encode(), "€".encode(), "😀".encode(), b"\xf4\x8f\xbf\xbf", b"\xef\xbb\xbf"),
    *(rb"\u0000", rb"\ud83d", rb"\ude00", rb"\ud83d\ude00", rb"\u00e9", rb"\n", rb"\\", rb"\"", rb"\/", rb"\q"),
    *(b"{,", b"null", b"true", b"nul", b"NaN", b"1e99", b"1e-5", b"01", b"1234567890123456", b".5"),
]
text = st.text(st.sampled_from('a{}[],:"\\/\n\t\x01\x7fé€😀x0u'), max_size=4)
scalar = st.one_of(
    st.none(), st.booleans(), text, st.integers(), st.floats(allow_nan=False, allow_infinity=False, width=32)
)
value = st.recursive(
    scalar, lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(text, inner, max_size=2)), max_leaves=6
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A JSON document, most of them objects, some of them then damaged."""
    content = draw(st.one_of(st.dictionaries(text, value, max_size=4), value))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r ")]))
    data = bytearray(json.dumps(content, ensure_ascii=draw(st.booleans()), separators=separators).encode())
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 2))] = draw(st.sampled_from(JUNK))
    return bytes(data)


def expected(data: bytes, depth: int, arrays: bool) -> Any:
    """What a strict parser makes of the bytes within the bounds; None if it refuses them.

    Objects come as ("object", names, values), so that a member that is named twice is seen.
    """
    try:
        decoded = data.decode()
        parsed = json.loads(
            decoded, parse_constant=_refuse, parse_int=_number, parse_float=_number, object_pairs_hook=_members
        )
    except ValueError:
        return None
    fits = "\0" not in decoded and isinstance(parsed, tuple) and _fits(parsed, depth, arrays)
    return json.loads(decoded, parse_int=Decimal, parse_float=Decimal) if fits else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _number(digits: str) -> Decimal:
    if not NUMBER.fullmatch(digits):
        raise ValueError(digits)
    return Decimal(digits)


def _members(pairs: list[tuple[str, Any]]) -> tuple[str, list[str], list[Any]]:
    return "object", [name for name, _ in pairs], [item for _, item in pairs]


def _fits(item: Any, depth: int, arrays: bool) -> bool:
    if isinstance(item, str):
        return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in item)
    if isinstance(item, tuple):
        return depth > 0 and all(_fits(inner, depth - 1, arrays) for inner in (*item[1], *item[2]) if inner is not None)
    if isinstance(item, list):
        return arrays and depth > 0 and all(_fits(inner, depth - 1, arrays) for inner in item)
    return True


@pytest.fixture(scope="module")
def connection(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect("postgres") as connection:
        connection.execute("create temporary table messages (number int, data bytea)")
        connection.execute("create temporary table fields (number int, value text)")
        yield connection


def macro(file: str, name: str, *arguments: object) -> str:
    """What a macro of the project renders to."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return str(getattr(environment.from_string((MACROS / file).read_text()).module, name)(*arguments))


def decode(
    connection: psycopg.Connection[Any], messages: Sequence[bytes], depth: int, arrays: bool, usual: str = "scalars"
) -> list[Any]:
    connection.execute("truncate messages")
    with connection.cursor().copy("copy messages from stdin") as copy:
        for number, data in enumerate(messages):
            copy.write_row((number, data))
    decoded = macro("json.sql", "decode_json", "data", depth, arrays, None, usual)
    query = f"select ({decoded})::text from messages order by number"
    rows = connection.execute(query.encode()).fetchall()
    return [row and json.loads(row, parse_int=Decimal, parse_float=Decimal) for (row,) in rows]


@pytest.mark.parametrize(("depth", "arrays"), SHAPES)
def test_decodes_what_a_strict_parser_takes(connection: psycopg.Connection[Any], depth: int, arrays: bool) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(documents(), min_size=20, max_size=100))
    def check(messages: list[bytes]) -> None:
        for usual in ("scalars", "strings"):
            found = decode(connection, messages, depth, arrays, usual)
            assert found == [expected(data, depth, arrays) for data in messages]

    check()


@pytest.mark.parametrize(
    ("data", "is_taken"),
    [
        (b"{}", True),
        (b' \n{ "a" :\t1 }\r ', True),
        (b'{"a":1,"a":2}', True),
        (b'{"a":"\\ud83d\\ude00 \\u00e9 \\" \\\\ \\/"}', True),
        ('{"ä":"😀"}'.encode(), True),
        (b'{"a":-0.5e-19}', True),
        (b"", False),
        (b"{", False),
        (b"[]", False),
        (b'{"a":1,}', False),
        (b'{,"a":1}', False),
        (b'{"a":1}{"b":2}', False),
        (b'{"a":\\n1}', False),
        (b'{"a":"\x01"}', False),
        (b'{"a":"\x00"}', False),
        (b'{"a":"\\u0000"}', False),
        (b'{"a":"\\ude00\\ud83d"}', False),
        (b'{"a":"\xed\xa0\x80"}', False),
        (b'\xef\xbb\xbf{"a":1}', False),
        (b'{"a":1e20}', False),
        (b'{"a":1234567890123456}', False),
    ],
)
def test_known_documents(connection: psycopg.Connection[Any], data: bytes, is_taken: bool) -> None:
    [found] = decode(connection, [data], 1, False)
    assert (found is not None) == is_taken == (expected(data, 1, False) is not None)


def casts(connection: psycopg.Connection[Any], cast: str, values: Sequence[str]) -> list[str | None]:
    connection.execute("truncate fields")
    with connection.cursor().copy("copy fields from stdin") as copy:
        for number, item in enumerate(values):
            copy.write_row((number, item))
    return [row for (row,) in connection.execute(f"select ({cast})::text from fields order by number".encode())]


DIGITS = st.text(st.sampled_from("0123456789.-e+ "), max_size=16)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(DIGITS, min_size=50, max_size=100))
def test_decimals_are_exact_or_null(connection: psycopg.Connection[Any], values: list[str]) -> None:
    found = casts(connection, macro("safe_casts.sql", "safe_decimal", "value", 14, 2), values)
    for item, result in zip(values, found, strict=True):
        fits = re.fullmatch(r"-?[0-9]+(\.[0-9]{1,2}0*)?", item) is not None and len(item) <= 12
        assert (result and Decimal(result)) == (Decimal(item) if fits else None)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(DIGITS, min_size=50, max_size=100))
def test_integers_are_exact_or_null(connection: psycopg.Connection[Any], values: list[str]) -> None:
    found = casts(connection, macro("safe_casts.sql", "safe_integer", "value"), values)
    for item, result in zip(values, found, strict=True):
        fits = re.fullmatch("-?[0-9]+", item) is not None and len(item) <= 9
        assert (result and int(result)) == (int(item) if fits else None)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.lists(
        st.tuples(st.uuids(), st.sampled_from(["", "-", "g", "é", "F", "0"]), st.integers(0, 36), st.integers(0, 1)),
        min_size=20,
    )
)
def test_uuids_are_canonical_or_null(
    connection: psycopg.Connection[Any], damaged: list[tuple[Any, str, int, int]]
) -> None:
    values = [str(good)[:place] + junk + str(good)[place + skipped :] for good, junk, place, skipped in damaged]
    found = casts(connection, macro("safe_casts.sql", "safe_uuid", "value"), values)
    canonical = re.compile("-".join(f"[0-9a-fA-F]{{{length}}}" for length in (8, 4, 4, 4, 12)))
    assert found == [item.lower() if canonical.fullmatch(item) else None for item in values]
