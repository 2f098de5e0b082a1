"""Malformed bytes, clients that die, many clients: the server answers or closes, serves the others, and keeps nothing.

`make faults` runs the same for longer.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mzlite.storage.postgres import Postgres
from mzlite.wire.fields import ProtocolViolationError, frame
from mzlite.wire.messages import (
    Bind,
    CancelRequest,
    Close,
    Describe,
    Execute,
    Parse,
    Query,
    StartupMessage,
)
from mzlite.wire.options import WireOptions
from pytests.wire.client import RawClient
from pytests.wire.conftest import Wire
from pytests.wire.eventually import eventually
from pytests.wire.fuzzing import MESSAGES, STARTUP, Traces, fuzz, serves


@given(body=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_body_is_read_or_refused(body: bytes) -> None:
    for message in (Query, Parse, Bind, Describe, Execute, Close, StartupMessage, CancelRequest):
        try:
            message.decode(body)  # type: ignore[attr-defined]
        except ProtocolViolationError:
            continue


@given(data=st.lists(st.one_of(st.sampled_from(MESSAGES), st.binary(max_size=30)), max_size=5).map(b"".join))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_after_the_login(wire: Wire, data: bytes) -> None:
    client = RawClient(wire)
    client.send(data)
    client.socket.shutdown(socket.SHUT_WR)
    kinds = {kind for kind, _ in client.rest()}
    client.close()
    assert kinds <= set(map(bytes, zip(b"CDEGHINSTZnst123dcKRvA", strict=False)))


def test_mutated_conversations(wire: Wire) -> None:
    fuzz(wire, 250, seed=7)


@pytest.mark.parametrize("length", [0, 3, 2**31 - 1, 2**31, 2**32 - 1])
def test_wrong_lengths_end_the_connection(wire: Wire, length: int) -> None:
    client = RawClient(wire)
    client.send(b"Q" + length.to_bytes(4, "big"))
    kind, body = client.rest()[-1]
    assert kind == b"E"
    assert b"08P01" in body
    serves(wire)


def test_an_announced_gigabyte_is_not_allocated(wire: Wire) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            client = RawClient(wire)
            stack.callback(client.close)
            client.send(b"Q" + (200 << 20).to_bytes(4, "big") + b"x" * 1000)
        serves(wire)
    eventually(lambda: wire.server.session_count == 0)


def test_half_open_connections_are_given_up(postgres: Postgres) -> None:
    wire = Wire(postgres, WireOptions(port=0, login_timeout=0.5))
    clients = [socket.create_connection((wire.host, wire.port)) for _ in range(30)]
    for number, client in enumerate(clients):
        client.sendall(STARTUP[: number % len(STARTUP)])
    serves(wire)
    for client in clients:
        client.settimeout(20)
        while client.recv(1000):
            pass
        client.close()
    eventually(lambda: wire.server.session_count == 0)
    wire.close()


def test_hundreds_of_clients_at_once(postgres: Postgres) -> None:
    wire = Wire(postgres, WireOptions(port=0, max_connections=150, reserved_connections=0))
    serves(wire)
    traces = Traces(wire)
    refused: list[psycopg.Error] = []
    with ExitStack() as stack:

        def connect() -> None:
            try:
                client = wire.connect()
            except psycopg.OperationalError as error:
                refused.append(error)
            else:
                stack.callback(client.close)
                assert client.execute("select 1").fetchone() == (1,)

        threads = [threading.Thread(target=connect) for _ in range(170)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 20
        assert all("max_connections" in str(error) for error in refused)
    traces.gone()
    wire.close()


def test_cancel_requests_need_the_key(wire: Wire) -> None:
    client = RawClient(wire)
    assert client.key is not None
    client.send(Query("select * from slow"))
    wrong = (
        CancelRequest(client.key.process_id, b"\0\0\0\0"),
        CancelRequest(client.key.process_id, b""),
        CancelRequest(client.key.process_id, client.key.secret_key + b"\0"),
        CancelRequest(client.key.process_id + 1, client.key.secret_key),
    )
    client.socket.settimeout(0.5)
    for request in wrong:
        with socket.create_connection((wire.host, wire.port)) as other:
            other.sendall(request.encode())
            assert other.recv(10) == b""
    with pytest.raises(TimeoutError):
        client.message()
    client.socket.settimeout(20)
    with socket.create_connection((wire.host, wire.port)) as other:
        other.sendall(CancelRequest(client.key.process_id, client.key.secret_key).encode())
    assert any(kind == b"E" and b"57014" in body for kind, body in client.until_ready())
    client.close()


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((Query("copy t from stdin"), frame(b"d", b"1\ta\t\\N\t\\N\n")), id="in COPY"),
        pytest.param((Query("begin"), Query("insert into t (id) values (1)")), id="in a transaction"),
        pytest.param(
            (Parse("", "select generate_series(1, 100000)"), Bind("", ""), Execute("", 1), frame(b"H")),
            id="in a portal",
        ),
        pytest.param((Query("select 1"), Query("select * from slow")), id="in a statement"),
        pytest.param((Parse("p", "select 1"), frame(b"H")), id="in a pipeline"),
        pytest.param((Query("copy (select generate_series(1, 10000000)) to stdout"),), id="in a long answer"),
    ],
)
def test_a_client_that_dies_leaves_nothing(wire: Wire, messages: tuple[Query | bytes, ...]) -> None:
    serves(wire)
    traces = Traces(wire)
    for _ in range(3):
        client = RawClient(wire)
        client.send(*messages)
        client.message()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    traces.gone()
    with wire.connect() as client:
        assert client.execute("select count(*) from t").fetchone() == (0,)


def test_an_idle_transaction_is_ended(postgres: Postgres) -> None:
    wire = Wire(postgres)
    client = RawClient(wire, {"idle_in_transaction_session_timeout": "300 ms"})
    client.send(Query("begin"))
    client.until_ready()
    client.send(Query("select 1"))
    client.until_ready()
    ((kind, body),) = client.rest()
    assert kind == b"E"
    assert b"25P03" in body
    eventually(lambda: wire.server.session_count == 0)
    wire.close()
