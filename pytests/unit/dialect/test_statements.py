"""Own statements as objects: each part of the text is where the executors look for it."""

from __future__ import annotations

import pytest

from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect.features import FLAGS
from mzlite.dialect.parse import parse


def one(sql: str) -> s.Statement:
    (statement,) = parse(sql)
    assert statement.sql == sql
    return statement


def test_source() -> None:
    sql = (
        "create source if not exists a.b in cluster c from kafka connection k (topic 't', start offset (0, 10)) "
        "key format text value format csv with 3 columns delimited by ';' include key as x, partition, "
        "header 'h' as y bytes envelope upsert (value decoding errors = (inline as z)) expose progress as a.p "
        "with (timestamp interval '5s')"
    )
    source = one(sql)
    assert isinstance(source, d.CreateSource)
    assert (source.name, source.kind, source.connection, source.cluster) == (("a", "b"), "kafka", ("k",), "c")
    assert source.options == {"TOPIC": "t", "START OFFSET": "[0, 10]"}
    assert source.format == d.Format("text", "csv", csv_columns=3, csv_delimiter=";")
    assert source.includes == (
        d.Include("key", "x"),
        d.Include("partition"),
        d.Include("header", "y", "h", header_bytes=True),
    )
    assert (source.envelope, source.inline_error_column) == ("upsert-value-err-inline", "z")
    assert (source.progress, source.if_not_exists) == (("a", "p"), True)
    assert source.with_options == {"TIMESTAMP INTERVAL": "5s"}


def test_table_from_source() -> None:
    table = one('create table t (a, b) from source s (reference "x"."y") format json include offset envelope none')
    assert isinstance(table, d.CreateTableFromSource)
    assert (table.source, table.reference, table.columns) == (("s",), "x.y", ("a", "b"))
    assert table.format == d.Format(None, "json")


def test_connection() -> None:
    connection = one(
        "create connection k to kafka (brokers ('a:1', 'b:2'), sasl password = secret d.pw, security protocol sasl_ssl)"
        " with (validate = false)"
    )
    assert isinstance(connection, d.CreateConnection)
    assert connection.options == {
        "BROKERS": '["a:1", "b:2"]',
        "SASL PASSWORD": "SECRET d.pw",
        "SECURITY PROTOCOL": "sasl_ssl",
    }
    assert connection.validate is False
    plain = one("create connection k for kafka broker 'a:1'")
    assert isinstance(plain, d.CreateConnection)
    assert (plain.options, plain.validate) == ({"BROKER": "a:1"}, None)


def test_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FLAGS, "enabled", {"enable_kafka_sink_headers"})
    sink = one(
        "create sink s in cluster c from a.v into kafka connection k (topic 't', topic partition count 3, partition by "
        "= seahash(id::string)) key (id, x) not enforced headers h key format text value format json envelope upsert "
        "with (snapshot = false)"
    )
    assert isinstance(sink, d.CreateSink)
    assert (sink.source, sink.key, sink.key_not_enforced, sink.headers) == (("a", "v"), ("id", "x"), True, "h")
    assert sink.options == {"TOPIC": "t", "TOPIC PARTITION COUNT": 3, "PARTITION BY": "seahash(id::text)"}
    assert (sink.format, sink.envelope, sink.with_options) == (d.Format("text", "json"), "upsert", {"SNAPSHOT": False})


def test_clusters() -> None:
    managed = one("create cluster c (size = '25cc', replication factor 2, managed)")
    assert isinstance(managed, d.CreateCluster)
    assert managed.options == {"SIZE": "25cc", "REPLICATION FACTOR": 2, "MANAGED": True}
    unmanaged = one("create cluster c replicas (r1 (size '25cc'), r2 (size '50cc'))")
    assert isinstance(unmanaged, d.CreateCluster)
    assert unmanaged.replicas == (("r1", {"SIZE": "25cc"}), ("r2", {"SIZE": "50cc"}))
    assert one("alter cluster c set (size '50cc')") == d.AlterSet(
        "alter cluster c set (size '50cc')", "cluster", ("c",), {"SIZE": "50cc"}
    )
    assert one("alter cluster c swap with d") == d.AlterSwap("alter cluster c swap with d", "cluster", ("c",), "d")


def test_materialized_view() -> None:
    view = one(
        'create or replace materialized view "A".m (x, y) in cluster c '
        "with (assert not null x, refresh = on commit) as select 1, 2"
    )
    assert isinstance(view, d.CreateMaterializedView)
    assert (view.name, view.columns, view.cluster, view.or_replace) == (("A", "m"), ("x", "y"), "c", True)
    assert (view.assert_not_null, view.refresh, view.query) == (("x",), ("ON COMMIT",), "select 1, 2")


