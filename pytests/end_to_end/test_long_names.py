"""Names of 64 to 255 bytes through a whole server: the wire, Kafka, a restart. What SQL does with them is in
`statements/long_names.txt`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import pq

from pytests.end_to_end.kafka_tools import create_topic, produce, read_committed, unique
from pytests.end_to_end.running import RunningServer, failure, until_equal
from stack.broker import Broker

COMMON = "c" * 200
ONE, TWO = COMMON + "1", COMMON + "2"
ODD = "Ä" * 60 + ' "x"'


@pytest.fixture
def client(server: RunningServer) -> Iterator[psycopg.Connection[Any]]:
    with server.connect() as connection:
        connection.execute("drop schema if exists probe cascade")
        connection.execute("create schema probe")
        connection.execute("set search_path = probe")
        yield connection


def run(client: psycopg.Connection[Any], sql: str) -> psycopg.Cursor[Any]:
    return client.execute(sql.encode())


def names(cursor: psycopg.Cursor[Any]) -> list[str]:
    return [column.name for column in cursor.description or ()]


def test_statements_portals_and_columns_of_the_extended_protocol(client: psycopg.Connection[Any]) -> None:
    raw = client.pgconn
    for name in (ONE, TWO):
        done = raw.prepare(name.encode(), f"select '{name}' as {name}, $1::int as {TWO}".encode())
        assert done.status == pq.ExecStatus.COMMAND_OK, done.error_message
    for name in (ONE, TWO):
        described = raw.describe_prepared(name.encode())
        result = raw.exec_prepared(name.encode(), [b"7"])
        for found in (described, result):
            assert [found.fname(place) for place in (0, 1)] == [name.encode(), TWO.encode()]
        assert [result.get_value(0, place) for place in (0, 1)] == [name.encode(), b"7"]
    # PREPARE and the protocol have one space of names.
    assert names(run(client, f"execute {ONE} (8)")) == [ONE, TWO]
    run(client, f"deallocate {ONE}")
    assert raw.exec_prepared(ONE.encode(), [b"7"]).status == pq.ExecStatus.FATAL_ERROR
    assert raw.exec_prepared(TWO.encode(), [b"7"]).status == pq.ExecStatus.TUPLES_OK


def test_subscribe_and_its_cursor(client: psycopg.Connection[Any]) -> None:
    run(client, f"create table t ({ONE} int, {TWO} int)")
    run(client, "insert into t values (1, 2)")
    swapped = f"(select {TWO} as {ONE}, {ONE} as {TWO} from t)"
    for cursor, what, values in ((ONE, "t", (1, 2)), (TWO, swapped, (2, 1))):
        with client.transaction():
            run(client, f"declare {cursor} cursor for subscribe {what}")
            fetched = run(client, f"fetch 1 {cursor}")
            assert names(fetched)[-2:] == [ONE, TWO]
            assert [row[-2:] for row in fetched] == [values]
    keyed = run(client, f"subscribe (select 1 as {ONE}, 2 as {TWO}) envelope upsert (key ({TWO}))")
    assert names(keyed) == ["mz_timestamp", "mz_state", TWO, ONE]
    assert [row[1:] for row in keyed] == [("upsert", 2, 1)]


def test_users_databases_and_options_of_a_connection(server: RunningServer, client: psycopg.Connection[Any]) -> None:
    run(client, f"create database {ONE}")
    run(client, f"create schema {ONE}.{TWO}")
    try:
        options = f"--welcome_message=off --search_path={TWO} --cluster={COMMON}"
        with server.connect(user=COMMON, dbname=ONE, options=options) as other:
            own = "select current_user, current_database(), current_schema()"
            assert run(other, own).fetchone() == (COMMON, ONE, TWO)
            assert run(other, "show cluster").fetchone() == (COMMON,)
            assert other.info.parameter_status("search_path") == TWO
            assert other.info.parameter_status("database") == ONE
            run(other, "set cluster = quickstart")
            run(other, "create table t (a int)")
        owner = f"select r.name from mz_tables t join mz_roles r on r.id = t.owner_id join mz_schemas s on s.id = t.schema_id where s.name = '{TWO}'"
        assert run(client, owner).fetchall() == [(COMMON,)]
    finally:
        run(client, f"drop database {ONE} cascade")
    assert failure(client, f"create table {ONE}.{TWO}.t (a int)").diag.message_primary == f"unknown database '{ONE}'"


def test_topics_views_and_sinks_over_a_restart(
    server: RunningServer, client: psycopg.Connection[Any], kafka: Broker
) -> None:
    brokers, written = kafka.bootstrap_servers, unique("long")
    read = create_topic(brokers)
    quoted = '"' + ODD.replace('"', '""') + '"'
    run(client, f"create connection {ONE} to kafka (broker '{brokers}', security protocol plaintext)")
    run(
        client,
        f"create source {TWO} from kafka connection {ONE} (topic '{read}') key format text value format text"
        f" include key as {ONE}, offset as {TWO} envelope none",
    )
    view = (
        f"select {ONE}, count(*) as {TWO}, max({TWO})::int as {COMMON}3, jsonb_agg(s order by {TWO}) as {quoted}"
        f" from {TWO} as s group by {ONE}"
    )
    run(client, f"create materialized view {COMMON}3 as {view}")
    run(
        client,
        f"create sink {COMMON}4 from {COMMON}3 into kafka connection {ONE} (topic '{written}') key ({ONE})"
        " format json envelope upsert",
    )
    produce(brokers, read, [(b"k", b"v")])

    def state(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
        return run(connection, f"table probe.{COMMON}3").fetchall()

    first = {ONE: "k", TWO: 0, "text": "v"}
    until_equal(lambda: state(client), [("k", 1, 0, [first])])
    key = f'{{"{ONE}":"k"}}'
    second = {ONE: "k", TWO: 1, "text": "w"}
    server.stop()
    server.start()
    with server.connect() as again:
        run(again, "set search_path = probe")
        produce(brokers, read, [(b"k", b"w")])
        until_equal(lambda: state(again), [("k", 2, 1, [first, second])])
        assert names(run(again, f"table {COMMON}3")) == [ONE, TWO, COMMON + "3", ODD]
        differing = f"select * from ((table {COMMON}3 except all {view}) union all ({view} except all table {COMMON}3))"
        assert run(again, differing).fetchall() == []
        until_equal(lambda: len(read_committed(brokers, written)), 2)
        messages = read_committed(brokers, written)
        assert [message.key for message in messages] == [key.encode()] * 2
        shown = ODD.replace('"', '\\"')
        for message, count in zip(messages, (1, 2), strict=True):
            assert message.value is not None
            text = message.value.decode()
            assert text.startswith(f'{{"{ONE}":"k","{TWO}":{count},"{COMMON}3":'), text
            assert f'"{shown}":[{{"{ONE}":"k","{TWO}":0,"text":"v"}}' in text, text
        run(again, f"drop connection {ONE} cascade")
