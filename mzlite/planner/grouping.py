"""GROUP BY, aggregates and HAVING.

In: a stage and the expressions above it. Out: an Aggregate (or, for aggregates that cannot be
kept up to date by adding and subtracting, a PerKey that recomputes the touched groups), and the
expressions rewritten to read its columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from mzlite.errors import unsupported
from mzlite.planner.expressions import (
    Node,
    column,
    function_name,
    is_aggregate,
    quote,
    references,
    rewrite,
    sql,
    walk,
)
from mzlite.planner.operators import Aggregate, Input, Operator, Output, PerKey
from mzlite.planner.scope import PENDING, Context, Stage, unique
from mzlite.planner.syntax import ast

ACCUMULABLE = frozenset({"count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every"})
"""Aggregates that a group's row can carry as sums and counts (min and max with an ordered index of values)."""


@dataclass
class Grouped:
    """The result of grouping: the operator as an input, and how to rewrite expressions above it."""

    source: Input
    replacements: dict[str, Node]

    def above(self, expression: Node) -> Node:
        """The expression with group keys and aggregate calls replaced by the columns that hold them."""

        def change(node: Node) -> Node | None:
            return self.replacements.get(sql(node)) if isinstance(node, ast.Node) else None

        result = rewrite(expression, change)
        for alias, name in references(result):
            if alias not in (self.source.alias, PENDING):
                message = f'column "{name}" must appear in the GROUP BY clause or be used in an aggregate function'
                raise unsupported(message)
        return result


def group(context: Context, stage: Stage, keys: list[Node], above: list[Node]) -> Grouped:
    """Groups a stage by `keys` for the expressions `above` (all resolved, as of the stage's beginning)."""
    keys = [stage.current(key) for key in keys]
    above = [stage.current(node) for node in above]
    calls = aggregate_calls(above)
    source = stage.collapse(context, [*keys, *calls])
    alias = context.alias()
    taken: set[str] = set()
    replacements: dict[str, Node] = {}
    key_outputs: list[Output] = []
    for key in map(stage.current, keys):
        if sql(key) not in replacements:
            name = unique(key_name(key), taken)
            key_outputs.append((name, key))
            replacements[sql(key)] = column(alias, name)
    call_outputs: list[Output] = []
    for call in map(stage.current, calls):
        name = unique(str(function_name(call)), taken)
        call_outputs.append((name, call))
        replacements[sql(call)] = column(alias, name)
    operator = grouped_operator(source, tuple(key_outputs), tuple(call_outputs))
    return Grouped(Input(alias, operator), replacements)


def key_name(key: Node) -> str:
    """A readable name for a group key's column."""
    if isinstance(key, ast.ColumnRef):
        return str(key.fields[-1].sval)
    return function_name(key) or "key"


def aggregate_calls(expressions: list[Node]) -> list[Node]:
    """The distinct aggregate calls in the expressions, outermost query level only."""
    found: dict[str, Node] = {}
    for expression in expressions:
        for node in walk(expression, into_subqueries=False):
            if is_aggregate(node):
                found.setdefault(sql(node), node)
    return list(found.values())


def accumulable(call: Node) -> bool:
    """Whether a group's row can carry this aggregate."""
    return function_name(call) in ACCUMULABLE and not call.agg_order and not call.agg_within_group


def grouped_operator(source: Input, keys: tuple[Output, ...], calls: tuple[Output, ...]) -> Operator:
    """Aggregate where every call accumulates, else a recomputation of the touched groups."""
    if all(accumulable(call) for _, call in calls):
        return Aggregate(source, keys, calls)
    outputs = ", ".join(f"{sql(node)} as {quote(name)}" for name, node in (*keys, *calls))
    query = f"select {outputs} from {{input}} as {quote(source.alias)}"
    if keys:
        query += " group by " + ", ".join(sql(key) for _, key in keys)
    names = tuple(name for name, _ in (*keys, *calls))
    counts = tuple(name for name, node in calls if function_name(node) == "count")
    return PerKey(source, keys, query, names, "Aggregate per group", counts)
