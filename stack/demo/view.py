"""Draws the demo's state for a terminal.

In: the gathered state and the alert reader. Out: something that rich renders; plain lines for an
output that is no terminal.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stack.demo.alerts import AlertReader
from stack.demo.latency import Histogram
from stack.demo.state import DemoState

WORST_ROWS = 6
FEWEST_ROWS, MOST_ROWS = 3, 15
"""Rows of the lists below; how many depends on the terminal's height."""
OTHER_ROWS = 20
"""Lines of everything else."""
FRESH_SECONDS = 5.0
"""So long a new row stands out."""
GOOD_MS, POOR_MS = 1_000, 3_000
"""Latency targets: green up to the first, red above the second."""


class View:
    """The live picture; `render` is called a few times a second."""

    def __init__(self, state: DemoState, alerts: AlertReader, psql: str, ends_after: float | None) -> None:
        self._state = state
        self._alerts = alerts
        self._psql = psql
        self._ends_after = ends_after
        self._began = time.monotonic()
        self._rows = FEWEST_ROWS
        self.errors: list[str] = []

    def render(self, height: int) -> RenderableType:
        """The whole picture, for a terminal of so many lines."""
        self._rows = min(max(height - OTHER_ROWS - len(self.errors), FEWEST_ROWS), MOST_ROWS)
        parts: list[RenderableType] = [
            self._header(),
            side_by_side(self._health(), self._worst()),
            side_by_side(self._delayed(), self._recent_alerts()),
            self._buckets(),
        ]
        parts += [Text(error, style="red") for error in self.errors]
        parts.append(Text.assemble(("connect: ", "dim"), (self._psql, "bold"), ("   end: Ctrl-C", "dim")))
        return Group(*parts)

    def line(self) -> str:
        """One line of the same, for an output that is no terminal."""
        state = self._state
        health = state.newest_health()
        window = (
            f"window {health.start:%H:%M}: {health.total_orders:,} orders, {health.total_revenue}" if health else ""
        )
        return "; ".join(
            part
            for part in (
                self._state.generator.described(),
                window,
                f"delayed now {len(state.delayed):,}",
                f"alerts {self._alerts.alerts:,}",
                f"to gold {milliseconds(state.gold.histogram)}",
                f"to alert {milliseconds(state.alert_latency)}",
                *self.errors,
            )
            if part
        )

    def _header(self) -> RenderableType:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        end = f" of {self._ends_after:g} s" if self._ends_after is not None else ""
        return Panel(
            Text.assemble(
                ("hotplate ", "bold"),
                ("delivery", "bold cyan"),
                f"   {self._state.generator.described()}",
                (f"   {minutes:d}:{seconds:02d}{end}", "dim"),
            ),
            style="cyan",
        )

    def _health(self) -> RenderableType:
        state = self._state
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(style="dim")
        table.add_column(justify="right", style="bold")
        health = state.newest_health()
        title = "running window"
        if health is not None:
            title = f"window from {health.start:%H:%M} UTC"
            table.add_row("orders", f"{health.total_orders:,}")
            table.add_row("revenue", f"{Decimal(health.total_revenue or 0):,.2f}")
            table.add_row("users / drivers", f"{health.unique_users} / {health.unique_drivers}")
            table.add_row("orders per minute", health.orders_per_minute)
        table.add_row("event to gold", coloured(state.gold.histogram))
        table.add_row("event to alert", coloured(state.alert_latency))
        if state.measuring_since is None and state.generator.phase == "present":
            table.add_row("", Text("catching up with the history", style="yellow"))
        return Panel(table, title=title, title_align="left")

    def _worst(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("restaurant", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("delayed", justify="right", style="red")
        table.add_column("of", justify="right")
        for restaurant, delayed, orders in self._state.worst_restaurants(WORST_ROWS):
            table.add_row(restaurant, f"{delayed:,}", f"{orders:,}")
        return Panel(table, title="most delays", title_align="left")

    def _delayed(self) -> RenderableType:
        state = self._state
        now = time.time()
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("order", no_wrap=True, width=9)
        table.add_column("restaurant", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("since", no_wrap=True)
        for order in sorted(state.delayed.values(), key=lambda order: order.seen, reverse=True)[: self._rows]:
            is_fresh = now - order.seen < FRESH_SECONDS and state.present_since is not None
            table.add_row(
                order.order_id[:8], order.restaurant_key, order.since[11:19], style="bold" if is_fresh else ""
            )
        title = f"delayed orders: {len(state.delayed):,} now, {state.delayed_gone:,} moved on"
        return Panel(table, title=title, title_align="left")

    def _recent_alerts(self) -> RenderableType:
        now = time.time() * 1000
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("alert", no_wrap=True, width=9)
        table.add_column("restaurant", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("minutes", justify="right")
        table.add_column("read at", no_wrap=True)
        for alert in list(self._state.recent_alerts)[: self._rows]:
            is_fresh = now - alert.seen_ms < FRESH_SECONDS * 1000 and self._state.present_since is not None
            table.add_row(
                alert.order_id[:8],
                alert.restaurant_key,
                str(alert.delay_minutes),
                datetime.fromtimestamp(alert.seen_ms / 1000, UTC).strftime("%H:%M:%S"),
                style="bold" if is_fresh else "",
            )
        title = f"topic delivery-alerts: {self._alerts.alerts:,} alerts, {self._alerts.tombstones:,} tombstones"
        return Panel(table, title=title, title_align="left")

    def _buckets(self) -> RenderableType:
        state = self._state
        windows = sorted({start for start, _ in list(state.buckets)}, reverse=True)
        # Orders of the newest windows are still under way; one from an hour ago has its final shape.
        window = next(iter(windows[6:7] or windows[-1:]), None)
        if window is None:
            return Text("")
        rows = {bucket: row for (start, bucket), row in list(state.buckets.items()) if start == window}
        texts = []
        for bucket in ("fast", "normal", "slow", "very_slow"):
            if bucket in rows:
                fields = rows[bucket]
                count = fields[state.bucket_columns["order_count"]]
                share = fields[state.bucket_columns["percentage"]]
                texts.append(Text.assemble((f"{bucket} ", "dim"), f"{count} ({share} %)"))
        return Panel(Columns(texts, expand=True), title=f"delivery times, window {window[11:16]}", title_align="left")


def side_by_side(left: RenderableType, right: RenderableType) -> RenderableType:
    """Two panels in columns of the same width."""
    grid = Table.grid(expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    grid.add_row(left, right)
    return grid


def milliseconds(histogram: Histogram) -> str:
    """The two percentiles as text."""
    if not histogram.total:
        return "-"
    return f"p50 {histogram.percentile(50):,} ms, p99 {histogram.percentile(99):,} ms"


def coloured(histogram: Histogram) -> Text:
    """The same, coloured by the p99."""
    p99 = histogram.percentile(99)
    if p99 is None:
        return Text("-", style="dim")
    return Text(milliseconds(histogram), style="green" if p99 <= GOOD_MS else "yellow" if p99 <= POOR_MS else "red")
