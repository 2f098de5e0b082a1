"""SUBSCRIBE through COPY, DECLARE and FETCH, and bare."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest
from psycopg import pq

from mzlite.wire.interface import END_OF_TIME, Column, SubscriptionEvent
from mzlite.wire.messages import (
    SYNC,
    Bind,
    DataRow,
    Describe,
    Execute,
    NoticeResponse,
    Parse,
    Query,
    RowDescription,
)
from pytests.wire.client import RawClient
from pytests.wire.conftest import DEADLINE, Wire
from pytests.wire.eventually import eventually

SNAPSHOT = SubscriptionEvent(1000, [(1, (b"1", b"1.50")), (2, (b"2", None))], 1001)
UPDATE = SubscriptionEvent(2000, [(-1, (b"1", b"1.50")), (1, (b"1", b"2.00"))], 2001)
DELETE = SubscriptionEvent(2500, [(-1, (b"1", b"2.00"))], 2501)
PROGRESS = SubscriptionEvent(3000, [], 3001)
END = SubscriptionEvent(4000, [], END_OF_TIME)


def copied(wire: Wire, sql: str, *events: SubscriptionEvent) -> list[str]:
    wire.coordinator.script = [*events, END]
    with wire.connect() as connection, connection.cursor().copy(sql) as copy:  # type: ignore[call-overload]
        return b"".join(bytes(data) for data in copy).decode().splitlines()


def test_copy(wire: Wire) -> None:
    assert copied(wire, "copy (subscribe t) to stdout", SNAPSHOT, UPDATE, PROGRESS) == [
        "1000\t1\t1\t1.5",
        "1000\t2\t2\t\\N",
        "2000\t-1\t1\t1.5",
        "2000\t1\t1\t2",
    ]
    assert wire.coordinator.subscriptions[0].closed


def test_copy_with_progress(wire: Wire) -> None:
    sql = "copy (subscribe t with (progress)) to stdout"
    assert copied(wire, sql, SNAPSHOT, PROGRESS) == [
        "1000\tt\t\\N\t\\N\t\\N",
        "1000\tf\t1\t1\t1.5",
        "1000\tf\t2\t2\t\\N",
        "1001\tt\t\\N\t\\N\t\\N",
        "3001\tt\t\\N\t\\N\t\\N",
    ]


def test_copy_without_snapshot(wire: Wire) -> None:
    sql = "copy (subscribe t with (snapshot = false)) to stdout"
    assert copied(wire, sql, SNAPSHOT, DELETE) == ["2500\t-1\t1\t2"]


def test_copy_csv(wire: Wire) -> None:
    wire.coordinator.columns = [Column("name", 25, -1, -1), Column("j", 3802, -1, -1)]
    event = SubscriptionEvent(1000, [(1, (b'say "a, b"', b'{"a": 1}')), (1, (b"", None))], 1001)
    assert copied(wire, "copy (subscribe t) to stdout with (format csv)", event) == [
        '1000,1,"say ""a, b""","{""a"":1}"',
        '1000,1,"",',
    ]


def test_copy_escapes(wire: Wire) -> None:
    wire.coordinator.columns = [Column("name", 25, -1, -1)]
    event = SubscriptionEvent(1000, [(1, (b"a\tb\\c\nd",))], 1001)
    assert copied(wire, "copy (subscribe t) to stdout", event) == ["1000\t1\ta\\tb\\\\c\\nd"]


def test_upsert_envelope(wire: Wire) -> None:
    sql = "copy (subscribe t envelope upsert (key (amount))) to stdout"
    events = [
        SubscriptionEvent(1000, [(1, (b"1", b"1.50")), (1, (b"2", None))], 1001),
        SubscriptionEvent(2000, [(-1, (b"1", b"1.50")), (1, (b"7", b"1.50")), (-1, (b"2", None))], 2001),
        SubscriptionEvent(2500, [(1, (b"8", b"1.50")), (1, (b"9", b"1.50"))], 2501),
        SubscriptionEvent(2600, [(1, (b"8", b"3")), (-1, (b"8", b"3"))], 2601),
    ]
    assert copied(wire, sql, *events) == [
        "1000\tupsert\t1.5\t1",
        "1000\tupsert\t\\N\t2",
        "2000\tupsert\t1.5\t7",
        "2000\tdelete\t\\N\t\\N",
        "2500\tkey_violation\t1.5\t\\N",
    ]


