"""Literals in sums, differences, products and quotients, which may be intervals.

In: a query as PostgreSQL is sent it. Out: its literals without a type beside such an operator, the query with something
else in the place of one, and what Materialize makes of one beside a type. PostgreSQL takes a literal for what stands
beside it (`ts - '1 day'` is a difference of timestamps) or does not know (`date + '1 day'`); Materialize prefers an
interval, or cannot choose, since an operator takes something else in that place, too (`'2' * double precision`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mzlite.dialect import ast
from mzlite.dialect.check_values import check_interval
from mzlite.dialect.common_types import roots
from mzlite.dialect.pg_errors import where_depth
from mzlite.errors import MzError

_TRACE = re.compile(r"[-+]\s*\(*\s*(?:'|null\b)|(?:'|\bnull)\s*\)*\s*[-+*/]", re.IGNORECASE)
_PROBE = "null::pg_catalog.uuid"
_COMPLAINT = re.compile(r"^operator does not exist: (?:uuid [-+*/] (?P<right>.*)|(?P<left>.*) [-+] uuid)$")
_MOMENTS = ("date", "time without time zone", "timestamp without time zone")
_AMBIGUOUS = frozenset(
    [
        ("+", "interval"), ("-", "interval"), ("-", "bigint"), ("*", "double precision"), ("/", "double precision"),
    ]
)  # fmt: skip
"""Operators with what stands behind them, of which Materialize cannot tell what a literal before them is."""
_HINT = "Could not choose a best candidate operator. You might need to add explicit type casts."


@dataclass(frozen=True)
class Operand:
    """A literal without a type.

    Attributes:
        start, end: where it stands.
        text: what it says; None of NULL.
        operator: `+`, `-`, `*` or `/`.
        is_left: whether it stands before the operator.
    """

    start: int
    end: int
    text: str | None
    operator: str
    is_left: bool


def may_have_operands(sql: str) -> bool:
    """Whether a query may have such literals: cheap, and seldom true.

    >>> may_have_operands("select ts - '1 day' from t"), may_have_operands("select ts - x from t")
    (True, False)
    """
    return _TRACE.search(sql) is not None


def operands(sql: str) -> list[Operand]:
    """The literals in the order in which they stand.

    >>> [(one.start, one.is_left) for one in operands("select ts - '1 day', null + d, 1 - n, a - interval '1 day'")]
    [(12, False), (21, True)]
    """
    if not may_have_operands(sql):
        return []
    found = (operand for root in roots(sql) for node in ast.walk(root) for operand in _of(node))
    return sorted(set(found), key=lambda operand: operand.start)


def probed(sql: str, operand: Operand) -> str:
    """The query with what nothing can be added to in the place of a literal: PostgreSQL says what stands beside it."""
    return f"{sql[: operand.start]}{_PROBE}{sql[operand.end :]}"


def neighbour(message: str, operand: Operand) -> str | None:
    """The type beside a literal, by what PostgreSQL says of the probed query.

    >>> neighbour("operator does not exist: date - uuid", Operand(0, 0, None, "-", False))
    'date'
    """
    found = _COMPLAINT.match(message)
    return None if found is None else found["right" if operand.is_left else "left"]


def as_interval(sql: str, operand: Operand, kind: str) -> str | None:
    """The query in which the literal beside a type is an interval; None if it is not.

    Raises:
        MzError: Materialize does not know what it is, or it is no interval.

    >>> as_interval("select ts - '1 day'", Operand(12, 19, "1 day", "-", False), "timestamp without time zone")
    "select ts - '1 day'::pg_catalog.interval"
    """
    if operand.is_left and (operand.operator, kind) in _AMBIGUOUS:
        where = "WHERE clause error: " * where_depth(sql, operand.start)
        raise MzError(f"{where}operator is not unique: unknown {operand.operator} {kind}", hint=_HINT)
    subtracted = operand.operator == "-" and not operand.is_left
    if (subtracted and kind in _MOMENTS) or (operand.operator == "+" and kind == "date"):
        if operand.text is not None:
            check_interval(operand.text, None)
        return f"{sql[: operand.end]}::pg_catalog.interval{sql[operand.end :]}"
    return None


def _of(node: ast.Node) -> Iterator[Operand]:
    if not isinstance(node, ast.Operation) or node.operator not in ("+", "-", "*", "/") or node.left is None:
        return
    left, right = _literal(node.left), _literal(node.right)
    if left is not None and right is None:
        yield Operand(left.start, left.end, _text(left), node.operator, is_left=True)
    elif right is not None and left is None and node.operator in ("+", "-"):
        yield Operand(right.start, right.end, _text(right), node.operator, is_left=False)


def _text(literal: ast.Value) -> str | None:
    return literal.value if literal.kind == "string" else None


def _literal(node: ast.Expression) -> ast.Value | None:
    while isinstance(node, ast.Nested):
        node = node.expression
    return node if isinstance(node, ast.Value) and node.kind in ("string", "null") else None
