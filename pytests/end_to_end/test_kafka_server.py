"""Sources and sinks of a whole server over a real broker: envelopes, errors that come and go, what the catalog says."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from mzlite.kafka.client import ensure_topic
from pytests.end_to_end.kafka_tools import create_topic, produce, read_committed, unique, wait_for
from pytests.end_to_end.running import RunningServer, failure, until_equal
from stack.broker import Broker

BROKEN = (
    "Envelope error: Upsert: Value error: Failed to decode JSON: EOF while parsing an object at line 1 column 4 "
    '(original text: {"a", original bytes: "7b226122"), decoded key: Row{[String("b")]}'
)


@pytest.fixture
def client(server: RunningServer, kafka: Broker) -> Iterator[psycopg.Connection[Any]]:
    with server.connect() as connection:
        connection.execute("create schema probe")
        connection.execute("set search_path = probe")
        run(
            connection,
            f"create connection kc to kafka (broker '{kafka.bootstrap_servers}', security protocol = plaintext)",
        )
        yield connection
    # The server may have been started anew meanwhile.
    with server.connect() as connection:
        connection.execute("drop schema probe cascade")


def run(client: psycopg.Connection[Any], sql: str) -> None:
    client.execute(sql)  # type: ignore[call-overload]


def rows(client: psycopg.Connection[Any], sql: str) -> list[tuple[Any, ...]]:
    return client.execute(sql).fetchall()  # type: ignore[call-overload]


def error(client: psycopg.Connection[Any], sql: str) -> str | None:
    """The message that a read fails with, if it does."""
    try:
        rows(client, sql)
    except psycopg.Error as found:
        return found.diag.message_primary
    return None


def test_an_upsert_source_keeps_the_last_value_of_each_key(
    server: RunningServer, client: psycopg.Connection[Any], kafka: Broker
) -> None:
    brokers = kafka.bootstrap_servers
    topic = create_topic(brokers)
    produce(
        brokers, topic, [(b"a", b'{"n":1}'), (b"b", b'{"n":2}'), (b"a", b'{"n":3}'), (b"gone", b"{}"), (b"gone", None)]
    )
    run(
        client,
        f"create source s from kafka connection kc (topic '{topic}') key format text value format json"
        " include offset envelope upsert",
    )
    run(client, "create materialized view total as select count(*) as c, sum((data ->> 'n')::int) as n from s")
    run(
        client,
        "create materialized view joined as select l.key as l, r.key as r from s as l join s as r on l.data < r.data",
    )
    state = 'select key, data, "offset"::int from s order by key'
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
    run(
        client,
        f"create source s from kafka connection kc (topic '{topic}') key format text value format json envelope upsert",
    )
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
    run(
        client,
        f"create source s from kafka connection kc (topic '{topic}') key format text value format json"
        " envelope upsert (value decoding errors = (inline as problem))",
    )
    run(
        client,
        "create materialized view bad as select key, (problem).description as why from s where problem is not null",
    )
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


def test_tables_of_one_source_and_how_far_they_are(client: psycopg.Connection[Any], kafka: Broker) -> None:
    brokers = kafka.bootstrap_servers
    topic = create_topic(brokers, partitions=2)
    for partition in (0, 1):
        produce(brokers, topic, [(b"a", b"1,x"), (b"b", b"2,y")], partition=partition)
    run(client, f"create source s from kafka connection kc (topic '{topic}')")
    assert rows(client, "show columns from s") == [("partition", False, "numrange", ""), ("offset", True, "uint8", "")]
    run(client, f'create table plain from source s (reference "{topic}") format text include partition, offset')
    run(
        client,
        f'create table csv (a, b) from source s (reference "{topic}") format csv with 2 columns',
    )
    assert failure(client, "insert into plain values ('x', 1, 1)").diag.message_primary
    until_equal(
        lambda: rows(client, 'select text, partition, "offset"::int from plain order by 2, 3'),
        [("1,x", 0, 0), ("2,y", 0, 1), ("1,x", 1, 0), ("2,y", 1, 1)],
    )
    until_equal(
        lambda: rows(client, 'select partition::text, "offset"::int from s order by 1'), [("[0,0]", 2), ("[1,1]", 2)]
    )
    counters = """
        select messages_received::int, offset_known::int, offset_committed::int, snapshot_records_known::int,
            snapshot_records_staged::int, snapshot_committed
        from mz_internal.mz_source_statistics as s inner join mz_tables as t using (id) where t.name = 'plain'
    """
    until_equal(lambda: rows(client, counters), [(4, 4, 4, 4, 4, True)])
    statuses = "select name, type, status, error from mz_internal.mz_source_statuses order by name"
    until_equal(
        lambda: rows(client, statuses),
        [("csv", "table", "running", None), ("plain", "table", "running", None), ("s", "kafka", "running", None)],
    )


def test_the_engine_does_not_wait_for_a_broker(
    server: RunningServer, client: psycopg.Connection[Any], kafka: Broker
) -> None:
    """A statement that asks a broker which accepts and never answers; meanwhile others write and read."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, server.connect() as other, ThreadPoolExecutor(1) as threads:
        port = deaf.getsockname()[1]
        run(client, "create table t (a int)")
        silent = f"create connection silent to kafka (broker '127.0.0.1:{port}', security protocol = plaintext)"

        def attempt() -> str | None:
            return failure(client, silent).diag.message_primary

        found = threads.submit(attempt)
        accepted = deaf.accept()[0]
        run(other, "set search_path = probe")
        for number in range(5):
            started = time.monotonic()
            run(other, f"insert into t values ({number})")
            assert rows(other, "select count(*) from t") == [(number + 1,)]
            run(other, f"create view v{number} as select * from t")
            assert time.monotonic() - started < 5
            assert not found.done()
        assert found.result(60) == "Broker transport failure"
        accepted.close()


