"""Rows on their way from a backend to a client, as cheaply as their types allow.

In: a chunk of bytes that starts at a message, and the columns' adaptations. Out: how far the run of whole DataRow
messages in it reaches, and their bytes as the client gets them. Without adaptations nothing is looked at but the
lengths; with them only rows that can need it are taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct

from mzlite.wire.text import Adaptation, Converter, adaptation

DATA_ROW = ord("D")
COPY_DATA = ord("d")

_HEADER = Struct("!xI")  # the type byte is known; the length
_INT32 = Struct("!i")
_FIRST_VALUE = 7  # after the type byte, the length and the number of values


def run_end(data: bytes, position: int, kind: int) -> int:
    """Where the run of messages of type `kind` that starts at `position` ends.

    The result may lie behind the end of `data`: then the last message's rest has yet to come. A message whose length
    has not arrived in full is not counted.
    """
    last = len(data) - 5
    unpack = _HEADER.unpack_from
    while position <= last and data[position] == kind:
        position += 1 + unpack(data, position)[0]
    return position


class RowAdapter:
    """Turns the rows of one result into what the client gets."""

    def __init__(self, adaptations: Sequence[Adaptation | None]) -> None:
        needed = [found for found in adaptations if found is not None]
        converters: list[Converter | None] = [None if found is None else found.convert for found in adaptations]
        while converters and converters[-1] is None:
            converters.pop()
        self._converters = converters
        self._suspect = re.compile(b"|".join(sorted({found.suspect for found in needed})))
        self.needed = bool(needed)

    def adapt(self, data: bytes, position: int, output: list[bytes]) -> int:
        """Append the whole DataRow messages from `position` on to `output` as the client gets them.

        Returns:
            where the first message that is not a whole DataRow starts.
        """
        size = len(data)
        last = size - 5
        unpack = _HEADER.unpack_from
        suspect = self._suspect.search
        start = position  # of the rows that go out unchanged
        match = suspect(data, position)
        upcoming = size if match is None else match.start()
        while position <= last and data[position] == DATA_ROW:
            end = position + 1 + unpack(data, position)[0]
            if end > size:
                break
            if upcoming < end:
                match = suspect(data, end)
                upcoming = size if match is None else match.start()
                row = self._row(data, position, end)
                if row is not None:
                    if start < position:
                        output.append(data[start:position])
                    output.append(row)
                    start = end
            position = end
        if start < position:
            output.append(data if start == 0 and position == size else data[start:position])
        return position

    def _row(self, data: bytes, start: int, end: int) -> bytes | None:
        """One message with its values converted; None when that changes nothing."""
        unpack = _INT32.unpack_from
        position = start + _FIRST_VALUE
        copied = position
        parts: list[bytes] = []
        for convert in self._converters:
            length = unpack(data, position)[0]
            position += 4
            if length <= 0:
                continue
            after = position + length
            if convert is not None:
                value = data[position:after]
                converted = convert(value)
                if converted != value:
                    parts.append(data[copied : position - 4])
                    parts.append(_INT32.pack(len(converted)))
                    parts.append(converted)
                    copied = after
            position = after
        if not parts:
            return None
        parts.append(data[copied:end])
        body = b"".join(parts)
        return b"D" + _INT32.pack(len(body) + 6) + data[start + 5 : start + 7] + body

    def values(self, values: Sequence[bytes | None]) -> tuple[bytes | None, ...]:
        """One row's values, in text format, as the client gets them."""
        row = list(values)
        for index, convert in enumerate(self._converters):
            value = row[index]
            if convert is not None and value is not None:
                row[index] = convert(value)
        return tuple(row)


@lru_cache(maxsize=512)
def row_adapter(columns: tuple[tuple[int, int], ...]) -> RowAdapter:
    """The adapter for columns given as (type oid, format code)."""
    return RowAdapter([adaptation(type_oid, format_code) for type_oid, format_code in columns])
