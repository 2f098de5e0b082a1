"""Everything that the demo shows, gathered from its feeds.

In: changes of views, alerts, and what the generator tells. Out: plain values for the view and for the
summary. Feeds run in threads of their own; each writes only its own fields.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stack.demo.alerts import Alert
from stack.demo.feeds import Row
from stack.demo.latency import GoldLatency, Histogram

CAUGHT_UP_MS = 2_000
"""The views have caught up with the history when no sent order is older than this and unseen."""
BUCKET = "bucket"
LONGEST_WARM_UP_SECONDS = 120.0
"""Latency counts from then on in any case."""


@dataclass
class Generator:
    """What the generator last said of itself."""

    phase: str = "starting"
    events: int = 0
    done: float | None = None
    behind: float = 0.0
    is_resumed: bool = False
    is_alone: bool = True
    """True when every event in the topics is this world's, so that its counts are the whole truth."""
    truth: dict[str, Any] | None = None
    """The exact counts, once it has ended."""
    samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=250))
    """(wall clock in s, events so far), for the rate."""

    @property
    def rate(self) -> float:
        """Events per second over the last seconds."""
        if len(self.samples) < 2:
            return 0.0
        (first, before), (last, after) = self.samples[0], self.samples[-1]
        return (after - before) / max(last - first, 0.001)

    def described(self) -> str:
        """Where it is, in words."""
        if self.phase == "starting":
            return "the generator starts"
        if self.phase == "past":
            done = f" {self.done:.0%}" if self.done is not None else ""
            return f"writing the history{done}: {self.events:,} events"
        behind = f", generator {self.behind:.1f} s behind" if self.behind > 1 else ""
        return f"{self.rate:,.0f} events/s, {self.events:,} sent{behind}"

    def take(self, line: dict[str, Any], wall: float) -> None:
        """It told where it is, at this wall clock in s."""
        self.phase, self.done, self.behind = line["phase"], line["done"], line["behind"]
        self.events = line["events"]
        if not self.samples or wall - self.samples[-1][0] >= 0.1:
            self.samples.append((wall, self.events))
            while wall - self.samples[0][0] > 5.0:
                self.samples.popleft()


@dataclass
class Health:
    """One row of gold_system_health."""

    start: datetime
    total_orders: int
    total_revenue: str
    unique_users: str
    unique_drivers: str
    orders_per_minute: str
    row: Row


@dataclass
class Delayed:
    """One row of silver_delayed_orders."""

    order_id: str
    restaurant_key: str
    delay_minutes: str
    since: str
    seen: float


@dataclass(frozen=True)
class RestaurantWindow:
    """The part of a row of gold_restaurant_performance that the ranking needs."""

    orders: int
    delayed: int
    row: Row


