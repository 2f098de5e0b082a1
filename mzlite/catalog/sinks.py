"""CREATE SINK .. INTO KAFKA and ALTER SINK .. SET FROM.

In: the statements. Out: a sink of the dataflow and its row in the registry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from mzlite.catalog.connections import connection_config, kafka_connection
from mzlite.catalog.create_sql import cluster_reference, envelope_text, format_text, name_list, options_text, reference
from mzlite.catalog.interface import EngineTransaction, ExecuteResult, Notice
from mzlite.catalog.registry import (
    Item,
    NewItem,
    add_item,
    check_type,
    existing_item,
    find_item,
    next_id,
    quote_name,
    refuse_existing,
    resolve_cluster,
    resolve_item,
    schema_for_new,
    unknown_item,
)
from mzlite.catalog.remote import config_key, remote
from mzlite.catalog.schemas import already_exists, does_not_exist
from mzlite.catalog.unique import unique_keys
from mzlite.dataflow.specs import sink_from_json
from mzlite.dialect.definitions import AlterSinkFrom, CreateSink
from mzlite.dialect.statements import OptionValue
from mzlite.errors import MzError, unsupported
from mzlite.kafka.client import validate
from mzlite.kafka.spec import SinkSpec, transactional_id
from mzlite.session import Session

_SINKABLE = ("table", "source", "materialized-view")
KEY_HINT = "See: https://materialize.com/s/sink-key-selection"


@dataclass(frozen=True)
class SinkParts:
    """What of a sink has to suit the relation that it publishes."""

    name: str
    envelope: str
    key: tuple[str, ...]
    key_not_enforced: bool
    key_format: str | None
    value_format: str
    headers: str | None
    partition_by: str | None


def create_sink(statement: CreateSink, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Publish the changes of a relation to a topic.

    Raises:
        MzError: the name is taken, the relation cannot be exported, or the key, format or envelope is refused.
    """
    if statement.kind.lower() != "kafka":
        raise unsupported(f"CREATE SINK INTO {statement.kind.upper()} is not supported")
    schema = schema_for_new(tx, session, statement.name)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE SINK", [already_exists(existing.words, name)])
    refuse_existing(tx, schema, name)
    cluster = resolve_cluster(tx, statement.cluster or session.cluster)
    source = resolve_item(tx, session, statement.source)
    connection = kafka_connection(tx, session, statement.connection)
    config = connection_config(tx, connection)
    _check_brokers(tx, config)
    assert statement.format is not None
    topic = statement.options["TOPIC"]
    fmt = statement.format
    parts = SinkParts(
        name=name,
        envelope=str(statement.envelope),
        key=statement.key,
        key_not_enforced=statement.key_not_enforced,
        key_format=fmt.key if fmt.key is not None else fmt.value,
        value_format=str(fmt.value),
        headers=statement.headers,
        partition_by=_text(statement.options.get("PARTITION BY")),
    )
    notices = _check_source(tx, parts, source)
    identity = next_id(tx)
    spec = _spec(tx, statement, identity, connection, config, parts)
    lines = [
        f"CREATE SINK {reference(identity)}",
        f"IN CLUSTER {cluster_reference(cluster.id)}",
        f"FROM {reference(source.id)}",
        f"INTO KAFKA CONNECTION {reference(connection.id)} {options_text(statement.options)}",
        *([f"KEY {name_list(statement.key)}"] if statement.key else []),
        *(["NOT ENFORCED"] if statement.key_not_enforced else []),
        *([f"HEADERS {statement.headers}"] if statement.headers is not None else []),
        *format_text(statement.format),
        envelope_text(parts.envelope),
        *([f"WITH {options_text(statement.with_options)}"] if statement.with_options else []),
    ]
    details: dict[str, Any] = {
        "connection_id": connection.id,
        "topic": str(topic),
        "envelope_type": statement.envelope,
        "key_format": fmt.key if fmt.key is not None else (fmt.value if statement.key else None),
        "value_format": fmt.value,
        "format": str(fmt.value) if fmt.key in (None, fmt.value) else f"key-{fmt.key}-value-{fmt.value}",
        "from_id": source.id,
        "key": list(statement.key),
    }
    add_item(
        tx,
        session,
        NewItem(identity, "sink", schema.namespace, name, None, cluster.id, " ".join(lines) + ";", details=details),
        [source.id, connection.id],
    )
    tx.dataflow.create_sink(tx, source.id, spec)
    return ExecuteResult("CREATE SINK", notices)


