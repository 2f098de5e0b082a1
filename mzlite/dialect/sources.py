"""Parses CREATE SOURCE and CREATE TABLE .. FROM SOURCE.

In: tokens, after the word CREATE. Out: `CreateSource`, `CreateTableFromSource`. Sources of other
kinds than Kafka are parsed so that the executor can refuse them by name.
"""

from __future__ import annotations

import json

from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.connections import ConnectionParser
from mzlite.dialect.statements import OptionValue
from mzlite.errors import syntax_error

_KAFKA_SOURCE_OPTIONS = ("GROUP", "START", "TOPIC")
_LOAD_OPTIONS: dict[str, tuple[str, ...]] = {
    "AS": ("OF",),
    "UP": ("TO",),
    "SCALE": ("FACTOR",),
    "TICK": ("INTERVAL",),
    "MAX": ("CARDINALITY",),
    "KEYS": (),
    "SNAPSHOT": ("ROUNDS",),
    "TRANSACTIONAL": ("SNAPSHOT",),
    "VALUE": ("SIZE",),
    "SEED": (),
    "PARTITIONS": (),
    "BATCH": ("SIZE",),
}


class SourceParser(ConnectionParser):
    """Adds sources and the tables that they feed."""

    def create_source(self) -> s.Statement:
        """SOURCE .. FROM .."""
        self.expect_keyword("SOURCE")
        if_not_exists = self.if_not_exists()
        name = self.item_name()
        columns = self._source_columns()
        cluster = self.in_cluster()
        self.expect_keyword("FROM")
        if self.take_keyword("WEBHOOK"):
            return self._webhook(name, cluster, if_not_exists)
        kind, connection, options = self._source_connection()
        format_ = self.format_clause()
        includes = self.includes()
        envelope, error_column = self.source_envelope()
        tables, table_names, schema_names = self._source_tables()
        progress = self.raw_name() if self.take_keyword("EXPOSE", "PROGRESS", "AS") else None
        with_options = self.with_options(self.source_option)
        return d.CreateSource(
            self.statement_text(),
            name,
            kind,
            connection,
            options,
            format_,
            includes,
            envelope,
            cluster,
            columns,
            error_column,
            progress,
            if_not_exists,
            with_options,
            tables,
            table_names,
            schema_names,
        )

    def _source_columns(self) -> tuple[str, ...]:
        columns: list[str] = []
        if not self.take(t.LPAREN):
            return ()
        keys = 0
        while True:
            if self.take_keyword("PRIMARY", "KEY"):
                keys += 1
                if keys > 1:
                    raise syntax_error("Multiple key constraints not allowed")
                self.column_list()
                self.expect_keyword("NOT", "ENFORCED")
                self.refuse("PRIMARY KEY NOT ENFORCED")
            else:
                columns.append(self.identifier())
            if not self.take(t.COMMA):
                break
        self.expect(t.RPAREN)
        return tuple(columns)

    def _source_connection(self) -> tuple[str, s.Name | None, dict[str, OptionValue]]:
        word = self.expect_one_of("KAFKA", "POSTGRES", "SQL", "MYSQL", "LOAD")
        if word == "LOAD":
            self.expect_keyword("GENERATOR")
            generator = self.expect_one_of("CLOCK", "COUNTER", "MARKETING", "AUCTION", "TPCH", "DATUMS", "KEY")
            if generator == "KEY":
                self.expect_keyword("VALUE")
                generator = "KEY VALUE"
            options: dict[str, OptionValue] = {}
            if self.kinds[self.index] == t.LPAREN:
                options = self.options(self.simple_option(_LOAD_OPTIONS))
            return f"load-generator {generator.lower()}", None, options
        if word == "SQL":
            self.expect_keyword("SERVER")
        self.expect_keyword("CONNECTION")
        connection = self.raw_name()
        options = {}
        if self.kinds[self.index] == t.LPAREN:
            options = self.options(self._kafka_source_option if word == "KAFKA" else self._database_source_option)
        return {"SQL": "sql-server"}.get(word, word.lower()), connection, options

    def _kafka_source_option(self) -> tuple[str, OptionValue]:
        word = self.expect_one_of(*_KAFKA_SOURCE_OPTIONS)
        if word == "GROUP":
            self.expect_keyword("ID", "PREFIX")
            name = "GROUP ID PREFIX"
        elif word == "START":
            name = "START " + self.expect_one_of("OFFSET", "TIMESTAMP")
        elif self.take_keyword("METADATA"):
            self.expect_keyword("REFRESH", "INTERVAL")
            name = "TOPIC METADATA REFRESH INTERVAL"
        else:
            name = "TOPIC"
        return name, self.option_value()

    def _database_source_option(self) -> tuple[str, OptionValue]:
        word = self.expect_one_of("DETAILS", "PUBLICATION", "TEXT", "EXCLUDE", "IGNORE")
        if word in ("DETAILS", "PUBLICATION"):
            return word, self.option_value()
        self.expect_keyword("COLUMNS")
        self.take(t.EQ)
        return f"{word} COLUMNS", json.dumps(self.sequence(lambda: ".".join(self.item_name())))

    def _source_tables(self) -> tuple[str | None, tuple[tuple[s.Name, s.Name | None], ...], tuple[str, ...]]:
        """FOR TABLES (..), FOR SCHEMAS (..) or FOR ALL TABLES: its text, its tables and its schemas."""
        if self.take_keyword("FOR", "TABLES"):
            tables = tuple(self.parenthesized(self._table_reference))
            texts = [" AS ".join(".".join(name) for name in names if name is not None) for names in tables]
            return f"FOR TABLES ({', '.join(texts)})", tables, ()
        if self.take_keyword("FOR", "SCHEMAS"):
            schemas = tuple(self.parenthesized(self.identifier))
            return f"FOR SCHEMAS ({', '.join(schemas)})", (), schemas
        return ("FOR ALL TABLES" if self.take_keyword("FOR", "ALL", "TABLES") else None), (), ()

    def _table_reference(self) -> tuple[s.Name, s.Name | None]:
        name = self.item_name()
        return name, self.item_name() if self.take_one_of("AS", "INTO") else None

    def source_option(self) -> tuple[str, OptionValue]:
        """An option of WITH of a source."""
        name = self.named_option({"TIMESTAMP": ("INTERVAL",), "RETAIN": ("HISTORY",)})
        return name, self.retain_history() if name == "RETAIN HISTORY" else self.option_value()

    def _webhook(self, name: s.Name, cluster: str | None, if_not_exists: bool) -> s.Statement:
        self.expect_keyword("BODY", "FORMAT")
        body = self.expect_one_of("JSON", "TEXT", "BYTES")
        if body == "JSON":
            self.take_keyword("ARRAY")
        while self.kinds[self.index] not in (t.SEMICOLON, t.END):
            self.index += 1
        return d.CreateSource(
            self.statement_text(), name, "webhook", None, {}, d.Format(None, body.lower()), (), None, cluster,
            if_not_exists=if_not_exists,
        )  # fmt: skip

    def create_table_from_source(self) -> s.Statement:
        """TABLE .. FROM SOURCE .."""
        self.expect_keyword("TABLE")
        if_not_exists = self.if_not_exists()
        name = self.item_name()
        if self.take_keyword("FROM", "WEBHOOK"):
            return self._webhook(name, None, if_not_exists)
        columns = self._table_columns()
        self.expect_keyword("FROM", "SOURCE")
        source = self.raw_name()
        reference = None
        if self.take(t.LPAREN):
            self.expect_keyword("REFERENCE")
            self.take(t.EQ)
            reference = ".".join(self.item_name())
            self.expect(t.RPAREN)
        format_ = self.format_clause()
        includes = self.includes()
        envelope, error_column = self.source_envelope()
        with_options = self.with_options(self._table_from_source_option)
        return d.CreateTableFromSource(
            self.statement_text(),
            name,
            source,
            reference,
            format_,
            includes,
            envelope,
            columns,
            error_column,
            if_not_exists,
            with_options,
        )

    def _table_columns(self) -> tuple[str, ...]:
        if not self.take(t.LPAREN) or self.take(t.RPAREN):
            return ()
        names: list[str] = []
        defined = 0
        while True:
            if not self.table_constraint():
                column = self.take_identifier()
                if column is None:
                    raise self.expected("column name or constraint definition")
                names.append(column)
                if self.kinds[self.index] not in (t.COMMA, t.RPAREN):
                    self.column_definition(column)
                    defined += 1
            if self.take(t.RPAREN):
                break
            if not self.take(t.COMMA):
                raise self.expected("',' or ')' after column definition")
        if defined and defined != len(names):
            raise syntax_error("cannot mix column definitions and column names")
        return tuple(names)

    def _table_from_source_option(self) -> tuple[str, OptionValue]:
        word = self.expect_one_of("TEXT", "EXCLUDE", "IGNORE", "DETAILS", "PARTITION", "RETAIN")
        if word == "RETAIN":
            self.expect_keyword("HISTORY")
            return "RETAIN HISTORY", self.retain_history()
        if word == "DETAILS":
            return word, self.option_value()
        if word == "PARTITION":
            self.expect_keyword("BY")
            return "PARTITION BY", self.option_value()
        self.expect_keyword("COLUMNS")
        self.take(t.EQ)
        return f"{word} COLUMNS", json.dumps(self.sequence(self.identifier))
