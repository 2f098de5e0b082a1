"""Clients are no superusers inside: each way to files, programs, other sessions and mzlite's own tables is closed.

Every attack is tried over the simple and the extended protocol; queries are also tried in views, in prepared
statements and in cursors. None may succeed, and none may be answered with anything but an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Timer
from typing import Any

import psycopg
import pytest

from pytests.security.running import DEADLINE, RunningServer

FUNCTIONS = (
    "pg_read_file('/etc/passwd')",
    "pg_catalog.pg_read_file('/etc/passwd')",
    "pg_read_binary_file('/etc/passwd')",
    "pg_ls_dir('/')",
    "pg_stat_file('/etc/passwd')",
    "lo_import('/etc/passwd')",
    "lo_export(1, '/tmp/x')",
    "lo_create(0)",
    "lo_from_bytea(0, 'x')",
    "pg_terminate_backend(1)",
    "pg_advisory_lock(1)",
    "pg_try_advisory_lock(1)",
    "pg_sleep(60)",
    "pg_notify('a', 'b')",
    "pg_reload_conf()",
    "pg_rotate_logfile()",
    "pg_switch_wal()",
    "pg_export_snapshot()",
    "set_config('mzlite.now', '1', false)",
    "set_config('role', 'mz_system', false)",
    "query_to_xml('select * from mzlite.secrets', true, true, '')",
    "table_to_xml('mzlite.secrets', true, true, '')",
    "database_to_xml(true, true, '')",
    "dblink('dbname=postgres', 'select 1')",
    "currval('mzlite.object_ids')",
    "nextval('mzlite.object_ids')",
    "pg_relation_filepath('t'::regclass)",
    "pg_logical_emit_message(true, 'a', 'b')",
    "mzlite.readable('u1')",
    "mzlite.full_name('u1')",
    "mz_internal.moment()",
    "mz_internal.render('${u1}')",
)
QUERIES = (
    *(f"select {call}" for call in FUNCTIONS),
    *(f"select * from {call} as f" for call in FUNCTIONS),
    *(
        f"select * from {relation}"
        for relation in (
            "mzlite.secrets",
            "mzlite.objects",
            "mzlite.roles",
            "mzlite.outbox",
            "mzlite.offsets",
            '"mzlite"."secrets"',
            "mzlite_def.u1",
            "mzlite_data.n_1",
            "mzlite_inbox.n_1",
            "pg_shadow",
            "pg_hba_file_rules",
            "pg_file_settings",
            "pg_largeobject",
            "pg_statistic",
            "pg_user_mapping",
            "pg_subscription",
        )
    ),
    "table mzlite.secrets",
    "select (select contents from mzlite.secrets limit 1)",
    "select 1 from t where exists (select from mzlite.secrets)",
    "with s as (select * from mzlite.secrets) select count(*) from s",
)
SETTINGS = (
    "data_directory",
    "hba_file",
    "config_file",
    "log_directory",
    "shared_preload_libraries",
    "unix_socket_directories",
)
STATEMENTS = (
    "copy (select 1) to program 'id'",
    "copy (select 1) to '/tmp/x'",
    "copy t from program 'id'",
    "copy t from '/etc/passwd'",
    "copy mzlite.secrets to stdout",
    "copy (select * from mzlite.secrets) to stdout",
    "do $$ begin end $$",
    "create function f() returns int language sql as 'select 1'",
    "create function f() returns text language plpython3u as 'pass'",
    "create procedure p() language sql as 'select 1'",
    "create extension dblink",
    "create language plpython3u",
    "create rule r as on select to t do instead select 1",
    "create trigger x after insert on t execute function f()",
    "create event trigger x on ddl_command_end execute function f()",
    "create server s foreign data wrapper postgres_fdw",
    "create publication p",
    "create tablespace x location '/tmp'",
    "set role mz_system",
    "set role to mz_system",
    "set session authorization mz_system",
    "set session authorization default",
    "reset role",
    "set mzlite.now = 1",
    "set \"mzlite.user\" = 'mz_system'",
    "set session_preload_libraries = 'x'",
    "set log_statement = 'all'",
    "set default_tablespace = 'x'",
    "load 'x'",
    "lock table t",
    "listen x",
    "notify x",
    "unlisten x",
    "checkpoint",
    "vacuum",
    "analyze",
    "cluster",
    "reindex database materialize",
    "call p()",
    "security label on table t is 'x'",
    "refresh materialized view t",
    "truncate t",
    "truncate mzlite.secrets",
    "import foreign schema x from server s into public",
    "insert into mzlite.secrets values ('x', 'y')",
    "update mzlite.roles set superuser = true",
    "delete from mzlite.roles",
    "insert into t select 1, contents::text from mzlite.secrets",
    "insert into t values (1, pg_read_file('/etc/hostname'))",
    "insert into t values (1, 'a') returning pg_read_file('/etc/hostname')",
    "update t set b = pg_read_file('/etc/hostname')",
    "update t set b = (select contents::text from mzlite.secrets)",
    "delete from t where b = pg_read_file('/etc/hostname')",
    "delete from t using mzlite.secrets as s",
    "delete from t using pg_terminate_backend(1) as s",
    "create secret s2 as pg_read_file('/etc/hostname')",
    "create secret s2 as (select contents from mzlite.secrets limit 1)",
    "create secret s2 as 'x' || (select 'y' from mzlite.secrets)",
    "alter secret hush as pg_read_file('/etc/hostname')",
    "create table d (a text default pg_read_file('/etc/hostname'))",
    "create table d (a text default (select 'x' from mzlite.secrets))",
    "create table d (a mzlite.secrets)",
    "create table d (a pg_catalog.pg_authid)",
    "create table mzlite.d (a int)",
    "create table pg_catalog.d (a int)",
    "create view mzlite.d as select 1",
    "create index i on t ((pg_read_file('/etc/hostname')))",
    "create index i on mzlite.secrets (id)",
    "create default index on mzlite.secrets",
    "create schema mzlite",
    "create schema pg_toast",
    "drop table mzlite.secrets",
    "drop schema mzlite",
    "drop schema mzlite cascade",
    "alter table mzlite.secrets rename to x",
    "alter schema mzlite rename to x",
    "alter schema mzlite swap with public",
    "alter table mzlite.secrets owner to materialize",
    "comment on table mzlite.secrets is 'x'",
    "grant select on mzlite.secrets to public",
    "grant all on schema mzlite to public",
    "show tables from mzlite where pg_terminate_backend(1)",
    "show tables where pg_advisory_lock(1) is null",
    "show create table mzlite.secrets",
    "subscribe mzlite.secrets",
    "subscribe (select * from mzlite.secrets)",
    "subscribe t up to pg_read_file('/etc/passwd')::bigint",
    "explain select * from mzlite.secrets",
    "explain select pg_read_file('/etc/passwd')",
    "alter system set enable_rbac_checks = true",
    "alter system set shared_preload_libraries = 'x'",
    "alter database materialize set role = 'mz_system'",
    "discard sequences",
)


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[psycopg.Connection[Any]]:
    with server.connect() as connection:
        connection.execute("create table t (a int, b text)")
        connection.execute("create secret hush as 'geheim'")
        yield connection


def refused(client: psycopg.Connection[Any], statement: str) -> None:
    """Over both protocols."""
    for parameters in (None, ()):
        # Without parameters psycopg uses the simple protocol.
        endless = Timer(DEADLINE, client.cancel)
        endless.start()
        with pytest.raises(psycopg.Error) as caught:
            client.execute(statement, parameters, prepare=parameters is not None)  # type: ignore[call-overload]
        endless.cancel()
        assert not client.closed, statement
        assert caught.value.sqlstate != "57014", statement
        message = str(caught.value)
        assert "internal error" not in message, message
        assert "geheim" not in message


@pytest.mark.parametrize("statement", QUERIES)
def test_a_query_reaches_nothing_hidden(client: psycopg.Connection[Any], statement: str) -> None:
    refused(client, statement)
    refused(client, f"create view hidden as {statement}")
    refused(client, f"create materialized view hidden as {statement}")
    refused(client, f"copy ({statement.replace('table ', 'select * from ')}) to stdout")
    refused(client, f"subscribe ({statement})")
    one_by_one(client, "begin", f"declare c cursor for {statement}", "fetch all from c")
    one_by_one(client, f"prepare hidden as {statement}", "execute hidden")
    one_by_one(client, f"prepare hidden as insert into t select 1, q::text from ({statement}) as q", "execute hidden")


def one_by_one(client: psycopg.Connection[Any], *statements: str) -> None:
    """One of the statements fails, and none gives a row."""
    rows: list[Any] = []
    failures = 0
    for statement in statements:
        try:
            cursor = client.execute(statement)  # type: ignore[call-overload]
        except psycopg.Error:
            failures += 1
        else:
            rows += cursor.fetchall() if cursor.description else []
    client.execute("rollback")
    client.execute("deallocate all")
    assert failures, statements
    assert not rows


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_inner_database_are_not_shown(client: psycopg.Connection[Any], name: str) -> None:
    refused(client, f"select current_setting('{name}')")
    refused(client, f"show {name}")
    client.execute(f"create view settings as select current_setting('{name}')")  # type: ignore[call-overload]
    refused(client, "select * from settings")
    client.execute("drop view settings")
    client.execute("create view settings as select name from pg_settings")
    found = client.execute("select 1 from settings where name = %s", (name,)).fetchall()
    client.execute("drop view settings")
    assert not found


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_reaches_nothing_hidden(client: psycopg.Connection[Any], statement: str) -> None:
    refused(client, statement)


@pytest.mark.parametrize("schema", ["mzlite", "mzlite_data", "mzlite_def", "mzlite_inbox", "pg_toast"])
def test_the_search_path_leads_to_nothing_hidden(server: RunningServer, schema: str) -> None:
    with server.connect(options=f"-c search_path={schema}") as client:
        refused(client, "select * from secrets")
        refused(client, "create view materialize.public.v as select * from secrets")
        refused(client, "create materialized view materialize.public.v as select contents from secrets")
        refused(client, "subscribe secrets")
        refused(client, "create table materialize.public.q (a secrets)")
        refused(client, "create table q (a int)")


def test_the_clients_role_owns_and_may_do_nothing_inside(
    server: RunningServer, client: psycopg.Connection[Any]
) -> None:
    """The second wall: should a statement slip through, PostgreSQL refuses it."""
    inner = psycopg.connect(host=str(server.data / "socket"), dbname="materialize", user="materialize", autocommit=True)
    with inner:
        for statement in (
            "select * from mzlite.secrets",
            "select pg_read_file('/etc/passwd')",
            "select lo_import('/etc/passwd')",
            "select pg_ls_dir('/')",
            "copy (select 1) to program 'id'",
            "copy public.t from '/etc/passwd'",
            "set role mz_system",
            "set session authorization mz_system",
            "create table public.mine (a int)",
            "create schema mine",
            "alter role materialize superuser",
            "alter system set fsync = off",
            "select lo_create(0)",
            "select pg_terminate_backend(pg_backend_pid())",
            "select pg_advisory_lock(1)",
            "select pg_export_snapshot()",
            "create temporary table mine (a int)",
            "drop view public.t",
            "do $$ begin end $$",
            "create function public.f() returns int language sql as 'select 1'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                inner.execute(statement)  # type: ignore[call-overload]
        owned = inner.execute("select oid from pg_catalog.pg_class where relowner = 'materialize'::regrole").fetchall()
        assert owned == []
        member = inner.execute("select count(*) from pg_auth_members where member = 'materialize'::regrole").fetchone()
        assert member == (0,)


@pytest.mark.parametrize("relation", ["pg_authid", "pg_roles", "pg_user", "mz_internal.pg_authid_core"])
def test_roles_are_shown_without_their_verifiers(server: RunningServer, relation: str) -> None:
    with server.connect(user="mz_system") as system:
        system.execute("create role lena with login password 'geheim'")
    try:
        with server.connect() as connection:
            rows = connection.execute(f"select * from {relation} as r").fetchall()
            assert any("lena" in row for row in rows)
            assert "SCRAM" not in str(rows)
            assert "geheim" not in str(rows)
    finally:
        with server.connect(user="mz_system") as system:
            system.execute("drop role lena")
