"""SQL expressions that write a row as the key and the value of a sink's message.

In: a `SinkSpec` and the columns of the sunk collection with their PostgreSQL types. Out: expressions
of type text, to be evaluated inside the tick over a row that has an alias; their bytes are the ones
Materialize writes. The few functions that they call are in `storage/sql/kafka.sql`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from mzlite.errors import MzError
from mzlite.kafka.spec import SinkSpec
from mzlite.long_names import whole

Column = tuple[str, str]
"""A column's name and its type as `format_type` says it."""

_Encoder = Callable[[str], str]

NUMBERS = frozenset({"smallint", "integer", "bigint", "oid", "uint2", "uint4", "uint8", "boolean"})
STRINGS = frozenset({"text", "character varying", "character", "name", '"char"'})
QUOTED = frozenset({"uuid", "date", "interval", "mz_timestamp"})
_FULL_NAMES = {
    "bool": "boolean", "float4": "real", "float8": "double precision", "int2": "smallint", "int4": "integer",
    "int8": "bigint", "time": "time without time zone", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "varchar": "character varying",
}  # fmt: skip
"""What format_type() calls the types that have another name in the name of a type of lists."""
AS_JSON_ARRAY = (NUMBERS | STRINGS | QUOTED) - {"mz_timestamp"}
"""Types of which PostgreSQL's own array_to_json writes the elements the same way."""


def key_sql(spec: SinkSpec, columns: Sequence[Column], alias: str) -> str:
    """The key of a row as text; `null` for a sink without a key.

    >>> spec = SinkSpec("u1", {}, "t", "x", "p", key_columns=("id",), key_format="text")
    >>> key_sql(spec, [("id", "uuid"), ("n", "integer")], "d")
    'd."id"::text'
    """
    if spec.key_format is None:
        return "null::text"
    types = dict(columns)
    return _message_sql(spec.key_format, [(name, types[name]) for name in spec.key_columns], alias)


def value_sql(spec: SinkSpec, columns: Sequence[Column], alias: str) -> str:
    """The value of a row as text.

    >>> spec = SinkSpec("u1", {}, "t", "x", "p")
    >>> value_sql(spec, [("id", "integer"), ("m", "numeric(10,2)")], "d")
    '\\'{"id":\\' || coalesce(d."id"::text, \\'null\\') || \\',"m":\\' || coalesce(\\'"\\' || trim_scale(d."m")::text || \\'"\\', \\'null\\') || \\'}\\''
    """  # noqa: E501
    return _message_sql(spec.value_format, columns, alias)


def debezium_sql(before: str, after: str) -> str:
    """The value of a message with the envelope debezium from two values of `value_sql`; either may be null."""
    return f"""'{{"before":' || coalesce({before}, 'null') || ',"after":' || coalesce({after}, 'null') || '}}'"""


def headers_sql(spec: SinkSpec, alias: str) -> str:
    """The headers of a row as a jsonb object, null without the option HEADERS."""
    return "null::jsonb" if spec.headers is None else f"to_jsonb({alias}.{identifier(spec.headers)})"


def partition_sql(spec: SinkSpec) -> str:
    """The number that picks the partition, null without PARTITION BY; columns are named without alias."""
    return (
        "null::bigint"
        if spec.partition_by is None
        else f"(({spec.partition_by})::numeric % 9223372036854775807)::bigint"
    )


def check_formats(spec: SinkSpec, columns: Sequence[Column]) -> None:
    """Refuse what the formats cannot hold.

    Raises:
        MzError: a format of one column for several, or a type that it cannot write.
    """
    types = dict(columns)
    sides = [("KEY ", spec.key_format, [types[name] for name in spec.key_columns])]
    sides.append(("VALUE " if spec.key_format is not None else "", spec.value_format, [kind for _, kind in columns]))
    for side, fmt, kinds in sides:
        if fmt in ("text", "bytes") and len(kinds) != 1:
            raise MzError(f"{side}FORMAT {fmt.upper()} is only supported for a single column, found {len(kinds)}")
    if spec.envelope == "debezium" and spec.value_format != "json":
        raise MzError(f"ENVELOPE DEBEZIUM is not supported with FORMAT {spec.value_format.upper()}")


