from __future__ import annotations

import datetime
from typing import Any

import psycopg
import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from mzlite.dataflow.binary_copy import copy_in
from mzlite.dialect.definitions import Format, Include
from mzlite.kafka.pack import Packed, packer
from mzlite.kafka.spec import IngestSpec, source_columns

BYTES = Format(None, "bytes")


def message(
    value: bytes | None,
    key: bytes | None = None,
    *,
    offset: int = 0,
    partition: int = 0,
    timestamp: int = 1_767_261_600_123,
    headers: Any = None,
) -> Any:
    return Message("t", partition, offset, key, value, headers, None, (1, timestamp))


def spec(
    connection: psycopg.Connection, fmt: Format, includes: tuple[Include, ...], envelope: Any = "none"
) -> IngestSpec:
    columns = tuple(column.name for column in source_columns(fmt, includes, envelope))
    row = connection.execute("select 'mz_catalog.kafka_header'::regtype::oid::bigint").fetchone()
    assert row is not None
    return IngestSpec("u1", {}, "t", fmt, includes, envelope, columns, headers_type_oid=row[0])


def stored(connection: psycopg.Connection, source: IngestSpec, messages: list[Any]) -> list[tuple[Any, ...]]:
    """The rows as PostgreSQL reads them back, after a binary COPY."""
    packed = packer(source)(messages)
    assert packed.error is None
    definitions = source_columns(source.format, source.includes, source.envelope)
    types = [(column.name, column.type.replace("mz_catalog.uint8", "bigint")) for column in definitions]
    if source.upsert:
        types = [("mzlite_key", "bytea"), ("mzlite_mark", "smallint"), ("mzlite_error", "text"), *types]
    assert tuple(name for name, _ in types) == source.staged_columns
    table = ", ".join(f'"{name}" {kind}' for name, kind in types)
    connection.execute("drop table if exists stored")
    connection.execute(f"create temporary table stored ({table})")  # type: ignore[call-overload]
    copy_in(connection, "stored", source.staged_columns, packed.rows)
    return connection.execute("select * from stored").fetchall()


@pytest.mark.parametrize(
    "order",
    [(), ("partition", "offset", "timestamp"), ("timestamp", "partition"), ("offset",)],
)
def test_bytes_with_metadata(connection: psycopg.Connection, order: tuple[Any, ...]) -> None:
    includes = tuple(Include(what) for what in order)
    messages = [message(b"\xff\0", offset=2**40, partition=7), message(None), message(b"")]
    values = {"partition": 7, "offset": 2**40, "timestamp": datetime.datetime(2026, 1, 1, 10, 0, 0, 123_000)}
    rows = stored(connection, spec(connection, BYTES, includes), messages)
    assert rows[0] == (b"\xff\0", *[values[what] for what in order])
    assert [row[0] for row in rows] == [b"\xff\0", b""]


@pytest.mark.parametrize(
    ("fmt", "key", "value", "expected"),
    [
        (Format("text", "text"), b"k", "é".encode(), ("k", "é")),
        (Format("text", "json"), None, b'{"a": [1, null]}', (None, {"a": [1, None]})),
        (Format("bytes", "bytes"), b"\xff", b"\xfe", (b"\xff", b"\xfe")),
        (Format("json", "bytes"), b"[1]", b"", ([1], b"")),
        (Format("text", "csv", csv_columns=2), b"k", b'a,"b,"', ("k", "a", "b,")),
    ],
)
def test_the_key_comes_first_and_metadata_last(
    connection: psycopg.Connection, fmt: Format, key: bytes | None, value: bytes, expected: tuple[Any, ...]
) -> None:
    source = spec(connection, fmt, (Include("partition"), Include("key"), Include("offset")))
    assert stored(connection, source, [message(value, key, offset=5, partition=3)]) == [(*expected, 3, 5)]


def test_headers(connection: psycopg.Connection) -> None:
    source = spec(
        connection, BYTES, (Include("headers"), Include("header", "x", "h"), Include("header", "y", "h", True))
    )
    some = [("h", b"1"), ("n", None), ("h", "é".encode())]
    messages = [message(b"a", headers=some), message(b"b"), message(b"c", headers=[("h", None)])]
    stored(connection, source, messages)
    rows = connection.execute(
        "select headers[1].key, headers[2].value, headers[3].value, cardinality(headers), x, y from stored"
    ).fetchall()
    assert rows == [
        ("h", None, "é".encode(), 3, "é", "é".encode()),
        (None, None, None, 0, None, None),
        ("h", None, None, 1, None, None),
    ]


def test_inline_errors_are_records(connection: psycopg.Connection) -> None:
    source = spec(connection, Format("text", "json"), (Include("offset"),), "upsert-value-err-inline")
    stored(connection, source, [message(b"{", b"k", offset=1), message(b"1", b"k", offset=2), message(None, b"k")])
    rows = connection.execute(
        'select mzlite_key, mzlite_mark, key, (error).description, data, "offset" from stored'
    ).fetchall()
    reason = "Failed to decode JSON: EOF while parsing an object at line 1 column 1"
    assert rows == [
        (b"\1k", 0, "k", f'{reason} (original text: {{, original bytes: "7b")', None, 1),
        (b"\1k", 0, "k", None, 1, 2),
        (b"\1k", 1, None, None, None, None),
    ]


def test_json_keys_that_mean_the_same_are_the_same(connection: psycopg.Connection) -> None:
    source = spec(connection, Format("json", "text"), (), "upsert")
    rows = stored(connection, source, [message(b"x", b'{"a":1, "b":2}'), message(b"y", b'{"b":2,"a":1}')])
    assert rows[0][0] == rows[1][0]


def test_absurd_timestamps_do_not_fail_the_copy(connection: psycopg.Connection) -> None:
    source = spec(connection, BYTES, (Include("timestamp"),))
    packed = packer(source)([message(b"a", timestamp=2**62), message(b"b", timestamp=-1)])
    connection.execute("create temporary table if not exists moments (data bytea, moment timestamp)")
    copy_in(connection, "moments", ("data", "moment"), packed.rows)
    found = connection.execute("select moment::text from moments").fetchall()
    assert found == [("294276-12-31 23:59:59.999",), ("1969-12-31 23:59:59.999",)]


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=30), st.data())
def test_a_split_keeps_rows_and_offsets(shape: list[tuple[int, bool]], data: st.DataObject) -> None:
    source = IngestSpec("u1", {}, "t", Format(None, "json"), columns=("data",))
    messages = [
        message(b"{}" if good else b"{", offset=number, partition=partition)
        for number, (partition, good) in enumerate(shape)
    ]
    whole = packer(source)(messages)
    rest = packer(source)(messages)
    parts: list[Packed] = []
    while rest.rows:
        parts.append(rest.split(data.draw(st.integers(1, len(rest.rows)))))
    assert [row for part in parts for row in part.rows] == whole.rows
    assert sum(part.size for part in parts) == whole.size
    merged: dict[int, int] = {}
    for part in parts:
        merged.update(part.next_offsets())
    assert merged == whole.next_offsets()
    errors = [part.error for part in parts if part.error is not None]
    assert len(errors) == (1 if whole.error else 0)
