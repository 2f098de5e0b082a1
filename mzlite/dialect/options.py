"""Parses option lists: `(TOPIC 'x', PARTITION COUNT = 4)` and `WITH (...)`.

In: tokens. Out: dictionaries with upper-case names. A value is a string, a number, a boolean or
None; a sequence or map is JSON text; a reference to a secret is the text `SECRET name`; an option
without a value is True.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from mzlite.dialect import tokens as t
from mzlite.dialect.option_values import distinct
from mzlite.dialect.queries import QueryParser
from mzlite.dialect.statements import OptionValue
from mzlite.errors import syntax_error


def number_value(text: str) -> int | float:
    """A number literal as Python has it."""
    return int(text) if text.lstrip("-").isdigit() else float(text)


class OptionParser(QueryParser):
    """Adds option values and option lists to the query parser."""

    def option_value(self) -> OptionValue:
        """The value after an option's name; True when there is none."""
        if self.kinds[self.index] in (t.RPAREN, t.COMMA, t.SEMICOLON, t.END):
            return True
        self.take(t.EQ)
        return self._value()

    def _value(self) -> OptionValue:
        kind, word = self.kinds[self.index], self.values[self.index]
        if kind in (t.LPAREN, t.LBRACKET):
            return json.dumps(self.sequence(self._value))
        if kind == t.KEYWORD and word == "MAP":
            return json.dumps(self._map_value())
        if kind == t.KEYWORD and word == "SECRET":
            self.index += 1
            name = self.attempt(self.raw_name)
            return "secret" if name is None else "SECRET " + ".".join(name)
        found, value = self.literal()
        if found:
            return value
        names = self.attempt(self.item_name)
        if names is None:
            raise self.expected("option value")
        return ".".join(names)

    def literal(self) -> tuple[bool, OptionValue]:
        """(True, value) when a literal is next, else (False, None) and nothing read."""
        kind, word = self.kinds[self.index], self.values[self.index]
        if kind == t.STRING:
            self.index += 1
            return True, word
        if kind == t.NUMBER:
            self.index += 1
            return True, number_value(word)
        if kind == t.OP and word == "-" and self.kinds[self.index + 1] == t.NUMBER:
            self.index += 2
            return True, number_value("-" + self.values[self.index - 1])
        if kind == t.KEYWORD and word in ("TRUE", "FALSE", "NULL"):
            self.index += 1
            return True, {"TRUE": True, "FALSE": False, "NULL": None}[word]
        if kind == t.KEYWORD and word == "INTERVAL" and self.kinds[self.index + 1] == t.STRING:
            self.index += 1
            return True, self.interval_value(self.position).value
        return False, None

    def sequence(self, read: Callable[[], OptionValue]) -> list[OptionValue]:
        """A list in parentheses or square brackets, which may be empty."""
        closing = {t.LPAREN: t.RPAREN, t.LBRACKET: t.RBRACKET}.get(self.kinds[self.index])
        if closing is None:
            return []
        self.index += 1
        if self.take(closing):
            return []
        items = self.comma_separated(read)
        self.expect(closing)
        return items

    def _map_value(self) -> dict[str, OptionValue]:
        self.index += 1
        self.expect(t.LBRACKET)
        result: dict[str, OptionValue] = {}
        while self.kinds[self.index] != t.RBRACKET:
            if self.kinds[self.index] != t.STRING:
                raise self.expected("string")
            key = self.literal_string()
            self.expect(t.ARROW)
            result[key] = self._value()
            if not self.take(t.COMMA):
                break
        self.expect(t.RBRACKET)
        return result

    def options(self, read: Callable[[], tuple[str, OptionValue]]) -> dict[str, OptionValue]:
        """'(' option {',' option} ')', each read by `read`."""
        return distinct(self.parenthesized(read))

    def with_options(self, read: Callable[[], tuple[str, OptionValue]]) -> dict[str, OptionValue]:
        """`WITH (..)` if it is next."""
        return self.options(read) if self.take_keyword("WITH") else {}

    def named_option(self, names: dict[str, tuple[str, ...]]) -> str:
        """The name of an option: its first word is one of `names`, which gives the words that must follow."""
        word = self.expect_one_of(*names)
        self.expect_keyword(*names[word])
        return " ".join((word, *names[word]))

    def simple_option(self, names: dict[str, tuple[str, ...]]) -> Callable[[], tuple[str, OptionValue]]:
        """A reader for options with plain values."""
        return lambda: (self.named_option(names), self.option_value())

    def retain_history(self) -> str:
        """[=] FOR literal, as the text of the literal."""
        self.take(t.EQ)
        self.expect_keyword("FOR")
        found, value = self.literal()
        if not found:
            if self.kinds[self.index] == t.KEYWORD:
                raise syntax_error(f"No value parser for keyword {self.values[self.index]}")
            if self.kinds[self.index] == t.END:
                raise syntax_error("Expecting a value, but found EOF")
            raise syntax_error(f"Unsupported value: {self.tokens.describe(self.index)}")
        return str(value)

    def in_cluster(self) -> str | None:
        """IN CLUSTER name, or IN CLUSTER [id]."""
        return self.cluster_name() if self.take_keyword("IN", "CLUSTER") else None

    def cluster_name(self) -> str:
        """The name of a cluster, or `[id]`."""
        if not self.take(t.LBRACKET):
            return self.identifier()
        if self.kinds[self.index] not in (t.IDENT, t.NUMBER):
            raise syntax_error("expected id")
        name = self.values[self.index]
        self.index += 1
        self.expect(t.RBRACKET)
        return f"[{name}]"
