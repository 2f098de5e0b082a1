"""Values of mzlite's own results in binary format.

In: a value as text and the oid of its type. Out: the value in the type's binary format, for clients that ask for it.
Results that PostgreSQL computes never come here; it encodes its own.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from decimal import Decimal
from struct import Struct

from mzlite.errors import MzError
from mzlite.wire import types
from mzlite.wire.errors import FEATURE_NOT_SUPPORTED

_INT16 = Struct("!h")
_INT32 = Struct("!i")
_UINT16 = Struct("!H")
_UINT32 = Struct("!I")
_INT64 = Struct("!q")
_UINT64 = Struct("!Q")
_FLOAT4 = Struct("!f")
_FLOAT8 = Struct("!d")
_NUMERIC_HEADER = Struct("!HhHH")

_EPOCH = datetime.datetime(2000, 1, 1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


def _same(value: bytes) -> bytes:
    return value


def _bool(value: bytes) -> bytes:
    return b"\1" if value == b"t" else b"\0"


def _bytea(value: bytes) -> bytes:
    return bytes.fromhex(value[2:].decode("ascii"))


def _integer(layout: Struct) -> Callable[[bytes], bytes]:
    return lambda value: layout.pack(int(value))


def _floating(layout: Struct) -> Callable[[bytes], bytes]:
    return lambda value: layout.pack(float(value))


def _uuid(value: bytes) -> bytes:
    return uuid.UUID(value.decode("ascii")).bytes


def _jsonb(value: bytes) -> bytes:
    return b"\1" + value


def _date(value: bytes) -> bytes:
    return _INT32.pack((datetime.date.fromisoformat(value.decode("ascii")) - _EPOCH.date()).days)


def _time(value: bytes) -> bytes:
    moment = datetime.datetime.combine(_EPOCH.date(), datetime.time.fromisoformat(value.decode("ascii")))
    return _INT64.pack((moment - _EPOCH) // _MICROSECOND)


def _timestamp(value: bytes) -> bytes:
    return _INT64.pack((datetime.datetime.fromisoformat(value.decode("ascii")) - _EPOCH) // _MICROSECOND)


def _timestamptz(value: bytes) -> bytes:
    return _INT64.pack((datetime.datetime.fromisoformat(value.decode("ascii")) - _EPOCH_UTC) // _MICROSECOND)


def _numeric(value: bytes) -> bytes:
    number = Decimal(value.decode("ascii"))
    if number.is_nan():
        return _NUMERIC_HEADER.pack(0, 0, 0xC000, 0)
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise MzError("infinity has no binary form here", sqlstate=FEATURE_NOT_SUPPORTED)
    decimals = max(-exponent, 0)
    text = "".join(map(str, digits)) + "0" * max(exponent, 0)
    whole, fraction = (text[:-decimals], text[-decimals:].rjust(decimals, "0")) if decimals else (text, "")
    whole = whole.rjust(-(-len(whole) // 4) * 4, "0")
    fraction = fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    groups = [int(part) for part in _fours(whole) + _fours(fraction)]
    weight = len(whole) // 4 - 1
    while groups and groups[0] == 0:
        groups.pop(0)
        weight -= 1
    while groups and groups[-1] == 0:
        groups.pop()
    head = _NUMERIC_HEADER.pack(len(groups), weight if groups else 0, 0x4000 if sign else 0, decimals)
    return head + b"".join(_UINT16.pack(group) for group in groups)


def _fours(digits: str) -> list[str]:
    return [digits[start : start + 4] for start in range(0, len(digits), 4)]


_ENCODERS: dict[int, Callable[[bytes], bytes]] = {
    types.BOOL: _bool,
    types.BYTEA: _bytea,
    types.NAME: _same,
    types.INT8: _integer(_INT64),
    types.INT2: _integer(_INT16),
    types.INT4: _integer(_INT32),
    types.TEXT: _same,
    types.OID: _integer(_UINT32),
    types.JSON: _same,
    types.FLOAT4: _floating(_FLOAT4),
    types.FLOAT8: _floating(_FLOAT8),
    types.BPCHAR: _same,
    types.VARCHAR: _same,
    types.DATE: _date,
    types.TIME: _time,
    types.TIMESTAMP: _timestamp,
    types.TIMESTAMPTZ: _timestamptz,
    types.NUMERIC: _numeric,
    types.UUID: _uuid,
    types.JSONB: _jsonb,
    types.OWN_TYPES["uint2"]: _integer(_UINT16),
    types.OWN_TYPES["uint4"]: _integer(_UINT32),
    types.OWN_TYPES["uint8"]: _integer(_UINT64),
    types.OWN_TYPES["mz_timestamp"]: _integer(_UINT64),
}


def encode(value: bytes, type_oid: int) -> bytes:
    """One value in binary format.

    Raises:
        MzError: the type has no binary format here, or its text cannot be read.
    """
    encoder = _ENCODERS.get(type_oid)
    if encoder is None:
        raise MzError(
            f"binary format of the type with oid {type_oid} not yet supported here", sqlstate=FEATURE_NOT_SUPPORTED
        )
    try:
        return encoder(value)
    except (ValueError, ArithmeticError) as error:
        raise MzError(
            f"no binary form of {value.decode(errors='replace')!r}", sqlstate=FEATURE_NOT_SUPPORTED
        ) from error
