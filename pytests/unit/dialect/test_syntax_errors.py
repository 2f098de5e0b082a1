"""What Materialize's grammar does not take, in its words."""

from __future__ import annotations

import pytest

from mzlite.dialect.parse import parse
from mzlite.errors import MzError

CASES = [
    ("select", None),
    ("select from t", None),
    ("", None),
    (";;", None),
    ("select 1 select 2", 'Expected end of statement, found SELECT'),
    ("selec 1", 'Expected a keyword at the beginning of a statement, found identifier "selec"'),
    ("table", "Expected identifier, found EOF"),
    ("view v", "Unexpected keyword VIEW at the beginning of a statement"),
    ("tail t", "TAIL has been renamed to SUBSCRIBE"),
    ("select 'x", "unterminated quoted string"),
    ('select "x', "unterminated quoted identifier"),
    ("select /* x", "unterminated multiline comment"),
    ("select $$x", "unterminated dollar-quoted string"),
    ("select {", "unexpected character in input: {"),
    ("select 1e+", "missing required exponent"),
    ("select a,", "Unexpected EOF"),
    ("select a, from t", "invalid trailing comma in SELECT list"),
    ("select * from", "Expected identifier, found EOF"),
    ("select * from t where", "Unexpected EOF"),
    ("select * from t group by ()", "Expected an expression, found right parenthesis"),
    ("select * from t join u", "Expected ON, or USING after JOIN, found EOF"),
    ("select * from t outer join u", "Expected LEFT, RIGHT, or FULL, found OUTER"),
    ("select * from (t)", "Expected joined table, found right parenthesis"),
    ("select * from t limit 1 limit 2", "multiple LIMIT/FETCH clauses not allowed"),
    ("select all distinct 1", "Cannot specify both ALL and DISTINCT in SELECT"),
    ("select 1 union all distinct select 2", "Cannot specify both ALL and DISTINCT in set operation"),
    ("select sum(distinct *)", "DISTINCT * not supported as function args"),
    ("select sum(x) over w from t", 'Expected left parenthesis, found identifier "w"'),
    ("select x is", "Expected NULL, NOT NULL, TRUE, NOT TRUE, FALSE, NOT FALSE, UNKNOWN, NOT UNKNOWN after IS, found EOF"),
    ("select x not 1", 'Expected end of statement, found number "1"'),
    ("select x = any (1, 2)", "ANY requires a single expression or subquery, not an expression list"),
    ("select case when 1 end", "Expected THEN, found END"),
    ("select cast(1)", "Expected AS, found right parenthesis"),
    ("select interval '1' month to year", 'Expected end of statement, found string literal "1"'),
    ("with x as materialized (select 1) select 1", "Expected left parenthesis, found MATERIALIZED"),
    ("with x as (insert into t values (1)) select 1", "Expected SELECT, VALUES, or a subquery in the query body, found INSERT"),
    ("select 1 for update", "Expected end of statement, found UPDATE"),
    ("select 1 into t", 'Expected end of statement, found identifier "t"'),
    ("insert into t values (1) on conflict do nothing", "Expected end of statement, found ON"),
    ("update t set a = 1 returning a", "Expected end of statement, found RETURNING"),
    ("create table t as select 1", "Expected a list of columns in parentheses, found AS"),
    ("create table t", "Expected a list of columns in parentheses, found EOF"),
    ("create table t (a int generated always as (1))", 'Expected column option, found identifier "generated"'),
    ("create extension x", 'Expected DATABASE, SCHEMA, ROLE, TYPE, INDEX, SINK, SOURCE, [TEMPORARY] TABLE, SECRET, [OR REPLACE] [TEMPORARY] VIEW, or [OR REPLACE] MATERIALIZED VIEW after CREATE, found identifier "extension"'),
    ("create or replace table t (a int)", "Expected [TEMPORARY] VIEW, or MATERIALIZED VIEW after CREATE OR REPLACE, found TABLE"),
    ("create temporary index i on t (a)", "Expected TABLE, or VIEW after CREATE TEMPORARY, found INDEX"),
    ("create user u", "CREATE USER is not supported, for more information consult the documentation at https://materialize.com/docs/sql/create-role/#details"),
    ("create unique index i on t (a)", 'Expected DATABASE, SCHEMA, ROLE, TYPE, INDEX, SINK, SOURCE, [TEMPORARY] TABLE, SECRET, [OR REPLACE] [TEMPORARY] VIEW, or [OR REPLACE] MATERIALIZED VIEW after CREATE, found UNIQUE'),
    ("create index on t (a)", None),
    ("create index if not exists on t (a)", "Expected index name, found ON"),
    ("create cluster c", "Expected one of AVAILABILITY or DISK or INTROSPECTION or MANAGED or REPLICAS or REPLICATION or SIZE or SCHEDULE or WORKLOAD, found EOF"),
    ("create connection c to mongodb (x 1)", 'Expected one of AWS or KAFKA or CONFLUENT or POSTGRES or SSH or SQL or MYSQL or ICEBERG, found identifier "mongodb"'),
    ("create source s from kafka connection c (topic 'x') format xml", 'Expected AVRO, PROTOBUF, REGEX, CSV, JSON, TEXT, or BYTES, found identifier "xml"'),
    ("create sink s from v into kafka connection c (topic 'x') envelope none", "Expected UPSERT, or DEBEZIUM, found NONE"),
    ("drop", "Expected one of TABLE or VIEW or MATERIALIZED or SOURCE or SINK or INDEX or TYPE or ROLE or USER or CLUSTER or SECRET or CONNECTION or DATABASE or SCHEMA or FUNCTION or CONTINUAL or NETWORK, found EOF"),
    ("drop function f", "Unsupported DROP on FUNCTION"),
    ("drop table t cascade restrict", "Cannot specify both CASCADE and RESTRICT in DROP"),
    ("alter table t drop column a", "Expected one of SET or RENAME or OWNER or RESET or ADD, found DROP"),
    ("alter schema s set x", "Expected one of OWNER or RENAME or SWAP, found SET"),
    ("comment on column a is 'x'", "need to specify an object and a column"),
    ("comment on table t is 5", 'Expected NULL or literal string, found number "5"'),
    ("set x", "Expected equals sign or TO, found EOF"),
    ("begin isolation level x", 'Expected isolation level, found identifier "x"'),
    ("declare c cursor with hold for select 1", "WITH HOLD is unsupported for cursors"),
    ("prepare p as show tables", "unpreparable statement"),
    ("prepare p (int) as select 1", "Expected AS, found left parenthesis"),
    ("copy t from stdin with csv", "Expected left parenthesis, found CSV"),
    ("copy (show tables) to stdout", "unsupported query in COPY"),
    ("grant select on view v to r", "For object type VIEW, you must specify 'TABLE' or omit the object type"),
    ("grant usage on sink s to r", "Unsupported GRANT on SINK"),
    ("explain view v", "EXPLAIN statement for a view needs an explicit stage"),
    ("explain plan select 1", "Expected FOR, found SELECT"),
    ("subscribe t with (snapshots)", 'Expected one of PROGRESS or SNAPSHOT, found identifier "snapshots"'),
    ("fetch 1 c with (timeout '1s', x 1)", 'Expected TIMEOUT, found identifier "x"'),
    ("show full tables", "Expected end of statement, found TABLES"),
    ("show redacted tables", "SHOW REDACTED is only supported for SHOW REDACTED CREATE ..."),
    ("select " + "(" * 300 + "1" + ")" * 300, "statement exceeds nested expression limit of 128"),
    ("select \"" + "x" * 256 + '"', "identifier length exceeds 255 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message"), CASES, ids=[sql[:50] for sql, _ in CASES])
def test_syntax(sql: str, message: str | None) -> None:
    if message is None:
        parse(sql)
        return
    with pytest.raises(MzError) as caught:
        parse(sql)
    assert caught.value.message == message
    assert caught.value.sqlstate == "42601"