def test_a_deleted_topic_ends_its_source_for_good(
    server: RunningServer, client: psycopg.Connection[Any], kafka: Broker
) -> None:
    brokers = kafka.bootstrap_servers
    topic = create_topic(brokers)
    produce(brokers, topic, [(None, b"1")])
    run(
        client,
        f"create source s from kafka connection kc (topic '{topic}', topic metadata refresh interval '200ms') format text",
    )
    run(client, "create materialized view m as select text from s")
    until_equal(lambda: rows(client, "table m"), [("1",)])
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.delete_topics([topic])[topic].result(30)
    assert wait_for(lambda: error(client, "table m")) == "Source error: topic was deleted"
    status = "select status, error from mz_internal.mz_source_statuses where name = 's'"
    until_equal(lambda: rows(client, status), [("stalled", "Source error: topic was deleted")])
    ensure_topic({"bootstrap.servers": brokers}, topic, partitions=1)
    produce(brokers, topic, [(None, b"2"), (None, b"3")])
    server.stop()
    server.start()
    with server.connect() as again:
        run(again, "set search_path = probe")
        assert error(again, "table m") == "Source error: topic was deleted"
        assert rows(again, status) == [("stalled", "Source error: topic was deleted")]
        # Another source reads the new topic.
        run(again, f"create source anew from kafka connection kc (topic '{topic}') format text")
        until_equal(lambda: rows(again, "select text from anew order by 1"), [("2",), ("3",)])


