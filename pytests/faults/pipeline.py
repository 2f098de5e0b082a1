"""A pipeline in the shape of delivery's, in plain SQL, and what its views must show, recomputed from its topics.

In: a seed and numbers of messages; later the topics' messages and a moment. Out: messages, statements, and the rows
that each view must have at that moment.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from pytests.end_to_end.kafka_tools import Read

MINUTE = 60_000
MARK = 30 * MINUTE
KEPT = 120 * MINUTE
STEPS = ("placed", "accepted", "preparing", "ready", "picked_up", "delivered")
PREPARING = 2
ORDERS, STATUS, ALERTS = "pipe-orders", "pipe-status", "pipe-alerts"
Message = tuple[str, bytes, bytes]
Rows = list[tuple[Any, ...]]

_DECODED = """
select case when convert_from(data, 'utf8') like '{{"%' then convert_from(data, 'utf8')::jsonb end as payload,
    at_partition, at_offset
from {source}
"""
_TIME = "timestamp '1970-01-01' + ((payload ->> '{field}')::bigint * interval '1 millisecond')"
SCHEMA = [
    "create schema pipe",
    "create connection pipe.kc to kafka (broker '{brokers}', security protocol = plaintext)",
    *(
        f"create source pipe.kafka_{name} from kafka connection pipe.kc (topic '{topic}') format bytes"
        " include partition as at_partition, offset as at_offset"
        for name, topic in (("orders", ORDERS), ("status", STATUS))
    ),
    *(
        f"create view pipe.{name}_decoded as {_DECODED.format(source=f'pipe.kafka_{name}')}"
        for name in ("orders", "status")
    ),
    f"""
    create view pipe.bronze_orders as select payload ->> 'order_id' as order_id, payload ->> 'user' as user_key,
        (payload ->> 'amount')::numeric(12, 2) as amount, {_TIME.format(field="ordered")} as order_date,
        at_partition, at_offset
    from pipe.orders_decoded where payload is not null
    """,
    f"""
    create view pipe.bronze_status as select payload ->> 'status_id' as status_id, payload ->> 'order_id' as order_id,
        (payload ->> 'step')::int as step, {_TIME.format(field="at")} as status_time, at_partition, at_offset
    from pipe.status_decoded where payload is not null
    """,
    f"""
    create materialized view pipe.quarantine as
    select '{ORDERS}' as topic, at_partition, at_offset from pipe.orders_decoded where payload is null
    union all
    select '{STATUS}' as topic, at_partition, at_offset from pipe.status_decoded where payload is null
    """,
    """
    create materialized view pipe.silver_orders as
    select distinct on (order_id) order_id, user_key, amount, order_date from pipe.bronze_orders
    where mz_now() <= order_date + interval '2 hours' order by order_id, at_partition, at_offset
    """,
    """
    create materialized view pipe.silver_status as
    select distinct on (status_id) status_id, order_id, step, status_time from pipe.bronze_status
    where mz_now() <= status_time + interval '2 hours' order by status_id, at_partition, at_offset
    """,
    """
    create materialized view pipe.order_status as
    select o.order_id, o.user_key, o.amount, o.order_date, s.status_id, s.step, s.status_time
    from pipe.silver_orders as o left join pipe.silver_status as s on o.order_id = s.order_id
    """,
    """
    create materialized view pipe.current_orders as
    select distinct on (order_id) order_id, user_key, amount, order_date, status_id, step, status_time
    from pipe.order_status order by order_id, status_time desc nulls last, status_id desc nulls last
    """,
    f"""
    create materialized view pipe.delayed_orders as
    select order_id, user_key, order_date + interval '30 minutes' as delayed_since from pipe.current_orders
    where step = {PREPARING} and mz_now() > order_date + interval '30 minutes'
    """,
    """
    create materialized view pipe.gold as
    select date_bin('10 minutes', order_date, timestamp '2000-01-01') as window_start, count(*) as orders,
        count(distinct user_key) as users, sum(amount) as revenue
    from pipe.silver_orders group by 1
    """,
    """
    create materialized view pipe.alerts as select distinct on (order_id) order_id, user_key, delayed_since
    from pipe.delayed_orders order by order_id, delayed_since
    """,
    f"""
    create sink pipe.alerts_sink from pipe.alerts into kafka connection pipe.kc (topic '{ALERTS}')
    key (order_id) key format text value format json envelope upsert
    """,
]
"""Statements, with a place for `brokers`."""

_MS = "(extract(epoch from {}) * 1000)::bigint"
QUERIES = {
    "source": "select (select count(*) from pipe.kafka_orders), (select count(*) from pipe.kafka_status)",
    "quarantine": "select topic, at_partition::int, at_offset::text::bigint from pipe.quarantine",
    "silver_orders": f"select order_id, user_key, amount::text, {_MS.format('order_date')} from pipe.silver_orders",
    "silver_status": f"select status_id, order_id, step, {_MS.format('status_time')} from pipe.silver_status",
    "order_status": "select order_id, status_id, step from pipe.order_status",
    "current_orders": "select order_id, status_id, step from pipe.current_orders",
    "delayed_orders": "select order_id, user_key from pipe.delayed_orders",
    "gold": f"select {_MS.format('window_start')}, orders, users, revenue::text from pipe.gold",
}
"""What is compared of each view."""


class World:
    """Orders and what becomes of them; half of the messages go to each topic, a few twice, a few are broken.

    Orders are so old that many become delayed, and some expire, while the test runs.

    Args:
        now: the moment at which it begins, ms.
        seconds: how long the test runs, about.
    """

    def __init__(self, seed: int, now: int, seconds: float) -> None:
        self._random = random.Random(seed)
        self._begin = now
        self._span = int(seconds * 1000)
        self._numbers = 0
        self._open: list[tuple[str, int, int]] = []
        self.last_moment = now
        """Nothing changes by the clock alone from here to long after the test."""

    def messages(self, count: int) -> Iterator[Message]:
        """The next ones."""
        chance = self._random
        for _ in range(count):
            self._numbers += 1
            if chance.random() < 0.005:
                yield chance.choice((ORDERS, STATUS)), b"broken", b"not json"
            elif not self._open or chance.random() < 0.4:
                yield self._order()
            else:
                yield self._step()

    def settle(self, orders: Iterable[str]) -> list[Message]:
        """A last step for each of these orders."""
        return [self._event(identity, len(STEPS) - 1, "settled", (len(STEPS) + 1) * 1000) for identity in orders]

    def _order(self) -> Message:
        chance, number = self._random, self._numbers
        age = KEPT if chance.random() < 0.05 else MARK
        ordered = self._begin - age + chance.randrange(-self._span // 4, self._span)
        self.last_moment = max(self.last_moment, ordered + age)
        # Now and then a message comes again.
        identity = f"o{number if chance.random() < 0.98 or number < 10 else chance.randrange(number)}"
        self._open.append((identity, ordered, 0))
        if len(self._open) > 2_000:
            del self._open[: chance.randrange(200)]
        value = {
            "order_id": identity,
            "user": f"u{chance.randrange(500)}",
            "amount": chance.randrange(1, 10_000) / 100,
            "ordered": ordered,
        }
        return ORDERS, identity.encode(), json.dumps(value).encode()

    def _step(self) -> Message:
        chance, place = self._random, self._random.randrange(len(self._open))
        identity, ordered, step = self._open[place]
        if step + 1 < len(STEPS):
            self._open[place] = (identity, ordered, step + 1)
        else:
            self._open[place] = self._open[-1]
            self._open.pop()
        return self._event(identity, step, str(step), step * 1000 + chance.randrange(3) * 500)

    def _event(self, identity: str, step: int, name: str, after: int) -> Message:
        value = {
            "status_id": f"{identity}-{name}",
            "order_id": identity,
            "step": step,
            # Never expires during the test, and ties in time are decided by the identity.
            "at": self._begin - MARK + after,
        }
        return STATUS, identity.encode(), json.dumps(value).encode()


def expected(messages: dict[str, list[Read]], now: int) -> dict[str, Rows]:
    """What the queries give at the moment `now` (ms) once all messages were taken in."""
    broken: Rows = []
    decoded: dict[str, list[dict[str, Any]]] = {ORDERS: [], STATUS: []}
    for topic in (ORDERS, STATUS):
        for read in sorted(messages[topic], key=lambda read: (read.partition, read.offset)):
            assert read.value is not None
            if read.value.startswith(b'{"'):
                decoded[topic].append(json.loads(read.value))
            else:
                broken.append((topic, read.partition, read.offset))
    orders = _first((row for row in decoded[ORDERS] if now <= row["ordered"] + KEPT), "order_id")
    status = _first((row for row in decoded[STATUS] if now <= row["at"] + KEPT), "status_id")
    of_order: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in status.values():
        of_order[row["order_id"]].append(row)
    latest = {
        order: max(of_order[order], key=lambda row: (row["at"], row["status_id"])) if order in of_order else None
        for order in orders
    }
    windows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in orders.values():
        windows[row["ordered"] - row["ordered"] % (10 * MINUTE)].append(row)
    return {
        "source": [(len(messages[ORDERS]), len(messages[STATUS]))],
        "quarantine": broken,
        "silver_orders": [
            (row["order_id"], row["user"], _money(row["amount"]), row["ordered"]) for row in orders.values()
        ],
        "silver_status": [(row["status_id"], row["order_id"], row["step"], row["at"]) for row in status.values()],
        "order_status": [
            (order, event["status_id"], event["step"])
            for order in orders
            for event in of_order.get(order, [{"status_id": None, "step": None}])
        ],
        "current_orders": [
            (order, event and event["status_id"], event and event["step"]) for order, event in latest.items()
        ],
        "delayed_orders": [
            (order, orders[order]["user"])
            for order, event in latest.items()
            if event is not None and event["step"] == PREPARING and now > orders[order]["ordered"] + MARK
        ],
        "gold": [
            (window, len(rows), len({row["user"] for row in rows}), _money(sum(_cents(row) for row in rows) / 100))
            for window, rows in windows.items()
        ],
    }


def _first(rows: Iterable[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row[key], row)
    return found


def _cents(row: dict[str, Any]) -> int:
    return round(row["amount"] * 100)


def _money(amount: float) -> str:
    """As numbers are written: without zeros at the end."""
    text = f"{amount:.2f}"
    return text.rstrip("0").rstrip(".")
