"""What the fixture `mzlite` gives: a database of the test's own, and what a test does with it.

In: SQL, rows, events, moments. Out: rows, changes, and assertions that say what differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from mzlite.testing.clock import HeldClock
from mzlite.testing.dbt import DbtResult, run_dbt, write_profile
from mzlite.testing.rows import difference
from mzlite.testing.server import MzliteServer
from mzlite.testing.subscription import Changes
from mzlite.testing.topics import Topic

POLL_SECONDS = 0.02
DBT_SECONDS = 240.0
Row = tuple[Any, ...]


class Mzlite:
    """A fresh database of a running server. Made by the fixture `mzlite`.

    Attributes:
        server: the process behind it.
        name: the database's name.
        clock: the server's clock; held, unless the test asked for a running one.
        directory: for files of the test, such as dbt's.
    """

    def __init__(
        self, server: MzliteServer, name: str, clock: HeldClock, directory: Path, brokers: Callable[[], str | None]
    ) -> None:
        self.server, self.name, self.clock, self.directory = server, name, clock, directory
        self._brokers = brokers
        self._open: list[psycopg.Connection[Any]] = []
        with server.connect() as connection:
            connection.execute(f'create database "{name}"'.encode())
            self._clusters = _clusters(connection)
        self._connection = self.connect()

    def close(self) -> None:
        """Close every connection and drop the database, and clusters that the test has made."""
        for connection in self._open:
            connection.close()
        with self.server.connect() as connection:
            connection.execute(f'drop database "{self.name}" cascade'.encode())
            for cluster in _clusters(connection) - self._clusters:
                connection.execute(f'drop cluster "{cluster}" cascade'.encode())

    # SQL -----------------------------------------------------------------------------------

    def connect(self, **changes: Any) -> psycopg.Connection[Any]:
        """A connection of the test's own to its database, in autocommit; `changes` are psycopg's parameters."""
        connection = self.server.connect(**{"dbname": self.name, **changes})
        self._open.append(connection)
        return connection

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> None:
        """Run a statement, or several without parameters. What is written can be read on return."""
        self._connection.execute(sql.encode(), parameters)

    def query(self, sql: str, parameters: Sequence[Any] | None = None) -> list[Row]:
        """The rows of a query."""
        return self._connection.execute(sql.encode(), parameters).fetchall()

    def insert(self, relation: str, rows: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        """Insert rows into a table in one statement, so that every view takes them in at one moment.

        Args:
            rows: of values by column name (all with the same names), or of values in order; a dict is written as jsonb.
        """
        listed = list(rows)
        if not listed:
            return
        first = listed[0]
        names = f" ({', '.join(_quoted(name) for name in first)})" if isinstance(first, Mapping) else ""
        values = [
            Jsonb(value) if isinstance(value, dict) else value
            for row in listed
            for value in ((row[name] for name in first) if isinstance(row, Mapping) else row)
        ]
        one = f"({', '.join(['%s'] * len(first))})"
        self.execute(f"insert into {relation}{names} values {', '.join([one] * len(listed))}", values)

    # Comparing -------------------------------------------------------------------------------

    def assert_rows(
        self, what: str, expected: Iterable[Mapping[str, Any] | Sequence[Any]], *, within: float | None = None
    ) -> None:
        """A relation or query has exactly these rows, in any order.

        Args:
            what: a relation's name, or a query.
            expected: rows of values by column name (then only those columns count), or of values in order.
            within: seconds that it may take, for what comes from Kafka; without it they must be there now.

        Raises:
            AssertionError: it has not; with the rows that are missing or unexpected.
        """
        wanted = list(expected)
        names = list(wanted[0]) if wanted and isinstance(wanted[0], Mapping) else None
        rows = [tuple(row[name] for name in names or ()) if isinstance(row, Mapping) else tuple(row) for row in wanted]
        query = what if " " in what.strip() else f"select * from {what}"
        if names is not None:
            query = f"select {', '.join(_quoted(name) for name in names)} from ({query}) as found"
        self.eventually(lambda: difference(self.query(query), rows), None, within=within or 0.0, what=what)

    def eventually(
        self, read: Callable[[], Any], expected: Any, *, within: float = 10.0, what: str = "the value"
    ) -> None:
        """Reading gives the expected value within so many seconds.

        Raises:
            AssertionError: it does not; with what was read last.
        """
        deadline = time.monotonic() + within
        while (found := read()) != expected:
            assert time.monotonic() < deadline, f"{what}: {found}"
            time.sleep(POLL_SECONDS)

    def verify(self) -> list[Row]:
        """Recompute every maintained object of the server; the reports of those that differ (none, if all is well)."""
        return [row for row in self.server.administer("mzlite verify") if row[4] == "different"]

    # Changes, events, dbt ----------------------------------------------------------------------

    def subscribe(self, what: str, *, snapshot: bool = True) -> Changes:
        """A running subscription to a relation or query; use it as a context manager."""
        query = f"({what})" if " " in what.strip() and not what.strip().startswith("(") else what
        return Changes(self.connect(), query, snapshot=snapshot)

    @property
    def brokers(self) -> str:
        """The bootstrap servers that tests may use.

        Raises:
            RuntimeError: none were given.
        """
        found = self._brokers()
        if not found:
            raise RuntimeError("no Kafka for tests: give --mzlite-brokers, or override the fixture mzlite_brokers")
        return found

    def topic(self, name: str, partitions: int = 1) -> Topic:
        """A topic, with the test's database in its name so that tests do not meet: `topic.name` has it."""
        return Topic(self.brokers, f"{self.name}-{name}", partitions)

    def dbt(
        self,
        *commands: str | Sequence[str],
        project: str | Path,
        check: bool = True,
        keep_going: bool = False,
        environment: Mapping[str, str] | None = None,
        timeout: float = DBT_SECONDS,
        **settings: Any,
    ) -> DbtResult:
        """Run dbt commands, such as "build" or ["run", "--select", "orders"], against this database in one process.

        Args:
            project: the directory of dbt_project.yml.
            check: fail if one of them fails.
            keep_going: run the others after one has failed.
            environment: variables for dbt.
            settings: of the profile, such as schema="dev" or threads=1.

        Raises:
            AssertionError: a command failed; with dbt's output.
        """
        place = Path(project).resolve()
        directory = self.directory / "dbt"
        write_profile(directory, self.server, self.name, **settings)
        listed = [command.split() if isinstance(command, str) else list(command) for command in commands]
        result = run_dbt(listed, place, directory, environment or {}, timeout, keep_going=keep_going)
        assert result.status == 0 or not check, result.output
        return result


def _clusters(connection: psycopg.Connection[Any]) -> set[str]:
    return {name for (name,) in connection.execute("select name from mz_catalog.mz_clusters where id like 'u%'")}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