def test_an_altered_connection_is_used_at_once(client: psycopg.Connection[Any], kafka: Broker) -> None:
    brokers = kafka.bootstrap_servers
    topic = create_topic(brokers)
    produce(brokers, topic, [(None, b"1")])
    run(client, f"create source s from kafka connection kc (topic '{topic}') format text")
    until_equal(lambda: rows(client, "select text from s"), [("1",)])
    run(client, "alter connection kc set (broker = '127.0.0.1:1') with (validate = false)")
    until_equal(
        lambda: rows(client, "select status from mz_internal.mz_source_statuses where name = 's'"), [("stalled",)]
    )
    produce(brokers, topic, [(None, b"2")])
    assert failure(client, "alter connection kc set (broker = '127.0.0.1:1')").diag.message_primary == (
        "Broker transport failure"
    )
    run(client, f"alter connection kc set (brokers ['{brokers}'])")
    until_equal(lambda: rows(client, "select text from s order by 1"), [("1",), ("2",)])
    until_equal(
        lambda: rows(client, "select status from mz_internal.mz_source_statuses where name = 's'"), [("running",)]
    )
    assert f"BROKERS = ('{brokers}'), SECURITY PROTOCOL = plaintext" in rows(client, "show create connection kc")[0][1]


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ("reset (broker)", "invalid ALTER CONNECTION: invalid CONNECTION: must set one of BROKER, BROKERS, or AWS PRIVATELINK"),
        ("set (broker 'a:1'), reset (broker)", "cannot both SET and DROP/RESET options BROKER"),
        ("set (broker 'a:1'), set (broker 'b:1')", "BROKER specified more than once"),
        ("set (broker 'a:1'), set (brokers ['b:1'])",
         "invalid ALTER CONNECTION: invalid CONNECTION: can only set one of BROKER, BROKERS, or AWS PRIVATELINK"),
        ("set (broker 'a:1'), drop (brokers)",
         "cannot both SET and DROP/RESET mutually exclusive KAFKA options BROKER, BROKERS"),
        ("set (progress topic = 'new')", "cannot ALTER KAFKA option PROGRESS TOPIC"),
        ("rotate keys, reset (broker)", "cannot specify any other actions alongside ALTER CONNECTION...ROTATE KEYS"),
        ("rotate keys", "materialize.probe.kc is not an SSH connection"),
    ],
)  # fmt: skip
def test_what_alter_connection_refuses(client: psycopg.Connection[Any], actions: str, message: str) -> None:
    assert failure(client, f"alter connection kc {actions}").diag.message_primary == message


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("create connection x to kafka (security protocol plaintext)",
         "invalid CONNECTION: must set one of BROKER, BROKERS, or AWS PRIVATELINK"),
        ("create connection x to kafka (broker 'a:1', security protocol nothingreal)", "unknown security protocol: NOTHINGREAL"),
        ("create connection x to kafka (broker 'a:1', security protocol plaintext, access key id = 'abc', port = 1)",
         "KAFKA connections do not support ACCESS KEY ID, PORT values"),
        ("create connection x to kafka (broker 'a:1', security protocol plaintext, sasl username = 'me')",
         "option SASL USERNAME not supported with this configuration"),
        ("create connection x to kafka (broker 'a:1', sasl mechanisms = 'PLAIN')", "SASL USERNAME must be specified"),
        ("create connection x to kafka (broker 'a:1', ssl certificate = '')", "SSL KEY must be specified with SSL CERTIFICATE"),
        ("create connection x to kafka (broker '', sasl password = '', security protocol plaintext)",
         "invalid SASL PASSWORD: must provide a secret value"),
        ("create source x from kafka connection kc (topic 'x', start offset (-1)) format text",
         "START OFFSET must be a nonnegative integer"),
        ("create source x from kafka connection kc (start offset (1)) format text",
         "KAFKA source validation: KAFKA CONNECTION without TOPIC"),
        ("create source x from kafka connection kc (topic 'x') format text for all tables",
         "KAFKA source validation: FOR ALL TABLES is only valid for multi-output sources"),
        ("create source x from kafka connection kc (topic 'x') format json array", "JSON ARRAY format in sources not yet supported"),
        ("create source x from kafka connection kc (topic 'x') format json envelope debezium",
         "ENVELOPE [DEBEZIUM] UPSERT requires that KEY FORMAT be specified"),
        ("create source x from kafka connection kc (topic 'x') key format json value format json envelope debezium",
         "ENVELOPE DEBEZIUM requires that VALUE FORMAT is set to AVRO"),
        ("create source x from kafka connection kc (topic 'x', topic metadata refresh interval '2 hours') format text",
         "TOPIC METADATA REFRESH INTERVAL cannot be greater than 1 hour"),
        ("create source x from load generator counter", "Create a LOAD GENERATOR COUNTER is not available"),
    ],
)  # fmt: skip
def test_what_is_refused_in_materializes_words(client: psycopg.Connection[Any], statement: str, message: str) -> None:
    assert failure(client, statement).diag.message_primary == message


