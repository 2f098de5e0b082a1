"""Parses SHOW and turns it into a query over the catalog.

In: tokens, after the word SHOW. Out: for objects, the SELECT over mz_catalog whose columns are
those of Materialize; for variables, their name. What must exist and does not is reported by the
query itself: it raises the text that `pg_errors.translate` knows by `RAISE_PREFIX`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mzlite.dialect.access import AccessParser
from mzlite.dialect.ast import Name
from mzlite.dialect.databases import physical_name
from mzlite.dialect.show_queries import (
    ShowQuery,
    columns_query,
    create_query,
    objects_query,
    privileges_query,
)
from mzlite.errors import syntax_error

_PLURALS = {
    "TABLES": "table",
    "VIEWS": "view",
    "SOURCES": "source",
    "SINKS": "sink",
    "INDEXES": "index",
    "TYPES": "type",
    "ROLES": "role",
    "USERS": "role",
    "CLUSTERS": "cluster",
    "SECRETS": "secret",
    "CONNECTIONS": "connection",
    "DATABASES": "database",
    "SCHEMAS": "schema",
    "SUBSOURCES": "subsource",
    "OBJECTS": "object",
}
_PAIRS = {
    ("MATERIALIZED", "VIEWS"): "materialized view",
    ("CLUSTER", "REPLICAS"): "cluster replica",
    ("CONTINUAL", "TASKS"): "continual task",
    ("NETWORK", "POLICIES"): "network policy",
}
_IN_SCHEMA = frozenset(
    [
        "table",
        "view",
        "materialized_view",
        "source",
        "sink",
        "index",
        "type",
        "secret",
        "connection",
        "subsource",
        "object",
        "continual_task",
    ]
)
_IN_CLUSTER = frozenset({"source", "sink", "materialized view", "continual task", "index"})
_CREATE_TYPES = ("VIEW", "SOURCE", "TABLE", "SINK", "INDEX", "CONNECTION", "TYPE")


@dataclass(frozen=True)
class Variable:
    """SHOW of a variable."""

    name: str


class ShowParser(AccessParser):
    """Adds SHOW."""

    def show_query(self) -> str:
        """The query that answers what follows SHOW."""
        shown = self.show()
        if isinstance(shown, Variable):
            self.refuse("SHOW variable in subqueries")
            return "SELECT NULL"
        return shown.sql

    def show(self) -> Variable | ShowQuery:
        """What follows SHOW."""
        redacted = self.take_keyword("REDACTED")
        if redacted and not self.peek_keyword("CREATE"):
            raise syntax_error("SHOW REDACTED is only supported for SHOW REDACTED CREATE ...")
        if self.take_one_of("COLUMNS", "FIELDS"):
            self.expect_one_of("FROM", "IN")
            name = self.raw_name()
            return columns_query(physical_name(name, self.database), self._filter())
        object_type = self._plural_type()
        if object_type is not None:
            return self._objects(object_type)
        if self.take_keyword("CLUSTER"):
            return Variable("cluster")
        if self.take_keyword("PRIVILEGES"):
            return self._privileges_of("privileges")
        if self.take_keyword("DEFAULT", "PRIVILEGES"):
            return self._privileges_of("default privileges")
        if self.take_keyword("ROLE"):
            self.expect_keyword("MEMBERSHIP")
            return self._privileges_of("role membership")
        created = self._show_create(redacted)
        if created is not None:
            return created
        if self.take_keyword("TRANSACTION", "ISOLATION", "LEVEL"):
            return Variable("transaction_isolation")
        if self.take_keyword("TIME", "ZONE"):
            return Variable("timezone")
        if self.take_keyword("SCHEMA"):
            return ShowQuery("SELECT current_schema() AS schema")
        return Variable(self.identifier())

    def _plural_type(self) -> str | None:
        for words, object_type in _PAIRS.items():
            if self.take_keyword(*words):
                return object_type
        word = self.take_one_of(*_PLURALS)
        return None if word is None else _PLURALS[word]

    def _filter(self) -> str | None:
        """The condition on the rows, as SQL."""
        if self.take_keyword("LIKE"):
            pattern = self.literal_string().replace("'", "''")
            return f"name LIKE '{pattern}'"
        if self.take_keyword("WHERE"):
            return self.relayed_expression()
        return None

    def _objects(self, object_type: str) -> ShowQuery:
        schema: Name | None = None
        database: str | None = None
        on: Name | None = None
        cluster: str | None = None
        if object_type.replace(" ", "_") in _IN_SCHEMA and self.take_keyword("FROM"):
            schema = self.identifiers()
        if object_type == "schema" and self.take_keyword("FROM"):
            database = self.identifier()
        if object_type in ("table", "subsource", "index") and self.take_keyword("ON"):
            on = physical_name(self.raw_name(), self.database)
            if schema is not None and object_type != "table":
                raise syntax_error("Cannot specify both FROM and ON")
        if object_type in _IN_CLUSTER:
            cluster = self.in_cluster()
        return objects_query(object_type, schema, database, on, cluster, self._filter())

    def _privileges_of(self, what: str) -> ShowQuery:
        object_type = None
        if what != "role membership" and self.take_keyword("ON"):
            word = self.take_one_of("VIEWS", "SOURCES")
            if word is not None or self.take_keyword("MATERIALIZED", "VIEWS"):
                raise syntax_error(f"For object type {word or 'MATERIALIZED VIEWS'}, you must specify 'TABLES'")
            words = ("TABLES", "TYPES", "CLUSTERS", "SECRETS", "CONNECTIONS", "DATABASES", "SCHEMAS")
            plural = self.expect_one_of(*(("SYSTEM", *words) if what == "privileges" else words))
            object_type = "system" if plural == "SYSTEM" else _PLURALS[plural]
        role = self.identifier() if self.take_keyword("FOR") else None
        return privileges_query(what, object_type, role, self._filter())

    def _show_create(self, redacted: bool) -> ShowQuery | None:
        if self.take_keyword("CREATE", "MATERIALIZED", "VIEW"):
            return create_query("materialized view", self.raw_name(), redacted)
        if self.take_keyword("CREATE", "CLUSTER"):
            if redacted:
                raise syntax_error("SHOW REDACTED CREATE CLUSTER is not supported")
            return create_query("cluster", (self.identifier(),), redacted)
        for word in _CREATE_TYPES:
            if self.take_keyword("CREATE", word):
                return create_query(word.lower(), self.raw_name(), redacted)
        return None
