"""A subscription that a test reads.

In: a query, and conditions. Out: the changes in the order in which they came, and the rows that they add up to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

import psycopg

from mzlite.testing.rows import difference

POLL = "100ms"
"""How long the server waits for changes before it answers without any."""


class Change(NamedTuple):
    """A change: when (ms since 1970), how many rows more or, below zero, fewer, and the row's values."""

    timestamp: int
    diff: int
    row: tuple[Any, ...]


class Changes:
    """A running subscription with a connection of its own. Use it as a context manager, or close it.

    Args:
        connection: gets closed with the subscription.
        query: the relation or the query in parentheses.
        snapshot: the rows that there are already come first.
    """

    def __init__(self, connection: psycopg.Connection[Any], query: str, *, snapshot: bool = True) -> None:
        self.all: list[Change] = []
        self.columns: tuple[str, ...] = ()
        self._connection = connection
        options = "" if snapshot else " with (snapshot = false)"
        connection.execute("begin")
        connection.execute(f"declare mzlite_changes cursor for subscribe {query}{options}".encode())
        # The subscription begins with the first FETCH.
        self._fetch("0s")

    def _fetch(self, timeout: str) -> None:
        cursor = self._connection.execute(f"fetch all mzlite_changes with (timeout = '{timeout}')".encode())
        assert cursor.description is not None
        self.columns = tuple(column.name for column in cursor.description[2:])
        self.all += [Change(int(timestamp), int(diff), tuple(row)) for timestamp, diff, *row in cursor.fetchall()]

    def until(self, condition: Callable[[list[Change]], object], seconds: float = 10.0) -> list[Change]:
        """Collect until the condition, given all changes so far, is true; returns them all.

        Raises:
            AssertionError: it was not within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while not condition(self.all):
            assert time.monotonic() < deadline, f"not within {seconds} s; the changes: {self.all}"
            self._fetch(POLL)
        return self.all

    def until_rows(self, expected: Iterable[Sequence[Any]], seconds: float = 10.0) -> list[Change]:
        """Collect until the changes add up to these rows; returns all changes."""
        wanted = [tuple(row) for row in expected]
        try:
            return self.until(lambda _: difference(self.rows, wanted) is None, seconds)
        except AssertionError as error:
            raise AssertionError(f"not within {seconds} s: {difference(self.rows, wanted)}") from error

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """What the changes so far add up to."""
        found: list[tuple[Any, ...]] = []
        # Values need not be hashable. At one moment insertions go first: the order within a moment says nothing.
        for change in sorted(self.all, key=lambda change: (change.timestamp, -change.diff)):
            for _ in range(abs(change.diff)):
                if change.diff > 0:
                    found.append(change.row)
                else:
                    found.remove(change.row)
        return found

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
