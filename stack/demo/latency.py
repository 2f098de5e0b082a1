"""How long an event takes to reach a reader.

In: how many orders were sent until when, and how many a reader has seen. Out: percentiles in
milliseconds. A gold row does not name the events in it, but it counts them exactly: when a window
shows n orders, its n-th order has arrived.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

RETAINED_MS = 23 * 3_600_000
FEWEST_WINDOWS, MOST_WINDOWS = 300, 400
"""More windows than gold keeps; the oldest are forgotten."""


class Histogram:
    """Counts latencies by whole milliseconds.

    >>> histogram = Histogram()
    >>> for latency in range(1, 101): histogram.add(latency)
    >>> histogram.percentile(50), histogram.percentile(99)
    (50, 99)
    """

    LONGEST_MS = 600_000

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.total = 0

    def add(self, milliseconds: float, weight: int = 1) -> None:
        """Count `weight` events of this latency."""
        self._counts[min(max(int(milliseconds), 0), self.LONGEST_MS)] += weight
        self.total += weight

    def percentile(self, percent: float) -> int | None:
        """The latency in ms that `percent` of the events did not exceed; None without events."""
        wanted = self.total * percent / 100
        seen = 0
        for latency in sorted(self._counts):
            seen += self._counts[latency]
            if seen >= wanted:
                return latency
        return None


@dataclass
class _Window:
    """A window's orders that are sent and not yet seen, oldest first: (orders until then, sent from when in ms)."""

    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    sent: int = 0
    seen: int = 0
    shown: int = 0
    """Orders that the view shows, ours or not."""
    base: int = 0
    """Orders that were there before we began to count."""


class GoldLatency:
    """Matches sent orders with the counts of a gold view; the two sides may call it from different threads."""

    def __init__(self) -> None:
        self.histogram = Histogram()
        self.measure_from_ms: float | None = None
        """Only orders sent from then on count; before, the views are catching up with the history."""
        self._windows: dict[int, _Window] = {}
        self._last_ms: int | None = None
        self._lock = threading.Lock()

    def existing(self, window_ms: int, orders: int) -> None:
        """The window shows this many orders that are not ours."""
        with self._lock:
            window = self._windows.setdefault(window_ms, _Window())
            window.base = window.shown = orders

    def nothing_existing(self) -> None:
        """All that the windows show is ours after all."""
        with self._lock:
            for window in self._windows.values():
                window.base = 0

    def sent(self, now_ms: int, windows: dict[int, int], wall_ms: float) -> None:
        """So many orders per window are sent by `now_ms`; those since the last call are at most that old."""
        with self._lock:
            since_ms = now_ms if self._last_ms is None else self._last_ms
            self._last_ms = now_ms
            for start, orders in windows.items():
                window = self._windows.setdefault(start, _Window())
                if orders > window.sent:
                    window.sent = orders
                    window.waiting.append((orders, since_ms))
                    # The row may have been quicker than the word that it was sent.
                    self._match(window, wall_ms)
            if len(self._windows) > MOST_WINDOWS:
                for start in sorted(self._windows)[:-FEWEST_WINDOWS]:
                    del self._windows[start]

    def seen(self, window_ms: int, orders: int, wall_ms: float) -> None:
        """A reader saw at `wall_ms` that the window has this many orders."""
        with self._lock:
            window = self._windows.setdefault(window_ms, _Window())
            window.shown = orders
            self._match(window, wall_ms)

    def _match(self, window: _Window, wall_ms: float) -> None:
        ours = window.shown - window.base
        while window.waiting and window.waiting[0][0] <= ours:
            count, since_ms = window.waiting.popleft()
            if self.measure_from_ms is not None and since_ms >= self.measure_from_ms:
                self.histogram.add(wall_ms - since_ms, count - window.seen)
            window.seen = count

    def lag_ms(self, wall_ms: float) -> float:
        """The age of the oldest order that no reader has seen yet; 0 without one."""
        with self._lock:
            newest = max(self._windows, default=0)
            # Older windows of the history are past their retention: no reader will ever see them.
            shown = (window for start, window in self._windows.items() if start > newest - RETAINED_MS)
            oldest = [window.waiting[0][1] for window in shown if window.waiting]
        return max(0.0, wall_ms - min(oldest)) if oldest else 0.0
