"""What a Kafka source and a Kafka sink are, as plain data, and the columns that a source has.

In: the parts of CREATE SOURCE and CREATE SINK that matter to Kafka. Out: frozen dataclasses
that the catalog stores, and that `Ingest`, `Publisher` and `encode` work from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mzlite.dialect.definitions import ColumnDefinition, Format, Include
from mzlite.errors import MzError, unsupported

HEADERS_TYPE = "mz_catalog.kafka_header[]"
"""INCLUDE HEADERS: Materialize's `list` of records (key text, value bytea)."""
INLINE_ERROR_TYPE = "mz_catalog.kafka_decode_error"
"""VALUE DECODING ERRORS = INLINE: Materialize's record with one field, `description`."""

STAGED_KEY = "mzlite_key"
STAGED_MARK = "mzlite_mark"
STAGED_ERROR = "mzlite_error"
MARK_VALUE, MARK_TOMBSTONE, MARK_ERROR = 0, 1, 2

VALUE_COLUMNS = {"bytes": ("data", "bytea"), "text": ("text", "text"), "json": ("data", "jsonb")}
KEY_TYPES = {"bytes": "bytea", "text": "text", "json": "jsonb"}

Envelope = Literal["none", "upsert", "upsert-value-err-inline", "debezium"]


@dataclass(frozen=True)
class IngestSpec:
    """One Kafka source.

    Attributes:
        source_id: the object's id, "u7"; names the consumer and the log lines.
        client: librdkafka configuration from the connection (`client.client_config`).
        topic: what is read.
        format: key and value format; `key` is None when the source has no key.
        includes: the INCLUDE items as written.
        envelope: what a message means: a row, or the new value of its key.
        columns: the names of the rows' columns in order, as `source_columns` gave them.
        start_offsets: where to begin, by partition; one that is not named begins at its first message.
        headers_type_oid: the oid of `mz_catalog.kafka_header`; needed only with INCLUDE HEADERS.
        refresh_interval: seconds between looks for new partitions (TOPIC METADATA REFRESH INTERVAL).
        buffer_bytes: how much may wait for `Ingest.take`, in bytes; then fetching pauses.
    """

    source_id: str
    client: Mapping[str, str] = field(repr=False)  # may hold a password
    topic: str
    format: Format
    includes: tuple[Include, ...] = ()
    envelope: Envelope = "none"
    columns: tuple[str, ...] = ()
    start_offsets: Mapping[int, int] = field(default_factory=dict)
    headers_type_oid: int = 0
    refresh_interval: float = 10.0
    buffer_bytes: int = 16 * 1024 * 1024

    @property
    def keyed(self) -> bool:
        """The rows carry the message's key."""
        return self.upsert or any(include.what == "key" for include in self.includes)

    @property
    def upsert(self) -> bool:
        """A message is its key's new value; the rows are staged and applied by key."""
        return self.envelope != "none"

    @property
    def staged_columns(self) -> tuple[str, ...]:
        """The columns of `Batch.copy_data` in order.

        Without upsert these are `columns`. With it, three come before them: the key's own bytes
        (`mzlite_key` bytea, null for a null key), what the message does (`mzlite_mark` int2: 0 a
        value, 1 a tombstone, 2 an error) and the error's text (`mzlite_error`). Of the messages of
        one key in one batch the last one counts. A tombstone deletes what its key has, an
        error included; a row marked as an error has nulls in `columns`.
        """
        return (STAGED_KEY, STAGED_MARK, STAGED_ERROR, *self.columns) if self.upsert else self.columns


@dataclass(frozen=True)
class SinkSpec:
    """One Kafka sink.

    Attributes:
        sink_id: the object's id; also the outbox's key.
        client: librdkafka configuration from the connection.
        topic: what is written.
        transactional_id: the producer's; a newer instance with the same one fences off an older one.
        progress_topic: where the position is committed together with the messages.
        key_columns: names of the key's columns; empty without KEY.
        key_format: json or text (bytes for one bytea column); None without KEY.
        value_format: json, text or bytes.
        envelope: upsert (a deletion is a message without value) or debezium (before and after).
        headers: the column whose map becomes headers (HEADERS), or None.
        snapshot: publish what exists when the sink is created.
        partition_by: the SQL expression of PARTITION BY, or None.
        partitions: of a topic that has to be created; None takes the broker's default.
        replication_factor: likewise.
        topic_config: further settings of a topic that has to be created.
        compression: of the producer.
    """

    sink_id: str
    client: Mapping[str, str] = field(repr=False)  # may hold a password
    topic: str
    transactional_id: str
    progress_topic: str
    key_columns: tuple[str, ...] = ()
    key_not_enforced: bool = False
    key_format: str | None = None
    value_format: str = "json"
    envelope: Literal["upsert", "debezium"] = "upsert"
    headers: str | None = None
    snapshot: bool = True
    partition_by: str | None = None
    partitions: int | None = None
    replication_factor: int | None = None
    topic_config: Mapping[str, str] = field(default_factory=dict)
    progress_replication_factor: int | None = None
    compression: str = "lz4"


