"""Refuses what Materialize refuses."""

from __future__ import annotations

from mzlite.dialect.parser import ParsedStatement


def check_statement(parsed: ParsedStatement) -> None:
    """Raises MzError when the planner refuses the statement."""


def check_query(sql: str, *, maintained: bool) -> None:
    """Raises MzError when Materialize refuses the query."""
