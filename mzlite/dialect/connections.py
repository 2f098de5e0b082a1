"""Parses CREATE CONNECTION and the options of connections.

In: tokens, after the word CREATE. Out: `CreateConnection`, with options by their upper-case names.
Connections to other systems than Kafka are parsed so that the executor can refuse them by name.
"""

from __future__ import annotations

import json

from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.formats import FormatParser
from mzlite.dialect.option_values import boolean_option, distinct
from mzlite.dialect.statements import OptionValue

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


class ConnectionParser(FormatParser):
    """Adds connections."""

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
        named = distinct(options)
        validate = boolean_option(with_options, "VALIDATE")
        return d.CreateConnection(
            self.statement_text(),
            name,
            kind,
            named,
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
