"""Errors about values that do not become what is asked for.

In: an error in which PostgreSQL says so, and the statement. Out: what Materialize says of it.
"""

from __future__ import annotations

import re

from mzlite.dialect import ast
from mzlite.dialect.common_types import location, roots
from mzlite.dialect.lists import in_words
from mzlite.errors import MzError

_UPDATE = re.compile(r"\s*update\b", re.IGNORECASE)
_ASSIGNED = re.compile(r'column ".*" is of type (.*) but expression is of type (.*)$')
_IN_CASE = re.compile(r"CASE (?:types (.*) and (.*) cannot be matched|could not convert type (.*) to (.*))")
_ARGUMENT = re.compile(r"failed to find conversion function from (.*) to (.*)$")
_LIKE = re.compile(r"operator does not exist: (.*) !?~~\*? (.*)$")
_TEXTS = ("text", "varchar", "char", "name", '"char"', "unknown")
_TAKES_ARRAYS = re.compile(r"\|\||\barray_\w+", re.IGNORECASE)


def with_short_names(message: str) -> str:
    """A message with Materialize's names of the types that have longer ones in PostgreSQL.

    >>> with_short_names('character, character varying[], "character", time without time zone')
    'char, varchar[], "character", time'
    """
    message = re.sub(r"\btime without time zone\b", "time", message)
    return re.sub(r'(?<!["\w])character( varying)?(?!["\w])', lambda found: "varchar" if found[1] else "char", message)


def of_conversion(error: MzError, sql: str, position: int | None) -> MzError:
    """The error in Materialize's words; unchanged if it is another one.

    Args:
        error: what PostgreSQL has said.
        sql: what it was sent.
        position: the character that it has pointed at, from 0.
    """
    message = error.message
    if (found := _ASSIGNED.match(message)) is not None and _UPDATE.match(sql) is not None:
        return MzError(f"SET clause does not support casting from {found[2]} to {found[1]}")
    if (found := _ARGUMENT.match(message)) is not None and (taking := _TAKES_ARRAYS.search(sql)) is not None:
        types = (with_short_names(in_words(kind)) for kind in found.groups())
        return MzError("{} does not support implicitly casting from {} to {}".format(taking[0].lower(), *types))
    if (found := _LIKE.match(message)) is not None and "~~" not in sql:
        kind = found[2] if found[1] in _TEXTS else found[1]
        return MzError(f"LIKE argument does not support implicitly casting from {kind} to text")
    if position is not None and (found := _IN_CASE.match(message)) is not None and is_first_result(sql, position):
        if found[1] is None:
            return MzError(f"CASE could not convert type {found[4]} to {found[3]}")
        return MzError(f"CASE types {found[2]} and {found[1]} cannot be matched")
    return error


def is_first_result(sql: str, position: int) -> bool:
    """Whether PostgreSQL has pointed at the first result of a CASE that has a type: it looks at ELSE before all others.

    >>> is_first_result("select case when a then null when b then c else d end", 41), is_first_result("select c", 7)
    (True, False)
    """
    return any(
        isinstance(node, ast.Case)
        and next((location(part) == position for part in node.results if not _is_untyped(part)), False)
        for root in roots(sql)
        for node in ast.walk(root)
    )


def _is_untyped(node: ast.Expression) -> bool:
    return isinstance(node, ast.Value) and node.kind in ("string", "null")
