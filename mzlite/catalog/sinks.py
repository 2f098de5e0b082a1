"""CREATE SINK .. INTO KAFKA and ALTER SINK .. SET FROM.

In: the statements. Out: a sink of the dataflow and its row in the registry.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from mzlite.catalog.connections import connection_config, kafka_connection
from mzlite.catalog.create_sql import cluster_reference, envelope_text, format_text, name_list, options_text, reference
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.registry import (
    Item,
    NewItem,
    add_item,
    check_type,
    existing_item,
    find_item,
    next_id,
    refuse_existing,
    resolve_cluster,
    resolve_item,
    schema_for_new,
    unknown_item,
)
from mzlite.catalog.schemas import already_exists, does_not_exist
from mzlite.catalog.unique import is_unique
from mzlite.dialect.statements import AlterSinkFrom, CreateSink, Format, OptionValue
from mzlite.errors import MzError, unsupported
from mzlite.kafka.spec import SinkSpec, transactional_id
from mzlite.session import Session

_SINKABLE = ("table", "source", "materialized-view")


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
    if source.type not in _SINKABLE or source.is_system:
        article = "an" if source.type == "index" else "a"
        raise MzError(f"{source.name} is {article} {source.words}, which cannot be exported as a sink")
    connection = kafka_connection(tx, session, statement.connection)
    topic = statement.options.get("TOPIC")
    if topic is None:
        raise MzError("missing required option: TOPIC")
    if statement.envelope is None:
        raise MzError("ENVELOPE clause is required")
    if statement.format is None:
        raise MzError("sink without format not yet supported", sqlstate="0A000")
    _check_key(tx, statement, source)
    identity = next_id(tx)
    spec = _spec(tx, statement, identity, connection, str(topic), statement.format)
    parts = [
        f"CREATE SINK {reference(identity)}",
        f"IN CLUSTER {cluster_reference(cluster.id)}",
        f"FROM {reference(source.id)}",
        f"INTO KAFKA CONNECTION {reference(connection.id)} {options_text(statement.options)}",
        *([f"KEY {name_list(statement.key)}"] if statement.key else []),
        *(["NOT ENFORCED"] if statement.key_not_enforced else []),
        *([f"HEADERS {statement.headers}"] if statement.headers is not None else []),
        *format_text(statement.format),
        envelope_text(statement.envelope),
        *([f"WITH {options_text(statement.with_options)}"] if statement.with_options else []),
    ]
    fmt = statement.format
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
        NewItem(identity, "sink", schema.namespace, name, None, cluster.id, " ".join(parts) + ";", details=details),
        [source.id, connection.id],
    )
    tx.dataflow.create_sink(tx, source.id, spec)
    return ExecuteResult("CREATE SINK")


def _check_key(tx: EngineTransaction, statement: CreateSink, source: Item) -> None:
    if statement.envelope == "upsert" and not statement.key:
        raise MzError("upsert sinks must specify a key")
    columns = {
        str(row[0])
        for row in tx.execute(
            "select attname::text from pg_catalog.pg_attribute where attrelid = %s::bigint::oid and attnum > 0",
            (source.relation,),
        ).fetchall()
    }
    for position, column in enumerate(statement.key):
        if column not in columns:
            raise MzError(f'column "{column}" referenced in KEY does not exist')
        if column in statement.key[:position]:
            raise MzError(f'column "{column}" referenced multiple times in KEY')
    if statement.headers is not None:
        if statement.headers not in columns:
            raise MzError(f"HEADERS column ({statement.headers}) is unknown")
        if statement.envelope != "upsert":
            raise MzError("HEADERS option is only supported with ENVELOPE UPSERT")
    if statement.envelope == "upsert" and not statement.key_not_enforced and not is_unique(tx, source, statement.key):
        raise MzError(
            "upsert key could not be validated as unique",
            detail=_key_detail(statement.key),
            hint="See: https://materialize.com/s/sink-key-selection",
        )


def _key_detail(key: Sequence[str]) -> str:
    quoted = ", ".join(f'"{column}"' for column in key)
    return (
        f"The sink's upsert key ({quoted}) does not match any valid unique key of the underlying relation. "
        "Materialize must prove that the key is unique to publish with ENVELOPE UPSERT; "
        "KEY (..) NOT ENFORCED disables that proof."
    )


def _spec(
    tx: EngineTransaction, statement: CreateSink, identity: str, connection: Item, topic: str, fmt: Format
) -> SinkSpec:
    options = statement.options
    row = tx.execute("select mz_catalog.mz_environment_id()").fetchone()
    assert row is not None
    prefix = options.get("TRANSACTIONAL ID PREFIX")
    envelope: Literal["upsert", "debezium"] = "debezium" if statement.envelope == "debezium" else "upsert"
    key_format = fmt.key if fmt.key is not None else fmt.value
    snapshot = statement.with_options.get("SNAPSHOT")
    topic_config = options.get("TOPIC CONFIG")
    return SinkSpec(
        sink_id=identity,
        client=connection_config(tx, connection),
        topic=topic,
        transactional_id=f"{prefix}-{identity}" if prefix else transactional_id(str(row[0]), identity),
        progress_topic=str(connection.details["progress_topic"]),
        key_columns=statement.key,
        key_not_enforced=statement.key_not_enforced,
        key_format=key_format if statement.key else None,
        value_format=str(fmt.value),
        envelope=envelope,
        headers=statement.headers,
        snapshot=snapshot is not False,
        partition_by=_text(options.get("PARTITION BY")),
        partitions=_number(options.get("TOPIC PARTITION COUNT")),
        replication_factor=_number(options.get("TOPIC REPLICATION FACTOR")),
        topic_config={str(k): str(v) for k, v in json.loads(str(topic_config)).items()} if topic_config else {},
        compression=str(options.get("COMPRESSION TYPE") or "lz4").lower(),
    )


def _text(value: OptionValue) -> str | None:
    return None if value is None else str(value)


def _number(value: OptionValue) -> int | None:
    """A positive number; -1 leaves it to the broker, as in Materialize."""
    if value is None or int(value) == -1:
        return None
    return int(value)


def alter_sink_from(statement: AlterSinkFrom, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Let a sink publish the changes of another relation from now on, without its present rows.

    Raises:
        MzError: the sink or the relation does not exist, or the relation lacks the key.
    """
    sink = find_item(tx, session, statement.name)
    if sink is None:
        if statement.if_exists:
            return ExecuteResult("ALTER SINK", [does_not_exist("sink", statement.name[-1])])
        raise unknown_item(statement.name)
    check_type(sink, "sink")
    raise unsupported("ALTER SINK .. SET FROM is not supported")
