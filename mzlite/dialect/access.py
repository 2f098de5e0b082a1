"""Parses GRANT, REVOKE, DROP OWNED, REASSIGN OWNED and ALTER DEFAULT PRIVILEGES.

In: tokens, after the first word. Out: `Grant` statements.
"""

from __future__ import annotations

from typing import Literal

from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.alter import AlterParser
from mzlite.errors import syntax_error

_PRIVILEGES = (
    "INSERT", "SELECT", "UPDATE", "DELETE", "USAGE", "CREATE", "CREATEROLE", "CREATEDB", "CREATECLUSTER",
    "CREATENETWORKPOLICY",
)  # fmt: skip
_PLURALS = {
    "TABLES": "table",
    "VIEWS": "view",
    "MATERIALIZED": "materialized view",
    "SOURCES": "source",
    "SINKS": "sink",
    "INDEXES": "index",
    "TYPES": "type",
    "ROLES": "role",
    "USERS": "role",
    "CLUSTER": "cluster replica",
    "CLUSTERS": "cluster",
    "SECRETS": "secret",
    "CONNECTIONS": "connection",
    "DATABASES": "database",
    "SCHEMAS": "schema",
}
_IN_SCHEMA = frozenset(
    {"table", "view", "materialized view", "source", "sink", "index", "type", "secret", "connection"}
)


class AccessParser(AlterParser):
    """Adds the statements about privileges and ownership."""

    def _privileges(self) -> tuple[str, ...] | None:
        if self.take_keyword("ALL"):
            self.take_keyword("PRIVILEGES")
            return ("ALL",)
        privileges: list[str] = []
        while (word := self.take_one_of(*_PRIVILEGES)) is not None:
            privileges.append(word)
            if not self.take(t.COMMA):
                break
        return tuple(privileges) or None

    def _role(self) -> s.Name:
        self.take_keyword("GROUP")
        return (self.identifier(),)

    def _roles(self) -> tuple[str, ...]:
        return tuple(name[0] for name in self.comma_separated(self._role))

    def grant(self) -> s.Statement:
        """What follows GRANT."""
        return self._grant_or_revoke("grant", "TO")

    def revoke(self) -> s.Statement:
        """What follows REVOKE."""
        return self._grant_or_revoke("revoke", "FROM")

    def _grant_or_revoke(self, verb: Literal["grant", "revoke"], direction: str) -> s.Statement:
        privileges = self._privileges()
        if privileges is None:
            roles = self.comma_separated(lambda: (self.identifier(),))
            self.expect_keyword(direction)
            members = self._roles()
            return d.Grant(self.statement_text(), verb, (), "role", tuple(roles), members)
        self.expect_keyword("ON")
        object_type, names = self._target(verb.upper())
        self.expect_keyword(direction)
        grantees = self._roles()
        return d.Grant(self.statement_text(), verb, privileges, object_type, names, grantees)

    def _target(self, statement: str) -> tuple[str, tuple[s.Name, ...]]:
        if self.take_keyword("SYSTEM"):
            return "system", ()
        if self.take_keyword("ALL"):
            object_type = self._plural(statement)
            if not self.take_keyword("IN"):
                return f"all {object_type}", ()
            if object_type not in _IN_SCHEMA and object_type != "schema":
                raise syntax_error(f"IN invalid for {object_type.upper()}S")
            if self.expect_one_of("DATABASE", "SCHEMA") == "DATABASE":
                names = self.comma_separated(lambda: (self.identifier(),))
                return f"all {object_type} in database", tuple(names)
            if object_type == "schema":
                raise self.expected("DATABASE", self.index - 1)
            return f"all {object_type} in schema", tuple(self.comma_separated(self.identifiers))
        object_type = self.object_type(optional=True) or "table"
        self._check_grantable(object_type, statement)
        return object_type, tuple(self.comma_separated(lambda: self.object_name(object_type)))

    def _check_grantable(self, object_type: str, statement: str) -> None:
        if object_type in ("view", "materialized view", "source", "continual task"):
            raise syntax_error(
                f"For object type {object_type.upper()}, you must specify 'TABLE' or omit the object type"
            )
        if object_type in ("sink", "index", "cluster replica", "role", "function", "subsource"):
            raise syntax_error(f"Unsupported {statement} on {object_type.upper()}")

    def _plural(self, statement: str) -> str:
        word = self.take_one_of(*_PLURALS)
        if word == "MATERIALIZED" and not self.take_keyword("VIEWS"):
            word = None
        if word == "CLUSTER" and not self.take_keyword("REPLICAS"):
            word = None
        if word is None:
            raise self.expected("one of TABLES or TYPES or SECRETS or CONNECTIONS or SCHEMAS or DATABASES or CLUSTERS")
        self._check_grantable(_PLURALS[word], statement)
        return _PLURALS[word]

    def drop_owned(self) -> s.Statement:
        """What follows DROP OWNED."""
        self.expect_keyword("BY")
        roles = tuple(self.comma_separated(self.identifier))
        word = self.take_one_of("CASCADE", "RESTRICT")
        return d.Grant(self.statement_text(), "drop owned", (word,) if word else (), "", (), roles)

    def reassign_owned(self) -> s.Statement:
        """What follows REASSIGN."""
        self.expect_keyword("OWNED", "BY")
        old = tuple((name,) for name in self.comma_separated(self.identifier))
        self.expect_keyword("TO")
        new = self.identifier()
        return d.Grant(self.statement_text(), "reassign owned", (), "", old, (new,))

    def alter_default_privileges(self) -> s.Statement:
        """What follows ALTER DEFAULT PRIVILEGES."""
        self.expect_keyword("FOR")
        word = self.expect_one_of("ROLE", "USER", "ALL")
        names: tuple[s.Name, ...] = ()
        if word == "ALL":
            self.expect_keyword("ROLES")
        else:
            names = tuple(self.comma_separated(lambda: (self.identifier(),)))
        scope_type: Literal["", "schema", "database"] = ""
        scope: tuple[s.Name, ...] = ()
        if self.take_keyword("IN"):
            if self.expect_one_of("SCHEMA", "DATABASE") == "SCHEMA":
                scope_type, scope = "schema", tuple(self.comma_separated(self.identifiers))
            else:
                scope_type, scope = "database", tuple(self.comma_separated(lambda: (self.identifier(),)))
        granting = self.expect_one_of("GRANT", "REVOKE") == "GRANT"
        privileges = self._privileges()
        if privileges is None:
            raise self.expected("ALL or INSERT or SELECT or UPDATE or DELETE or USAGE or CREATE")
        self.expect_keyword("ON")
        object_type = self._plural("GRANT" if granting else "REVOKE")
        self.expect_keyword("TO" if granting else "FROM")
        roles = self._roles()
        return d.Grant(
            self.statement_text(),
            "alter default privileges",
            privileges,
            object_type,
            names,
            roles,
            scope_type,
            scope,
            not granting,
        )
