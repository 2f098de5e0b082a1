"""What the views of the sleigh's night must show, counted as it happens.

In: the simulator's calls as events go out that count. Out: exact figures per window, independently of any SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from generator.counts import Expected, decimal_text, time_text
from generator.geography import distance_km

MINUTE_MS = 60_000
RETAINED_MS = 47 * 3_600_000
GREATEST_KMH = 20_000
SETTLED_MS = 2 * MINUTE_MS
ALERT_DELIVERIES, ALERT_RATE = 10, Decimal("0.3")
RATE = Decimal("0.0001")


class Totals:
    """What every window counts."""

    __slots__ = ("delayed", "delivered", "events", "gifts")

    def __init__(self) -> None:
        self.events = self.gifts = self.delivered = self.delayed = 0

    def add(self, fields: dict[str, Any]) -> None:
        """One more event."""
        self.events += 1
        if fields["status"] == "delivered":
            self.delivered += 1
            self.gifts += fields["gift_count"]
        elif fields["status"] == "delayed":
            self.delayed += 1

    def row(self) -> list[Any]:
        """Events, gifts, delivered, delayed, success rate."""
        ended = self.delivered + self.delayed
        rate = decimal_text((Decimal(self.delivered) / ended).quantize(RATE, ROUND_HALF_UP)) if ended else None
        return [self.events, self.gifts, self.delivered, self.delayed, rate]


class SantaTruth:
    """Figures per window."""

    def __init__(self) -> None:
        self.night = Totals()
        self.minutes: dict[int, Totals] = defaultdict(Totals)
        self.regions: dict[tuple[int, str], Totals] = defaultdict(Totals)
        self.gifts: dict[tuple[int, str], Totals] = defaultdict(Totals)
        self.cities: dict[tuple[int, str, str], Totals] = defaultdict(Totals)
        self.progress: dict[int, Totals] = defaultdict(Totals)
        self.snow: Counter[int] = Counter()
        self.anomalies = 0
        self.transitions: Counter[str] = Counter()
        self._under_way: set[str] = set()
        self._last: dict[str, Any] | None = None
        self._route: list[tuple[int, str, str, float, float]] = []
        """Events of the windows that may still get some: (time, delivery, status, latitude, longitude)."""
        self._settled: tuple[int, str, str, float, float] | None = None

    def event(self, fields: dict[str, Any], at_ms: int) -> None:
        """One more event that counts."""
        five, ten, fifteen = (at_ms - at_ms % (minutes * MINUTE_MS) for minutes in (5, 10, 15))
        self.night.add(fields)
        self.minutes[at_ms - at_ms % MINUTE_MS].add(fields)
        self.regions[five, fields["region"]].add(fields)
        self.gifts[five, fields["gift_type"]].add(fields)
        self.cities[fifteen, fields["city"], fields["country"]].add(fields)
        self.progress[ten].add(fields)
        self.snow[ten] += fields["weather"] == "snow"
        delivery, status = fields["delivery_id"], fields["status"]
        if status == "en_route":
            self._under_way.add(delivery)
        elif delivery in self._under_way:
            self._under_way.remove(delivery)
            self.transitions[status] += 1
        self._route.append((at_ms, delivery, status, fields["latitude"], fields["longitude"]))
        if self._route[0][0] < at_ms - 2 * SETTLED_MS:
            self._settle(at_ms - SETTLED_MS)

    def _settle(self, until_ms: int) -> None:
        """Count the jumps among the events before `until_ms`: no more of them will come."""
        self._route.sort()
        count = sum(event[0] < until_ms for event in self._route)
        for event in self._route[:count]:
            self.anomalies += _is_jump(self._settled, event)
            self._settled = event
        del self._route[:count]

    def summary(self) -> dict[str, object]:
        """For people."""
        return {
            "events_that_count": self.night.events,
            "delivered": self.night.delivered,
            "delayed": self.night.delayed,
            "gifts": self.night.gifts,
        }

    def expected(self, now_ms: int) -> list[Expected]:
        """What the views must show."""
        self._settle(now_ms + 1)
        counted = "events, gifts, delivered, delayed, success_rate"
        ranked: list[list[Any]] = []
        for window in sorted({start for start, _, _ in self.cities}):
            cities = [
                (city, country, totals) for (start, city, country), totals in self.cities.items() if start == window
            ]
            cities.sort(key=lambda entry: (-entry[2].gifts, -entry[2].delivered, entry[0], entry[1]))
            ranked += [
                [time_text(window), rank, city, totals.gifts] for rank, (city, _, totals) in enumerate(cities, start=1)
            ]
        delivered = gifts = 0
        progress = []
        for start, totals in sorted(self.progress.items()):
            delivered, gifts = delivered + totals.delivered, gifts + totals.gifts
            snow = self.snow[start] or None
            progress.append([time_text(start), *totals.row()[:4], delivered, gifts, snow])
        return [
            Expected(
                "summary per minute",
                f"select window_start, {counted} from gold.gold_delivery_summary_realtime",
                [[time_text(start), *totals.row()] for start, totals in self.minutes.items()],
                RETAINED_MS,
            ),
            Expected(
                "regions per five minutes",
                f"select window_start, region, {counted} from gold.gold_delivery_by_region",
                [[time_text(start), region, *totals.row()] for (start, region), totals in self.regions.items()],
                RETAINED_MS,
            ),
            Expected(
                "gift types per five minutes",
                f"select window_start, gift_type, {counted} from gold.gold_delivery_by_gift_type",
                [[time_text(start), gift, *totals.row()] for (start, gift), totals in self.gifts.items()],
                RETAINED_MS,
            ),
            Expected(
                "progress per ten minutes",
                "select window_start, events, gifts, delivered, delayed, total_delivered, total_gifts,"
                " events_by_weather ->> 'snow' from gold.gold_overall_progress",
                progress,
                RETAINED_MS,
            ),
            Expected(
                "cities per fifteen minutes",
                "select window_start, rank, city, gifts from gold.gold_top_cities",
                ranked,
                RETAINED_MS,
            ),
            Expected(
                "alerts",
                "select window_start, region, delivered, delayed from alerts.santa_alerts",
                [
                    [time_text(start), region, totals.delivered, totals.delayed]
                    for (start, region), totals in self.regions.items()
                    if (ended := totals.delivered + totals.delayed) >= ALERT_DELIVERIES
                    and totals.delayed >= ended * ALERT_RATE
                ],
                RETAINED_MS,
            ),
            Expected("jumps", "select count(*) from alerts.silver_route_anomalies", [[self.anomalies]]),
            Expected(
                "status transitions",
                "select to_status, count(*) from alerts.silver_status_transitions group by to_status",
                [[status, count] for status, count in self.transitions.items()],
            ),
        ]


def _is_jump(before: tuple[int, str, str, float, float] | None, after: tuple[int, str, str, float, float]) -> bool:
    """True if no sleigh comes so far in that time; only within windows of ten minutes."""
    if before is None or before[0] // (10 * MINUTE_MS) != after[0] // (10 * MINUTE_MS):
        return False
    reach = 1 + (after[0] - before[0]) / 3_600_000 * GREATEST_KMH
    return distance_km(before[3:], after[3:]) > reach
