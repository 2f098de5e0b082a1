"""The kinds of values that random cases are made of: their types, constants, and what rows hold.

Types that PostgreSQL's grammar does not know have a short name in the text of a case (`lst`, `map`), so that the
reducer can parse it; `spelled` gives the text that Materialize reads.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

USUAL = {
    "int": "integer",
    "big": "bigint",
    "txt": "text",
    "num": "numeric",
    "dbl": "double precision",
    "ts": "timestamp",
    "bool": "boolean",
    "js": "jsonb",
}
RARE = {
    "lst": "lst",
    "tls": "tls",
    "map": "mpi",
    "arr": "integer[]",
    "u2": "uint2",
    "u4": "uint4",
    "u8": "uint8",
    "mzt": "mz_timestamp",
    "date": "date",
    "iv": "interval",
    "ll": "lls",
    "tz": "timestamptz",
    "tm": "time",
    "i2": "smallint",
    "uuid": "uuid",
    "by": "bytea",
}
TYPES = {**USUAL, **RARE}
KINDS, RARE_KINDS = tuple(USUAL), tuple(RARE)
ORDERED = ("int", "big", "txt", "num", "dbl", "ts")
LISTS = ("lst", "tls", "ll")
LISTED = (*LISTS, "map", "arr")
UNORDERED = ("js", "bool", "map")
"""What conditions do not compare by order."""
WITHOUT_EXTREMES = (*UNORDERED, *LISTED, "uuid", "by")
"""What max and min do not take."""
NOT_JOINED = ("js", "map")
"""What joins and subqueries do not compare."""
SPELLINGS = {"lst": "integer list", "tls": "text list", "lls": "integer list list", "mpi": "map[text=>integer]"}

LITERALS = {
    "int": ("0", "1", "2", "3", "-1", "5"),
    "big": ("0::bigint", "1::bigint", "2::bigint", "-2::bigint"),
    "txt": ("''::text", "'a'::text", "'b'::text", "'ab'::text", "'B'::text"),
    "num": ("0::numeric", "1.5", "-2.25", "10.00", "-1.50"),
    "dbl": ("0::double precision", "0.5::double precision", "-1.25::double precision", "3::double precision"),
    "ts": ("@0@", "@30@", "@-45@", "@120@"),
    "bool": ("true", "false"),
    "js": ("'{}'::jsonb", "'{\"a\": 1}'::jsonb", "'[1]'::jsonb"),
    "lst": ("'{}'::lst", "'{1}'::lst", "'{2,null,1}'::lst"),
    "tls": ("'{}'::tls", "'{a}'::tls", "'{b,a,b}'::tls"),
    "map": ("'{}'::mpi", "'{a=>1}'::mpi", "'{a=>2,b=>3}'::mpi"),
    "arr": ("'{}'::integer[]", "'{1}'::integer[]", "'{3,null,1}'::integer[]"),
    "u2": ("0::uint2", "1::uint2", "7::uint2"),
    "u4": ("0::uint4", "1::uint4", "5::uint4"),
    "u8": ("0::uint8", "2::uint8", "3::uint8"),
    "mzt": ("@0@::mz_timestamp", "@60@::mz_timestamp", "@-30@::mz_timestamp"),
    "date": ("@0@::date", "@-1500@::date", "@1500@::date"),
    "iv": ("interval '0 minutes'", "interval '1 hour'", "interval '30 minutes'"),
    "ll": ("'{}'::lls", "'{{1}}'::lls", "'{{2,null},{},{1}}'::lls", "'{null,{1}}'::lls"),
    "tz": ("@0@::timestamptz", "@30@::timestamptz", "@-45@::timestamptz"),
    "tm": ("time '00:00:00'", "time '12:30:00'", "time '23:59:59.5'"),
    "i2": ("0::smallint", "1::smallint", "-2::smallint"),
    "uuid": (
        "'00000000-0000-0000-0000-000000000000'::uuid",
        "'00000000-0000-0000-0000-0000000000ff'::uuid",
        "'10000000-0000-0000-0000-000000000000'::uuid",
    ),
    "by": ("''::bytea", "'\\x00'::bytea", "'\\x61ff'::bytea"),
}
VALUES = {
    **LITERALS,
    "dbl": (*LITERALS["dbl"], "'NaN'::double precision", "'-0'::double precision"),
    "ts": ("@0@", "@-1@", "@1@", "@-60@", "@-61@", "@30@", "@60@", "@90@", "@-30@", "@180@", "@-120@"),
    "js": (
        "'{}'::jsonb",
        "'{\"a\": 1}'::jsonb",
        '\'{"a": 2, "b": [1, 2]}\'::jsonb',
        '\'{"a": null, "b": ["x", "x"]}\'::jsonb',
        "'{\"b\": []}'::jsonb",
    ),
    "mzt": (*LITERALS["mzt"], "@1@::mz_timestamp", "@90@::mz_timestamp", "@-61@::mz_timestamp"),
}
"""What rows hold; @n@ is the moment n minutes after the case began."""
INTERVALS = ("1 minute", "30 minutes", "1 hour", "90 minutes", "0 minutes")


def spelled(text: str, begin: int) -> str:
    """The text with types in full, and each @n@ replaced by the moment n minutes after `begin` (ms)."""

    def moment(found: re.Match[str]) -> str:
        at = datetime.fromtimestamp(begin // 1000 + int(found[1]) * 60, UTC)
        return f"timestamp '{at:%Y-%m-%d %H:%M:%S}'"

    text = re.sub(r"(::| )(lst|tls|lls|mpi)\b", lambda found: found[1] + SPELLINGS[found[2]], text)
    return re.sub(r"@(-?\d+)@", moment, text)