def identifier(name: str) -> str:
    """A name in double quotes.

    >>> identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def _message_sql(fmt: str, columns: Sequence[Column], alias: str) -> str:
    if fmt == "json":
        return _object(columns, alias)
    ((name, kind),) = columns
    value = f"{alias}.{identifier(name)}"
    if fmt == "text":
        return _text(value, _base_type(kind))
    raw = value if _base_type(kind) == "bytea" else f"convert_to({_text(value, _base_type(kind))}, 'UTF8')"
    return f"encode({raw}, 'hex')"


def _object(columns: Sequence[Column], alias: str) -> str:
    if not columns:
        return "'{}'"
    parts: list[str] = []
    for number, (name, kind) in enumerate(columns):
        opening = ("{" if number == 0 else ",") + json.dumps(whole(name), ensure_ascii=False) + ":"
        parts.append(_literal(opening))
        parts.append(f"coalesce({_value(f'{alias}.{identifier(name)}', kind)}, 'null')")
    return " || ".join([*parts, "'}'"])


def _value(value: str, kind: str) -> str:
    """The JSON text of a value, null for a null."""
    base = _base_type(kind)
    if base.endswith("[]"):
        element = base.removesuffix("[]")
        if element in AS_JSON_ARRAY:
            return f"array_to_json({value})::text"
        name = "element"
        while name in value:
            # A list in a list: its elements must not hide it.
            name += "_"
        encoded = _value(name, element)
        return (
            f"(select '[' || coalesce(string_agg(coalesce({encoded}, 'null'), ',' order by number), '') || ']' "
            f"from unnest({value}) with ordinality as list ({name}, number) where {value} is not null "
            f"having {value} is not null)"
        )
    if base.startswith("list_"):
        element = base.removeprefix("list_")
        return _value(f"mz_internal.items({value})", _FULL_NAMES.get(element, element) + "[]")
    if base in NUMBERS:
        return f"{value}::text"
    if base in STRINGS:
        return f"to_json({value})::text"
    if base in QUOTED:
        return f"'\"' || {value}::text || '\"'"
    if base.startswith("map_"):
        return f"mzlite.json_value(mz_internal.in_json({value}))"
    special = SPECIAL.get(base)
    return f"to_json({value}::text)::text" if special is None else special(value)


SPECIAL: dict[str, _Encoder] = {
    "numeric": lambda value: f"'\"' || trim_scale({value})::text || '\"'",
    "double precision": lambda value: f"mzlite.json_float({value})",
    "real": lambda value: f"mzlite.json_float({value})",
    "timestamp without time zone": lambda value: f"'\"' || {_epoch(value)} || '\"'",
    "timestamp with time zone": lambda value: f"'\"' || {_epoch(value)} || '\"'",
    "time without time zone": lambda value: f"mzlite.json_time({value})",
    "bytea": lambda value: f"mzlite.json_bytes({value})",
    "jsonb": lambda value: f"mzlite.json_value({value})",
}


def _epoch(value: str) -> str:
    """Milliseconds since 1970, always with three decimals."""
    return f"textin(numeric_out(mzlite_postgres.trunc(extract(epoch from {value}) * 1000, 3)))"


def _text(value: str, base: str) -> str:
    """The text of a value as a client of Materialize reads it."""
    if base == "boolean":
        return f"case when {value} then 't' when not {value} then 'f' end"
    if base == "numeric":
        return f"trim_scale({value})::text"
    if base == "jsonb":
        return f"mzlite.json_value({value})"
    if base.startswith("map_"):
        return f"mz_internal.as_text({value})"
    return f"{value}::text"


def _base_type(kind: str) -> str:
    """A type without its schema and modifiers.

    >>> [_base_type(kind) for kind in ("numeric(10,2)[]", "mz_catalog.uint8", "timestamp(3) without time zone")]
    ['numeric[]', 'uint8', 'timestamp without time zone']
    """
    return re.sub(r"\(\d+(,\d+)?\)", "", kind).removeprefix("mz_catalog.").removeprefix("pg_catalog.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
