"""First pass of the checks: every function, operator and type must be one of Materialize's.

In: a parsed query or expression. Out: nothing; raises MzError with the words of Materialize's
name resolution, for the first offender in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterable

from mzlite.dialect import ast
from mzlite.dialect.functions import (
    FUNCTIONS,
    OPERATORS,
    POSTGRES_ONLY_TYPES,
    PSEUDO_TYPES,
    TYPES,
    find_function,
)
from mzlite.dialect.pg_errors import FUNCTION_HINT
from mzlite.errors import MzError

_MAX_NUMERIC_PRECISION = 39
_MAX_CHAR_LENGTH = 10_485_760


def check_names(nodes: Iterable[ast.Node]) -> bool:
    """Raises for the first function or type in `nodes` that does not exist; tells whether mz_now() is called."""
    clock = False
    for root in nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.Function):
                _check_function(node)
                clock = clock or node.name[-1] == "mz_now"
            elif isinstance(node, ast.DataType):
                check_type_name(node)
    return clock


def _check_function(call: ast.Function) -> None:
    if find_function(call.name) is not None:
        return
    name = call.name[-1]
    hint = FUNCTION_HINT
    if name.startswith("json_") and ("pg_catalog", "jsonb_" + name[5:]) in FUNCTIONS:
        hint = f"Try using jsonb_{name[5:]}"
    raise MzError(f'function "{".".join(call.name)}" does not exist', hint=hint)


def check_type_name(data_type: ast.DataType) -> None:
    """Raises when a type is one that only PostgreSQL has."""
    if data_type.kind != "named":
        return
    name = data_type.name[-1]
    builtin = len(data_type.name) == 1 or data_type.name[-2] in ("pg_catalog", "mz_catalog")
    element = name.removeprefix("_")
    if not builtin or element in TYPES:
        return
    if element in POSTGRES_ONLY_TYPES:
        raise MzError(f'type "{".".join(data_type.name)}" does not exist')


def check_type(data_type: ast.DataType) -> None:
    """Raises when the modifiers of a type, or what it is made of, are not allowed."""
    if data_type.kind == "map":
        _check_map(data_type)
    if data_type.element is not None:
        check_type(data_type.element)
        if data_type.kind in ("list", "array") and data_type.element.name == ("bpchar",):
            raise MzError("char list not yet supported" if data_type.kind == "list" else "char[] not yet supported")
        if data_type.kind == "array" and data_type.element.kind in ("list", "map"):
            raise MzError(f"{humanized(data_type.element)}[] not yet supported")
    if data_type.kind == "named":
        _check_modifiers(data_type)


def _check_map(data_type: ast.DataType) -> None:
    key = data_type.key
    if key is not None and key.name not in (("text",), ("pg_catalog", "text")):
        raise MzError(f"map key type must be text, got {humanized(key)}")


def humanized(data_type: ast.DataType) -> str:
    """A type as errors call it."""
    names = {"int4": "integer", "int8": "bigint", "int2": "smallint", "float8": "double precision", "float4": "real"}
    if data_type.kind == "named":
        return names.get(data_type.name[-1], data_type.name[-1])
    inner = "" if data_type.element is None else humanized(data_type.element)
    if data_type.kind == "map":
        return f"map[text=>{inner}]"
    return f"{inner} list" if data_type.kind == "list" else f"{inner}[]"


def _check_modifiers(data_type: ast.DataType) -> None:
    name, modifiers = data_type.name[-1], data_type.modifiers
    if name in PSEUDO_TYPES and name not in TYPES:
        raise MzError(f"cannot reference pseudo type {_full_name(name)}")
    if name == "numeric":
        _check_numeric(modifiers)
    elif name in ("bpchar", "varchar"):
        kind = "character" if name == "bpchar" else "character varying"
        if modifiers and not 1 <= modifiers[0] <= _MAX_CHAR_LENGTH:
            raise MzError(f"length for type {kind} must be between 1 and {_MAX_CHAR_LENGTH}")
        if len(modifiers) > 1:
            raise MzError(f"type {kind} supports at most one type modifier")
    elif name in ("timestamp", "timestamptz"):
        if modifiers and not 0 <= modifiers[0] <= 6:
            raise MzError("precision for type timestamp or timestamptz must be between 0 and 6")
    elif modifiers and name in TYPES:
        raise MzError(f"{_full_name(name)} does not support type modifiers")


def check_type_options(kind: str, options: Iterable[tuple[str, ast.DataType]]) -> None:
    """Raises when a type that CREATE TYPE .. AS LIST or MAP is made of has no name of its own, or modifiers."""
    for option, data_type in options:
        what, shown = f"CREATE TYPE ... AS {kind.upper()} option {option}", _in_catalog(data_type)
        if data_type.kind in ("list", "map"):
            raise MzError(
                f"{what} can only use named data types, but found unnamed data type {shown}. "
                "Use CREATE TYPE to create a named type first"
            )
        if data_type.modifiers:
            raise MzError(f"{what} cannot accept type modifier on {shown}, you must use the default type")


def _in_catalog(data_type: ast.DataType) -> str:
    """A type's name with the schema in which it is."""
    if data_type.element is None:
        return _full_name(data_type.name[-1]) if len(data_type.name) == 1 else ".".join(data_type.name)
    inner = _in_catalog(data_type.element)
    if data_type.kind == "map":
        return f"map[pg_catalog.text=>{inner}]"
    return f"{inner} list" if data_type.kind == "list" else f"{inner}[]"


def _full_name(name: str) -> str:
    schema = "mz_catalog" if name.startswith(("mz_", "uint")) or name in ("list", "map") else "pg_catalog"
    return f"{schema}.{name}"


def _check_numeric(modifiers: tuple[int, ...]) -> None:
    if modifiers and not 1 <= modifiers[0] <= _MAX_NUMERIC_PRECISION:
        raise MzError(f"precision for type numeric must be between 1 and {_MAX_NUMERIC_PRECISION}")
    if len(modifiers) > 1:
        if modifiers[1] > modifiers[0]:
            raise MzError(f"scale for type numeric must be between 0 and precision {modifiers[0]}")
        if modifiers[1] < 0:
            raise MzError(f"scale for type numeric must be between 0 and {_MAX_NUMERIC_PRECISION}")
    if len(modifiers) > 2:
        raise MzError("type numeric supports at most two type modifiers")


def check_operator(operator: str, namespace: ast.Name | None) -> None:
    """Raises when Materialize has no operator of that name."""
    if namespace and namespace != ("pg_catalog",):
        raise MzError(f"operator does not exist: {'.'.join((*namespace, operator))}")
    if operator not in OPERATORS:
        raise MzError(f"[{operator}] not yet supported")
