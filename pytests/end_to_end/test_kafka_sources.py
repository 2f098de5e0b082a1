"""Sources of a whole server over a real broker: envelopes, errors that come and go, and what the catalog says about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pytests.end_to_end.kafka_tools import create_topic, produce, wait_for
from pytests.end_to_end.test_server import RunningServer, failure, until_equal
from stack.broker import Broker

BROKEN = (
    'Envelope error: Upsert: Value error: Failed to decode JSON: EOF while parsing an object at line 1 column 4 '
    '(original text: {"a", original bytes: "7b226122"), decoded key: Row{[String("b")]}'
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("mzlite"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def client(server: RunningServer, kafka: Broker) -> Iterator[psycopg.Connection[Any]]:
    with server.connect() as connection:
        connection.execute("create schema probe")
        connection.execute("set search_path = probe")
        run(connection, f"create connection kc to kafka (broker '{kafka.bootstrap_servers}', security protocol = plaintext)")
        yield connection
        connection.execute("drop schema probe cascade")


def run(client: psycopg.Connection[Any], sql: str) -> None:
    client.execute(sql)  # type: ignore[call-overload]


def rows(client: psycopg.Connection[Any], sql: str) -> list[tuple[Any, ...]]:
    return client.execute(sql).fetchall()  # type: ignore[call-overload]


def error(client: psycopg.Connection[Any], sql: str) -> str | None:
    try:
        rows(client, sql)
    except psycopg.Error as found:
        assert found.sqlstate == "XX000"
        return found.diag.message_primary
    return None


def test_an_upsert_source_keeps_the_last_value_of_each_key(
    server: RunningServer, client: psycopg.Connection[Any], kafka: Broker
) -> None:
    brokers = kafka.bootstrap_servers
    topic = create_topic(brokers)
    produce(brokers, topic, [(b"a", b'{"n":1}'), (b"b", b'{"n":2}'), (b"a", b'{"n":3}'), (b"gone", b"{}"), (b"gone", None)])
    run(client, f"create source s from kafka connection kc (topic '{topic}') key format text value format json"
                " include offset envelope upsert")
    run(client, "create materialized view total as select count(*) as c, sum((data ->> 'n')::int) as n from s")
    run(client, "create materialized view joined as select l.key as l, r.key as r from s as l join s as r on l.data < r.data")
    state = "select key, data, \"offset\"::int from s order by key"
    until_equal(lambda: rows(client, state), [("a", {"n": 3}, 2), ("b", {"n": 2}, 1)])
    until_equal(lambda: rows(client, "select c, n from total"), [(2, 5)])
    until_equal(lambda: rows(client, "table joined"), [("b", "a")])
    produce(brokers, topic, [(b"a", b'{"n":1}'), (b"c", b'{"n":7}')])
    until_equal(lambda: rows(client, "select c, n from total"), [(3, 10)])
    until_equal(lambda: rows(client, "select l, r from joined order by 1, 2"), [("a", "b"), ("a", "c"), ("b", "c")])
    produce(brokers, topic, [(b"b", None), (b"nobody", None)])
    until_equal(lambda: rows(client, "select c, n from total"), [(2, 8)])
    until_equal(lambda: rows(client, "table joined"), [("a", "c")])


def test_an_undecodable_value_is_an_error_until_its_key_has_another(
    server: RunningServer, client: psycopg.Connection[Any], kafka: Broker
) -> None:
    brokers = kafka.bootstrap_servers
    topic = create_topic(brokers)
    produce(brokers, topic, [(b"a", b'{"n":1}'), (b"b", b'{"n":2}')])
    run(client, f"create source s from kafka connection kc (topic '{topic}') key format text value format json envelope upsert")
    run(client, "create materialized view m as select key from s")
    run(client, "create view v as select key from m")
    run(client, "create table other (a int)")
    until_equal(lambda: rows(client, "select key from m order by 1"), [("a",), ("b",)])
    produce(brokers, topic, [(b"b", b'{"a"'), (b"c", b"{}")])
    for read in ("select key from s", "select * from m", "select * from v"):
        assert wait_for(lambda read=read: error(client, read)) == BROKEN  # type: ignore[misc]
    # What is made while the error lasts has it too, and others do not.
    run(client, "create materialized view later as select count(*) as c from s")
    assert error(client, "select * from later") == BROKEN
    assert failure(client, "copy (subscribe later) to stdout").diag.message_primary == BROKEN
    assert rows(client, "select * from other") == []
    server.stop()
    server.start()
    with server.connect() as again:
        run(again, "set search_path = probe")
        assert error(again, "select * from later") == BROKEN
        produce(brokers, topic, [(b"d", b"{}")])
        produce(brokers, topic, [(b"b", b'{"n":9}')])
        wait_for(lambda: error(again, "select * from later") is None)
        until_equal(lambda: rows(again, "select c from later"), [(4,)])
        assert rows(again, "select key from m order by 1") == [("a",), ("b",), ("c",), ("d",)]
        # Null keys, and keys that cannot be decoded, likewise.
        produce(brokers, topic, [(None, b"{}")])
        assert "Null key: record with NULL key in UPSERT source" in wait_for(lambda: error(again, "select * from m"))
        produce(brokers, topic, [(None, None), (b"\xff", b"{}")])
        wait_for(lambda: "Key decode" in (error(again, "select * from m") or ""))
        produce(brokers, topic, [(b"\xff", None)])
        wait_for(lambda: error(again, "select * from m") is None)
        assert rows(again, "select c from later") == [(4,)]


def test_inline_errors_are_values(client: psycopg.Connection[Any], kafka: Broker) -> None:
    brokers = kafka.bootstrap_servers
    topic = create_topic(brokers)
    produce(brokers, topic, [(b"a", b'{"n":1}'), (b"b", b'{"a"')])
    run(client, f"create source s from kafka connection kc (topic '{topic}') key format text value format json"
                " envelope upsert (value decoding errors = (inline as problem))")
    run(client, "create materialized view bad as select key, (problem).description as why from s where problem is not null")
    until_equal(
        lambda: rows(client, "table bad"),
        [("b", BROKEN.removeprefix("Envelope error: Upsert: Value error: ").partition(", decoded key")[0])],
    )
    assert rows(client, "select key, problem is null, data from s order by key") == [
        ("a", True, {"n": 1}), ("b", False, None),
    ]  # fmt: skip
    produce(brokers, topic, [(b"b", b"{}")])
    until_equal(lambda: rows(client, "table bad"), [])


def test_a_plain_source_that_met_a_bad_message_stays_dead(
    server: RunningServer, client: psycopg.Connection[Any], kafka: Broker
) -> None:
    brokers = kafka.bootstrap_servers
    topic = create_topic(brokers)
    produce(brokers, topic, [(None, b'{"n":1}')])
    run(client, f"create source s from kafka connection kc (topic '{topic}') format json")
    run(client, "create materialized view m as select count(*) as c from s")
    until_equal(lambda: rows(client, "table m"), [(1,)])
    produce(brokers, topic, [(None, b'{"a"')])
    message = wait_for(lambda: error(client, "table m"))
    assert message.startswith("Decode error: Failed to decode JSON: EOF while parsing an object at line 1 column 4")
    server.stop()
    server.start()
    with server.connect() as again:
        run(again, "set search_path = probe")
        assert error(again, "table m") == error(again, "select * from s") == message
        produce(brokers, topic, [(None, b"{}")])
        run(again, "create materialized view later as select count(*) as c from s")
        assert error(again, "table later") == message
