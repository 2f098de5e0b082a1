"""Random subqueries in conditions and select lists, correlated and not.

In: the columns around them. Out: SQL text.
"""

from __future__ import annotations

from collections.abc import Callable

from pytests.property.choices import Choices
from pytests.property.expressions import Expressions, Scope, Value
from pytests.property.kinds import LISTED, NOT_JOINED, UNORDERED, WITHOUT_EXTREMES
from pytests.property.parts import Item


class Subqueries:
    """Makes subqueries over one relation each.

    Args:
        item: gives a relation under a new alias.
    """

    def __init__(self, choices: Choices, expressions: Expressions, item: Callable[[str], Item]) -> None:
        self.choices, self.expressions, self.item = choices, expressions, item

    def condition(self, scope: Scope) -> str:
        """A condition with a subquery; sometimes below OR or NOT."""
        text = self._condition(scope)
        form = self.choices.number(0, 9)
        if form == 9:
            return f"({self.expressions.condition(scope, 0)} or {text})"
        if form == 8:
            return f"not ({text})"
        return text

    def _condition(self, scope: Scope) -> str:
        choices = self.choices
        inner = self.item("i")
        form = choices.number(0, 10)
        if form == 10 and (text := self.rows(scope, inner)) is not None:
            return text
        if form <= 2:
            text = f"(select 1 from {inner.sql}{self.where(scope, inner.refs, 85)})"
            return f"{'not ' if form == 2 else ''}exists {text}"
        ref = choices.pick(scope)
        kinds = ("int", "big") if ref.kind in ("int", "big") else (ref.kind,)
        found = self.expressions.column(inner.refs, kinds)
        if found is None or ref.kind == "map":
            return f"exists (select 1 from {inner.sql}{self.where(scope, inner.refs, 85)})"
        if form == 7 and ref.kind not in WITHOUT_EXTREMES:
            text = f"(select {choices.pick(('max', 'min'))}({found.sql}) from {inner.sql}{self.where(scope, inner.refs, 50)})"
            return f"{ref.sql} {self.expressions.comparison()} {text}"
        text = f"(select {found.sql} from {inner.sql}{self.where(scope, inner.refs, 30)})"
        if form == 9 and ref.kind not in (*UNORDERED, *LISTED):
            return f"{ref.sql} {self.expressions.comparison(ref.kind)} any (array{text})"
        if form == 8 and ref.kind == found.kind and ref.kind in ("int", "txt", "lst"):
            return f"{ref.sql} = any (list{text})"
        if form == 6:
            return f"{ref.sql} not in {text}"
        if form == 5:
            operator = self.expressions.comparison(ref.kind)
            return f"{ref.sql} {operator} {choices.pick(('any', 'all'))} {text}"
        return f"{ref.sql} in {text}"

    def rows(self, scope: Scope, inner: Item) -> str | None:
        """Two columns at once in a subquery of two; None if none fit."""
        choices = self.choices
        pairs = [(a.sql, b.sql) for a in scope for b in inner.refs if a.kind == b.kind and a.kind not in NOT_JOINED]
        if len(pairs) < 2:
            return None
        first, second = choices.some(pairs, 2, 2)
        where = self.where(scope, inner.refs, 30)
        operator = choices.pick(("in", "not in", "= any"))
        return f"({first[0]}, {second[0]}) {operator} (select {first[1]}, {second[1]} from {inner.sql}{where})"

    def where(self, scope: Scope, inner: Scope, correlated: int, depth: int = 1) -> str:
        """WHERE of a subquery; reads the row around it in so many percent."""
        choices = self.choices
        parts = []
        if choices.chance(correlated):
            pairs = [(a, b.sql) for a in scope for b in inner if a.kind == b.kind and a.kind not in NOT_JOINED]
            if pairs:
                outer, inside = choices.pick(pairs)
                outside = outer.sql
                operator = "=" if choices.chance(80) else self.expressions.comparison(outer.kind)
                parts.append(f"{inside} {operator} {outside}")
        if choices.chance(30):
            parts.append(self.expressions.condition(inner, 0))
        if depth > 0 and choices.chance(8):
            # A subquery within it, which may read both rows around it.
            third = self.item("j")
            where = self.where([*scope, *inner], third.refs, 90, depth - 1)
            parts.append(f"{choices.pick(('', 'not '))}exists (select 1 from {third.sql}{where})")
        return " where " + " and ".join(parts) if parts else ""

    def scalar(self, scope: Scope) -> Value:
        """A subquery in the place of a value."""
        choices = self.choices
        inner = self.item("i")
        where = self.where(scope, inner.refs, 70)
        form = choices.number(0, 5)
        if form >= 4 and (ref := self.expressions.column(inner.refs, ("int", "txt", "lst"))) is not None:
            collected = {"int": ("lst", "arr"), "txt": ("tls",), "lst": ("ll",)}[ref.kind]
            kind = choices.pick(collected)
            word = "array" if kind == "arr" else "list"
            return Value(f"{word}(select {ref.sql} from {inner.sql}{where} order by 1{choices.direction()})", kind)
        if form == 0:
            return Value(f"(select count(*) from {inner.sql}{where})", "big")
        if form == 1:
            return Value(f"(exists (select 1 from {inner.sql}{where}))", "bool")
        ref = self.expressions.column(inner.refs, ("int", "txt", "ts"))
        if ref is None:
            return Value(f"(select count(*) from {inner.sql}{where})", "big")
        return Value(f"(select {choices.pick(('max', 'min'))}({ref.sql}) from {inner.sql}{where})", ref.kind)
