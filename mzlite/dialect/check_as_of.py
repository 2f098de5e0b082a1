"""What AS OF and UP TO take: a moment that can be told when the statement is planned.

In: a parsed statement. Out: nothing; raises MzError. Judged is what can be told without evaluating: literals and their
casts.
"""

from __future__ import annotations

import re
from decimal import Decimal

from mzlite.dialect import ast, moments
from mzlite.dialect.check_names import check_names
from mzlite.dialect.check_values import unsupported, visible_type
from mzlite.dialect.functions import UNMATERIALIZABLE, VALUE_FUNCTIONS
from mzlite.dialect.parser import ParsedStatement
from mzlite.errors import MzError

_NO_MOMENT = "AS OF or UP TO should be castable to a (non-null) mz_timestamp value"


def check_as_of(parsed: ParsedStatement) -> None:
    """Raises for what is no moment, whatever a statement reads."""
    for expression, _ in parsed.as_of:
        check_names([expression])
        for node in ast.walk(expression):
            _check_node(node)
        if _is_no_moment(expression):
            raise MzError(_NO_MOMENT)


def _check_node(node: ast.Node) -> None:
    name = None
    if isinstance(node, ast.Function):
        name = node.name[-1]
    elif isinstance(node, ast.Identifier) and node.parts[0] in VALUE_FUNCTIONS:
        name = node.parts[0]
    elif isinstance(node, ast.Identifier):
        raise MzError(f'column "{".".join(node.parts)}" does not exist')
    if name in UNMATERIALIZABLE:
        raise unsupported("calling an unmaterializable function in AS OF or UP TO")
    if isinstance(node, ast.Sequence):
        element = visible_type(node.items[0]) if node.items else "text"
        kind = f"{element} list" if node.kind == "list" else f"{element}[]"
        raise MzError(f"AS OF or UP TO does not support casting from {kind} to mz_timestamp")


def _is_no_moment(expression: ast.Expression) -> bool:
    while isinstance(expression, ast.Nested):
        expression = expression.expression
    if isinstance(expression, ast.Operation):
        divisor = expression.right
        return expression.operator == "/" and isinstance(divisor, ast.Value) and divisor.value == "0"
    is_cast = isinstance(expression, ast.Cast)
    while isinstance(expression, (ast.Cast, ast.Nested)):
        expression = expression.expression
    match expression:
        case ast.Value(kind="null"):
            return True
        case ast.Value(kind="number"):
            number = Decimal(expression.value)
            return number != number.to_integral_value() or not 0 <= number < 2**64
        case ast.Value(kind="string") if not is_cast:
            text = expression.value.strip()
            if re.match(r"[0-9]+-[0-9]+-[0-9]+", text) is None:
                return re.fullmatch(r"[0-9]+", text) is None
            return moments.out_of_range("timestamp", text) is not None
        case _:
            return False
