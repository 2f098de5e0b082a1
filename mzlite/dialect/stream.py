"""The token stream under the parser: look ahead, expect, read names, collect edits.

In: `Tokens`. Out: methods for the grammar's small parts, with Materialize's words for what was
expected and what was found. While it reads, the parser notes *edits*: the places where PostgreSQL
needs another spelling than Materialize (a quoted name, a pair of parentheses, another type name).
`relay` gives any part of the text with its edits applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from mzlite.dialect import tokens as t
from mzlite.dialect.ast import Name
from mzlite.dialect.databases import FIRST_DATABASE, physical_name
from mzlite.dialect.keywords import (
    POSTGRES_KEYWORDS,
    POSTGRES_QUOTED,
    QUOTED_WHEN_SHOWN,
)
from mzlite.errors import MzError, syntax_error

T = TypeVar("T")
RECURSION_LIMIT = 128


def quote_identifier(name: str) -> str:
    """`name` in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quote_if_needed(name: str) -> str:
    """`name` as Materialize prints it: in double quotes unless it reads the same without, everywhere.

    >>> quote_if_needed("a_1"), quote_if_needed("A"), quote_if_needed("left")
    ('a_1', '"A"', '"left"')
    """
    is_plain = re.fullmatch(r"[a-z_][a-z0-9_$]*", name) is not None and name.upper() not in QUOTED_WHEN_SHOWN
    return name if is_plain else quote_identifier(name)


