"""Comparisons with the elements of an array of another type, `x = ANY (array)`.

In: a query, and the error with which PostgreSQL has refused it: `failed to find conversion function from numeric[] to
real[]`. Out: the queries with a cast of one of its arrays, of which one is meant.

Materialize converts each element as it does any operand. PostgreSQL converts the array, and may not without a written
cast.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mzlite.dialect import ast
from mzlite.dialect.common_types import roots

_REFUSED = re.compile(r"^failed to find conversion function from .+\[\] to (.+\[\])$")
_COMPARING = re.compile(r"\b(?:any|all|some)\s*\(", re.IGNORECASE)


def compares_elements(sql: str) -> bool:
    """Whether a query may compare with the elements of an array.

    >>> compares_elements("select a = any (b) from t"), compares_elements("select a from t")
    (True, False)
    """
    return _COMPARING.search(sql) is not None


def is_refused(message: str) -> bool:
    """Whether PostgreSQL has refused to convert an array.

    >>> is_refused("failed to find conversion function from numeric[] to real[]")
    True
    """
    return _REFUSED.match(message) is not None


def casts(sql: str, message: str) -> Iterator[str]:
    """The query with each of its arrays cast in turn, and with all of them.

    >>> list(casts("select 1 = any (a)", "failed to find conversion function from numeric[] to real[]"))
    ['select 1 = any ((a)::real[])']
    """
    found = _REFUSED.match(message)
    if found is None:
        return
    nodes = [node for root in roots(sql) for node in ast.walk(root) if isinstance(node, ast.Quantified)]
    arrays = [node.right.expression if isinstance(node.right, ast.Nested) else node.right for node in nodes]
    # What has a cast already may have got it here.
    for array in sorted(arrays, key=lambda node: isinstance(node, ast.Cast)):
        yield _cast(sql, [array], found[1])
    if len(arrays) > 1:
        yield _cast(sql, arrays, found[1])


def _cast(sql: str, arrays: list[ast.Expression], target: str) -> str:
    for array in sorted(arrays, key=lambda node: node.start, reverse=True):
        sql = f"{sql[: array.start]}({sql[array.start : array.end]})::{target}{sql[array.end :]}"
    return sql
