"""Writes statements as SHOW CREATE prints them, with ${id} for other objects and ${cluster:id} for clusters.

In: the parts of a statement. Out: its text; long ones are broken into lines where Materialize breaks them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mzlite.catalog.registry import show_name
from mzlite.dialect.definitions import Format, Include
from mzlite.dialect.statements import OptionValue
from mzlite.long_names import restored

WIDTH = 100
_KEYWORDS = {"SECURITY PROTOCOL"}


def literal(text: str) -> str:
    """A string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def reference(object_id: str) -> str:
    """Stands for the full name of an object."""
    return f"${{{object_id}}}"


def cluster_reference(cluster_id: str) -> str:
    """Stands for the name of a cluster."""
    return f"${{cluster:{cluster_id}}}"


def broken(parts: Sequence[str], indent: str = "    ") -> str:
    """One line if it is short enough, else one part a line."""
    line = " ".join(parts)
    return (line if len(restored(line)) <= WIDTH else f"\n{indent}".join(parts)) + ";"


def option_text(name: str, value: OptionValue) -> str:
    """One option, `NAME = value`."""
    if value is True:
        return f"{name} = true"
    if value is False:
        return f"{name} = false"
    if value is None:
        return f"{name} = NULL"
    text = str(value)
    if isinstance(value, int | float):
        return f"{name} = {text}"
    if name in _KEYWORDS:
        return f"{name} = {text.lower()}"
    if text.startswith(("SECRET ", "${")):
        return f"{name} = {text}"
    if text.startswith("[") and text.endswith("]"):
        try:
            items = json.loads(text)
        except ValueError:
            return f"{name} = {literal(text)}"
        return f"{name} = ({', '.join(literal(item) if isinstance(item, str) else str(item) for item in items)})"
    return f"{name} = {literal(text)}"


def options_text(options: Mapping[str, OptionValue]) -> str:
    """Options in parentheses, as Materialize orders them."""
    return f"({', '.join(option_text(name, options[name]) for name in options)})"


def name_list(names: Sequence[str]) -> str:
    """Names in parentheses."""
    return f"({', '.join(show_name(name) for name in names)})"


def format_text(fmt: Format | None) -> list[str]:
    """FORMAT .., or KEY FORMAT .. VALUE FORMAT ..; nothing without one."""
    if fmt is None:
        return []

    def one(name: str | None) -> str:
        if name != "csv":
            return str(name).upper()
        if fmt.csv_header is not None:
            return f"CSV WITH HEADER {name_list(fmt.csv_header)}"
        delimiter = "" if fmt.csv_delimiter == "," else f" DELIMITED BY {literal(fmt.csv_delimiter)}"
        return f"CSV WITH {fmt.csv_columns} COLUMNS{delimiter}"

    if fmt.key is None:
        return [f"FORMAT {one(fmt.value)}"]
    return [f"KEY FORMAT {one(fmt.key)}", f"VALUE FORMAT {one(fmt.value)}"]


def include_text(include: Include) -> str:
    """One INCLUDE item."""
    if include.what == "header":
        text = f"HEADER {literal(include.header_key or '')} AS {show_name(include.alias or 'header')}"
        return f"{text} BYTES" if include.header_bytes else text
    text = include.what.upper()
    return text if include.alias is None else f"{text} AS {show_name(include.alias)}"


def envelope_text(envelope: str, inline_error_column: str = "error") -> str:
    """ENVELOPE .."""
    if envelope == "upsert-value-err-inline":
        alias = "" if inline_error_column == "error" else f" AS {show_name(inline_error_column)}"
        return f"ENVELOPE UPSERT (VALUE DECODING ERRORS = (INLINE{alias}))"
    return f"ENVELOPE {envelope.upper()}"
