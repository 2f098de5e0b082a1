"""The extended protocol, through psycopg and message by message."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from mzlite.wire.messages import (
    FLUSH,
    SYNC,
    Bind,
    Close,
    CommandComplete,
    DataRow,
    Describe,
    ErrorResponse,
    Execute,
    Parse,
    Query,
    RowDescription,
)
from pytests.wire.client import RawClient
from pytests.wire.conftest import Wire


@pytest.mark.parametrize("binary", [False, True])
def test_parameters_and_results(wire: Wire, binary: bool) -> None:
    with wire.connect() as connection:
        cursor = connection.cursor(binary=binary)
        row = cursor.execute(
            'select %b::int as i, %t::numeric(10,3) as n, \'{"b": 1, "aa": [1, 2]}\'::jsonb as j,'
            " '5'::mz_timestamp as t",
            (7, Decimal("1.50")),
        ).fetchone()
        assert row is not None
        assert row[:3] == (7, Decimal("1.5"), {"b": 1, "aa": [1, 2]})
        assert str(row[1]) == "1.5"
        assert list(row[2]) == ["aa", "b"]
        assert cursor.description is not None
        assert [column.type_code for column in cursor.description] == [23, 1700, 3802, 16552]


def test_prepared_statements_run_many_times(wire: Wire) -> None:
    with wire.connect(prepare_threshold=0) as connection:
        for number in range(20):
            row = connection.execute("select %s::numeric(10,2) as n", (Decimal(number),)).fetchone()
            assert row is not None
            assert str(row[0]) == str(number)
            connection.execute("insert into t (id, amount) values (%s, %s)", (number, number))
            assert connection.execute("show cluster").fetchone() == ("quickstart",)
            connection.execute("set cluster = 'quickstart'")
        assert connection.execute("select count(*) from t").fetchone() == (20,)
        assert wire.coordinator.absorbed == 20


def test_executemany_is_a_pipeline(wire: Wire) -> None:
    with wire.connect() as connection:
        cursor = connection.cursor()
        cursor.executemany("insert into t (id, name) values (%s, %s)", [(n, "x" * 200) for n in range(5000)])
        assert connection.execute("select count(*), sum(id) from t").fetchone() == (5000, 12497500)
        assert wire.coordinator.absorbed == 1


def test_pipeline_mixes_own_and_relayed(wire: Wire) -> None:
    with wire.connect() as connection, connection.pipeline() as pipeline:
        first = connection.execute("select %s::numeric(5,2)", ("1.50",))
        second = connection.execute("show cluster")
        third = connection.execute("set application_name = 'me'")
        fourth = connection.execute("show application_name")
        fifth = connection.execute("select current_setting('application_name')")
        pipeline.sync()
        assert str((first.fetchone() or [None])[0]) == "1.5"
        assert second.fetchone() == ("quickstart",)
        assert third.statusmessage == "SET"
        assert fourth.fetchone() == ("me",)
        assert fifth.fetchone() == ("me",)


def pipelined(connection: psycopg.Connection[Any], *statements: str) -> None:
    with connection.pipeline():
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def test_pipeline_stops_at_an_error_of_ours(wire: Wire) -> None:
    with wire.connect() as connection:
        with pytest.raises(psycopg.Error, match="not known here"):
            pipelined(connection, "insert into t values (1)", "create cluster c (size 'x')", "insert into t values (2)")
        assert connection.execute("select count(*) from t").fetchone() == (1,)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_pipeline_stops_at_an_error_of_the_backend(wire: Wire) -> None:
    with wire.connect() as connection:
        with pytest.raises(psycopg.errors.NotNullViolation):
            pipelined(connection, "insert into t values (1)", "insert into t values (null)", "show cluster")
        assert connection.execute("select count(*) from t").fetchone() == (0,)


def test_transactions(wire: Wire) -> None:
    with wire.connect(autocommit=False) as connection:
        connection.execute("insert into t (id) values (%s)", (1,))
        connection.execute("insert into t (id) values (%s)", (2,))
        connection.commit()
        assert wire.coordinator.absorbed == 1
        assert connection.execute("select count(*) from t where id > %s", (0,)).fetchone() == (2,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("insert into t (id) values (%s)", (1,))
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("show cluster")
        connection.rollback()
        connection.execute("create view public.w as select 1 as a")
        connection.commit()
        assert connection.execute("select a from w").fetchone() == (1,)
        connection.rollback()
        connection.execute("drop view public.w")
        connection.commit()


def test_copy(wire: Wire) -> None:
    with wire.connect(prepare_threshold=0) as connection:
        with connection.cursor().copy("copy t (id, name) from stdin") as copy:
            for number in range(3000):
                copy.write_row((number, "n" * 50))
        with connection.cursor().copy("copy (select id from t where id < %s order by id) to stdout", (3,)) as copy:
            assert [row[0] for row in copy.rows()] == ["0", "1", "2"]
        assert connection.execute("select count(*) from t").fetchone() == (3000,)


# Message by message ----------------------------------------------------------


@pytest.fixture
def raw(wire: Wire) -> Any:
    client = RawClient(wire)
    yield client
    client.close()


def kinds(messages: list[tuple[bytes, bytes]]) -> str:
    return b"".join(kind for kind, _ in messages).decode()


def rows(messages: list[tuple[bytes, bytes]]) -> list[tuple[bytes | None, ...]]:
    return [DataRow.decode(body).values for kind, body in messages if kind == b"D"]


def errors(messages: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    fields = [ErrorResponse.decode(body).fields for kind, body in messages if kind == b"E"]
    return [(field["C"], field["M"]) for field in fields]


def tags(messages: list[tuple[bytes, bytes]]) -> list[str]:
    return [body[:-1].decode() for kind, body in messages if kind == b"C"]


def one_statement(sql: str, **bind: Any) -> list[Any]:
    return [Parse("", sql), Bind("", "", **bind), Describe(b"P", ""), Execute("")]


def test_whole_exchange_in_one_packet(raw: RawClient) -> None:
    raw.send(*one_statement("select 1.10::numeric"), *one_statement("show cluster"), *one_statement("select 2"), SYNC)
    answer = raw.until_ready()
    assert kinds(answer) == "12TDC12TDC12TDCZ"
    assert rows(answer) == [(b"1.1",), (b"quickstart",), (b"2",)]
    assert answer[-1] == (b"Z", b"I")


def test_execute_without_describe_adapts(raw: RawClient) -> None:
    raw.send(Parse("", "select 1.10::numeric"), Bind("", ""), Execute(""), SYNC)
    answer = raw.until_ready()
    assert kinds(answer) == "12DCZ"
    assert rows(answer) == [(b"1.1",)]


def test_described_statement_then_binary_result(raw: RawClient) -> None:
    raw.send(Parse("p", "select $1::numeric(6,3) as n"), Describe(b"S", "p"), SYNC)
    answer = raw.until_ready()
    assert kinds(answer) == "1tTZ"
    raw.send(Bind("", "p", (0,), (b"2.500",), (1,)), Execute(""), SYNC)
    answer = raw.until_ready()
    assert kinds(answer) == "2DCZ"
    assert rows(answer) == [(b"\0\2\0\0\0\0\0\1\0\2\x13\x88",)]


def test_own_statement_is_described(raw: RawClient) -> None:
    raw.send(Parse("v", "create view public.x as select 1"), Describe(b"S", "v"), Parse("w", "show cluster"))
    raw.send(Describe(b"S", "w"), SYNC)
    answer = raw.until_ready()
    assert kinds(answer) == "1tn1tTZ"
    (description,) = [RowDescription.decode(body) for kind, body in answer if kind == b"T"]
    assert [(field.name, field.type_oid) for field in description.fields] == [("cluster", 25)]
    raw.send(Close(b"S", "v"), Close(b"S", "w"), Close(b"S", "nosuch"), SYNC)
    assert kinds(raw.until_ready()) == "333Z"


def test_rows_in_portions(raw: RawClient) -> None:
    raw.send(Parse("", "select n * 1.0 from generate_series(1, 5) n"), Bind("c", ""), Execute("c", 2), FLUSH)
    answer = raw.until(b"s")
    assert rows(answer) == [(b"1",), (b"2",)]
    raw.send(Execute("c", 2), Execute("c", 2), SYNC)
    answer = raw.until_ready()
    assert kinds(answer) == "DDsDCZ"
    assert rows(answer) == [(b"3",), (b"4",), (b"5",)]


def test_error_skips_to_sync(raw: RawClient) -> None:
    raw.send(*one_statement("select 1 / n from generate_series(-1, 1) n"))
    raw.send(*one_statement("show cluster"), *one_statement("select 1"), SYNC)
    answer = raw.until_ready()
    assert kinds(answer) == "12TDEZ"
    assert errors(answer) == [("22012", "division by zero")]
    raw.send(*one_statement("show nosuch"), *one_statement("select 1"), SYNC)
    answer = raw.until_ready()
    assert errors(answer) == [("42704", 'unrecognized configuration parameter "nosuch"')]
    assert answer[-1] == (b"Z", b"I")
    raw.send(*one_statement("select 1"), SYNC)
    assert kinds(raw.until_ready()) == "12TDCZ"


def test_error_in_a_block_leaves_it_failed(raw: RawClient) -> None:
    raw.send(*one_statement("begin"), *one_statement("table t"), *one_statement("insert into t (id) values (1)"), SYNC)
    answer = raw.until_ready()
    assert errors(answer) == [("25006", "transaction in read-only mode")]
    assert answer[-1] == (b"Z", b"E")
    raw.send(*one_statement("set cluster = x"), SYNC)
    answer = raw.until_ready()
    assert errors(answer)[0][0] == "25P02"
    assert answer[-1] == (b"Z", b"E")
    raw.send(*one_statement("rollback"), SYNC)
    answer = raw.until_ready()
    assert (tags(answer), answer[-1]) == (["ROLLBACK"], (b"Z", b"I"))


def test_unknown_names(raw: RawClient) -> None:
    for messages, state in (
        ([Bind("", "nosuch")], "26000"),
        ([Describe(b"S", "nosuch")], "26000"),
        ([Describe(b"P", "nosuch")], "34000"),
        ([Execute("nosuch")], "34000"),
    ):
        raw.send(*messages, SYNC)
        assert [error[0] for error in errors(raw.until_ready())] == [state]
    raw.send(Parse("p", "show cluster"), Parse("p", "show cluster"), SYNC)
    assert errors(raw.until_ready()) == [("42P05", 'prepared statement "p" already exists')]
    raw.send(Parse("", "select 1; select 2"), SYNC)
    assert errors(raw.until_ready()) == [("42601", "cannot insert multiple commands into a prepared statement")]


def test_deferred_definition(raw: RawClient, wire: Wire) -> None:
    raw.send(*one_statement("begin"), *one_statement("create view public.d as select 1"), SYNC)
    answer = raw.until_ready()
    assert tags(answer) == ["BEGIN", "CREATE VIEW"]
    assert wire.coordinator.executed == []
    raw.send(*one_statement("commit"), SYNC)
    answer = raw.until_ready()
    assert (tags(answer), answer[-1]) == (["COMMIT"], (b"Z", b"I"))
    raw.send(*one_statement("begin"), *one_statement("drop view public.nosuch"), *one_statement("commit"), SYNC)
    answer = raw.until_ready()
    assert tags(answer) == ["BEGIN", "DROP VIEW"]
    assert errors(answer) == [("XX000", 'view "nosuch" does not exist')]
    assert answer[-1] == (b"Z", b"I")
    raw.send(Query("drop view public.d"))
    assert tags(raw.until_ready()) == ["DROP VIEW"]


def test_definition_commits_what_came_before_it(raw: RawClient) -> None:
    raw.send(*one_statement("select * from t"), *one_statement("create view public.e as select id from public.t"), SYNC)
    answer = raw.until_ready()
    assert tags(answer) == ["SELECT 0", "CREATE VIEW"]
    raw.send(Query("drop view public.e"))
    assert tags(raw.until_ready()) == ["DROP VIEW"]


def test_query_between_parse_and_sync(raw: RawClient) -> None:
    raw.send(Parse("a", "select 1"), Query("select 2"))
    answer = raw.until_ready()
    assert kinds(answer) == "1TDCZ"
    raw.send(SYNC)
    assert kinds(raw.until_ready()) == "Z"


def test_answers_do_not_wait_for_what_comes_after(raw: RawClient) -> None:
    raw.socket.settimeout(15)
    raw.send(Query("select 1"), Query("select * from slow"))
    assert kinds(raw.until_ready()) == "TDCZ"
    raw.close()


def test_many_queries_at_once(raw: RawClient) -> None:
    raw.send(*[Query(f"select {number}, repeat('x', 1000)") for number in range(1000)])
    for number in range(1000):
        assert rows(raw.until_ready())[0][0] == str(number).encode()


def test_discard_all_forgets(raw: RawClient) -> None:
    raw.send(*one_statement("set cluster = other"), Parse("own", "show cluster"), Parse("pg", "select 1"), SYNC)
    raw.until_ready()
    raw.send(Query("discard all"))
    assert tags(raw.until_ready()) == ["DISCARD ALL"]
    raw.send(Bind("", "own"), SYNC)
    assert errors(raw.until_ready())[0][0] == "26000"
    raw.send(Query("show cluster"))
    assert rows(raw.until_ready()) == [(b"quickstart",)]


def test_command_complete_is_the_last_word(raw: RawClient) -> None:
    raw.send(*one_statement("set cluster = abc"), SYNC)
    answer = raw.until_ready()
    assert kinds(answer) == "12nSCZ"
    assert CommandComplete("SET").encode()[5:] in [body for _, body in answer]


def test_function_call_is_refused(raw: RawClient) -> None:
    raw.send(b"F\0\0\0\4")
    answer = raw.until_ready()
    assert [error[0] for error in errors(answer)] == ["0A000"]


async def test_many_clients(wire: Wire) -> None:
    async def work(number: int) -> int:
        connection = await asyncio.to_thread(wire.connect)
        try:
            row = await asyncio.to_thread(lambda: connection.execute("select %s::int", (number,)).fetchone())
            assert row is not None
            return int(row[0])
        finally:
            await asyncio.to_thread(connection.close)

    assert await asyncio.gather(*(work(number) for number in range(30))) == list(range(30))
