"""Random expressions and conditions over typed columns.

In: what is in scope. Out: SQL text whose value is determined: sums of floating point are of exact binary fractions
only, digits that depend on how a number was written never become text, and no expression can fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytests.property.choices import Choices

TYPES = {
    "int": "integer",
    "big": "bigint",
    "txt": "text",
    "num": "numeric",
    "dbl": "double precision",
    "ts": "timestamp",
    "bool": "boolean",
    "js": "jsonb",
}
KINDS = tuple(TYPES)
ORDERED = ("int", "big", "txt", "num", "dbl", "ts")
LITERALS = {
    "int": ("0", "1", "2", "3", "-1", "5"),
    "big": ("0::bigint", "1::bigint", "2::bigint", "-2::bigint"),
    "txt": ("''::text", "'a'::text", "'b'::text", "'ab'::text", "'B'::text"),
    "num": ("0::numeric", "1.5", "-2.25", "10.00"),
    "dbl": ("0::double precision", "0.5::double precision", "-1.25::double precision", "3::double precision"),
    "ts": ("@0@", "@30@", "@-45@", "@120@"),
    "bool": ("true", "false"),
    "js": ("'{}'::jsonb", "'{\"a\": 1}'::jsonb", "'[1]'::jsonb"),
}
VALUES = {
    **LITERALS,
    "dbl": (*LITERALS["dbl"], "'NaN'::double precision", "'-0'::double precision"),
    "ts": ("@0@", "@-1@", "@1@", "@-60@", "@-61@", "@30@", "@60@", "@90@", "@-30@", "@180@", "@-120@"),
    "js": (
        "'{}'::jsonb",
        "'{\"a\": 1}'::jsonb",
        '\'{"a": 2, "b": [1, 2]}\'::jsonb',
        '\'{"a": null, "b": ["x", "x"]}\'::jsonb',
        "'{\"b\": []}'::jsonb",
    ),
}
"""What rows hold; @n@ is the moment n minutes after the case began."""
INTERVALS = ("1 minute", "30 minutes", "1 hour", "90 minutes", "0 minutes")


@dataclass(frozen=True)
class Ref:
    """A column in scope.

    Attributes:
        sql: how it is referred to.
        exact: numbers may be added up in any order (jsonb: an object of the shape that rows hold).
    """

    sql: str
    kind: str
    exact: bool = True


Scope = Sequence[Ref]


@dataclass(frozen=True)
class Value:
    """An expression."""

    sql: str
    kind: str
    exact: bool = True


class Expressions:
    """Makes expressions."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices

    def column(self, scope: Scope, kinds: Sequence[str], *, exact: bool = False) -> Ref | None:
        """A column of one of the kinds, if there is one."""
        found = [ref for ref in scope if ref.kind in kinds and (ref.exact or not exact)]
        return self.choices.pick(found) if found else None

    def literal(self, kind: str) -> Value:
        """A constant; rarely null."""
        if self.choices.chance(8):
            return Value(f"null::{TYPES[kind]}", kind)
        return Value(self.choices.pick(LITERALS[kind]), kind)

    def value(self, scope: Scope, kind: str, depth: int = 1) -> Value:
        """An expression of a kind."""
        ref = self.column(scope, (kind,))
        if ref is not None and (depth == 0 or self.choices.chance(60)):
            return Value(ref.sql, kind, ref.exact)
        if depth == 0 or self.choices.chance(15):
            return self.literal(kind)
        return self.computed(scope, kind, depth - 1)

    def exact(self, scope: Scope, kind: str) -> Value:
        """An expression whose values may be added up in any order."""
        ref = self.column(scope, (kind,), exact=True)
        return Value(ref.sql, kind) if ref is not None else self.literal(kind)

    def computed(self, scope: Scope, kind: str, depth: int) -> Value:
        """An operator or function over smaller expressions."""
        choices = self.choices
        form = choices.number(0, 9)
        if form == 0:
            condition = self.condition(scope, depth)
            first, second = self.value(scope, kind, depth), self.value(scope, kind, depth)
            text = f"case when {condition} then {first.sql} else {second.sql} end"
            return Value(f"({text})", kind, first.exact and second.exact and kind != "js")
        if form in (1, 2):
            first, second = self.value(scope, kind, depth), self.value(scope, kind, depth)
            name = choices.pick(
                ("coalesce", "nullif") if kind in ("js", "bool") else ("coalesce", "nullif", "greatest", "least")
            )
            return Value(f"{name}({first.sql}, {second.sql})", kind, first.exact and second.exact and kind != "js")
        return getattr(self, f"_{kind}")(scope, depth)  # type: ignore[no-any-return]

    def _pair(self, scope: Scope, kind: str, depth: int, operators: Sequence[str]) -> Value:
        first, second = self.value(scope, kind, depth), self.value(scope, kind, depth)
        return Value(f"({first.sql} {self.choices.pick(operators)} {second.sql})", kind, first.exact and second.exact)

    def _int(self, scope: Scope, depth: int) -> Value:
        form = self.choices.number(0, 5)
        if form == 0:
            return Value(f"length({self.value(scope, 'txt', depth).sql})", "int")
        if form == 1:
            return Value(f"({self.value(scope, 'bool', depth).sql})::integer", "int")
        if form == 2:
            return Value(f"abs({self.value(scope, 'int', depth).sql} % 3)", "int")
        if form == 3:
            return Value(f"extract(minute from {self.value(scope, 'ts', depth).sql})::integer", "int")
        return self._pair(scope, "int", depth, ("+", "-"))

    def _big(self, scope: Scope, depth: int) -> Value:
        if self.choices.chance(50):
            return Value(f"({self.value(scope, 'int', depth).sql})::bigint", "big")
        return self._pair(scope, "big", depth, ("+", "-"))

    def _num(self, scope: Scope, depth: int) -> Value:
        form = self.choices.number(0, 3)
        if form == 0:
            return Value(f"({self.value(scope, 'int', depth).sql})::numeric", "num")
        if form == 1:
            return Value(f"round({self.value(scope, 'num', depth).sql}, 1)", "num")
        if form == 2:
            inner = self.value(scope, "num", depth)
            return Value(f"({inner.sql} * 2)", "num", inner.exact)
        return self._pair(scope, "num", depth, ("+", "-"))

    def _dbl(self, scope: Scope, depth: int) -> Value:
        form = self.choices.number(0, 2)
        if form == 0:
            return Value(f"({self.value(scope, 'int', depth).sql})::double precision", "dbl")
        if form == 1:
            inner = self.value(scope, "dbl", depth)
            return Value(f"({inner.sql} * 0.5::double precision)", "dbl", inner.exact)
        return self._pair(scope, "dbl", depth, ("+", "-"))

    def _txt(self, scope: Scope, depth: int) -> Value:
        form = self.choices.number(0, 5)
        inner = self.value(scope, "txt", depth).sql
        if form == 0:
            return Value(f"{self.choices.pick(('upper', 'lower', 'reverse'))}({inner})", "txt")
        if form == 1:
            return Value(f"({self.value(scope, self.choices.pick(('int', 'big', 'bool')), depth).sql})::text", "txt")
        if form == 2:
            return Value(f"left({inner}, 1)", "txt")
        if form == 3:
            return Value(f"({self.value(scope, 'js', depth).sql} ->> 'a')", "txt")
        if form == 4:
            return Value(f"replace({inner}, 'a', 'c')", "txt")
        return self._pair(scope, "txt", depth, ("||",))

    def _ts(self, scope: Scope, depth: int) -> Value:
        inner = self.value(scope, "ts", depth).sql
        form = self.choices.number(0, 2)
        if form == 0:
            return Value(f"date_trunc('hour', {inner})", "ts")
        if form == 1:
            return Value(f"date_bin('10 minutes', {inner}, timestamp '2000-01-01')", "ts")
        return Value(f"({inner} {self.choices.pick('+-')} interval '{self.choices.pick(INTERVALS)}')", "ts")

    def _bool(self, scope: Scope, depth: int) -> Value:
        return Value(f"({self.condition(scope, depth)})", "bool")

    def _js(self, scope: Scope, depth: int) -> Value:
        form = self.choices.number(0, 2)
        if form == 0:
            return Value(f"({self.value(scope, 'js', depth).sql} -> 'b')", "js", exact=False)
        if form == 1:
            return Value(f"jsonb_build_object('a', {self.value(scope, 'int', depth).sql})", "js", exact=False)
        first, second = self.value(scope, "int", depth).sql, self.value(scope, "txt", depth).sql
        return Value(f"jsonb_build_array({first}, {second})", "js", exact=False)

    # Conditions ------------------------------------------------------------------

    def condition(self, scope: Scope, depth: int = 1) -> str:
        """A condition."""
        choices = self.choices
        form = choices.number(0, 11)
        if form == 0 and depth > 0:
            return (
                f"({self.condition(scope, depth - 1)} {choices.pick(('and', 'or'))} {self.condition(scope, depth - 1)})"
            )
        if form == 1 and depth > 0:
            return f"not ({self.condition(scope, depth - 1)})"
        if form == 2 and (ref := self.column(scope, ("bool",))) is not None:
            return ref.sql
        ref = choices.pick(scope) if scope else None
        kind = ref.kind if ref is not None else choices.pick(KINDS)
        left = ref.sql if ref is not None else self.literal(kind).sql
        if form == 3:
            return f"{left} is {choices.pick(('', 'not '))}null"
        if kind in ("js", "bool") or form == 4:
            return f"({left} is {choices.pick(('', 'not '))}distinct from {self.value(scope, kind, 0).sql})"
        if form == 5:
            items = ", ".join(choices.pick(LITERALS[kind]) for _ in range(choices.number(1, 3)))
            return f"{left} {choices.pick(('', 'not '))}in ({items})"
        if form == 6:
            return f"{left} between {self.value(scope, kind, 0).sql} and {self.value(scope, kind, 0).sql}"
        if form == 7 and kind == "txt":
            return f"{left} like '{choices.pick(('a%', '%b', '_'))}'"
        return f"{left} {self.comparison()} {self.value(scope, kind, depth).sql}"

    def comparison(self) -> str:
        """A comparison operator."""
        return self.choices.pick(("=", "<", "<=", ">", ">=", "<>"))

    def temporal(self, scope: Scope) -> str | None:
        """A temporal filter over one of the moments in scope."""
        ref = self.column(scope, ("ts",))
        if ref is None:
            return None
        moment = self.moment(ref.sql)
        form = self.choices.number(0, 5)
        if form == 5:
            return f"mz_now() between {ref.sql} and {moment}"
        if form == 4:
            return f"{moment} {self.choices.pick(('>', '>=', '<', '<='))} mz_now()"
        return f"mz_now() {self.choices.pick(('<=', '<', '>=', '>'))} {moment}"

    def moment(self, text: str) -> str:
        """A moment near another one."""
        return f"{text} {self.choices.pick('+-')} interval '{self.choices.pick(INTERVALS)}'"
