"""The checks of single values: literals, window frames, and what can be seen of an argument's type.

In: nodes. Out: nothing, or a type's name; raises MzError with the planner's words.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from mzlite.dialect import ast, moments
from mzlite.dialect.literal_texts import out_of_digits, refused_text
from mzlite.errors import MzError
from mzlite.kafka.json_errors import json_error

_MAX_FRAME_OFFSET = 1_000_000
_FINEST = 6
"""The most digits of a second behind the point."""
_INTEGER_TYPES = {"int2": "smallint", "int4": "integer", "int8": "bigint"}
_SHOWN = _INTEGER_TYPES | {
    "decimal": "numeric",
    "dec": "numeric",
    "float4": "real",
    "float8": "double precision",
    "timestamptz": "timestamp with time zone",
}


def unsupported(feature: str) -> MzError:
    """A feature that Materialize may have one day."""
    return MzError(f"{feature} not yet supported")


def visible_type(node: ast.Expression) -> str:
    """The type of an argument as an error about its call says it, as far as it can be seen."""
    shown = {"int2": "smallint", "int4": "integer", "int8": "bigint", "float8": "double precision", "bool": "boolean"}
    shown |= {"timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone", "float4": "real"}
    match node:
        case ast.Nested():
            return visible_type(node.expression)
        case ast.Cast(data_type=ast.DataType(kind="named")):
            return shown.get(node.data_type.name[-1], node.data_type.name[-1])
        case ast.IntervalValue():
            return "interval"
        case ast.Value(kind="number"):
            return "numeric" if "." in node.value or "E" in node.value else "integer"
        case ast.Value(kind="boolean"):
            return "boolean"
        case _:
            return "unknown"


def is_unknown(node: ast.Expression) -> bool:
    """Whether an expression has no type of its own: a text that is written out, NULL, or a parameter.

    >>> is_unknown(ast.Value(0, 0, "null", "")), is_unknown(ast.Value(0, 0, "number", "1"))
    (True, False)
    """
    match node:
        case ast.Nested():
            return is_unknown(node.expression)
        case ast.Value():
            return node.kind in ("string", "null")
        case _:
            return isinstance(node, ast.Parameter)


def is_visible(node: ast.Expression) -> bool:
    """Whether an expression's type, or that it has none, is seen without its columns' types."""
    return visible_type(node) != "unknown" or isinstance(node, ast.Value)


def is_negative(node: ast.Expression) -> bool:
    """Whether an expression is a negative number."""
    return isinstance(node, ast.Value) and node.kind == "number" and node.value.startswith("-")


def check_literal(value: ast.Value) -> None:
    """Raises for literals that Materialize does not take."""
    if value.kind == "hex":
        raise unsupported("hex string literals")
    if value.kind == "number":
        error = out_of_digits(Decimal(value.value), value.value)
        if error is not None:
            raise error


def check_position(node: ast.Expression, place: str, width: int | None) -> None:
    """Raises for a number that stands for a column of the result and is none of them.

    Args:
        node: an item of GROUP BY, ORDER BY or DISTINCT ON.
        place: the clause, as errors name it.
        width: how many columns there are; None if that cannot be seen.
    """
    if not isinstance(node, ast.Value) or node.kind != "number":
        return
    if not node.value.isdigit():
        raise MzError(f"unable to parse column reference in {place}: {node.value}: invalid digit found in string")
    if len(node.value) > len(str(2**64)):
        why = "number too large to fit in target type"
        raise MzError(f"unable to parse column reference in {place}: {node.value}: {why}")
    if width is not None and not 1 <= int(node.value) <= width:
        raise MzError(f"column reference {int(node.value)} in {place} is out of range (1 - {width})")


def check_cast_literal(cast: ast.Cast) -> None:
    """Raises for numbers and texts that Materialize does not take for the type that they are cast to."""
    if cast.data_type.kind != "named":
        return
    name, literal = cast.data_type.name[-1], cast.expression
    if name in _INTEGER_TYPES:
        _check_range(literal, _INTEGER_TYPES[name])
    if not isinstance(literal, ast.Value) or literal.kind != "string":
        return
    text = literal.value
    error = refused_text(_SHOWN.get(name, name), text)
    if error is not None:
        raise error
    if name == "time" and re.match(r"\s*24:", text) is not None:
        raise MzError(f'invalid input syntax for type time: HOUR must be [0, 23], got 24: "{text}"')
    why = None
    if name == "bytea":
        why = _why_no_bytes(text)
    elif name == "jsonb":
        why = json_error(text.encode())
    if why is not None:
        raise MzError(f'invalid input syntax for type {name}: {why}: "{text}"')


def _why_no_bytes(text: str) -> str | None:
    if not text.startswith("\\x"):
        return None
    digits = "".join(text[2:].split())
    if (other := re.search(r"[^0-9a-fA-F]", digits)) is not None:
        return f'invalid hexadecimal digit: "{other.group()}"'
    return "invalid hexadecimal data: odd number of digits" if len(digits) % 2 else None


def _check_range(literal: ast.Expression, name: str) -> None:
    """A number is cast while it is planned, and its error says the number."""
    while isinstance(literal, ast.Nested):
        literal = literal.expression
    if isinstance(literal, ast.Value) and literal.kind == "number":
        number = Decimal(literal.value)
        bits = {"smallint": 15, "integer": 31, "bigint": 63}[name]
        if not -(2**bits) <= number.quantize(Decimal(1), ROUND_HALF_UP) < 2**bits:
            raise MzError(f'"{number:f}" {name} out of range')


def check_interval(text: str, precision: int | None = None) -> None:
    """Raises for the text of an interval that only PostgreSQL reads, and for too many digits of seconds."""
    if (why := moments.unread("interval", text)) is not None:
        raise MzError(f'invalid input syntax for type interval: {why}: "{text}"')
    if precision is not None and precision > _FINEST:
        raise MzError(f"SECOND precision must be (0, {_FINEST}), have SECOND({precision})")


def check_frame(frame: ast.WindowFrame, *, aggregate: bool) -> None:
    """Raises for window frames that Materialize does not compute."""
    if frame.units == "GROUPS":
        raise unsupported("GROUPS in window frames")
    first = frame.first
    last = frame.last if frame.last is not None else ("CURRENT ROW", None)
    unbounded_first = first == ("PRECEDING", None)
    if first == ("FOLLOWING", None):
        raise MzError("frame start cannot be UNBOUNDED FOLLOWING")
    if last == ("PRECEDING", None):
        raise MzError("frame end cannot be UNBOUNDED PRECEDING")
    if first[0] == "CURRENT ROW" and last[0] == "PRECEDING":
        raise MzError("frame starting from current row cannot have preceding rows")
    if first[0] == "FOLLOWING" and last[0] in ("PRECEDING", "CURRENT ROW"):
        raise MzError("frame starting from following row cannot have preceding rows")
    if any(bound[1] is not None and bound[1] > _MAX_FRAME_OFFSET for bound in (first, last)) and (
        not unbounded_first and last != ("FOLLOWING", None)
    ):
        raise MzError("Window frame offsets greater than 1000000 are currently not supported")
    if frame.units == "RANGE" and not (unbounded_first and last[0] == "CURRENT ROW"):
        raise unsupported("RANGE in non-default window frames")
    if aggregate and (
        (unbounded_first and last[1] is not None) or (first[1] is not None and last == ("FOLLOWING", None))
    ):
        raise unsupported("mixed unbounded - offset frames")
