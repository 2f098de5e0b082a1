"""The simple protocol: what clients get for their statements, and what the coordinator is asked."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from psycopg import generators, pq

from mzlite.dialect import definitions as d
from pytests.wire.conftest import DEADLINE, Wire
from pytests.wire.eventually import eventually


def run(connection: psycopg.Connection[Any], sql: str) -> list[pq.PGresult]:
    """All results of one Query message."""
    connection.pgconn.send_query(sql.encode())
    # Not get_result: it would keep the interpreter to itself while the server, in this process, has to answer.
    return list(connection.wait(generators.execute(connection.pgconn)))


def summary(results: list[pq.PGresult]) -> list[object]:
    """Rows where there are some, otherwise the tag or the SQLSTATE and message."""
    return [_summary(result) for result in results]


def _summary(result: pq.PGresult) -> object:
    if result.status == pq.ExecStatus.TUPLES_OK:
        return [
            tuple(result.get_value(row, column) for column in range(result.nfields)) for row in range(result.ntuples)
        ]
    if result.status == pq.ExecStatus.FATAL_ERROR:
        state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
        return f"{state.decode()} {(result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b'').decode()}"
    if result.status == pq.ExecStatus.EMPTY_QUERY:
        return "empty"
    return (result.command_status or b"").decode()


def ask(connection: psycopg.Connection[Any], sql: str) -> list[object]:
    return summary(run(connection, sql))


def test_values_read_as_materialize_prints_them(wire: Wire) -> None:
    with wire.connect() as connection:
        (result,) = run(
            connection,
            'select 1.50::numeric as n, \'{"b": 1, "aa": 2.50}\'::jsonb as j, array[1.10, null] as a,'
            " null::numeric as e, 'x'::name as name, 'int4'::regtype, 70::numeric(20,6) as m, '1.50'::text as t",
        )
        assert summary([result]) == [
            [(b"1.5", b'{"aa":2.5,"b":1}', b"{1.1,NULL}", None, b"x", b"integer", b"70", b"1.50")]
        ]
        assert [result.ftype(column) for column in range(result.nfields)] == [1700, 3802, 1231, 1700, 25, 25, 1700, 25]


def test_own_types_have_materialize_oids(wire: Wire) -> None:
    with wire.connect() as connection:
        (result,) = run(connection, "select '1'::mz_timestamp as a, array['2'::mz_timestamp] as b")
        assert [result.ftype(0), result.ftype(1)] == [16552, 16553]
        assert summary([result]) == [[(b"1", b"{2}")]]


def test_several_statements_one_transaction(wire: Wire) -> None:
    with wire.connect() as connection:
        assert ask(connection, "insert into t (id) values (1); insert into t (id) values (2)") == [
            "INSERT 0 1",
            "INSERT 0 1",
        ]
        assert ask(connection, "insert into t (id) values (3); insert into t (id) values (null)") == [
            "INSERT 0 1",
            '23502 null value in column "id" of relation "t" violates not-null constraint',
        ]
        assert ask(connection, "select count(*) from t; select 1") == [[(b"2",)], [(b"1",)]]
        assert ask(connection, "insert into t (id) values (4); select 1; select * from t") == [
            "INSERT 0 1",
            [(b"1",)],
            "25000 transaction in write-only mode",
        ]
        assert ask(connection, "select count(*) from t") == [[(b"2",)]]


def test_empty_and_broken(wire: Wire) -> None:
    with wire.connect() as connection:
        assert ask(connection, "") == ["empty"]
        assert ask(connection, "-- nothing") == ["empty"]
        (error,) = ask(connection, "selec 1")
        assert str(error).startswith("42601 Expected a keyword at the beginning of a statement")
        assert ask(connection, "select * from nosuch") == ['XX000 unknown item "nosuch" does not exist']
        assert ask(connection, "select 1 / n from (values (0)) as v (n)") == ["22012 division by zero"]
        assert ask(connection, "select 1") == [[(b"1",)]]


def test_own_statement_goes_to_the_coordinator(wire: Wire) -> None:
    notices: list[str] = []
    with wire.connect() as connection:
        connection.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        assert ask(connection, "create view public.v as select 1 as a") == ["CREATE VIEW"]
        assert notices == ["carried out"]
        assert isinstance(wire.coordinator.executed[0], d.CreateView)
        assert ask(connection, "select a from v") == [[(b"1",)]]
        assert ask(connection, "drop view public.v") == ["DROP VIEW"]
        assert ask(connection, "explain select 1") == [[(b"a plan",)]]


def test_refusal_has_detail_and_hint(wire: Wire) -> None:
    with wire.connect() as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("create cluster c (size 'x')")
        diag = caught.value.diag
        assert (diag.sqlstate, diag.message_detail, diag.message_hint) == ("XX000", "a detail", "a hint")
        assert diag.message_primary == "not known here: CreateCluster"


def test_definitions_and_other_statements_do_not_mix(wire: Wire) -> None:
    with wire.connect() as connection:
        assert ask(connection, "create view a as select 1; create view b as select 1") == [
            "25001 create view a as select 1 cannot be run inside a transaction block"
        ]
        assert wire.coordinator.executed == []


def test_definition_in_a_transaction_waits_for_commit(wire: Wire) -> None:
    with wire.connect() as connection:
        assert ask(connection, "begin") == ["BEGIN"]
        assert ask(connection, "create view public.late as select 1 as a") == ["CREATE VIEW"]
        assert wire.coordinator.executed == []
        assert ask(connection, "commit") == ["COMMIT"]
        assert len(wire.coordinator.executed) == 1
        assert ask(connection, "select a from late") == [[(b"1",)]]

        assert ask(connection, "begin; drop view public.late; rollback") == ["BEGIN", "DROP VIEW", "ROLLBACK"]
        assert ask(connection, "select a from late") == [[(b"1",)]]

        ask(connection, "begin")
        assert ask(connection, "drop view public.nosuch") == ["DROP VIEW"]
        assert ask(connection, "select 1") == ["25000 this transaction can only execute a single statement"]
        assert ask(connection, "commit") == ["ROLLBACK"]

        ask(connection, "begin; drop view public.nosuch")
        assert ask(connection, "commit") == ['XX000 view "nosuch" does not exist']
        assert connection.pgconn.transaction_status == pq.TransactionStatus.IDLE
        assert ask(connection, "drop view public.late") == ["DROP VIEW"]


def test_renames_in_a_transaction_come_together(wire: Wire) -> None:
    with wire.connect() as connection:
        ask(connection, "create view public.one as select 1 as a")
        ask(connection, "create view public.two as select 2 as a")
        assert ask(
            connection,
            "begin; alter view one rename to three; alter view two rename to one; commit",
        ) == ["BEGIN", "ALTER VIEW", "ALTER VIEW", "COMMIT"]
        assert ask(connection, "select a from one") == [[(b"2",)]]
        ask(connection, "drop view public.one")
        ask(connection, "drop view public.three")


def test_read_and_write_transactions(wire: Wire) -> None:
    with wire.connect() as connection:
        assert ask(connection, "begin") == ["BEGIN"]
        assert ask(connection, "insert into t (id) values (5)") == ["INSERT 0 1"]
        assert ask(connection, "select count(*) from t") == ["25000 transaction in write-only mode"]
        assert ask(connection, "select 1") == [
            "25P02 current transaction is aborted, commands ignored until end of transaction block"
        ]
        assert ask(connection, "show cluster") == [
            "25P02 current transaction is aborted, commands ignored until end of transaction block"
        ]
        assert ask(connection, "commit") == ["ROLLBACK"]
        assert ask(connection, "select count(*) from t") == [[(b"0",)]]

        ask(connection, "begin; select * from t")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as caught:
            connection.execute("insert into t (id) values (1)")
        assert caught.value.diag.message_primary == "transaction in read-only mode"
        detail = "SELECT queries cannot be combined with other query types, including SUBSCRIBE."
        assert caught.value.diag.message_detail == detail
        ask(connection, "rollback")

        ask(connection, "begin")
        assert ask(connection, "update t set name = 'x'") == [
            "25001 update t set name = 'x' cannot be run inside a transaction block"
        ]
        ask(connection, "rollback")


def test_answer_to_a_write_waits_until_it_is_absorbed(wire: Wire) -> None:
    with wire.connect() as connection:
        wire.call(wire.coordinator.absorbing.clear)
        done = threading.Event()

        def insert() -> None:
            connection.execute("insert into t (id) values (1)")
            done.set()

        thread = threading.Thread(target=insert)
        thread.start()
        with wire.connect() as other:
            eventually(lambda: ask(other, "select count(*) from t") == [[(b"1",)]])
        assert not done.is_set()
        wire.call(wire.coordinator.absorbing.set)
        assert done.wait(DEADLINE)
        thread.join()
        assert wire.coordinator.absorbed == 1
        connection.execute("select 1")
        assert wire.coordinator.absorbed == 1


def test_only_commit_is_absorbed(wire: Wire) -> None:
    with wire.connect() as connection:
        ask(connection, "begin; insert into t (id) values (1)")
        assert wire.coordinator.absorbed == 0
        ask(connection, "commit")
        assert wire.coordinator.absorbed == 1
        ask(connection, "begin; insert into t (id) values (1)")
        ask(connection, "rollback")
        assert wire.coordinator.absorbed == 1


def test_statements_that_read_and_write_take_turns(wire: Wire) -> None:
    with wire.connect() as connection, wire.connect() as other:
        connection.execute("insert into t (id) values (1)")
        wire.run(wire.coordinator.write_lock.acquire())
        thread = threading.Thread(target=connection.execute, args=("update t set id = id + 1",))
        thread.start()
        eventually(lambda: len(wire.coordinator.write_lock._waiters or ()) == 1)
        assert ask(other, "select id from t") == [[(b"1",)]]
        wire.call(wire.coordinator.write_lock.release)
        thread.join(DEADLINE)
        assert ask(other, "select id from t") == [[(b"2",)]]
        assert not wire.coordinator.write_lock.locked()


def test_copy_in_and_out(wire: Wire) -> None:
    rows = [(number, f"name\t{number}", None) for number in range(5000)]
    with wire.connect() as connection:
        with connection.cursor().copy("copy t (id, name, amount) from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        assert wire.coordinator.absorbed == 1
        assert ask(connection, "select count(*), sum(id) from t") == [[(b"5000", b"12497500")]]
        with connection.cursor().copy("copy (select id, name, amount from t order by id) to stdout") as copy:
            assert [(int(row[0] or 0), row[1], row[2]) for row in copy.rows()] == rows

        with pytest.raises(ZeroDivisionError):
            _give_up(connection)
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            _copy_nonsense(connection)
        assert ask(connection, "select count(*) from t") == [[(b"5000",)]]


def _give_up(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor().copy("copy t from stdin") as copy:
        copy.write(b"1\tx\t\\N\t\\N\n")
        raise ZeroDivisionError


def _copy_nonsense(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor().copy("copy t (id) from stdin") as copy:
        for _ in range(2000):
            copy.write(b"abc\n" * 1000)


def test_cursor_of_the_backend(wire: Wire) -> None:
    with wire.connect() as connection:
        assert ask(connection, "begin; declare c cursor for select n from generate_series(1, 5) n") == [
            "BEGIN",
            "DECLARE CURSOR",
        ]
        assert ask(connection, "fetch 2 c") == [[(b"1",), (b"2",)]]
        assert ask(connection, "fetch all c; close c; commit") == [
            [(b"3",), (b"4",), (b"5",)],
            "CLOSE CURSOR",
            "COMMIT",
        ]
