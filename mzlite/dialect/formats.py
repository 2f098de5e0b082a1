"""Parses the parts that sources, tables from sources and sinks share: formats, envelopes, INCLUDE.

In: tokens. Out: `Format`, `Include` and the names of envelopes.
"""

from __future__ import annotations

from typing import NamedTuple

from mzlite.dialect import definitions as d
from mzlite.dialect import tokens as t
from mzlite.dialect.create import CreateParser


class _Format(NamedTuple):
    name: str
    columns: int | None = None
    header: tuple[str, ...] | None = None
    delimiter: str = ","


class FormatParser(CreateParser):
    """Adds FORMAT, ENVELOPE and INCLUDE."""

    def format_clause(self) -> d.Format | None:
        """FORMAT x, or KEY FORMAT k VALUE FORMAT v, if next."""
        if self.take_keyword("KEY"):
            self.expect_keyword("FORMAT")
            key = self._format()
            self.expect_keyword("VALUE", "FORMAT")
            value = self._format()
            return d.Format(key.name, value.name, value.columns, value.header, value.delimiter)
        if self.take_keyword("FORMAT"):
            value = self._format()
            return d.Format(None, value.name, value.columns, value.header, value.delimiter)
        return None

    def _format(self) -> _Format:
        word = self.take_one_of("AVRO", "PROTOBUF", "REGEX", "CSV", "JSON", "TEXT", "BYTES")
        if word is None:
            raise self.expected("AVRO, PROTOBUF, REGEX, CSV, JSON, TEXT, or BYTES")
        if word == "CSV":
            return self._csv()
        if word == "REGEX":
            self.literal_string()
        elif word == "JSON" and self.take_keyword("ARRAY"):
            word = "JSON-ARRAY"
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

    def includes(self) -> tuple[d.Include, ...]:
        """INCLUDE item {',' item}, if next."""
        return tuple(self.comma_separated(self._include)) if self.take_keyword("INCLUDE") else ()

    def _include(self) -> d.Include:
        word = self.expect_one_of("KEY", "TIMESTAMP", "PARTITION", "OFFSET", "HEADERS", "HEADER")
        if word == "HEADER":
            key = self.literal_string()
            self.expect_keyword("AS")
            alias = self.identifier()
            return d.Include("header", alias, key, self.take_keyword("BYTES"))
        name = self.identifier() if self.take_keyword("AS") else None
        return d.Include(word.lower(), name)  # type: ignore[arg-type]
