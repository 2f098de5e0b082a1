"""Descriptions of rows and parameters, translated from the inner PostgreSQL's type oids to the client's.

In: a RowDescription or ParameterDescription message of the backend. Out: the message for the client, with the types
of the columns and the adapter for their rows. One per database, shared by its sessions, because the same few
messages come again and again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from mzlite.wire.messages import FieldDescription, ParameterDescription, RowDescription
from mzlite.wire.rows import RowAdapter, row_adapter
from mzlite.wire.types import TypeMap

Columns = tuple[tuple[int, int], ...]
"""(type oid in the inner PostgreSQL, format code) of each column."""

CACHE_SIZE = 1024


class Descriptions:
    """Translates descriptions by one database's types."""

    def __init__(self, types: TypeMap) -> None:
        self.types = types
        self.rows = lru_cache(CACHE_SIZE)(self._rows)

    def _rows(self, message: bytes) -> tuple[bytes, Columns, RowAdapter]:
        """The RowDescription for the client, the columns, and what adapts their rows."""
        fields = RowDescription.decode(message[5:]).fields
        columns = tuple((column.type_oid, column.format_code) for column in fields)
        return (
            RowDescription(tuple(self.field(column) for column in fields)).encode(),
            columns,
            row_adapter(self.types.adapted(columns)),
        )

    def field(self, column: FieldDescription) -> FieldDescription:
        """One column with its type as the client knows it."""
        oid, size = self.types.column(column.type_oid, column.type_size, column.format_code)
        return replace(column, type_oid=oid, type_size=size)

    def parameters(self, message: bytes) -> bytes:
        """The ParameterDescription for the client."""
        oids = ParameterDescription.decode(message[5:]).parameter_types
        return ParameterDescription(tuple(self.types.parameter(oid) for oid in oids)).encode()