def messages(kafka: Broker, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    return [(read.key, read.value) for read in read_committed(kafka.bootstrap_servers, topic)]


def test_a_sink_is_redirected_without_the_rows_that_are_there(client: psycopg.Connection[Any], kafka: Broker) -> None:
    topic = unique("redirected")
    run(client, "create table before (id int, n int)")
    run(client, "create table after (id int, n int, more text)")
    run(client, "create table other (x int)")
    run(client, "insert into before values (1, 1)")
    run(client, "insert into after values (7, 7, 'ignored')")
    notices: list[tuple[str | None, str | None]] = []
    client.add_notice_handler(lambda notice: notices.append((notice.message_primary, notice.message_hint)))
    run(client, f"create sink k from before into kafka connection kc (topic '{topic}') key (id) not enforced"
                " format json envelope upsert")  # fmt: skip
    assert notices == [("upsert key not validated to be unique", "See: https://materialize.com/s/sink-key-selection")]
    until_equal(lambda: topic_exists(kafka, topic) and messages(kafka, topic), [(b'{"id":1}', b'{"id":1,"n":1}')])
    assert failure(client, "alter sink k set from other").diag.message_primary == (
        "column referenced in KEY does not exist: id"
    )
    run(client, "alter sink k set from after")
    run(client, "insert into before values (2, 2)")
    run(client, "insert into after values (3, 3, 'x')")
    run(client, "update after set n = 4 where id = 3")
    run(client, "delete from after where id = 7")
    until_equal(
        lambda: messages(kafka, topic)[1:],
        [
            (b'{"id":3}', b'{"id":3,"n":3,"more":"x"}'),
            (b'{"id":3}', b'{"id":3,"n":4,"more":"x"}'),
            (b'{"id":7}', None),
        ],
    )
    assert "FROM materialize.probe.after INTO" in rows(client, "show create sink k")[0][1]
    assert 'still depended upon by sink "k"' in failure(client, "drop table after").diag.message_primary
    run(client, "drop table before")


def topic_exists(kafka: Broker, topic: str) -> bool:
    return topic in AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=10).topics


def test_a_sink_waits_while_what_it_reads_has_an_error(client: psycopg.Connection[Any], kafka: Broker) -> None:
    brokers, topic = kafka.bootstrap_servers, unique("waiting")
    read = create_topic(brokers)
    produce(brokers, read, [(b"a", b"1")])
    run(
        client,
        f"create source s from kafka connection kc (topic '{read}') key format text value format json envelope upsert",
    )
    run(client, "create materialized view m as select key, data::int as n from s")
    until_equal(lambda: rows(client, "table m"), [("a", 1)])
    run(client, f"create sink k from m into kafka connection kc (topic '{topic}') key (key) not enforced"
                " key format text value format json envelope upsert with (snapshot = false)")  # fmt: skip
    status = "select status, error like '%Value error%' from mz_internal.mz_sink_statuses where name = 'k'"
    until_equal(lambda: rows(client, status), [("running", None)])
    produce(brokers, read, [(b"bad", b"{")])
    until_equal(lambda: rows(client, status), [("stalled", True)])
    produce(brokers, read, [(b"a", b"2"), (b"b", b"3")])
    until_equal(lambda: rows(client, "select offset_committed::int from mz_internal.mz_source_statistics"), [(4,)])
    assert messages(kafka, topic) == []
    produce(brokers, read, [(b"bad", None)])
    until_equal(lambda: sorted(messages(kafka, topic)), [(b"a", b'{"key":"a","n":2}'), (b"b", b'{"key":"b","n":3}')])
    until_equal(lambda: rows(client, status), [("running", None)])


