"""Who the roles are and what they may do, answered beside the engine: nobody waits for a long tick.

In: the inner PostgreSQL. Out: roles by name, made when they are new, and judgements, on a connection of its own, which
also keeps what long names are called inside.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg

from mzlite import long_names
from mzlite.catalog.rbac import authorize_relayed, is_enforced
from mzlite.catalog.registry import quote_name, search_path
from mzlite.catalog.roles import ensure_role
from mzlite.catalog.schemas import KEEP_NAME
from mzlite.catalog.timedomain import TimeDomain, check_cluster, enter
from mzlite.dataflow.common_types import with_common_types
from mzlite.dataflow.refusals import refuse_by_types
from mzlite.dataflow.transaction import EngineTransaction, run
from mzlite.dialect.statements import Access, Name
from mzlite.session import Session
from mzlite.storage.postgres import Postgres
from mzlite.wire.interface import Role

_ROLE = """
select r.name, coalesce(r.superuser, false), coalesce(r.login, false), p.verifier
from mzlite.roles as r left join mzlite.passwords as p on p.role_id = r.id
where r.name = %s and r.id <> 'p'
"""
_UNSIGNED_RELATIONS = """
select distinct c.relname::text
from pg_catalog.pg_attribute as a inner join pg_catalog.pg_class as c on c.oid = a.attrelid
where a.attnum > 0 and a.atttypid in (
    'mz_catalog.uint2'::regtype, 'mz_catalog.uint4'::regtype, 'mz_catalog.uint8'::regtype
)
"""


@dataclass
class _Reader:
    """What the catalog's look-ups work with, without an engine behind it."""

    connection: psycopg.Connection[Any]

    def execute(self, text: str, params: Sequence[object] | None = None) -> psycopg.Cursor[Any]:
        """Run one statement."""
        return run(self.connection, text, params)


class Roster:
    """Looks roles up; its methods block and may be called from any thread."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._names_kept = 0

    def role(self, name: str) -> Role | None:
        """The role of that name, if there is one."""
        with self._lock:
            return self._role(name)

    def ensure(self, name: str) -> Role:
        """The role of that name, which is made if there is none."""
        with self._lock:
            ensure_role(self._connected(), name)
            role = self._role(name)
        assert role is not None
        return role

    def authorize(self, session: Session, access: Access) -> None:
        """Judge a statement that PostgreSQL carries out.

        Raises:
            MzError: the session's role may not, or its cluster cannot.
        """
        with self._lock, self._connected().transaction():
            tx = cast(EngineTransaction, _Reader(self._connected()))
            check_cluster(tx, session, access.reads)
            if is_enforced(session):
                authorize_relayed(tx, session, access)

    def enter_domain(
        self, session: Session, reads: Sequence[Name], domain: TimeDomain | None, *, catalog: bool
    ) -> TimeDomain | None:
        """Judge what a query of a transaction reads beside the queries before it.

        Raises:
            MzError: they may not be read together.
        """
        with self._lock, self._connected().transaction():
            return enter(cast(EngineTransaction, _Reader(self._connected())), session, reads, domain, catalog=catalog)

    def unsigned_relations(self) -> frozenset[str]:
        """The names, without schemas, of the relations that have columns of unsigned integers."""
        with self._lock:
            return frozenset(row[0] for row in run(self._connected(), _UNSIGNED_RELATIONS).fetchall())

    def with_common_types(self, session: Session, query: str, parameters: Sequence[int]) -> str:
        """A session's query with a cast wherever Materialize finds a common type that PostgreSQL does not."""
        path = ", ".join(quote_name(name) for name in search_path(session))
        with self._lock, self._connected().transaction():
            self._connected().execute("select set_config('search_path', %s, true)", (path,))
            return with_common_types(self._connected(), query, parameters)

    def refuse_by_types(self, session: Session, query: str, parameters: Sequence[int]) -> None:
        """Judge a session's query by the types and the columns of what it reads.

        Raises:
            MzError: Materialize refuses it.
        """
        path = ", ".join(quote_name(name) for name in search_path(session))
        with self._lock, self._connected().transaction():
            # What the engine holds for long is judged when it is run: others wait for this connection.
            self._connected().execute("set local lock_timeout = '200ms'")
            self._connected().execute("select set_config('search_path', %s, true)", (path,))
            refuse_by_types(self._connected(), query, parameters)

    @property
    def lacks_names(self) -> bool:
        """Whether a long name has become known that the database does not have yet."""
        return long_names.known() != self._names_kept

    def keep_names(self) -> None:
        """Write down what short names stand for, before anything is done with them."""
        with self._lock:
            names = long_names.known_since(self._names_kept)
            with self._connected().cursor() as cursor:
                cursor.executemany(KEEP_NAME, names)
            self._names_kept += len(names)

    def keep_derived_names(self, tx: EngineTransaction) -> None:
        """Write down the names that statements have made of others, in their own transaction."""
        for names in long_names.known_since(self._names_kept):
            tx.execute(KEEP_NAME, names)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of this program's gives."""
        with self._lock:
            return run(self._connected(), query).fetchall()

    def anybody(self) -> bool:
        """Whether anybody could log in with a password."""
        with self._lock:
            return self._connected().execute("select from mzlite.passwords limit 1").fetchone() is not None

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _role(self, name: str) -> Role | None:
        row = self._connected().execute(_ROLE, (name,)).fetchone()
        return None if row is None else Role(*row)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self._postgres.connect()
            self._connection.execute("set search_path = ''")
        return self._connection
