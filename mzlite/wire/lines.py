"""Rows as COPY .. TO STDOUT has them: lines of text or csv.

In: rows of text values, or a backend's DataRow messages. Out: lines, or the CopyData messages that carry them. The
lines of a query are made here, not by the backend, as the values have to read as Materialize's, by their types.
"""

from __future__ import annotations

from struct import Struct
from typing import Literal

from mzlite.wire.fields import frame
from mzlite.wire.results import Row
from mzlite.wire.rows import DATA_ROW, RowAdapter

_HEADER = Struct("!xI")
_INT32 = Struct("!i")
_FIRST_VALUE = 7

_TEXT_ESCAPES = {92: "\\\\", 9: "\\t", 10: "\\n", 13: "\\r", 8: "\\b", 11: "\\v", 12: "\\f"}
_ESCAPED_BYTES = frozenset(_TEXT_ESCAPES)


def copy_text(row: Row) -> bytes:
    r"""One line of COPY's text format.

    >>> copy_text((b"1", None, b"a\tb"))
    b'1\t\\N\ta\\tb\n'
    """
    return b"\t".join(b"\\N" if value is None else _escape(value) for value in row) + b"\n"


def _escape(value: bytes) -> bytes:
    if _ESCAPED_BYTES.isdisjoint(value):
        return value
    return value.decode().translate(_TEXT_ESCAPES).encode()


def copy_csv(row: Row) -> bytes:
    r"""One line of COPY's csv format: NULL is empty and unquoted, an empty text is quoted.

    >>> copy_csv((b"1", None, b"a,b")), copy_csv((b"",))
    (b'1,,"a,b"\n', b'""\n')
    """
    return b",".join(b"" if value is None else _quote(value, len(row) == 1) for value in row) + b"\n"


def _quote(value: bytes, alone: bool) -> bytes:
    quoted = not value or (alone and value == b"\\.")
    if quoted or any(special in value for special in (b",", b'"', b"\n", b"\r")):
        return b'"' + value.replace(b'"', b'""') + b'"'
    return value


class Lines:
    """Turns the rows of one result into copied lines."""

    def __init__(self, adapter: RowAdapter, columns: int, form: Literal["text", "csv"]) -> None:
        self._adapter, self._columns = adapter, columns
        self._line = copy_csv if form == "csv" else copy_text

    def adapt(self, data: bytes, position: int, output: list[bytes]) -> int:
        """Append the whole DataRow messages from `position` on to `output` as CopyData.

        Returns:
            where the first message that is not a whole DataRow starts.
        """
        size = len(data)
        while position <= size - 5 and data[position] == DATA_ROW:
            end = position + 1 + _HEADER.unpack_from(data, position)[0]
            if end > size:
                break
            output.append(frame(b"d", self._line(self._adapter.values(self._values(data, position)))))
            position = end
        return position

    def _values(self, data: bytes, start: int) -> Row:
        position = start + _FIRST_VALUE
        values: list[bytes | None] = []
        for _ in range(self._columns):
            length = _INT32.unpack_from(data, position)[0]
            position += 4
            values.append(None if length < 0 else data[position : position + length])
            position += max(length, 0)
        return tuple(values)
