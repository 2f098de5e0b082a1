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


def is_narrow(type_: str) -> bool:
    """Whether all values of a type fit into an index."""
    return type_.partition("(")[0] in NARROW


def hash_of(expressions: Sequence[str], seed: int = 0) -> str:
    """A 64-bit hash of the values, equal for values that compare equal. Hashes with other seeds are independent."""
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
