"""The check that needs types: which overload of a function or operator PostgreSQL has chosen for a view.

In: the rule of a view that PostgreSQL has made, as `pg_rewrite.ev_action` prints it, and a way to ask
the catalog. Out: nothing; raises MzError where Materialize has no such form, such as
`to_char(numeric, text)` or `date + integer`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mzlite.dialect.functions import FUNCTIONS
from mzlite.dialect.pg_errors import FUNCTION_HINT, OPERATOR_HINT
from mzlite.errors import MzError

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Runs a query without parameters and gives its rows."""

_CALL = re.compile(r":funcid (\d+) :funcresulttype \d+ :funcretset \w+ :funcvariadic \w+ :funcformat (\d)")
_OTHER_CALLS = re.compile(r":(?:aggfnoid|winfnoid) (\d+)")
_OPERATOR = re.compile(r":opno (\d+)")
_WRITTEN = frozenset("03")
"""COERCE_EXPLICIT_CALL and COERCE_SQL_SYNTAX: what the user wrote; the others are casts."""

_ANY = frozenset(
    [
        "any",
        "anyarray",
        "anycompatible",
        "anycompatiblearray",
        "anycompatiblelist",
        "anycompatiblemap",
        "anycompatiblenonarray",
        "anycompatiblerange",
        "anyelement",
        "anynonarray",
        "anyrange",
        "anymultirange",
        "anycompatiblemultirange",
        "list",
        "map",
        "record",
    ]
)
_NUMBERS = ("int2", "int4", "int8", "numeric", "float4", "float8")
_UNSIGNED = ("uint2", "uint4", "uint8", "numeric", "float4", "float8")
_TIMES = ("date", "timestamp", "timestamptz")
_TEXTS = ("varchar", "bpchar", "char", "name", "text")

_REFUSED_OPERATORS = frozenset(
    {
        ("+", "date", "int4"),
        ("+", "int4", "date"),
        ("-", "date", "int4"),
        ("-", "jsonb", "_text"),
        ("?|", "jsonb", "_text"),
        ("?&", "jsonb", "_text"),
        ("&&", "anyarray", "anyarray"),
        ("||", "anycompatiblearray", "anycompatible"),
        ("||", "anycompatible", "anycompatiblearray"),
    }
)
"""Operators of PostgreSQL whose name Materialize has for other types only."""

_SHOWN = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "bpchar": "character",
    "timestamptz": "timestamp with time zone",
}


def check_rule(rule: str, ask: Ask) -> None:
    """Raises when the rule of a view uses a form of a function or operator that only PostgreSQL has.

    Args:
        rule: `pg_rewrite.ev_action::text` of the view.
        ask: runs a catalog query.
    """
    functions = {oid for oid, form in _CALL.findall(rule) if form in _WRITTEN} | set(_OTHER_CALLS.findall(rule))
    if functions:
        for schema, name, arguments in ask(_functions_query(functions)):
            _check_function(str(schema), str(name), [str(argument) for argument in arguments])
    operators = set(_OPERATOR.findall(rule))
    if operators:
        for name, left, right in ask(_operators_query(operators)):
            if (name, left, right) in _REFUSED_OPERATORS:
                shown = f"{_shown(str(left))} {name} {_shown(str(right))}"
                raise MzError(f"operator does not exist: {shown}", hint=OPERATOR_HINT)


def _functions_query(oids: Iterable[str]) -> str:
    return (
        "select n.nspname::text, p.proname::text, array(select t.typname::text"
        " from unnest(p.proargtypes) with ordinality as a(type, position)"
        " join pg_catalog.pg_type t on t.oid = a.type order by a.position)"
        " from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
        f" where n.nspname = 'pg_catalog' and p.oid in ({', '.join(sorted(oids))}) order by p.oid"
    )


def _operators_query(oids: Iterable[str]) -> str:
    return (
        "select o.oprname::text, l.typname::text, r.typname::text from pg_catalog.pg_operator o"
        " left join pg_catalog.pg_type l on l.oid = o.oprleft left join pg_catalog.pg_type r on r.oid = o.oprright"
        f" where o.oid in ({', '.join(sorted(oids))}) order by o.oid"
    )


def _check_function(schema: str, name: str, arguments: list[str]) -> None:
    info = FUNCTIONS.get((schema, name)) or FUNCTIONS.get(("mz_catalog", name))
    if info is None:
        return
    if any(_accepts(signature, arguments) for signature in info.signatures):
        return
    shown = ", ".join(_shown(argument) for argument in arguments)
    raise MzError(f"function {name}({shown}) does not exist", hint=FUNCTION_HINT)


def _accepts(signature: str, arguments: list[str]) -> bool:
    """Whether Materialize's form takes arguments of these types, with implicit casts."""
    wanted = signature.split(", ") if signature else []
    if wanted and wanted[-1].startswith("variadic "):
        rest = wanted.pop().removeprefix("variadic ")
        if "any" in arguments[len(wanted) :] or len(arguments) <= len(wanted) + 1:
            return True
        wanted += [rest] * (len(arguments) - len(wanted))
    return len(wanted) == len(arguments) and all(map(_castable, arguments, wanted))


def _castable(source: str, target: str) -> bool:
    if source == target or target in _ANY:
        return True
    for order in (_NUMBERS, _UNSIGNED, _TIMES):
        if source in order and target in order:
            return order.index(source) <= order.index(target) or source.startswith("int") == target.startswith("int")
    return source in _TEXTS and target in _TEXTS


def _shown(type_name: str) -> str:
    if type_name.startswith("_"):
        return _shown(type_name[1:]) + "[]"
    return _SHOWN.get(type_name, type_name)
