"""CREATE TABLE, VIEW, MATERIALIZED VIEW and INDEX.

In: the statements. Out: collections made by the dataflow, and their rows in the registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mzlite.catalog.create_sql import broken, cluster_reference, literal, name_list, reference
from mzlite.catalog.definitions import Definition, analyse, read_by, refuse_repeated
from mzlite.catalog.drop import drop_for_replacement
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.maintained import check_inputs
from mzlite.catalog.registry import (
    Item,
    NewItem,
    Schema,
    add_item,
    existing_item,
    next_id,
    quote_name,
    refuse_existing,
    resolve_cluster,
    resolve_item,
    schema_for_new,
    search_path,
    show_name,
    temporary_schema,
)
from mzlite.catalog.schemas import already_exists
from mzlite.catalog.system_inputs import check_system_inputs
from mzlite.dialect.ast import Value
from mzlite.dialect.check_values import check_position
from mzlite.dialect.definitions import ColumnDefinition, CreateIndex, CreateMaterializedView, CreateTable, CreateView
from mzlite.dialect.statements import Name
from mzlite.errors import MzError
from mzlite.long_names import MAX_BYTES, short, whole
from mzlite.session import Session


def place_for(tx: EngineTransaction, session: Session, name: Name, *, temporary: bool = False) -> Schema:
    """The schema for a new relation; a session's temporary one is made when it is first needed.

    Raises:
        MzError: there is no such schema, or a temporary object was given one.
    """
    if not temporary:
        return schema_for_new(tx, session, name)
    if len(name) > 1:
        raise MzError("cannot create temporary item in non-temporary schema", sqlstate="42P16")
    physical = temporary_schema(session)
    tx.execute(f"create schema if not exists {quote_name(physical)}")
    tx.execute(f"grant usage on schema {quote_name(physical)} to materialize")
    row = tx.execute("select oid::bigint from pg_catalog.pg_namespace where nspname = %s", (physical,)).fetchone()
    assert row is not None
    return Schema("0", int(row[0]), "mz_temp", physical, None, None)


def create_table(statement: CreateTable, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a table.

    Raises:
        MzError: the name is taken, or two columns have one name.
    """
    schema = place_for(tx, session, statement.name, temporary=statement.temporary)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE TABLE", [already_exists(existing.words, name)])
    refuse_existing(tx, schema, name)
    refuse_repeated([column.name for column in statement.columns])
    identity = next_id(tx)
    columns = [resolved_column(tx, session, column) for column in statement.columns]
    relation = tx.dataflow.create_table(tx, identity, schema.physical, name, columns)
    _set_defaults(tx, session, f"{quote_name(schema.physical)}.{quote_name(name)}", statement.columns)
    details = {
        "not_null": [column.name for column in statement.columns if column.not_null],
        "defaults": {column.name: column.default_sql for column in statement.columns if column.default_sql is not None},
    }
    shown = shown_types(tx, relation)
    listed = ", ".join(
        f"{show_name(column.name)} {shown[column.name]}"
        + (" NOT NULL" if column.not_null else "")
        + (f" DEFAULT {column.default_sql}" if column.default_sql is not None else "")
        for column in statement.columns
    )
    kind = "CREATE TEMPORARY TABLE" if statement.temporary else "CREATE TABLE"
    add_item(
        tx,
        session,
        NewItem(
            identity,
            "table",
            schema.namespace,
            name,
            relation,
            create_sql=f"{kind} {reference(identity)} ({listed});",
            details=details,
            session_id=session.id if statement.temporary else None,
        ),
    )
    return ExecuteResult("CREATE TABLE")


def _set_defaults(tx: EngineTransaction, session: Session, relation: str, columns: Sequence[ColumnDefinition]) -> None:
    """Give a table's columns their defaults, whose names are the session's."""
    path = ", ".join(quote_name(name) for name in search_path(session))
    tx.execute("select set_config('search_path', %s, true)", (path,))
    for column in columns:
        if column.default_sql is not None:
            tx.execute(f"alter view {relation} alter column {quote_name(column.name)} set default {column.default_sql}")
    tx.execute("select set_config('search_path', '', true)")


