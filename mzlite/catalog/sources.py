"""CREATE SOURCE .. FROM KAFKA, and CREATE TABLE .. FROM SOURCE.

In: the statements. Out: collections, their progress relations and running ingests. A source without a format
only names a topic; the tables made from it each read that topic.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mzlite.catalog.connections import connection_config, kafka_connection
from mzlite.catalog.create_sql import (
    cluster_reference,
    envelope_text,
    format_text,
    include_text,
    name_list,
    options_text,
    reference,
)
from mzlite.catalog.generators import create_generated_table, create_generator
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.registry import (
    Item,
    NewItem,
    Schema,
    add_item,
    existing_item,
    item_by_id,
    next_id,
    refuse_existing,
    resolve_cluster,
    resolve_item,
    schema_for_new,
    show_name,
)
from mzlite.catalog.remote import config_key, remote
from mzlite.catalog.schemas import already_exists
from mzlite.dialect.definitions import ColumnDefinition, CreateSource, CreateTableFromSource, Format, Include
from mzlite.dialect.statements import Name, OptionValue
from mzlite.errors import MzError, unsupported
from mzlite.kafka.client import resolve_start
from mzlite.kafka.spec import Envelope, IngestSpec, source_columns
from mzlite.long_names import joined
from mzlite.session import Session

MOST_SECONDS_BETWEEN_LOOKS = 3600.0


@dataclass(frozen=True)
class _Reading:
    """How messages become rows: the parts that CREATE SOURCE and CREATE TABLE FROM SOURCE share."""

    format: Format
    includes: tuple[Include, ...]
    envelope: Envelope
    columns: tuple[str, ...]
    inline_error_column: str

    def definitions(self, context: str = "source") -> list[ColumnDefinition]:
        return source_columns(
            self.format,
            self.includes,
            self.envelope,
            columns=self.columns,
            inline_error_column=self.inline_error_column,
            context=context,
        )

    def details(self) -> dict[str, Any]:
        definitions = self.definitions()
        return {
            "envelope_type": self.envelope,
            "key_format": self.format.key,
            "value_format": self.format.value,
            "not_null": [column.name for column in definitions if column.not_null],
            # The key comes first; an upsert keeps one row for each.
            "key_columns": [definitions[0].name] if self.envelope.startswith("upsert") else [],
        }

    def text(self) -> list[str]:
        parts = format_text(self.format)
        if self.includes:
            parts.append(f"INCLUDE {', '.join(include_text(include) for include in self.includes)}")
        parts.append(envelope_text(self.envelope, self.inline_error_column))
        return parts


def create_source(statement: CreateSource, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a source with its progress relation, and read its topic from now on.

    Raises:
        MzError: a name is taken, the topic or connection does not exist, or the format is refused.
    """
    if statement.kind.lower() != "kafka" and not statement.kind.startswith("load-generator "):
        raise unsupported(
            f"CREATE SOURCE .. FROM {statement.kind.upper().replace('-', ' ')} is not supported by mzlite",
            hint="mzlite has sources from Kafka and load generators only. Bring other data through a topic, or INSERT"
            " it into a table.",
        )
    schema = schema_for_new(tx, session, statement.name)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE SOURCE", [already_exists(existing.words, name)])
    refuse_existing(tx, schema, name)
    if statement.kind != "kafka":
        return create_generator(statement, session, tx, schema)
    cluster = resolve_cluster(tx, statement.cluster or session.cluster)
    assert statement.connection is not None
    connection = kafka_connection(tx, session, statement.connection)
    topic = _topic(statement.options)
    reading = _reading(statement)
    definitions = reading.definitions(f"source {name}") if reading is not None else []
    config = connection_config(tx, connection)
    refresh = _refresh_interval(tx, statement.options)
    start = _start(tx, config, topic, statement.options)
    place = _progress_place(tx, session, statement, schema)
    identity, progress = next_id(tx), next_id(tx)
    relation = None
    if reading is not None:
        relation = tx.dataflow.create_source(
            tx, identity, schema.physical, name, definitions, upsert=reading.envelope != "none"
        )
    parts = [
        f"CREATE SOURCE {reference(identity)}" + (f" {name_list(statement.columns)}" if statement.columns else ""),
        f"IN CLUSTER {cluster_reference(cluster.id)}",
        f"FROM KAFKA CONNECTION {reference(connection.id)} {options_text(statement.options)}",
        *(reading.text() if reading is not None else []),
        *([f"EXPOSE PROGRESS AS {reference(progress)}"] if place is not None else []),
    ]
    details: dict[str, Any] = {
        "source_type": "kafka",
        "connection_id": connection.id,
        "topic": topic,
        "group_id_prefix": statement.options.get("GROUP ID PREFIX"),
        "options": statement.options,
        "start_offsets": {str(partition): offset for partition, offset in start.items()},
    }
    if reading is not None:
        details |= reading.details()
    else:
        # What it has to show is how far its tables have read.
        relation = tx.dataflow.create_view(tx, identity, schema.physical, name, (), _progress_query(identity), ())
        details |= {"not_null": ["partition"]}
    add_item(
        tx,
        session,
        NewItem(
            identity, "source", schema.namespace, name, relation, cluster.id, "\n".join(parts) + ";", details=details
        ),
        [connection.id],
    )
    if place is not None:
        _add_progress(tx, session, identity, progress, *place)
    if reading is not None:
        tx.dataflow.start_ingest(tx, identity, _spec(tx, identity, config, topic, reading, definitions, start, refresh))
    return ExecuteResult("CREATE SOURCE")


