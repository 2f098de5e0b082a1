"""Random queries over named relations, from a grammar over the operators that are maintained.

In: choices and the relations in reach. Out: SQL with the kinds of its columns. Every query has one answer: rows
are numbered, cut off and collected in orders over all the columns that show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytests.property.aggregates import Aggregates
from pytests.property.choices import Choices
from pytests.property.expressions import Expressions, Ref, Scope, Value
from pytests.property.kinds import LISTS, LITERALS, NOT_JOINED, ORDERED, TYPES
from pytests.property.nested import Nested
from pytests.property.parts import Column, From, Item, Query, joins
from pytests.property.subqueries import Subqueries
from pytests.property.table_functions import TableFunctions
from pytests.property.windows import Windows

Relations = Mapping[str, Sequence[Column]]


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
        self.nested = Nested(self)

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
            forms += [(self.set_operation, 14), *self.nested.forms()]
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
            if choices.chance(10) and (natural := self.natural(made, other, kind)) is not None:
                return natural
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

    def natural(self, left: From, right: Item, kind: str) -> From | None:
        """A natural join, if the columns of equal names can be equated."""
        names = [ref.sql.split(".")[-1] for ref in left.scope]
        kinds = {ref.sql.split(".")[-1]: ref.kind for ref in left.scope}
        merged = []
        for ref in right.refs:
            name = ref.sql.split(".")[-1]
            if name in kinds:
                if names.count(name) > 1 or kinds[name] != ref.kind or ref.kind in NOT_JOINED:
                    return None
                merged.append(Ref(name, ref.kind))
        if not merged:
            return None
        shared = {ref.sql for ref in merged}
        rest = [ref for ref in (*left.scope, *right.refs) if ref.sql.split(".")[-1] not in shared]
        return From(f"{left.sql} natural {kind} {right.sql}", [*merged, *rest])

    def join_condition(self, left: Scope, right: Scope, *, equalities_only: bool, temporal: bool = False) -> str | None:
        """The condition of a join: mostly an equality, perhaps with more."""
        choices = self.choices
        pairs = [(a.sql, b.sql) for a in left for b in right if joins(a.kind, b.kind)]
        ordered = [(a.sql, b.sql) for a in left for b in right if joins(a.kind, b.kind) and a.kind not in LISTS]
        if not pairs:
            return None
        parts = [f"{a} = {b}" for a, b in choices.some(pairs, 1, 2)]
        if not equalities_only:
            form = choices.number(0, 9)
            if form == 9 and ordered:
                a, b = choices.pick(ordered)
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
        if kinds is None and choices.chance(15):
            return self.grouped_by_expressions(made)
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

    def grouped_by_expressions(self, made: From) -> Query:
        """GROUP BY expressions, by their places; perhaps with a window over the groups."""
        choices, aggregates = self.choices, self.aggregates
        keys = [self.expressions.value(made.scope, self.expressions.kind(), 2) for _ in range(choices.number(1, 2))]
        targets = keys + [aggregates.aggregate(made.scope) for _ in range(choices.number(1, 2))]
        if choices.chance(25):
            call = choices.pick(("rank()", "dense_rank()", "sum(count(*))", "max(count(*))"))
            window = Value(f"{call} over (order by count(*){choices.direction()})", "num" if "sum" in call else "big")
            targets.append(window)
        text, columns = self.listed(targets)
        by = ", ".join(str(place) for place in range(1, len(keys) + 1))
        having = aggregates.having(made.scope)
        return Query(f"select {text} from {made.sql}{self.where(made.scope)} group by {by}{having}", columns)

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
