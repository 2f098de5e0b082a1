"""Random queries over named relations, from a grammar over the operators that are maintained.

In: choices and the relations in reach. Out: SQL with the kinds of its columns. Every query has one answer: rows
are numbered, cut off and collected in orders over all the columns that show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pytests.property.choices import Choices
from pytests.property.expressions import KINDS, LITERALS, ORDERED, TYPES, Expressions, Ref, Scope, Value
from pytests.property.subqueries import Subqueries


@dataclass(frozen=True)
class Column:
    """A column of a relation; `exact` as in `Ref`."""

    name: str
    kind: str
    exact: bool = True


@dataclass(frozen=True)
class Query:
    """A query and its columns."""

    sql: str
    columns: tuple[Column, ...]


Relations = Mapping[str, Sequence[Column]]


@dataclass
class Item:
    """Something in FROM: its SQL with the alias, and its columns in scope."""

    sql: str
    refs: list[Ref]


@dataclass
class From:
    """A FROM clause."""

    sql: str
    scope: list[Ref] = field(default_factory=list)


class Queries:
    """Makes queries over the relations.

    Attributes:
        relations: what can be read by name; CTEs join them while their query is made.
    """

    def __init__(self, choices: Choices, relations: Relations) -> None:
        self.choices = choices
        self.relations = dict(relations)
        self.expressions = Expressions(choices)
        self.subqueries = Subqueries(choices, self.expressions, self.simple_item)

    def query(self, depth: int = 2, kinds: Sequence[str] | None = None) -> Query:
        """A query; with `kinds`, one whose columns are of these."""
        forms: list[tuple[Callable[[int, Sequence[str] | None], Query], int]] = [
            (self.plain, 40),
            (self.grouped, 25),
            (self.distinct, 8),
            (self.distinct_on, 8),
            (self.window, 12),
            (self.limited, 6),
        ]
        if depth > 0:
            forms += [(self.set_operation, 14), (self.with_cte, 7), (self.top_k, 5)]
        return self.choices.weighted(forms)(depth, kinds)

    # FROM ------------------------------------------------------------------------

    def simple_item(self, prefix: str = "r") -> Item:
        """A relation by name."""
        name = self.choices.pick(sorted(self.relations))
        return self.named(name, self.relations[name], prefix)

    def named(self, text: str, columns: Sequence[Column], prefix: str) -> Item:
        """A FROM item under a new alias."""
        alias = self.choices.name(prefix)
        return Item(f"{text} {alias}", [Ref(f"{alias}.{column.name}", column.kind, column.exact) for column in columns])

    def item(self, depth: int) -> Item:
        """A relation, a subquery or a list of values."""
        if depth > 0 and self.choices.chance(30):
            inner = self.query(depth - 1)
            return self.named(f"({inner.sql})", inner.columns, "s")
        if self.choices.chance(4):
            return self.values()
        return self.simple_item()

    def values(self) -> Item:
        """VALUES as a FROM item."""
        kinds = [self.choices.pick(ORDERED) for _ in range(self.choices.number(1, 2))]
        rows = [[self.choices.pick(LITERALS[kind]) for kind in kinds] for _ in range(self.choices.number(1, 3))]
        alias = self.choices.name("v")
        names = [f"c{place}" for place in range(len(kinds))]
        text = ", ".join(
            "(" + ", ".join(f"{value}::{TYPES[kind]}" for value, kind in zip(row, kinds, strict=True)) + ")"
            for row in rows
        )
        refs = [Ref(f"{alias}.{name}", kind) for name, kind in zip(names, kinds, strict=True)]
        return Item(f"(values {text}) {alias} ({', '.join(names)})", refs)

    def from_clause(self, depth: int) -> From:
        """One to three items, joined; perhaps a table function behind them."""
        choices = self.choices
        first = self.item(depth)
        made = From(first.sql, list(first.refs))
        count = choices.weighted([(1, 45), (2, 40), (3, 15)])
        commas = choices.chance(25)
        for _ in range(count - 1):
            other = self.item(depth - 1)
            kind = (
                ","
                if commas
                else choices.weighted(
                    [("join", 35), ("left join", 30), ("right join", 10), ("full join", 15), ("cross join", 5)]
                )
            )
            if kind == "," or kind == "cross join":
                made = From(
                    f"{made.sql}{', ' if kind == ',' else ' cross join '}{other.sql}", [*made.scope, *other.refs]
                )
                continue
            if (shared := self.shared(made.scope, other.refs, kind)) is not None:
                merged = [ref for ref in (*made.scope, *other.refs) if not ref.sql.endswith(f".{shared}")]
                kind_of = next(ref.kind for ref in other.refs if ref.sql.endswith(f".{shared}"))
                return From(f"{made.sql} {kind} {other.sql} using ({shared})", [Ref(shared, kind_of), *merged])
            on = self.join_condition(made.scope, other.refs, equalities_only=kind == "full join")
            if on is None:
                made = From(f"{made.sql} cross join {other.sql}", [*made.scope, *other.refs])
            else:
                made = From(f"{made.sql} {kind} {other.sql} on {on}", [*made.scope, *other.refs])
        if choices.chance(12):
            self.add_table_function(made)
        return made

    def shared(self, left: Scope, right: Scope, kind: str) -> str | None:
        """The name of a column that USING may merge."""
        if not self.choices.chance(15):
            return None
        names = [ref.sql.split(".")[-1] for ref in left]
        kinds = {ref.sql.split(".")[-1]: ref.kind for ref in left}
        found = [
            name
            for ref in right
            if names.count(name := ref.sql.split(".")[-1]) == 1 and kinds[name] == ref.kind and ref.kind != "js"
        ]
        return self.choices.pick(found) if found else None

    def join_condition(self, left: Scope, right: Scope, *, equalities_only: bool) -> str | None:
        """The condition of a join: mostly an equality, perhaps with more."""
        choices = self.choices
        pairs = [(a.sql, b.sql) for a in left for b in right if a.kind == b.kind or {a.kind, b.kind} == {"int", "big"}]
        if not pairs:
            return None
        parts = [f"{a} = {b}" for a, b in choices.some(pairs, 1, 2)]
        if not equalities_only:
            form = choices.number(0, 9)
            if form == 9:
                a, b = choices.pick(pairs)
                parts = [f"{a} {choices.pick(('<', '>=', '<>'))} {b}"]
            elif form >= 7:
                parts.append(self.expressions.condition([*left, *right], 0))
        return " and ".join(parts)

    def add_table_function(self, made: From) -> None:
        """A function of the rows before it, behind a comma or in a left join."""
        choices, expressions = self.choices, self.expressions
        alias = choices.name("f")
        shape = expressions.column(made.scope, ("js",), exact=True)
        form = choices.number(0, 4)
        columns = [Ref(f"{alias}.x", "int")]
        if form == 0 and shape is not None:
            call, columns = f"jsonb_array_elements({shape.sql} -> 'b')", [Ref(f"{alias}.x", "js", False)]
        elif form == 1 and shape is not None:
            call, columns = f"jsonb_each({shape.sql})", [Ref(f"{alias}.x", "txt"), Ref(f"{alias}.y", "js", False)]
        elif form == 2:
            kind = choices.pick(ORDERED)
            items = ", ".join(expressions.value(made.scope, kind, 0).sql for _ in range(choices.number(1, 3)))
            call, columns = f"unnest(array[{items}]::{TYPES[kind]}[])", [Ref(f"{alias}.x", kind, False)]
        else:
            call = f"generate_series(1, abs({expressions.value(made.scope, 'int', 0).sql} % 4))"
        if choices.chance(25):
            call += " with ordinality"
            columns.append(Ref(f"{alias}.n", "big"))
        names = ", ".join(ref.sql.split(".")[1] for ref in columns)
        if choices.chance(30):
            made.sql += f" left join lateral {call} {alias} ({names}) on true"
        elif "," in made.sql.split(" on ")[0] and " join " not in made.sql:
            made.sql += f", {call} {alias} ({names})"
        else:
            made.sql += f" cross join lateral {call} {alias} ({names})"
        made.scope += columns

    def where(self, scope: Scope, *, temporal: bool = True) -> str:
        """WHERE with up to three conditions, or nothing."""
        choices = self.choices
        parts = []
        for _ in range(choices.weighted([(0, 35), (1, 40), (2, 20), (3, 5)])):
            form = choices.number(0, 19)
            filter_ = self.expressions.temporal(scope) if temporal and form in (17, 18, 19) else None
            if filter_ is not None:
                parts.append(filter_)
            elif form in (14, 15, 16):
                parts.append(self.subqueries.condition(scope))
            else:
                parts.append(self.expressions.condition(scope))
        return " where " + " and ".join(parts) if parts else ""

    # SELECT ----------------------------------------------------------------------

    def targets(self, scope: Scope, kinds: Sequence[str] | None, *, computed: bool = True) -> list[Value]:
        """The select list."""
        if kinds is not None:
            return [self.expressions.value(scope, kind) for kind in kinds]
        found: list[Value] = []
        for ref in self.choices.some(scope, 1, 4):
            if computed and self.choices.chance(20):
                kind = self.choices.pick(KINDS)
                if self.choices.chance(15):
                    found.append(self.subqueries.scalar(scope))
                else:
                    found.append(self.expressions.value(scope, kind, 2))
            else:
                found.append(Value(ref.sql, ref.kind, ref.exact))
        return found

    def listed(self, targets: Sequence[Value]) -> tuple[str, tuple[Column, ...]]:
        """The select list as text, and the columns that it makes."""
        columns = tuple(Column(f"c{place}", value.kind, value.exact) for place, value in enumerate(targets))
        return ", ".join(
            f"{value.sql} as {column.name}" for value, column in zip(targets, columns, strict=True)
        ), columns

    def plain(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """A filter and projection over joins."""
        made = self.from_clause(depth)
        text, columns = self.listed(self.targets(made.scope, kinds))
        return Query(f"select {text} from {made.sql}{self.where(made.scope)}", columns)

    def distinct(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """SELECT DISTINCT."""
        made = self.from_clause(depth)
        text, columns = self.listed(self.targets(made.scope, kinds))
        return Query(f"select distinct {text} from {made.sql}{self.where(made.scope)}", columns)

    def direction(self) -> str:
        """How an ORDER BY item ends."""
        return self.choices.pick(("", " desc", " nulls first", " desc nulls last"))

    def distinct_on(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """SELECT DISTINCT ON, with an order over all its columns."""
        made = self.from_clause(depth)
        targets = self.targets(made.scope, kinds)
        text, columns = self.listed(targets)
        keys = [
            value.sql for value in targets[: self.choices.number(1, min(2, len(targets)))] if "select" not in value.sql
        ]
        refs = {ref.sql for ref in made.scope}
        keys = [key for key in keys if key in refs]
        if not keys:
            return Query(f"select distinct {text} from {made.sql}{self.where(made.scope)}", columns)
        rest = [str(place) for place, value in enumerate(targets, start=1) if value.sql not in keys]
        order = ", ".join(f"{item}{self.direction()}" for item in (*keys, *rest))
        head = f"select distinct on ({', '.join(keys)}) {text}"
        return Query(f"{head} from {made.sql}{self.where(made.scope)} order by {order}", columns)

    def limited(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """ORDER BY all columns with LIMIT."""
        inner = self.choices.pick(
            (self.plain, self.grouped) if depth == 0 else (self.plain, self.grouped, self.set_operation)
        )(depth, kinds)
        order = ", ".join(f"{place}{self.direction()}" for place in range(1, len(inner.columns) + 1))
        offset = " offset 1" if self.choices.chance(20) else ""
        return Query(f"{inner.sql} order by {order} limit {self.choices.number(1, 4)}{offset}", inner.columns)

    # Groups ------------------------------------------------------------------------

    def aggregate(self, scope: Scope, kind: str | None = None) -> Value:
        """An aggregate call, possibly with DISTINCT and FILTER."""
        choices, expressions = self.choices, self.expressions
        if kind is None:
            kind = choices.weighted(
                [("big", 40), ("num", 20), ("int", 10), ("txt", 10), ("dbl", 8), ("bool", 6), ("ts", 8), ("js", 4)]
            )
        distinct = "distinct " if choices.chance(15) else ""
        exact = True
        if kind == "big":
            form = choices.number(0, 2)
            if form == 0:
                call = "count(*)"
            elif form == 1:
                call = f"count({distinct}{expressions.value(scope, choices.pick(KINDS)).sql})"
            else:
                call = f"sum({distinct}{expressions.exact(scope, 'int').sql})"
        elif kind == "num":
            form = choices.number(0, 3)
            exact = form == 0
            inner = expressions.exact(scope, choices.pick(("num", "int", "big"))).sql
            numbers = expressions.exact(scope, "int").sql
            call = (
                f"sum({distinct}({inner})::numeric)",
                f"avg({distinct}{numbers})",
                f"{choices.pick(('stddev', 'var_pop', 'variance', 'stddev_pop'))}({numbers})",
                f"avg({distinct}{expressions.exact(scope, 'num').sql})",
            )[form]
        elif kind == "dbl":
            form = choices.number(0, 2)
            exact = form != 2
            call = f"{('sum', 'max', 'avg')[form]}({expressions.exact(scope, 'dbl').sql})"
        elif kind == "bool":
            call = f"{choices.pick(('bool_and', 'bool_or'))}({expressions.value(scope, 'bool').sql})"
        elif kind == "js":
            exact = False
            inner = expressions.value(scope, choices.pick(("int", "txt"))).sql
            call = f"jsonb_agg({distinct}{inner} order by {inner})"
        elif kind == "txt" and choices.chance(40):
            inner = expressions.value(scope, "txt").sql
            call = (
                f"string_agg({distinct}{inner}, ',' order by {inner})"
                if not distinct
                else f"string_agg({inner}, ',' order by {inner} desc)"
            )
        else:
            inner_value = expressions.value(scope, kind)
            exact = inner_value.exact
            call = f"{choices.pick(('max', 'min'))}({inner_value.sql})"
        if choices.chance(15):
            call += f" filter (where {expressions.condition(scope, 0)})"
        return Value(call, kind, exact)

    def grouped(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """GROUP BY, HAVING."""
        choices = self.choices
        made = self.from_clause(depth)
        keys = choices.some(made.scope, 0, 2)
        targets: list[Value] = []
        if kinds is not None:
            for kind in kinds:
                key = next((ref for ref in keys if ref.kind == kind), None)
                if key is not None and choices.chance(60):
                    targets.append(Value(key.sql, kind, key.exact))
                else:
                    targets.append(self.aggregate(made.scope, kind))
        else:
            targets = [Value(key.sql, key.kind, key.exact) for key in keys]
            targets += [self.aggregate(made.scope) for _ in range(choices.number(0 if keys else 1, 3))]
            if choices.chance(15):
                targets.append(self.above(made.scope))
        text, columns = self.listed(targets)
        by = f" group by {', '.join(ref.sql for ref in keys)}" if keys else ""
        return Query(f"select {text} from {made.sql}{self.where(made.scope)}{by}{self.having(made.scope)}", columns)

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
            return f" having mz_now() {choices.pick(('<=', '>='))} {self.expressions.moment(f'max({ref.sql})')}"
        if form >= 9:
            return f" having {self.aggregate(scope, 'big').sql} {self.expressions.comparison()} {choices.number(0, 3)}"
        return ""

    # Windows -----------------------------------------------------------------------

    def window(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """Window functions over partitions, ordered by all columns where the order matters."""
        choices = self.choices
        made = self.from_clause(depth)
        partition = choices.some(made.scope, 0, 2)
        by = f"partition by {', '.join(ref.sql for ref in partition)} " if partition else ""
        order = "order by " + ", ".join(
            f"{ref.sql}{self.direction()}" for ref in choices.some(made.scope, len(made.scope), len(made.scope))
        )
        peers = "order by " + ", ".join(ref.sql for ref in choices.some(made.scope, 1, 2))
        calls = {
            "big": [
                f"row_number() over ({by}{order})",
                f"rank() over ({by}{peers})",
                f"dense_rank() over ({by}{peers})",
                f"count(*) over ({by})",
            ],
        }
        integer = self.expressions.column(made.scope, ("int",))
        if integer is not None:
            frame = f"rows between {choices.pick(('unbounded', '1'))} preceding and current row"
            calls["big"] += [f"sum({integer.sql}) over ({by}{order} {frame})", f"sum({integer.sql}) over ({by}{peers})"]
        targets = (
            [Value(ref.sql, ref.kind, ref.exact) for ref in choices.some(made.scope, 1, 3)] if kinds is None else []
        )
        wanted = [choices.pick(("big", "any")) for _ in range(choices.number(1, 2))] if kinds is None else kinds
        for kind in wanted:
            if kind == "big":
                targets.append(Value(choices.pick(calls["big"]), "big"))
                continue
            ref = self.expressions.column(made.scope, KINDS if kind == "any" else (kind,))
            if ref is None:
                targets.append(self.expressions.literal(kind))
                continue
            name = choices.pick(("lag", "lead", "first_value", "last_value"))
            targets.append(Value(f"{name}({ref.sql}) over ({by}{order})", ref.kind, False))
        text, columns = self.listed(targets)
        return Query(f"select {text} from {made.sql}{self.where(made.scope)}", columns)

    # Queries over queries ------------------------------------------------------------

    def set_operation(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """UNION, EXCEPT, INTERSECT, with or without ALL."""
        left = self.query(depth - 1, kinds)
        right = self.query(depth - 1, [column.kind for column in left.columns])
        operator = self.choices.pick(("union all", "union", "except", "except all", "intersect", "intersect all"))
        columns = tuple(
            Column(a.name, a.kind, a.exact and b.exact) for a, b in zip(left.columns, right.columns, strict=True)
        )
        return Query(f"({left.sql}) {operator} ({right.sql})", columns)

    def with_cte(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """A CTE, read at least twice."""
        inner = self.query(depth - 1)
        name = self.choices.name("w")
        before = self.relations
        self.relations = {**before, name: inner.columns}
        first, second = self.named(name, inner.columns, "r"), self.named(name, inner.columns, "r")
        on = self.join_condition(first.refs, second.refs, equalities_only=True)
        scope = [*first.refs, *second.refs]
        kind = self.choices.pick(("join", "left join")) if on else "cross join"
        source = f"{first.sql} {kind} {second.sql}" + (f" on {on}" if on else "")
        text, columns = self.listed(self.targets(scope, kinds))
        outer = f"select {text} from {source}{self.where(scope)}"
        self.relations = before
        return Query(f"with {name} as ({inner.sql}) {outer}", columns)

    def top_k(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """For each key the first rows of another relation, by a lateral subquery."""
        choices = self.choices
        outer, inner = self.simple_item("g"), self.simple_item("l")
        pairs = [(a.sql, b.sql) for a in outer.refs for b in inner.refs if a.kind == b.kind and a.kind != "js"]
        if not pairs:
            return self.plain(depth, kinds)
        left, right = choices.pick(pairs)
        shown = choices.some(inner.refs, 1, 3)
        text, columns = self.listed([Value(ref.sql, ref.kind, ref.exact) for ref in shown])
        order = ", ".join(f"{place}{self.direction()}" for place in range(1, len(shown) + 1))
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
        text, columns = self.listed(self.targets(scope, kinds))
        return Query(f"select {text} from (select distinct {left} as x from {outer.sql}) {key} {join}", columns)