def resolved_column(tx: EngineTransaction, session: Session, column: ColumnDefinition) -> ColumnDefinition:
    """The column with its type's full name, so that it means the same whoever reads it.

    Raises:
        MzError: there is no such type.
    """
    path = ", ".join(quote_name(name) for name in search_path(session))
    tx.execute("select set_config('search_path', %s, true)", (path,))
    # Every relation has a type in PostgreSQL; here only what CREATE TYPE has made is one.
    found = tx.execute(
        """
        select t.oid::bigint, to_regtypemod(%s) from pg_catalog.pg_type as t
        left join pg_catalog.pg_class as c on c.oid = t.typrelid
        where t.oid = to_regtype(%s) and coalesce(c.relkind = 'c', true)
            and has_schema_privilege('materialize', t.typnamespace, 'usage')
        """,
        (column.type, column.type),
    ).fetchone()
    tx.execute("select set_config('search_path', '', true)")
    if found is None or found[0] is None:
        raise MzError(f'type "{column.type}" does not exist')
    row = tx.execute("select format_type(%s::bigint::oid, %s)", found).fetchone()
    assert row is not None
    return replace(column, type=str(row[0]))


def shown_types(tx: EngineTransaction, relation: int) -> dict[str, str]:
    """The types of a relation's columns as CREATE TABLE shows them, by column."""
    rows = tx.execute(
        """
        select a.attname::text, mz_internal.qualified_type(a.atttypid, a.atttypmod)
        from pg_catalog.pg_attribute as a where a.attrelid = %s::bigint::oid and a.attnum > 0 order by a.attnum
        """,
        (relation,),
    ).fetchall()
    return {str(name): str(kind) for name, kind in rows}