@dataclass
class DemoState:
    """Gathers; see the attributes."""

    generator: Generator = field(default_factory=Generator)
    gold: GoldLatency = field(default_factory=GoldLatency)
    alert_latency: Histogram = field(default_factory=Histogram)
    health: dict[int, Health] = field(default_factory=dict)
    """By start of the window, in ms."""
    restaurants: dict[tuple[str, str], RestaurantWindow] = field(default_factory=dict)
    """Windows with delayed orders, by (restaurant, start)."""
    buckets: dict[tuple[str, str], Row] = field(default_factory=dict)
    bucket_columns: Mapping[str, int] = field(default_factory=dict)
    delayed: dict[str, Delayed] = field(default_factory=dict)
    delayed_seen: int = 0
    delayed_gone: int = 0
    recent_alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=50))
    present_since: float | None = None
    """Wall clock in s at which the history was written."""
    measuring_since: float | None = None
    is_collecting_base: bool = True
    """Until the generator starts, what gold shows is from earlier runs."""

    def on_health(self, difference: int, columns: Mapping[str, int], row: Row, wall_ms: float) -> None:
        """A row of gold_system_health came or went."""
        start = parse_time(row[columns["window_start"]])
        key = int(start.timestamp() * 1000)
        if difference < 0:
            current = self.health.get(key)
            if current is not None and current.row == row:
                del self.health[key]
            return
        orders = int(row[columns["total_orders"]] or 0)
        self.health[key] = Health(
            start=start,
            total_orders=orders,
            total_revenue=text(columns, row, "total_revenue"),
            unique_users=text(columns, row, "unique_users"),
            unique_drivers=text(columns, row, "unique_drivers"),
            orders_per_minute=text(columns, row, "orders_per_minute"),
            row=row,
        )
        if self.is_collecting_base:
            self.gold.existing(key, orders)
        else:
            self.gold.seen(key, orders, wall_ms)

    def on_restaurant(self, difference: int, columns: Mapping[str, int], row: Row, _wall_ms: float) -> None:
        """A row of gold_restaurant_performance came or went."""
        key = (row[columns["restaurant_key"]] or "", row[columns["window_start"]] or "")
        if difference < 0:
            current = self.restaurants.get(key)
            if current is not None and current.row == row:
                del self.restaurants[key]
            return
        delayed = int(row[columns["delayed_orders"]] or 0)
        if delayed:
            self.restaurants[key] = RestaurantWindow(int(row[columns["total_orders"]] or 0), delayed, row)

    def on_bucket(self, difference: int, columns: Mapping[str, int], row: Row, _wall_ms: float) -> None:
        """A row of gold_delivery_time_distribution came or went."""
        self.bucket_columns = columns
        key = (text(columns, row, "window_start"), text(columns, row, BUCKET))
        if difference > 0:
            self.buckets[key] = row
        elif self.buckets.get(key) == row:
            del self.buckets[key]

    def on_delayed(self, difference: int, columns: Mapping[str, int], row: Row, wall_ms: float) -> None:
        """A row of silver_delayed_orders came or went."""
        order_id = row[columns["order_id"]] or ""
        if difference < 0:
            if self.delayed.pop(order_id, None) is not None:
                self.delayed_gone += 1
            return
        if order_id not in self.delayed:
            self.delayed_seen += 1
        self.delayed[order_id] = Delayed(
            order_id=order_id,
            restaurant_key=text(columns, row, "restaurant_key"),
            delay_minutes=text(columns, row, "delay_minutes"),
            since=text(columns, row, "delayed_since"),
            seen=wall_ms / 1000,
        )

    def on_alert(self, alert: Alert) -> None:
        """An alert was read back."""
        self.recent_alerts.appendleft(alert)
        if self.measuring_since is not None and alert.since_ms >= self.measuring_since * 1000:
            self.alert_latency.add(alert.seen_ms - alert.since_ms)

    def on_generator(self, line: dict[str, Any]) -> None:
        """The generator told of itself."""
        generator = self.generator
        if line["kind"] == "truth":
            generator.truth = line
            return
        if line["kind"] == "start":
            generator.is_resumed = line["resumed"]
            if generator.is_resumed:
                # Its counts of the windows go on from the earlier run, so they include what is there.
                self.gold.nothing_existing()
            generator.is_alone = generator.is_resumed or not self.health
            return
        wall = time.time()
        generator.take(line, wall)
        windows = {int(start): orders for start, orders in line["windows"].items()}
        self.gold.sent(line["now_ms"], windows, wall * 1000)
        if generator.phase == "present":
            self._warm_up(wall)

    def _warm_up(self, wall: float) -> None:
        if self.present_since is None:
            self.present_since = wall
            self.generator.samples.clear()
        if self.measuring_since is None:
            is_caught_up = self.gold.lag_ms(wall * 1000) < CAUGHT_UP_MS
            if is_caught_up or wall - self.present_since > LONGEST_WARM_UP_SECONDS:
                self.measuring_since = wall
                self.gold.measure_from_ms = wall * 1000

    def worst_restaurants(self, count: int) -> list[tuple[str, int, int]]:
        """(restaurant, delayed orders, orders in the windows that have delayed ones), most delayed first."""
        sums: dict[str, tuple[int, int]] = {}
        for (restaurant, _), window in list(self.restaurants.items()):
            delayed, orders = sums.get(restaurant, (0, 0))
            sums[restaurant] = delayed + window.delayed, orders + window.orders
        ranking = sorted(sums.items(), key=lambda item: (-item[1][0], item[1][1], item[0]))
        return [(restaurant, delayed, orders) for restaurant, (delayed, orders) in ranking[:count]]

    def newest_health(self) -> Health | None:
        """The running window: the newest one."""
        windows = dict(self.health)
        return windows[max(windows)] if windows else None


def text(columns: Mapping[str, int], row: Row, name: str) -> str:
    """One field, null as nothing.

    Raises:
        KeyError: the view has no such column.
    """
    return row[columns[name]] or ""


def parse_time(text: str | None) -> datetime:
    """A timestamp as the engine prints it, in UTC.

    Raises:
        ValueError: it is none.
    """
    if text is None:
        raise ValueError("a window without a start")
    time_of_row = datetime.fromisoformat(text)
    return time_of_row if time_of_row.tzinfo else time_of_row.replace(tzinfo=UTC)
