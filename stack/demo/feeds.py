"""Follows a maintained view: SUBSCRIBE through COPY, one thread and connection per view.

In: a relation's name and a callback. Out: its rows as they come and go, at the moment they arrive.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import psycopg

from stack.engine import connect
from stack.settings import Settings

Row: TypeAlias = tuple[str | None, ...]
OnChange: TypeAlias = Callable[[int, Mapping[str, int], Row, float], None]
"""Called with the difference (+1 or -1), the columns' places in the row, the row, and the wall clock in ms."""

ESCAPED = re.compile(r"\\(.)")
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


def parse_line(line: str) -> Row:
    r"""The fields of a line in COPY's text format.

    >>> parse_line("1\ta\\tb\t\\N\n")
    ('1', 'a\tb', None)
    """
    fields = line.rstrip("\n").split("\t")
    if "\\" not in line:
        return tuple(fields)
    return tuple(
        None if value == "\\N" else ESCAPED.sub(lambda match: ESCAPES.get(match[1], match[1]), value)
        for value in fields
    )


class Feed(threading.Thread):
    """One subscription; `start` it, and `stop` it in the end.

    Args:
        settings: where the engine is.
        relation: schema and name.
        on_change: called from this thread for every row that comes or goes.
    """

    def __init__(self, settings: Settings, relation: str, on_change: OnChange) -> None:
        super().__init__(name=f"subscribe {relation}", daemon=True)
        self.relation = relation
        self.error: str | None = None
        self.is_following = False
        """True once the subscription is open."""
        self._settings = settings
        self._on_change = on_change
        self._connection: psycopg.Connection[Any] | None = None
        self._is_ending = False

    def run(self) -> None:
        """Follow the view until `stop`."""
        try:
            with connect(self._settings, connect_timeout=10) as connection:
                self._connection = connection
                self._follow(connection)
        except psycopg.Error as error:
            if not self._is_ending:
                self.error = str(error).strip()

    def _follow(self, connection: psycopg.Connection[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"select * from {self.relation} limit 0".encode())
            names: Sequence[str] = [column.name for column in cursor.description or ()]
            places = {name: place for place, name in enumerate(names)}
            with cursor.copy(f"copy (subscribe {self.relation}) to stdout".encode()) as copy:
                self.is_following = True
                for data in copy:
                    if self._is_ending:
                        break
                    wall_ms = time.time() * 1000
                    _, difference, *row = parse_line(bytes(data).decode())
                    self._on_change(int(difference or 0), places, tuple(row), wall_ms)

    def stop(self) -> None:
        """End it; returns when the thread has ended, or after two seconds."""
        self._is_ending = True
        if self._connection is not None and self.is_alive():
            try:
                self._connection.cancel_safe(timeout=1.0)
            except psycopg.Error:
                pass
            self.join(2.0)
