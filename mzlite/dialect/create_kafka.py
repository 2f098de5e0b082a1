"""Parses CREATE CONNECTION, CREATE SOURCE, CREATE TABLE .. FROM SOURCE and CREATE SINK.

In: tokens, after the word CREATE. Out: the statement objects, with the options of the Kafka side by
their upper-case names. Other kinds of connections and sources are parsed so far that the executor
can refuse them by name.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.create import CreateParser
from mzlite.dialect.statements import OptionValue
from mzlite.errors import syntax_error

_KAFKA_SOURCE_OPTIONS = ("GROUP", "START", "TOPIC")
_SINK_WITH_OPTIONS: dict[str, tuple[str, ...]] = {
    "COMMIT": ("INTERVAL",),
    "PARTITION": ("STRATEGY",),
    "SNAPSHOT": (),
    "VERSION": (),
}
_CONNECTION_OPTIONS: dict[str, tuple[str, ...]] = {
    "ACCESS": ("KEY", "ID"),
    "ASSUME": ("ROLE",),
    "AVAILABILITY": ("ZONES",),
    "AWS": (),
    "BROKER": (),
    "BROKERS": (),
    "CATALOG": ("TYPE",),
    "CREDENTIAL": (),
    "DATABASE": (),
    "ENDPOINT": (),
    "HOST": (),
    "PASSWORD": (),
    "PORT": (),
    "PUBLIC": ("KEY",),
    "PROGRESS": ("TOPIC",),
    "REGION": (),
    "ROLE": (),
    "SASL": (),
    "SCOPE": (),
    "SECRET": ("ACCESS", "KEY"),
    "SECURITY": ("PROTOCOL",),
    "SERVICE": ("NAME",),
    "SESSION": ("TOKEN",),
    "SSH": ("TUNNEL",),
    "SSL": (),
    "URL": (),
    "USER": (),
    "USERNAME": (),
    "WAREHOUSE": (),
}
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


class _Format(NamedTuple):
    name: str
    columns: int | None = None
    header: tuple[str, ...] | None = None
    delimiter: str = ","


class KafkaParser(CreateParser):
    """Adds the statements that define what comes from Kafka and what goes there."""

    # Formats and envelopes -------------------------------------------------

    def format_clause(self) -> s.Format | None:
        """FORMAT x, or KEY FORMAT k VALUE FORMAT v, if next."""
        if self.take_keyword("KEY"):
            self.expect_keyword("FORMAT")
            key = self._format()
            self.expect_keyword("VALUE", "FORMAT")
            value = self._format()
            return s.Format(key.name, value.name, value.columns, value.header, value.delimiter)
        if self.take_keyword("FORMAT"):
            value = self._format()
            return s.Format(None, value.name, value.columns, value.header, value.delimiter)
        return None

    def _format(self) -> _Format:
        word = self.take_one_of("AVRO", "PROTOBUF", "REGEX", "CSV", "JSON", "TEXT", "BYTES")
        if word is None:
            raise self.expected("AVRO, PROTOBUF, REGEX, CSV, JSON, TEXT, or BYTES")
        if word == "CSV":
            return self._csv()
        if word == "REGEX":
            self.literal_string()
        elif word == "JSON":
            self.take_keyword("ARRAY")
        elif word in ("AVRO", "PROTOBUF"):
            self._schema_registry(word)
        return _Format(word.lower())

    def _csv(self) -> _Format:
        self.expect_keyword("WITH")
        columns, header = None, None
        if self.take_one_of("HEADER", "HEADERS"):
            header = self.column_list()
        else:
            columns = self.literal_uint()
            self.expect_keyword("COLUMNS")
        delimiter = ","
        if self.take_keyword("DELIMITED", "BY"):
            delimiter = self.literal_string()
            if len(delimiter.encode()) != 1:
                raise self.expected("one-character string")
        return _Format("csv", columns, header, delimiter)

    def _schema_registry(self, word: str) -> None:
        if word == "AVRO":
            self.expect_keyword("USING")
            if self.take_keyword("SCHEMA"):
                self.literal_string()
                if self.kinds[self.index] == t.LPAREN:
                    self.options(self.simple_option({"CONFLUENT": ("WIRE", "FORMAT")}))
                return
            if not self.take_keyword("CONFLUENT", "SCHEMA", "REGISTRY"):
                raise self.expected("CONFLUENT SCHEMA REGISTRY or SCHEMA")
        elif self.take_keyword("MESSAGE"):
            self.literal_string()
            self.expect_keyword("USING", "SCHEMA")
            self.literal_string()
            return
        elif not self.take_keyword("USING", "CONFLUENT", "SCHEMA", "REGISTRY"):
            raise self.expected("CONFLUENT SCHEMA REGISTRY or MESSAGE")
        self.expect_keyword("CONNECTION")
        self.raw_name()

    def source_envelope(self) -> tuple[str | None, str]:
        """(envelope, name of the inline error column)."""
        if not self.take_keyword("ENVELOPE"):
            return None, "error"
        word = self.take_one_of("NONE", "DEBEZIUM", "UPSERT", "MATERIALIZE")
        if word is None:
            raise self.expected("NONE, UPSERT, or MATERIALIZE")
        if word != "UPSERT" or not self.take(t.LPAREN):
            return word.lower(), "error"
        self.expect_keyword("VALUE", "DECODING", "ERRORS")
        self.take(t.EQ)
        inner = self.take(t.LPAREN)
        column = "error"
        for alias in self.comma_separated(self._inline_policy):
            column = alias or column
        if inner:
            self.expect(t.RPAREN)
        self.expect(t.RPAREN)
        return "upsert-value-err-inline", column

    def _inline_policy(self) -> str | None:
        self.expect_one_of("INLINE")
        return self.identifier() if self.take_keyword("AS") else None

    def includes(self) -> tuple[s.Include, ...]:
        """INCLUDE item {',' item}, if next."""
        return tuple(self.comma_separated(self._include)) if self.take_keyword("INCLUDE") else ()

    def _include(self) -> s.Include:
        word = self.expect_one_of("KEY", "TIMESTAMP", "PARTITION", "OFFSET", "HEADERS", "HEADER")
        if word == "HEADER":
            key = self.literal_string()
            self.expect_keyword("AS")
            alias = self.identifier()
            return s.Include("header", alias, key, self.take_keyword("BYTES"))
        name = self.identifier() if self.take_keyword("AS") else None
        return s.Include(word.lower(), name)  # type: ignore[arg-type]

    # Connections -----------------------------------------------------------

    def create_connection(self, *, or_replace: bool = False) -> s.Statement:
        """CONNECTION .. TO .. (..)."""
        self.expect_keyword("CONNECTION")
        if_not_exists = self.if_not_exists()
        name = self.item_name()
        parenthesis = self.expect_one_of("FOR", "TO") == "TO"
        kind = self._connection_kind()
        if parenthesis:
            self.expect(t.LPAREN)
        options = self.comma_separated(self.connection_option)
        if parenthesis:
            self.expect(t.RPAREN)
        with_options = self.with_options(self.simple_option({"VALIDATE": ()}))
        self._refuse_repeated(options)
        validate = with_options.get("VALIDATE")
        return s.CreateConnection(
            self.statement_text(),
            name,
            kind,
            dict(options),
            validate if isinstance(validate, bool) else None,
            if_not_exists,
            or_replace,
        )

    def _connection_kind(self) -> str:
        word = self.expect_one_of("AWS", "KAFKA", "CONFLUENT", "POSTGRES", "SSH", "SQL", "MYSQL", "ICEBERG")
        if word == "AWS":
            return "aws-privatelink" if self.take_keyword("PRIVATELINK") else "aws"
        rest = {
            "CONFLUENT": ("SCHEMA", "REGISTRY"),
            "SSH": ("TUNNEL",),
            "SQL": ("SERVER",),
            "ICEBERG": ("CATALOG",),
        }.get(word, ())
        self.expect_keyword(*rest)
        return "-".join((word, *rest)).lower()

    def connection_option_name(self) -> str:
        """The name of an option of a connection."""
        name = self.named_option(_CONNECTION_OPTIONS)
        if name == "ASSUME ROLE":
            word = self.expect_one_of("ARN", "SESSION")
            if word == "SESSION":
                self.expect_keyword("NAME")
                word = "SESSION NAME"
            return f"{name} {word}"
        if name == "AWS":
            return "AWS " + self.expect_one_of("CONNECTION", "PRIVATELINK")
        if name == "PUBLIC KEY":
            number = self.values[self.index]
            if self.kinds[self.index] != t.NUMBER or number not in ("1", "2"):
                raise self.expected("1 or 2 after PUBLIC KEY")
            self.index += 1
            return f"{name} {number}"
        if name == "PROGRESS TOPIC" and self.take_keyword("REPLICATION", "FACTOR"):
            return name + " REPLICATION FACTOR"
        if name == "SASL":
            return "SASL " + self.expect_one_of("MECHANISMS", "PASSWORD", "USERNAME")
        if name == "SSL":
            word = self.expect_one_of("CERTIFICATE", "MODE", "KEY")
            if word == "CERTIFICATE" and self.take_keyword("AUTHORITY"):
                word = "CERTIFICATE AUTHORITY"
            return f"SSL {word}"
        return "USER" if name == "USERNAME" else name

    def connection_option(self) -> tuple[str, OptionValue]:
        """An option of a connection."""
        name = self.connection_option_name()
        if name in ("AWS CONNECTION", "SSH TUNNEL", "AWS PRIVATELINK"):
            self.take(t.EQ)
            value = ".".join(self.raw_name())
            if name == "AWS PRIVATELINK" and self.take(t.LPAREN):
                self.expect_keyword("PORT")
                self.literal_int()
                self.expect(t.RPAREN)
            return name, value
        if name == "BROKER":
            return name, self._broker()
        if name == "BROKERS":
            self.take(t.EQ)
            if self.kinds[self.index] not in (t.LPAREN, t.LBRACKET):
                raise self.expected("one of left parenthesis or left square bracket")
            return name, json.dumps(self.sequence(self._broker))
        return name, self.option_value()

    def _broker(self) -> str:
        self.take(t.EQ)
        address = self.literal_string()
        if self.take_keyword("USING"):
            if self.expect_one_of("AWS", "SSH") == "AWS":
                self.expect_keyword("PRIVATELINK")
                self.raw_name()
                if self.kinds[self.index] == t.LPAREN:
                    self.options(self.simple_option({"AVAILABILITY": ("ZONE",), "PORT": ()}))
                self.refuse("BROKER USING AWS PRIVATELINK")
            else:
                self.expect_keyword("TUNNEL")
                self.raw_name()
                self.refuse("BROKER USING SSH TUNNEL")
        return address

    # Sources ---------------------------------------------------------------

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
        self._source_tables()
        progress = self.raw_name() if self.take_keyword("EXPOSE", "PROGRESS", "AS") else None
        with_options = self.with_options(self.source_option)
        return s.CreateSource(
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

    def _source_tables(self) -> None:
        if self.take_keyword("FOR", "TABLES"):
            self.parenthesized(self._table_reference)
        elif self.take_keyword("FOR", "SCHEMAS"):
            self.parenthesized(self.identifier)
        else:
            self.take_keyword("FOR", "ALL", "TABLES")

    def _table_reference(self) -> None:
        self.item_name()
        if self.take_one_of("AS", "INTO"):
            self.item_name()

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
        return s.CreateSource(
            self.statement_text(), name, "webhook", None, {}, s.Format(None, body.lower()), (), None, cluster,
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
        return s.CreateTableFromSource(
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

    # Sinks -----------------------------------------------------------------

    def create_sink(self) -> s.Statement:
        """SINK .. FROM .. INTO .."""
        self.expect_keyword("SINK")
        if_not_exists = self.if_not_exists()
        name = self.item_name()
        if (name == ("in",) and self.peek_keyword("CLUSTER")) or (name == ("from",) and not self.peek_keyword("FROM")):
            name = ()
            self.index -= 1
        cluster = self.in_cluster()
        self.expect_keyword("FROM")
        source = self.raw_name()
        self.expect_keyword("INTO")
        kind = self.expect_one_of("KAFKA", "ICEBERG") if self.peek_keyword("ICEBERG") else "KAFKA"
        if kind == "ICEBERG":
            self.expect_keyword("CATALOG")
        else:
            self.expect_keyword("KAFKA")
        self.expect_keyword("CONNECTION")
        connection = self.raw_name()
        options: dict[str, OptionValue] = {}
        if self.kinds[self.index] == t.LPAREN:
            options = self.options(self._kafka_sink_option if kind == "KAFKA" else self._iceberg_sink_option)
        if kind == "ICEBERG" and self.take_keyword("USING"):
            self.expect_keyword("AWS", "CONNECTION")
            self.raw_name()
        key: tuple[str, ...] = ()
        not_enforced = False
        if self.peek_keyword("KEY") and not self.peek_keyword("KEY", "FORMAT"):
            self.index += 1
            key = self.column_list()
            not_enforced = self.take_keyword("NOT", "ENFORCED")
        headers = self.identifier() if self.take_keyword("HEADERS") else None
        format_ = self.format_clause()
        envelope = None
        if self.take_keyword("ENVELOPE"):
            word = self.take_one_of("UPSERT", "DEBEZIUM")
            if word is None:
                raise self.expected("UPSERT, or DEBEZIUM")
            envelope = word.lower()
        with_options = self.with_options(self.simple_option(_SINK_WITH_OPTIONS))
        return s.CreateSink(
            self.statement_text(),
            name,
            source,
            kind.lower(),
            connection,
            options,
            key,
            not_enforced,
            headers,
            format_,
            envelope,
            cluster,
            if_not_exists,
            with_options,
        )

    def _kafka_sink_option(self) -> tuple[str, OptionValue]:
        word = self.expect_one_of("COMPRESSION", "PARTITION", "PROGRESS", "TOPIC", "LEGACY", "TRANSACTIONAL")
        if word == "PARTITION":
            self.expect_keyword("BY")
            self.take(t.EQ)
            return "PARTITION BY", self.relayed_expression()
        rest: tuple[str, ...]
        if word == "TOPIC":
            part = self.take_one_of("METADATA", "PARTITION", "REPLICATION", "CONFIG")
            more = {"METADATA": ("REFRESH", "INTERVAL"), "PARTITION": ("COUNT",), "REPLICATION": ("FACTOR",)}
            words = more.get(part or "", ())
            self.expect_keyword(*words)
            rest = (part, *words) if part else ()
        else:
            rest = {
                "COMPRESSION": ("TYPE",),
                "PROGRESS": ("GROUP", "ID", "PREFIX"),
                "LEGACY": ("IDS",),
                "TRANSACTIONAL": ("ID", "PREFIX"),
            }[word]
            self.expect_keyword(*rest)
        return " ".join((word, *rest)), self.option_value()

    def _iceberg_sink_option(self) -> tuple[str, OptionValue]:
        return self.expect_one_of("NAMESPACE", "TABLE"), self.option_value()

    def sink_option(self) -> tuple[str, OptionValue]:
        """An option of WITH of a sink."""
        return self.sink_option_name(), self.option_value()

    def sink_option_name(self) -> str:
        """The name of an option of WITH of a sink."""
        return self.named_option(_SINK_WITH_OPTIONS)
