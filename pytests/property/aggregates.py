"""Random aggregates, and conditions over them.

In: the columns that are grouped. Out: SQL whose value does not depend on the order in which rows came: what is
collected is collected in an order, what is added up is exact.
"""

from __future__ import annotations

from pytests.property.choices import Choices
from pytests.property.expressions import Expressions, Scope, Value
from pytests.property.kinds import WITHOUT_EXTREMES

WEIGHTS = [
    ("big", 40),
    ("num", 20),
    ("int", 10),
    ("txt", 10),
    ("dbl", 8),
    ("bool", 6),
    ("ts", 8),
    ("js", 5),
    ("lst", 4),
    ("tls", 2),
    ("arr", 4),
    ("map", 3),
    ("u8", 4),
    ("u4", 2),
    ("mzt", 2),
    ("date", 2),
    ("iv", 2),
    ("ll", 2),
    ("tz", 2),
    ("tm", 1),
    ("i2", 2),
    ("uuid", 1),
]
SPREADS = ("stddev", "var_pop", "variance", "stddev_pop", "stddev_samp", "var_samp")


class Aggregates:
    """Makes aggregates."""

    def __init__(self, choices: Choices, expressions: Expressions) -> None:
        self.choices, self.expressions = choices, expressions

    def aggregate(self, scope: Scope, kind: str | None = None) -> Value:
        """An aggregate call, possibly with DISTINCT and FILTER."""
        kind = kind or self.choices.weighted(WEIGHTS)
        if kind in ("uuid", "by"):
            # They have neither max nor min.
            value = self.expressions.value(scope, kind).sql
            return Value(f"(array_agg({value} order by {value}))[1]", kind)
        made = self._call(scope, kind)
        if self.choices.chance(15):
            return Value(f"{made.sql} filter (where {self.expressions.condition(scope, 0)})", kind, made.exact)
        return made

    def _call(self, scope: Scope, kind: str) -> Value:
        choices, expressions = self.choices, self.expressions
        distinct = "distinct " if choices.chance(15) else ""
        if kind == "big":
            return Value(self._number(scope, distinct), kind)
        if kind == "num":
            return self._numeric(scope, distinct)
        if kind == "dbl":
            form = choices.number(0, 2)
            return Value(f"{('sum', 'max', 'avg')[form]}({expressions.exact(scope, 'dbl').sql})", kind, form != 2)
        if kind == "bool":
            name = choices.pick(("bool_and", "bool_or", "max", "min"))
            return Value(f"{name}({expressions.value(scope, 'bool').sql})", kind)
        if kind == "u8" and choices.chance(60):
            return Value(f"sum({distinct}{expressions.value(scope, choices.pick(('u4', 'u2'))).sql})", kind)
        if kind in ("js", "lst", "tls", "ll", "arr", "map"):
            return Value(self._collected(scope, kind, distinct), kind, exact=False)
        if kind == "txt" and choices.chance(40):
            inner = expressions.value(scope, "txt").sql
            if distinct:
                return Value(f"string_agg({inner}, ',' order by {inner} desc)", kind)
            return Value(f"string_agg({inner}, ',' order by {inner})", kind)
        value = expressions.value(scope, kind)
        return Value(f"{choices.pick(('max', 'min'))}({value.sql})", kind, value.exact)

    def _number(self, scope: Scope, distinct: str) -> str:
        expressions = self.expressions
        form = self.choices.number(0, 2)
        if form == 0:
            return "count(*)"
        if form == 1:
            kind = expressions.kind()
            # Materialize's maps and what has no equality are counted one by one.
            distinct = "" if kind in ("map",) else distinct
            return f"count({distinct}{expressions.value(scope, kind).sql})"
        return f"sum({distinct}{expressions.exact(scope, 'int').sql})"

    def _numeric(self, scope: Scope, distinct: str) -> Value:
        choices, expressions = self.choices, self.expressions
        form = choices.number(0, 4)
        inner = expressions.exact(scope, choices.pick(("num", "int", "big"))).sql
        numbers = expressions.exact(scope, "int").sql
        call = (
            f"sum({distinct}({inner})::numeric)",
            f"avg({distinct}{numbers})",
            f"{choices.pick(SPREADS)}({numbers})",
            f"avg({distinct}{expressions.exact(scope, 'num').sql})",
            f"sum({distinct}{expressions.exact(scope, choices.pick(('big', 'u8'))).sql})",
        )[form]
        return Value(call, "num", form in (0, 4))

    def _collected(self, scope: Scope, kind: str, distinct: str) -> str:
        expressions = self.expressions
        number, text = expressions.value(scope, "int").sql, expressions.value(scope, "txt").sql
        key = f"coalesce({text}, '')"
        if kind == "map":
            return f"map_agg({key}, {number} order by {key}, {number})"
        if kind == "js" and self.choices.chance(40):
            return f"jsonb_object_agg({key}, {number} order by {key}, {number})"
        lists = expressions.value(scope, "lst").sql
        inner = {"lst": number, "arr": number, "tls": text, "ll": lists}.get(kind) or self.choices.pick((number, text))
        name = {"js": "jsonb_agg", "arr": "array_agg"}.get(kind, "list_agg")
        return f"{name}({distinct}{inner} order by {inner}{'' if distinct else self.choices.direction()})"

    def extremes(self, scope: Scope) -> list[Value]:
        """Several least and greatest values, which share what is kept for them."""
        found = []
        for ref in self.choices.some([ref for ref in scope if ref.kind not in WITHOUT_EXTREMES], 1, 4):
            call = f"{self.choices.pick(('max', 'min'))}({ref.sql})"
            if self.choices.chance(20):
                call += f" filter (where {self.expressions.condition(scope, 0)})"
            found.append(Value(call, ref.kind, ref.exact))
        return found

    def above(self, scope: Scope) -> Value:
        """An expression over aggregates."""
        first, second = self.aggregate(scope, "big"), self.aggregate(scope, "big")
        return (
            Value(f"(coalesce({first.sql}, 0) - {second.sql})", "big")
            if "sum" not in second.sql
            else Value(f"({first.sql})::text", "txt")
        )

    def having(self, scope: Scope) -> str:
        """HAVING, or nothing."""
        choices = self.choices
        form = choices.number(0, 11)
        if form == 11 and (ref := self.expressions.column(scope, ("ts",))) is not None:
            extreme = self.expressions.moment(f"{choices.pick(('max', 'min'))}({ref.sql})")
            return f" having mz_now() {choices.pick(('<=', '>=', '<', '>'))} {extreme}"
        if form >= 9:
            return f" having {self.aggregate(scope, 'big').sql} {self.expressions.comparison()} {choices.number(0, 3)}"
        return ""