def create_view(statement: CreateView, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a view.

    Raises:
        MzError: the name is taken, or the query is refused.
    """
    schema = place_for(tx, session, statement.name, temporary=statement.temporary)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE VIEW", [already_exists(existing.words, name)])
    definition = analyse(
        tx,
        session,
        statement.query,
        statement.syntax,
        statement.columns,
        what=f"view {schema.full_name}.{name}",
        temporary=statement.temporary,
    )
    check_system_inputs(tx, session, statement.syntax, "view", temporary=statement.temporary)
    if existing is not None and statement.or_replace:
        _replace(tx, existing, "view", definition)
    refuse_existing(tx, schema, name)
    identity = next_id(tx)
    relation = tx.dataflow.create_view(
        tx, identity, schema.physical, name, statement.columns, statement.query, search_path(session)
    )
    kind = "CREATE TEMPORARY VIEW" if statement.temporary else "CREATE VIEW"
    columns = f" {name_list(statement.columns)}" if statement.columns else ""
    add_item(
        tx,
        session,
        NewItem(
            identity,
            "view",
            schema.namespace,
            name,
            relation,
            create_sql=broken([f"{kind} {reference(identity)}{columns}", f"AS {definition.shown}"]),
            definition=f"{definition.shown};",
            details={"not_null": list(definition.not_null)},
            session_id=session.id if statement.temporary else None,
        ),
        definition.references,
    )
    return ExecuteResult("CREATE VIEW")


def create_materialized_view(
    statement: CreateMaterializedView, session: Session, tx: EngineTransaction
) -> ExecuteResult:
    """Make a maintained view, filled.

    Raises:
        MzError: the name is taken, the cluster does not exist, or the query is refused.
    """
    schema = schema_for_new(tx, session, statement.name)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE MATERIALIZED VIEW", [already_exists(existing.words, name)])
    cluster = resolve_cluster(tx, statement.cluster or session.cluster)
    definition = analyse(
        tx,
        session,
        statement.query,
        statement.syntax,
        statement.columns,
        what=f"materialized view {schema.full_name}.{name}",
    )
    check_system_inputs(tx, session, statement.syntax, "materialized view")
    check_inputs(tx, definition.references)
    for column in statement.assert_not_null:
        if column not in definition.columns:
            raise MzError(f'column "{column}" in ASSERT NOT NULL option not found')
        if statement.assert_not_null.count(column) > 1:
            raise MzError(f'duplicate column "{column}" in non-null assertions')
    if existing is not None and statement.or_replace:
        _replace(tx, existing, "materialized view", definition)
    refuse_existing(tx, schema, name)
    identity = next_id(tx)
    relation = tx.dataflow.create_materialized_view(
        tx,
        identity,
        schema.physical,
        name,
        definition.columns,
        _asserted(statement.query, definition.columns, statement.assert_not_null),
        search_path(session),
    )
    options = [f"ASSERT NOT NULL = {show_name(column)}" for column in statement.assert_not_null]
    options += [f"REFRESH = {refresh}" for refresh in statement.refresh or ("ON COMMIT",)]
    columns = f" {name_list(statement.columns)}" if statement.columns else ""
    parts = [
        f"CREATE MATERIALIZED VIEW {reference(identity)}{columns}",
        f"IN CLUSTER {cluster_reference(cluster.id)}",
        f"WITH ({', '.join(options)})",
        f"AS {definition.shown}",
    ]
    details: dict[str, object] = {"not_null": sorted({*definition.not_null, *statement.assert_not_null})}
    if statement.refresh and any(not clause.upper().startswith("ON COMMIT") for clause in statement.refresh):
        details["refresh"] = [_refresh(clause) for clause in statement.refresh]
    add_item(
        tx,
        session,
        NewItem(
            identity,
            "materialized-view",
            schema.namespace,
            name,
            relation,
            cluster.id,
            broken(parts),
            f"{definition.shown};",
            details,
        ),
        definition.references,
    )
    return ExecuteResult("CREATE MATERIALIZED VIEW")


def _asserted(query: str, columns: Sequence[str], assert_not_null: Sequence[str]) -> str:
    """The query, with an error in the place of each null that must not be."""
    if not assert_not_null:
        return query
    names = [quote_name(column) for column in columns]
    outputs = [
        f"mzlite.not_null(q.{name}, {literal(column)}) as {name}" if column in assert_not_null else f"q.{name}"
        for name, column in zip(names, columns, strict=True)
    ]
    return f"select {', '.join(outputs)} from ({query}) as q ({', '.join(names)})"


def _refresh(clause: str) -> dict[str, str]:
    words = clause.upper()
    texts = clause.split("'")[1::2]
    if words.startswith("ON COMMIT"):
        return {"type": "on-commit"}
    if words.startswith("AT"):
        return {"type": "at", "at": texts[0]} if texts else {"type": "at"}
    found = {"type": "every", "interval": texts[0] if texts else ""}
    return found | ({"aligned_to": texts[1]} if len(texts) > 1 else {})


def _replace(tx: EngineTransaction, existing: Item, wanted: str, definition: Definition) -> None:
    """Drop what CREATE OR REPLACE replaces.

    Raises:
        MzError: it is of another type, something depends on it, or the new definition reads it.
    """
    if existing.id in definition.references:
        name = existing.full_name
        raise MzError(f'cannot replace {wanted} "{name}": depended upon by new "{name}" definition')
    drop_for_replacement(tx, existing, wanted)


def create_index(statement: CreateIndex, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make an index.

    Raises:
        MzError: the name is taken, what it is on cannot have one, or an expression is refused.
    """
    on = resolve_item(tx, session, statement.on)
    if on.relation is None or on.is_system:
        raise MzError(f"index cannot be created on {on.name} because it is a {on.words}")
    cluster = resolve_cluster(tx, statement.cluster or session.cluster)
    columns = _columns_of(tx, on)
    expressions = None
    if statement.expressions is not None:
        expressions = [_column_at(expression, columns) for expression in statement.expressions]
    keys = [_key_column(expression, columns) for expression in expressions] if expressions is not None else columns
    if statement.name is None:
        name = _free_name(tx, on, keys, is_default=expressions is None)
    else:
        name = statement.name
        existing = _index_named(tx, on, name)
        if existing is not None:
            if statement.if_not_exists:
                return ExecuteResult("CREATE INDEX", [already_exists(existing.words, name)])
            raise MzError(f'{existing.words} "{existing.full_name}" already exists')
    check_inputs(tx, [on.id])
    identity = next_id(tx)
    used = tx.dataflow.create_index(tx, identity, on.relation, expressions)
    shown = ", ".join(
        show_name(key) if key is not None else f"({text})" for key, text in zip(keys, expressions or used, strict=False)
    )
    add_item(
        tx,
        session,
        NewItem(
            identity,
            "index",
            on.namespace,
            name,
            None,
            cluster.id,
            f"CREATE INDEX {show_name(name)} IN CLUSTER {cluster_reference(cluster.id)} ON {reference(on.id)}"
            f" ({shown});",
            None,
            {"on_id": on.id},
        ),
        {on.id} if expressions is None else {on.id} | read_by(tx, session, on.relation, expressions),
    )
    for position, key in enumerate(keys, start=1):
        tx.execute(
            """
            insert into mzlite.index_columns (index_id, index_position, on_position, on_expression, nullable)
            values (%s, %s, %s, %s, %s)
            """,
            (
                identity,
                position,
                columns.index(key) + 1 if key is not None else None,
                (expressions or used)[position - 1] if key is None else None,
                key not in on.details.get("not_null", []),
            ),
        )
    return ExecuteResult("CREATE INDEX")


def _columns_of(tx: EngineTransaction, item: Item) -> list[str]:
    rows = tx.execute(
        """
        select attname::text from pg_catalog.pg_attribute
        where attrelid = %s::bigint::oid and attnum > 0 order by attnum
        """,
        (item.relation,),
    ).fetchall()
    return [str(row[0]) for row in rows]


def _column_at(expression: str, columns: Sequence[str]) -> str:
    """The column that a number stands for, or the expression as it is."""
    if not expression.lstrip("-").replace(".", "").isdigit():
        return expression
    check_position(Value(0, 0, "number", expression), "CREATE INDEX", len(columns))
    return quote_name(columns[int(expression) - 1])


def _key_column(expression: str, columns: Sequence[str]) -> str | None:
    """The column that an index expression is, or None for a computed one."""
    text = expression.strip()
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = text[1:-1].replace('""', '"')
    elif not text.replace("_", "").replace("$", "").isalnum() or text[:1].isdigit():
        return None
    else:
        text = text.lower()
    if text not in columns:
        raise MzError(f'column "{text}" does not exist')
    return text


def _index_named(tx: EngineTransaction, on: Item, name: str) -> Item | None:
    schema = Schema("", on.namespace, on.schema, on.schema, on.database, None)
    return existing_item(tx, schema, name)


def _free_name(tx: EngineTransaction, on: Item, keys: Sequence[str | None], *, is_default: bool) -> str:
    """t_a_b_idx, or t_primary_idx for the default key; numbered when it is taken."""
    middle = "primary" if is_default else "_".join(whole(key) if key is not None else "expr" for key in keys)
    base = f"{whole(on.name)}_{middle}_idx"
    name, number = base, 0
    while True:
        size = len(name.encode())
        if size > MAX_BYTES:
            raise MzError(f'invalid identifier, identifier too long (len: {size}, max: {MAX_BYTES}, value: "{name}")')
        if _index_named(tx, on, short(name)) is None:
            return short(name)
        number += 1
        name = f"{base}{number}"
