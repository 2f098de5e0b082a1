"""The indexes by which rules look rows up in the stores that they read.

In: relations and the expressions that they are looked up by. Out: statements that make an index, if there is none like
it yet: many readers look the same columns up, and a reader that goes leaves its index to the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from mzlite.dataflow.rel import Column, Rel, node_of
from mzlite.dataflow.rules.keys import hash_of, is_narrow
from mzlite.planner.expressions import Node as Expression
from mzlite.planner.expressions import column, expression, quote, reference, references, rewrite, sql
from mzlite.planner.syntax import ast

Describe = Callable[[str], list[Column]]
"""Gives the columns of a SELECT."""
Places = dict[str, tuple[str, str] | None]
"""For each column of a relation the store and the column that it is read from."""


def key_index(rel: Rel, alias: str, keys: Sequence[Expression]) -> str | None:
    """By the values of key expressions."""
    places, store = stored(rel)
    items = []
    for key in keys:
        found = reference(key)
        if found is None:
            items.append(f"({index_expression(key, alias, places)})")
        elif (place := places[found[1]]) is not None:
            items.append(quote(place[1]))
        else:
            return None
    return None if store is None or not items else _statement(store, sorted(set(items)))


def hash_index(rel: Rel, alias: str, keys: Sequence[Expression]) -> str | None:
    """By the hash of all key expressions."""
    places, store = stored(rel)
    return None if store is None else hash_statement(store, [index_expression(key, alias, places) for key in keys])


def hash_statement(store: str, keys: Sequence[str], *behind: str) -> str:
    """By the hash of keys, given as SQL over a store, and by the columns behind."""
    return _statement(store, [f"({sql(expression(hash_of(keys)))})", *behind])


def order_index(rel: Rel, alias: str, order: Sequence[Expression], describe: Describe) -> str | None:
    """By which the first rows in an order are found; what may be too wide for one is left out."""
    places, store = stored(rel)
    items = []
    for part in order:
        text = f"select {sql(part.node)} as a from ({rel.state()}) as {quote(alias)}"
        read = {name for _, name in references(part.node)}
        if not is_narrow(describe(text)[0].type) or any(places[name] is None for name in read):
            break
        item = ast.SortBy(node=column("s", "s"), sortby_dir=part.sortby_dir, sortby_nulls=part.sortby_nulls)
        items.append(f"({index_expression(part.node, alias, places)}){sql(item).removeprefix('s.s')}")
    return None if store is None or not items else _statement(store, items)


def removed_index(rel: Rel, alias: str, keys: Sequence[Expression]) -> str | None:
    """Over the rows that a tick removes, where outer joins look partners up among them."""
    node = node_of(rel)
    if node is None or not node.has_removed or not keys:
        return None
    places = {column.name: rel.stored(column.name) for column in rel.columns}
    read = [places[name] for key in keys for _, name in references(key)]
    if any(place is None or place[0] != node.store for place in read):
        return None
    items = sorted({f"({index_expression(key, alias, places)})" for key in keys})
    name = f"x_{node.number}_{_digest(items)}"
    return f"create index if not exists {quote(name)} on {node.removed_table} ({', '.join(items)})"


def stored(rel: Rel) -> tuple[Places, str | None]:
    """Where the relation's columns are stored, and the table, if they are in one."""
    places = {column.name: rel.stored(column.name) for column in rel.columns}
    return places, next((place[0] for place in places.values() if place is not None), None)


def index_expression(key: Expression, alias: str, places: Places) -> str:
    """A key's SQL over the columns of the store."""

    def change(node: Expression) -> Expression | None:
        found = reference(node)
        if found is None or found[0] != alias:
            return None
        place = places[found[1]]
        assert place is not None
        return ast.ColumnRef(fields=(ast.String(sval=place[1]),))

    return sql(rewrite(key, change))


def _statement(store: str, items: Sequence[str]) -> str:
    """The name says what is indexed, so that the same is indexed once."""
    table = store.rpartition(".")[2]
    return f"create index if not exists {table}_{_digest(items)} on {store} ({', '.join(items)})"


def _digest(items: Sequence[str]) -> str:
    return hashlib.sha256(", ".join(items).encode()).hexdigest()[:12]
