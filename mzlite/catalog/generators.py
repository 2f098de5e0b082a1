"""CREATE SOURCE .. FROM LOAD GENERATOR, and CREATE TABLE .. FROM SOURCE of one.

In: the statements. Out: the source with its progress relation, a relation for each output that was asked for, and a
running generator. One source puts all its outputs out together, so that they agree at every moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg

from mzlite.catalog.create_sql import cluster_reference, options_text, reference
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.registry import (
    Item,
    NewItem,
    Schema,
    add_item,
    next_id,
    refuse_existing,
    resolve_cluster,
    schema_for_new,
    show_name,
)
from mzlite.dialect.definitions import CreateSource, CreateTableFromSource
from mzlite.dialect.option_values import count_option
from mzlite.dialect.statements import Name, OptionValue
from mzlite.errors import MzError
from mzlite.generators.outputs import OUTPUTS, Output, is_multiple
from mzlite.generators.spec import GeneratorSpec, Target
from mzlite.long_names import joined
from mzlite.session import Session

_DATABASE = "mz_load_generators"
_NAMES = {
    "bigint": "pg_catalog.int8",
    "integer": "pg_catalog.int4",
    "text": "pg_catalog.text",
    "timestamp with time zone": "pg_catalog.timestamptz",
    "date": "pg_catalog.date",
    "numeric(39,2)": "pg_catalog.numeric(39, 2)",
    "double precision": "pg_catalog.float8",
}


def create_generator(statement: CreateSource, session: Session, tx: EngineTransaction, schema: Schema) -> ExecuteResult:
    """Make a load generator source in a schema where its name is free.

    Raises:
        MzError: an option is refused, an output does not exist, or the name of one is taken.
    """
    name, generator = statement.name[-1], statement.kind.partition(" ")[2]
    cluster = resolve_cluster(tx, statement.cluster or session.cluster)
    spec = _spec(tx, generator, statement.options)
    exports = _exports(statement, generator)
    identity = next_id(tx)
    spec = replace(spec, source_id=identity)
    place = _progress_place(tx, session, statement, schema)
    references = [
        {"namespace": generator, "name": output.name, "columns": [column.name for column in output.columns]}
        for output in OUTPUTS[generator]
    ]
    details: dict[str, Any] = {"source_type": "load-generator", "generator": generator, "references": references}
    if is_multiple(generator):
        relation = tx.dataflow.create_view(tx, identity, schema.physical, name, (), "select where false", ())
    else:
        (output,) = OUTPUTS[generator]
        relation = tx.dataflow.create_generated(tx, identity, schema.physical, name, output.columns)
        spec = replace(spec, targets=(_target(tx, identity, output),))
        details |= {"not_null": output.not_null}
    progress = next_id(tx) if place is not None else None
    parts = [
        f"CREATE SOURCE {reference(identity)}",
        f"IN CLUSTER {cluster_reference(cluster.id)}",
        f"FROM LOAD GENERATOR {generator.upper()}"
        + (f" {options_text(statement.options)}" if statement.options else ""),
        *([f"EXPOSE PROGRESS AS {reference(progress)}"] if progress is not None else []),
    ]
    add_item(
        tx,
        session,
        NewItem(
            identity, "source", schema.namespace, name, relation, cluster.id, "\n".join(parts) + ";", details=details
        ),
    )
    if place is not None and progress is not None:
        _add_progress(tx, session, identity, progress, *place)
    for output, alias in exports:
        found, export = (schema, output.name) if alias is None else _export_place(tx, session, schema, alias)
        refuse_existing(tx, found, export)
        table, target = _add_export(tx, found.physical, export, output)
        sql = f"CREATE SUBSOURCE {reference(table)} ({_columns(output)}) OF SOURCE {reference(identity)}"
        sql += f" WITH (EXTERNAL REFERENCE = {_DATABASE}.{generator}.{output.name});"
        relation = tx.dataflow.graph[table].relation
        item = NewItem(
            table, "source", found.namespace, export, relation, cluster.id, sql, details=_details(output, "subsource")
        )
        add_item(tx, session, item, [identity])
        spec = replace(spec, targets=(*spec.targets, target))
    tx.dataflow.generated.start(tx, spec)
    return ExecuteResult("CREATE SOURCE")


def create_generated_table(
    statement: CreateTableFromSource, session: Session, tx: EngineTransaction, schema: Schema, source: Item
) -> ExecuteResult:
    """Make a table with one output of a load generator; it gets what the generator has put out so far, too.

    Raises:
        MzError: there is no such output.
    """
    generator = str(source.details["generator"])
    if statement.reference is None and is_multiple(generator):
        raise MzError("LOAD GENERATOR source validation: multi-output sources require an external reference")
    output = OUTPUTS[generator][0] if statement.reference is None else _resolve(generator, statement.reference)
    name = statement.name[-1]
    table, target = _add_export(tx, schema.physical, name, output)
    sql = f"CREATE TABLE {reference(table)} ({_columns(output)}) FROM SOURCE {reference(source.id)}"
    sql += f" (REFERENCE = {_DATABASE}.{generator}.{output.name});"
    details = _details(output, None) | {"source_id": source.id}
    relation = tx.dataflow.graph[table].relation
    add_item(
        tx,
        session,
        NewItem(table, "table", schema.namespace, name, relation, create_sql=sql, details=details),
        [source.id],
    )
    spec = tx.dataflow.generated.spec(tx, source.id)
    tx.dataflow.generated.start(tx, replace(spec, targets=(*spec.targets, target)))
    return ExecuteResult("CREATE TABLE")


# Options ---------------------------------------------------------------------------


def _spec(tx: EngineTransaction, generator: str, options: dict[str, OptionValue]) -> GeneratorSpec:
    as_of, up_to = count_option(options, "AS OF") or 0, count_option(options, "UP TO")
    if up_to is not None and up_to < as_of:
        raise MzError("UP TO cannot be less than AS OF")
    tick = 0.0 if generator == "tpch" else 1000.0
    if options.get("TICK INTERVAL") is not None:
        tick = _milliseconds(tx, str(options["TICK INTERVAL"]))
    scale = options.get("SCALE FACTOR")
    if scale is not None and (isinstance(scale, str | bool) or scale < 0):
        raise MzError(f"unsupported scale factor {scale}")
    return GeneratorSpec(
        "",
        generator,
        tick,
        as_of,
        up_to,
        count_option(options, "MAX CARDINALITY"),
        0.01 if scale is None else float(scale),
        ((as_of, tx.timestamp),),
    )


def _milliseconds(tx: EngineTransaction, text: str) -> float:
    try:
        row = tx.execute("select extract(epoch from %s::interval)::double precision * 1000", (text,)).fetchone()
    except psycopg.DataError as error:
        raise MzError(
            f'invalid TICK INTERVAL: invalid input syntax for type interval: unknown units {text}: "{text}"'
        ) from error
    assert row is not None
    if row[0] < 0:
        raise MzError("invalid TICK INTERVAL: cannot convert negative interval to duration")
    return float(row[0])


# Outputs ---------------------------------------------------------------------------


def _exports(statement: CreateSource, generator: str) -> list[tuple[Output, Name | None]]:
    """The outputs that become subsources, with the names that they were given."""
    found: list[tuple[Output, Name | None]]
    if statement.tables is None:
        return []
    if not is_multiple(generator):
        clause = statement.tables.partition("(")[0]
        refusal = (
            f"{clause}(..) unsupported"
            if "(" in statement.tables
            else f"{clause} is only valid for multi-output sources"
        )
        raise MzError(f"LOAD GENERATOR source validation: {refusal}")
    if statement.table_names:
        found = [(_resolve(generator, ".".join(name)), alias) for name, alias in statement.table_names]
        for output, _ in found:
            if sum(other is output for other, _ in found) > 1:
                raise MzError(f"multiple subsources refer to table {_DATABASE}.{generator}.{output.name}")
        return found
    missing = [schema for schema in statement.schema_names if schema != generator]
    if missing:
        detail = f"missing schemas: {', '.join(f'{chr(34)}{schema}{chr(34)}' for schema in missing)}"
        raise MzError("No tables found in referenced schemas", detail=detail)
    return [(output, None) for output in OUTPUTS[generator]]


def _resolve(generator: str, name: str) -> Output:
    """The output of that name, which may have the generator before it."""
    parts = name.split(".")
    prefix = parts[:-1]
    for output in OUTPUTS[generator]:
        if output.name == parts[-1] and prefix in ([], [generator], [_DATABASE, generator]):
            return output
    raise MzError(f"reference to {name} not found in source")


def _export_place(tx: EngineTransaction, session: Session, schema: Schema, alias: Name) -> tuple[Schema, str]:
    """Where a renamed subsource goes: beside its source, unless its name says another place."""
    return (schema_for_new(tx, session, alias) if len(alias) > 1 else schema), alias[-1]


def _add_export(tx: EngineTransaction, physical: str, name: str, output: Output) -> tuple[str, Target]:
    table = next_id(tx)
    tx.dataflow.create_generated(tx, table, physical, name, output.columns)
    return table, _target(tx, table, output)


def _target(tx: EngineTransaction, table: str, output: Output) -> Target:
    return Target(table, output.name, tx.dataflow.graph[table].base.inbox)


def _columns(output: Output) -> str:
    """Columns and key as SHOW CREATE prints them."""
    texts = [
        f"{show_name(column.name)} {_NAMES[column.type]}{' NOT NULL' if column.not_null else ''}"
        for column in output.columns
    ]
    return ", ".join([*texts, *([f"UNIQUE ({', '.join(output.key)})"] if output.key else [])])


def _details(output: Output, source_type: str | None) -> dict[str, Any]:
    details: dict[str, Any] = {"not_null": output.not_null, "key_columns": list(output.key)}
    return details if source_type is None else {**details, "source_type": source_type}


# Progress --------------------------------------------------------------------------


def _progress_place(
    tx: EngineTransaction, session: Session, statement: CreateSource, schema: Schema
) -> tuple[Schema, str] | None:
    """Where the progress relation goes, if the statement makes more than the bare source."""
    if statement.progress is not None:
        schema, name = schema_for_new(tx, session, statement.progress), statement.progress[-1]
    elif statement.tables is not None:
        name = joined(statement.name[-1], "_progress")
    else:
        return None
    refuse_existing(tx, schema, name)
    return schema, name


def _add_progress(
    tx: EngineTransaction, session: Session, source: str, identity: str, schema: Schema, name: str
) -> None:
    query = f"""
        select next_offset::mz_catalog.uint8 as "offset" from mzlite.offsets where source_id = '{source}'
    """
    relation = tx.dataflow.create_view(tx, identity, schema.physical, name, (), query, ())
    details = {"source_type": "progress", "progress_of": source}
    add_item(tx, session, NewItem(identity, "source", schema.namespace, name, relation, details=details))
