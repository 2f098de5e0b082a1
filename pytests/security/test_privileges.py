"""Roles and privileges, as Materialize enforces them once `enable_rbac_checks` is on.

Each case is a statement of the role `joe`, who owns nothing, the error that it gives, and what has to be granted for
it to be carried out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pytests.security.running import RunningServer

Client = psycopg.Connection[Any]

SETUP = """
create schema s;
create table s.t (a int, b text);
insert into s.t values (1, 'x');
create view s.v as select a from s.t;
create materialized view s.m as select a from s.t;
create secret s.hush as 'x';
create connection s.k to kafka (broker 'localhost:1') with (validate = false);
create cluster c (size '25cc');
create database d;
create role joe;
create role jim;
create role team
"""
SCHEMA = ('SCHEMA "materialize.s"', "USAGE", "usage on schema s")
TABLE = 'TABLE "materialize.s.t"'

# (statement, what each step is refused with: object, privilege, and the grant that lifts it)
PRIVILEGES: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("select * from s.t", (SCHEMA, (TABLE, "SELECT", "select on s.t"))),
    ("select count(*) from s.t as x, (select 1) as y", (SCHEMA, (TABLE, "SELECT", "select on s.t"))),
    (
        "with t as (select 1) select * from t where exists (select from s.t)",
        (SCHEMA, (TABLE, "SELECT", "select on s.t")),
    ),
    ("select * from s.v", (SCHEMA, ('VIEW "materialize.s.v"', "SELECT", "select on s.v"))),
    ("select * from s.m", (SCHEMA, ('MATERIALIZED VIEW "materialize.s.m"', "SELECT", "select on s.m"))),
    ("copy (select * from s.t) to stdout", (SCHEMA, (TABLE, "SELECT", "select on s.t"))),
    ("prepare p as select * from s.t", (SCHEMA, (TABLE, "SELECT", "select on s.t"))),
    ("subscribe (select * from s.t) up to 1", (SCHEMA, (TABLE, "SELECT", "select on s.t"))),
    ("insert into s.t values (1, 'a')", (SCHEMA, (TABLE, "INSERT", "insert on s.t"))),
    (
        "insert into s.t values (1, 'a') returning a",
        (SCHEMA, (TABLE, "INSERT", "insert on s.t"), (TABLE, "SELECT", "select on s.t")),
    ),
    (
        "insert into s.t select a, '' from s.v",
        (SCHEMA, (TABLE, "INSERT", "insert on s.t"), ('VIEW "materialize.s.v"', "SELECT", "select on s.v")),
    ),
    ("update s.t set a = 2", (SCHEMA, (TABLE, "UPDATE", "update on s.t"), (TABLE, "SELECT", "select on s.t"))),
    ("delete from s.t", (SCHEMA, (TABLE, "DELETE", "delete on s.t"), (TABLE, "SELECT", "select on s.t"))),
    ("create table s.mine (a int)", (('SCHEMA "materialize.s"', "CREATE", "create on schema s"),)),
    ("create view s.mine as select * from s.t", (('SCHEMA "materialize.s"', "CREATE", "create on schema s"),)),
    (
        "create materialized view s.mine in cluster c as select 1 as a",
        (('SCHEMA "materialize.s"', "CREATE", "create on schema s"), ('CLUSTER "c"', "CREATE", "create on cluster c")),
    ),
    ("create schema d.mine", (('DATABASE "d"', "CREATE", "create on database d"),)),
    ("create database mine", (("SYSTEM", "CREATEDB", "createdb on system"),)),
    ("create cluster mine (size '25cc')", (("SYSTEM", "CREATECLUSTER", "createcluster on system"),)),
    ("create role mine", (("SYSTEM", "CREATEROLE", "createrole on system"),)),
    ("alter role jim with nologin", (("SYSTEM", "CREATEROLE", "createrole on system"),)),
    ("grant team to jim", (("SYSTEM", "CREATEROLE", "createrole on system"),)),
)
OWNED = (
    ("drop table s.t", "TABLE materialize.s.t"),
    ("drop view s.v", "VIEW materialize.s.v"),
    ("drop schema s cascade", "SCHEMA materialize.s"),
    ("drop database d", "DATABASE d"),
    ("drop cluster c", "CLUSTER c"),
    ("alter table s.t rename to u", "TABLE materialize.s.t"),
    ("alter secret s.hush as 'y'", "SECRET materialize.s.hush"),
    ("alter table s.t owner to joe", "TABLE materialize.s.t"),
    ("alter cluster c set (replication factor 0)", "CLUSTER c"),
    ("create index i on s.t (a)", "TABLE materialize.s.t"),
    ("create or replace view s.v as select 1 as a", "VIEW materialize.s.v"),
    ("comment on table s.t is 'x'", "TABLE materialize.s.t"),
    ("grant select on s.t to jim", "TABLE materialize.s.t"),
    ("grant select on all tables in schema s to jim", "materialize.s.t"),
    ("revoke select on s.t from jim", "TABLE materialize.s.t"),
)
OTHER = (
    ("create role mine superuser", "permission denied to create superuser role"),
    ("alter role joe superuser", "permission denied to alter superuser role"),
    ("grant createdb on system to joe", "permission denied to GRANT/REVOKE SYSTEM PRIVILEGES"),
    ("alter default privileges for all roles grant select on tables to joe", "ALTER DEFAULT PRIVILEGES FOR ALL ROLES"),
    ("alter default privileges for role jim grant select on tables to joe", 'must be a member of "jim"'),
    ("reassign owned by jim to joe", 'must be a member of "jim"'),
    ("drop owned by jim", 'must be a member of "jim"'),
    ("alter system set enable_rbac_checks = off", "permission denied to"),
)


@pytest.fixture(scope="module")
def owner(server: RunningServer) -> Iterator[Client]:
    with server.connect() as admin, server.connect(user="mz_system") as system:
        for statement in SETUP.split(";"):
            admin.execute(statement)  # type: ignore[call-overload]
        system.execute("alter system set enable_rbac_checks = true")
        try:
            yield admin
        finally:
            system.execute("alter system reset enable_rbac_checks")


@pytest.fixture
def joe(server: RunningServer, owner: Client) -> Iterator[Client]:
    with server.connect(user="joe") as client:
        yield client


def denied(client: Client, statement: str) -> psycopg.Error:
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        client.execute(statement)  # type: ignore[call-overload]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        client.execute(statement, (), prepare=True)  # type: ignore[call-overload]
    return caught.value


@pytest.mark.parametrize(("statement", "steps"), PRIVILEGES, ids=[case[0] for case in PRIVILEGES])
def test_privileges(
    server: RunningServer, owner: Client, joe: Client, statement: str, steps: tuple[tuple[str, str, str], ...]
) -> None:
    with server.connect(user="mz_system") as system:
        granted: list[str] = []
        try:
            for target, privilege, grant in steps:
                error = denied(joe, statement)
                assert error.diag.message_primary == f"permission denied for {target}"
                assert error.diag.message_detail == f"The 'joe' role needs {privilege} privileges on {target}"
                system.execute(f"grant {grant} to joe")  # type: ignore[call-overload]
                granted.append(grant)
            if statement.startswith("subscribe"):
                # `up to 1` is long past, which only somebody who may read is told.
                with pytest.raises(psycopg.Error, match="beyond its upper"):
                    joe.execute(statement)  # type: ignore[call-overload]
            elif statement.startswith("copy"):
                with joe.cursor().copy(statement) as rows:  # type: ignore[call-overload]
                    assert list(rows)
            else:
                joe.execute(statement)  # type: ignore[call-overload]
        finally:
            for grant in granted:
                system.execute(f"revoke {grant} from joe")  # type: ignore[call-overload]
            system.execute("drop owned by joe")


@pytest.mark.parametrize(("statement", "target"), OWNED)
def test_ownership(joe: Client, statement: str, target: str) -> None:
    message = str(denied(joe, statement).diag.message_primary)
    assert message.startswith("must be owner of ")
    assert target in message


@pytest.mark.parametrize(("statement", "words"), OTHER)
def test_what_no_privilege_gives(joe: Client, statement: str, words: str) -> None:
    assert words in str(denied(joe, statement).diag.message_primary)


def test_a_view_reads_with_its_owners_privileges(server: RunningServer, owner: Client, joe: Client) -> None:
    with server.connect(user="mz_system") as system:
        system.execute("grant usage, create on schema s to jim")
        system.execute("grant usage on schema s to joe")
        with server.connect(user="jim") as jim:
            jim.execute("create view s.jims as select a from s.t")
            jim.execute("grant select on s.jims to joe")
            error = denied(joe, "select * from s.jims")
            assert error.diag.message_detail == f"The 'jim' role needs SELECT privileges on {TABLE}"
            system.execute("grant select on s.t to jim")
            assert joe.execute("select count(*) from s.jims").fetchone() is not None
            denied(joe, "select * from s.t")
            jim.execute("drop view s.jims")
        system.execute("drop owned by jim")
        system.execute("revoke usage on schema s from joe")


def test_members_have_what_their_roles_have(server: RunningServer, owner: Client, joe: Client) -> None:
    with server.connect(user="mz_system") as system:
        system.execute("grant usage on schema s to team")
        system.execute("grant select on s.t to team")
        denied(joe, "select * from s.t")
        system.execute("grant team to joe")
        assert joe.execute("select count(*) from s.t").fetchone() is not None
        system.execute("revoke team from joe")
        denied(joe, "select * from s.t")
        system.execute("drop owned by team")


def test_public_and_default_privileges(server: RunningServer, owner: Client, joe: Client) -> None:
    with server.connect(user="mz_system") as system:
        owner.execute("alter default privileges for role materialize in schema s grant select on tables to public")
        owner.execute("create table s.open (a int)")
        denied(joe, "select * from s.open")
        system.execute("grant usage on schema s to public")
        assert joe.execute("select * from s.open").fetchall() == []
        owner.execute("drop table s.open")
        owner.execute("alter default privileges for role materialize in schema s revoke select on tables from public")
        system.execute("revoke usage on schema s from public")


def test_executing_what_was_prepared_is_judged_then(server: RunningServer, owner: Client, joe: Client) -> None:
    with server.connect(user="mz_system") as system:
        system.execute("grant usage on schema s to joe")
        system.execute("grant select on s.t to joe")
        joe.execute("prepare later as select count(*) from s.t")
        assert joe.execute("execute later").fetchone() is not None
        system.execute("revoke select on s.t from joe")
        denied(joe, "execute later")
        system.execute("revoke usage on schema s from joe")


def test_superusers_and_the_catalog_are_not_judged(server: RunningServer, owner: Client, joe: Client) -> None:
    with server.connect(user="mz_system") as system:
        assert system.execute("select count(*) from s.t").fetchone() is not None
    assert joe.execute("select count(*) > 0 from mz_tables").fetchone() == (True,)
    assert joe.execute("show tables from s").fetchall()
    assert joe.execute("select 1").fetchone() == (1,)


def test_without_checks_everybody_may(server: RunningServer, owner: Client, joe: Client) -> None:
    with server.connect(user="mz_system") as system:
        system.execute("alter system set enable_rbac_checks = false")
        assert joe.execute("select count(*) from s.t").fetchone() is not None
        joe.execute("set enable_session_rbac_checks = on")
        denied(joe, "select * from s.t")
        system.execute("alter system set enable_rbac_checks = true")
