"""The indexes that clients make, as far as they are indexes of PostgreSQL: for look-ups by columns in queries.

In: a stored relation and its keys. Out: an index of PostgreSQL, if it can have one. What Materialize indexes has no
limit, an entry here takes 2,704 bytes: an index that a value does not fit into is given up, as views and queries are
answered without it, more slowly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg
import structlog

from mzlite.dataflow.objects import MaintainedObject
from mzlite.dataflow.rel import Rel
from mzlite.dataflow.rules.counted import is_text
from mzlite.dataflow.rules.keys import is_narrow
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.planner.expressions import quote

log = structlog.get_logger(__name__)

TOO_WIDE = "54000"
"""SQLSTATE (program_limit_exceeded) with which PostgreSQL refuses a row that does not fit into an index."""
MOST_COLUMNS = 32
"""That an index of PostgreSQL has."""


class ValueTooWideError(Exception):
    """A tick cannot be done with these indexes."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"a value is too wide for {', '.join(names)}")
        self.names = names


def make_index(tx: EngineTransaction, rel: Rel, name: str, keys: Sequence[str]) -> None:
    """An index over a stored relation's columns, up to the first that nobody is looked up by: documents, lists, bytes.

    Expressions that are not plain columns are left to the scan.
    """
    places = {quote(column.name): rel.stored(column.name) for column in rel.columns}
    places |= {column.name: rel.stored(column.name) for column in rel.columns}
    types = {quote(column.name): column.type for column in rel.columns}
    types |= {column.name: column.type for column in rel.columns}
    found = [(places.get(key.strip()), types.get(key.strip(), "")) for key in keys]
    if any(place is None for place, _ in found):
        return
    stores = {place[0] for place, _ in found if place is not None}
    columns = []
    for place, type_ in found[:MOST_COLUMNS]:
        if place is None or not (is_narrow(type_) or is_text(type_)):
            break
        columns.append(quote(place[1]))
    if len(stores) != 1 or not columns:
        return
    try:
        with tx.connection.transaction():
            tx.execute(f"create index {name} on {stores.pop()} ({', '.join(columns)})")
    except psycopg.errors.ProgramLimitExceeded:
        log.warning("values are too wide for an index: queries scan", index=name)


def indexes_of(tx: EngineTransaction, objects: Iterable[MaintainedObject]) -> list[str]:
    """The clients' indexes over the stores of objects."""
    stores = [node.store for item in objects for node in item.nodes if node.has_store]
    rows = tx.execute(
        "select i.relname::text from pg_catalog.pg_index as x join pg_catalog.pg_class as i on i.oid = x.indexrelid"
        " where x.indrelid = any (%s::regclass[]) and i.relname ~ '^x_u[0-9]+$' order by 1",
        (stores,),
    ).fetchall()
    return [name for (name,) in rows]


def give_up(tx: EngineTransaction, names: Sequence[str]) -> None:
    """Drops indexes that values do not fit into."""
    for name in names:
        tx.execute(f"drop index if exists mzlite_data.{quote(name)}")
        log.warning("values are too wide for an index: queries scan", index=name)
