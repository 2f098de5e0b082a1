"""How values read: what PostgreSQL prints, turned into what Materialize prints.

In: one value as PostgreSQL sends it, in text or binary format, and its type. Out: the same value in Materialize's
words. Only a few types differ: a numeric has no trailing zeros and at most 39 digits, a floating point number gets its
exponent elsewhere, an interval says months in full, jsonb has no spaces and its keys in byte order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from itertools import takewhile
from struct import Struct

import orjson

from mzlite.wire import types

Converter = Callable[[bytes], bytes]

_NUMERIC_HEADER = Struct("!HhHH")
_UINT16 = Struct("!H")
_NUMERIC_BASE_DIGITS = 4

# Decimals that a parser to double precision could change, or that would be printed with an exponent or a zero more.
_DELICATE_DECIMAL = re.compile(rb"\.(?:[0-9]*0(?![0-9])|0000|[0-9]{7})|[0-9]{9}\.")
# Integers up to this many digits fit into 64 bits.
_EXACT_DIGITS = 18
_LONG_INTEGER = b"0" * (_EXACT_DIGITS + 1)
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_SPACE = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|([,:]) ')
_NUMERIC_DIGITS = 39
_NUMERIC_CONTEXT = Context(prec=_NUMERIC_DIGITS, rounding=ROUND_HALF_UP)
_EXPONENT = re.compile(rb"(-?[0-9.]+)e([+-][0-9]+)")
_ARRAY_NUMBER = re.compile(rb"(\.[0-9]*?)0+(?=[,}\])])")


def numeric(value: bytes) -> bytes:
    """A numeric in text format.

    >>> numeric(b"56.70"), numeric(b"70.000"), numeric(b"70"), numeric(b"NaN")
    (b'56.7', b'70', b'70', b'NaN')
    """
    if len(value) > _NUMERIC_DIGITS:
        value = _rounded(value)
    return value.rstrip(b"0").rstrip(b".") if b"." in value else value


def _rounded(value: bytes) -> bytes:
    """A numeric with 39 significant digits: sums may have more in PostgreSQL, and literals.

    >>> _rounded(b"1" + 38 * b"2" + b".5") == b"1" + 37 * b"2" + b"3", _rounded(b"-1" + 39 * b"0")
    (True, b'-Infinity')
    """
    number = Decimal(value.decode("ascii"))
    if not number.is_finite():
        return value
    number = number.normalize(_NUMERIC_CONTEXT)
    if number.adjusted() >= _NUMERIC_DIGITS:
        return b"Infinity" if number > 0 else b"-Infinity"
    return f"{number:f}".encode()


def floats(lowest: int, highest: int) -> Converter:
    """What converts floating point numbers whose exponents from `lowest` to `highest` are written out.

    >>> floats(-5, 15)(b"1.5e+15"), floats(-5, 15)(b"1e-05"), floats(-5, 15)(b"{1e-07,2.5e+20}")
    (b'1500000000000000', b'0.00001', b'{1e-7,2.5e+20}')
    """

    def convert(match: re.Match[bytes]) -> bytes:
        exponent = int(match.group(2))
        if lowest <= exponent <= highest:
            return f"{Decimal(match.group(0).decode('ascii')):f}".encode()
        return b"%se%s%d" % (match.group(1), b"" if exponent < 0 else b"+", exponent)

    return lambda value: _EXPONENT.sub(convert, value) if b"e" in value else value


def numerics(value: bytes) -> bytes:
    """An array or a range of numerics in text format.

    >>> numerics(b"{1.50,20,NULL,3.00}"), numerics(b"[1.50,2.00)")
    (b'{1.5,20,NULL,3}', b'[1.5,2)')
    """
    return _ARRAY_NUMBER.sub(_trim, value)


def _trim(match: re.Match[bytes]) -> bytes:
    kept: bytes = match.group(1)
    return b"" if kept == b"." else kept


def jsonb(value: bytes) -> bytes:
    r"""A jsonb in text format.

    >>> jsonb(b'{"b": 1, "aa": [1, 2.50], "c": "x: \\"y, z"}')
    b'{"aa":[1,2.5],"b":1,"c":"x: \\"y, z"}'
    """
    if b"{" not in value:
        if b"[" not in value[:1]:
            return value if value[:1] == b'"' else numeric(value)
        if b" " not in value and b"." not in value:
            return value
    # Between quotes is text, unless a quote is escaped; only what is outside can hold numbers.
    outside = value if b'\\"' in value else b"".join(value.split(b'"')[::2])
    try:
        delicate = b"." in outside and _DELICATE_DECIMAL.search(outside) is not None
        if not delicate and _LONG_INTEGER not in outside.translate(_AS_ZEROS):
            return orjson.dumps(orjson.loads(value), option=orjson.OPT_SORT_KEYS)
        return _exact_json(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        # Nested more deeply than they go; the order of the keys stays PostgreSQL's.
        return _SPACE.sub(rb"\1\2", value)


def _exact_number(digits: str) -> orjson.Fragment:
    return orjson.Fragment(numeric(digits.encode()))


def _exact_json(value: bytes) -> bytes:
    """As `jsonb`, for numbers that have to stay as they are: slower, but digit by digit."""
    return orjson.dumps(
        json.loads(value, parse_float=_exact_number, parse_int=_exact_number), option=orjson.OPT_SORT_KEYS
    )


def interval(value: bytes) -> bytes:
    """An interval, or an array of them, in text format.

    >>> interval(b"1 year 2 mons -3 days"), interval(b'{"1 mon"}')
    (b'1 year 2 months -3 days', b'{"1 month"}')
    """
    return value.replace(b"mon", b"month")


_ARRAY_ELEMENT = re.compile(rb'"((?:[^"\\]|\\.)*)"|[^{},"]+')


def jsonbs(value: bytes) -> bytes:
    """An array of jsonb in text format: each element is converted inside its quotes."""

    def convert(match: re.Match[bytes]) -> bytes:
        quoted = match.group(1)
        if quoted is None:
            plain: bytes = match.group(0)
            return plain if plain == b"NULL" else jsonb(plain)
        element = jsonb(re.sub(rb"\\(.)", rb"\1", quoted, flags=re.S))
        if not re.search(rb'[{},"\\\s]', element):
            return element
        return b'"' + element.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    return _ARRAY_ELEMENT.sub(convert, value)


_MAP_SPECIAL = re.compile(r'[{}",=>\\\s]')


def _map_item(text: str) -> str:
    if text in ("", "NULL") or _MAP_SPECIAL.search(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def _list_item(text: str) -> str:
    if text in ("", "NULL") or _LIST_SPECIAL.search(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def _nested(value: object, layers: Sequence[str], element: int | None, quoted: Callable[[str], str]) -> str:
    """A JSON value in a list or a map, as text within that; without layers it says by itself what it is.

    Args:
        value: the value.
        layers: `list` or `map` for it and what is in it.
        element: the oid of the innermost values' type.
        quoted: how a plain value is written.
    """
    match value:
        case None:
            return "NULL"
        case dict() if element != types.JSONB or layers:
            inner = layers[1:]
            parts = (f"{_map_item(key)}=>{_nested(value[key], inner, element, _map_item)}" for key in sorted(value))
            return "{" + ",".join(parts) + "}"
        case list() if element != types.JSONB or layers:
            return "{" + ",".join(_nested(item, layers[1:], element, _list_item) for item in value) + "}"
        case _ if element == types.JSONB:
            return quoted(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())
        case bool():
            return "t" if value else "f"
        case Decimal():
            return numeric(f"{value:f}".encode()).decode()
        case _:
            return quoted(str(value))


def map_text(layers: Sequence[str], element: int | None) -> Converter:
    r"""What converts a map, which PostgreSQL sends as JSON.

    >>> map_text(["map"], None)(b'{"b": 1.50, "a c": "x", "d": null, "e": {"f": [true, "a=b"]}}')
    b'{"a c"=>x,b=>1.5,d=>NULL,e=>{f=>{t,a=b}}}'
    >>> map_text(["map"], types.JSONB)(b'{"a": {"b": 1}, "c": 2}')
    b'{a=>"{\\"b\\":1}",c=>2}'
    """
    number = _exact_number if element == types.JSONB else Decimal

    def convert(value: bytes) -> bytes:
        return _nested(json.loads(value, parse_float=number, parse_int=number), layers, element, _map_item).encode()

    return convert


def list_text(layers: int, element: Converter | None, *, nested: bool = False) -> Converter:
    r"""What converts a list, which PostgreSQL prints as an array whose elements may be lists in quotes.

    Args:
        layers: the lists within one another.
        element: what converts the innermost elements.
        nested: whether these are maps, which need no quotes.

    >>> list_text(2, numeric)(b'{"{1.50,NULL}",NULL,"{}"}'), list_text(1, None)(b'{"null",a,"{b}"}')
    (b'{{1.5,NULL},NULL,{}}', b'{null,a,"{b}"}')
    """
    inner = element if layers == 1 else list_text(layers - 1, element, nested=nested)

    def convert(match: re.Match[bytes]) -> bytes:
        quoted: bytes | None = match.group(1)
        if quoted is None:
            plain: bytes = match.group(0)
            return plain if plain == b"NULL" or inner is None else inner(plain)
        item = re.sub(rb"\\(.)", rb"\1", quoted, flags=re.S)
        if inner is not None:
            item = inner(item)
        if layers > 1 or nested or (item not in (b"", b"NULL") and not _LIST_SPECIAL.search(item.decode())):
            return item
        return b'"' + item.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    return lambda value: _ARRAY_ELEMENT.sub(convert, value)


_LIST_SPECIAL = re.compile(r'[{},"\\\s]')


def numeric_binary(value: bytes) -> bytes:
    """A numeric in binary format: only the number of decimals shown can be too large.

    The layout is: number of digits, weight of the first, sign, decimals shown, then digits of base 10000.
    """
    count, weight, sign, scale = _NUMERIC_HEADER.unpack_from(value)
    if scale == 0:
        return value
    decimals = 0
    after_point = count - 1 - weight  # base-10000 digits after the decimal point
    if after_point > 0:
        (last,) = _UINT16.unpack_from(value, len(value) - 2)
        decimals = after_point * _NUMERIC_BASE_DIGITS
        while decimals > 0 and last % 10 == 0:
            last //= 10
            decimals -= 1
            if last == 0:
                break
    return value if decimals >= scale else _NUMERIC_HEADER.pack(count, weight, sign, decimals) + value[8:]


def jsonb_binary(value: bytes) -> bytes:
    """A jsonb in binary format: a version byte, then the text."""
    return value[:1] + jsonb(value[1:])


@dataclass(frozen=True)
class Adaptation:
    """What a type needs: the converter, and a pattern without which no value of it can need it."""

    convert: Converter
    suspect: bytes


_TRAILING_ZERO = rb"\.(?:[0-9]*0(?![0-9])|[0-9]{20})|[0-9]{20}"
_WITH_EXPONENT = rb"e[+-]"
_JSON_STRUCTURE = rb'\{"|\[|\.[0-9]*0(?![0-9])'
_ANY = rb""

_DOUBLES, _REALS = Adaptation(floats(-5, 15), _WITH_EXPONENT), Adaptation(floats(-6, 12), _WITH_EXPONENT)
_INTERVALS = Adaptation(interval, b" mon")
_TEXT_ADAPTATIONS = {
    types.FLOAT8: _DOUBLES,
    types.FLOAT8_ARRAY: _DOUBLES,
    types.FLOAT4: _REALS,
    types.FLOAT4_ARRAY: _REALS,
    types.NUMERIC: Adaptation(numeric, _TRAILING_ZERO),
    types.NUMERIC_ARRAY: Adaptation(numerics, _TRAILING_ZERO),
    types.NUMRANGE: Adaptation(numerics, _TRAILING_ZERO),
    types.JSONB: Adaptation(jsonb, _JSON_STRUCTURE),
    types.JSONB_ARRAY: Adaptation(jsonbs, _JSON_STRUCTURE),
    types.INTERVAL: _INTERVALS,
    types.INTERVAL_ARRAY: _INTERVALS,
}
_BINARY_ADAPTATIONS = {
    types.NUMERIC: Adaptation(numeric_binary, _ANY),
    types.JSONB: Adaptation(jsonb_binary, _ANY),
}


def adaptation(type_oid: int, format_code: int = 0) -> Adaptation | None:
    """What values of a type need in a format (0 text, 1 binary); None when they pass as they are."""
    if type_oid < 0:
        return _structured(type_oid) if format_code == 0 else None
    return (_BINARY_ADAPTATIONS if format_code == 1 else _TEXT_ADAPTATIONS).get(type_oid)


@cache
def _structured(code: int) -> Adaptation:
    """What values of a type of lists or maps need in text format."""
    shape = types.shape_of(code)
    lists = len(list(takewhile(lambda layer: layer == "list", shape.layers)))
    if lists < len(shape.layers):
        maps = map_text(shape.layers[lists:], shape.element)
        return Adaptation(maps if lists == 0 else list_text(lists, maps, nested=True), _ANY)
    element = None if shape.element is None else _TEXT_ADAPTATIONS[shape.element]
    if element is None:
        return Adaptation(list_text(lists, None), rb'"(?i:null)"' if lists == 1 else _ANY)
    return Adaptation(list_text(lists, element.convert), element.suspect if lists == 1 else _ANY)


def decimal(value: bytes) -> Decimal:
    """The number that a numeric's text stands for."""
    return Decimal(value.decode("ascii"))
