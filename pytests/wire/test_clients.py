"""The clients that people use, as they come: psql, psycopg2, psycopg 3 (also asynchronous), dbt's connection."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
from decimal import Decimal

import psycopg
import psycopg2
import psycopg2.errors
import pytest
from dbt.adapters.materialize.connections import _build_options_string
from psycopg2.extras import execute_values

from mzlite.storage.postgres import find_binaries
from mzlite.wire.interface import END_OF_TIME, SubscriptionEvent
from pytests.wire.conftest import DEADLINE, Wire
from pytests.wire.eventually import eventually

SNAPSHOT = SubscriptionEvent(1000, [(1, (b"1", b"1.50"))], 1001)
UPDATE = SubscriptionEvent(2000, [(-1, (b"1", b"1.50"))], 2001)


def psql_command(wire: Wire, *arguments: str) -> list[str]:
    binary = str(find_binaries() / "psql")
    conninfo = f"host={wire.host} port={wire.port} user=materialize dbname=materialize options=--welcome_message=off"
    return [binary, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", *arguments, conninfo]


def psql(wire: Wire, script: str) -> str:
    """What psql prints for a script, errors included."""
    result = subprocess.run(
        psql_command(wire),
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return result.stdout


def test_psql(wire: Wire) -> None:
    output = psql(
        wire,
        """
        select 1.50::numeric, '{"a": 1}'::jsonb;
        set cluster = serve; show cluster;
        insert into t (id, name) values (1, 'a'), (2, 'b');
        copy t (id, name) from stdin;
