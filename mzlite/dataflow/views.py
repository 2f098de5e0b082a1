"""Builds what is maintained for views, from their definitions.

In: the oid of a view of PostgreSQL's with a view's own query. Out: the nodes behind it, filled, in the graph; for a
plain view only once something maintained reads it, and a store only for an index. Every method works inside an
`EngineTransaction`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from mzlite.dataflow import source_errors
from mzlite.dataflow.build import Builder
from mzlite.dataflow.connected import Connected
from mzlite.dataflow.keeping import Existing, fill, is_cheap_to_read, is_kept, kept, mark_failed
from mzlite.dataflow.node import Node
from mzlite.dataflow.nodes import as_foreign
from mzlite.dataflow.objects import Kind, MaintainedObject, evaluation_error, is_of_rows
from mzlite.dataflow.recursion import owner_of, recursive_reads
from mzlite.dataflow.rel import NodeRel, Rel, names_of
from mzlite.dataflow.relations import definition_text, regclass
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.errors import MzError, unsupported
from mzlite.kafka.spec import SinkSpec
from mzlite.planner.expressions import literal
from mzlite.planner.operators import Operator
from mzlite.planner.scope import RelationInfo
from mzlite.planner.select import plan

STORE_OF = "{}.store"
"""Under which the store is written down that a view gets later, for an index, a sink or a reader."""


class StoreWantedError(Exception):
    """A new object needs the rows of a materialized view that keeps none in a store."""

    def __init__(self, relation: int) -> None:
        super().__init__(f"the rows of relation {relation} are needed in a store")
        self.relation = relation


class Views(Connected):
    """The maintained objects of a graph that have a query."""

    def readable(self, tx: EngineTransaction, relation: int) -> MaintainedObject:
        """The maintained object of a relation; a plain view is maintained from now on, as a shared delta."""
        item = self.graph.by_relation(relation)
        if item is not None:
            return item
        row = tx.execute("select relkind from pg_class where oid = %s", (relation,)).fetchone()
        if row is None or row[0] != "v":
            raise unsupported("a maintained view can only read tables, sources and views")
        object_id = f"v{relation}"
        definition = self._definition_of(tx, relation)
        item = self._with_wanted_stores(tx, lambda: self._build(tx, object_id, "view", relation, definition, None))
        self._record(tx, item)
        return item

    def relation(self, tx: EngineTransaction, schema: str | None, name: str) -> RelationInfo:
        """A relation by the name that a definition has, as PostgreSQL prints it."""
        found = tx.execute(
            "select c.oid, array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0"
            " and not attisdropped order by attnum), n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relname = %s and (n.nspname = %s or (%s::text is null and n.nspname in ('pg_catalog', 'mz_catalog')))",
            (name, schema, schema),
        ).fetchone()
        if found is None:
            raise MzError(f"unknown catalog item '{name}'")
        if found[2].startswith(("mz_", "pg_", "information_schema")):
            raise unsupported(f"a maintained view over the system relation {found[2]}.{name} is not supported")
        return RelationInfo(found[0], f"{found[2]}.{name}", tuple(found[1]))

    def _definition_of(self, tx: EngineTransaction, relation: int) -> int:
        """The oid of the view that has a plain view's own query: itself, or what stands behind its fence."""
        row = tx.execute(
            "select c.oid from pg_rewrite r join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass"
            " join pg_class c on c.oid = d.refobjid and d.refclassid = 'pg_class'::regclass"
            " where r.ev_class = %s and c.relnamespace = 'mzlite_def'::regnamespace and c.relkind = 'v'",
            (relation,),
        ).fetchone()
        return int(row[0]) if row is not None else relation

    def definition(self, tx: EngineTransaction, object_id: str, relation: int) -> int:
        """The oid of the view that has the query of a view or a materialized view."""
        for item in self.graph:
            if item.id == object_id and item.definition:
                return item.definition
        return self._definition_of(tx, relation)

    def explained(self, tx: EngineTransaction, definition: int) -> Operator:
        """The operators that a view's query becomes; nothing is built.

        Raises:
            MzError: a clause has no rule.
        """
        return plan(definition_text(tx, definition), _Lookup(self, tx))

    def maintain_view(self, tx: EngineTransaction, relation: int) -> MaintainedObject:
        """Gives a view a store, for an index, a sink or a reader, if it has none."""
        item = self.readable(tx, relation)
        if is_kept(item.rel):
            return item
        before = item.nodes
        item = self._with_store(tx, item, None)
        # Who reads the view already reads its rows without the store, also after a restart: so that comes later there too.
        added = [node.number for node in item.nodes if node not in before]
        self._record_as(tx, STORE_OF.format(item.id), "store", item, added)
        if item.kind == "materialized-view":
            tx.execute(f"create or replace view {regclass(tx, relation)} as {shown_query(item)}")
        return item

    def create_sink(self, tx: EngineTransaction, from_id: str, spec: SinkSpec) -> None:
        # After an error, what the sink has been told of is compared with what there is then: so it must be stored.
        self.maintain_view(tx, self.graph[from_id].relation)
        super().create_sink(tx, from_id, spec)

    def redirect_sink(self, tx: EngineTransaction, sink_id: str, from_id: str, spec: SinkSpec) -> None:
        self.maintain_view(tx, self.graph[from_id].relation)
        super().redirect_sink(tx, sink_id, from_id, spec)

    # Parts -----------------------------------------------------------------------------

    def _with_wanted_stores(self, tx: EngineTransaction, build: Callable[[], MaintainedObject]) -> MaintainedObject:
        """A new object, built when the views that it reads have the stores that it wants."""
        graph = self.graph.copy()
        try:
            with tx.connection.transaction():
                return build()
        except StoreWantedError as wanted:
            self.graph = graph
            self.maintain_view(tx, wanted.relation)
        return self._with_wanted_stores(tx, build)

    def _builder(
        self,
        tx: EngineTransaction,
        object_id: str,
        existing: Existing | None,
        reads: set[str] | None = None,
        *,
        asks: bool = False,
    ) -> Builder:
        """A builder; it makes what does not exist.

        Args:
            asks: rows that a materialized view computes, and that are needed in a store, are wanted from the view.
        """

        def ask(owner: str) -> None:
            if asks and self.graph[owner].kind == "materialized-view":
                raise StoreWantedError(self.graph[owner].relation)

        def relation(oid: int) -> Rel:
            item = self.readable(tx, oid)
            if reads is not None:
                reads.add(item.id)
            return as_foreign(item.rel)

        def fresh() -> Iterator[int]:
            while True:
                row = tx.execute("select nextval('mzlite.node_numbers')").fetchone()
                assert row is not None
                yield row[0]

        def execute(statement: str) -> None:
            tx.execute(statement)

        numbers = fresh() if existing is None else existing.numbers
        stores = None if existing is None else existing.stores
        return Builder(object_id, numbers, tx.describe, execute, stores, relation=relation, ask=ask)

    def _build(
        self,
        tx: EngineTransaction,
        object_id: str,
        kind: Kind,
        relation: int,
        definition: int,
        existing: Existing | None,
    ) -> MaintainedObject:
        """Builds the nodes of a view's definition, and fills them if they are new.

        Raises:
            StoreWantedError: a view that it reads must have a store first; several objects then share it. A subscription,
                which goes again, has its own, and what exists is attached as it was made.
        """
        reads: set[str] = set()
        builder = self._builder(tx, object_id, existing, reads, asks=existing is None and kind != "subscription")
        tree = plan(definition_text(tx, definition), _Lookup(self, tx))
        rel = builder.build(tree)
        if kind == "materialized-view" and (not is_cheap_to_read(rel) or builder.was_stored()):
            rel = kept(builder, rel)
        elif not isinstance(rel, NodeRel):
            # Shared views and subscriptions need their changes only, worked out once.
            rel = builder.once(rel)
        item = MaintainedObject(object_id, kind, relation, definition, builder.nodes, rel, frozenset(reads))
        if existing is None:
            self._fill(tx, item)
            builder.finish()
            source_errors.inherit(tx, item)
            self._inherit_error(tx, item)
        self.graph.add(item)
        return item

    def _fill(self, tx: EngineTransaction, item: MaintainedObject, only: list[Node] | None = None) -> None:
        """Fills a new object's nodes. One whose rows cannot be computed is there all the same, and heals when they can."""
        try:
            with tx.connection.transaction():
                fill(tx, item, only)
        except psycopg.Error as error:
            if item.kind == "subscription" or not is_of_rows(error):
                raise
            mark_failed(tx, item, evaluation_error(error.diag.message_primary or str(error)))

    def _inherit_error(self, tx: EngineTransaction, item: MaintainedObject) -> None:
        """What reads an object that cannot be computed at present cannot be either; it heals with it."""
        if item.error is not None:
            return
        inputs = (self.graph.get(object_id) for object_id in sorted(item.reads))
        error = next((other.error for other in inputs if other is not None and other.error is not None), None)
        if error is not None:
            mark_failed(tx, item, error)

    def _with_store(self, tx: EngineTransaction, item: MaintainedObject, existing: Existing | None) -> MaintainedObject:
        """Gives a view a store, or after a restart the one that an index has given it."""
        builder = self._builder(tx, item.id, existing)
        builder.nodes = list(item.nodes)
        rel = kept(builder, as_foreign(item.rel))
        new = MaintainedObject(item.id, item.kind, item.relation, item.definition, builder.nodes, rel, item.reads)
        new.error = item.error
        # Where there is an error, what the view reads heals first, and then it is filled whole.
        if existing is None and new.error is None:
            self._fill(tx, new, only=[node for node in new.nodes if node not in item.nodes])
        builder.finish()
        self.graph.add(new)
        return new

    def _record(self, tx: EngineTransaction, item: MaintainedObject) -> None:
        """Writes down what `attach` needs."""
        self._record_as(tx, item.id, item.kind, item, [node.number for node in item.nodes])

    def _record_as(
        self, tx: EngineTransaction, object_id: str, kind: str, item: MaintainedObject, numbers: list[int]
    ) -> None:
        tx.execute(
            "insert into mzlite.dataflows (object_id, kind, relation, definition, numbers) values (%s, %s, %s, %s, %s::bigint[])",
            (object_id, kind, item.relation, item.definition or None, numbers),
        )


def shown_query(item: MaintainedObject) -> str:
    """What clients read; an error while the rows cannot be computed."""
    return (
        f"select {names_of(item.columns, 'r')} from ({item.rel.state()}) as r where mzlite.readable({literal(item.id)})"
    )


class _Lookup:
    """The planner's view of the catalog, inside a transaction."""

    def __init__(self, views: Views, tx: EngineTransaction) -> None:
        self._views, self._tx = views, tx

    def relation(self, schema: str | None, name: str) -> RelationInfo:
        return self._views.relation(self._tx, schema, name)

    def recursive_reads(self, function: str) -> tuple[int, ...]:
        return recursive_reads(self._tx, owner_of(function))
