"""Messages given by hand where a topic would be read, for tests of what becomes of them.

In: rows as SQL. Out: what the engine takes from a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from mzlite.kafka.ingest import Batch
from mzlite.kafka.pack import COPY_HEADER, COPY_TRAILER


class Feed:
    """An append-only relation's rows, given by hand where a topic would be read."""

    def __init__(self, source_id: str, columns: tuple[str, ...]) -> None:
        self.spec = FeedSpec(source_id, columns)
        self.batches: list[Batch] = []

    def take(self, max_rows: int, max_bytes: int, *, ahead: bool = False) -> Batch | None:
        """What the engine asks for in each tick."""
        return self.batches.pop(0) if self.batches else None

    def hand_over(self, batch: Batch) -> None:
        """A batch that was taken ahead becomes part of a tick."""

    def give_back(self, batch: Batch) -> None:
        """A batch whose tick did not commit."""
        self.batches.insert(0, batch)

    def waiting(self) -> list[tuple[int, int]]:
        """What there is to take."""
        return [(0, batch.rows) for batch in self.batches[:1]]

    def stop(self, *, wait: bool = True) -> None:
        """Nothing runs here."""


@dataclass(frozen=True)
class FeedSpec:
    """What the engine reads of an `IngestSpec`."""

    source_id: str
    staged_columns: tuple[str, ...]


def packed(client: psycopg.Connection[Any], rows: str, offsets: dict[int, int] | None = None) -> Batch:
    """The rows of a query in the binary format in which sources hand them over."""
    with client.cursor() as cursor:
        with cursor.copy(f"copy ({rows}) to stdout (format binary)".encode()) as copy:
            data = b"".join(bytes(part) for part in copy)
        count = cursor.rowcount
    return Batch(count, data[len(COPY_HEADER) : -len(COPY_TRAILER)], offsets or {}, messages=count)
