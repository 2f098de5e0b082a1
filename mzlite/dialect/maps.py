"""Maps, which PostgreSQL has not: its types for them, and the literals of maps as the JSON that it is shown.

In: the type of a map's values, the text `{key=>value, ..}`. Out: the name of a base type over jsonb, JSON text.
"""

from __future__ import annotations

import json
import re

from mzlite.errors import MzError

_KINDS = frozenset(
    [
        "text", "bool", "int2", "int4", "int8", "numeric", "float4", "float8", "date", "time", "timestamp",
        "timestamptz", "interval", "uuid", "jsonb",
    ]
)  # fmt: skip
_ALIASES = {
    "varchar": "text", "bpchar": "text", "string": "text", "integer": "int4", "int": "int4", "bigint": "int8",
    "smallint": "int2", "boolean": "bool", "real": "float4", "double precision": "float8", "float": "float8",
    "decimal": "numeric", "name": "text", "bytea": "text", "oid": "int8",
}  # fmt: skip
_NUMBERS = frozenset(["int2", "int4", "int8", "numeric", "float4", "float8"])
_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^"{},=\\]|\\.|=(?!>))*?))\s*(?==>|,|\}|$)', re.DOTALL)


def map_type(values: str | None) -> str:
    """The name of the base type for maps to values of a type; None for values that are no scalars.

    >>> map_type("int4"), map_type("varchar"), map_type(None)
    ('map_int4', 'map_text', 'map_nested')
    """
    kind = "nested" if values is None else _ALIASES.get(values.lower(), values.lower())
    return "map_" + (kind if kind in _KINDS else "nested")


def map_literal(text: str, type_name: str) -> str:
    """The JSON of a map's text.

    >>> map_literal('{a=>1, "b c"=>NULL}', "map_int4"), map_literal("{a=>x y}", "map_text")
    ('{"a": 1, "b c": null}', '{"a": "x y"}')
    """
    kind = type_name.removeprefix("map_")
    body = text.strip()
    if not (body.startswith("{") and body.endswith("}")):
        raise _malformed(text, "expected '{', found " + (body[:1] or "empty string"))
    result: dict[str, object] = {}
    position = 1
    while body[position:].strip() != "}":
        key, position, _ = _item(body, position, text)
        if body[position : position + 2] != "=>":
            raise _malformed(text, "expected =>")
        value, position, quoted = _item(body, position + 2, text)
        result[key] = None if value.upper() == "NULL" and not quoted else _value(value, kind)
        position = re.compile(r"\s*").match(body, position).end()  # type: ignore[union-attr]
        if body[position] == ",":
            position += 1
    return json.dumps(result)


def _item(body: str, position: int, text: str) -> tuple[str, int, bool]:
    found = _ITEM.match(body, position)
    if found is None:
        raise _malformed(text, "malformed map literal")
    quoted = found.group(1) is not None
    item = found.group(1) if quoted else found.group(2)
    return re.sub(r"\\(.)", r"\1", item, flags=re.DOTALL), found.end(), quoted


def _value(value: str, kind: str) -> object:
    if kind == "bool":
        return value.strip().lower() in ("t", "true", "yes", "on", "1")
    if kind in _NUMBERS:
        try:
            return int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else float(value)
        except ValueError:
            raise MzError(f'invalid input syntax for type map: invalid number: "{value}"') from None
    return json.loads(value) if kind == "jsonb" else value


def _malformed(text: str, why: str) -> MzError:
    return MzError(f'invalid input syntax for type map: {why}: "{text}"')
