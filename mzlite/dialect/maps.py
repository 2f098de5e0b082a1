"""Maps, which PostgreSQL has not: the types that stand for them there.

In: the type of a map's values. Out: the name of a base type over jsonb, which `storage/sql/maps.sql` makes.
"""

from __future__ import annotations

from mzlite.dialect.ast import DataType
from mzlite.dialect.functions import TYPES
from mzlite.errors import unsupported

MAP_KEY = "mz_internal.map_key"
"""What takes only texts, as the keys of maps are."""

_DEEP = frozenset(["text", "bool", "int4", "int8", "numeric", "float8", "jsonb"])
"""Of these there are lists of maps, too, and three maps within one another."""
_PLAIN = _DEEP | {"int2", "float4", "date", "time", "timestamp", "timestamptz", "interval", "uuid", "bytea"}
_KINDS = _PLAIN | {"uint2", "uint4", "uint8", "mz_timestamp", "oid"}
ALIASES = {"varchar": "text", "bpchar": "text", "name": "text"}


def map_type(values: DataType, spelling: str) -> str:
    """How PostgreSQL is shown the type of maps to values of a type.

    Args:
        values: the type of the values.
        spelling: how PostgreSQL is shown that one.

    >>> map_type(DataType(0, 0, "named", ("varchar",)), "varchar")
    'mz_catalog.map_text'
    >>> map_type(DataType(0, 0, "named", ("s", "mine")), '"s".mine')
    '"s"."mine map"'
    """
    schema, dot, name = spelling.rpartition(".")
    if values.kind == "array":
        raise unsupported("a map to arrays")
    if values.kind == "named":
        last = values.name[-1]
        if len(values.name) == 1 or values.name[-2] in ("pg_catalog", "mz_catalog"):
            kind = ALIASES.get(last, last)
            if kind in _KINDS:
                return f"mz_catalog.map_{kind}"
            if kind in TYPES:
                raise unsupported(f"a map to {kind}")
        return f'{schema}{dot}"{name.strip(chr(34))} map"'
    if name.startswith('"') or not _is_made("map_" + name):
        raise unsupported("a map to such maps or lists")
    return f"mz_catalog.map_{name}"


def list_of_maps(spelling: str) -> str:
    """How PostgreSQL is shown the type of lists of a type of maps.

    >>> list_of_maps("mz_catalog.map_int4")
    'mz_catalog.list_map_int4'
    """
    schema, dot, name = spelling.rpartition(".")
    if name.startswith('"'):
        return f'{schema}{dot}{name[:-1]} list"'
    if name.removeprefix("map_") not in _DEEP:
        raise unsupported("a list of such maps")
    return f"mz_catalog.list_{name}"


def _is_made(name: str) -> bool:
    """Whether maps.sql makes the type of maps to maps or lists."""
    leaf = name.removeprefix("map_")
    if leaf.startswith("list_"):
        return leaf.removeprefix("list_") in _PLAIN
    leaf = leaf.removeprefix("map_")
    return leaf in _PLAIN or leaf.removeprefix("map_") in _DEEP