def transactional_id(environment_id: str, sink_id: str) -> str:
    """The default transactional id of a sink."""
    return f"materialize-{environment_id}-{sink_id}"


def progress_topic(environment_id: str, connection_id: str) -> str:
    """The default topic in which the sinks of one connection commit their positions."""
    return f"_materialize-progress-{environment_id}-{connection_id}"


def source_columns(
    fmt: Format,
    includes: Sequence[Include],
    envelope: str,
    *,
    columns: Sequence[str] = (),
    inline_error_column: str = "error",
    context: str = "source",
) -> list[ColumnDefinition]:
    """The columns of a Kafka source: the key, an inline error, the value, then the metadata as written.

    Args:
        fmt: the formats of key and value.
        includes: the INCLUDE items.
        envelope: "none", "upsert", "upsert-value-err-inline" or "debezium".
        columns: names given in parentheses after the source's name; they replace the default ones.
        inline_error_column: the name of the column for value decoding errors.
        context: what an error calls it.

    Raises:
        MzError: the combination is refused, in Materialize's words.
    """
    upsert = envelope != "none"
    key_include = next((include for include in includes if include.what == "key"), None)
    _check(fmt, envelope, key_include)
    definitions: list[ColumnDefinition] = []
    if fmt.key is not None and (upsert or key_include is not None):
        name = (key_include.alias if key_include is not None else None) or "key"
        definitions.append(ColumnDefinition(name, KEY_TYPES[fmt.key], not_null=upsert))
    inline = envelope == "upsert-value-err-inline"
    if inline:
        definitions.append(ColumnDefinition(inline_error_column, INLINE_ERROR_TYPE))
    for name, kind in _value_columns(fmt):
        definitions.append(ColumnDefinition(name, kind, not_null=not inline))
    for include in includes:
        if include.what != "key":
            definitions.append(_metadata_column(include))
    return _renamed(definitions, columns, context)


def _check(fmt: Format, envelope: str, key_include: Include | None) -> None:
    if envelope != "none" and fmt.key is None:
        raise MzError("ENVELOPE [DEBEZIUM] UPSERT requires that KEY FORMAT be specified")
    if envelope == "debezium":
        raise MzError("ENVELOPE DEBEZIUM requires that VALUE FORMAT is set to AVRO")
    if key_include is not None and fmt.key is None:
        raise MzError("INCLUDE KEY requires specifying KEY FORMAT .. VALUE FORMAT, got bare FORMAT")
    for side in (fmt.key, fmt.value):
        if side not in (None, "bytes", "text", "json", "csv"):
            raise unsupported(f"FORMAT {str(side).upper()} is not supported")
    if fmt.key == "csv":
        raise unsupported("KEY FORMAT CSV is not supported")
    if fmt.value is None:
        raise MzError("Source format must be specified")


def _value_columns(fmt: Format) -> list[tuple[str, str]]:
    if fmt.value != "csv":
        return [VALUE_COLUMNS[str(fmt.value)]]
    if fmt.csv_header is not None:
        raise MzError("CSV WITH HEADER is not supported with Kafka sources")
    return [(f"column{number}", "text") for number in range(1, (fmt.csv_columns or 0) + 1)]


def _metadata_column(include: Include) -> ColumnDefinition:
    if include.what == "header":
        return ColumnDefinition(include.alias or "header", "bytea" if include.header_bytes else "text")
    kind = {
        "partition": "integer",
        "offset": "mz_catalog.uint8",
        "timestamp": "timestamp without time zone",
        "headers": HEADERS_TYPE,
    }[include.what]
    return ColumnDefinition(include.alias or include.what, kind, not_null=True)


def _renamed(definitions: list[ColumnDefinition], columns: Sequence[str], context: str) -> list[ColumnDefinition]:
    if len(columns) > len(definitions):
        given, had = (f"{count} column{'' if count == 1 else 's'}" for count in (len(columns), len(definitions)))
        raise MzError(f"{context} definition names {given}, but {context} has {had}")
    renamed = [ColumnDefinition(name, old.type, old.not_null) for name, old in zip(columns, definitions, strict=False)]
    renamed += definitions[len(columns) :]
    seen: set[str] = set()
    for definition in renamed:
        if definition.name in seen:
            raise MzError(f'column "{definition.name}" specified more than once')
        seen.add(definition.name)
    return renamed
