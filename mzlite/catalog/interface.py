"""What the statement executors need from the engine, as protocols, and what they give back.

In: nothing. Out: `EngineTransaction` and `Dataflow`, which `mzlite.dataflow` implements, and the
result types. The executors know nothing else about how collections are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg

from mzlite.dialect.statements import ColumnDefinition
from mzlite.kafka.spec import IngestSpec, SinkSpec


@dataclass(frozen=True)
class Notice:
    """A message beside the result."""

    message: str
    severity: str = "NOTICE"
    sqlstate: str = "00000"
    detail: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class ExecuteResult:
    """The command tag of a statement and its notices."""

    tag: str
    notices: list[Notice] = field(default_factory=list)


class Dataflow(Protocol):
    """Creates and drops collections. Each `create_` gives the oid of the relation that clients read."""

    def create_table(
        self, tx: EngineTransaction, object_id: str, schema: str, name: str, columns: Sequence[ColumnDefinition]
    ) -> int:
        """A table that clients write."""

    def create_source(
        self, tx: EngineTransaction, object_id: str, schema: str, name: str, columns: Sequence[ColumnDefinition]
    ) -> int:
        """A collection that an ingest fills."""

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
        """A view that is evaluated when it is read."""

    def create_materialized_view(
        self,
        tx: EngineTransaction,
        object_id: str,
        schema: str,
        name: str,
        columns: Sequence[str],
        query: str,
        search_path: Sequence[str],
        assert_not_null: Sequence[str] = (),
    ) -> int:
        """A view that every tick maintains."""

    def create_index(
        self, tx: EngineTransaction, object_id: str, on_relation: int, expressions: Sequence[str] | None
    ) -> list[str]:
        """An index; on a plain view it makes the view maintained. Gives the key expressions in use."""

    def create_sink(self, tx: EngineTransaction, from_id: str, spec: SinkSpec) -> None:
        """Publish the changes of the object `from_id`."""

    def start_ingest(self, tx: EngineTransaction, object_id: str, spec: IngestSpec) -> None:
        """Fill a source from Kafka once the transaction has committed."""

    def drop(self, tx: EngineTransaction, object_id: str) -> None:
        """Drop an object, its relation included; what depends on it was dropped before."""


class EngineTransaction(Protocol):
    """One transaction of the engine: a superuser's connection between two ticks."""

    @property
    def connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The connection, inside the transaction."""

    @property
    def timestamp(self) -> int:
        """The moment of the transaction in milliseconds since 1970."""

    @property
    def dataflow(self) -> Dataflow:
        """The collections."""

    def execute(self, sql: str, params: Sequence[Any] | None = None) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run one statement."""
