"""The life of a session: logging in, variables, cancelling, ending."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator

import psycopg
import pytest
import uvloop

from mzlite.storage.postgres import Postgres
from mzlite.wire.messages import (
    CANCEL_REQUEST_CODE,
    PROTOCOL_VERSION,
    SSL_REQUEST_CODE,
    TERMINATE,
    CancelRequest,
    ErrorResponse,
    ParameterStatus,
    Query,
    StartupMessage,
)
from mzlite.wire.options import WireOptions
from pytests.wire.client import RawClient
from pytests.wire.conftest import DEADLINE, Wire
from pytests.wire.eventually import eventually


def statuses(client: RawClient) -> dict[str, str]:
    found = [ParameterStatus.decode(body) for kind, body in client.greeting if kind == b"S"]
    return {status.name: status.value for status in found}


def fatal(client: RawClient) -> tuple[str, str, str]:
    """Severity, SQLSTATE and message of the last message, after which the server closes."""
    (*_, (_, body)) = client.until(b"E")
    rest = client.rest()
    assert rest == []
    fields = ErrorResponse.decode(body).fields
    return fields["V"], fields["C"], fields["M"]


def test_greeting(wire: Wire) -> None:
    client = RawClient(wire, {"application_name": "me", "options": "--cluster=serve -c search_path=a,\\ b"})
    assert statuses(client) == {
        "application_name": "me",
        "client_encoding": "UTF8",
        "DateStyle": "ISO, MDY",
        "integer_datetimes": "on",
        "server_version": "9.5.0",
        "standard_conforming_strings": "on",
        "TimeZone": "UTC",
        "IntervalStyle": "postgres",
        "cluster": "serve",
        "cluster_replica": "",
        "default_cluster_replication_factor": "1",
        "database": "materialize",
        "search_path": "a, b",
        "mz_version": "v26.6.0-dev.0 (16c444b61)",
    }
    assert [kind for kind, _ in client.greeting][-2:] == [b"N", b"Z"]  # the welcome
    client.close()


def test_settings_that_cannot_be_set_are_notices(wire: Wire) -> None:
    client = RawClient(wire, {"options": "--welcome_message=maybe --nosuch=1", "client_encoding": "LATIN1"})
    notices = [body for kind, body in client.greeting if kind == b"N"]
    assert len(notices) == 4
    assert b'startup setting nosuch not set: unrecognized configuration parameter "nosuch"' in notices[2]
    client.close()


def test_encryption_is_declined(wire: Wire) -> None:
    client = RawClient(wire, log_in=False)
    client.send(struct.pack("!II", 8, SSL_REQUEST_CODE))
    assert client.socket.recv(1) == b"N"
    client.send(StartupMessage({"user": "materialize"}))
    client.until_ready()
    client.close()


def test_newer_minor_version_is_negotiated(wire: Wire) -> None:
    client = RawClient(wire, log_in=False)
    client.send(StartupMessage({"user": "materialize", "_pq_.x": "1"}, PROTOCOL_VERSION + 2))
    answer = client.until_ready()
    assert answer[0] == (b"v", struct.pack("!II", 0, 1) + b"_pq_.x\0")
    client.close()


def test_other_protocols_are_refused(wire: Wire) -> None:
    client = RawClient(wire, log_in=False)
    client.send(StartupMessage({"user": "materialize"}, 2 << 16))
    assert fatal(client)[:2] == ("FATAL", "08004")
    client = RawClient(wire, log_in=False)
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    assert fatal(client)[:2] == ("FATAL", "08P01")


def test_unknown_database(wire: Wire) -> None:
    with pytest.raises(psycopg.OperationalError, match='database "nosuch" does not exist'):
        wire.connect(dbname="nosuch")
    eventually(lambda: wire.server.session_count == 0)


def test_nonsense_ends_the_session(wire: Wire) -> None:
    client = RawClient(wire)
    client.send(b"Q\0\0\0\1")
    assert fatal(client)[:2] == ("FATAL", "08P01")
    client = RawClient(wire)
    client.send(b"!\0\0\0\4")
    assert fatal(client) == ("FATAL", "08P01", "invalid frontend message type '!'")
    client = RawClient(wire)
    client.send(b"P\0\0\0\6ab")
    assert fatal(client)[:2] == ("FATAL", "08P01")
    eventually(lambda: wire.server.session_count == 0)


@pytest.fixture
def strict(postgres: Postgres) -> Iterator[Wire]:
    server = Wire(postgres, WireOptions(port=0, message_limit=10_000, max_connections=2, reserved_connections=0))
    yield server
    server.close()


def test_login_timeout(postgres: Postgres) -> None:
    wire = Wire(postgres, WireOptions(port=0, login_timeout=0.3))
    client = RawClient(wire, log_in=False)
    assert fatal(client) == ("FATAL", "57014", "canceling authentication due to timeout")
    wire.close()


def test_message_limit(strict: Wire) -> None:
    client = RawClient(strict)
    client.send(Query("select '" + "x" * 9000 + "'"))
    client.until_ready()
    client.send(Query("select '" + "x" * 11_000 + "'"))
    assert fatal(client)[:2] == ("FATAL", "08P01")


def test_connection_limit(strict: Wire) -> None:
    with strict.connect(), strict.connect(), pytest.raises(psycopg.OperationalError, match="max_connections"):
        strict.connect()
    eventually(lambda: strict.server.session_count == 0)
    strict.connect().close()


def test_variables(wire: Wire) -> None:
    with wire.connect() as connection:
        assert connection.execute("show search_path").fetchone() == ("public",)
        assert connection.execute("set search_path = other, public").statusmessage == "SET"
        assert connection.execute("show search_path").fetchone() == ("other, public",)
        assert connection.info.parameter_status("search_path") == "other, public"
        row = connection.execute("select current_setting('search_path')").fetchone()
        assert row == ('"other", "public", "mz_catalog"',)
        connection.execute("set application_name = 'it''s me'")
        assert connection.info.parameter_status("application_name") == "it's me"
        assert connection.execute("select current_setting('application_name')").fetchone() == ("it's me",)
        connection.execute("reset application_name")
        assert connection.execute("select current_setting('application_name')").fetchone() == ("",)
        assert connection.execute("reset search_path").statusmessage == "RESET"
        assert connection.info.parameter_status("search_path") == "public"
        with pytest.raises(psycopg.errors.UndefinedObject):
            connection.execute("set nosuch = 1")
        rows = connection.execute("show all").fetchall()
        assert ("cluster", "quickstart", "") in rows


def test_rollback_takes_variables_back(wire: Wire) -> None:
    def values() -> list[object]:
        return [
            connection.execute("show cluster").fetchone(),
            connection.info.parameter_status("cluster"),
            connection.execute("show application_name").fetchone(),
            connection.execute("select current_setting('application_name')").fetchone(),
        ]

    with wire.connect() as connection:
        before = values()
        connection.execute("begin")
        connection.execute("set cluster = 'a'")
        connection.execute("set application_name = 'a'")
        assert values() == [("a",), "a", ("a",), ("a",)]
        connection.execute("rollback")
        assert values() == before
        connection.execute("begin")
        connection.execute("set local application_name = 'b'")
        connection.execute("set cluster = 'b'")
        assert values() == [("b",), "b", ("b",), ("b",)]
        connection.execute("commit")
        assert values() == [("b",), "b", ("",), ("",)]


def test_time_zone_offsets_count_eastward(wire: Wire) -> None:
    with wire.connect() as connection:
        connection.execute("set timezone = '+05:30'")
        row = connection.execute("select timestamptz '2026-01-01 00:00:00+00' :: text").fetchone()
        assert row == ("2026-01-01 05:30:00+05:30",)


def test_set_database_moves_the_session(wire: Wire, postgres: Postgres) -> None:
    with postgres.connect("materialize") as admin:
        admin.execute("drop database if exists elsewhere")
        admin.execute("create database elsewhere")
    with wire.connect() as connection:
        connection.execute("set database = elsewhere")
        assert connection.execute("select current_database()").fetchone() == ("elsewhere",)
        assert connection.info.parameter_status("database") == "elsewhere"
        connection.execute("reset database")
        assert connection.execute("select current_database()").fetchone() == ("materialize",)
        with pytest.raises(psycopg.Error, match="does not exist"):
            connection.execute("set database = nosuch")
        assert connection.execute("select current_database()").fetchone() == ("materialize",)
        assert connection.execute("show database").fetchone() == ("materialize",)


def test_cancel_of_a_query(wire: Wire) -> None:
    with wire.connect() as connection:
        timer = threading.Timer(0.3, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select * from slow")
        assert connection.execute("select 1").fetchone() == (1,)


def test_cancel_while_waiting_for_other_writers(wire: Wire) -> None:
    with wire.connect() as connection:
        wire.run(wire.coordinator.write_lock.acquire())
        timer = threading.Timer(0.3, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("update t set id = 1")
        wire.call(wire.coordinator.write_lock.release)
        connection.execute("update t set id = 1")
        assert not wire.coordinator.write_lock.locked()


def test_cancel_needs_the_right_key(wire: Wire) -> None:
    client = RawClient(wire)
    client.send(Query("select * from slowish"))
    assert client.key is not None
    for request in (
        CancelRequest(client.key.process_id, b"nope"),
        CancelRequest(client.key.process_id + 7, client.key.secret_key),
    ):
        with socket.create_connection((wire.host, wire.port)) as other:
            other.sendall(request.encode())
            assert other.recv(1) == b""
    assert [kind for kind, _ in client.until_ready()] == [b"T", b"D", b"C", b"Z"]
    assert CANCEL_REQUEST_CODE
    client.close()


def test_client_that_leaves_ends_its_query(wire: Wire, postgres: Postgres) -> None:
    client = RawClient(wire)
    client.send(Query("select * from slow"))

    def running() -> int:
        with postgres.connect() as connection:
            row = connection.execute(
                "select count(*) from pg_stat_activity where usename = 'materialize' and query = 'select * from slow'"
                " and state = 'active'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    eventually(lambda: running() == 1)
    client.close()
    eventually(lambda: running() == 0)
    eventually(lambda: wire.server.session_count == 0)


def test_backend_that_ends_takes_the_session_with_it(wire: Wire, postgres: Postgres) -> None:
    client = RawClient(wire)
    client.send(Query("select pg_backend_pid()"))
    (*_, row, _, _) = client.until_ready()
    pid = int(row[1][6:])
    with postgres.connect() as connection:
        connection.execute("select pg_terminate_backend(%s)", (pid,))
    assert fatal(client)[:2] == ("FATAL", "57P01")
    eventually(lambda: wire.server.session_count == 0)


def test_backend_that_ends_in_a_query(wire: Wire, postgres: Postgres) -> None:
    client = RawClient(wire)
    client.send(Query("select * from suicide"))
    assert fatal(client)[:2] == ("FATAL", "57P01")


def test_stop_tells_clients(postgres: Postgres) -> None:
    wire = Wire(postgres)
    idle, busy = RawClient(wire), RawClient(wire)
    busy.send(Query("select * from slow"))
    wire.stop()
    for client in (idle, busy):
        assert fatal(client)[:2] == ("FATAL", "57P01")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((wire.host, wire.port))

    def left() -> int:
        with postgres.connect() as connection:
            row = connection.execute("select count(*) from pg_stat_activity where usename = 'materialize'").fetchone()
        assert row is not None
        return int(row[0])

    eventually(lambda: left() == 0)
    wire.close()


def test_sessions_that_end_do_not_cancel_what_has_gone(postgres: Postgres) -> None:
    """PostgreSQL writes a line into its log for each request that finds no backend."""
    before = postgres.log_path.stat().st_size
    wire = Wire(postgres)
    for query in ["select 1"] * 10 + ["select * from slow"]:
        client = RawClient(wire)
        client.send(Query(query))
        if query == "select 1":
            client.until_ready()
            client.send(TERMINATE)
            assert client.rest() == []
    wire.stop()
    assert b"in cancel request did not match" not in postgres.log_path.read_bytes()[before:]
    wire.close()


def test_a_stop_while_a_session_leaves_ends_its_backend(wire: Wire) -> None:
    with wire.connect():
        session = next(iter(wire.server._sessions.values()))
        backend = session.attached.backend
        # As while a cancel request is under way.
        wire.run(backend._ending.acquire())
    eventually(lambda: wire.server.session_count == 0)
    stopping = asyncio.run_coroutine_threadsafe(wire.server.stop(), wire.loop)
    eventually(lambda: all(task.cancelling() or task.done() for task in wire.server._tasks))
    wire.call(backend._ending.release)
    stopping.result(DEADLINE)
    assert backend.stream.transport is not None
    assert backend.stream.transport.is_closing()


def test_on_uvloop(postgres: Postgres) -> None:
    wire = Wire(postgres, loop=uvloop.new_event_loop())
    try:
        with wire.connect() as connection:
            row = connection.execute("select %s::numeric, repeat('x', 5000000)", ("1.50",)).fetchone()
            assert row is not None
            assert (str(row[0]), len(row[1])) == ("1.5", 5_000_000)
            timer = threading.Timer(0.3, connection.cancel_safe)
            timer.start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("select * from slow")
    finally:
        wire.close()


def test_internal_error_ends_only_the_statement(wire: Wire) -> None:
    with wire.connect(prepare_threshold=0) as connection:
        for prepare in (False, True):
            with pytest.raises(psycopg.errors.InternalError_, match="internal error: a mistake"):
                connection.execute("create role r", prepare=prepare)
            assert connection.execute("select 1", prepare=prepare).fetchone() == (1,)


def test_long_text_of_statements(wire: Wire) -> None:
    values = ", ".join(f"({number}, 'name {number}', {number}.50)" for number in range(5000))
    with wire.connect() as connection:
        connection.execute(f"insert into t (id, name, amount) values {values}")  # type: ignore[call-overload]
        assert connection.execute("select count(*) from t").fetchone() == (5000,)
