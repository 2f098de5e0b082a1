"""Results that mzlite itself makes, as messages.

In: columns, rows of text values, and the formats that the client asked for. Out: a RowDescription and DataRows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mzlite.errors import MzError
from mzlite.wire import binary
from mzlite.wire.errors import PROTOCOL_VIOLATION
from mzlite.wire.messages import DataRow, FieldDescription, RowDescription

Columns = tuple[FieldDescription, ...]
Row = tuple[bytes | None, ...]


def result_codes(formats: Sequence[int], count: int) -> tuple[int, ...]:
    """The format code of each of `count` columns.

    Args:
        formats: those that a Bind message gives: none, one for all, or one for each.

    Raises:
        MzError: there are too few or too many.
    """
    if len(formats) <= 1:
        return (formats[0] if formats else 0,) * count
    if len(formats) != count:
        raise MzError(
            f"bind message has {len(formats)} result formats but query has {count} columns", sqlstate=PROTOCOL_VIOLATION
        )
    return tuple(formats)


def described(columns: Columns, codes: Sequence[int]) -> bytes:
    """The RowDescription of columns in the given formats."""
    return RowDescription(
        tuple(
            FieldDescription(column.name, column.type_oid, column.type_size, column.type_modifier, code)
            for column, code in zip(columns, codes, strict=True)
        )
    ).encode()


def data_rows(columns: Columns, rows: Sequence[Row], codes: Sequence[int]) -> Iterator[bytes]:
    """A DataRow for each row, its values in the given formats.

    Raises:
        MzError: a value has no binary format here.
    """
    if not any(codes):
        for row in rows:
            yield DataRow(row).encode()
        return
    kinds = [column.type_oid if code else None for column, code in zip(columns, codes, strict=True)]
    for row in rows:
        yield DataRow(
            tuple(
                value if value is None or kind is None else binary.encode(value, kind)
                for value, kind in zip(row, kinds, strict=True)
            )
        ).encode()
