"""Lists, which PostgreSQL has not: the names of the types that stand for them there.

In: the type of a list's elements, or an error's words. Out: the name of a base type that `storage/sql/lists.sql`
makes, and the other way round the words by which Materialize calls such a type.
"""

from __future__ import annotations

import re

from mzlite.dialect.ast import DataType
from mzlite.dialect.functions import TYPES
from mzlite.dialect.maps import list_of_maps
from mzlite.errors import MzError, unsupported

LIST_ITEM = "cast /* list */"
"""How an item of LIST[..] is cast, so that an error can say so."""

_LAYERS = 3
"""So many layers have lists of the types in `_DEEP`, the others one less."""
_DEEP = frozenset(["bool", "int4", "int8", "numeric", "float8", "text"])
_ELEMENTS = frozenset(
    [
        "bool", "bytea", "date", "float4", "float8", "int2", "int4", "int8", "interval", "jsonb", "mz_timestamp",
        "numeric", "oid", "record", "text", "time", "timestamp", "timestamptz", "uint2", "uint4", "uint8", "uuid",
        "varchar",
    ]
)  # fmt: skip
_WORDS = {
    "bool": "boolean", "float4": "real", "float8": "double precision", "int2": "smallint", "int4": "integer",
    "int8": "bigint", "time": "time", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "varchar": "varchar",
}  # fmt: skip
_INNER_NAME = re.compile(r'"?\b(?:mz_catalog\.)?((?:list_|map_)+)(' + "|".join(sorted(_ELEMENTS)) + r')\b"?')


def list_type(element: DataType, spelling: str) -> str:
    """How PostgreSQL is shown the type of lists of a type.

    Args:
        element: the type of the elements.
        spelling: how PostgreSQL is shown that one.

    >>> list_type(DataType(0, 0, "named", ("int4",)), "int4")
    'mz_catalog.list_int4'
    >>> list_type(DataType(0, 0, "named", ("s", "mine")), '"s".mine')
    '"s"."mine list"'
    """
    if element.kind == "array":
        raise unsupported("a list of arrays")
    if element.kind == "map":
        return list_of_maps(spelling)
    if element.kind == "list":
        layers, inner = 1, element
        while inner.kind == "list" and inner.element is not None:
            layers, inner = layers + 1, inner.element
        if inner.kind == "map":
            raise unsupported("a list of lists of maps")
        if layers > (_LAYERS if inner.name[-1] in _DEEP else _LAYERS - 1):
            raise unsupported(f"a list of {layers} layers")
        schema, _, name = spelling.rpartition(".")
        return f'{schema}.{name[:-1]} list"' if name.startswith('"') else f"{schema}.list_{name}"
    name = element.name[-1]
    if is_builtin(element):
        if name not in _ELEMENTS:
            raise MzError("char list not yet supported") if name == "bpchar" else unsupported(f"{name} list")
        return f"mz_catalog.list_{name}"
    schema, dot, last = spelling.rpartition(".")
    return f'{schema}{dot}"{last.strip(chr(34))} list"'


def is_builtin(data_type: DataType) -> bool:
    """Whether a named type is one that everybody has."""
    name = data_type.name
    return name[-1] in TYPES and (len(name) == 1 or name[-2] in ("pg_catalog", "mz_catalog"))


def in_words(message: str) -> str:
    """A message with the types of lists and maps by Materialize's names.

    >>> in_words("function length(mz_catalog.list_list_text) does not exist"), in_words("map_list_int4")
    ('function length(text list list) does not exist', 'map[text=>integer list]')
    """
    return _INNER_NAME.sub(_in_words, message)


def _in_words(found: re.Match[str]) -> str:
    words = _WORDS.get(found.group(2), found.group(2))
    for layer in reversed(found.group(1).split("_")[:-1]):
        words = f"{words} list" if layer == "list" else f"map[text=>{words}]"
    return words
