"""Finds arrays of what has none: of columns that are lists, and of arrays that a query gives.

In: a query as PostgreSQL is sent it. Out: the same with calls of probes in the place of its arrays, to be analysed and
not run: where an array would be of such, PostgreSQL finds a procedure there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mzlite.dialect import ast
from mzlite.dialect.common_types import roots

ARRAY_PROBE = "mz_internal.plain_array"
QUERY_PROBE = "mz_internal.array_of"
_ARRAYS = re.compile(r"\barray\s*[\[(]", re.IGNORECASE)
_MADE_OF_ARRAYS = frozenset([("mz_internal", "list"), ("mz_internal", "map")])


def probed(sql: str) -> str | None:
    """The query with a probe around each array; None if it has none.

    >>> probed("select array[a], array(select b), mz_internal.list(array[c]) from t")
    'select mz_internal.plain_array(array[a]), mz_internal.array_of((select b)), mz_internal.list(array[c]) from t'
    """
    if _ARRAYS.search(sql) is None:
        return None
    edits = sorted((edit for root in roots(sql) for edit in _edits(sql, root)), reverse=True)
    for place, removed, text in edits:
        sql = sql[:place] + text + sql[place + removed :]
    return sql if edits else None


def _edits(sql: str, node: ast.Node) -> Iterator[tuple[int, int, str]]:
    """Places with how many characters go and what comes."""
    match node:
        case ast.Sequence(kind="array") if sql[node.start] != "[":
            yield node.start, 0, f"{ARRAY_PROBE}("
            yield node.end, 0, ")"
        case ast.SequenceSubquery(kind="array"):
            yield node.start, len("array"), f"{QUERY_PROBE}("
            yield node.end, 0, ")"
        case _:
            pass
    for child in ast.children(node):
        yield from _edits_below(sql, node, child)


def _edits_below(sql: str, parent: ast.Node, node: ast.Node) -> Iterator[tuple[int, int, str]]:
    """Those of a node; an array that is cast gets its type from there, and lists and maps are made of one."""
    makes = isinstance(parent, ast.Function) and parent.name in _MADE_OF_ARRAYS
    if (isinstance(node, ast.Sequence) and (makes or isinstance(parent, ast.Cast))) or (
        isinstance(node, ast.SequenceSubquery) and makes
    ):
        for child in ast.children(node):
            yield from _edits_below(sql, node, child)
    else:
        yield from _edits(sql, node)
