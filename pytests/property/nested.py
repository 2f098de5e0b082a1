"""Random queries over queries: CTEs, the first rows of each key, lateral subqueries, recursion, joins of many inputs.

In: what makes queries. Out: SQL with the kinds of its columns, each with one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pytests.property.expressions import Ref, Value
from pytests.property.kinds import NOT_JOINED, TYPES
from pytests.property.parts import Query

if TYPE_CHECKING:
    from pytests.property.queries import Queries

Form = Callable[[int, Sequence[str] | None], Query]


class Nested:
    """Makes queries over other queries of the same relations."""

    def __init__(self, queries: Queries) -> None:
        self.queries, self.choices = queries, queries.choices

    def forms(self) -> list[tuple[Form, int]]:
        """What there is, each with its weight."""
        return [
            (self.with_cte, 7),
            (self.top_k, 5),
            (self.recursive, 4),
            (self.ranked, 4),
            (self.lateral, 5),
            (self.many, 2),
        ]

    def with_cte(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """A CTE, read at least twice, perhaps by a second one."""
        queries, choices = self.queries, self.choices
        inner = queries.query(depth - 1)
        name = choices.name("w")
        before = queries.relations
        queries.relations = {**before, name: inner.columns}
        ctes, other, other_columns = f"{name} as ({inner.sql})", name, inner.columns
        if choices.chance(30):
            made = queries.query(0)
            other, other_columns = choices.name("w"), made.columns
            ctes += f", {other} as ({made.sql})"
            queries.relations = {**queries.relations, other: made.columns}
        first, second = queries.named(name, inner.columns, "r"), queries.named(other, other_columns, "r")
        on = queries.join_condition(first.refs, second.refs, equalities_only=True)
        scope = [*first.refs, *second.refs]
        kind = choices.pick(("join", "left join")) if on else "cross join"
        source = f"{first.sql} {kind} {second.sql}" + (f" on {on}" if on else "")
        text, columns = queries.listed(queries.targets(scope, kinds))
        outer = f"select {text} from {source}{queries.where(scope)}"
        queries.relations = before
        return Query(f"with {ctes} {outer}", columns)

    def top_k(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """For each key the first rows of another relation, by a lateral subquery."""
        queries, choices = self.queries, self.choices
        outer, inner = queries.simple_item("g"), queries.simple_item("l")
        pairs = [
            (a.sql, b.sql) for a in outer.refs for b in inner.refs if a.kind == b.kind and a.kind not in NOT_JOINED
        ]
        if not pairs:
            return queries.plain(depth, kinds)
        left, right = choices.pick(pairs)
        shown = choices.some(inner.refs, 1, 3)
        text, columns = queries.listed([Value(ref.sql, ref.kind, ref.exact) for ref in shown])
        order = ", ".join(f"{place}{choices.direction()}" for place in range(1, len(shown) + 1))
        key = choices.name("k")
        lateral = (
            f"(select {text} from {inner.sql} where {right} = {key}.x order by {order} limit {choices.number(1, 2)})"
        )
        alias = choices.name("t")
        join = (
            f"cross join lateral {lateral} {alias}"
            if choices.chance(60)
            else f"left join lateral {lateral} {alias} on true"
        )
        kind = next(ref.kind for ref in outer.refs if ref.sql == left)
        scope = [
            Ref(f"{key}.x", kind),
            *(Ref(f"{alias}.{column.name}", column.kind, column.exact) for column in columns),
        ]
        text, columns = queries.listed(queries.targets(scope, kinds))
        return Query(f"select {text} from (select distinct {left} as x from {outer.sql}) {key} {join}", columns)

    def recursive(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """WITH MUTUALLY RECURSIVE: pairs that are linked, whole, up to a limit, or with what is left out."""
        queries, choices = self.queries, self.choices
        base = queries.simple_item("b")
        kind = choices.pick(("int", "txt", "big"))
        ends = [ref for ref in base.refs if ref.kind == kind]
        if not ends:
            return queries.plain(depth, kinds)
        first, second = choices.pick(ends).sql, choices.pick(ends).sql
        name, other = choices.name("w"), choices.name("w")
        pairs = f"select {first}, {second} from {base.sql}"
        if choices.chance(40):
            pairs += f" where {queries.expressions.condition(base.refs, 0)}"
        all_ = choices.chance(25)
        limit = choices.number(1, 4)
        option = f" (return at recursion limit {limit})" if all_ or choices.chance(30) else ""
        # With ALL the number of paths may grow without end.
        union = "union all" if all_ else "union"
        step = f"select p.x, q.y from {name} p join ({pairs}) q (x, y) on p.y = q.x"
        type_ = TYPES[kind]
        bindings = [f"{name} (x {type_}, y {type_}) as (({pairs}) {union} ({step}))"]
        read, refs = name, [("x", kind), ("y", kind)]
        if choices.chance(40):
            inner = choices.pick(
                (
                    f"select x, count(*) from {name} group by x",
                    f"select x, count(distinct y) from {name} where x <> y group by x",
                    f"select y, count(*) from {name} group by y union select x, 0 from {other}",
                )
            )
            bindings.append(f"{other} (x {type_}, n bigint) as ({inner})")
            read, refs = other, [("x", kind), ("n", "big")]
        alias = choices.name("r")
        scope = [Ref(f"{alias}.{column}", ref_kind) for column, ref_kind in refs]
        text, columns = queries.listed(queries.targets(scope, kinds, computed=False))
        head = f"with mutually recursive{option} {', '.join(bindings)}"
        return Query(f"{head} select {text} from {read} {alias}", columns)

    def ranked(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """The first rows of each key, by their number in a window."""
        queries, choices = self.queries, self.choices
        inner = queries.plain(depth - 1, kinds)
        names = [column.name for column in inner.columns]
        by = choices.some(names, 0, 1)
        partition = f"partition by {by[0]} " if by else ""
        order = ", ".join(f"{name}{choices.direction()}" for name in choices.some(names, len(names), len(names)))
        number = choices.pick(("row_number", "rank", "dense_rank"))
        numbered = (
            f"select *, {number}() over ({partition}order by {order}) as n from ({inner.sql}) {choices.name('s')}"
        )
        text = f"select {', '.join(names)} from ({numbered}) {choices.name('s')}"
        return Query(f"{text} where n {choices.pick(('<=', '='))} {choices.number(1, 2)}", inner.columns)

    def lateral(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """A subquery in FROM that reads the rows before it: filtered, grouped or of values."""
        queries, choices = self.queries, self.choices
        outer, inner = queries.simple_item("g"), queries.simple_item("l")
        where = queries.subqueries.where(outer.refs, inner.refs, 90)
        form = choices.number(0, 2)
        if form == 0:
            shown = [Value(ref.sql, ref.kind, ref.exact) for ref in choices.some(inner.refs, 1, 2)]
            shown.append(queries.expressions.value([*outer.refs, *inner.refs], queries.expressions.kind()))
            text, columns = queries.listed(shown)
            body = f"select {text} from {inner.sql}{where}"
        elif form == 1:
            key = choices.pick(inner.refs)
            shown = [Value(key.sql, key.kind, key.exact), queries.aggregates.aggregate(inner.refs)]
            text, columns = queries.listed(shown)
            body = f"select {text} from {inner.sql}{where} group by {key.sql}"
        else:
            text, columns = queries.listed([queries.aggregates.aggregate(inner.refs) for _ in range(2)])
            body = f"select {text} from {inner.sql}{where}"
        alias = choices.name("t")
        join = choices.pick((f", lateral ({body}) {alias}", f" left join lateral ({body}) {alias} on true"))
        made = [Ref(f"{alias}.{column.name}", column.kind, column.exact) for column in columns]
        scope = [*outer.refs, *made]
        text, columns = queries.listed(queries.targets(scope, kinds))
        return Query(f"select {text} from {outer.sql}{join}{queries.where(scope)}", columns)

    def many(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """A join of seven inputs or more, by keys of tables."""
        queries, choices = self.queries, self.choices
        tables = [name for name in sorted(queries.relations) if name[0] in "ts"]
        items = [
            queries.named(name, queries.relations[name], "m")
            for name in (choices.pick(tables) for _ in range(choices.number(7, 8)))
        ]
        text = items[0].sql
        for place, item in enumerate(items[1:]):
            kind = choices.weighted([("join", 70), ("left join", 30)])
            text += f" {kind} {item.sql} on {item.refs[0].sql} = {items[choices.number(0, place)].refs[0].sql}"
        scope = [ref for item in items for ref in item.refs]
        shown, columns = queries.listed(queries.targets(scope, kinds, computed=False))
        # Equal keys multiply: the rows themselves would be too many.
        limits = " and ".join(f"{item.refs[0].sql} <> {place % 3}" for place, item in enumerate(items[:2]))
        return Query(f"select distinct {shown} from {text} where {limits}", columns)
