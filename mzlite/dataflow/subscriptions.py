"""Subscriptions: the changes of a relation, handed to a consumer as they are committed.

In: the delta of a relation at the end of a tick. Out: batches of (difference, values as text) with
their timestamp, delivered after the commit, in order. A consumer that does not keep up is cut off
instead of filling the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mzlite.dataflow.rel import Column, Mode, Rel, names_of, total
from mzlite.errors import MzError

Values = tuple[bytes | None, ...]


@dataclass(frozen=True)
class Change:
    """What a subscription sees at one moment: differences with the row's values in PostgreSQL's text format."""

    timestamp: int
    rows: Sequence[tuple[int, Values]]


Deliver = Callable[[Change | MzError], None]
"""Takes a change, or the error that ends the subscription. Called on the engine's thread; must not block."""


@dataclass(frozen=True)
class ResultColumn:
    """A column as the protocol describes it."""

    name: str
    type_oid: int
    type_size: int
    type_modifier: int


@dataclass
class ActiveSubscription:
    """One subscription of the engine.

    Attributes:
        id: unique.
        rel: what is subscribed to.
        reads: ids of the objects that it depends on, for errors and drops.
        owned: id of the maintained object made for it alone, if its query is not just a relation.
    """

    id: int
    rel: Rel
    reads: frozenset[str]
    deliver: Deliver
    owned: str | None = None
    columns: Sequence[ResultColumn] = ()
    timestamp: int = 0
    done: bool = field(default=False)


def changes_query(rel: Rel) -> str | None:
    """SELECT of the net changes of a relation in this tick: mz_diff, then the columns."""
    delta = rel.delta(Mode.TICK)
    return consolidated(rel.columns, delta) if delta is not None else None


def consolidated(columns: Sequence[Column], delta: str) -> str:
    """A delta with equal rows added up and those that cancel left out."""
    own = names_of(columns)
    comma = ", " if own else ""
    grouped = f" group by {own}" if own else ""
    return (
        f"select {total('mz_diff')} as mz_diff{comma}{own} from ({delta}) as t{grouped} having {total('mz_diff')} <> 0"
    )


def snapshot_query(rel: Rel) -> str:
    """SELECT of all rows of a relation as changes."""
    own = names_of(rel.columns)
    return f"select 1::bigint as mz_diff{', ' if own else ''}{own} from ({rel.state()}) as t"