def _progress_place(
    tx: EngineTransaction, session: Session, statement: CreateSource, schema: Schema
) -> tuple[Schema, str] | None:
    """Where the progress relation goes; a source that only names a topic has none unless it asks for one."""
    if statement.progress is None:
        if statement.format is None:
            return None
        name = joined(statement.name[-1], "_progress")
    else:
        schema, name = schema_for_new(tx, session, statement.progress), statement.progress[-1]
    refuse_existing(tx, schema, name)
    return schema, name


def _add_progress(
    tx: EngineTransaction, session: Session, source: str, identity: str, schema: Schema, name: str
) -> None:
    """The relation that shows how far the source has read: one row a partition."""
    relation = tx.dataflow.create_view(tx, identity, schema.physical, name, (), _progress_query(source), ())
    details = {"source_type": "progress", "progress_of": source, "not_null": ["partition"]}
    add_item(tx, session, NewItem(identity, "source", schema.namespace, name, relation, details=details))


def _progress_query(source: str) -> str:
    """How far a source or the tables that read its topic have come: one row a partition."""
    return f"""
        select pg_catalog.numrange(o.partition, o.partition, '[]') as partition,
            max(o.next_offset)::mz_catalog.uint8 as "offset"
        from mzlite.offsets as o
        where o.source_id in (select '{source}' union all select t.id from mzlite.source_tables('{source}') as t (id))
        group by o.partition
    """


def _topic(options: dict[str, OptionValue]) -> str:
    topic = options.get("TOPIC")
    if topic is None:
        raise MzError("KAFKA source validation: KAFKA CONNECTION without TOPIC")
    return str(topic)


def _start(
    tx: EngineTransaction, config: dict[str, str], topic: str, options: dict[str, OptionValue]
) -> dict[int, int]:
    """Where to begin, by partition; also makes sure that the topic exists."""
    offsets, timestamp = options.get("START OFFSET"), options.get("START TIMESTAMP")
    if offsets is not None and timestamp is not None:
        raise MzError("cannot specify START TIMESTAMP and START OFFSET at same time")
    listed: list[int] = []
    if offsets is not None:
        try:
            parsed = json.loads(str(offsets))
            listed = [int(offset) for offset in (parsed if isinstance(parsed, list) else [parsed])]
        except (ValueError, TypeError) as error:
            raise MzError("invalid START OFFSET: cannot use value as number") from error
    if timestamp is not None and not isinstance(timestamp, int):
        raise MzError("invalid START TIMESTAMP: cannot use value as number")
    if any(offset < 0 for offset in listed):
        raise MzError("START OFFSET must be a nonnegative integer")
    key = ("start", config_key(config), topic, tuple(listed), timestamp)
    return remote(tx, key, lambda: resolve_start(config, topic, listed, timestamp))