def test_unknown_key_and_relation(wire: Wire) -> None:
    with wire.connect() as connection:
        with pytest.raises(psycopg.Error, match='column "nosuch" does not exist'):
            copy_of(connection, "copy (subscribe t envelope upsert (key (nosuch))) to stdout")
        with pytest.raises(psycopg.Error, match="unknown catalog item 'nosuch'"):
            copy_of(connection, "copy (subscribe nosuch) to stdout")
        assert connection.execute("select 1").fetchone() == (1,)


def copy_of(connection: psycopg.Connection[Any], sql: str) -> list[bytes]:
    with connection.cursor().copy(sql) as copy:  # type: ignore[call-overload]
        return [bytes(data) for data in copy]


def test_rows_come_as_they_happen(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT]
    with wire.connect() as connection, connection.cursor().copy("copy (subscribe t) to stdout") as copy:
        lines = iter(copy)
        assert [bytes(next(lines)), bytes(next(lines))] == [b"1000\t1\t1\t1.5\n", b"1000\t2\t2\t\\N\n"]
        wire.emit(UPDATE)
        assert [bytes(next(lines)), bytes(next(lines))] == [b"2000\t-1\t1\t1.5\n", b"2000\t1\t1\t2\n"]
        wire.emit(END)
        assert list(lines) == []


def test_cancelled(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT]
    with wire.connect() as connection:
        with pytest.raises(psycopg.errors.QueryCanceled, match="canceling statement due to user request"):
            cancelled_copy(connection)
        assert wire.coordinator.subscriptions[0].closed
        assert connection.execute("select 1").fetchone() == (1,)


