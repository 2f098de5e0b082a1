"""Parses CREATE SINK.

In: tokens, after the word CREATE. Out: `CreateSink`, with the Kafka options by their upper-case names.
"""

from __future__ import annotations

from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.sources import SourceParser
from mzlite.dialect.statements import OptionValue

_SINK_WITH_OPTIONS: dict[str, tuple[str, ...]] = {
    "COMMIT": ("INTERVAL",),
    "PARTITION": ("STRATEGY",),
    "SNAPSHOT": (),
    "VERSION": (),
}


class SinkParser(SourceParser):
    """Adds sinks."""

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
        return d.CreateSink(
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