class TokenStream:
    """A cursor over tokens; `index` is the first token not yet read."""

    database = FIRST_DATABASE
    """The session's, in which a name with a schema alone is."""

    def __init__(self, tokens: t.Tokens) -> None:
        self.tokens = tokens
        self.text = tokens.text
        self.kinds = tokens.kinds
        self.values = tokens.values
        self.index = 0
        self.depth = 0
        self.edits: list[tuple[int, int, str]] = []

    # Errors --------------------------------------------------------------

    def expected(self, what: str, index: int | None = None) -> MzError:
        """The error: `what` was expected, the token at `index` (the next one) was found."""
        return syntax_error(f"Expected {what}, found {self.tokens.describe(self.index if index is None else index)}")

    def enter(self) -> None:
        """One level deeper; `leave` must follow."""
        self.depth += 1
        if self.depth > RECURSION_LIMIT * 2:
            raise syntax_error(f"statement exceeds nested expression limit of {RECURSION_LIMIT}")

    def leave(self) -> None:
        """One level back."""
        self.depth -= 1

    # Looking and taking --------------------------------------------------

    def peek_keyword(self, *words: str) -> bool:
        """The next tokens are exactly these keywords."""
        index = self.index
        kinds, values = self.kinds, self.values
        for word in words:
            if kinds[index] != t.KEYWORD or values[index] != word:
                return False
            index += 1
        return True

    def peek_keyword_in(self, words: Iterable[str]) -> bool:
        """The next token is one of these keywords."""
        return self.kinds[self.index] == t.KEYWORD and self.values[self.index] in words

    def peek_kind(self, ahead: int = 0) -> str:
        """The kind of the token `ahead` of the next one."""
        index = self.index + ahead
        return self.kinds[index] if index < len(self.kinds) else t.END

    def peek_keywords_anywhere(self, *words: str) -> bool:
        """These keywords follow one another somewhere in the rest of the text."""
        saved = self.index
        try:
            while self.kinds[self.index] != t.END:
                if self.peek_keyword(*words):
                    return True
                self.index += 1
            return False
        finally:
            self.index = saved

    def take_keyword(self, *words: str) -> bool:
        """Takes the keywords if they are next, all or none."""
        if self.peek_keyword(*words):
            self.index += len(words)
            return True
        return False

    def take_one_of(self, *words: str) -> str | None:
        """Takes the next token if it is one of these keywords."""
        if self.kinds[self.index] == t.KEYWORD:
            word = self.values[self.index]
            if word in words:
                self.index += 1
                return word
        return None

    def take(self, kind: str) -> bool:
        """Takes the next token if it is of this kind."""
        if self.kinds[self.index] == kind:
            self.index += 1
            return True
        return False

    def expect(self, kind: str) -> None:
        """Takes a token of this kind, or raises."""
        if self.kinds[self.index] != kind:
            raise self.expected(kind)
        self.index += 1

    def expect_keyword(self, *words: str) -> None:
        """Takes these keywords, or raises."""
        for word in words:
            if not self.take_keyword(word):
                raise self.expected(word)

    def expect_one_of(self, *words: str) -> str:
        """Takes one of these keywords, or raises."""
        word = self.take_one_of(*words)
        if word is None:
            raise self.expected("one of " + " or ".join(words))
        return word

    def at_most_one_of(self, words: tuple[str, ...], location: str) -> str | None:
        """Takes one of these keywords if it is next; a second one is an error."""
        first = self.take_one_of(*words)
        if first is not None:
            second = self.take_one_of(*(word for word in words if word != first))
            if second is not None:
                raise syntax_error(f"Cannot specify both {first} and {second} in {location}")
        return first

    def comma_separated(self, read: Callable[[], T]) -> list[T]:
        """item {',' item}."""
        items = [read()]
        while self.take(t.COMMA):
            items.append(read())
        return items

    def parenthesized(self, read: Callable[[], T]) -> list[T]:
        """'(' item {',' item} ')'."""
        self.expect(t.LPAREN)
        items = self.comma_separated(read)
        self.expect(t.RPAREN)
        return items

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What `read` gives; None, and nothing read, when it fails."""
        index, edits, depth = self.index, len(self.edits), self.depth
        try:
            return read()
        except MzError:
            self.index, self.depth = index, depth
            del self.edits[edits:]
            return None

    # Spans and edits -----------------------------------------------------

    @property
    def position(self) -> int:
        """Where the next token starts."""
        return self.tokens.starts[self.index]

    @property
    def last_end(self) -> int:
        """Where the last token read ends."""
        return self.tokens.ends[self.index - 1]

    def edit(self, start: int, end: int, text: str) -> None:
        """PostgreSQL is to read `text` in place of what stands from `start` to `end`."""
        self.edits.append((start, end, text))

    def relay(self, start: int, end: int) -> str:
        """The text from `start` to `end` as PostgreSQL is to read it."""
        inside = [edit for edit in self.edits if edit[0] >= start and edit[1] <= end]
        if not inside:
            return self.text[start:end]
        inside.sort(key=lambda edit: (edit[0], edit[1]))
        parts: list[str] = []
        position = start
        for first, last, text in inside:
            if first < position:
                continue
            parts.append(self.text[position:first])
            parts.append(text)
            position = last
        parts.append(self.text[position:end])
        return "".join(parts)

    # Names ---------------------------------------------------------------

    def quote_for_postgres(self, index: int, *, alias: bool = False) -> None:
        """Notes that the bare name at `index` needs quotes in PostgreSQL, if it does."""
        if index in self.tokens.quoted:
            return
        word = self.values[index].upper()
        if word in (POSTGRES_KEYWORDS if alias else POSTGRES_QUOTED):
            self.edit(self.tokens.starts[index], self.tokens.ends[index], quote_identifier(word.lower()))

    def take_identifier(self, *, alias: bool = False) -> str | None:
        """A name: any keyword or identifier."""
        kind = self.kinds[self.index]
        if kind == t.IDENT:
            name = self.values[self.index]
        elif kind == t.KEYWORD:
            name = self.values[self.index].lower()
        else:
            return None
        self.quote_for_postgres(self.index, alias=alias)
        self.index += 1
        return name

    def identifier(self) -> str:
        """A name; raises when there is none."""
        name = self.take_identifier()
        if name is None:
            raise self.expected("identifier")
        if not name:
            raise syntax_error("zero-length delimited identifier")
        return name

    def identifiers(self) -> Name:
        """One or more names separated by dots."""
        parts = [self.identifier()]
        while self.take(t.DOT):
            parts.append(self.identifier())
        return tuple(parts)

    item_name = identifiers

    def raw_name(self) -> Name:
        """A name, or `[id AS full.name]`, whose brackets PostgreSQL is not shown."""
        if self.kinds[self.index] != t.LBRACKET:
            return self.identifiers()
        start = self.position
        self.index += 1
        if self.kinds[self.index] != t.IDENT:
            raise syntax_error("expected id")
        self.index += 1
        self.expect_keyword("AS")
        name_start = self.position
        name = self.identifiers()
        name_end = self.last_end
        if len(name) < 2:
            raise syntax_error("table name in square brackets must be fully qualified")
        if self.take_keyword("VERSION"):
            self.literal_uint()
        self.expect(t.RBRACKET)
        self.edit(start, name_start, "")
        self.edit(name_end, self.last_end, "")
        return name

    def relation_name(self) -> Name:
        """A relation that PostgreSQL is to find: a name as `raw_name` reads it, in its database."""
        edits, start = len(self.edits), self.index
        name = self.raw_name()
        self.place(start, edits, name)
        return name

    def place(self, first: int, edits: int, name: Name, column: str = "") -> None:
        """Notes where PostgreSQL has the relation or type that was just read.

        Args:
            first: the index of its first token.
            edits: how many edits there were before it was read.
            name: its parts.
            column: what follows it, as PostgreSQL is to read it.
        """
        physical = physical_name(name, self.database)
        if physical == name:
            return
        del self.edits[edits:]
        text = ".".join(quote_identifier(part) for part in physical)
        self.edit(self.tokens.starts[first], self.last_end, text + column)

    def column_list(self, *, optional: bool = False) -> tuple[str, ...]:
        """'(' name {',' name} ')'."""
        if self.kinds[self.index] == t.LPAREN:
            return tuple(self.parenthesized(self.identifier))
        if optional:
            return ()
        raise self.expected("a list of columns in parentheses")

    def if_exists(self) -> bool:
        """IF EXISTS, if next."""
        if self.take_keyword("IF"):
            self.expect_keyword("EXISTS")
            return True
        return False

    def if_not_exists(self) -> bool:
        """IF NOT EXISTS, if next."""
        if self.take_keyword("IF"):
            self.expect_keyword("NOT", "EXISTS")
            return True
        return False

    # Literals ------------------------------------------------------------

    def literal_string(self) -> str:
        """A string literal."""
        if self.kinds[self.index] != t.STRING:
            raise self.expected("literal string")
        self.index += 1
        return self.values[self.index - 1]

    def literal_uint(self) -> int:
        """An unsigned integer literal."""
        return self._integer("literal unsigned integer", "u64")

    def literal_int(self) -> int:
        """An integer literal with an optional sign."""
        if self.kinds[self.index] == t.OP and self.values[self.index] == "-":
            self.index += 1
            return -self._integer("literal integer", "i64")
        return self._integer("literal integer", "i64")

    def _integer(self, what: str, rust_type: str) -> int:
        if self.kinds[self.index] != t.NUMBER:
            raise self.expected(what)
        text = self.values[self.index]
        if not text.isdigit():
            raise syntax_error(f"Could not parse '{text}' as {rust_type}: invalid digit found in string")
        value = int(text)
        if value >= (1 << 64 if rust_type == "u64" else 1 << 63):
            raise syntax_error(f"Could not parse '{text}' as {rust_type}: number too large to fit in target type")
        self.index += 1
        return value
