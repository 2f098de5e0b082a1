"""Who the roles are, answered beside the engine: logging in does not wait for a long tick.

In: the inner PostgreSQL. Out: roles by name, made when they are new, on a connection of its own.
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from mzlite.catalog.roles import ensure_role
from mzlite.storage.postgres import Postgres
from mzlite.wire.interface import Role

_ROLE = """
select r.name, coalesce(r.superuser, false), coalesce(r.login, false), p.verifier
from mzlite.roles as r left join mzlite.passwords as p on p.role_id = r.id
where r.name = %s and r.id <> 'p'
"""


class Roster:
    """Looks roles up; its methods block and may be called from any thread."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

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
        return self._connection
