"""Keeps count of what was sent, so that a reader's figures can be compared with the truth.

In: the simulator's calls as events go out. Out: exact counts, per window sums, and which orders
are delayed at a moment. It follows the rules of the specification, independently of any SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from generator.counts import MessageCounts
from generator.lifecycle import DELAY_MARK_MS
from generator.timestamps import TimestampFormatter

WINDOW_MS = 10 * 60 * 1000
"""The tumbling windows of the gold layer."""
LATE_MS = 10 * 60 * 1000
"""An event that reaches Kafka more than this after its own time is late."""


@dataclass
class WindowTotals:
    """Orders that count in one ten-minute window of `order_date`, and their revenue in cents."""

    orders: int = 0
    revenue_cents: int = 0


@dataclass
class Truth(MessageCounts):
    """Exact counts of what was sent.

    Attributes:
        orders: distinct orders that a reader must count: valid, not late, duplicates counted once.
        statuses: distinct status events that are well-formed and not late.
        statuses_of_orders: those of them whose order counts too, so that a join finds it.
        delayed_ever: orders that were delayed at some moment.
        windows: totals by start of the window, in ms since 1970.
    """

    orders: int = 0
    revenue_cents: int = 0
    statuses: int = 0
    statuses_of_orders: int = 0
    delayed_ever: int = 0
    windows: dict[int, WindowTotals] = field(default_factory=dict)
    preparing: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Orders whose latest status is `preparing`: (when they were placed, when that status came)."""

    def order(self, placed_ms: int, cents: int) -> None:
        """One more order that counts."""
        self.orders += 1
        self.revenue_cents += cents
        start = placed_ms - placed_ms % WINDOW_MS
        window = self.windows.get(start)
        if window is None:
            window = self.windows[start] = WindowTotals()
        window.orders += 1
        window.revenue_cents += cents

    def status(self, order_id: str, placed_ms: int, name: str, at_ms: int) -> None:
        """One more status event that counts, of an order that counts."""
        self.statuses_of_orders += 1
        if name == "preparing":
            self.preparing[order_id] = (placed_ms, at_ms)
            return
        was = self.preparing.pop(order_id, None)
        if was is not None and max(was[0] + DELAY_MARK_MS, was[1]) < at_ms:
            self.delayed_ever += 1

    def delayed_now(self, now_ms: int) -> dict[str, int]:
        """The orders that are delayed at `now_ms`, with the time (ms) since when they are."""
        return {order: since for order, (since, _) in self.preparing_until(now_ms).items()}

    def preparing_until(self, mark_ms: int) -> dict[str, tuple[int, int]]:
        """Orders that are delayed at `mark_ms` if nothing more happens: (since when, when they were placed), in ms."""
        return {
            order: (since, placed)
            for order, (placed, at) in self.preparing.items()
            if (since := max(placed + DELAY_MARK_MS, at)) <= mark_ms
        }

    def report(self, now_ms: int) -> dict[str, object]:
        """The counts as plain values, ready for JSON; money in units with two places as text."""
        formatted = TimestampFormatter()
        delayed = self.delayed_now(now_ms)
        return {
            "at": formatted(now_ms),
            **self.message_report(),
            "orders": self.orders,
            "revenue": f"{self.revenue_cents // 100}.{self.revenue_cents % 100:02d}",
            "statuses": self.statuses,
            "statuses_of_orders": self.statuses_of_orders,
            "delayed_ever": self.delayed_ever + len(delayed),
            "delayed_now": len(delayed),
            "windows": {
                formatted(start): {
                    "orders": totals.orders,
                    "revenue": f"{totals.revenue_cents // 100}.{totals.revenue_cents % 100:02d}",
                }
                for start, totals in sorted(self.windows.items())
            },
        }
