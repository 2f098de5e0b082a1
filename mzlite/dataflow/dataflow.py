"""Makes, attaches and drops maintained objects: the interface to whatever defines them.

In: definitions as names, columns and queries. Out: the PostgreSQL objects behind them (stores,
the relations that clients see, inboxes and their triggers), hydrated, and the graph that ticks.
Every method works inside an `EngineTransaction`; if that fails, the engine puts the graph back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import psycopg

from mzlite.dataflow import source_errors
from mzlite.dataflow.build import Builder
from mzlite.dataflow.client_indexes import make_index
from mzlite.dataflow.connected import Connected
from mzlite.dataflow.generated import Generated
from mzlite.dataflow.keeping import (
    Existing,
    base_node,
    existing_stores,
    fill,
    is_kept,
    kept,
    mark_failed,
)
from mzlite.dataflow.node import Node
from mzlite.dataflow.nodes import as_foreign
from mzlite.dataflow.objects import Kind, MaintainedObject, evaluation_error, is_of_rows
from mzlite.dataflow.recursion import anchored, drop_blocks, owner_of, recursive_reads
from mzlite.dataflow.rel import Column, NodeRel, Rel, names_of
from mzlite.dataflow.relations import column_list, computes, definition_text, empty_query, regclass, relation_oid
from mzlite.dataflow.sinks import ActiveSink
from mzlite.dataflow.specs import Connectors, ingest_from_json, sink_from_json
from mzlite.dataflow.tables import inbox_statement, inbox_statements
from mzlite.dataflow.transaction import ENGINE_PATH, EngineTransaction
from mzlite.dialect.definitions import ColumnDefinition
from mzlite.errors import MzError, unsupported
from mzlite.planner.expressions import literal, quote
from mzlite.planner.operators import Operator
from mzlite.planner.scope import RelationInfo
from mzlite.planner.select import plan

STORE_OF = "{}.store"
"""Under which the store is written down that an index gives to a plain view."""


class Dataflow(Connected):
    """The maintained objects of one database."""

    def __init__(self, connectors: Connectors | None = None) -> None:
        super().__init__(connectors)
        self.generated = Generated(connectors)

    # Definitions -------------------------------------------------------------------

    def create_table(
        self, tx: EngineTransaction, object_id: str, schema: str, name: str, columns: Sequence[ColumnDefinition]
    ) -> int:
        """A table: a store, a relation that can be written, and an inbox for what is written. Returns the relation's oid."""
        return self._create_base(tx, object_id, "table", schema, name, columns)

    def create_source(
        self,
        tx: EngineTransaction,
        object_id: str,
        schema: str,
        name: str,
        columns: Sequence[ColumnDefinition],
        *,
        upsert: bool = False,
    ) -> int:
        """A collection that ingestion fills: append-only, or with one row for each key. Returns the relation's oid."""
        return self._create_base(tx, object_id, "source", schema, name, columns, upsert=upsert)

    def create_generated(
        self, tx: EngineTransaction, object_id: str, schema: str, name: str, columns: Sequence[ColumnDefinition]
    ) -> int:
        """A collection that a load generator fills through an inbox. Returns the relation's oid."""
        return self._create_base(tx, object_id, "generated", schema, name, columns)

    def create_view(
        self,
        tx: EngineTransaction,
        object_id: str,
        schema: str,
        name: str,
        columns: Sequence[str],
        query: str,
        search_path: Sequence[str],
    ) -> int:
        """A plain view; nothing is maintained until something maintained reads it. Returns its oid."""
        shown = f"{quote(schema)}.{quote(name)}"
        if computes(query):
            definition = f"mzlite_def.d_{object_id}"
            self._define(tx, search_path, object_id, f"{definition}{column_list(columns)}", query)
            # Without a fence PostgreSQL would compute a column again at each of its uses in the reader's query.
            tx.execute(f"create view {shown} as select * from {definition} offset 0")
        else:
            self._define(tx, search_path, object_id, f"{shown}{column_list(columns)}", query)
        tx.execute(f"grant select on {shown} to materialize")
        return relation_oid(tx, schema, name)

    def create_materialized_view(
        self,
        tx: EngineTransaction,
        object_id: str,
        schema: str,
        name: str,
        columns: Sequence[str],
        query: str,
        search_path: Sequence[str],
    ) -> int:
        """A maintained view, filled. Returns the oid of the relation that clients see.

        Raises:
            MzError: a clause has no rule, or the query fails over the present rows.
        """
        definition = f"d_{object_id}"
        self._define(tx, search_path, object_id, f"mzlite_def.{definition}{column_list(columns)}", query)
        oid = relation_oid(tx, "mzlite_def", definition)
        item = self._build(tx, object_id, "materialized-view", 0, oid, None)
        self._show(tx, item, schema, name)
        item.relation = relation_oid(tx, schema, name)
        self._record(tx, item)
        return item.relation

    def create_index(
        self, tx: EngineTransaction, object_id: str, on_relation: int, expressions: Sequence[str] | None
    ) -> list[str]:
        """An index: on a maintained relation it makes look-ups fast; a plain view becomes maintained by it.

        Args:
            on_relation: oid of the relation.
            expressions: SQL of the keys; None for the default key, all columns.

        Returns:
            the key expressions.
        """
        item = self.graph.by_relation(on_relation)
        if item is None or (item.kind == "view" and not is_kept(item.rel)):
            item = self._maintain_view(tx, on_relation)
        keys = list(expressions) if expressions is not None else [quote(column.name) for column in item.columns]
        make_index(tx, item.rel, f"x_{object_id}", keys)
        return keys

    def subscribe(
        self, tx: EngineTransaction, object_id: str, query: str, search_path: Sequence[str]
    ) -> MaintainedObject:
        """A maintained query for one subscription; it leaves nothing behind in the catalog."""
        definition = f"d_{object_id}"
        self._define(tx, search_path, object_id, f"mzlite_def.{definition}", query)
        oid = relation_oid(tx, "mzlite_def", definition)
        return self._build(tx, object_id, "subscription", 0, oid, None)

    def drop(self, tx: EngineTransaction, object_id: str) -> None:
        """Drops an object with its stores. What reads it was dropped before."""
        self._stop_connector(tx, object_id)
        if self.sinks.pop(object_id, None) is not None:
            tx.execute("delete from mzlite.sinks where sink_id = %s", (object_id,))
            tx.execute("delete from mzlite.outbox where sink_id = %s", (object_id,))
            return
        tx.execute("delete from mzlite.ingests where source_id = %s", (object_id,))
        tx.execute("delete from mzlite.offsets where source_id = %s", (object_id,))
        self.generated.leave(tx, object_id)
        relation = self._relation_of(tx, object_id)
        item = self.graph.get(object_id) or (self.graph.by_relation(relation) if relation else None)
        if item is not None:
            self._forget(tx, item)
        if relation:
            tx.execute(f"drop view {regclass(tx, relation)}")
        tx.execute(f"drop view if exists mzlite_def.d_{object_id}")
        drop_blocks(tx, object_id)
        if item is not None:
            self._drop_unread_views(tx, item.reads)

    def _relation_of(self, tx: EngineTransaction, object_id: str) -> int:
        """The oid of the relation that clients see; 0 for an object without one."""
        item = self.graph.get(object_id)
        if item is not None:
            return item.relation
        row = tx.execute("select relation::bigint from mzlite.objects where id = %s", (object_id,)).fetchone()
        return int(row[0]) if row is not None and row[0] is not None else 0

    def _forget(self, tx: EngineTransaction, item: MaintainedObject) -> None:
        """Removes what is kept for an object."""
        self.graph.remove(item.id)
        for table in ("mzlite.dataflows", "mzlite.errors", "mzlite.source_errors"):
            tx.execute(f"delete from {table} where object_id = %s", (item.id,))
        tx.execute("delete from mzlite.dataflows where object_id = %s", (STORE_OF.format(item.id),))
        if item.relation and item.kind != "view":
            # The visible relation reads the stores, which go first.
            tx.execute(f"create or replace view {regclass(tx, item.relation)} as {empty_query(item.columns)}")
        for node in reversed(item.nodes):
            for statement in node.drop_statements():
                tx.execute(statement)
        if item.has_inbox:
            tx.execute(f"drop table {item.base.inbox}")
        if item.kind == "table":
            tx.execute(f"drop function mzlite_inbox.write_{item.base.number}() cascade")
        tx.execute(f"drop function if exists pg_temp.{item.function}(bigint[], bigint, bigint)")

    def attach(self, tx: EngineTransaction) -> None:
        """Builds the graph of an existing database again, after a restart."""
        rows = tx.execute(
            "select object_id, kind, relation, coalesce(definition, 0), numbers from mzlite.dataflows order by position"
        ).fetchall()
        stores = existing_stores(tx)
        for object_id, kind, relation, definition, numbers in rows:
            try:
                self._attach_one(tx, object_id, kind, relation, definition, Existing(iter(numbers), stores))
            except (MzError, psycopg.Error) as error:
                raise MzError(
                    f"object {object_id} was made by another version of mzlite and cannot be maintained by this one: "
                    f"{str(error).strip()}",
                    hint="Start the version that made it, or deploy into a new data directory.",
                ) from error
        for object_id, sqlstate, message in tx.execute(
            "select object_id, sqlstate, message from mzlite.errors"
        ).fetchall():
            item = self.graph.get(object_id)
            if item is not None:
                item.error = (sqlstate, message)
        # A source that Kafka ended is not begun again, whatever its topic is now.
        ended = "select from mzlite.source_errors as e where e.cause = source_id and e.message like 'Source error: topic was %'"
        for (spec,) in tx.execute(f"select spec from mzlite.ingests where not exists ({ended})").fetchall():
            self._resume_reader(tx, ingest_from_json(spec))
        self.generated.resume(tx)
        for from_id, spec in tx.execute("select from_id, spec from mzlite.sinks").fetchall():
            sink = ActiveSink(sink_from_json(spec), from_id, as_foreign(self.graph[from_id].rel))
            self.sinks[sink.spec.sink_id] = sink
            self._start_writer(tx, sink.spec)

    # Reading -------------------------------------------------------------------------

    def readable(self, tx: EngineTransaction, relation: int) -> MaintainedObject:
        """The maintained object of a relation; a plain view is maintained from now on, as a shared delta."""
        item = self.graph.by_relation(relation)
        if item is not None:
            return item
        row = tx.execute("select relkind from pg_class where oid = %s", (relation,)).fetchone()
        if row is None or row[0] != "v":
            raise unsupported("a maintained view can only read tables, sources and views")
        object_id = f"v{relation}"
        item = self._build(tx, object_id, "view", relation, self._definition_of(tx, relation), None)
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

    # Parts -----------------------------------------------------------------------------

    def _create_base(
        self,
        tx: EngineTransaction,
        object_id: str,
        kind: Kind,
        schema: str,
        name: str,
        columns: Sequence[ColumnDefinition],
        *,
        upsert: bool = False,
    ) -> int:
        own = tuple(Column(column.name, column.type) for column in columns)
        builder = self._builder(tx, object_id, None)
        node = base_node(builder.number(), object_id, kind, own, upsert=upsert)
        rel = builder.add(node)
        builder.finish()
        item = MaintainedObject(object_id, kind, 0, 0, builder.nodes, rel)
        self._show(tx, item, schema, name)
        item.relation = relation_oid(tx, schema, name)
        if kind == "generated":
            tx.execute(inbox_statement(node, columns))
        elif kind == "table":
            for statement in inbox_statements(node, f"{quote(schema)}.{quote(name)}", columns):
                tx.execute(statement)
        self.graph.add(item)
        self._record(tx, item)
        return item.relation

    def _builder(
        self, tx: EngineTransaction, object_id: str, existing: Existing | None, reads: set[str] | None = None
    ) -> Builder:
        """A builder; it makes what does not exist."""

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
        return Builder(object_id, numbers, tx.describe, execute, stores, relation=relation)

    def _build(
        self,
        tx: EngineTransaction,
        object_id: str,
        kind: Kind,
        relation: int,
        definition: int,
        existing: Existing | None,
    ) -> MaintainedObject:
        """Builds the nodes of a view's definition, and fills them if they are new."""
        reads: set[str] = set()
        builder = self._builder(tx, object_id, existing, reads)
        tree = plan(definition_text(tx, definition), _Lookup(self, tx))
        rel = builder.build(tree)
        if kind == "materialized-view":
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

    def _maintain_view(self, tx: EngineTransaction, relation: int) -> MaintainedObject:
        """Gives a plain view a store, for an index."""
        item = self.readable(tx, relation)
        if is_kept(item.rel):
            return item
        builder = self._builder(tx, item.id, None)
        before = list(item.nodes)
        builder.nodes = list(before)
        rel = kept(builder, as_foreign(item.rel))
        error = item.error
        item = MaintainedObject(item.id, "view", relation, item.definition, builder.nodes, rel, item.reads)
        if error is None:
            self._fill(tx, item, only=[node for node in item.nodes if node not in before])
        else:
            # Whatever it reads heals first, and then it is filled whole.
            item.error = error
        builder.finish()
        self.graph.add(item)
        # Who reads the view already reads its rows without the store, also after a restart: so that comes later there too.
        added = [node.number for node in item.nodes if node not in before]
        self._record_as(tx, STORE_OF.format(item.id), "store", item, added)
        return item

    def _attach_store(self, tx: EngineTransaction, object_id: str, existing: Existing) -> None:
        """Gives a plain view the store again that an index gave it."""
        item = self.graph[object_id]
        builder = self._builder(tx, object_id, existing)
        builder.nodes = list(item.nodes)
        rel = kept(builder, as_foreign(item.rel))
        self.graph.add(
            MaintainedObject(object_id, item.kind, item.relation, item.definition, builder.nodes, rel, item.reads)
        )

    def _attach_one(
        self,
        tx: EngineTransaction,
        object_id: str,
        kind: Kind | Literal["store"],
        relation: int,
        definition: int,
        existing: Existing,
    ) -> None:
        if kind == "store":
            self._attach_store(tx, object_id.removesuffix(STORE_OF.format("")), existing)
            return
        if kind in ("table", "source", "generated"):
            columns = tx.describe(f"select * from {regclass(tx, relation)}")
            builder = self._builder(tx, object_id, existing)
            ingest = tx.execute("select spec from mzlite.ingests where source_id = %s", (object_id,)).fetchone()
            upsert = ingest is not None and ingest_from_json(ingest[0]).upsert
            node = base_node(builder.number(), object_id, kind, tuple(columns), upsert=upsert)
            base = builder.add(node)
            self.graph.add(MaintainedObject(object_id, kind, relation, 0, builder.nodes, base))
            return
        self._build(tx, object_id, kind, relation, definition, existing)
        remaining = list(existing.numbers)
        if kind == "view" and remaining:
            # Earlier versions wrote all numbers of such a view down together.
            self._attach_store(tx, object_id, replace(existing, numbers=iter(remaining)))

    def _define(self, tx: EngineTransaction, search_path: Sequence[str], object_id: str, view: str, query: str) -> None:
        """Makes a view of PostgreSQL's with the names of the client's session in reach."""
        path = ", ".join(quote(schema) for schema in search_path)
        tx.execute("select set_config('search_path', %s, true)", (path,))
        tx.execute(f"create view {view} as {anchored(tx, object_id, query)}")
        tx.execute("select set_config('search_path', %s, true)", (ENGINE_PATH,))

    def _show(self, tx: EngineTransaction, item: MaintainedObject, schema: str, name: str) -> None:
        """Makes the relation that clients see."""
        shown = f"{quote(schema)}.{quote(name)}"
        tx.execute(
            f"create view {shown} as select {names_of(item.columns, 'r')} from ({item.rel.state()}) as r"
            f" where mzlite.readable({literal(item.id)})"
        )
        rights = "select, insert, update, delete" if item.kind == "table" else "select"
        tx.execute(f"grant {rights} on {shown} to materialize")

    def _record(self, tx: EngineTransaction, item: MaintainedObject) -> None:
        """Writes down what `attach` needs."""
        self._record_as(tx, item.id, item.kind, item, [node.number for node in item.nodes])

    def _record_as(
        self, tx: EngineTransaction, object_id: str, kind: str, item: MaintainedObject, numbers: list[int]
    ) -> None:
        tx.execute(
            "insert into mzlite.dataflows (object_id, kind, relation, definition, numbers) values (%s, %s, %s, %s, %s)",
            (object_id, kind, item.relation, item.definition or None, numbers),
        )

    def _drop_unread_views(self, tx: EngineTransaction, reads: frozenset[str]) -> None:
        """Stops maintaining plain views that nothing maintained reads any more."""
        for object_id in reads:
            item = self.graph.get(object_id)
            if item is None or item.kind != "view" or is_kept(item.rel):
                continue
            if any(object_id in other.reads for other in self.graph):
                continue
            self._forget(tx, item)
            self._drop_unread_views(tx, item.reads)


class _Lookup:
    """The planner's view of the catalog, inside a transaction."""

    def __init__(self, dataflow: Dataflow, tx: EngineTransaction) -> None:
        self._dataflow, self._tx = dataflow, tx

    def relation(self, schema: str | None, name: str) -> RelationInfo:
        return self._dataflow.relation(self._tx, schema, name)

    def recursive_reads(self, function: str) -> tuple[int, ...]:
        return recursive_reads(self._tx, owner_of(function))
