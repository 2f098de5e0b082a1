"""Random queries over named relations, from a grammar over the operators that are maintained.

In: choices and the relations in reach. Out: SQL with the kinds of its columns. Every query has one answer: rows
are numbered, cut off and collected in orders over all the columns that show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pytests.property.aggregates import Aggregates
from pytests.property.choices import Choices
from pytests.property.expressions import Expressions, Ref, Scope, Value
from pytests.property.kinds import LITERALS, NOT_JOINED, ORDERED, TYPES
from pytests.property.subqueries import Subqueries
from pytests.property.table_functions import TableFunctions
from pytests.property.windows import Windows


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


def joins(first: str, second: str) -> bool:
    """Whether two kinds may be equated."""
    return (first == second and first not in NOT_JOINED) or {first, second} == {"int", "big"}


class Queries:
    """Makes queries over the relations.

    Attributes:
        relations: what can be read by name; CTEs join them while their query is made.
    """

    def __init__(self, choices: Choices, relations: Relations) -> None:
        self.choices = choices
        self.relations = dict(relations)
        self.expressions = Expressions(choices)
        self.aggregates = Aggregates(choices, self.expressions)
        self.windows = Windows(choices, self.expressions)
        self.table_functions = TableFunctions(choices, self.expressions)
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
            forms += [(self.set_operation, 14), (self.with_cte, 7), (self.top_k, 5), (self.recursive, 4)]
            if kinds is None:
                forms.append((self.advancing, 3))
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
        alias = self.choices.name("u")
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
            on = self.join_condition(
                made.scope, other.refs, equalities_only=kind == "full join", temporal=kind in ("join", "left join")
            )
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
            if names.count(name := ref.sql.split(".")[-1]) == 1
            and kinds[name] == ref.kind
            and ref.kind not in NOT_JOINED
        ]
        return self.choices.pick(found) if found else None

    def join_condition(self, left: Scope, right: Scope, *, equalities_only: bool, temporal: bool = False) -> str | None:
        """The condition of a join: mostly an equality, perhaps with more."""
        choices = self.choices
        pairs = [(a.sql, b.sql) for a in left for b in right if joins(a.kind, b.kind)]
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
            elif form == 6 and temporal and (bound := self.expressions.temporal([*left, *right])) is not None:
                parts.append(bound)
        return " and ".join(parts)

    def add_table_function(self, made: From) -> None:
        """A function of the rows before it, behind a comma or in a left join."""
        choices = self.choices
        call, columns = self.table_functions.call(made.scope)
        alias = columns[0].sql.split(".")[0]
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
                kind = self.expressions.kind()
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
        if self.choices.chance(35):
            # What is weighed need not be shown.
            kinds_of_order = [self.choices.pick(ORDERED) for _ in range(self.choices.number(1, 2))]
            rest = [
                f"coalesce({self.expressions.value(made.scope, kind, 1).sql}, null)" for kind in kinds_of_order
            ] + rest
        order = ", ".join(f"{item}{self.choices.direction()}" for item in (*keys, *rest))
        head = f"select distinct on ({', '.join(keys)}) {text}"
        return Query(f"{head} from {made.sql}{self.where(made.scope)} order by {order}", columns)

    def limited(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """ORDER BY all columns with LIMIT."""
        inner = self.choices.pick(
            (self.plain, self.grouped) if depth == 0 else (self.plain, self.grouped, self.set_operation)
        )(depth, kinds)
        order = ", ".join(f"{place}{self.choices.direction()}" for place in range(1, len(inner.columns) + 1))
        offset = " offset 1" if self.choices.chance(20) else ""
        return Query(f"{inner.sql} order by {order} limit {self.choices.number(1, 4)}{offset}", inner.columns)

    # Groups and windows --------------------------------------------------------------

    def grouped(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """GROUP BY, HAVING."""
        choices, aggregates = self.choices, self.aggregates
        made = self.from_clause(depth)
        keys = choices.some(made.scope, 0, 2)
        targets: list[Value] = []
        if kinds is not None:
            for kind in kinds:
                key = next((ref for ref in keys if ref.kind == kind), None)
                if key is not None and choices.chance(60):
                    targets.append(Value(key.sql, kind, key.exact))
                else:
                    targets.append(aggregates.aggregate(made.scope, kind))
        else:
            targets = [Value(key.sql, key.kind, key.exact) for key in keys]
            targets += [aggregates.aggregate(made.scope) for _ in range(choices.number(0 if keys else 1, 3))]
            if choices.chance(15):
                targets.append(aggregates.above(made.scope))
            if choices.chance(15):
                targets += aggregates.extremes(made.scope)
        text, columns = self.listed(targets)
        by = f" group by {', '.join(ref.sql for ref in keys)}" if keys else ""
        having = aggregates.having(made.scope)
        return Query(f"select {text} from {made.sql}{self.where(made.scope)}{by}{having}", columns)

    def window(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """Window functions over partitions, ordered by all columns where the order matters."""
        made = self.from_clause(depth)
        text, columns = self.listed(self.windows.targets(made.scope, kinds))
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
        pairs = [
            (a.sql, b.sql) for a in outer.refs for b in inner.refs if a.kind == b.kind and a.kind not in NOT_JOINED
        ]
        if not pairs:
            return self.plain(depth, kinds)
        left, right = choices.pick(pairs)
        shown = choices.some(inner.refs, 1, 3)
        text, columns = self.listed([Value(ref.sql, ref.kind, ref.exact) for ref in shown])
        order = ", ".join(f"{place}{self.choices.direction()}" for place in range(1, len(shown) + 1))
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

    def advancing(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """Table functions in the select list."""
        made = self.from_clause(depth)
        shown = [Value(ref.sql, ref.kind, ref.exact) for ref in self.choices.some(made.scope, 1, 2)]
        collections = [ref for ref in made.scope if ref.kind in ("lst", "arr")]
        for _ in range(self.choices.number(1, 2)):
            if collections and self.choices.chance(60):
                shown.append(Value(f"unnest({self.choices.pick(collections).sql})", "int"))
            else:
                bound = self.expressions.value(made.scope, "int", 0).sql
                shown.append(Value(f"generate_series(1, abs({bound} % 3))", "int"))
        text, columns = self.listed(shown)
        return Query(f"select {text} from {made.sql}{self.where(made.scope)}", columns)

    def recursive(self, depth: int, kinds: Sequence[str] | None) -> Query:
        """WITH MUTUALLY RECURSIVE: pairs that are linked, whole, up to a limit, or with what is left out."""
        choices = self.choices
        base = self.simple_item("b")
        kind = choices.pick(("int", "txt", "big"))
        ends = [ref for ref in base.refs if ref.kind == kind]
        if not ends:
            return self.plain(depth, kinds)
        first, second = choices.pick(ends).sql, choices.pick(ends).sql
        name, other = choices.name("w"), choices.name("w")
        pairs = f"select {first}, {second} from {base.sql}"
        if choices.chance(40):
            pairs += f" where {self.expressions.condition(base.refs, 0)}"
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
        text, columns = self.listed(self.targets(scope, kinds, computed=False))
        head = f"with mutually recursive{option} {', '.join(bindings)}"
        return Query(f"{head} select {text} from {read} {alias}", columns)
