"""Which expressions may fail for some row.

In: a resolved expression and the types of the columns that it reads. Out: whether it divides by what may be zero, reads
a value out of a text, or calls a function that is not defined everywhere. Overflows are left out: nearly everything
that computes could overflow.
"""

from __future__ import annotations

from collections.abc import Callable

from mzlite.planner.expressions import Node, function_name, reference, walk
from mzlite.planner.syntax import ast, enums

PARTIAL = frozenset(["acos", "acosh", "asin", "atanh", "ln", "log", "log10", "mod", "pow", "power", "sqrt"])
TEXTS = frozenset(["text", "character varying", "jsonb"])


def may_fail(expression: Node, type_of: Callable[[str], str]) -> bool:
    """Whether an expression may fail.

    Args:
        type_of: the type of a column of the one input that it reads.
    """
    return any(_may_fail(part, type_of) for part in walk(expression))


def _may_fail(part: Node, type_of: Callable[[str], str]) -> bool:
    if isinstance(part, ast.TypeCast):
        return part.typeName.names[-1].sval not in TEXTS and _is_text(part.arg, type_of)
    if isinstance(part, ast.A_Expr) and part.lexpr is not None and part.name[-1].sval in ("/", "%"):
        return not _is_never_zero(part.rexpr)
    return function_name(part) in PARTIAL


def _is_text(node: Node, type_of: Callable[[str], str]) -> bool:
    if isinstance(node, ast.A_Expr):
        return node.name[-1].sval in ("->>", "#>>", "||", "->", "#>")
    found = reference(node)
    return found is not None and type_of(found[1]) in TEXTS


def _is_never_zero(divisor: Node) -> bool:
    """A constant, or one of the usual guards: nullif(.., 0), greatest(.., 1)."""
    while isinstance(divisor, ast.TypeCast):
        divisor = divisor.arg
    if isinstance(divisor, ast.MinMaxExpr):
        return divisor.op == enums.MinMaxOp.IS_GREATEST and any((_constant(part) or 0) > 0 for part in divisor.args)
    if isinstance(divisor, ast.A_Expr):
        return divisor.kind == enums.A_Expr_Kind.AEXPR_NULLIF and _constant(divisor.rexpr) == 0
    return _constant(divisor) not in (None, 0)


def _constant(node: Node) -> float | None:
    """The value of a constant number; None for anything else."""
    while isinstance(node, ast.TypeCast):
        node = node.arg
    if not isinstance(node, ast.A_Const) or node.isnull:
        return None
    if isinstance(node.val, ast.Integer):
        return float(node.val.ival)
    try:
        return float(node.val.fval if isinstance(node.val, ast.Float) else node.val.sval)
    except (AttributeError, ValueError):
        return None
