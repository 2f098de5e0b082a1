"""Random expressions and conditions over typed columns.

In: what is in scope. Out: SQL text whose value is determined: sums of floating point are of exact binary fractions
only, digits that depend on how a number was written never become text, and no expression can fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytests.property.choices import Choices
from pytests.property.kinds import INTERVALS, KINDS, LISTED, LISTS, LITERALS, RARE_KINDS, TYPES, UNORDERED


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

KEYED = {
    "map": ("? 'a'", "? 'b'", "?& array['a', 'b']", "?| array['b', 'x']", "@> '{a=>1}'::mpi", "<@ '{a=>1}'::mpi"),
    "js": ("? 'a'", "@> '{\"a\": 1}'::jsonb", "<@ '{\"a\": 1}'::jsonb", "-> 'b' is null", "->> 'a' = '1'"),
}
"""What may stand behind a map or a jsonb value in a condition."""


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
                ("coalesce", "nullif") if kind in UNORDERED else ("coalesce", "nullif", "greatest", "least")
            )
            name = "coalesce" if kind == "map" else name
            return Value(f"{name}({first.sql}, {second.sql})", kind, first.exact and second.exact and kind != "js")
        return getattr(self, f"_{kind}")(scope, depth)  # type: ignore[no-any-return]

    def _pair(self, scope: Scope, kind: str, depth: int, operators: Sequence[str]) -> Value:
        first, second = self.value(scope, kind, depth), self.value(scope, kind, depth)
        return Value(f"({first.sql} {self.choices.pick(operators)} {second.sql})", kind, first.exact and second.exact)

    def _int(self, scope: Scope, depth: int) -> Value:
        form = self.choices.number(0, 6)
        if form == 0:
            return Value(f"length({self.value(scope, 'txt', depth).sql})", "int")
        kinds = (*LISTED, "u2", "u4", "i2", "date", "tz", "tm")
        if form == 6 and (ref := self.column(scope, kinds)) is not None:
            texts = {
                "ll": (f"{ref.sql}[1][1]", f"list_length({ref.sql})", f"list_length({ref.sql}[3])"),
                "tz": (f"extract(minute from {ref.sql})::integer",),
                "tm": (f"extract(hour from {ref.sql})::integer",),
                "lst": (f"{ref.sql}[1]", f"list_length({ref.sql})"),
                "tls": (f"length({ref.sql}[2])", f"list_length({ref.sql})"),
                "map": (f"({ref.sql} -> 'a')", f"map_length({ref.sql})"),
                "arr": (f"{ref.sql}[1]", f"array_length({ref.sql}, 1)", f"array_position({ref.sql}, 1)"),
                "date": (f"extract(day from {ref.sql})::integer",),
            }
            return Value(self.choices.pick(texts.get(ref.kind, (f"({ref.sql})::integer",))), "int")
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
        form = self.choices.number(0, 9)
        inner = self.value(scope, "txt", depth).sql
        if form == 9 and (ref := self.column(scope, (*LISTED, "uuid", "by", "tm", "date"))) is not None:
            return Value(f"encode({ref.sql}, 'hex')" if ref.kind == "by" else f"({ref.sql})::text", "txt")
        if form == 8:
            moment = self.value(scope, self.choices.pick(("ts", "tz")), depth).sql
            return Value(f"to_char({moment}, 'YYYY-MM-DD HH24:MI')", "txt")
        if form == 7:
            return Value(f"(regexp_match({inner}, '(a)(.?)'))[{self.choices.number(1, 3)}]", "txt")
        if form == 6:
            other = self.value(scope, "int", depth).sql
            call = (
                f"split_part({inner}, 'b', 1)",
                f"lpad({inner}, 3, 'x')",
                f"concat({inner}, {other})",
                f"concat_ws('-', {inner}, {other})",
                f"array_to_string(array[{inner}, {inner}], ',', '?')",
                f"substring({inner}, 2)",
                f"translate({inner}, 'ab', 'b')",
            )
            return Value(self.choices.pick(call), "txt")
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
        form = self.choices.number(0, 3)
        if form == 3 and (ref := self.column(scope, ("date", "iv", "tz"))) is not None:
            texts = {"date": f"({ref.sql})::timestamp", "tz": f"({ref.sql} at time zone 'UTC')"}
            return Value(texts.get(ref.kind, f"({inner} + {ref.sql})"), "ts")
        if form == 0:
            return Value(f"date_trunc('hour', {inner})", "ts")
        if form == 1:
            return Value(f"date_bin('10 minutes', {inner}, timestamp '2000-01-01')", "ts")
        return Value(f"({inner} {self.choices.pick('+-')} interval '{self.choices.pick(INTERVALS)}')", "ts")

    def _bool(self, scope: Scope, depth: int) -> Value:
        return Value(f"({self.condition(scope, depth)})", "bool")

    def _lst(self, scope: Scope, depth: int) -> Value:
        inner = self.value(scope, "lst", depth).sql
        item = f"({self.value(scope, 'int', depth).sql})"
        forms = (f"list_append({inner}, {item})", f"list_prepend({item}, {inner})", f"({inner} || {inner})")
        forms += (f"list_cat({inner}, {self.literal('lst').sql})", f"({inner})[1:2]", f"({inner})[2:]")
        if (ref := self.column(scope, ("ll",))) is not None:
            forms += (f"{ref.sql}[1]", f"{ref.sql}[2]")
        return Value(self.choices.pick(forms), "lst")

    def _ll(self, scope: Scope, depth: int) -> Value:
        inner, item = self.value(scope, "ll", depth).sql, self.value(scope, "lst", depth).sql
        forms = (f"list_append({inner}, {item})", f"list_prepend({item}, {inner})", f"({inner} || {inner})")
        return Value(self.choices.pick((*forms, f"({inner})[1:2]")), "ll")

    def _tls(self, scope: Scope, depth: int) -> Value:
        inner, item = self.value(scope, "tls", depth).sql, self.value(scope, "txt", depth).sql
        return Value(self.choices.pick((f"list_append({inner}, {item})", f"({inner} || {inner})")), "tls")

    def _map(self, scope: Scope, depth: int) -> Value:
        return self.literal("map")

    def _arr(self, scope: Scope, depth: int) -> Value:
        first, second = self.value(scope, "arr", depth).sql, self.value(scope, "arr", depth).sql
        return Value(self.choices.pick((f"({first} || {second})", f"array_cat({first}, {second})")), "arr")

    def _u2(self, scope: Scope, depth: int) -> Value:
        return Value(f"abs({self.value(scope, 'int', depth).sql} % 4)::uint2", "u2")

    def _u4(self, scope: Scope, depth: int) -> Value:
        form = self.choices.number(0, 2)
        if form == 0:
            return Value(f"abs({self.value(scope, 'int', depth).sql} % 5)::uint4", "u4")
        if form == 1:
            return Value(f"({self.value(scope, 'u2', depth).sql})::uint4", "u4")
        return Value(f"({self.value(scope, 'u4', depth).sql} % 3::uint4)", "u4")

    def _u8(self, scope: Scope, depth: int) -> Value:
        if self.choices.chance(50):
            return Value(f"({self.value(scope, 'u4', depth).sql})::uint8", "u8")
        return Value(f"({self.value(scope, 'u8', depth).sql} % 4::uint8)", "u8")

    def _mzt(self, scope: Scope, depth: int) -> Value:
        return Value(f"({self.value(scope, 'ts', depth).sql})::mz_timestamp", "mzt")

    def _tz(self, scope: Scope, depth: int) -> Value:
        if self.choices.chance(50):
            return Value(f"({self.value(scope, 'ts', depth).sql})::timestamptz", "tz")
        return Value(f"({self.value(scope, 'tz', depth).sql} + interval '{self.choices.pick(INTERVALS)}')", "tz")

    def _tm(self, scope: Scope, depth: int) -> Value:
        return Value(f"({self.value(scope, self.choices.pick(('ts', 'tz')), depth).sql})::time", "tm")

    def _i2(self, scope: Scope, depth: int) -> Value:
        return Value(f"({self.value(scope, 'int', depth).sql} % 3)::smallint", "i2")

    def _uuid(self, scope: Scope, depth: int) -> Value:
        return Value(f"uuid_generate_v5({self.literal('uuid').sql}, {self.value(scope, 'txt', depth).sql})", "uuid")

    def _by(self, scope: Scope, depth: int) -> Value:
        if self.choices.chance(30):
            return Value(f"digest({self.value(scope, 'txt', depth).sql}, 'md5')", "by")
        return Value(f"decode(md5({self.value(scope, 'txt', depth).sql}), 'hex')", "by")

    def _date(self, scope: Scope, depth: int) -> Value:
        return Value(f"({self.value(scope, 'ts', depth).sql})::date", "date")

    def _iv(self, scope: Scope, depth: int) -> Value:
        return Value(f"({self.value(scope, 'iv', depth).sql} + interval '{self.choices.pick(INTERVALS)}')", "iv")

    def _js(self, scope: Scope, depth: int) -> Value:
        form = self.choices.number(0, 6)
        if form >= 5:
            inner = self.value(scope, "js", depth).sql
            forms = (f"({inner} - 'a')", f"({inner} || {self.literal('js').sql})", f"jsonb_strip_nulls({inner})")
            return Value(self.choices.pick((*forms, f"({inner} #> '{{b,0}}')")), "js", exact=False)
        if form >= 3 and (ref := self.column(scope, ("int", "txt", *LISTED, "bool"))) is not None:
            return Value(f"to_jsonb({ref.sql})", "js", exact=False)
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
        kind = ref.kind if ref is not None else self.kind()
        left = ref.sql if ref is not None else self.literal(kind).sql
        if form == 3:
            return f"{left} is {choices.pick(('', 'not '))}null"
        if kind in ("map", "js") and form in (5, 6, 7):
            return f"{left} {choices.pick(KEYED[kind])}"
        if kind in ("lst", "arr") and form in (6, 7):
            return f"{self.value(scope, 'int', 0).sql} {choices.pick(('= any', '<> all', '< any'))} ({left})"
        if kind == "map" or (kind in LISTS and form in (8, 9)):
            length = "map_length" if kind == "map" else "list_length"
            return f"{length}({left}) {self.comparison()} {choices.number(0, 2)}"
        if form == 10 and kind not in UNORDERED:
            other = choices.pick(scope) if scope else None
            if other is not None and other.kind not in UNORDERED:
                right = f"({self.value(scope, kind, 0).sql}, {self.value(scope, other.kind, 0).sql})"
                return f"({left}, {other.sql}) {self.comparison(kind, other.kind)} {right}"
        if kind in UNORDERED or form == 4:
            return f"({left} is {choices.pick(('', 'not '))}distinct from {self.value(scope, kind, 0).sql})"
        if form == 5:
            items = ", ".join(choices.pick(LITERALS[kind]) for _ in range(choices.number(1, 3)))
            return f"{left} {choices.pick(('', 'not '))}in ({items})"
        if form == 6 and kind not in LISTS:
            return f"{left} between {self.value(scope, kind, 0).sql} and {self.value(scope, kind, 0).sql}"
        if form == 7 and kind == "txt":
            return f"{left} like '{choices.pick(('a%', '%b', '_'))}'"
        return f"{left} {self.comparison(kind)} {self.value(scope, kind, depth).sql}"

    def kind(self) -> str:
        """A kind, mostly one that is usual."""
        return self.choices.pick(RARE_KINDS) if self.choices.chance(20) else self.choices.pick(KINDS)

    def comparison(self, *kinds: str) -> str:
        """A comparison operator; lists have one only."""
        if any(kind in LISTS for kind in kinds):
            return "="
        return self.choices.pick(("=", "<", "<=", ">", ">=", "<>"))

    def temporal(self, scope: Scope) -> str | None:
        """A temporal filter over one of the moments in scope."""
        ref = self.column(scope, ("ts", "mzt", "date"))
        if ref is None:
            return None
        moment = ref.sql if ref.kind == "mzt" else self.moment(ref.sql)
        form = self.choices.number(0, 8)
        if form == 8:
            return f"mz_now() = {ref.sql}"
        if form == 7:
            return f"not ({moment} {self.choices.pick(('>', '>=', '<', '<='))} mz_now())"
        if form == 6:
            return f"mz_now() < coalesce({moment}, {ref.sql})"
        if form == 5:
            return f"mz_now() between {ref.sql} and {moment}"
        if form == 4:
            return f"{moment} {self.choices.pick(('>', '>=', '<', '<='))} mz_now()"
        return f"mz_now() {self.choices.pick(('<=', '<', '>=', '>'))} {moment}"

    def moment(self, text: str) -> str:
        """A moment near another one."""
        return f"{text} {self.choices.pick('+-')} interval '{self.choices.pick(INTERVALS)}'"
