"""Rows into and out of PostgreSQL's tables in its binary COPY format.

In: encoded rows, as sources pack them. Out: the same rows in a table; or a table's rows, encoded. Only here do rows have the
header and the trailer that make a stream of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from mzlite.planner.expressions import quote

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)


def copy_in(connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Copies encoded rows, each piece one or more of them, into a table."""
    statement = f"copy {table} ({', '.join(map(quote, columns))}) from stdin (format binary)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(b"".join((HEADER, *rows, TRAILER)))


def copy_out(connection: psycopg.Connection[Any], what: str) -> bytes:
    """The encoded rows of a table with its columns, or of a query in parentheses."""
    with connection.cursor() as cursor, cursor.copy(f"copy {what} to stdout (format binary)".encode()) as copy:
        stream = b"".join(bytes(part) for part in copy)
    return stream[len(HEADER) : -len(TRAILER)]
