"""Says what Materialize says of calls that no value has the types for.

In: an error of PostgreSQL about a call, and the statement. Out: the same in Materialize's words. Where PostgreSQL would
find a function that Materialize has not, `storage/sql` has a procedure of its name and types: to call one in a query is
an error that PostgreSQL finds while it reads the query.
"""

from __future__ import annotations

import re

from mzlite.dialect.array_probes import ARRAY_PROBE, QUERY_PROBE
from mzlite.dialect.maps import MAP_KEY
from mzlite.errors import MzError

_PROCEDURE = re.compile(r"^(?:mz_catalog\.|pg_catalog\.)?((?:mz_internal\.)?\w+)\((.*)\) is a procedure$")
_NO_ARRAY = re.compile(r"^could not find array type for data type (.*)$")
_NO_SUCH = "No function matches the given name and argument types. You might need to add explicit type casts."


def refused_call(message: str, sql: str | None, clause: str) -> MzError | None:
    """The error about a procedure that stands for a form that is refused; None if it is another error.

    Args:
        message: what PostgreSQL said, with the types by Materialize's names.
        sql: what it was sent.
        clause: where in the query that is.

    >>> print(refused_call("list_agg(character) is a procedure", None, "").message)
    list_agg on char not yet supported
    >>> print(refused_call("array_agg(integer list) is a procedure", None, "").message)
    function array_agg(integer list) does not exist
    """
    if (found := _NO_ARRAY.match(message)) is not None:
        return MzError(f"{_no_array(found.group(1), sql or 'array_agg(')} not yet supported")
    found = _PROCEDURE.match(message)
    if found is None:
        return None
    name, types = found.groups()
    match name:
        case "list_agg":
            return MzError("list_agg on char not yet supported")
        case "array_fill":
            return MzError(f"array_fill on {types.partition(',')[0]} not yet supported")
        case "mz_internal.subquery_key":
            return MzError("cannot build map from subquery because first column is not of type text")
        case _ if name == ARRAY_PROBE:
            return MzError(f"{types} not yet supported")
        case _ if name == QUERY_PROBE:
            return MzError(f"cannot build array from subquery because return type {types}[] not yet supported")
        case _ if name == MAP_KEY:
            return MzError(f"{clause} must have type text, not type {_word(types)}")
        case _:
            return MzError(f"function {name}({types}) does not exist", hint=_NO_SUCH)


def _no_array(kind: str, sql: str) -> str:
    """PostgreSQL does not say who wanted the array."""
    kind = _word(kind)
    if re.search(r"\barray_agg\s*\(", sql, re.IGNORECASE) is not None:
        return f"array_agg on {kind}"
    if re.search(r"\barray_fill\s*\(", sql, re.IGNORECASE) is not None:
        return "array_fill with arrays" if kind.endswith("[]") else f"array_fill on {kind}"
    return f"cannot build array from subquery because return type {kind}[]"


def _word(kind: str) -> str:
    return {"character": "char", "character varying": "varchar"}.get(kind, kind)
