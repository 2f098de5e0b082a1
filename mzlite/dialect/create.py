"""Parses CREATE of databases, schemas, clusters, secrets, tables, views, indexes, roles and types.

In: tokens, after the word CREATE. Out: the statement objects. The Kafka side (connections,
sources, sinks, tables from sources) is in modules of its own.
"""

from __future__ import annotations

from mzlite.dialect import ast
from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.option_values import distinct
from mzlite.dialect.options import OptionParser
from mzlite.dialect.statements import OptionValue

CLUSTER_OPTIONS: dict[str, tuple[str, ...]] = {
    "AVAILABILITY": ("ZONES",),
    "DISK": (),
    "INTROSPECTION": (),
    "MANAGED": (),
    "REPLICAS": (),
    "REPLICATION": ("FACTOR",),
    "SIZE": (),
    "SCHEDULE": (),
    "WORKLOAD": ("CLASS",),
}
_REPLICA_OPTIONS: dict[str, tuple[str, ...]] = {
    "AVAILABILITY": ("ZONE",),
    "BILLED": ("AS",),
    "COMPUTE": ("ADDRESSES",),
    "COMPUTECTL": ("ADDRESSES",),
    "DISK": (),
    "INTERNAL": (),
    "INTROSPECTION": (),
    "SIZE": (),
    "STORAGE": ("ADDRESSES",),
    "STORAGECTL": ("ADDRESSES",),
    "WORKERS": (),
}
_ROLE_ATTRIBUTES = (
    "SUPERUSER", "NOSUPERUSER", "LOGIN", "NOLOGIN", "INHERIT", "NOINHERIT", "CREATECLUSTER", "NOCREATECLUSTER",
    "CREATEDB", "NOCREATEDB", "CREATEROLE", "NOCREATEROLE", "PASSWORD",
)  # fmt: skip


