"""What the kitchens sold and how well they did, counted as it happens.

In: the simulator's calls as events go out that count. Out: exact sums, and what the views must show. It
follows the rules of the specification and the refund policy, independently of any SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from generator.counts import Expected, MessageCounts, cents_text, decimal_text, time_text
from generator.reference import seed_rows

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RETAINED_MS = 7 * DAY_MS
MEASURES = {
    "queue": ("order_created", "gk_started"),
    "cooking": ("gk_started", "gk_finished"),
    "packing": ("gk_finished", "gk_ready"),
    "pickup": ("gk_ready", "driver_picked_up"),
    "drive": ("driver_picked_up", "delivered"),
    "total": ("order_created", "delivered"),
}
"""Between which events the policy's measures lie."""
HUNDREDTH = Decimal("0.01")


class KitchenTruth:
    """Sums over everything that counts."""

    def __init__(self) -> None:
        self.orders = 0
        self.items = 0
        self.order_brands = 0
        self.revenue_cents = 0
        self.item_days: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
        self.brand_days: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        self.location_hours: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        self.stages: Counter[str] = Counter()
        self.refunds: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
        self.rejected_lines: Counter[str] = Counter()
        policy = seed_rows("kitchens", "refund_policy")
        self._rules = [
            (row["measure"], Decimal(row["at_least"]), Decimal(row["value"])) for row in policy if row["kind"] == "rule"
        ]
        self._classes = sorted(
            (Decimal(row["at_least"]), row["name"], Decimal(row["value"])) for row in policy if row["kind"] == "class"
        )
        self._brands = {int(row["brand_id"]): row["brand_name"] for row in seed_rows("kitchens", "brands")}

    def order(self, location: str, lines: list[dict[str, Any]], at_ms: int) -> int:
        """One more order that counts, with the lines that do; what it costs in cents."""
        day, hour = time_text(at_ms - at_ms % DAY_MS)[:10], time_text(at_ms - at_ms % HOUR_MS)
        brands: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        total = 0
        for line in lines:
            quantity = int(line["qty"])
            cents = round(line["price"] * 100) * quantity
            total += cents
            self.items += quantity
            _add(self.item_days[day, line["item_id"]], quantity, cents)
            _add(brands[line["brand_id"]], quantity, cents)
        for brand, (quantity, cents) in brands.items():
            _add(self.brand_days[day, brand], 1, quantity, cents)
        _add(self.location_hours[hour, location], 1, total)
        self.orders += 1
        self.order_brands += len(brands)
        self.revenue_cents += total
        return total

    def stage(self, times: dict[str, int], event_type: str, at_ms: int) -> None:
        """An order's event that counts; `times` are the order's."""
        self.stages[event_type] += 1
        times.setdefault(event_type, at_ms)

    def delivered(self, times: dict[str, int], cents: int | None) -> None:
        """The order was delivered: what does the policy say? Without a price, nothing."""
        if cents is None:
            return
        score = Decimal(0)
        for measure, at_least, points in self._rules:
            start, end = MEASURES[measure]
            if start in times and end in times:
                minutes = (Decimal(times[end] - times[start]) / 60_000).quantize(HUNDREDTH, ROUND_HALF_UP)
                if minutes >= at_least:
                    score += points
        name, share = [(name, share) for bound, name, share in self._classes if score >= bound][-1]
        amount = (Decimal(cents) / 100 * share).quantize(HUNDREDTH, ROUND_HALF_UP)
        _add(self.refunds[name], 1, score, amount)

    def summary(self, counts: MessageCounts) -> dict[str, object]:
        """For people."""
        return {
            "orders": self.orders,
            "revenue": cents_text(self.revenue_cents),
            "events_that_count": self.stages.total(),
            "delivered": self.stages["delivered"],
            "refunds_recommended": sum(refund[0] for name, refund in self.refunds.items() if name != "none"),
            "rejected_lines": self.rejected_lines.total(),
        }

    def expected(self) -> list[Expected]:
        """What the views must show."""
        return [
            Expected(
                "sales per item and day",
                "select order_day, item_id, units, gross_revenue from gold.gold_item_sales_day",
                [[day, item, units, cents_text(cents)] for (day, item), (units, cents) in self.item_days.items()],
                RETAINED_MS,
            ),
            Expected(
                "sales per brand and day",
                "select order_day, brand_id, brand_name, orders, items, revenue from gold.gold_brand_sales_day",
                [
                    [day, brand, self._brands[brand], orders, items, cents_text(cents)]
                    for (day, brand), (orders, items, cents) in self.brand_days.items()
                ],
                RETAINED_MS,
            ),
            Expected(
                "sales per location and hour",
                "select window_start, location, orders, revenue from gold.gold_location_sales_hourly",
                [
                    [hour, location, orders, cents_text(cents)]
                    for (hour, location), (orders, cents) in self.location_hours.items()
                ],
                RETAINED_MS,
            ),
            Expected(
                "orders",
                "select count(*), sum(items), sum(distinct_brands), sum(revenue) from gold.gold_order_header",
                [[self.orders, self.items, self.order_brands, cents_text(self.revenue_cents)]],
            ),
            Expected(
                "events that count, by type",
                "select event_type, count(*) from silver.silver_kitchen_events group by event_type",
                [[name, count] for name, count in self.stages.items()],
            ),
            Expected(
                "refund recommendations",
                "select refund_class, count(*), sum(score), sum(suggested_amount)"
                " from refunds.refund_recommendations group by refund_class",
                [
                    [name, count, decimal_text(score), decimal_text(amount)]
                    for name, (count, score, amount) in self.refunds.items()
                ],
            ),
            Expected(
                "rejected lines",
                "select rule, count(*) from silver.silver_rejected_order_lines group by rule",
                [[rule, count] for rule, count in self.rejected_lines.items()],
            ),
        ]


def _add(sums: list[Any], *amounts: Any) -> None:
    for place, amount in enumerate(amounts):
        sums[place] += amount
