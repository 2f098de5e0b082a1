"""Subqueries in conditions: EXISTS, IN and their negations become semi and anti joins.

In: a stage and one conjunct that holds a subquery. Out: the stage with that join as its
input. Correlated references are taken out of the subquery's WHERE into the join's condition.
"""

from __future__ import annotations

from typing import Literal

from mzlite.errors import unsupported
from mzlite.planner.expressions import Node, aliases, column, conjuncts, contains_aggregate, references, walk
from mzlite.planner.from_clause import equality, lower_from
from mzlite.planner.operators import Input, OuterJoin, Select
from mzlite.planner.scope import Context, Scope, Stage, resolve, unique
from mzlite.planner.syntax import ast, enums


def has_subquery(expression: Node) -> bool:
    """Whether a subquery occurs in the expression."""
    return any(isinstance(node, ast.SubLink) for node in walk(expression))


def apply_condition(context: Context, stage: Stage, condition: Node) -> None:
    """Filters the stage by one conjunct with a subquery."""
    negated = False
    while isinstance(condition, ast.BoolExpr) and condition.boolop == enums.BoolExprType.NOT_EXPR:
        condition, negated = condition.args[0], not negated
    if not isinstance(condition, ast.SubLink):
        raise unsupported("a subquery inside a larger condition is not supported in a maintained view")
    is_exists = condition.subLinkType == enums.SubLinkType.EXISTS_SUBLINK
    is_in = condition.subLinkType == enums.SubLinkType.ANY_SUBLINK and (
        not condition.operName or condition.operName[-1].sval == "="
    )
    if not is_exists and not (is_in and not negated):
        raise unsupported("this form of subquery is not supported in a maintained view: use EXISTS, NOT EXISTS or IN")
    inner, pulled = lower_correlated(context, stage, condition.subselect)
    on = list(pulled)
    if is_in:
        tests = condition.testexpr.args if isinstance(condition.testexpr, ast.RowExpr) else (condition.testexpr,)
        names = inner.operator.columns()
        on += [
            equality(resolve(test, stage.scope), column(inner.alias, name))
            for test, name in zip(tests, names, strict=False)
        ]
    kind: Literal["semi", "anti"] = "anti" if negated else "semi"
    left = stage.collapse(context, [node for item in stage.scope.visible for node in item.columns.values()])
    on = [stage.current(part) for part in on]
    alias = context.alias()
    outputs = tuple((name, column(left.alias, name)) for name in left.operator.columns())
    move = {(left.alias, name): column(alias, name) for name in left.operator.columns()}
    stage.replace(Input(alias, OuterJoin(kind, left, inner, tuple(on), outputs)), move)


def lower_correlated(context: Context, stage: Stage, query: Node) -> tuple[Input, list[Node]]:
    """A subquery as an input, and the conditions that tie it to the stage's row (references to both)."""
    around = Scope(visible=stage.scope.visible, outer=stage.scope.outer)
    found: set[tuple[str, str]] = set()
    if not is_plain(query):
        operator = context.lower_query(context.nested(), query, around)
        return Input(context.alias(), operator), []
    inner = lower_from(context, query.fromClause or (), around)
    own = {source.alias for source in inner.sources} | {table.alias for table in inner.tables}
    pulled: list[Node] = []
    for part in conjuncts(query.whereClause):
        if has_subquery(part):
            apply_condition(context, inner, part)
            own = {source.alias for source in inner.sources} | {table.alias for table in inner.tables}
            continue
        resolved = resolve(part, inner.scope, correlated=found)
        (inner.where if aliases(resolved) <= own else pulled).append(resolved)
    targets = [resolve(item.val, inner.scope) for item in query.targetList or () if not is_constant(item.val)]
    alias = context.alias()
    taken: set[str] = set()
    outputs: list[tuple[str, Node]] = []
    for target in targets:
        outputs.append((unique("value", taken), target))
    move: dict[tuple[str, str], Node] = {}
    pulled = [inner.current(part) for part in pulled]
    for source, name in sorted({ref for part in pulled for ref in references(part)}):
        if source in {item.alias for item in inner.sources} | {table.alias for table in inner.tables}:
            output = unique(name, taken)
            outputs.append((output, column(source, name)))
            move[(source, name)] = column(alias, output)
    if not outputs:
        outputs = [("one", ast.A_Const(val=ast.Integer(ival=1)))]
    outputs = [(name, inner.current(node)) for name, node in outputs]
    operator = Select(tuple(inner.sources), tuple(inner.where), tuple(outputs), tuple(inner.tables))
    from mzlite.planner.scope import rebase

    return Input(alias, operator), [rebase(part, move) for part in pulled]


def is_plain(query: Node) -> bool:
    """A SELECT that only joins, filters and projects."""
    return (
        query.op == enums.SetOperation.SETOP_NONE
        and not query.valuesLists
        and not query.groupClause
        and not query.havingClause
        and not query.distinctClause
        and query.limitCount is None
        and query.limitOffset is None
        and query.withClause is None
        and not any(contains_aggregate(item.val) for item in query.targetList or ())
    )


def is_constant(node: Node) -> bool:
    """An expression that reads no column (the `1` of `exists (select 1 ..)`)."""
    return not any(isinstance(item, (ast.ColumnRef, ast.SubLink, ast.A_Star)) for item in walk(node))