class CreateParser(OptionParser):
    """Adds the CREATE statements that have nothing to do with Kafka."""

    statement_start = 0
    """Where the statement being read starts in the text."""

    def statement_text(self) -> str:
        """The statement as far as it is read."""
        return self.text[self.statement_start : self.last_end]

    # Databases, schemas, clusters, secrets, roles, types -------------------

    def create_database(self) -> s.Statement:
        """DATABASE .."""
        self.expect_keyword("DATABASE")
        if_not_exists = self.if_not_exists()
        name = self.identifier()
        return d.CreateDatabase(self.statement_text(), name, if_not_exists)

    def create_schema(self) -> s.Statement:
        """SCHEMA .."""
        self.expect_keyword("SCHEMA")
        if_not_exists = self.if_not_exists()
        name = self.identifiers()
        return d.CreateSchema(self.statement_text(), name, if_not_exists)

    def create_secret(self) -> s.Statement:
        """SECRET .. AS .."""
        self.expect_keyword("SECRET")
        if_not_exists = self.if_not_exists()
        name = self.item_name()
        self.expect_keyword("AS")
        value = self.relayed_expression()
        return d.CreateSecret(self.statement_text(), name, value, if_not_exists)

    def relayed_expression(self) -> str:
        """An expression, as text for PostgreSQL."""
        start = self.position
        self.default_expressions.append(self.expression())
        return self.relay(start, self.last_end)

    def cluster_option_name(self) -> str:
        """The name of an option of a cluster."""
        name = self.named_option(CLUSTER_OPTIONS)
        if name == "INTROSPECTION":
            name += " " + self.expect_one_of("DEBUGGING", "INTERVAL")
        return name

    def cluster_option(self) -> tuple[str, OptionValue]:
        """An option of a cluster; the replicas of an unmanaged one are collected aside."""
        name = self.cluster_option_name()
        if name == "REPLICAS":
            self.take(t.EQ)
            self.expect(t.LPAREN)
            if self.kinds[self.index] != t.RPAREN:
                self._replicas.extend(self.comma_separated(self._replica))
            self.expect(t.RPAREN)
            return name, True
        if name == "SCHEDULE":
            self.take(t.EQ)
            if self.expect_one_of("MANUAL", "ON") == "MANUAL":
                return name, "MANUAL"
            self.expect_keyword("REFRESH")
            start = self.last_end
            if self.take(t.LPAREN):
                self.expect_keyword("HYDRATION", "TIME", "ESTIMATE")
                self.take(t.EQ)
                self.interval_value(self.position)
                self.expect(t.RPAREN)
            return name, "ON REFRESH" + self.text[start : self.last_end]
        return name, self.option_value()

    def _replica(self) -> tuple[str, dict[str, OptionValue]]:
        name = self.identifier()
        return name, self.options(self.replica_option)

    def replica_option(self) -> tuple[str, OptionValue]:
        """An option of a replica."""
        name = self.named_option(_REPLICA_OPTIONS)
        if name == "INTROSPECTION":
            name += " " + self.expect_one_of("DEBUGGING", "INTERVAL")
        return name, self.option_value()

    def create_cluster(self) -> s.Statement:
        """What follows CREATE CLUSTER."""
        if self.take_keyword("REPLICA"):
            return self._create_replica()
        name = self.identifier()
        self._replicas.clear()
        parenthesis = self.take(t.LPAREN)
        options = self.comma_separated(self.cluster_option)
        if parenthesis:
            self.expect(t.RPAREN)
        if self.take_keyword("FEATURES"):
            self.parenthesized(self._feature)
        return d.CreateCluster(self.statement_text(), name, distinct(options), tuple(self._replicas))

    def _feature(self) -> None:
        while self.kinds[self.index] == t.KEYWORD:
            self.index += 1
        self.option_value()

    def _create_replica(self) -> s.Statement:
        cluster = self.identifier()
        self.expect(t.DOT)
        name = self.identifier()
        parenthesis = self.take(t.LPAREN)
        options = distinct(self.comma_separated(self.replica_option))
        if parenthesis:
            self.take(t.RPAREN)
        return d.CreateClusterReplica(self.statement_text(), cluster, name, options)

    def create_role(self) -> s.Statement:
        """ROLE .."""
        self.expect_keyword("ROLE")
        name = self.identifier()
        self.take_keyword("WITH")
        options = self.role_attributes()
        return d.CreateRole(self.statement_text(), name, options, self.password)

    password: str | None = None
    """That of the role's attributes that were read last; None for PASSWORD NULL, or without one."""

    def role_attributes(self) -> tuple[str, ...]:
        """The attributes of a role; a password is aside, in `password`."""
        attributes: list[str] = []
        self.password = None
        while (word := self.take_one_of(*_ROLE_ATTRIBUTES)) is not None:
            if word == "PASSWORD" and not self.take_keyword("NULL"):
                self.password = self.literal_string()
            attributes.append(word)
        return tuple(attributes)

    def create_type(self) -> s.Statement:
        """TYPE .. AS .."""
        self.expect_keyword("TYPE")
        name = self.item_name()
        self.expect_keyword("AS")
        kind = self.take_one_of("LIST", "MAP")
        if kind is None:
            columns = self.parenthesized(self._field)
            return d.CreateType(self.statement_text(), name, "record", dict(columns))
        words: dict[str, tuple[str, ...]] = (
            {"ELEMENT": ("TYPE",)} if kind == "LIST" else {"KEY": ("TYPE",), "VALUE": ("TYPE",)}
        )
        options = distinct(self.parenthesized(lambda: (self.named_option(words), self._type_option())))
        return d.CreateType(self.statement_text(), name, "list" if kind == "LIST" else "map", options)

    def _field(self) -> tuple[str, str]:
        name = self.identifier()
        return name, self.relayed_type()

    def _type_option(self) -> str:
        self.take(t.EQ)
        return self.relayed_type()

    def relayed_type(self) -> str:
        """A type, as text for PostgreSQL."""
        start = self.position
        self.data_types.append(self.data_type())
        return self.relay(start, self.last_end)

    # Tables ----------------------------------------------------------------

    def create_table(self) -> s.Statement:
        """[TEMPORARY] TABLE .."""
        temporary = self.take_one_of("TEMP", "TEMPORARY") is not None
        self.expect_keyword("TABLE")
        if_not_exists = self.if_not_exists()
        name = self.item_name()
        columns = self.columns()
        with_options: dict[str, OptionValue] = {}
        if self.take_keyword("WITH"):
            self.expect(t.LPAREN)
            if self.kinds[self.index] != t.RPAREN:
                with_options = distinct(self.comma_separated(self._table_option))
            self.expect(t.RPAREN)
        return d.CreateTable(self.statement_text(), name, columns, temporary, if_not_exists, with_options)

    def _table_option(self) -> tuple[str, OptionValue]:
        name = self.named_option({"PARTITION": ("BY",), "RETAIN": ("HISTORY",)})
        return name, self.retain_history() if name == "RETAIN HISTORY" else self.option_value()

    def columns(self) -> tuple[d.ColumnDefinition, ...]:
        """'(' column or constraint {',' ..} ')'."""
        if not self.take(t.LPAREN):
            raise self.expected("a list of columns in parentheses")
        result: list[d.ColumnDefinition] = []
        if self.take(t.RPAREN):
            return ()
        while True:
            if not self.table_constraint():
                column = self.take_identifier()
                if column is None:
                    raise self.expected("column name or constraint definition")
                result.append(self.column_definition(column))
            if self.take(t.RPAREN):
                return tuple(result)
            if not self.take(t.COMMA):
                raise self.expected("',' or ')' after column definition")

    def column_definition(self, name: str) -> d.ColumnDefinition:
        """The type and options of a column whose name was read."""
        data_type = self.relayed_type()
        if self.take_keyword("COLLATE"):
            self.item_name()
            self.refuse("CREATE TABLE with column collation")
        not_null, default = False, None
        while self.kinds[self.index] not in (t.END, t.COMMA, t.RPAREN):
            if self.take_keyword("CONSTRAINT"):
                self.identifier()
            if self.take_keyword("NOT", "NULL"):
                not_null = True
            elif self.take_keyword("NULL"):
                pass
            elif self.take_keyword("DEFAULT"):
                start = self.position
                self.default_expressions.append(self.expression())
                default = self.relay(start, self.last_end)
            elif self.take_keyword("PRIMARY", "KEY") or self.take_keyword("UNIQUE"):
                self.refuse("primary key or unique constraint")
            elif self.take_keyword("REFERENCES"):
                self.item_name()
                self.column_list()
                self.refuse("CREATE TABLE with a foreign key constraint")
            elif self.take_keyword("CHECK"):
                self.expect(t.LPAREN)
                self.expression()
                self.expect(t.RPAREN)
                self.refuse("CREATE TABLE with a check constraint")
            else:
                raise self.expected("column option")
        return d.ColumnDefinition(name, data_type, not_null, default)

    def table_constraint(self) -> bool:
        """Reads a table constraint if one is next."""
        named = self.take_keyword("CONSTRAINT")
        if named:
            self.identifier()
        word = self.take_one_of("PRIMARY", "UNIQUE", "FOREIGN", "CHECK")
        if word is None:
            if named:
                raise self.expected("PRIMARY, UNIQUE, FOREIGN, or CHECK")
            return False
        if word == "CHECK":
            self.expect(t.LPAREN)
            self.expression()
            self.expect(t.RPAREN)
            self.refuse("CREATE TABLE with a check constraint")
        elif word == "FOREIGN":
            self.expect_keyword("KEY")
            self.column_list()
            self.expect_keyword("REFERENCES")
            self.raw_name()
            self.column_list()
            self.refuse("CREATE TABLE with a foreign key constraint")
        else:
            if word == "PRIMARY":
                self.expect_keyword("KEY")
            elif self.take_keyword("NULLS"):
                self.expect_keyword("NOT", "DISTINCT")
            self.column_list()
            self.refuse("primary key or unique constraint")
        return True

    def refuse(self, what: str) -> None:
        """Notes something that the grammar takes and the planner does not; `check.py` has the words."""
        self.refusals.append(what)

    def __init__(self, tokens: t.Tokens) -> None:
        super().__init__(tokens)
        self.refusals: list[str] = []
        self.data_types: list[ast.DataType] = []
        self.default_expressions: list[ast.Expression] = []
        self._replicas: list[tuple[str, dict[str, OptionValue]]] = []

    # Views -----------------------------------------------------------------

    def _relayed_query(self) -> tuple[ast.Query, str]:
        start = self.position
        query = self.query()
        return query, self.relay(start, self.last_end)

    def create_view(self) -> s.Statement:
        """[OR REPLACE] [TEMPORARY] VIEW .. AS .."""
        or_replace = self.take_keyword("OR")
        if or_replace:
            self.expect_keyword("REPLACE")
        temporary = self.take_one_of("TEMPORARY", "TEMP") is not None
        self.expect_keyword("VIEW")
        if_not_exists = not or_replace and self.if_not_exists()
        name = self.item_name()
        columns = self.column_list(optional=True)
        self.expect_keyword("AS")
        query, sql = self._relayed_query()
        return d.CreateView(
            self.statement_text(), name, columns, sql, temporary, or_replace, if_not_exists, syntax=query
        )

    def create_materialized_view(self) -> s.Statement:
        """[OR REPLACE] MATERIALIZED VIEW .. AS .."""
        or_replace = self.take_keyword("OR")
        if or_replace:
            self.expect_keyword("REPLACE")
        self.expect_keyword("MATERIALIZED", "VIEW")
        if_not_exists = not or_replace and self.if_not_exists()
        name = self.item_name()
        columns = self.column_list(optional=True)
        cluster = self.in_cluster()
        options: list[tuple[str, str]] = []
        if self.take_keyword("WITH"):
            options = self.parenthesized(self._view_option)
        self.expect_keyword("AS")
        query, sql = self._relayed_query()
        if self.take_keyword("AS", "OF"):
            if self.kinds[self.index] != t.NUMBER:
                raise self.expected("`u64` literal")
            self.index += 1
        return d.CreateMaterializedView(
            self.statement_text(),
            name,
            columns,
            sql,
            cluster,
            tuple(value for option, value in options if option == "REFRESH"),
            tuple(value for option, value in options if option == "ASSERT NOT NULL"),
            next((value for option, value in options if option == "RETAIN HISTORY"), None),
            tuple(value for option, value in options if option == "PARTITION BY"),
            or_replace,
            if_not_exists,
            syntax=query,
        )

    def _view_option(self) -> tuple[str, str]:
        name = self.named_option(
            {"ASSERT": ("NOT", "NULL"), "PARTITION": ("BY",), "RETAIN": ("HISTORY",), "REFRESH": ()}
        )
        if name == "RETAIN HISTORY":
            return name, self.retain_history()
        if name != "REFRESH":
            return name, str(self.option_value())
        self.take(t.EQ)
        word = self.expect_one_of("ON", "AT", "EVERY")
        start = self.last_end
        if word == "ON":
            self.expect_keyword("COMMIT")
            return name, "ON COMMIT"
        if word == "AT":
            if self.take_keyword("CREATION"):
                return name, "AT CREATION"
            self.expression()
        else:
            self.interval_value(self.position)
            if self.take_keyword("ALIGNED", "TO"):
                self.expression()
        return name, word + self.text[start : self.last_end]

    def create_index(self) -> s.Statement:
        """[DEFAULT] INDEX .. ON .."""
        default = self.take_keyword("DEFAULT")
        self.expect_keyword("INDEX")
        if_not_exists = self.if_not_exists()
        name = None
        if self.peek_keyword_in(("IN", "ON")):
            if if_not_exists and not default:
                raise self.expected("index name")
        else:
            name = self.identifier()
        cluster = self.in_cluster()
        self.expect_keyword("ON")
        on = self.raw_name()
        if self.take_keyword("USING"):
            self.expect_keyword("ARRANGEMENT")
        expressions: tuple[str, ...] | None = None
        if not default:
            self.expect(t.LPAREN)
            expressions = ()
            if self.kinds[self.index] != t.RPAREN:
                expressions = tuple(self.comma_separated(self._key_part))
            self.expect(t.RPAREN)
        if self.take_keyword("WITH"):
            self.expect(t.LPAREN)
            if self.kinds[self.index] != t.RPAREN:
                self.comma_separated(self._index_option)
                self.refuse("RETAIN HISTORY")
            self.expect(t.RPAREN)
        return d.CreateIndex(self.statement_text(), name, on, expressions, cluster, if_not_exists)

    def _key_part(self) -> str:
        start = self.position
        item = self.order_by_item()
        self.default_expressions.append(item.expression)
        return self.relay(start, item.expression.end)

    def _index_option(self) -> str:
        self.expect_keyword("RETAIN", "HISTORY")
        return self.retain_history()
