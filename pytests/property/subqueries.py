"""Random subqueries in conditions and select lists, correlated and not.

In: the columns around them. Out: SQL text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytests.property.choices import Choices
from pytests.property.expressions import Expressions, Scope, Value
from pytests.property.kinds import LISTED, NOT_JOINED, UNORDERED

if TYPE_CHECKING:
    from pytests.property.queries import Item


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
        form = choices.number(0, 7)
        if form <= 2:
            text = f"(select 1 from {inner.sql}{self.where(scope, inner.refs, 85)})"
            return f"{'not ' if form == 2 else ''}exists {text}"
        ref = choices.pick(scope)
        kinds = ("int", "big") if ref.kind in ("int", "big") else (ref.kind,)
        found = self.expressions.column(inner.refs, kinds)
        if found is None or ref.kind in LISTED:
            return f"exists (select 1 from {inner.sql}{self.where(scope, inner.refs, 85)})"
        if form == 7 and ref.kind not in UNORDERED:
            text = f"(select {choices.pick(('max', 'min'))}({found.sql}) from {inner.sql}{self.where(scope, inner.refs, 50)})"
            return f"{ref.sql} {self.expressions.comparison()} {text}"
        text = f"(select {found.sql} from {inner.sql}{self.where(scope, inner.refs, 30)})"
        if form == 6:
            return f"{ref.sql} not in {text}"
        if form == 5:
            return f"{ref.sql} {choices.pick(('=', '<>', '<', '>='))} {choices.pick(('any', 'all'))} {text}"
        return f"{ref.sql} in {text}"

    def where(self, scope: Scope, inner: Scope, correlated: int) -> str:
        """WHERE of a subquery; reads the row around it in so many percent."""
        choices = self.choices
        parts = []
        if choices.chance(correlated):
            pairs = [(a.sql, b.sql) for a in scope for b in inner if a.kind == b.kind and a.kind not in NOT_JOINED]
            if pairs:
                outside, inside = choices.pick(pairs)
                operator = choices.weighted([("=", 80), ("<", 8), (">=", 6), ("<>", 6)])
                parts.append(f"{inside} {operator} {outside}")
        if choices.chance(30):
            parts.append(self.expressions.condition(inner, 0))
        return " where " + " and ".join(parts) if parts else ""

    def scalar(self, scope: Scope) -> Value:
        """A subquery in the place of a value."""
        choices = self.choices
        inner = self.item("i")
        where = self.where(scope, inner.refs, 70)
        form = choices.number(0, 3)
        if form == 0:
            return Value(f"(select count(*) from {inner.sql}{where})", "big")
        if form == 1:
            return Value(f"(exists (select 1 from {inner.sql}{where}))", "bool")
        ref = self.expressions.column(inner.refs, ("int", "txt", "ts"))
        if ref is None:
            return Value(f"(select count(*) from {inner.sql}{where})", "big")
        return Value(f"(select {choices.pick(('max', 'min'))}({ref.sql}) from {inner.sql}{where})", ref.kind)
