"""Makes, attaches and drops maintained objects: the interface to whatever defines them.

In: definitions as names, columns and queries. Out: the PostgreSQL objects behind them (stores,
the relations that clients see, inboxes and their triggers), hydrated, and the graph that ticks.
Every method works inside an `EngineTransaction`; if that fails, the engine puts the graph back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import psycopg

from mzlite.dataflow.client_indexes import make_index
from mzlite.dataflow.generated import Generated
from mzlite.dataflow.keeping import (
    Existing,
    base_node,
    complete_indexes,
    existing_stores,
    is_kept,
)
from mzlite.dataflow.nodes import as_foreign
from mzlite.dataflow.objects import Kind, MaintainedObject
from mzlite.dataflow.recursion import anchored, drop_blocks
from mzlite.dataflow.rel import Column
from mzlite.dataflow.relations import column_list, computes, empty_query, regclass, relation_oid
from mzlite.dataflow.sinks import ActiveSink
from mzlite.dataflow.specs import Connectors, ingest_from_json, sink_from_json
from mzlite.dataflow.tables import inbox_statement, inbox_statements
from mzlite.dataflow.transaction import ENGINE_PATH, EngineTransaction
from mzlite.dataflow.views import STORE_OF, Views, shown_query
from mzlite.dialect.definitions import ColumnDefinition
from mzlite.errors import MzError
from mzlite.planner.expressions import quote


class Dataflow(Views):
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
        item = self._with_wanted_stores(tx, lambda: self._build(tx, object_id, "materialized-view", 0, oid, None))
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
        item = self.maintain_view(tx, on_relation)
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
        complete_indexes(tx, self.graph.nodes().values())
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
            self._with_store(tx, self.graph[object_id.removesuffix(STORE_OF.format(""))], existing)
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
            self._with_store(tx, self.graph[object_id], replace(existing, numbers=iter(remaining)))

    def _define(self, tx: EngineTransaction, search_path: Sequence[str], object_id: str, view: str, query: str) -> None:
        """Makes a view of PostgreSQL's with the names of the client's session in reach."""
        path = ", ".join(quote(schema) for schema in search_path)
        tx.execute("select set_config('search_path', %s, true)", (path,))
        tx.execute(f"create view {view} as {anchored(tx, object_id, query)}")
        tx.execute("select set_config('search_path', %s, true)", (ENGINE_PATH,))

    def _show(self, tx: EngineTransaction, item: MaintainedObject, schema: str, name: str) -> None:
        """Makes the relation that clients see."""
        shown = f"{quote(schema)}.{quote(name)}"
        tx.execute(f"create view {shown} as {shown_query(item)}")
        rights = "select, insert, update, delete" if item.kind == "table" else "select"
        tx.execute(f"grant {rights} on {shown} to materialize")

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
