"""The parts of random queries: relations' columns, items of FROM, whole queries.

In: nothing. Out: what the generators hand to one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pytests.property.expressions import Ref
from pytests.property.kinds import NOT_JOINED


@dataclass(frozen=True)
class Column:
    """A column of a relation; `exact` as in `Ref`."""

    name: str
    kind: str
    exact: bool = True


@dataclass(frozen=True)
class Query:
    """A query and its columns."""

    sql: str
    columns: tuple[Column, ...]


@dataclass
class Item:
    """Something in FROM: its SQL with the alias, and its columns in scope."""

    sql: str
    refs: list[Ref]


@dataclass
class From:
    """A FROM clause."""

    sql: str
    scope: list[Ref] = field(default_factory=list)


def joins(first: str, second: str) -> bool:
    """Whether two kinds may be equated."""
    return (first == second and first not in NOT_JOINED) or {first, second} == {"int", "big"}
