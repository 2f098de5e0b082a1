"""The whole server as its clients see it: what only shows when the wire, the engine and the catalog work together."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mzlite.testing import MzliteServer
from pytests.end_to_end.kafka_tools import create_topic, produce
from pytests.end_to_end.running import RunningServer, failure, until, until_equal
from stack.broker import Broker


@pytest.fixture
def client(server: RunningServer) -> Iterator[psycopg.Connection[Any]]:
    with server.connect() as connection:
        connection.execute("drop table if exists t cascade")
        connection.execute("create table t (id int, name text, ts timestamp)")
        yield connection


def test_texts_of_lists_and_maps_are_parameters(client: psycopg.Connection[Any]) -> None:
    row = client.execute(
        "select %s::int list list, %s::map[text=>int], list[[1]] || %s, map['a'=>1] @> %s",
        ("{{1,2},{}}", "{a=>1, b c=>2}", "{{2}}", "{a=>1}"),
    ).fetchone()
    assert row == ("{{1,2},{}}", '{a=>1,"b c"=>2}', "{{1},{2}}", True)
    with pytest.raises(psycopg.Error, match="invalid input syntax for type map: expected =>"):
        client.execute("select %s::map[text=>int]", ('{"a": 1}',))


def test_errors_in_where_clauses_are_told_as_such(client: psycopg.Connection[Any]) -> None:
    for statement in (
        "create view v as select * from t where nosuch = 1",
        "create materialized view v as select * from t where nosuch = 1",
        "copy (subscribe (select * from t where nosuch = 1)) to stdout",
    ):
        error = failure(client, statement)
        assert error.diag.message_primary == 'WHERE clause error: column "nosuch" does not exist'
    assert failure(client, "create view v as select nosuch from t").diag.message_primary == (
        'column "nosuch" does not exist'
    )


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("envelope debezium (key (id)) with (progress)", "`ENVELOPE DEBEZIUM (KEY (..))` is not available"),
        ("within timestamp order by id desc", "`WITHIN TIMESTAMP ORDER BY ..` is not available"),
    ],
)
def test_forms_of_subscribe_behind_flags_are_refused_at_the_fetch(
    client: psycopg.Connection[Any], output: str, message: str
) -> None:
    client.execute("begin")
    client.execute(f"declare c cursor for subscribe (select id, name from t) {output}")  # type: ignore[call-overload]
    assert failure(client, "fetch all c with (timeout = '1s')").diag.message_primary == message
    client.execute("rollback")


def test_a_subscription_to_a_view_that_calls_now_is_refused(client: psycopg.Connection[Any]) -> None:
    client.execute("create view clock as select id, now() from t")
    for what in ("clock", "(select id from clock)"):
        error = failure(client, f"copy (subscribe {what}) to stdout")
        assert error.diag.message_primary == "cannot materialize call to current_timestamp"


def test_a_fetch_that_may_not_wait_gives_what_is_there(client: psycopg.Connection[Any]) -> None:
    client.execute("insert into t values (1, 'a', null)")
    client.execute("begin")
    client.execute("declare c cursor for subscribe t")
    found: list[tuple[Any, ...]] = []

    def fetched() -> bool:
        found.extend(client.execute("fetch 1 c with (timeout = '0s')").fetchall())
        return bool(found)

    until(fetched)
    assert found[0][1:] == (1, 1, "a", None)
    client.execute("rollback")


def test_temporary_objects_go_with_their_session_and_with_the_server(tmp_path: Path) -> None:
    server = RunningServer(tmp_path)
    try:
        with server.connect() as client, server.connect() as other:
            client.execute("create temporary table scratch (a int)")
            client.execute("create temporary view above as select * from scratch")

            def left() -> int:
                row = other.execute("select count(*) from mz_objects where name in ('scratch', 'above')").fetchone()
                assert row is not None
                return int(row[0])

            assert left() == 2
            client.close()
            until(lambda: left() == 0)
            other.execute("create temporary table scratch (a int)")
            server.stop(signal.SIGKILL)
        server.start()
        with server.connect() as client:
            client.execute("create temporary table scratch (a int)")
            assert client.execute("select count(*) from mz_tables where name = 'scratch'").fetchone() == (1,)
    finally:
        server.stop()


def test_what_is_meant_for_psql_does_not_reach_the_inner_postgres(tmp_path: Path) -> None:
    """PGOPTIONS kept mzlite from starting; PGTZ would have changed what views compute."""
    wrapper = ("env", "PGOPTIONS=--welcome_message=off", "PGTZ=Asia/Tokyo", "PGCLIENTENCODING=latin1")
    server = MzliteServer(tmp_path, wrapper=wrapper).start()
    try:
        with server.connect() as connection:
            connection.execute("create table moments (at timestamptz, name text)")
            connection.execute(
                "create materialized view told as select at::text as at, name || 'é' as name from moments"
            )
            connection.execute("insert into moments values ('2026-01-01 00:00:00+00', 'caf')")
            assert connection.execute("select at, name from told").fetchall() == [("2026-01-01 00:00:00+00", "café")]
    finally:
        server.stop()


def test_a_drop_says_what_is_in_use(server: RunningServer, client: psycopg.Connection[Any]) -> None:
    client.execute("create materialized view used as select id from t")
    with server.connect() as reader:
        reader.execute("begin")
        reader.execute("select * from used")
        error = failure(client, "drop materialized view used")
        assert error.sqlstate == "55P03"
        assert error.diag.message_primary == (
            'cannot drop materialized view "materialize.public.used" while it is in use'
        )
        client.execute("insert into t values (7, 'x', null)")
        reader.execute("rollback")
    client.execute("drop materialized view used")


def test_what_sources_and_sinks_do_is_told(
    server: RunningServer, kafka: Broker, client: psycopg.Connection[Any]
) -> None:
    brokers = kafka.bootstrap_servers
    topic, out = create_topic(brokers, partitions=2), create_topic(brokers)
    produce(brokers, topic, [(None, b"one"), (None, b"two"), (None, None)])
    for statement in (
        f"create connection kc to kafka (broker '{brokers}', security protocol plaintext)",
        f"create source told from kafka connection kc (topic '{topic}') format bytes envelope none",
        "create materialized view said as select convert_from(data, 'utf8') as word, count(*) as n from told group by 1",
        f"create sink teller from said into kafka connection kc (topic '{out}') key (word) format json envelope upsert",
    ):
        client.execute(statement)  # type: ignore[call-overload]

    def source() -> tuple[Any, ...] | None:
        return client.execute(
            "select s.status, c.messages_received::int, c.updates_committed::int, c.offset_known::int, c.offset_committed::int"
            " from mz_internal.mz_source_statuses s join mz_internal.mz_source_statistics c on c.id = s.id"
            " where s.name = 'told'"
        ).fetchone()

    def sink() -> tuple[Any, ...] | None:
        return client.execute(
            "select s.status, c.messages_committed::int"
            " from mz_internal.mz_sink_statuses s join mz_internal.mz_sink_statistics c on c.id = s.id"
            " where s.name = 'teller'"
        ).fetchone()

    until_equal(source, ("running", 3, 2, 3, 3))
    until_equal(sink, ("running", 2))
    produce(brokers, topic, [(None, b"one")])
    until_equal(source, ("running", 4, 3, 4, 4))
    until_equal(sink, ("running", 3))
    with server.connect(user="mz_system") as administrator:
        answer = administrator.execute("mzlite show status").fetchall()  # type: ignore[call-overload]
    told = {name.rpartition(".")[2]: {"kind": kind, **json.loads(values)} for kind, name, values in answer}
    assert told[""]["ticks"] > 0
    assert 0 < told[""]["p50_ms"] <= told[""]["p99_ms"]
    assert told[""]["error"] is None
    assert sum(told["told"]["offsets"].values()) == 4
    assert [told["told"][name] for name in ("status", "lag_messages", "lag_seconds")] == ["running", 0, 0.0]
    assert (told["said"]["type"], told["said"]["rows"], told["said"]["error"]) == ("materialized-view", 2, None)
    assert told["said"]["bytes"] > 0
    assert [told["teller"][name] for name in ("status", "waiting", "messages_committed")] == ["running", 0, 3]
    assert told["teller"]["position"] > 1_700_000_000_000
    client.execute("drop connection kc cascade")


def test_psql_describes_what_materialize_has(server: RunningServer, client: psycopg.Connection[Any]) -> None:
    for statement in (
        "drop schema if exists shop cascade",
        "create schema shop",
        "create table shop.orders (id int not null, note text)",
        "create view shop.v as select id from shop.orders",
        "create materialized view shop.m as select id from shop.orders",
        "create index by_id on shop.m (id)",
        "create table seen (a int)",
    ):
        client.execute(statement)  # type: ignore[call-overload]
    try:
        listed = {command: server.psql(command) for command in (r"\d", r"\dt", r"\dv", r"\dm", r"\dn", r"\df")}
        assert not [command for command, text in listed.items() if "mzlite" in text]
        shown = {command: server.psql(command) for command in (r"\dt shop.*", r"\dv shop.*", r"\dm shop.*")}
        assert [line.replace(" ", "") for text in shown.values() for line in text.splitlines() if "shop" in line] == [
            "shop|orders|table|materialize",
            "shop|v|view|materialize",
            "shop|m|materializedview|materialize",
        ]
        for command in (r"\d", r"\dt"):
            assert "public|seen|table" in listed[command].replace(" ", "")
        assert " shop " in listed[r"\dn"]
        assert " mz_now " in listed[r"\df"]
        table = server.psql(r"\d shop.orders")
        assert 'Table "shop.orders"' in table
        columns = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if line.count("|") == 4]
        assert columns[1:] == [["id", "integer", "", "not null", ""], ["note", "text", "", "", ""]]
        assert 'View "shop.v"' in server.psql(r"\d shop.v")
        view = server.psql(r"\d shop.m")
        assert 'Materialized view "shop.m"' in view
        assert '"by_id"' in view
    finally:
        client.execute("drop schema shop cascade")
        client.execute("drop table seen")
