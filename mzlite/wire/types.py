"""Type oids: those of the inner PostgreSQL on one side, Materialize's on the other.

In: the oids that a database gave the types of `mz_catalog`. Out: a `TypeMap` that translates the oids of result
columns and parameters. Built-in types have the same oids on both sides, apart from those that only catalogs use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BOOL = 16
BYTEA = 17
CHAR = 18
NAME = 19
INT8 = 20
INT2 = 21
INT4 = 23
TEXT = 25
OID = 26
JSON = 114
FLOAT4 = 700
FLOAT8 = 701
FLOAT4_ARRAY = 1021
FLOAT8_ARRAY = 1022
BPCHAR = 1042
VARCHAR = 1043
DATE = 1082
TIME = 1083
TIMESTAMP = 1114
TIMESTAMPTZ = 1184
INTERVAL = 1186
INTERVAL_ARRAY = 1187
NUMERIC_ARRAY = 1231
NUMERIC = 1700
REGTYPE = 2206
UUID = 2950
JSONB = 3802
JSONB_ARRAY = 3807
NUMRANGE = 3906

OWN_TYPES = {
    "uint2": 16460,
    "_uint2": 16461,
    "uint4": 16462,
    "_uint4": 16463,
    "uint8": 16464,
    "_uint8": 16465,
    "mz_timestamp": 16552,
    "_mz_timestamp": 16553,
    "mz_aclitem": 16566,
    "_mz_aclitem": 16567,
    "list": 16384,
    "map": 16385,
}
"""Materialize's own types by name, with the oids that its clients see."""

OWN_TYPES_SQL = (
    "select t.oid, t.typname from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace "
    "where n.nspname = 'mz_catalog'"
)
"""What a backend is asked once for each database: its oids of the types above."""

_ADAPTED_ELEMENTS = {"numeric": NUMERIC, "float4": FLOAT4, "float8": FLOAT8, "interval": INTERVAL, "jsonb": JSONB}


@dataclass(frozen=True)
class Shape:
    """What values of a type of lists or maps look like inside.

    Attributes:
        layers: `list` or `map`, from the outermost one inward.
        element: the oid of the innermost type, where something is to be done with its values.
    """

    layers: tuple[str, ...]
    element: int | None


_SHAPES: list[Shape] = []


def shape_code(name: str) -> int:
    """Stands for an inner type of lists or maps where values are adapted; no type has such an oid."""
    *layers, element = name.lstrip("_").replace("list_", "list ").replace("map_", "map ").split(" ")
    shape = Shape(tuple(layers), _ADAPTED_ELEMENTS.get(element))
    if shape not in _SHAPES:
        _SHAPES.append(shape)
    return -1 - _SHAPES.index(shape)


def shape_of(code: int) -> Shape:
    """What a code stands for.

    >>> shape_of(shape_code("list_map_numeric"))
    Shape(layers=('list', 'map'), element=1700)
    """
    return _SHAPES[-1 - code]


# The catalogs of PostgreSQL use types where Materialize's have text.
_CATALOG_TYPES = {NAME: (TEXT, -1), CHAR: (TEXT, -1), REGTYPE: (TEXT, -1)}
_BINARY_AS_TEXT = {NAME, CHAR}


class TypeMap:
    """Translates type oids of one database.

    Args:
        own: pairs of an oid in the inner PostgreSQL and a type's name, as `OWN_TYPES_SQL` gives them.
    """

    def __init__(self, own: Iterable[tuple[int, str]] = ()) -> None:
        own = tuple(own)
        self._outer = {inner: OWN_TYPES[name] for inner, name in own if name in OWN_TYPES}
        self._inner = {outer: inner for inner, outer in self._outer.items()}
        for kind in ("list", "map"):
            self._outer |= {inner: OWN_TYPES[kind] for inner, name in own if name.startswith(kind + "_")}
        self._adapted = {inner: shape_code(name) for inner, name in own if name.startswith(("list_", "map_"))}

    def column(self, oid: int, size: int, format_code: int = 0) -> tuple[int, int]:
        """The oid and the size by which a client sees a result column's type."""
        if oid in _CATALOG_TYPES and (format_code == 0 or oid in _BINARY_AS_TEXT):
            return _CATALOG_TYPES[oid]
        return self._outer.get(oid, oid), size

    def adapted(self, columns: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """(type oid, format code) of columns, by which their values are adapted."""
        return tuple((self._adapted.get(oid, oid), code) for oid, code in columns)

    def parameter(self, oid: int) -> int:
        """The oid by which a client sees a parameter's type."""
        return self._outer.get(oid, oid)

    def inner(self, oid: int) -> int:
        """The oid in the inner PostgreSQL of a type that a client names."""
        return self._inner.get(oid, oid)
