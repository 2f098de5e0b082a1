"""SUBSCRIBE: a subscription's events as rows, and those rows as a client asked for them.

In: a `Subscription` and its statement. Out: the columns that the client sees and, event by event, rows of text
values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from mzlite.dialect.statements import Subscribe, SubscribeOrder
from mzlite.errors import MzError
from mzlite.wire.interface import END_OF_TIME, Column, Subscription, SubscriptionEvent
from mzlite.wire.messages import FieldDescription
from mzlite.wire.results import Row
from mzlite.wire.rows import row_adapter
from mzlite.wire.types import BOOL, INT8, NUMERIC, TEXT, TypeMap

_TRUE, _FALSE = b"t", b"f"


def subscribe_columns(statement: Subscribe, columns: Sequence[Column], types: TypeMap) -> tuple[FieldDescription, ...]:
    """The columns of a SUBSCRIBE: its own, then those of the query (keys first in the keyed envelope)."""
    own = [FieldDescription("mz_timestamp", NUMERIC)]
    if statement.progress:
        own.append(FieldDescription("mz_progressed", BOOL, 1))
    if statement.envelope != "diff":
        own.append(FieldDescription("mz_state", TEXT))
    else:
        own.append(FieldDescription("mz_diff", INT8, 8))
    fields = []
    for column in columns:
        oid, size = types.column(column.type_oid, column.type_size)
        fields.append(FieldDescription(column.name, oid, size, column.type_modifier))
    ordered = [fields[index] for index in _order(statement, columns)]
    if statement.envelope != "debezium":
        return (*own, *ordered)
    keys, values = ordered[: len(statement.keys)], ordered[len(statement.keys) :]
    both = [replace(each, name=prefix + each.name) for prefix in ("before_", "after_") for each in values]
    return (*own, *keys, *both)


def _order(statement: Subscribe, columns: Sequence[Column]) -> list[int]:
    """The query's columns in the order of the output."""
    positions = range(len(columns))
    if statement.envelope == "diff":
        return list(positions)
    keys = key_positions(statement, columns)
    return [*keys, *(position for position in positions if position not in keys)]


def key_positions(statement: Subscribe, columns: Sequence[Column]) -> list[int]:
    """Where the key columns of the envelope are in the query.

    Raises:
        MzError: a key names no column.
    """
    names = [column.name for column in columns]
    for key in statement.keys:
        if key not in names:
            raise MzError(f'column "{key}" does not exist')
    return [names.index(key) for key in statement.keys]


class SubscribeRows:
    """Turns events into rows, in the order in which they came."""

    def __init__(self, statement: Subscribe, subscription: Subscription, types: TypeMap) -> None:
        columns = subscription.columns
        self._statement = statement
        self._snapshot_at = subscription.timestamp
        self._adapter = row_adapter(types.adapted((column.type_oid, 0) for column in columns))
        self._order = _order(statement, columns)
        self._keys = key_positions(statement, columns) if statement.envelope != "diff" else []
        self._sort = [ordering(item, columns) for item in statement.within_timestamp_order_by or ()]
        twice = len(columns) - len(self._keys) if statement.envelope == "debezium" else 0
        self._progress_nulls: Row = (None,) * (len(columns) + twice + 1)
        self._progressed = -1
        self._started = False

    def rows(self, event: SubscriptionEvent) -> Iterator[Row]:
        """The rows of one event."""
        with_progress = self._statement.progress
        if not self._started:
            self._started = True
            if with_progress:
                yield from self._progress(self._snapshot_at)
            if not self._statement.snapshot and event.timestamp <= self._snapshot_at:
                event = SubscriptionEvent(event.timestamp, (), event.frontier)
        if event.rows:
            head: Row = (b"%d" % event.timestamp,)
            if with_progress:
                head += (_FALSE,)
            changes = event.rows
            if self._adapter.needed:
                adapt = self._adapter.values
                changes = [(difference, adapt(values)) for difference, values in changes]
            if self._statement.envelope != "diff":
                yield from self._keyed(head, changes)
            else:
                if self._sort:
                    changes = sorted(changes)
                    for item in reversed(self._sort):
                        changes = item.sorted(changes)
                for difference, values in changes:
                    yield (*head, b"%d" % difference, *values)
        if with_progress and event.frontier != END_OF_TIME:
            yield from self._progress(event.frontier)

    def _progress(self, timestamp: int) -> Iterator[Row]:
        if timestamp > self._progressed:
            self._progressed = timestamp
            yield (b"%d" % timestamp, _TRUE, *self._progress_nulls)

    def _keyed(self, head: Row, changes: Sequence[tuple[int, Row]]) -> Iterator[Row]:
        """One row per key: what has become of it, or that it is not a key."""
        by_key: dict[Row, dict[Row, int]] = {}
        for difference, values in changes:
            counts = by_key.setdefault(tuple(values[key] for key in self._keys), {})
            counts[values] = counts.get(values, 0) + difference
        debezium = self._statement.envelope == "debezium"
        others = self._order[len(self._keys) :]
        nulls: Row = (None,) * len(others)
        for key, counts in by_key.items():
            added = [(values, count) for values, count in counts.items() if count > 0]
            removed = [(values, count) for values, count in counts.items() if count < 0]
            if not added and not removed:
                continue
            after: Row | None = nulls if not added else None
            before: Row | None = nulls if not removed else None
            if len(added) == 1 and added[0][1] == 1:
                after = tuple(added[0][0][index] for index in others)
            if len(removed) == 1 and removed[0][1] == -1:
                before = tuple(removed[0][0][index] for index in others)
            if after is None or before is None:
                yield (*head, b"key_violation", *key, *nulls, *(nulls if debezium else ()))
            elif debezium:
                state = b"delete" if not added else b"insert" if not removed else b"update"
                yield (*head, state, *key, *before, *after)
            else:
                yield (*head, b"upsert" if added else b"delete", *key, *after)