3	c
\\.
        select count(*) from t;
        select nosuch;
        \\set AUTOCOMMIT off
        insert into t (id) values (9);
        rollback;
        select count(*) from t \\gdesc
        select id from t order by id limit 1 \\g
        rollback;
        select $1::int + 1 \\bind 5 \\g
        rollback;
        """,
    )
    assert output.splitlines() == [
        '1.5|{"a":1}',
        "serve",
        "3",
        'ERROR:  column "nosuch" does not exist',
        "count|bigint",
        "1",
        "6",
    ]


def test_psql_cursor_and_subscribe(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT, UPDATE, SubscriptionEvent(3000, [], END_OF_TIME)]
    output = psql(
        wire,
        """
        begin;
        declare c cursor for subscribe t;
        fetch 1 c;
        fetch all c;
        commit;
        copy (subscribe t) to stdout;
        \\copy (subscribe t) to stdout with (format csv)
        """,
    )
    assert output.splitlines() == [
        "1000|1|1|1.5",
        "2000|-1|1|1.5",
        "1000\t1\t1\t1.5",
        "2000\t-1\t1\t1.5",
        "1000,1,1,1.5",
        "2000,-1,1,1.5",
    ]


def test_interrupted_psql(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT, UPDATE]
    process = subprocess.Popen(
        psql_command(wire, "--command=copy (subscribe t) to stdout"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    eventually(lambda: [each.events.qsize() for each in wire.coordinator.subscriptions] == [0])
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=DEADLINE)
    assert output.splitlines()[-3:] == [
        b"1000\t1\t1\t1.5",
        b"2000\t-1\t1\t1.5",
        b"ERROR:  canceling statement due to user request",
    ]
    assert wire.coordinator.subscriptions[0].closed
    eventually(lambda: wire.server.session_count == 0)


def psycopg2_connection(wire: Wire) -> psycopg2.extensions.connection:
    return psycopg2.connect(**wire.parameters)


def test_psycopg2(wire: Wire) -> None:
    connection = psycopg2_connection(wire)
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into t (id, amount) values (%s, %s)", (1, Decimal("2.50")))
        execute_values(cursor, "insert into t (id, name) values %s", [(n, "x") for n in range(2, 500)])
    assert wire.coordinator.absorbed == 1
    with connection, connection.cursor() as cursor:
        cursor.execute("select id, amount, amount::text, '{\"a\": [1]}'::jsonb from t where id = 1")
        assert str(cursor.fetchone()) == "(1, Decimal('2.5'), '2.50', {'a': [1]})"
        assert [column.type_code for column in cursor.description or ()] == [23, 1700, 25, 3802]
    with connection, connection.cursor() as cursor, pytest.raises(psycopg2.Error, match="unknown item"):
        cursor.execute("insert into nosuch values (1)")
    with connection, connection.cursor(name="c") as cursor:
        cursor.itersize = 100
        cursor.execute("select id from t order by id")
        assert [row[0] for row in cursor] == list(range(1, 500))
    connection.set_session(autocommit=True)
    with connection.cursor() as cursor:
        cursor.copy_expert("copy t (id) from stdin", io.StringIO("1000\n1001\n"))
        cursor.execute("update t set name = 'y' where id = 1000")
        assert cursor.rowcount == 1
        out = io.StringIO()
        cursor.copy_expert("copy (select id, name from t where id >= 1000 order by id) to stdout", out)
        assert out.getvalue() == "1000\ty\n1001\t\\N\n"
        cursor.execute("select 1; show cluster")
        assert cursor.fetchone() == ("quickstart",)
    connection.close()


def test_psycopg2_notices(wire: Wire) -> None:
    connection = psycopg2_connection(wire)
    connection.set_session(autocommit=True)
    with connection.cursor() as cursor:
        cursor.execute("create view public.seen as select 1 as a")
        cursor.execute("drop view public.seen")
        assert connection.notices == ["NOTICE:  carried out\n"] * 2
    connection.close()


def test_the_way_dbt_connects(wire: Wire) -> None:
    options = _build_options_string({"cluster": "transform me"}, "silver")
    connection = psycopg2.connect(**{**wire.parameters, "options": options}, application_name="dbt-materialize v1.9")
    connection.autocommit = True
    assert connection.info.parameter_status("mz_version") == "v26.6.0-dev.0 (16c444b61)"
    with connection.cursor() as cursor:
        for name, value in (
            ("cluster", "transform me"),
            ("search_path", "silver"),
            ("auto_route_catalog_queries", "on"),
            ("application_name", "dbt-materialize v1.9"),
        ):
            cursor.execute(f"show {name}")
            assert cursor.fetchone() == (value,)
        cursor.execute("\n\n  create view public.model\n  as (\n select 1 as a\n );\n")
        cursor.execute("/* {} */ drop view public.model cascade")
    assert [notice for notice in connection.notices if "startup" in notice] == []
    connection.close()


async def test_psycopg_asynchronous(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT]
    connection = await psycopg.AsyncConnection.connect(**wire.parameters, autocommit=True)
    lines: list[tuple[str | None, ...]] = []

    async def follow() -> None:
        async with connection.cursor() as cursor, cursor.copy("copy (subscribe t) to stdout") as copy:
            async for row in copy.rows():
                lines.append(row)
                if len(lines) == 2:
                    await connection.cancel_safe()
                wire.emit(UPDATE)

    async with connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await follow()
    assert lines[:2] == [("1000", "1", "1", "1.5"), ("2000", "-1", "1", "1.5")]
    await asyncio.to_thread(eventually, lambda: wire.server.session_count == 0)


def test_stream_of_a_large_result(wire: Wire) -> None:
    with wire.connect() as connection:
        count = total = 0
        sql = "select n, n * 1.50 as m, repeat('x', 200) as t from generate_series(1, 50000) n"
        for number, product, text in connection.cursor().stream(sql):
            assert len(text) == 200
            assert product == number * Decimal("1.5")
            count += 1
            total += number
        assert (count, total) == (50000, 1250025000)


def test_large_values(wire: Wire) -> None:
    big = "ä" * 3_000_000
    with wire.connect() as connection:
        assert connection.execute("select %s::text, 1.50", (big,)).fetchone() == (big, Decimal("1.5"))
        row = connection.execute("select repeat('ab', 5000000), 2.0").fetchone()
        assert row is not None
        assert len(row[0]) == 10_000_000
