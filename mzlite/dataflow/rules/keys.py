"""Hashes by which rows and keys are found again.

In: column texts. Out: SQL expressions. A hash only narrows the search: whoever uses it compares
the columns too, so a collision costs time and never a wrong row.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.rel import Column
from mzlite.planner.expressions import quote

NARROW = frozenset(
    {
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "real",
        "double precision",
        "boolean",
        "date",
        "time without time zone",
        "timestamp without time zone",
        "timestamp with time zone",
        "interval",
        "uuid",
        "oid",
        "mz_catalog.mz_timestamp",
        "mz_catalog.uint2",
        "mz_catalog.uint4",
        "mz_catalog.uint8",
    }
)
"""Types of which no value is too wide for an index, which takes 2,704 bytes."""


SIGNLESS = ("numeric", "jsonb", "map_")
"""What is in the names of types whose hashes, with any seed, do not see the sign of a number: 1 and -1 have the same."""


def is_narrow(type_: str) -> bool:
    """Whether all values of a type fit into an index."""
    return type_.partition("(")[0] in NARROW


def signs(columns: Sequence[Column], prefix: str = "") -> list[str]:
    """SQL by which values differ whose hashes are equal although they are not; equal for values that compare equal.

    PostgreSQL hashes a number without its sign. Texts of equal documents and arrays differ in zeros behind the point only.
    """
    found = []
    for column in columns:
        name, kind = prefix + quote(column.name), column.type.partition("(")[0]
        if kind == "numeric" and not column.type.endswith("]"):
            found.append(f"{name} < 0")
        elif kind == "numrange":
            found += [f"pg_catalog.lower({name}) < 0", f"pg_catalog.upper({name}) < 0"]
        elif any(part in column.type for part in SIGNLESS) or _is_named(kind):
            found.append(f"pg_catalog.translate({name}::text, '0123456789.', '')")
    return found


def _is_named(type_: str) -> bool:
    """Whether a type is one of the users', of which only its catalog entry says what it is made of."""
    schema, dot, _ = type_.rpartition(".")
    return bool(dot) and schema not in ("pg_catalog", "mz_catalog", "mzlite_def")


def hash_of(expressions: Sequence[str], seed: int = 0) -> str:
    """A 64-bit hash of the values, equal for values that compare equal. Hashes with other seeds are independent, but for `signs`."""
    return f"hash_record_extended(row({', '.join(expressions)}), {seed})"


def row_hash(columns: Sequence[Column], alias: str) -> str:
    """The hash of all columns of `alias`."""
    return hash_of([f"{alias}.{quote(column.name)}" for column in columns])


def same_row(columns: Sequence[Column], left: str, right: str) -> str:
    """A condition: both sides have equal columns, nulls being equal."""
    if not columns:
        return "true"
    lefts = ", ".join(f"{left}.{quote(column.name)}" for column in columns)
    rights = ", ".join(f"{right}.{quote(column.name)}" for column in columns)
    return f"row({lefts}) is not distinct from row({rights})"