def _check_brokers(tx: EngineTransaction, config: dict[str, str]) -> None:
    """Refuses a sink whose brokers do not answer."""

    def ask() -> None:
        try:
            validate(config)
        except MzError as error:
            raise MzError("KAFKA sink validation: admin client errored", detail=error.message) from error

    remote(tx, ("brokers", config_key(config)), ask)


def _check_source(tx: EngineTransaction, sink: SinkParts, source: Item) -> list[Notice]:
    """Refuses a relation that cannot be published in this way.

    Raises:
        MzError: it is of another kind, lacks a column, or its key is not provably unique.
    """
    if source.type not in _SINKABLE:
        raise MzError(f"{source.name} is a {source.words}, which cannot be exported as a sink")
    if source.is_system:
        raise MzError("creating a sink directly on a catalog object not yet supported")
    columns = dict(
        tx.execute(
            "select attname::text, format_type(atttypid, atttypmod) from pg_catalog.pg_attribute"
            " where attrelid = %s::bigint::oid and attnum > 0 and not attisdropped order by attnum",
            (source.relation,),
        ).fetchall()
    )
    for column in sink.key:
        if column not in columns:
            raise MzError(f"column referenced in KEY does not exist: {column}")
    notices = _check_unique(tx, sink, source) if sink.envelope == "upsert" else []
    if sink.headers is not None:
        if sink.headers not in columns:
            raise MzError(f"HEADERS column ({sink.headers}) is unknown")
        if columns[sink.headers].removeprefix("mz_catalog.") not in ("jsonb", "map", "map_text"):
            raise MzError("HEADERS column must have type map[text => text] or map[text => bytea]")
    widths = ((sink.key_format if sink.key else None, len(sink.key)), (sink.value_format, len(columns)))
    for form, width in widths:
        if form in ("text", "bytes") and width != 1:
            raise MzError("BYTES or TEXT format with multiple columns not yet supported")
    if sink.partition_by is not None:
        _check_partition_by(tx, sink, source, columns)
    return notices


def _check_unique(tx: EngineTransaction, sink: SinkParts, source: Item) -> list[Notice]:
    keys = unique_keys(tx, source)
    if any(key <= set(sink.key) for key in keys):
        return []
    quoted = ", ".join(f'"{column}"' for column in sink.key)
    if sink.key_not_enforced:
        detail = (
            f"Materialize did not validate that the specified upsert envelope key ({quoted}) was a unique key of the "
            f'underlying relation "{sink.name}". If this key is not unique, the sink might produce multiple updates '
            "for the same key at the same time, which may confuse downstream consumers."
        )
        return [Notice("upsert key not validated to be unique", detail=detail, hint=KEY_HINT)]
    known = "There are no known valid unique keys for the underlying relation."
    if keys:
        listed = "\n".join(f"  ({', '.join(sorted(chr(34) + column + chr(34) for column in key))})" for key in keys)
        known = f"The following keys are known to be unique for the underlying relation:\n{listed}"
    raise MzError(
        "upsert key could not be validated as unique",
        detail=f"Materialize could not prove that the specified upsert envelope key ({quoted}) was a unique key of the "
        f'underlying relation "{source.full_name}". {known}',
        hint=KEY_HINT,
    )


def _check_partition_by(tx: EngineTransaction, sink: SinkParts, source: Item, columns: dict[str, str]) -> None:
    """PARTITION BY is an expression over the row; with debezium over its key alone, as before and after may differ."""
    readable = list(sink.key) if sink.envelope == "debezium" else list(columns)
    listed = ", ".join(f"null::{columns[name]} as {quote_name(name)}" for name in readable)
    tx.execute("select set_config('search_path', 'mz_catalog, pg_catalog', true)")
    try:
        with tx.connection.transaction():
            tx.execute(f"select ({sink.partition_by})::numeric from (select {listed}) as r")
    except psycopg.errors.UndefinedColumn as error:
        column = str(error.diag.message_primary).partition('"')[2].partition('"')[0]
        if column in columns:
            raise MzError(
                f'PARTITION BY expression cannot refer to non-key column "{column}"',
                detail="When using ENVELOPE DEBEZIUM, only columns in the key can be referenced in the PARTITION BY "
                "expression.",
            ) from error
        raise
    finally:
        tx.execute("select set_config('search_path', '', true)")