def cancelled_copy(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor().copy("copy (subscribe t) to stdout") as copy:
        for number, _ in enumerate(copy):
            if number == 1:
                connection.cancel_safe()


def test_client_that_leaves_ends_the_subscription(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT]
    client = RawClient(wire)
    client.send(Query("copy (subscribe t) to stdout"))
    client.until(b"d")
    assert wire.server.session_count == 1
    client.close()
    eventually(lambda: wire.server.session_count == 0)
    assert wire.coordinator.subscriptions[0].closed


def test_declare_and_fetch(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT]
    with wire.connect() as connection:
        connection.execute("begin")
        assert connection.execute("declare c cursor for subscribe t with (progress)").statusmessage == "DECLARE CURSOR"
        assert wire.coordinator.subscriptions == []
        cursor = connection.execute("fetch 2 c with (timeout = '2s')")
        assert cursor.statusmessage == "FETCH 2"
        assert cursor.description is not None
        assert [(column.name, column.type_code) for column in cursor.description] == [
            ("mz_timestamp", 1700),
            ("mz_progressed", 16),
            ("mz_diff", 20),
            ("id", 23),
            ("amount", 1700),
        ]
        assert [list(map(str, row)) for row in cursor.fetchall()] == [
            ["1000", "True", "None", "None", "None"],
            ["1000", "False", "1", "1", "1.5"],
        ]
        started = time.monotonic()
        cursor = connection.execute("fetch all c with (timeout = '300ms')")
        assert 0.25 < time.monotonic() - started < 5
        assert [str(row[0]) for row in cursor.fetchall()] == ["1000", "1001"]
        # Without a timeout: at least one row, then what is there.
        timer = threading.Timer(0.2, wire.emit, (UPDATE,))
        timer.start()
        cursor = connection.execute("fetch all c")
        assert [row[3] for row in cursor.fetchall()] == [1, 1, None]
        assert connection.execute("fetch 0 c").fetchall() == []
        assert connection.execute("close c").statusmessage == "CLOSE CURSOR"
        assert wire.coordinator.subscriptions[0].closed
        with pytest.raises(psycopg.Error, match='cursor "c" does not exist'):
            connection.execute("fetch c")
        connection.execute("rollback")


def test_commit_closes_cursors(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT]
    with wire.connect(prepare_threshold=0) as connection:
        with connection.transaction():
            connection.execute("declare c cursor for subscribe t")
            for expected in (1, 2):
                assert [row[2] for row in connection.execute("fetch 1 c").fetchall()] == [expected]
        assert wire.coordinator.subscriptions[0].closed
        with pytest.raises(psycopg.errors.NoActiveSqlTransaction, match="can only be used in transaction blocks"):
            connection.execute("declare c cursor for subscribe t")


def test_fetch_is_cancelled(wire: Wire) -> None:
    with wire.connect() as connection:
        connection.execute("begin")
        connection.execute("declare c cursor for subscribe t")
        timer = threading.Timer(0.2, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("fetch c")
        assert connection.info.transaction_status == pq.TransactionStatus.INERROR
        connection.execute("rollback")


def test_transaction_with_a_subscription_reads_nothing_else(wire: Wire) -> None:
    with wire.connect() as connection:
        connection.execute("begin")
        connection.execute("declare c cursor for subscribe t")
        connection.execute("fetch 0 c with (timeout = '0s')")
        with pytest.raises(psycopg.Error, match="SUBSCRIBE in transactions must be the only read statement"):
            connection.execute("select 1")
        connection.execute("rollback")


def test_bare(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT]
    client = RawClient(wire, {"application_name": "psql"})
    client.send(Query("subscribe t"))
    (notice,) = client.until(b"N")
    fields = NoticeResponse.decode(notice[1]).fields
    assert fields["M"] == "streaming SUBSCRIBE rows directly requires a client that does not buffer output"
    assert fields["H"].startswith("Wrap your SUBSCRIBE statement in `COPY")
    (description,) = client.until(b"T")
    assert [field.name for field in RowDescription.decode(description[1]).fields][:2] == ["mz_timestamp", "mz_diff"]
    assert DataRow.decode(client.until(b"D")[0][1]).values == (b"1000", b"1", b"1", b"1.5")
    wire.emit(END)
    assert [kind for kind, _ in client.until_ready()] == [b"D", b"C", b"Z"]
    client.close()


def test_bare_in_portions_and_binary(wire: Wire) -> None:
    wire.coordinator.script = [SNAPSHOT, END]
    client = RawClient(wire)
    client.send(Parse("", "subscribe t"), Bind("p", "", result_formats=(1,)), Describe(b"P", "p"), Execute("p", 1))
    client.send(Execute("p", 5), SYNC)
    answer = client.until_ready()
    assert b"".join(kind for kind, _ in answer) == b"12TNDsNDCZ"
    values = [DataRow.decode(body).values for kind, body in answer if kind == b"D"]
    assert values[0] == (
        b"\0\1\0\0\0\0\0\0\x03\xe8",
        b"\0\0\0\0\0\0\0\1",
        b"\0\0\0\1",
        b"\0\2\0\0\0\0\0\1\0\1\x13\x88",
    )
    assert values[1][3] is None
    assert len(wire.coordinator.subscriptions) == 1
    assert wire.coordinator.subscriptions[0].closed
    client.close()


def test_slow_reader_holds_the_subscription_back(wire: Wire) -> None:
    wire.coordinator.columns = [Column("name", 25, -1, -1)]
    big = SubscriptionEvent(1000, [(1, (b"x" * 100_000,))] * 20, 1001)
    wire.coordinator.script = [big] * 50
    client = RawClient(wire)
    client.send(Query("copy (subscribe t) to stdout"))
    client.until(b"d")
    subscription = wire.coordinator.subscriptions[0]
    left = subscription.events.qsize()
    assert left > 25  # of 100 MB most has not been taken
    wire.emit(END)
    copied_rows = sum(1 for kind, _ in client.until_ready() if kind == b"d")
    assert copied_rows == 999
    client.close()
    assert DEADLINE
