"""The indexes that clients make, as far as they are indexes of PostgreSQL: for look-ups by columns in queries.

In: a stored relation and its keys. Out: an index of PostgreSQL, if it can have one. What Materialize indexes has no
limit, an entry here takes 2,704 bytes: an index that a value does not fit into is given up, as views and queries are
answered without it, more slowly.
"""

from __future__ import annotations

import itertools
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
    places = {
        text: (place, column.type)
        for column in rel.columns
        if (place := rel.stored(column.name)) is not None
        for text in (column.name, quote(column.name))
    }
    found = [places[key.strip()] for key in keys if key.strip() in places]
    stores = {store for (store, _), _ in found}
    if len(found) < len(keys) or len(stores) != 1:
        return
    looked_up = itertools.takewhile(lambda item: is_narrow(item[1]) or is_text(item[1]), found[:MOST_COLUMNS])
    columns = [quote(column) for (_, column), _ in looked_up]
    if not columns:
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