_NUMBERS = frozenset({20, 21, 23, 26, 700, 701, 1700})


@dataclass(frozen=True)
class Ordering:
    """One item of WITHIN TIMESTAMP ORDER BY; `position` None is mz_diff."""

    position: int | None
    numeric: bool
    ascending: bool
    nulls_last: bool

    def sorted(self, changes: Sequence[tuple[int, Row]]) -> list[tuple[int, Row]]:
        """The changes by this item, stable."""
        if self.position is None:
            return sorted(changes, key=lambda change: change[0], reverse=not self.ascending)
        nulls = [change for change in changes if self._value(change) is None]
        others = [change for change in changes if self._value(change) is not None]
        others.sort(key=self._key, reverse=not self.ascending)
        return [*others, *nulls] if self.nulls_last else [*nulls, *others]

    def _value(self, change: tuple[int, Row]) -> bytes | None:
        assert self.position is not None
        return change[1][self.position]

    def _key(self, change: tuple[int, Row]) -> tuple[Decimal, bytes]:
        value = self._value(change) or b""
        if not self.numeric:
            return Decimal(0), value
        number = Decimal(value.decode())
        return (Decimal("Infinity"), b"1") if number.is_nan() else (number, b"0")


def ordering(item: SubscribeOrder, columns: Sequence[Column]) -> Ordering:
    """An item of WITHIN TIMESTAMP ORDER BY over the columns of the query.

    Raises:
        MzError: there is no such column.
    """
    names = [column.name for column in columns]
    if item.column == "mz_diff":
        return Ordering(None, True, item.ascending, item.nulls_last)
    if isinstance(item.column, int):
        if not 1 <= item.column <= len(names):
            raise MzError(f"column reference {item.column} in ORDER BY clause is out of range (1 - {len(names)})")
        position = item.column - 1
    elif item.column in names:
        position = names.index(item.column)
    else:
        raise MzError(f'column "{item.column}" does not exist')
    return Ordering(position, columns[position].type_oid in _NUMBERS, item.ascending, item.nulls_last)


@dataclass
class SubscribeCursor:
    """A cursor over a subscription, which starts with the first FETCH; `waiting` are rows not yet fetched."""

    statement: Subscribe
    subscription: Subscription | None = None
    rows: SubscribeRows | None = None
    columns: tuple[FieldDescription, ...] = ()
    waiting: deque[Row] = field(default_factory=deque)
    ended: bool = False

    async def close(self) -> None:
        """Let go of the subscription."""
        subscription, self.subscription = self.subscription, None
        if subscription is not None:
            await subscription.close()
