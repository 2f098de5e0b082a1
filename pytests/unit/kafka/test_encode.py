from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from mzlite.errors import MzError
from mzlite.kafka.encode import check_formats, debezium_sql, key_sql, value_sql
from mzlite.kafka.spec import SinkSpec

# Type, a literal of it, and what Materialize writes for it.
VALUES = [
    ("smallint", "1", "1"),
    ("integer", "-5", "-5"),
    ("bigint", "9007199254740993", "9007199254740993"),
    ("boolean", "true", "true"),
    ("boolean", "false", "false"),
    ("numeric", "1.50", '"1.5"'),
    ("numeric(10,2)", "70", '"70"'),
    ("numeric", "'NaN'", '"NaN"'),
    ("double precision", "1", "1.0"),
    ("double precision", "1.5", "1.5"),
    ("double precision", "'-0'", "-0.0"),
    ("double precision", "1e15", "1000000000000000.0"),
    ("double precision", "123456789012345680", "1.2345678901234568e17"),
    ("double precision", "1e16", "1e16"),
    ("double precision", "0.00001", "0.00001"),
    ("double precision", "1.25e-6", "1.25e-6"),
    ("double precision", "'NaN'", "null"),
    ("real", "1.1", "1.1"),
    ("text", "'a\"b\\c' || chr(10) || chr(1) || chr(127) || 'é'", '"a\\"b\\\\c\\n\\u0001\x7fé"'),
    ("character varying(5)", "'ab'", '"ab"'),
    ("character(3)", "'ab'", '"ab "'),
    ("uuid", "'B2221A58-0000-4000-8000-000000000001'", '"b2221a58-0000-4000-8000-000000000001"'),
    ("date", "'2026-01-01'", '"2026-01-01"'),
    ("time without time zone", "'10:00:00'", '"10:00:00"'),
    ("time without time zone", "'10:00:00.5'", '"10:00:00.500"'),
    ("time without time zone", "'10:00:00.000123'", '"10:00:00.000123"'),
    ("timestamp without time zone", "'2026-01-01 10:00:00.123'", '"1767261600123.000"'),
    ("timestamp without time zone", "'2026-01-01 10:00:00.123456'", '"1767261600123.456"'),
    ("timestamp with time zone", "'2026-01-01 12:00:00.123+02'", '"1767261600123.000"'),
    ("interval", "'1 day 2 hours'", '"1 day 02:00:00"'),
    ("jsonb", """'{"bb": [1, 2.50, null], "a": {"z": "x, y: {", "b": {}}, "c": []}'""",
     '{"a":{"b":{},"z":"x, y: {"},"bb":[1,2.5,null],"c":[]}'),
    ("jsonb", "'null'", "null"),
    ("bytea", r"'\x00ff'", "[0,255]"),
    ("bytea", r"'\x'", "[]"),
    ("integer[]", "array[1,2]", "[1,2]"),
    ("integer[]", "array[[1,2],[3,4]]", "[[1,2],[3,4]]"),
    ("text[]", "array['a', null]", '["a",null]'),
    ("numeric[]", "array[1.50, null]", '["1.5",null]'),
    ("numeric[]", "array[]::numeric[]", "[]"),
    ("timestamp without time zone[]", "array['2026-01-01 10:00:00.123']::timestamp[]", '["1767261600123.000"]'),
    ("mz_catalog.list_int4", "'{1,NULL}'::text", "[1,null]"),
    ("mz_catalog.list_list_text", "'{{a,b c},{},NULL}'::text", '[["a","b c"],[],null]'),
    ("mz_catalog.list_list_numeric", "'{{1.50},{}}'::text", '[["1.5"],[]]'),
    ("mz_catalog.list_timestamp", "'{2026-01-01 10:00:00.123}'::text", '["1767261600123.000"]'),
    ("int4range", "'[1,3)'", '"[1,3)"'),
]  # fmt: skip


def spec(**fields: Any) -> SinkSpec:
    return SinkSpec("u1", {}, "t", "x", "p", **fields)


def evaluate(connection: psycopg.Connection, expression: str, row: str) -> str | None:
    found = connection.execute(f"select {expression} from (select {row}) as d").fetchone()  # type: ignore[call-overload]
    assert found is not None
    return found[0]


@pytest.mark.parametrize(("kind", "literal", "expected"), VALUES)
def test_a_value_is_written_as_materialize_writes_it(
    connection: psycopg.Connection, kind: str, literal: str, expected: str
) -> None:
    expression = value_sql(spec(), [("v", kind)], "d")
    assert evaluate(connection, expression, f"({literal})::{kind} as v") == '{"v":' + expected + "}"


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in VALUES}))
def test_a_null_of_every_type_is_null(connection: psycopg.Connection, kind: str) -> None:
    expression = value_sql(spec(), [("v", kind)], "d")
    assert evaluate(connection, expression, f"null::{kind} as v") == '{"v":null}'


def test_the_alert_is_written_as_recorded(connection: psycopg.Connection) -> None:
    columns = [
        ("order_id", "uuid"), ("delay_minutes", "integer"), ("alert_type", "text"),
        ("timestamp", "timestamp without time zone"),
    ]  # fmt: skip
    row = (
        "'b2221a58-3d0c-4b86-a0fd-2c1a8f1f5c11'::uuid as order_id, 30 as delay_minutes, "
        "'DELAYED_ORDER' as alert_type, timestamp '2026-11-21 05:50:17.486' as timestamp"
    )
    sink = spec(key_columns=("order_id",), key_format="text")
    assert evaluate(connection, key_sql(sink, columns, "d"), row) == "b2221a58-3d0c-4b86-a0fd-2c1a8f1f5c11"
    assert evaluate(connection, value_sql(sink, columns, "d"), row) == (
        '{"order_id":"b2221a58-3d0c-4b86-a0fd-2c1a8f1f5c11","delay_minutes":30,'
        '"alert_type":"DELAYED_ORDER","timestamp":"1795240217486.000"}'
    )


def test_keys(connection: psycopg.Connection) -> None:
    columns = [("id", "integer"), ("odd \"name'\\", "numeric"), ("ok", "boolean")]
    row = """1 as id, 2.50 as "odd ""name'\\", true as ok"""
    both = key_sql(spec(key_columns=("id", "odd \"name'\\"), key_format="json"), columns, "d")
    assert json.loads(evaluate(connection, both, row) or "") == {"id": 1, "odd \"name'\\": "2.5"}
    assert evaluate(connection, key_sql(spec(key_columns=("id",), key_format="json"), columns, "d"), row) == '{"id":1}'
    assert evaluate(connection, key_sql(spec(key_columns=("ok",), key_format="text"), columns, "d"), row) == "t"
    assert evaluate(connection, key_sql(spec(key_columns=("id",), key_format="bytes"), columns, "d"), row) == "31"
    assert evaluate(connection, key_sql(spec(), columns, "d"), row) is None


def test_debezium_wraps_before_and_after(connection: psycopg.Connection) -> None:
    expression = debezium_sql("d.before", "d.after")
    assert evaluate(connection, expression, """null::text as before, '{"a":1}' as after""") == (
        '{"before":null,"after":{"a":1}}'
    )
    assert evaluate(connection, expression, """'{"a":1}' as before, null::text as after""") == (
        '{"before":{"a":1},"after":null}'
    )


def test_text_holds_one_column_only() -> None:
    columns = [("a", "integer"), ("b", "integer")]
    with pytest.raises(MzError, match="KEY FORMAT TEXT"):
        check_formats(spec(key_columns=("a", "b"), key_format="text"), columns)
    check_formats(spec(key_columns=("a",), key_format="text"), columns)
