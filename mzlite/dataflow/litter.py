"""What ticks leave in their delta tables, and when it is cleared away.

In: the changed rows of each tick. Out: the tables are vacuumed between two ticks, and their
files are cut or not. A VACUUM has every statement that reads the table planned anew, and a file that was
cut grows again page by page: under load tables keep their pages, and are vacuumed after several ticks. At rest a table
is as small as its ticks, as every reader steps over all of its pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from mzlite.dataflow.objects import Graph
from mzlite.dataflow.transaction import run

VACUUM_AFTER = 10_000
"""Rows deleted from a delta table before its space is used again: until then every reader steps over them."""
TICKS = 3
"""Ticks whose rows a table takes before it is vacuumed, where each of them has more than a part of so many rows."""
LOADED = 2_500
"""Rows of a tick from which on a table keeps its pages for the next one."""
SHRUNK = 8
"""A tick with so many times fewer rows gives the pages back."""
CLEAR_STATISTICS = (
    "select pg_clear_relation_stats(pg_my_temp_schema()::regnamespace::text, t.name) from unnest(array[{}]) as t (name)"
)


@dataclass(frozen=True)
class Clearing:
    """Numbers of the nodes whose delta tables are vacuumed now.

    Attributes:
        kept: those whose tables keep their pages.
        cut: those whose tables give them back.
    """

    kept: list[int]
    cut: list[int]


@dataclass
class Litter:
    """The deleted rows in delta tables.

    Attributes:
        vacuum_after, loaded: see `VACUUM_AFTER` and `LOADED`.
        deleted: rows deleted since a node's tables were last vacuumed.
        sizes: rows of the tick after which a node's tables kept their pages.
    """

    vacuum_after: int = field(default_factory=lambda: VACUUM_AFTER)
    loaded: int = field(default_factory=lambda: LOADED)
    deleted: dict[int, int] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)

    def after(self, counts: Mapping[int, int]) -> Clearing:
        """Notes how many rows a tick has put into each node's tables and deleted; what is to be cleared away now."""
        kept, cut = [], []
        for number, rows in counts.items():
            self.deleted[number] = self.deleted.get(number, 0) + rows
            if self.deleted[number] <= max(self.vacuum_after, TICKS * rows):
                continue
            del self.deleted[number]
            if rows < self.loaded:
                cut.append(number)
            else:
                kept.append(number)
                self.sizes[number] = rows
        cut += [
            number for number, rows in self.sizes.items() if number not in cut and counts.get(number, 0) * SHRUNK < rows
        ]
        for number in cut:
            self.deleted.pop(number, None)
            self.sizes.pop(number, None)
        return Clearing(kept, cut)


def littered(graph: Graph, counts: Mapping[int, int]) -> dict[int, int]:
    """How many rows a tick has put into one of the temporary tables of each node, at most, from the changed rows of the nodes.

    A node that changes nothing may have looked at very many rows.
    """
    rows = dict(counts)
    for item in graph:
        for number, passed in item.passed_on.items():
            if through := sum(counts.get(other, 0) for other in passed):
                rows[number] = max(through, rows.get(number, 0))
    return rows


def clear_away(connection: psycopg.Connection[Any], graph: Graph, clearing: Clearing) -> None:
    """Makes the space of deleted rows usable again.

    Args:
        connection: the engine's, between two ticks.
        graph: the maintained objects.
        clearing: whose tables are vacuumed.
    """
    nodes = graph.nodes()
    for numbers, option in ((clearing.kept, ", truncate false"), (clearing.cut, "")):
        tables = [table for number in numbers if number in nodes for table in nodes[number].session_tables()]
        if tables:
            run(connection, f"vacuum (skip_database_stats{option}) {', '.join(tables)}")
        if tables and option:
            # A table of empty pages would be planned as one that has a single row for ever.
            names = ", ".join(f"'{table.removeprefix('pg_temp.')}'" for table in tables)
            run(connection, CLEAR_STATISTICS.format(names))