def test_index() -> None:
    index = one("create index i in cluster c on a.t (x, upper(y), (z + 1))")
    assert isinstance(index, d.CreateIndex)
    assert (index.name, index.on, index.cluster) == ("i", ("a", "t"), "c")
    assert index.expressions == ("x", "upper(y)", "(z + 1)")
    default = one("create default index on t")
    assert isinstance(default, d.CreateIndex)
    assert (default.name, default.expressions) == (None, None)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("drop view if exists a.v, w cascade", ("view", (("a", "v"), ("w",)), True, True)),
        ("drop materialized view m", ("materialized view", (("m",),), False, False)),
        ("drop cluster replica c.r", ("cluster replica", (("c", "r"),), False, False)),
        ("drop database d", ("database", (("d",),), False, True)),
        ("drop database d restrict", ("database", (("d",),), False, False)),
        ("drop schema a.b cascade", ("schema", (("a", "b"),), False, True)),
        ("drop role r", ("role", (("r",),), False, False)),
    ],
)
def test_drop(sql: str, expected: tuple[object, ...]) -> None:
    drop = one(sql)
    assert isinstance(drop, d.Drop)
    assert (drop.object_type, drop.names, drop.if_exists, drop.cascade) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("comment on column a.b.c is 'it''s'", ("column", ("a", "b", "c"), "it's")),
        ("comment on materialized view m is null", ("materialized view", ("m",), None)),
        ("comment on cluster replica c.r is 'x'", ("cluster replica", ("c", "r"), "x")),
    ],
)
def test_comment(sql: str, expected: tuple[object, ...]) -> None:
    comment = one(sql)
    assert isinstance(comment, d.Comment)
    assert (comment.object_type, comment.name, comment.comment) == expected


def test_subscribe_in_its_three_places() -> None:
    plain = one("subscribe (select a::json from t) envelope upsert (key (a)) with (snapshot = false, progress) as of 5")
    assert isinstance(plain, s.Subscribe)
    assert (plain.query, plain.envelope, plain.keys) == ("select a::jsonb from t", "upsert", ("a",))
    assert (plain.snapshot, plain.progress, plain.as_of, plain.output) == (False, True, "5", "rows")
    copied = one("copy (subscribe to a.t up to 9) to stdout with (format csv)")
    assert isinstance(copied, s.Subscribe)
    assert (copied.relation, copied.up_to, copied.output, copied.copy_format) == (("a", "t"), "9", "copy", "csv")
    cursor = one("declare c cursor for subscribe t within timestamp order by a desc")
    assert isinstance(cursor, s.Subscribe)
    assert (cursor.cursor, cursor.output, cursor.within_timestamp_order_by) == (
        "c",
        "cursor",
        (s.SubscribeOrder("a", False, False),),
    )


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("fetch 4 c with (timeout = '2s')", ("c", 4, "2s", "fetch 4 c")),
        ("fetch all from c", ("c", None, None, "fetch all from c")),
        ("fetch forward c", ("c", 1, None, "fetch forward c")),
    ],
)
def test_fetch(sql: str, expected: tuple[object, ...]) -> None:
    fetch = one(sql)
    assert isinstance(fetch, s.Fetch)
    assert (fetch.cursor, fetch.count, fetch.timeout, fetch.relay_sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("set cluster = c", ("cluster", "c", False)),
        ("set session time zone 'UTC'", ("timezone", "UTC", False)),
        ("set local statement_timeout to 5000", ("statement_timeout", "5000", True)),
        ("set search_path = a, \"B c\", 'd'", ("search_path", 'a, "B c", d', False)),
        ("set schema a", ("search_path", "a", False)),
        ("set names utf8", ("client_encoding", "utf8", False)),
        ("set welcome_message = off", ("welcome_message", "off", False)),
        ("set welcome_message = true", ("welcome_message", "true", False)),
        ("set extra_float_digits = -1", ("extra_float_digits", "-1", False)),
        ("set x to default", ("x", None, False)),
        ("set transaction isolation level serializable", ("transaction_isolation", "serializable", True)),
    ],
)
def test_set(sql: str, expected: tuple[object, ...]) -> None:
    setting = one(sql)
    assert isinstance(setting, s.SetVariable)
    assert (setting.name, setting.value, setting.local) == expected


@pytest.mark.parametrize(
    ("sql", "writes", "reads_then_writes"),
    [
        ("insert into t values (1)", True, False),
        ("insert into t select * from u", True, True),
        ("insert into t select 1", True, False),
        ("update t set a = 1", True, True),
        ("delete from t", True, True),
        ("copy t from stdin", True, False),
        ("select 1", False, False),
    ],
)
def test_what_writes(sql: str, writes: bool, reads_then_writes: bool) -> None:
    statement = one(sql)
    assert isinstance(statement, s.Relayed)
    assert (statement.writes, statement.reads_then_writes) == (writes, reads_then_writes)


def test_prepared_statements_know_what_they_do() -> None:
    prepare = one("prepare p as insert into t values ($1)")
    assert isinstance(prepare, s.Prepare)
    assert prepare.prepared is not None
    assert (prepare.name, prepare.prepared.writes) == ("p", True)
    execute = one("execute p (1)")
    assert isinstance(execute, s.Execute)
    assert execute.name == "p"


def test_statements_are_split_at_semicolons_outside_of_strings() -> None:
    texts = [statement.sql for statement in parse(" select ';' ; -- one; two\n select $$;$$;; begin ")]
    assert texts == ["select ';'", "select $$;$$", "begin"]


def test_ordinary_statements_parse_fast() -> None:
    """A generous bound: the point is that nothing is quadratic."""
    import time

    sql = "select " + ", ".join(f"coalesce(c{number}, {number}) + 1 as x{number}" for number in range(500)) + " from t"
    started = time.perf_counter()
    parse(sql)
    assert time.perf_counter() - started < 2.0
