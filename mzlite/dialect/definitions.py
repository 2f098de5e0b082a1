"""The statements that make, change and drop objects, as plain data.

In: nothing. Out: one frozen dataclass for each statement, and for the parts that several have; the parsers of
`mzlite/dialect` build them, the executors in `mzlite/catalog` carry them out. Names are as in `statements.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mzlite.dialect.ast import Query
from mzlite.dialect.statements import Name, ObjectType, OptionValue, Statement


@dataclass(frozen=True)
class CreateDatabase(Statement):
    """CREATE DATABASE."""

    name: str
    if_not_exists: bool = False


@dataclass(frozen=True)
class CreateSchema(Statement):
    """CREATE SCHEMA."""

    name: Name
    if_not_exists: bool = False


@dataclass(frozen=True)
class CreateCluster(Statement):
    """`options` keys are upper case: SIZE, REPLICATION FACTOR, MANAGED, ...; `replicas` only for unmanaged ones."""

    name: str
    options: dict[str, OptionValue] = field(default_factory=dict)
    replicas: tuple[tuple[str, dict[str, OptionValue]], ...] = ()
    if_not_exists: bool = False


@dataclass(frozen=True)
class CreateClusterReplica(Statement):
    """CREATE CLUSTER REPLICA."""

    cluster: str
    name: str
    options: dict[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class CreateSecret(Statement):
    """CREATE SECRET; the value is an SQL expression."""

    name: Name
    value_sql: str
    if_not_exists: bool = False


@dataclass(frozen=True)
class CreateConnection(Statement):
    """`options` keys are upper case, for Kafka: BROKER or BROKERS (then a JSON list text), SECURITY PROTOCOL,
    SASL USERNAME ... A secret reference is the text `SECRET db.schema.name`. `validate` is None when the
    statement does not say."""

    name: Name
    kind: str
    options: dict[str, OptionValue] = field(default_factory=dict)
    validate: bool | None = None
    if_not_exists: bool = False
    or_replace: bool = False


@dataclass(frozen=True)
class Format:
    """`FORMAT x` or `KEY FORMAT k VALUE FORMAT v`: bytes, text, json, csv. For csv, `csv_columns` and
    `csv_delimiter`, `csv_header`."""

    key: str | None
    value: str | None
    csv_columns: int | None = None
    csv_header: tuple[str, ...] | None = None
    csv_delimiter: str = ","


@dataclass(frozen=True)
class Include:
    """One INCLUDE item: key, partition, offset, timestamp, headers, header. `header_key` and `header_bytes` for
    `HEADER 'k' AS x [BYTES]`."""

    what: Literal["key", "partition", "offset", "timestamp", "headers", "header"]
    alias: str | None = None
    header_key: str | None = None
    header_bytes: bool = False


@dataclass(frozen=True)
class CreateSource(Statement):
    """`options` are the Kafka options in upper case: TOPIC, START OFFSET, START TIMESTAMP, GROUP ID PREFIX ...
    `envelope`: none, upsert, upsert-value-err-inline, debezium, or None when the source only feeds CREATE TABLE
    .. FROM SOURCE. `inline_error_column` names the column of `VALUE DECODING ERRORS = (INLINE AS x)`, default
    `error`. `tables` is the text of FOR ALL TABLES, FOR TABLES (..) or FOR SCHEMAS (..); `table_names` are the tables
    of the second, each with its name here if it has one, `schema_names` the schemas of the third."""

    name: Name
    kind: str
    connection: Name | None
    options: dict[str, OptionValue]
    format: Format | None
    includes: tuple[Include, ...]
    envelope: str | None
    cluster: str | None = None
    columns: tuple[str, ...] = ()
    inline_error_column: str = "error"
    progress: Name | None = None
    if_not_exists: bool = False
    with_options: dict[str, OptionValue] = field(default_factory=dict)
    tables: str | None = None
    table_names: tuple[tuple[Name, Name | None], ...] = ()
    schema_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class CreateTableFromSource(Statement):
    """CREATE TABLE .. FROM SOURCE; as for CREATE SOURCE."""

    name: Name
    source: Name
    reference: str | None
    format: Format | None
    includes: tuple[Include, ...]
    envelope: str | None
    columns: tuple[str, ...] = ()
    inline_error_column: str = "error"
    if_not_exists: bool = False
    with_options: dict[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnDefinition:
    """A column; type and default as PostgreSQL is to read them."""

    name: str
    type: str
    not_null: bool = False
    default_sql: str | None = None


@dataclass(frozen=True)
class CreateTable(Statement):
    """CREATE TABLE."""

    name: Name
    columns: tuple[ColumnDefinition, ...]
    temporary: bool = False
    if_not_exists: bool = False
    with_options: dict[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class CreateView(Statement):
    """CREATE VIEW; `query` as PostgreSQL is to read it, `syntax` as Materialize does."""

    name: Name
    columns: tuple[str, ...]
    query: str
    temporary: bool = False
    or_replace: bool = False
    if_not_exists: bool = False
    syntax: Query | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class CreateMaterializedView(Statement):
    """`refresh` holds each REFRESH clause as text ("ON COMMIT", "AT CREATION", "EVERY '1 day'" ...)."""

    name: Name
    columns: tuple[str, ...]
    query: str
    cluster: str | None = None
    refresh: tuple[str, ...] = ()
    assert_not_null: tuple[str, ...] = ()
    retain_history: str | None = None
    partition_by: tuple[str, ...] = ()
    or_replace: bool = False
    if_not_exists: bool = False
    syntax: Query | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class CreateIndex(Statement):
    """`expressions` is None for `CREATE DEFAULT INDEX`."""

    name: str | None
    on: Name
    expressions: tuple[str, ...] | None
    cluster: str | None = None
    if_not_exists: bool = False


@dataclass(frozen=True)
class CreateSink(Statement):
    """`options` are the Kafka options in upper case (TOPIC, TOPIC REPLICATION FACTOR, PROGRESS GROUP ID PREFIX,
    PARTITION BY ...)."""

    name: Name
    source: Name
    kind: str
    connection: Name
    options: dict[str, OptionValue]
    key: tuple[str, ...]
    key_not_enforced: bool
    headers: str | None
    format: Format | None
    envelope: str | None
    cluster: str | None = None
    if_not_exists: bool = False
    with_options: dict[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class CreateRole(Statement):
    """CREATE ROLE."""

    name: str
    options: tuple[str, ...] = ()
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CreateType(Statement):
    """CREATE TYPE .. AS LIST (ELEMENT TYPE = ..) or MAP (KEY TYPE = .., VALUE TYPE = ..); a record's `options` are its
    columns and their types."""

    name: Name
    kind: Literal["list", "map", "record"]
    options: dict[str, str]


# Changes ---------------------------------------------------------------------


@dataclass(frozen=True)
class AlterRename(Statement):
    """ALTER .. RENAME TO."""

    object_type: ObjectType
    name: Name
    new_name: str
    if_exists: bool = False


@dataclass(frozen=True)
class AlterSwap(Statement):
    """ALTER .. SWAP WITH."""

    object_type: ObjectType
    name: Name
    with_name: str


@dataclass(frozen=True)
class AlterSet(Statement):
    """ALTER CLUSTER|CONNECTION|SOURCE|.. SET (..) / RESET (..); a reset option has the value None. For a
    connection also "VALIDATE", and each action in order: (SET, RESET or ROTATE, the option)."""

    object_type: ObjectType
    name: Name
    options: dict[str, OptionValue]
    if_exists: bool = False
    actions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class AlterOwner(Statement):
    """ALTER .. OWNER TO."""

    object_type: ObjectType
    name: Name
    owner: str
    if_exists: bool = False


@dataclass(frozen=True)
class AlterSecret(Statement):
    """ALTER SECRET .. AS."""

    name: Name
    value_sql: str
    if_exists: bool = False


@dataclass(frozen=True)
class AlterSetCluster(Statement):
    """ALTER .. SET CLUSTER: moves a materialized view, source or sink."""

    object_type: ObjectType
    name: Name
    cluster: str
    if_exists: bool = False


@dataclass(frozen=True)
class AlterSinkFrom(Statement):
    """ALTER SINK .. SET FROM: the sink reads another relation from now on."""

    name: Name
    source: Name
    if_exists: bool = False


@dataclass(frozen=True)
class AlterSystem(Statement):
    """ALTER SYSTEM SET name = value; value None is RESET (of the name "all", RESET ALL) or DEFAULT."""

    name: str
    value: str | None


@dataclass(frozen=True)
class AlterRole(Statement):
    """ALTER ROLE with attributes, or SET / RESET of a `variable`; value None is RESET."""

    name: str
    options: tuple[str, ...] = ()
    variable: str | None = None
    value: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Drop(Statement):
    """DROP; databases go with CASCADE unless RESTRICT is written."""

    object_type: ObjectType
    names: tuple[Name, ...]
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True)
class Comment(Statement):
    """COMMENT ON; for a column `name` ends with the column."""

    object_type: ObjectType
    name: Name
    comment: str | None


@dataclass(frozen=True)
class Grant(Statement):
    """GRANT, REVOKE, DROP OWNED, REASSIGN OWNED, ALTER DEFAULT PRIVILEGES: `verb` and the rest as parsed parts. Of the
    last one `names` are the owners (none for all roles), `scope` the schemas or databases, `revoking` for REVOKE."""

    verb: Literal["grant", "revoke", "drop owned", "reassign owned", "alter default privileges"]
    privileges: tuple[str, ...] = ()
    object_type: str = ""
    names: tuple[Name, ...] = ()
    roles: tuple[str, ...] = ()
    scope_type: Literal["", "schema", "database"] = ""
    scope: tuple[Name, ...] = ()
    revoking: bool = False


@dataclass(frozen=True)
class NetworkRule:
    """One rule of a network policy; None for what was not said."""

    name: str
    action: OptionValue = None
    direction: OptionValue = None
    address: OptionValue = None


@dataclass(frozen=True)
class CreateNetworkPolicy(Statement):
    """CREATE NETWORK POLICY .. (RULES (..))."""

    name: str
    rules: tuple[NetworkRule, ...] = ()


@dataclass(frozen=True)
class AlterNetworkPolicy(Statement):
    """ALTER NETWORK POLICY .. SET (RULES (..))."""

    name: str
    rules: tuple[NetworkRule, ...] = ()


@dataclass(frozen=True)
class ValidateConnection(Statement):
    """VALIDATE CONNECTION."""

    name: Name
