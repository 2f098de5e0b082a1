"""Random window functions.

In: the columns of the rows. Out: a select list with calls over partitions, ordered by all columns where the order
matters.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytests.property.choices import Choices
from pytests.property.expressions import Expressions, Ref, Scope, Value
from pytests.property.kinds import KINDS, RARE_KINDS, WITHOUT_EXTREMES

FRAMES = (
    ("unbounded preceding", "current row"),
    ("1 preceding", "current row"),
    ("2 preceding", "1 following"),
    ("current row", "1 following"),
    ("1 preceding", "1 preceding"),
    ("unbounded preceding", "unbounded following"),
    ("current row", "unbounded following"),
)


class Windows:
    """Makes window functions."""

    def __init__(self, choices: Choices, expressions: Expressions) -> None:
        self.choices, self.expressions = choices, expressions

    def targets(self, scope: Scope, kinds: Sequence[str] | None) -> list[Value]:
        """A select list with window functions in it; with `kinds`, one whose columns are of these."""
        choices = self.choices
        partition = choices.some(scope, 0, 2)
        by = f"partition by {', '.join(ref.sql for ref in partition)} " if partition else ""
        every = choices.some(scope, len(scope), len(scope))
        order = "order by " + ", ".join(f"{ref.sql}{choices.direction()}" for ref in every)
        peers = "order by " + ", ".join(ref.sql for ref in choices.some(scope, 1, 2))
        found: list[Value] = []
        if kinds is None:
            found = [Value(ref.sql, ref.kind, ref.exact) for ref in choices.some(scope, 1, 3)]
            kinds = [choices.pick(("big", "any")) for _ in range(choices.number(1, 2))]
        for kind in kinds:
            if kind == "big":
                found.append(Value(choices.pick(self._numbers(scope, by, order, peers)), "big"))
                continue
            ref = self.expressions.column(scope, (*KINDS, *RARE_KINDS) if kind == "any" else (kind,))
            if ref is None:
                found.append(self.expressions.literal(kind))
                continue
            name = choices.pick(("lag", "lead", "first_value", "last_value", "aggregate"))
            if name == "aggregate":
                found.append(self._aggregate(ref, f"{by}{order}", kind))
            elif name in ("lag", "lead"):
                arguments = choices.pick((ref.sql, f"{ref.sql}, 2", f"{ref.sql}, 1, {ref.sql}"))
                found.append(Value(f"{name}({arguments}) over ({by}{order})", ref.kind, False))
            else:
                frame = self.frame() if choices.chance(40) else ""
                found.append(Value(f"{name}({ref.sql}) over ({by}{order}{frame})", ref.kind, False))
        return found

    def _aggregate(self, ref: Ref, window: str, kind: str) -> Value:
        """An aggregate over the rows of a frame."""
        choices = self.choices
        frame = self.frame() if choices.chance(60) else ""
        over = f"over ({window}{frame})"
        calls = [Value(f"count({ref.sql}) {over}", "big")]
        if ref.kind not in WITHOUT_EXTREMES:
            calls.append(Value(f"{choices.pick(('max', 'min'))}({ref.sql}) {over}", ref.kind, False))
        if ref.kind == "int":
            calls += [
                Value(f"avg({ref.sql}) {over}", "num", False),
                Value(f"stddev({ref.sql}) {over}", "num", False),
                Value(f"list_agg({ref.sql}) {over}", "lst"),
                Value(f"array_agg({ref.sql}) {over}", "arr"),
            ]
        if ref.kind == "txt":
            calls.append(Value(f"string_agg({ref.sql}, ',') {over}", "txt"))
        if ref.kind == "bool":
            calls.append(Value(f"{choices.pick(('bool_and', 'bool_or'))}({ref.sql}) {over}", "bool"))
        calls = [call for call in calls if kind in ("any", call.kind)]
        return choices.pick(calls) if calls else Value(f"first_value({ref.sql}) {over}", ref.kind, False)

    def frame(self) -> str:
        """A frame of rows."""
        first, last = self.choices.pick(FRAMES)
        return f" rows between {first} and {last}"

    def _numbers(self, scope: Scope, by: str, order: str, peers: str) -> list[str]:
        calls = [
            f"row_number() over ({by}{order})",
            f"rank() over ({by}{peers})",
            f"dense_rank() over ({by}{peers})",
            f"count(*) over ({by})",
            f"count(*) over ({by}{order}{self.frame()})",
        ]
        integer = self.expressions.column(scope, ("int",))
        if integer is not None:
            calls += [
                f"sum({integer.sql}) over ({by}{order}{self.frame()})",
                f"sum({integer.sql}) over ({by}{peers})",
                f"(max({integer.sql}) over ({by}{order}{self.frame()}))::bigint",
            ]
        return calls
