"""Maps, which PostgreSQL has not: the types that stand for them there.

In: the type of a map's values. Out: the name of a base type over jsonb, which `storage/sql/own_maps.sql` makes.
"""

from __future__ import annotations

_KINDS = frozenset(
    [
        "text", "bool", "int2", "int4", "int8", "numeric", "float4", "float8", "date", "time", "timestamp",
        "timestamptz", "interval", "uuid", "bytea", "jsonb",
    ]
)  # fmt: skip
_ALIASES = {
    "varchar": "text", "bpchar": "text", "string": "text", "integer": "int4", "int": "int4", "bigint": "int8",
    "smallint": "int2", "boolean": "bool", "real": "float4", "double precision": "float8", "float": "float8",
    "decimal": "numeric", "name": "text", "oid": "int8",
}  # fmt: skip


def map_type(values: str | None) -> str:
    """The name of the base type for maps to values of a type; None for values that are no scalars.

    >>> map_type("int4"), map_type("varchar"), map_type(None)
    ('map_int4', 'map_text', 'map_nested')
    """
    kind = "nested" if values is None else _ALIASES.get(values.lower(), values.lower())
    return "map_" + (kind if kind in _KINDS else "nested")
