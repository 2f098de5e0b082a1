"""Small tools over PostgreSQL expression trees (pglast nodes).

In: raw parse trees. Out: parts of them (conjuncts, column references, aggregate calls),
rewritten copies, and their SQL text. Trees are never changed in place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from mzlite.planner.syntax import RawStream, ast, enums, parse_sql

Node = Any
"""A pglast syntax node; the library ships no types for its fields."""

AGGREGATES = frozenset(
    [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "bool_and",
        "bool_or",
        "every",
        "string_agg",
        "array_agg",
        "list_agg",
        "map_agg",
        "jsonb_agg",
        "jsonb_object_agg",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "variance",
        "var_pop",
        "var_samp",
    ]
)
WINDOW_ONLY = frozenset(
    [
        "row_number",
        "rank",
        "dense_rank",
        "lag",
        "lead",
        "first_value",
        "last_value",
        "ntile",
        "percent_rank",
        "cume_dist",
    ]
)


SET_RETURNING = frozenset(
    [
        "unnest",
        "generate_series",
        "generate_subscripts",
        "jsonb_array_elements",
        "jsonb_array_elements_text",
        "jsonb_each",
        "jsonb_each_text",
        "jsonb_object_keys",
        "regexp_matches",
        "regexp_split_to_table",
        "string_to_table",
        "csv_extract",
    ]
)


def sql(node: Node) -> str:
    """The SQL text of an expression."""
    return str(RawStream()(node))


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, through tuples."""
    if isinstance(node, tuple):
        for item in node:
            if isinstance(item, (ast.Node, tuple)):
                yield item
        return
    for attribute in node:
        value = getattr(node, attribute)
        if isinstance(value, (ast.Node, tuple)):
            yield value


def walk(node: Node, *, into_subqueries: bool = True) -> Iterator[Node]:
    """`node` and every node below it, outermost first."""
    if isinstance(node, ast.Node):
        yield node
        if not into_subqueries and isinstance(node, ast.SubLink):
            if node.testexpr is not None:
                yield from walk(node.testexpr, into_subqueries=False)
            return
    for child in children(node):
        yield from walk(child, into_subqueries=into_subqueries)


def rewrite(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """A copy of `node` in which each subtree for which `change` gives a node is replaced by it."""
    if isinstance(node, tuple):
        return tuple(rewrite(item, change) for item in node)
    if not isinstance(node, ast.Node):
        return node
    replacement = change(node)
    if replacement is not None:
        return replacement
    fields = {attribute: rewrite(getattr(node, attribute), change) for attribute in node}
    return type(node)(**fields)


def column(alias: str, name: str) -> Node:
    """A reference to a column of the input called `alias`."""
    return ast.ColumnRef(fields=(ast.String(sval=alias), ast.String(sval=name)))


LOWERED = re.compile(r"q\d+|mz_subquery")
"""The aliases of inputs; what has another one is a name within a subquery that was left in its expression."""


def reference(node: Node) -> tuple[str, str] | None:
    """(alias, column) when `node` is a resolved column reference, else None."""
    if isinstance(node, ast.ColumnRef) and len(node.fields) == 2 and LOWERED.fullmatch(node.fields[0].sval):
        return node.fields[0].sval, node.fields[1].sval
    return None


def references(node: Node) -> set[tuple[str, str]]:
    """Every (alias, column) that a resolved expression reads."""
    return {found for item in walk(node) if (found := reference(item)) is not None}


def aliases(node: Node) -> set[str]:
    """The inputs that a resolved expression reads."""
    return {alias for alias, _ in references(node)}


def conjuncts(node: Node | None) -> list[Node]:
    """The operands of the topmost ANDs of a condition; none for a missing one."""
    if node is None:
        return []
    if isinstance(node, ast.BoolExpr) and node.boolop == enums.BoolExprType.AND_EXPR:
        return [part for argument in node.args for part in conjuncts(argument)]
    return [node]


def conjunction(parts: list[Node]) -> Node | None:
    """The AND of the parts; None for no parts."""
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    return ast.BoolExpr(boolop=enums.BoolExprType.AND_EXPR, args=tuple(parts))


def function_name(node: Node) -> str | None:
    """The unqualified, lower-case name of a function call; None for anything else."""
    if isinstance(node, ast.FuncCall):
        return str(node.funcname[-1].sval)
    return None


def default_name(node: Node) -> str:
    """The name PostgreSQL gives an unnamed column."""
    if isinstance(node, ast.ColumnRef):
        return str(node.fields[-1].sval)
    return function_name(node) or "?column?"


def is_aggregate(node: Node) -> bool:
    """An aggregate call that is not a window function."""
    if not isinstance(node, ast.FuncCall) or node.over is not None or function_name(node) not in AGGREGATES:
        return False
    # What the dialect writes in place of avg() and its like divides sums; it has the name, and is in this schema.
    return len(node.funcname) == 1 or node.funcname[0].sval != "mz_internal"


def contains_aggregate(node: Node) -> bool:
    """Whether an aggregate of this query level occurs in the expression."""
    return any(is_aggregate(item) for item in walk(node, into_subqueries=False))


def contains_window(node: Node) -> bool:
    """Whether a window function of this query level occurs in the expression."""
    return any(isinstance(item, ast.FuncCall) and item.over is not None for item in walk(node, into_subqueries=False))


def contains_function(node: Node, name: str) -> bool:
    """Whether a call of the function `name` occurs anywhere in the expression."""
    return any(function_name(item) == name for item in walk(node))


def equality_sides(node: Node) -> tuple[Node, Node] | None:
    """Both sides of `a = b`; None for any other condition."""
    if (
        isinstance(node, ast.A_Expr)
        and node.kind == enums.A_Expr_Kind.AEXPR_OP
        and node.name[-1].sval == "="
        and node.lexpr is not None
    ):
        return node.lexpr, node.rexpr
    return None


def equality(left: Node, right: Node) -> Node:
    """`left = right`."""
    name = (ast.String(sval="="),)
    return ast.A_Expr(kind=enums.A_Expr_Kind.AEXPR_OP, name=name, lexpr=left, rexpr=right)


def same(left: Node, right: Node) -> Node:
    """`left IS NOT DISTINCT FROM right`."""
    name = (ast.String(sval="="),)
    return ast.A_Expr(kind=enums.A_Expr_Kind.AEXPR_NOT_DISTINCT, name=name, lexpr=left, rexpr=right)


def same_sides(node: Node) -> tuple[Node, Node] | None:
    """Both sides of `a IS NOT DISTINCT FROM b`, which PostgreSQL prints as a negation; None for any other condition."""
    kinds = enums.A_Expr_Kind
    if isinstance(node, ast.BoolExpr) and node.boolop == enums.BoolExprType.NOT_EXPR:
        node, wanted = node.args[0], kinds.AEXPR_DISTINCT
    else:
        wanted = kinds.AEXPR_NOT_DISTINCT
    return (node.lexpr, node.rexpr) if isinstance(node, ast.A_Expr) and node.kind == wanted else None


def negation(condition: Node) -> Node:
    """NOT the condition."""
    return ast.BoolExpr(boolop=enums.BoolExprType.NOT_EXPR, args=(condition,))


def expression(text: str) -> Node:
    """The tree of an expression's text."""
    return parse_sql(f"select {text}")[0].stmt.targetList[0].val


def quote(identifier: str) -> str:
    """An identifier as SQL text, always quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as an SQL literal."""
    escaped = text.replace("'", "''")
    return f"E'{escaped.replace(chr(92), chr(92) * 2)}'" if "\\" in text else f"'{escaped}'"
