"""Parses type names.

In: tokens. Out: `DataType` nodes; where PostgreSQL calls the type otherwise (STRING, BYTES, JSON,
lists, maps) an edit with its PostgreSQL name.
"""

from __future__ import annotations

from mzlite.dialect import tokens as t
from mzlite.dialect.ast import DataType
from mzlite.dialect.lists import list_type
from mzlite.dialect.maps import map_type
from mzlite.dialect.stream import TokenStream
from mzlite.errors import syntax_error

_PLAIN = {
    "STRING": ("text", "text"),
    "BIGINT": ("int8", None),
    "SMALLINT": ("int2", None),
    "INT": ("int4", None),
    "INTEGER": ("int4", None),
    "REAL": ("float4", None),
    "BOOLEAN": ("bool", None),
    "BYTES": ("bytea", "bytea"),
    "JSON": ("jsonb", "jsonb"),
}
_SIZED = {"BPCHAR": "bpchar", "VARCHAR": "varchar", "DEC": "numeric", "DECIMAL": "numeric"}


class TypeParser(TokenStream):
    """Adds `data_type` to the stream."""

    def data_type(self) -> DataType:
        """One type, with its modifiers and its `[]` and LIST suffixes."""
        start, edits = self.position, len(self.edits)
        kind, value = self.kinds[self.index], self.values[self.index]
        if kind == t.KEYWORD:
            result = self._keyword_type(value, start)
        elif kind in (t.IDENT, t.LBRACKET):
            first = self.index
            name = self.raw_name()
            if kind == t.IDENT:
                # PostgreSQL's own type names must not be quoted.
                del self.edits[edits:]
            self.place(first, edits, name)
            result = DataType(start, self.last_end, "named", name, self._modifiers())
        else:
            raise self.expected("a data type name")
        result.end = self.last_end
        while True:
            if self.peek_keyword("LIST"):
                spelling = list_type(result, self.relay(start, self.last_end).strip())
                self.index += 1
                del self.edits[edits:]
                self.edit(start, self.last_end, spelling)
                result = DataType(start, self.last_end, "list", element=result)
            elif self.kinds[self.index] == t.LBRACKET:
                self.index += 1
                if self.kinds[self.index] == t.NUMBER:
                    self.index += 1
                self.expect(t.RBRACKET)
                if result.kind != "array":
                    result = DataType(start, self.last_end, "array", element=result)
                result.end = self.last_end
            else:
                return result

    def _keyword_type(self, word: str, start: int) -> DataType:
        index = self.index
        self.index += 1

        def named(name: str, modifiers: tuple[int, ...] = ()) -> DataType:
            return DataType(start, self.last_end, "named", (name,), modifiers)

        if word in _PLAIN:
            name, spelling = _PLAIN[word]
            if spelling is not None:
                self.edit(start, self.last_end, spelling)
            return named(name)
        if word in _SIZED:
            return named(_SIZED[word], self._modifiers())
        if word in ("CHAR", "CHARACTER"):
            name = "varchar" if self.take_keyword("VARYING") else "bpchar"
            return named(name, self._modifiers())
        if word == "DOUBLE":
            if not self.take_keyword("PRECISION"):
                self.edit(start, self.last_end, "double precision")
            return named("float8")
        if word == "FLOAT":
            precision = 53
            if self.take(t.LPAREN):
                precision = self.literal_uint()
                self.expect(t.RPAREN)
            if not 1 <= precision <= 53:
                raise syntax_error("precision for type float must be within ([1-53])")
            return named("float4" if precision < 25 else "float8")
        if word == "TIME":
            if self._zone():
                return named("timetz")
            return named("time")
        if word == "TIMESTAMP":
            modifiers = self._precision()
            return named("timestamptz" if self._zone() else "timestamp", modifiers)
        if word == "TIMESTAMPTZ":
            return named("timestamptz", self._precision())
        if word == "MAP":
            return self._map(start)
        self.index = index
        edits = len(self.edits)
        name_parts = self.item_name()
        del self.edits[edits:]
        self.place(index, edits, name_parts)
        return DataType(start, self.last_end, "named", name_parts, self._modifiers())

    def _zone(self) -> bool:
        if self.take_keyword("WITH"):
            self.expect_keyword("TIME", "ZONE")
            return True
        if self.take_keyword("WITHOUT"):
            self.expect_keyword("TIME", "ZONE")
        return False

    def _modifiers(self) -> tuple[int, ...]:
        if self.kinds[self.index] != t.LPAREN:
            return ()
        return tuple(self.parenthesized(self.literal_int))

    def _precision(self) -> tuple[int, ...]:
        if not self.take(t.LPAREN):
            return ()
        precision = self.literal_int()
        self.expect(t.RPAREN)
        return (precision,)

    def _map(self, start: int) -> DataType:
        edits = len(self.edits)
        self.expect(t.LBRACKET)
        key = self.data_type()
        self.expect(t.ARROW)
        element = self.data_type()
        spelling = self.relay(element.start, element.end).strip()
        self.expect(t.RBRACKET)
        del self.edits[edits:]
        self.edit(start, self.last_end, map_type(element, spelling))
        return DataType(start, self.last_end, "map", element=element, key=key)
