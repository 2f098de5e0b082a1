"""The statements that relay, read and set, as plain data; those that make and change objects are in `definitions.py`.

In: nothing. Out: one frozen dataclass for each statement; `parse.py` builds them, the wire and the
coordinator carry them out. Names are tuples of one to three parts, already
unquoted and case-folded: ("mv",), ("schema", "mv"), ("db", "schema", "mv").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mzlite.dialect.ast import Query
from mzlite.errors import MzError

Name = tuple[str, ...]
OptionValue = str | int | float | bool | None
ObjectType = Literal[
    "table", "view", "materialized view", "source", "sink", "index", "connection", "secret",
    "schema", "database", "cluster", "cluster replica", "role", "type", "column", "network policy",
]  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One statement. `sql` is its own text, without the semicolon."""

    sql: str


@dataclass(frozen=True)
class Access:
    """What a relayed statement needs privileges on.

    Attributes:
        reads: the relations that it names in queries.
        target: the relation that it writes, and `privilege` what it does there: INSERT, UPDATE or DELETE.
        reads_target: it looks at the rows of the target, too.
    """

    reads: tuple[Name, ...] = ()
    target: Name = ()
    privilege: str = ""
    reads_target: bool = False


@dataclass(frozen=True)
class Relayed(Statement):
    """A statement for the session's own PostgreSQL backend, after rewriting (`relay_sql`).

    Attributes:
        relay_sql: what the backend is sent.
        kind: what it is, for the session's transaction rules.
        writes: it changes a user table (INSERT, UPDATE, DELETE, COPY FROM): the client's answer waits until a tick has
            absorbed it.
        reads_then_writes: UPDATE, DELETE, INSERT .. SELECT from a relation: serialized with the other writers.
        target: the relation that it writes, and `inserts` whether rows only come.
        access: what it needs privileges on; for PREPARE that of what is prepared.
        as_of: the moment that a query is to be read at, as SQL; `as_of_at_least` if that is the earliest one.
        plain: a query of nothing but literals and of functions about the session or the moment.
    """

    relay_sql: str
    kind: Literal["select", "write", "transaction", "cursor", "prepare", "set", "other"]
    writes: bool = False
    reads_then_writes: bool = False
    target: Name = ()
    inserts: bool = False
    access: Access = Access()
    as_of: str | None = None
    as_of_at_least: bool = False
    plain: bool = False


@dataclass(frozen=True)
class CopyOut(Relayed):
    """COPY of a query's rows as text or csv; `query_sql` is the query alone, as the backend is sent it."""

    query_sql: str = ""
    copy_format: Literal["text", "csv"] = "text"


@dataclass(frozen=True)
class BeginTransaction(Relayed):
    """BEGIN or START TRANSACTION; `isolation` and `access_mode` ("read only") as written, in lower case."""

    isolation: str | None = None
    access_mode: str | None = None


@dataclass(frozen=True)
class Prepare(Relayed):
    """PREPARE; `prepared` is what EXECUTE of this name will do."""

    name: str = ""
    prepared: Relayed | None = None


@dataclass(frozen=True)
class Execute(Relayed):
    """EXECUTE; it writes if what was prepared under the name writes."""

    name: str = ""


@dataclass(frozen=True)
class Deallocate(Relayed):
    """DEALLOCATE; `name` None is ALL."""

    name: str | None = None


@dataclass(frozen=True)
class Refused(Statement):
    """A statement that parses and that the planner refuses. In a text of several statements its error belongs
    to its own turn: whoever executes it raises `error`."""

    error: MzError


# Reads -----------------------------------------------------------------------


ORDER_BY_OUTPUT = "invalid ORDER BY in SUBSCRIBE WITHIN TIMESTAMP ORDER BY"
"""The refusal of what is not an output column there."""


@dataclass(frozen=True)
class SubscribeOrder:
    """One item of WITHIN TIMESTAMP ORDER BY: an output column (or mz_diff) by its name or its position from 1."""

    column: str | int
    ascending: bool = True
    nulls_last: bool = True


@dataclass(frozen=True)
class Subscribe(Statement):
    """SUBSCRIBE; exactly one of `relation` and `query` is set. `keys` for the keyed envelopes.
    `output` says where its rows go: plain rows, COPY .. TO STDOUT (text or csv), or a cursor."""

    relation: Name | None
    query: str | None
    snapshot: bool = True
    progress: bool = False
    envelope: Literal["diff", "upsert", "debezium"] = "diff"
    keys: tuple[str, ...] = ()
    within_timestamp_order_by: tuple[SubscribeOrder, ...] | None = None
    as_of: str | None = None
    up_to: str | None = None
    output: Literal["rows", "copy", "cursor"] = "rows"
    copy_format: Literal["text", "csv", "binary"] = "text"
    cursor: str | None = None
    as_of_at_least: bool = False
    syntax: Query | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Fetch(Statement):
    """FETCH [count|ALL] [FROM] cursor [WITH (TIMEOUT = ..)]; `count` None is ALL. Relayed when the cursor is
    not a subscription."""

    cursor: str
    count: int | None
    timeout: str | None
    relay_sql: str = ""


@dataclass(frozen=True)
class CloseCursor(Statement):
    """CLOSE."""

    cursor: str


@dataclass(frozen=True)
class SetVariable(Statement):
    """SET [SESSION|LOCAL] name TO value; value None is DEFAULT."""

    name: str
    value: str | None
    local: bool = False


@dataclass(frozen=True)
class ResetVariable(Statement):
    """RESET."""

    name: str


@dataclass(frozen=True)
class ShowVariable(Statement):
    """SHOW name, or SHOW ALL."""

    name: str


@dataclass(frozen=True)
class Explain(Statement):
    """EXPLAIN of a plan (`stage` "physical plan", "optimized plan" ..), of "timestamp", "filter pushdown", "key schema"
    .. for a `query` or an object; `format` text, json or dot."""

    stage: str
    query: str | None = None
    object_type: ObjectType | None = None
    name: Name | None = None
    format: str = "text"
    redacted: bool = False
    as_of: str | None = None
    as_of_at_least: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, which are of type text."""
        if self.stage == "filter pushdown":
            return ("Source", "Total Bytes", "Selected Bytes", "Total Parts", "Selected Parts")
        if self.stage == "optimizer trace":
            return ("Time", "Path", "Plan")
        return ("Schema" if self.stage.endswith("schema") else self.stage.title(),)