def _reading(statement: CreateSource | CreateTableFromSource) -> _Reading | None:
    if statement.format is None:
        if statement.includes or statement.envelope not in (None, "none"):
            raise MzError("Source format must be specified")
        return None
    return _Reading(
        statement.format,
        statement.includes,
        _envelope(statement.envelope),
        statement.columns,
        statement.inline_error_column,
    )


def _envelope(name: str | None) -> Envelope:
    match name:
        case None | "none":
            return "none"
        case "upsert":
            return "upsert"
        case "upsert-value-err-inline":
            return "upsert-value-err-inline"
        case "debezium":
            return "debezium"
    raise unsupported(f"ENVELOPE {name.upper()} is not supported")


def _spec(
    tx: EngineTransaction,
    identity: str,
    config: dict[str, str],
    topic: str,
    reading: _Reading,
    definitions: Sequence[ColumnDefinition],
    start: dict[int, int],
    refresh_interval: float,
) -> IngestSpec:
    row = tx.execute("select 'mz_catalog.kafka_header'::regtype::oid::bigint").fetchone()
    assert row is not None
    return IngestSpec(
        source_id=identity,
        client=config,
        topic=topic,
        format=reading.format,
        includes=reading.includes,
        envelope=reading.envelope,
        columns=tuple(column.name for column in definitions),
        start_offsets=start,
        headers_type_oid=int(row[0]),
        refresh_interval=refresh_interval,
    )


def _refresh_interval(tx: EngineTransaction, options: dict[str, OptionValue]) -> float:
    value = options.get("TOPIC METADATA REFRESH INTERVAL")
    if value is None:
        return 10.0
    row = tx.execute("select extract(epoch from %s::interval)::double precision", (str(value),)).fetchone()
    assert row is not None
    if row[0] > MOST_SECONDS_BETWEEN_LOOKS:
        raise MzError("TOPIC METADATA REFRESH INTERVAL cannot be greater than 1 hour")
    return float(row[0])


def create_table_from_source(
    statement: CreateTableFromSource, session: Session, tx: EngineTransaction
) -> ExecuteResult:
    """Make a table that reads the topic of a source.

    Raises:
        MzError: the name is taken, the source has no such reference, or the format is refused.
    """
    schema = schema_for_new(tx, session, statement.name)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE TABLE", [already_exists(existing.words, name)])
    refuse_existing(tx, schema, name)
    source = _exporting_source(tx, session, statement.source)
    if source.details["source_type"] == "load-generator":
        return create_generated_table(statement, session, tx, schema, source)
    topic = str(source.details["topic"])
    if statement.reference is not None and statement.reference != topic:
        raise MzError(
            "KAFKA source validation: Referenced kafka connection uses a different topic "
            f"'{topic}' than specified: '{show_name(statement.reference)}'"
        )
    reading = _reading(statement)
    if reading is None:
        raise MzError("Source format must be specified")
    definitions = reading.definitions(f"source table {name}")
    connection = item_by_id(tx, str(source.details["connection_id"]))
    identity = next_id(tx)
    relation = tx.dataflow.create_source(
        tx, identity, schema.physical, name, definitions, upsert=reading.envelope != "none"
    )
    shown = f'(REFERENCE = "{topic}")'
    parts = [
        f"CREATE TABLE {reference(identity)}" + (f" {name_list(statement.columns)}" if statement.columns else ""),
        f"FROM SOURCE {reference(source.id)} {shown}",
        *reading.text(),
    ]
    details = reading.details() | {"source_id": source.id, "topic": topic}
    add_item(
        tx,
        session,
        NewItem(
            identity, "table", schema.namespace, name, relation, create_sql="\n".join(parts) + ";", details=details
        ),
        [source.id],
    )
    start = {int(partition): offset for partition, offset in source.details.get("start_offsets", {}).items()}
    options: dict[str, OptionValue] = source.details.get("options", {})
    config = connection_config(tx, connection)
    spec = _spec(tx, identity, config, topic, reading, definitions, start, _refresh_interval(tx, options))
    tx.dataflow.start_ingest(tx, identity, spec)
    return ExecuteResult("CREATE TABLE")


def _exporting_source(tx: EngineTransaction, session: Session, name: Name) -> Item:
    source = resolve_item(tx, session, name)
    if source.type != "source" or source.details.get("source_type") not in ("kafka", "load-generator"):
        raise MzError(f"{source.full_name} is not a source")
    return source
