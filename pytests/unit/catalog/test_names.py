"""Schemas, databases, clusters and roles: names, swaps, reservations and privileges."""

from __future__ import annotations

import pytest

from mzlite.errors import MzError

from .conftest import Database


def refused(database: Database, sql: str) -> MzError:
    with pytest.raises(MzError) as caught:
        database.run(sql)
    return caught.value


def test_schemas(database: Database) -> None:
    assert database.run("create schema if not exists probe") == (
        "CREATE SCHEMA",
        ['schema "probe" already exists, skipping'],
    )
    assert refused(database, "create schema probe").message == "schema 'probe' already exists"
    error = refused(database, "create schema mz_mine")
    assert (error.message, error.sqlstate) == ("unacceptable schema name 'mz_mine'", "42939")
    assert refused(database, "create schema nosuch.x").message == "unknown database 'nosuch'"
    assert refused(database, "drop schema nosuch").message == "unknown schema 'nosuch'"
    assert database.run("drop schema if exists nosuch")[1] == ['schema "nosuch" does not exist, skipping']
    database.run("create table t (a int)")
    assert refused(database, "drop schema probe").message == (
        "schema 'materialize.probe' cannot be dropped without CASCADE while it contains objects"
    )
    assert refused(database, "create view mz_catalog.v as select 1").message == (
        "system schema 'mz_catalog' cannot be modified"
    )
    assert refused(database, "create table nosuch.t (a int)").message == "unknown schema 'nosuch'"


def test_schemas_swap_with_all_that_is_in_them(database: Database) -> None:
    database.run("create schema green")
    database.run("create table t (a int); create view v as select a as blue from t")
    database.run("create table green.t (a int); create view green.v as select a as green from green.t")
    database.run("create view reader as select * from v")
    ids = dict(database.rows("select name, id from mz_schemas where name in ('probe', 'green')"))
    database.run("alter schema probe swap with green")
    assert [row[0] for row in database.rows("show columns from probe.v")] == ["green"]
    assert [row[0] for row in database.rows("show columns from green.v")] == ["blue"]
    assert database.create_sql("view", "green.reader").endswith("FROM materialize.green.v;")
    after = dict(database.rows("select name, id from mz_schemas where name in ('probe', 'green')"))
    assert after == {"probe": ids["green"], "green": ids["probe"]}


def test_swapping_with_something_unknown_changes_nothing(database: Database) -> None:
    assert refused(database, "alter schema probe swap with nosuch").message == "unknown schema 'nosuch'"
    assert refused(database, "alter cluster quickstart swap with nosuch").message == "unknown cluster 'nosuch'"
    assert ("probe",) in database.rows("select name from mz_schemas")


def test_clusters(database: Database) -> None:
    database.run("create cluster pc (size 'scale=1,workers=1', replication factor 2)")
    assert database.create_sql("cluster", "pc") == (
        "CREATE CLUSTER \"pc\" (INTROSPECTION DEBUGGING = false, INTROSPECTION INTERVAL = INTERVAL '00:00:01',"
        " MANAGED = true, REPLICATION FACTOR = 2, SIZE = 'scale=1,workers=1', SCHEDULE = MANUAL)"
    )
    replicas = (
        "select r.name, r.size from mz_cluster_replicas r join mz_clusters c on c.id = r.cluster_id where c.name = 'pc'"
    )
    assert sorted(database.rows(replicas)) == [("r1", "scale=1,workers=1"), ("r2", "scale=1,workers=1")]
    database.run("alter cluster pc set (size '50cc', replication factor 1)")
    assert database.rows(replicas) == [("r1", "50cc")]
    error = refused(database, "create cluster x (size 'nosuch')")
    assert error.message == "unknown cluster replica size nosuch"
    assert error.hint == (
        "Valid cluster replica sizes are: 100cc, 200cc, 25cc, 50cc, bootstrap, scale=1,workers=1, scale=1,workers=2,"
        " scale=1,workers=4"
    )
    assert refused(database, "create cluster pc (size '25cc')").message == "cluster 'pc' already exists"
    assert refused(database, "create cluster x (replication factor 1)").message == (
        "SIZE must be specified for managed clusters"
    )
    assert refused(database, "drop cluster mz_system").message == "system cluster 'mz_system' cannot be modified"


def test_clusters_swap(database: Database) -> None:
    database.run("create cluster blue (size '25cc'); create cluster green (size '50cc')")
    database.run("create materialized view mv in cluster blue as select 1 as a")
    database.run("alter cluster blue swap with green")
    assert database.rows("show materialized views") == [("mv", "green", "")]
    assert database.rows("select size from mz_clusters where name = 'blue'") == [("50cc",)]


def test_a_cluster_in_use_goes_only_with_what_it_keeps(database: Database) -> None:
    database.run("create cluster pc (size '25cc')")
    database.run("create materialized view mv in cluster pc as select 1 as a")
    assert refused(database, "drop cluster pc").message == (
        'cannot drop cluster "pc" because other objects depend on it'
    )
    database.run("drop cluster pc cascade")
    assert database.rows("show materialized views") == []


def test_unmanaged_clusters(database: Database) -> None:
    database.run("create cluster un replicas (a (size '25cc'), b (size '50cc'))")
    database.run("create cluster replica un.c size '25cc'")
    database.run("drop cluster replica un.a")
    query = (
        "select r.name, r.size from mz_cluster_replicas r join mz_clusters c on c.id = r.cluster_id where c.name = 'un'"
    )
    assert sorted(database.rows(query)) == [("b", "50cc"), ("c", "25cc")]
    assert refused(database, "create cluster replica quickstart.x size '25cc'").message == (
        "cannot modify managed cluster quickstart"
    )


def test_hydration_and_lag_are_known_per_replica(database: Database) -> None:
    database.run("create cluster pc (size '25cc')")
    database.run("create materialized view mv in cluster pc as select 1 as a")
    found = database.rows(
        "select h.hydrated, l.lag < interval '10 seconds' from mz_internal.mz_hydration_statuses h"
        " join mz_internal.mz_wallclock_global_lag l on l.object_id = h.object_id"
        " join mz_cluster_replicas r on r.id = h.replica_id"
    )
    assert found == [(True, True)]


def test_databases(database: Database) -> None:
    database.run("create database other")
    try:
        database.run("create table other.public.t (a int)")
        assert database.create_sql("table", "other.public.t").startswith("CREATE TABLE other.public.t (")
        assert refused(database, "drop database other restrict").message == (
            "database 'other' cannot be dropped with RESTRICT while it contains schemas"
        )
    finally:
        database.run("drop database other")
    assert database.rows("show databases") == [("materialize", "")]


def test_roles_and_privileges(database: Database) -> None:
    database.run("create table t (a int)")
    database.run("create role r1")
    try:
        database.run("grant select, insert on t to r1")
        assert database.rows("select privileges::text[] from mz_tables where name = 't' and id like 'u%'") == [
            (["u1=arwd/u1", database.rows("select id || '=ar/u1' from mz_roles where name = 'r1'")[0][0]],)
        ]
        error = refused(database, "drop role r1")
        assert (error.sqlstate, error.message) == (
            "2BP01",
            'role "r1" cannot be dropped because some objects depend on it',
        )
        assert error.detail == 'r1: privileges on TABLE "materialize.probe.t" granted by materialize'
        assert database.run("drop owned by r1")[0] == "DROP OWNED"
    finally:
        assert database.run("drop role r1")[0] == "DROP ROLE"
    assert refused(database, "grant select on t to nosuch").message == "unknown role 'nosuch'"
    assert refused(database, "drop role materialize").message == "current role cannot be dropped"
