"""Messages given by hand where a topic would be read, for tests of what becomes of them.

In: rows as SQL. Out: what the engine takes from a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from mzlite.dataflow.binary_copy import copy_out
from mzlite.kafka.buffer import Batch


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
    row = client.execute(f"select count(*) from ({rows}) as r".encode()).fetchone()
    assert row is not None
    return Batch(row[0], copy_out(client, f"({rows})"), offsets or {}, messages=row[0])
