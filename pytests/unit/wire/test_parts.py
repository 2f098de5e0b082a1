"""The small parts of the wire: durations, startup options, variables, transaction rules; and every doctest."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import mzlite.wire
from mzlite.dialect.parse import parse
from mzlite.dialect.variables import VARIABLES
from mzlite.errors import MzError
from mzlite.session import Session
from mzlite.wire.durations import seconds
from mzlite.wire.messages import ParameterStatus
from mzlite.wire.startup import split_options
from mzlite.wire.transaction import Transaction, deferred_tag
from mzlite.wire.types import TypeMap
from mzlite.wire.variables import SessionVariables, split_identifiers

MODULES = [f"mzlite.wire.{module.name}" for module in pkgutil.iter_modules(mzlite.wire.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(name))
    assert failures == 0


@pytest.mark.parametrize(
    ("written", "expected"),
    [("2s", 2.0), ("500ms", 0.5), ("1", 1.0), ("1.5 seconds", 1.5), ("1 hour 2 min", 3720.0), ("00:01:02", 62.0)],
)
def test_durations(written: str, expected: float) -> None:
    assert seconds(written) == expected


@pytest.mark.parametrize("written", ["", "x", "1 fortnight", "-1s", "1s;"])
def test_what_is_no_duration(written: str) -> None:
    with pytest.raises(MzError):
        seconds(written)


def test_options() -> None:
    assert split_options("") == []
    assert split_options(r"--a=1  -c b=2 -cc-d=3 --e=x\ y\\z") == [
        ("a", "1"),
        ("b", "2"),
        ("c_d", "3"),
        ("e", r"x y\z"),
    ]
    for broken in ("a=1", "--a", "-c", "-x 1"):
        with pytest.raises(ValueError):  # noqa: PT011  (any will do)
            split_options(broken)


def test_identifiers() -> None:
    assert split_identifiers("Public, \"My Schema\", 'x'") == ["public", "My Schema", "x"]


def test_type_map() -> None:
    types = TypeMap([(50_001, "mz_timestamp"), (50_002, "something_else")])
    assert types.column(50_001, 8) == (16552, 8)
    assert types.column(50_002, 8) == (50_002, 8)
    assert types.column(19, 64) == (25, -1)
    assert types.column(2206, 4) == (25, -1)
    assert types.column(2206, 4, 1) == (2206, 4)
    assert types.inner(16552) == 50_001
    assert types.inner(23) == 23


def variables() -> SessionVariables:
    return SessionVariables(Session(1), VARIABLES)


def test_changes_are_reported_once() -> None:
    target = variables()
    assert len(target.changes()) == 14
    assert target.changes() == []
    target.set("cluster", "serve")
    target.set("ApPlication_Name", "me")
    assert target.changes() == [
        ParameterStatus("application_name", "me").encode(),
        ParameterStatus("cluster", "serve").encode(),
    ]


def test_reset_goes_back_to_the_start() -> None:
    target = variables()
    target.set_at_startup("cluster", "first")
    target.set("cluster", "second")
    target.set("search_path", 'a, "B c"')
    assert target.show("search_path") == 'a, "B c"'
    target.set("cluster", None)
    target.set("search_path", None)
    assert (target.show("cluster"), target.show("search_path")) == ("first", "public")
    with pytest.raises(MzError, match="unrecognized configuration parameter"):
        target.show("nosuch")


def test_the_backend_follows_what_is_set() -> None:
    target = variables()
    assert target.followed() == {}
    target.set("statement_timeout", "5s")
    target.set("timezone", "UTC")
    target.set("transaction_isolation", "serializable")
    assert target.followed() == {"statement_timeout": target.show("statement_timeout"), "timezone": "UTC"}


def admit(target: Transaction, sql: str) -> bool:
    (statement,) = parse(sql)
    return target.admit(statement)


def test_transaction_rules() -> None:
    target = Transaction()
    for sql in ("select 1", "insert into t values (1)", "create view v as select 1", "update t set a = 1"):
        assert admit(target, sql)
    admit(target, "begin")
    assert admit(target, "show cluster")
    assert admit(target, "select 1")
    with pytest.raises(MzError, match="transaction in read-only mode"):
        admit(target, "create view v as select 1")
    assert admit(target, "select * from t")
    assert admit(target, "select 2")
    for sql, state in (
        ("insert into t values (1)", "25006"),
        ("create view v as select 1", "25006"),
        ("subscribe t", "25006"),
        ("insert into t select * from u", "25001"),
    ):
        with pytest.raises(MzError) as caught:
            admit(target, sql)
        assert caught.value.sqlstate == state
    admit(target, "rollback")
    admit(target, "begin")
    for sql in ("select 1", "insert into t values (1)", "select now()", "insert into t values (2)"):
        assert admit(target, sql)
    with pytest.raises(MzError, match="transaction in write-only mode"):
        admit(target, "select * from t")
    admit(target, "rollback")
    admit(target, "begin")
    assert not admit(target, "create view v as select 1")
    with pytest.raises(MzError, match="can only execute a single statement"):
        admit(target, "create view w as select 1")
    with pytest.raises(MzError, match="can only execute a single statement"):
        admit(target, "select 1")
    assert len(target.deferred) == 1


@pytest.mark.parametrize(
    ("sql", "tag"),
    [
        ("create table t (a int)", "CREATE TABLE"),
        ("create materialized view v as select 1", "CREATE MATERIALIZED VIEW"),
        ("drop materialized view v", "DROP MATERIALIZED VIEW"),
        ("alter schema a swap with b", "ALTER SCHEMA"),
        ("alter cluster a swap with b", "ALTER CLUSTER"),
        ("comment on table t is 'x'", "COMMENT"),
        ("grant select on t to r", "GRANT"),
        ("create default index on t", "CREATE INDEX"),
    ],
)
def test_deferred_tags(sql: str, tag: str) -> None:
    (statement,) = parse(sql)
    assert deferred_tag(statement) == tag