def _spec(
    tx: EngineTransaction,
    statement: CreateSink,
    identity: str,
    connection: Item,
    config: dict[str, str],
    parts: SinkParts,
) -> SinkSpec:
    options = statement.options
    row = tx.execute("select mz_catalog.mz_environment_id()").fetchone()
    assert row is not None
    prefix = options.get("TRANSACTIONAL ID PREFIX")
    envelope: Literal["upsert", "debezium"] = "debezium" if parts.envelope == "debezium" else "upsert"
    topic_config = options.get("TOPIC CONFIG")
    factor = connection.details["options"].get("PROGRESS TOPIC REPLICATION FACTOR")
    return SinkSpec(
        sink_id=identity,
        client=config,
        topic=str(options["TOPIC"]),
        transactional_id=f"{prefix}-{identity}" if prefix else transactional_id(str(row[0]), identity),
        progress_topic=str(connection.details["progress_topic"]),
        key_columns=parts.key,
        key_not_enforced=parts.key_not_enforced,
        key_format=parts.key_format if parts.key else None,
        value_format=parts.value_format,
        envelope=envelope,
        headers=parts.headers,
        snapshot=statement.with_options.get("SNAPSHOT") is not False,
        partition_by=parts.partition_by,
        partitions=_number(options.get("TOPIC PARTITION COUNT")),
        replication_factor=_number(options.get("TOPIC REPLICATION FACTOR")),
        topic_config={str(k): str(v) for k, v in json.loads(str(topic_config)).items()} if topic_config else {},
        progress_replication_factor=_number(factor),
        compression=str(options.get("COMPRESSION TYPE") or "lz4").lower(),
    )


def _text(value: OptionValue) -> str | None:
    return None if value is None else str(value)


def _number(value: OptionValue) -> int | None:
    return None if value is None else int(value)


def alter_sink_from(statement: AlterSinkFrom, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Let a sink publish the changes of another relation from now on, without its present rows.

    Raises:
        MzError: the sink or the relation does not exist, or the relation does not suit the sink.
    """
    sink = find_item(tx, session, statement.name)
    if sink is None:
        if statement.if_exists:
            return ExecuteResult("ALTER SINK", [does_not_exist("sink", statement.name[-1])])
        raise unknown_item(statement.name)
    check_type(sink, "sink")
    source = resolve_item(tx, session, statement.source)
    row = tx.execute("select spec from mzlite.sinks where sink_id = %s", (sink.id,)).fetchone()
    assert row is not None
    spec = sink_from_json(row[0])
    parts = SinkParts(
        name=sink.name,
        envelope=spec.envelope,
        key=spec.key_columns,
        key_not_enforced=spec.key_not_enforced,
        key_format=spec.key_format,
        value_format=spec.value_format,
        headers=spec.headers,
        partition_by=spec.partition_by,
    )
    notices = _check_source(tx, parts, source)
    before = str(sink.details["from_id"])
    tx.execute(
        """
        update mzlite.objects set
            create_sql = replace(create_sql, ' FROM ' || %s || ' ', ' FROM ' || %s || ' '),
            details = jsonb_set(details, '{from_id}', to_jsonb(%s::text))
        where id = %s
        """,
        (reference(before), reference(source.id), source.id, sink.id),
    )
    tx.execute("delete from mzlite.dependencies where object_id = %s and referenced_id = %s", (sink.id, before))
    tx.execute("insert into mzlite.dependencies values (%s, %s) on conflict do nothing", (sink.id, source.id))
    tx.dataflow.redirect_sink(tx, sink.id, source.id, spec)
    return ExecuteResult("ALTER SINK", notices)
