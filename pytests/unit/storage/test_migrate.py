"""A data directory of an older version serves this one as a fresh one would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from mzlite.storage.bootstrap import FormatError, bootstrap, fingerprint
from mzlite.storage.postgres import Postgres
from pytests.postgres import bootstrapped

SHAPES = {
    "functions": "select oid::regprocedure::text, prosrc, coalesce(pg_get_function_sqlbody(oid), '') from pg_proc",
    "relations": """
        select c.oid::regclass::text, c.relkind::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
        from pg_class as c left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    """,
    "views": "select oid::regclass::text, pg_get_viewdef(oid) from pg_class where relkind = 'v'",
    "grants": "select oid::regclass::text, relacl::text from pg_class where relkind = 'v'",
    "operators": "select oid::regoperator::text, oprcode::text from pg_operator",
    "casts": "select castsource::regtype::text, casttarget::regtype::text, castcontext::text from pg_cast",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with bootstrapped(tmp_path_factory.mktemp("migrate")) as postgres:
        yield postgres


def shape(connection: psycopg.Connection[Any]) -> dict[str, set[tuple[Any, ...]]]:
    return {name: set(connection.execute(query).fetchall()) for name, query in SHAPES.items()}  # type: ignore[call-overload]


def test_what_an_older_version_lacked_is_there_afterwards(server: Postgres) -> None:
    with server.connect() as connection:
        fresh = shape(connection)
        connection.execute("update mzlite.format set fingerprint = 'older'")
        connection.execute("drop view mz_catalog.mz_columns cascade")
        connection.execute("drop function mz_internal.privilege_name(text) cascade")
        connection.execute("create function mz_internal.privilege_name(letter text) returns int return 1")
        connection.execute("alter table mzlite.objects drop column created_at cascade")
        connection.execute("drop operator mz_catalog.=(mz_catalog.uint8, integer) cascade")
        connection.execute("drop procedure mz_internal.map_key(varchar), mz_catalog.array_agg(mz_catalog.list_int4)")
        connection.execute("drop table mzlite.system_columns cascade")
    bootstrap(server)
    with server.connect() as connection:
        found = shape(connection)
        for name, wanted in fresh.items():
            assert found[name] ^ wanted == set(), name
        assert connection.execute("select fingerprint from mzlite.format").fetchall() == [(fingerprint(),)]


def test_views_over_the_systems_relations_come_back(server: Postgres) -> None:
    with server.connect() as connection:
        connection.execute("create view public.mine as select name from mz_catalog.mz_objects where name like 'm%'")
        connection.execute("create view public.over_mine as select count(*) from public.mine")
        connection.execute(
            """
            insert into mzlite.objects (id, oid, type, relation, namespace, name, owner_id)
            select 'u99', c.oid, 'view', c.oid, c.relnamespace, c.relname, 'u1'
            from pg_class as c where c.oid = 'public.mine'::regclass
            """
        )
        connection.execute("update mzlite.format set fingerprint = 'older'")
    bootstrap(server)
    with server.connect(user="materialize") as connection:
        assert connection.execute("select count > 0 from public.over_mine").fetchall() == [(True,)]
        assert connection.execute("select name from public.mine where name = 'mine'").fetchall() == [("mine",)]
    with server.connect() as connection:
        connection.execute("delete from mzlite.objects where id = 'u99'")
        connection.execute("drop view public.mine cascade")


def test_what_has_another_shape_is_refused_and_left_alone(server: Postgres) -> None:
    with server.connect() as connection:
        connection.execute("update mzlite.format set fingerprint = 'older'")
        connection.execute("alter table mzlite.errors alter column message type varchar(7)")
    with pytest.raises(FormatError, match=r"mzlite.errors.message has the type character varying\(7\)"):
        bootstrap(server)
    with server.connect() as connection:
        assert connection.execute("select fingerprint from mzlite.format").fetchall() == [("older",)]
        connection.execute("alter table mzlite.errors alter column message type text")
    bootstrap(server)
