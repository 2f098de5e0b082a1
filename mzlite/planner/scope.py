"""Which names a query level can see, and what they stand for.

In: FROM items as they are lowered. Out: for a column reference as written, the expression
over the lowered inputs that it means. Names of the definition are already qualified and its
stars expanded by PostgreSQL (`pg_get_viewdef`), so only aliases and columns are looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from mzlite.errors import MzError
from mzlite.planner.expressions import (
    Node,
    column,
    contains_function,
    function_name,
    quote,
    references,
    rewrite,
    sql,
    walk,
)
from mzlite.planner.operators import Constant, Input, Operator, Select, TableFunction
from mzlite.planner.syntax import ast, parse_sql
from mzlite.planner.temporal import filter_by_clock, is_temporal


@dataclass(frozen=True)
class RelationInfo:
    """A relation that a view may read: its oid, its name for messages, its column names."""

    oid: int
    name: str
    columns: tuple[str, ...]


class Relations(Protocol):
    """Where the planner looks relations up."""

    def relation(self, schema: str | None, name: str) -> RelationInfo:
        """The relation of that name; MzError `unknown catalog item` when there is none."""

    def recursive_reads(self, function: str) -> tuple[int, ...]:
        """The oids of the relations that the function of a recursive block reads."""


@dataclass
class Visible:
    """One FROM item's columns under its alias (None for an unnamed join's merged columns)."""

    alias: str | None
    columns: dict[str, Node]


@dataclass
class Domain:
    """The distinct values of what a correlated query reads of the level around it.

    The query is lowered for all of them at once: its operator yields the columns of the domain as its last ones, in
    order, and each operator within keeps the rows of different values apart.

    Attributes:
        alias: under which the query's levels have the domain as an input.
        operator: yields the values; its columns are `names`.
        may_drop: whether the query's own columns may take its place where an equality ties each value to one of them.
        may_open: whether an aggregate over everything may leave out the values that have no rows.
        dropped: whether that was done; the values are then tied by the same equalities, of which null fails.
        opened: where `may_open` was used: the grouped rows and the query's columns over them.
    """

    alias: str
    operator: Operator
    names: tuple[str, ...]
    may_drop: bool = False
    may_open: bool = False
    dropped: bool = False
    opened: tuple[Input, list[tuple[str, Node]], list[Node]] | None = None

    def columns(self) -> list[Node]:
        """Its columns as a level reads them that has just taken it in."""
        return [column(self.alias, name) for name in self.names]


@dataclass
class Scope:
    """The FROM items of one query level; `outer` is the level around it, for correlated references.

    Attributes:
        domain: what the query within reads of this level and those around it; None where it reads nothing.
        pending: subqueries of this level's expressions that are still to be lowered, by their text.
    """

    visible: list[Visible] = field(default_factory=list)
    outer: Scope | None = None
    domain: Domain | None = None
    pending: dict[str, Node] = field(default_factory=dict)

    def find(self, fields: tuple[str, ...]) -> Node | None:
        """The expression for a reference at this level; None when this level has no such column."""
        if len(fields) == 1:
            merged = [item.columns[fields[0]] for item in self.visible if not item.alias and fields[0] in item.columns]
            if merged:
                return merged[-1]
            found = [item.columns[fields[0]] for item in self.visible if fields[0] in item.columns]
            if len(found) > 1:
                raise MzError(f'column reference "{fields[0]}" is ambiguous')
            return found[0] if found else None
        alias, name = fields[-2], fields[-1]
        for item in self.visible:
            if item.alias == alias and name in item.columns:
                return item.columns[name]
        return None

    def look_up(self, fields: tuple[str, ...]) -> Node | None:
        """The same in this level and, by way of the domain, those around it."""
        found = self.find(fields)
        if found is None and self.outer is not None:
            found = self.outer.look_up(fields)
            domain = self.outer.domain
            if found is not None and domain is not None:
                own = {(domain.alias, name): self.find((domain.alias, name)) for name in domain.names}
                found = rebase(found, {ref: node for ref, node in own.items() if node is not None})
        return found

    def mapped(self, mapping: Mapping[tuple[str, str], Node]) -> Scope:
        """This level and those around it with other expressions for their columns."""
        visible = [
            Visible(item.alias, {name: rebase(node, mapping) for name, node in item.columns.items()})
            for item in self.visible
        ]
        return Scope(visible, self.outer.mapped(mapping) if self.outer is not None else None)


PENDING = "mz_subquery"
"""The alias of references that stand for subqueries which are still to be lowered."""


def resolve(expression: Node, scope: Scope) -> Node:
    """A copy of the expression with its column references resolved at this level or in those around it.

    A subquery that reads no relation stays in the expression; in the place of any other stands a reference to
    `PENDING`, which `subqueries.attach` replaces.
    """

    def change(node: Node) -> Node | None:
        if isinstance(node, ast.SubLink):
            if is_local(node):
                return resolve_local(node, scope)
            return pending(node, scope)
        if not isinstance(node, ast.ColumnRef):
            return None
        return found_column(node, scope)

    return rewrite(expression, change)


def found_column(node: Node, scope: Scope) -> Node:
    """What a column reference means."""
    fields = tuple(part.sval for part in node.fields if isinstance(part, ast.String))
    if len(fields) < len(node.fields) or scope.look_up(fields) is None:
        row = whole_row(fields, scope)
        if row is not None:
            return row
        raise MzError(f'column "{".".join(fields)}" does not exist')
    return scope.look_up(fields)


def whole_row(fields: tuple[str, ...], scope: Scope) -> Node | None:
    """The row of a FROM item as a value, which PostgreSQL prints as `alias.*`: a subquery over its columns."""
    level: Scope | None = scope
    while level is not None:
        for item in level.visible:
            if item.alias == fields[-1]:
                nodes = [scope.look_up((item.alias, name)) for name in item.columns]
                outputs = ", ".join(
                    f"{sql(node)} as {quote(name)}" for node, name in zip(nodes, item.columns, strict=True)
                )
                text = f"select (select mz_row from (select {outputs}) as mz_row)"
                return parse_sql(text)[0].stmt.targetList[0].val
        level = level.outer
    return None


def pending(node: Node, scope: Scope) -> Node:
    """What stands in the place of a subquery: its text, so that equal ones of a level share it.

    ANY and ALL become a call of that and what stands before them, which may be or have aggregates of this level.
    """
    text = sql(node)
    scope.pending[text] = node
    if node.testexpr is None:
        return column(PENDING, text)
    tests = node.testexpr.args if isinstance(node.testexpr, ast.RowExpr) else (node.testexpr,)
    args = (column(PENDING, text), *(resolve(test, scope) for test in tests))
    return ast.FuncCall(funcname=(ast.String(sval=PENDING),), args=args)


RECURSION_SCHEMA = "mzlite_def"
"""Where the functions of recursive blocks are."""


def is_recursion(item: Node) -> bool:
    """Whether a FROM item is the function of a recursive block, which reads relations."""
    if not isinstance(item, ast.RangeFunction):
        return False
    name: Node = getattr(item.functions[0][0], "funcname", None) or ()
    return len(name) == 2 and str(name[0].sval) == RECURSION_SCHEMA


def is_local(node: Node) -> bool:
    """Whether a subquery reads no relation: then it is a function of the row that PostgreSQL can evaluate."""
    items = list(walk(node))
    own = defined_aliases(items)
    return (
        not any(isinstance(item, ast.RangeVar) or is_recursion(item) for item in items)
        and not contains_function(node, "mz_now")
        # The names of inputs must not be captured.
        and not any(re.fullmatch(r"q\d+", alias) for alias in own)
    )


def resolve_local(node: Node, scope: Scope) -> Node:
    """A query that reads no relation, with what it reads of the levels around it resolved."""
    free = {id(item) for item in free_references(node)}

    def change(item: Node) -> Node | None:
        return found_column(item, scope) if id(item) in free else None

    return rewrite(node, change)


def defined_aliases(items: Iterable[Node]) -> set[str]:
    """The aliases of all FROM items among the nodes."""
    found: set[str] = set()
    for item in items:
        if isinstance(item, ast.RangeVar):
            found.add(item.alias.aliasname if item.alias is not None else item.relname)
        elif isinstance(item, ast.RangeFunction):
            found.add(item.alias.aliasname if item.alias is not None else str(function_name(item.functions[0][0])))
        elif isinstance(item, (ast.RangeSubselect, ast.JoinExpr)) and item.alias is not None:
            found.add(item.alias.aliasname)
    return found


def free_references(*nodes: Node | None) -> list[Node]:
    """The column references in queries or FROM items that mean something around them.

    PostgreSQL prints a definition with all of a subquery's columns qualified, apart from those that USING has merged,
    and with aliases that no level shares with one around it.
    """
    items = [item for node in nodes if node is not None for item in walk(node)]
    own = defined_aliases(items)
    merged = {name.sval for item in items if isinstance(item, ast.JoinExpr) for name in item.usingClause or ()}
    free = []
    for item in items:
        if isinstance(item, ast.ColumnRef) and isinstance(item.fields[0], ast.String):
            first = item.fields[0].sval
            is_own = first in own if len(item.fields) > 1 else first in merged or first in own
            if not is_own:
                free.append(item)
    return free


def mentions_of(*nodes: Node | None) -> set[tuple[str | None, str]]:
    """(alias, column) of every reference in a text, with None for an alias that is not written, and `*` for all."""
    found: set[tuple[str | None, str]] = set()
    for node in (item for each in nodes if each is not None for item in walk(each)):
        if isinstance(node, ast.ColumnRef) and isinstance(node.fields[0], ast.String):
            *alias, last = node.fields
            name = last.sval if isinstance(last, ast.String) else "*"
            found.add((alias[-1].sval if alias else None, name))
            # A name alone may also be that of an item, for its whole row.
            found.add((name, "*"))
        elif isinstance(node, ast.JoinExpr):
            found |= {(None, name.sval) for name in node.usingClause or ()}
    return found


def rebase(expression: Node, mapping: Mapping[tuple[str, str], Node]) -> Node:
    """A copy of a resolved expression with some of its references replaced."""

    def change(node: Node) -> Node | None:
        if isinstance(node, ast.ColumnRef) and len(node.fields) == 2 and isinstance(node.fields[1], ast.String):
            return mapping.get((node.fields[0].sval, node.fields[1].sval))
        return None

    return rewrite(expression, change)


@dataclass
class Context:
    """What lowering one view needs: the catalog, a supply of aliases, and the CTEs in reach.

    Attributes:
        correlated: of the CTEs, those that are correlated, with the domain whose columns they end in.
    """

    relations: Relations
    lower_query: Callable[[Context, Node, Scope | None], Operator]
    lower_from: Callable[[Context, tuple[Node, ...], Scope | None, set[tuple[str | None, str]]], Stage]
    ctes: dict[str, Operator] = field(default_factory=dict)
    counter: list[int] = field(default_factory=lambda: [0])
    correlated: dict[str, Domain] = field(default_factory=dict)

    def alias(self) -> str:
        """A fresh input alias."""
        self.counter[0] += 1
        return f"q{self.counter[0]}"

    def nested(self) -> Context:
        """The same with a CTE scope of its own."""
        return replace(self, ctes=dict(self.ctes), correlated=dict(self.correlated))


@dataclass
class Stage:
    """A query level under construction: inputs that are joined, conditions, table functions and what is visible.

    Attributes:
        above: expressions that will be evaluated over this level; their columns survive a `collapse`.
        mentions: (alias, column) of each reference in the level's text, with None for an alias that is not written.
        moves: where columns went at each `collapse`; `current` applies them.
    """

    sources: list[Input] = field(default_factory=list)
    where: list[Node] = field(default_factory=list)
    tables: list[TableFunction] = field(default_factory=list)
    scope: Scope = field(default_factory=Scope)
    above: list[Node] = field(default_factory=list)
    mentions: set[tuple[str | None, str]] = field(default_factory=set)
    moves: list[dict[tuple[str, str], Node]] = field(default_factory=list)

    def current(self, expression: Node) -> Node:
        """An expression resolved earlier, over the inputs as they are now."""
        for move in self.moves:
            expression = rebase(expression, move)
        return expression

    def kept(self) -> list[Node]:
        """What is visible of this level and mentioned in its text, as it is now."""
        domain = self.scope.outer.domain if self.scope.outer is not None else None
        own = domain.alias if domain is not None else None
        return [
            node
            for item in self.scope.visible
            for name, node in item.columns.items()
            if (item.alias, name) in self.mentions
            or (None, name) in self.mentions
            or (item.alias, "*") in self.mentions
            or (own is not None and item.alias == own)
        ]

    def domain(self) -> list[Node]:
        """The columns of the domain that this level is lowered for, as they are now; none without a domain."""
        domain = self.scope.outer.domain if self.scope.outer is not None else None
        if domain is None:
            return []
        found = [self.scope.find((domain.alias, name)) for name in domain.names]
        return [node for node in found if node is not None]

    def collapse(self, context: Context, extra: Sequence[Node] = ()) -> Input:
        """Turns what is there into one input that yields the columns that `above` and `extra` read."""
        if any(is_temporal(part) for part in self.where):
            filter_by_clock(context, self, extra)
        self.ensure_source(context)
        if len(self.sources) == 1 and not self.where and not self.tables:
            return self.sources[0]
        own = {source.alias for source in self.sources} | {table.alias for table in self.tables}
        needed = {ref for node in (*self.above, *extra) for ref in references(self.current(node)) if ref[0] in own}
        alias = context.alias()
        outputs: list[tuple[str, Node]] = []
        move: dict[tuple[str, str], Node] = {}
        taken: set[str] = set()
        for source, name in sorted(needed):
            output = unique(name, taken)
            outputs.append((output, column(source, name)))
            move[(source, name)] = column(alias, output)
        if not outputs:
            # Rows that are only counted still need a column.
            outputs.append(("one", ast.A_Const(val=ast.Integer(ival=1))))
        self.replace(
            Input(alias, Select(tuple(self.sources), tuple(self.where), tuple(outputs), tuple(self.tables))), move
        )
        return self.sources[0]

    def ensure_source(self, context: Context) -> None:
        """Without FROM there is one row."""
        if not self.sources:
            self.sources = [Input(context.alias(), Constant("select 1 as one", ("one",)))]

    def replace(self, source: Input, move: dict[tuple[str, str], Node]) -> None:
        """Puts one input in the place of all that is there."""
        self.sources, self.where, self.tables = [source], [], []
        self.moves.append(move)
        for item in self.scope.visible:
            item.columns = {name: rebase(node, move) for name, node in item.columns.items()}


def unique(name: str, taken: set[str]) -> str:
    """`name`, or with a number behind it if it is taken; the result is then taken."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate
