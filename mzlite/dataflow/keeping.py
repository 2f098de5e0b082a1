"""Whether a relation's rows lie in a store, and how they get there.

In: relations and nodes as built. Out: relations that are stored, filled nodes, indexes; what is stored already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mzlite.dataflow.node import Node
from mzlite.dataflow.nodes import Nodes, Stores, readable_before
from mzlite.dataflow.objects import Kind, MaintainedObject
from mzlite.dataflow.program import hydrate
from mzlite.dataflow.rel import Column, MapRel, NodeRel, Rel, is_plain, node_of
from mzlite.dataflow.rules.aggregate import Aggregate
from mzlite.dataflow.rules.base import Base
from mzlite.dataflow.rules.outer_join import OuterJoin
from mzlite.dataflow.rules.store import Store, row_index
from mzlite.dataflow.rules.upsert import Upsert
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.planner.expressions import expression
from mzlite.planner.partial import may_fail


def is_kept(rel: Rel) -> bool:
    """Whether a relation's rows lie in a store and need little work to read."""
    node = stored_node(rel)
    if node is None or not node.has_store:
        return False
    # A projection over groups costs little, and its groups are few. One that may fail has to do so in the tick: the
    # view is in error then, whichever of its columns is read.
    return isinstance(rel, NodeRel) or is_plain(rel) or (isinstance(node, Aggregate) and is_sure(rel))


def is_sure(rel: Rel) -> bool:
    """Whether no projection of the relation may fail."""
    while isinstance(rel, MapRel):
        if any(may_fail(expression(text), rel.source.type_of) for text in rel.outputs):
            return False
        rel = rel.source
    return True


def is_cheap_to_read(rel: Rel) -> bool:
    """Whether a relation is computed from stores in little more time than its rows would be read in."""
    node = node_of(rel)
    return isinstance(node, OuterJoin) and node.is_cheap_to_read


def kept(builder: Nodes, rel: Rel) -> Rel:
    """The relation, in a store of its object's own."""
    node = stored_node(rel)
    own = {item.number for item in builder.nodes}
    if is_kept(rel) and node is not None and node.number in own and (readable_before(rel) or isinstance(rel, NodeRel)):
        return rel
    return builder.keep(rel)


def stored_node(rel: Rel) -> Node | None:
    """The node that a relation reads directly, perhaps through projections that keep every row."""
    while isinstance(rel, MapRel) and not rel.tables and not rel.where:
        rel = rel.source
    return rel.node if isinstance(rel, NodeRel) else None


def base_node(number: int, object_id: str, kind: Kind, columns: tuple[Column, ...], *, upsert: bool) -> Base:
    """The node of a table or a source."""
    if upsert:
        return Upsert(number, object_id, columns)
    return Base(number, object_id, columns, append_only=kind == "source")


@dataclass(frozen=True)
class Existing:
    """What there is of an object that is attached again after a restart.

    Attributes:
        numbers: its nodes', in order.
        stores: the stores of all objects.
    """

    numbers: Iterator[int]
    stores: Stores


def existing_stores(tx: EngineTransaction) -> Stores:
    """The stores that there are."""
    rows = tx.execute(
        "select 'mzlite_data.' || c.relname, array_agg(a.attname::text) from pg_class as c"
        " join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relnamespace = 'mzlite_data'::regnamespace and c.relkind = 'r' group by 1"
    ).fetchall()
    return {store: frozenset(columns) for store, columns in rows}


def complete_indexes(tx: EngineTransaction, nodes: Iterable[Node]) -> None:
    """Makes the indexes that are missing after a restart.

    Those that this version has in place of others, where an earlier one has made those; and those by which stores find
    their rows again, where they shared one with a reader that is gone.
    """
    made = "select relname::text from pg_class where relnamespace = 'mzlite_data'::regnamespace and relkind = 'i'"
    found = {
        name
        for (name,) in tx.execute(
            f"{made} and relname ~ '^n_[0-9]+_(hash|key|(signed_)?group|value[0-9]+)$'"
        ).fetchall()
    }
    for node in nodes:
        for name, statement in node.replaced_indexes().items():
            if name in found:
                tx.execute(statement)
                tx.execute(f"drop index mzlite_data.{name}")
        if (
            isinstance(node, Store)
            and not node.append_only
            and not node.found_by
            and f"n_{node.number}_hash" not in found
        ):
            tx.execute(row_index(node))


def fill(tx: EngineTransaction, item: MaintainedObject, only: list[Node] | None = None) -> None:
    """Hydrates an object's new nodes from what they read."""

    def run(statement: str) -> int:
        return tx.execute(statement).rowcount

    nodes = item.nodes if only is None else only
    hydrate(nodes, run, tx.timestamp, tx.tick)
    for node in nodes:
        for table in node.session_tables():
            tx.execute(f"truncate {table}")


def mark_failed(tx: EngineTransaction, item: MaintainedObject, error: tuple[str, str]) -> None:
    """Records that an object's rows cannot be computed, with SQLSTATE and message; who reads it is told so."""
    item.error = error
    tx.execute(
        "insert into mzlite.errors (object_id, sqlstate, message) values (%s, %s, %s) on conflict do nothing",
        (item.id, *error),
    )