def test_debezium_and_partitions_by_key(client: psycopg.Connection[Any], kafka: Broker) -> None:
    topic = unique("debezium")
    run(client, "create table t (id int, n int)")
    run(client, "insert into t values (4, 1)")
    sink = f"into kafka connection kc (topic '{topic}', topic partition count 3, partition by = %s, compression type 'zstd')"
    rest = f"create sink k from t {sink} key (id) format json envelope debezium"
    error = failure(client, rest % "n")
    assert error.diag.message_primary == 'PARTITION BY expression cannot refer to non-key column "n"'
    run(client, rest % "id")
    run(client, "update t set n = 2")
    run(client, "insert into t values (5, 1)")
    until_equal(
        lambda: (
            topic_exists(kafka, topic)
            and [(read.partition, read.key, read.value) for read in read_committed(kafka.bootstrap_servers, topic)]
        ),
        [
            (1, b'{"id":4}', b'{"before":null,"after":{"id":4,"n":1}}'),
            (1, b'{"id":4}', b'{"before":{"id":4,"n":1},"after":{"id":4,"n":2}}'),
            (2, b'{"id":5}', b'{"before":null,"after":{"id":5,"n":1}}'),
        ],
    )


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("(topic 'x') key (id, id) format json envelope upsert", "duplicate column referenced in KEY: id"),
        ("(topic 'x') format json envelope upsert", "upsert sinks must specify a key"),
        ("(topic 'x') key (id) format json envelope upsert", "upsert key could not be validated as unique"),
        ("(compression type 'gzip') key (id) format json envelope debezium", "KAFKA CONNECTION must specify TOPIC"),
        ("(topic 'x', topic partition count 0) format json envelope debezium",
         "TOPIC PARTITION COUNT must be a positive integer"),
        ("(topic 'x') key (id) format text envelope debezium", "BYTES or TEXT format with multiple columns not yet supported"),
        ("(topic 'x') headers n format json envelope debezium", "Enable the HEADERS option for Kafka sinks is not available"),
        ("(topic 'x', legacy ids true, transactional id prefix 'p') format json envelope debezium",
         "LEGACY IDS cannot be used at the same time as TRANSACTIONAL ID PREFIX"),
    ],
)  # fmt: skip
def test_sinks_are_refused_in_materializes_words(client: psycopg.Connection[Any], rest: str, message: str) -> None:
    run(client, "create table t (id int, n int)")
    error = failure(client, f"create sink k from t into kafka connection kc {rest}")
    assert error.diag.message_primary == message
    if "validated" in message:
        assert error.diag.message_detail == (
            'Materialize could not prove that the specified upsert envelope key ("id") was a unique key of the '
            'underlying relation "materialize.probe.t". There are no known valid unique keys for the underlying relation.'
        )


def test_random_upserts_leave_what_the_definitions_say(client: psycopg.Connection[Any], kafka: Broker) -> None:
    brokers, rng = kafka.bootstrap_servers, random.Random(7)
    topic = create_topic(brokers)
    run(
        client,
        f"create source s from kafka connection kc (topic '{topic}') key format text value format json envelope upsert",
    )
    views = {
        "sums": "select (data ->> 'g')::int as g, count(*) as c, max((data ->> 'n')::int) as m from s group by 1",
        "pairs": "select l.key as l, r.key as r from s as l left join s as r on l.data ->> 'n' = r.data ->> 'g'",
        "firsts": "select distinct on (data ->> 'g') data ->> 'g' as g, key from s order by data ->> 'g', key",
    }
    for name, query in views.items():
        run(client, f"create materialized view {name} as {query}")
    latest: dict[bytes, bytes] = {}
    for _ in range(15):
        batch: list[tuple[bytes, bytes | None]] = []
        for _ in range(rng.randrange(1, 40)):
            key = b"%d" % rng.randrange(12)
            value = b'{"g":%d,"n":%d}' % (rng.randrange(3), rng.randrange(4)) if rng.random() < 0.7 else None
            batch.append((key, value))
            latest.pop(key, None)
            if value is not None:
                latest[key] = value
        produce(brokers, topic, batch)
        expected = sorted((key.decode(), json.loads(value)) for key, value in latest.items())
        until_equal(lambda expected=expected: sorted(rows(client, "select key, data from s")), expected)  # type: ignore[misc]
        for name, query in views.items():
            for left, right in ((query, f"table {name}"), (f"table {name}", query)):
                assert rows(client, f"select * from ({left}) as l except all select * from ({right}) as r") == []


def test_a_sink_makes_its_deleted_topic_anew(client: psycopg.Connection[Any], kafka: Broker) -> None:
    topic = unique("deleted")
    run(client, "create table t (id int)")
    run(client, "insert into t values (1)")
    run(client, f"create sink k from t into kafka connection kc (topic '{topic}') format json envelope debezium")
    until_equal(lambda: topic_exists(kafka, topic) and len(messages(kafka, topic)), 1)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.delete_topics([topic])[topic].result(30)
    wait_for(lambda: not topic_exists(kafka, topic))
    started = time.monotonic()
    run(client, "insert into t values (2)")
    until_equal(
        lambda: topic_exists(kafka, topic) and messages(kafka, topic), [(None, b'{"before":null,"after":{"id":2}}')]
    )
    assert time.monotonic() - started < 30
