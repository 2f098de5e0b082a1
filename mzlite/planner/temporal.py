"""Temporal filters: conditions that compare mz_now() with an expression.

In: one conjunct of a WHERE or HAVING. Out: the bounds of the interval of mz_now() in which
it holds, in milliseconds, and the filter over a stage. The forms and their refusals are those of Materialize's manual,
"Temporal filters": mz_now() stands alone on one side of =, <, <=, >, >= or BETWEEN.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mzlite.errors import unsupported
from mzlite.planner.expressions import Node, column, conjuncts, contains_function, function_name, references, sql
from mzlite.planner.operators import Bound, Input, Temporal
from mzlite.planner.syntax import ast, enums

if TYPE_CHECKING:
    from mzlite.planner.scope import Context, Stage

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}

NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def is_temporal(condition: Node) -> bool:
    """Whether a condition depends on the clock."""
    return contains_function(condition, "mz_now")


def is_clock(expression: Node) -> bool:
    """mz_now() itself, possibly under a cast to mz_timestamp."""
    if isinstance(expression, ast.TypeCast):
        return expression.typeName.names[-1].sval == "mz_timestamp" and is_clock(expression.arg)
    return function_name(expression) == "mz_now"


def bounds(condition: Node) -> list[Bound]:
    """The bounds that one conjunct states.

    Raises:
        MzError: the condition is of a form that Materialize does not take either.
    """
    if isinstance(condition, ast.A_Expr):
        if condition.kind == enums.A_Expr_Kind.AEXPR_BETWEEN and is_clock(condition.lexpr):
            low, high = condition.rexpr
            return [*compared(">=", low, condition), *compared("<=", high, condition)]
        if condition.kind == enums.A_Expr_Kind.AEXPR_OP and condition.lexpr is not None:
            operator = condition.name[-1].sval
            if operator in MIRRORED and is_clock(condition.lexpr):
                return compared(operator, condition.rexpr, condition)
            if operator in MIRRORED and is_clock(condition.rexpr):
                return compared(MIRRORED[operator], condition.lexpr, condition)
    raise refused(condition)


def split(condition: Node, *, negated: bool = False) -> list[Node]:
    """The conjuncts of a condition on the clock, with NOT moved down to comparisons."""
    if isinstance(condition, ast.BoolExpr):
        kinds = enums.BoolExprType
        if condition.boolop == kinds.NOT_EXPR:
            return split(condition.args[0], negated=not negated)
        if condition.boolop == (kinds.OR_EXPR if negated else kinds.AND_EXPR):
            return [part for argument in condition.args for part in split(argument, negated=negated)]
    if not negated:
        return [condition]
    if is_temporal(condition) and isinstance(condition, ast.A_Expr) and condition.lexpr is not None:
        operator = condition.name[-1].sval
        if condition.kind == enums.A_Expr_Kind.AEXPR_OP and operator in NEGATED:
            return [ast.A_Expr(**{**fields(condition), "name": (ast.String(sval=NEGATED[operator]),)})]
        if condition.kind == enums.A_Expr_Kind.AEXPR_NOT_BETWEEN:
            return [ast.A_Expr(**{**fields(condition), "kind": enums.A_Expr_Kind.AEXPR_BETWEEN})]
    return [ast.BoolExpr(boolop=enums.BoolExprType.NOT_EXPR, args=(condition,))]


def filters(condition: Node | None) -> list[Node]:
    """The conjuncts of a condition, each of which depends on the clock in one way at most."""
    return [found for part in conjuncts(condition) for found in (split(part) if is_temporal(part) else [part])]


def fields(node: Node) -> dict[str, Node]:
    """A node's fields."""
    return {name: getattr(node, name) for name in node}


def compared(operator: str, expression: Node, condition: Node) -> list[Bound]:
    """The bounds of `mz_now() operator expression`."""
    if is_temporal(expression):
        raise refused(condition)
    return {
        "<": [Bound("until", expression, 0)],
        "<=": [Bound("until", expression, 1)],
        ">": [Bound("from", expression, 1)],
        ">=": [Bound("from", expression, 0)],
        "=": [Bound("from", expression, 0), Bound("until", expression, 1)],
    }[operator]


def refused(condition: Node) -> Exception:
    """Materialize's refusal of a temporal condition that it cannot maintain."""
    return unsupported(
        "Unsupported temporal predicate. Note: `mz_now()` must be directly compared to a non-temporal expression of "
        f"mz_timestamp-castable type. Expression found: {sql(condition)}"
    )


def filter_by_clock(context: Context, stage: Stage, extra: Iterable[Node] = ()) -> None:
    """Moves the stage's temporal conditions into a temporal filter above its join.

    What its `above` and `extra` read is kept.
    """
    clock = [part for part in stage.where if is_temporal(part)]
    if not clock:
        return
    found = [bound for part in clock for bound in bounds(part)]
    stage.where = [part for part in stage.where if not is_temporal(part)]
    above = [*stage.above, *extra]
    source = stage.collapse(context, [*above, *(bound.expression for bound in found)])
    found = [Bound(bound.kind, stage.current(bound.expression), bound.plus) for bound in found]
    kept = {name for node in above for alias, name in references(stage.current(node)) if alias == source.alias}
    names = tuple(name for name in source.operator.columns() if name in kept)
    alias = context.alias()
    move = {(source.alias, name): column(alias, name) for name in names}
    stage.replace(Input(alias, Temporal(source, tuple(found), names)), move)
