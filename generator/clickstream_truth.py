"""What the shop's minutes must show, counted as it happens.

In: the simulator's calls as events go out that count. Out: exact figures per minute, independently of any SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from generator.counts import Expected, MessageCounts, cents_text, decimal_text, time_text

MINUTE_MS = 60_000
RETAINED_MS = 23 * 3_600_000
SETTLED_MS = 3 * MINUTE_MS
"""A minute this long past gets no more events that count, so its users need not be remembered."""
RATE = Decimal("0.0001")
TYPES = ("page_view", "add_to_cart", "purchase")


class _Minute:
    """One minute; sets of users while it is open."""

    def __init__(self) -> None:
        self.orders = 0
        self.cents = 0
        self.users: dict[str, set[str]] = {name: set() for name in TYPES}

    def closed(self) -> list[Any]:
        """The row of gold_kpis without its time."""
        buyers, viewers = len(self.users["purchase"]), len(self.users["page_view"])
        rate = (Decimal(buyers) / max(viewers, 1)).quantize(RATE, ROUND_HALF_UP)
        active = len(set().union(*self.users.values()))
        return [self.orders, cents_text(self.cents), buyers, viewers, active, decimal_text(rate)]


class ClickstreamTruth:
    """Figures per minute."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.revenue_cents = 0
        self._open: dict[int, _Minute] = defaultdict(_Minute)
        self._closed: dict[int, list[Any]] = {}
        self._funnel: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._campaigns: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])

    def event(self, visit: dict[str, Any], event_type: str, cents: int, at_ms: int) -> None:
        """One more event that counts."""
        start = at_ms - at_ms % MINUTE_MS
        if start not in self._open:
            for old in [open_start for open_start in self._open if open_start < start - SETTLED_MS]:
                self._closed[old] = self._open.pop(old).closed()
        minute = self._open[start]
        self.events[event_type] += 1
        minute.users[event_type].add(visit["user_id"])
        self._funnel[start, visit["device"], visit["country"]][TYPES.index(event_type)] += 1
        if visit["campaign"] is not None:
            self._campaigns[start, visit["campaign"]][0] += 0
        if event_type == "purchase":
            minute.orders += 1
            minute.cents += cents
            self.revenue_cents += cents
            if visit["campaign"] is not None:
                campaign = self._campaigns[start, visit["campaign"]]
                campaign[0] += 1
                campaign[1] += cents

    def summary(self) -> dict[str, object]:
        """For people."""
        return {
            "events_that_count": self.events.total(),
            "orders": self.events["purchase"],
            "revenue": cents_text(self.revenue_cents),
        }

    def expected(self) -> list[Expected]:
        """What the views must show, minute by minute."""
        minutes = {**self._closed, **{start: minute.closed() for start, minute in self._open.items()}}
        return [
            Expected(
                "kpis per minute",
                "select window_start, orders, gmv, purchase_users, view_users, active_users, conversion_rate"
                " from gold.gold_kpis",
                [[time_text(start), *row] for start, row in minutes.items()],
                RETAINED_MS,
            ),
            Expected(
                "funnel per minute",
                "select window_start, device, country, views, carts, purchases from gold.gold_funnel",
                [[time_text(start), device, country, *row] for (start, device, country), row in self._funnel.items()],
                RETAINED_MS,
            ),
            Expected(
                "campaigns per minute",
                "select window_start, campaign, orders, revenue from gold.gold_campaigns",
                [
                    [time_text(start), campaign, orders, cents_text(cents)]
                    for (start, campaign), (orders, cents) in self._campaigns.items()
                ],
                RETAINED_MS,
            ),
        ]

    def totals(self, counts: MessageCounts, timely_duplicates: int) -> list[Expected]:
        """What the monitoring must have found in all."""
        return [
            Expected(
                "faults that the monitoring found",
                "select sum(messages), sum(malformed_messages), sum(duplicate_events), sum(late_events),"
                " sum(unknown_types) from monitoring.monitor_data_quality",
                [
                    [
                        counts.sent.total() - counts.null_values.total(),
                        counts.malformed.total(),
                        timely_duplicates,
                        counts.late.total(),
                        counts.invalid["known_event_type"],
                    ]
                ],
            )
        ]
