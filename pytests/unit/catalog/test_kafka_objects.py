"""Secrets, connections, sources and sinks: what the engine is told, and what is shown and refused."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from mzlite.errors import MzError
from stack.broker import Broker

from .conftest import Database


def refused(database: Database, sql: str) -> MzError:
    with pytest.raises(MzError) as caught:
        database.run(sql)
    return caught.value


@pytest.fixture
def connected(database: Database, kafka: Broker) -> Database:
    database.run(f"create connection kc to kafka (broker '127.0.0.1:{kafka.port}', security protocol = 'plaintext')")
    return database


@pytest.fixture
def topic(kafka: Broker) -> str:
    name = f"orders-{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{kafka.port}"})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(30)
    return name


def test_secrets_are_kept_and_never_shown(database: Database) -> None:
    database.run("create secret s as 'topsecret'")
    assert database.rows("show secrets") == [("s", "")]
    database.run("alter secret s as '\\x6869'")
    with database.transaction() as tx:
        assert tx.execute("select contents from mzlite.secrets").fetchall() == [(b"hi",)]
    assert "topsecret" not in str(database.rows("select * from mz_secrets"))
    database.run("drop secret s")
    with database.transaction() as tx:
        assert tx.execute("select count(*) from mzlite.secrets").fetchone() == (0,)


def test_connections_are_tried_unless_told_not_to(database: Database) -> None:
    database.run(
        "create connection k1 to kafka (broker '127.0.0.1:1', security protocol = 'plaintext') with (validate = false)"
    )
    assert database.create_sql("connection", "k1") == (
        "CREATE CONNECTION materialize.probe.k1 TO KAFKA (BROKER = '127.0.0.1:1', SECURITY PROTOCOL = plaintext);"
    )
    error = refused(database, "create connection k2 to kafka (broker '127.0.0.1:1')")
    assert (error.sqlstate, error.message) == ("58000", "Broker transport failure")
    assert refused(database, "validate connection k1").message == "Broker transport failure"
    assert database.rows("select name, type from mz_connections") == [("k1", "kafka")]
    assert database.rows("select brokers from mz_kafka_connections") == [(["127.0.0.1:1"],)]


def test_a_secret_in_use_cannot_be_dropped(database: Database) -> None:
    database.run("create secret password as 'open sesame'")
    database.run(
        "create connection k to kafka (broker '127.0.0.1:1', security protocol = 'sasl_plaintext',"
        " sasl mechanisms = 'PLAIN', sasl username = 'me', sasl password = secret password) with (validate = false)"
    )
    assert refused(database, "drop secret password").message == (
        'cannot drop secret "password": still depended upon by connection "k"'
    )
    assert "SASL PASSWORD = SECRET materialize.probe.password" in database.create_sql("connection", "k")


def test_a_source_of_bytes(connected: Database, topic: str) -> None:
    connected.run("create cluster pc2 (size '25cc')")
    connected.run(
        f"create source src in cluster pc2 from kafka connection kc (topic '{topic}') format bytes"
        " include partition, offset, timestamp as ts, headers envelope none"
    )
    assert [row[:3] for row in connected.rows("show columns from src")] == [
        ("data", False, "bytea"),
        ("partition", False, "integer"),
        ("offset", False, "uint8"),
        ("ts", False, "timestamp without time zone"),
        ("headers", False, "list"),
    ]
    assert connected.rows("show sources") == [
        ("src", "kafka", "pc2", ""),
        ("src_progress", "progress", None, ""),
    ]
    assert connected.create_sql("source", "src") == (
        "CREATE SOURCE materialize.probe.src\nIN CLUSTER pc2\n"
        f"FROM KAFKA CONNECTION materialize.probe.kc (TOPIC = '{topic}')\nFORMAT BYTES\n"
        "INCLUDE PARTITION, OFFSET, TIMESTAMP AS ts, HEADERS\nENVELOPE NONE\n"
        "EXPOSE PROGRESS AS materialize.probe.src_progress;"
    )
    (spec,) = connected.dataflow.ingests.values()
    assert (spec.topic, spec.columns, spec.envelope) == (
        topic,
        ("data", "partition", "offset", "ts", "headers"),
        "none",
    )
    assert spec.headers_type_oid > 0
    connected.run("drop source src")
    assert connected.rows("show sources") == []


def test_an_upsert_source_and_its_progress(connected: Database, topic: str) -> None:
    connected.run(
        f"create source src2 from kafka connection kc (topic '{topic}') key format text value format json"
        " include key as k, partition as p envelope upsert (value decoding errors = (inline as problem))"
        " expose progress as how_far"
    )
    assert [row[:3] for row in connected.rows("show columns from src2")] == [
        ("k", False, "text"),
        ("problem", True, "record"),
        ("data", True, "jsonb"),
        ("p", False, "integer"),
    ]
    assert [row[:3] for row in connected.rows("show columns from how_far")] == [
        ("partition", False, "numrange"),
        ("offset", True, "uint8"),
    ]
    found = connected.rows("select name, type, envelope_type, key_format, value_format from mz_sources order by name")
    assert found == [
        ("how_far", "progress", None, None, None),
        ("src2", "kafka", "upsert-value-err-inline", "text", "json"),
    ]


def test_tables_from_a_source(connected: Database, topic: str) -> None:
    connected.run(f"create source src3 from kafka connection kc (topic '{topic}', start offset (1, 0))")
    connected.run(f'create table st from source src3 (reference "{topic}") format text include offset')
    assert [row[:3] for row in connected.rows("show columns from st")] == [
        ("text", False, "text"),
        ("offset", False, "uint8"),
    ]
    assert connected.rows("show sources") == [("src3", "kafka", "quickstart", "")]
    (spec,) = connected.dataflow.ingests.values()
    assert dict(spec.start_offsets) == {0: 1, 1: 0}
    assert refused(connected, "drop source src3").message == (
        'cannot drop source "src3": still depended upon by table "st"'
    )


def test_what_sources_are_refused(connected: Database, topic: str) -> None:
    assert refused(
        connected, "create source s from kafka connection kc (topic 'nosuch-topic') format bytes"
    ).message == ("Topic does not exist")
    assert refused(
        connected, f"create source s from kafka connection kc (topic '{topic}') format json envelope upsert"
    ).message == ("ENVELOPE [DEBEZIUM] UPSERT requires that KEY FORMAT be specified")
    assert connected.rows("show sources") == []


SINK = "into kafka connection kc (topic 'zz')"


def test_sinks(connected: Database) -> None:
    connected.run("create cluster pc2 (size '25cc')")
    connected.run("create table t (id int not null, name text, amount numeric)")
    connected.run("create materialized view msink as select distinct on (id) * from t order by id")
    connected.run(f"create sink sk1 in cluster pc2 from msink {SINK} key (id) format json envelope upsert")
    connected.run(f"create sink sk2 in cluster pc2 from msink {SINK} key (id) format json envelope debezium")
    connected.run(
        f"create sink sk3 in cluster pc2 from msink {SINK} key (id) key format text value format json envelope upsert"
        " with (snapshot = false)"
    )
    assert connected.create_sql("sink", "sk1") == (
        "CREATE SINK materialize.probe.sk1 IN CLUSTER pc2 FROM materialize.probe.msink INTO KAFKA CONNECTION"
        " materialize.probe.kc (TOPIC = 'zz') KEY (id) FORMAT JSON ENVELOPE UPSERT;"
    )
    assert connected.rows("select name, type, size, envelope_type, format from mz_sinks order by 1") == [
        ("sk1", "kafka", None, "upsert", "json"),
        ("sk2", "kafka", None, "debezium", "json"),
        ("sk3", "kafka", None, "upsert", "key-text-value-json"),
    ]
    specs = list(connected.dataflow.sinks.values())
    assert [(spec.key_format, spec.value_format, spec.envelope, spec.snapshot) for spec in specs] == [
        ("json", "json", "upsert", True),
        ("json", "json", "debezium", True),
        ("text", "json", "upsert", False),
    ]
    assert len({spec.transactional_id for spec in specs}) == 3
    assert len({spec.progress_topic for spec in specs}) == 1
    assert refused(connected, "drop materialized view msink").message == (
        'cannot drop materialized view "msink": still depended upon by sink "sk1"'
    )


@pytest.mark.parametrize(
    ("query", "key", "unique"),
    [
        ("select distinct on (id) * from t order by id", "id", True),
        ("select distinct on (id) id, name from t order by id", "id, name", True),
        ("select distinct on (id) id, name from t order by id", "name", False),
        ("select name, count(*) as n from t group by name", "name", True),
        ("select name, count(*) as n from t group by 1", "name", True),
        ("select name as who, count(*) as n from t group by name", "who", True),
        ("select upper(name) as who, count(*) as n from t group by upper(name)", "who", True),
        ("select name, id, count(*) as n from t group by name, id", "name", False),
        ("select count(*) as n from t", "n", True),
        ("select distinct name from t", "name", True),
        ("select name from t union select 'x'", "name", True),
        ("select name from t union all select 'x'", "name", False),
        (
            "with g as (select name, max(id) as last from t group by name) select last, name from g where last > 1",
            "name",
            True,
        ),
        ("select x.name from (select name from t group by name) as x", "name", True),
        ("select a.name from (select name from t group by name) as a, t", "name", False),
        ("select * from grouped where n > 1", "name", True),
        ("select name || 'x' as name from grouped", "name", False),
        ("select id, name from t", "id", False),
        ("select a.who from (select name from t group by name) as a (who)", "who", True),
        ("select a.name from (select name, count(*) as n from t group by name) as a (n, name)", "name", False),
    ],
)
def test_a_key_has_to_be_provably_unique(connected: Database, query: str, key: str, unique: bool) -> None:
    connected.run("create table t (id int not null, name text)")
    connected.run("create view grouped as select name, count(*) as n from t group by name")
    connected.run(f"create materialized view mv as {query}")
    statement = f"create sink sk from mv {SINK} key ({key}) format json envelope upsert"
    if unique:
        connected.run(statement)
    else:
        assert refused(connected, statement).message == "upsert key could not be validated as unique"
        connected.run(statement.replace(f"({key})", f"({key}) not enforced"))


def test_an_asserted_column_is_as_unique_as_without_the_assertion(connected: Database) -> None:
    connected.run("create table t (id int, name text)")
    definition = "select distinct on (id) id, name from t order by id"
    connected.run(f"create materialized view mv with (assert not null id, assert not null = name) as {definition}")
    connected.run(f"create sink sk from mv {SINK} key (id) format json envelope upsert")
    statement = f"create sink other from mv {SINK} key (name) format json envelope upsert"
    assert refused(connected, statement).message == "upsert key could not be validated as unique"


def test_what_sinks_are_refused(connected: Database) -> None:
    connected.run("create table t (id int not null, name text)")
    connected.run("create view v1 as select * from t")
    for rest, message in (
        (f"from v1 {SINK} key (id) format json envelope debezium", "v1 is a view, which cannot be exported as a sink"),
        (f"from t {SINK} format json", "ENVELOPE clause is required"),
        (f"from t {SINK} key (nosuch) format json envelope upsert", "column referenced in KEY does not exist: nosuch"),
    ):
        assert refused(connected, f"create sink sk {rest}").message == message
    assert connected.rows("show sinks") == []


def test_statuses_keep_their_history(connected: Database, topic: str) -> None:
    from mzlite.catalog.status import record_counters, record_status

    connected.run(f"create source src from kafka connection kc (topic '{topic}') format bytes")
    ((identity,),) = connected.rows("select id from mz_sources where name = 'src'")
    status = "select name, status, error from mz_internal.mz_source_statuses order by name"
    assert connected.rows(status) == [("src", "starting", None), ("src_progress", "running", None)]
    for name, error in (("running", None), ("running", None), ("stalled", "no broker"), ("running", None)):
        with connected.transaction() as tx:
            record_status(tx, identity, name, error)  # type: ignore[arg-type]
            record_counters(tx, identity, {"messages_received": 3, "offset_committed": 3})  # type: ignore[arg-type]
            record_status(tx, "u999999", name)  # type: ignore[arg-type]
    assert connected.rows(status) == [("src", "running", None), ("src_progress", "running", None)]
    history = connected.rows("select status, error from mz_internal.mz_source_status_history order by occurred_at")
    assert history == [("running", None), ("stalled", "no broker"), ("running", None)]
    counters = connected.rows(
        "select messages_received::text, offset_committed::text from mz_internal.mz_source_statistics"
    )
    assert counters == [("3", "3")]
