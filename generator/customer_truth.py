"""How orders were paid and what was said of them, counted as it happens.

In: the simulator's calls as events go out that count. Out: exact sums, and what the views must show. It
follows the rules of the models' descriptions, independently of any SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from generator.counts import Expected, MessageCounts, cents_text, decimal_text, time_text
from generator.faults import INVALID
from generator.truth import WINDOW_MS

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
RETENTION_MS = 24 * HOUR_MS
"""So long a window is kept after its end."""
RETAINED_MS = 23 * HOUR_MS
FORGOTTEN_MS = 30 * HOUR_MS
"""An order of so long ago is in no view, and nothing happens to it any more."""
PENDING_MS = 15 * MINUTE_MS
"""A payment pending for longer is so for too long."""
ORDERS_LIMIT, FAILED_LIMIT = 10, 3
"""More orders, or failed payments, of a user in one window are a signal of fraud."""
SETTLED_MS = HOUR_MS
"""After this nothing but the clock can have been left to decide whether an order's payment is pending too long."""


class CustomerOrder:
    """An order that counts, with what is known of its payment and its review."""

    __slots__ = ("cents", "date_ms", "delivered_ms", "payment", "rating", "restaurant", "user")

    def __init__(self, user: str, restaurant: str, date_ms: int, cents: int) -> None:
        self.user = user
        self.restaurant = restaurant
        self.date_ms = date_ms
        self.cents = cents
        self.payment: list[list[Any]] = []
        """The steps that count: [status, method, cents, when]."""
        self.delivered_ms: int | None = None
        self.rating: int | None = None
        """Of the latest review."""

    @property
    def window(self) -> int:
        """The start of the window of its date."""
        return self.date_ms - self.date_ms % WINDOW_MS

    def plain(self) -> list[Any]:
        """Everything as plain values."""
        return [self.user, self.restaurant, self.date_ms, self.cents, self.payment, self.delivered_ms, self.rating]


class CustomerTruth:
    """The orders that count and what their customers did."""

    def __init__(self) -> None:
        self.orders: dict[str, CustomerOrder] = {}

    def order(self, order_id: str, user: str, restaurant: str, date_ms: int, cents: int) -> None:
        """One more order that counts."""
        self.orders[order_id] = CustomerOrder(user, restaurant, date_ms, cents)
        # What the views have let go is of no use here either; the oldest stand first.
        while self.orders[oldest := next(iter(self.orders))].date_ms < date_ms - FORGOTTEN_MS:
            del self.orders[oldest]

    def payment(self, order_id: str, status: str, method: str, cents: int, at_ms: int) -> None:
        """One more step of a payment that counts."""
        self.orders[order_id].payment.append([status, method, cents, at_ms])

    def delivered(self, order_id: str, at_ms: int) -> None:
        """The order was delivered, and the platform was told in time."""
        self.orders[order_id].delivered_ms = at_ms

    def review(self, order_id: str, rating: int) -> None:
        """One more review that counts; it stands in the place of an earlier one."""
        self.orders[order_id].rating = rating

    def saved(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {order_id: order.plain() for order_id, order in self.orders.items()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take back what `saved` gave."""
        for order_id, (user, restaurant, date_ms, cents, payment, delivered_ms, rating) in saved.items():
            order = self.orders[order_id] = CustomerOrder(user, restaurant, date_ms, cents)
            order.payment, order.delivered_ms, order.rating = payment, delivered_ms, rating

    def summary(self) -> dict[str, object]:
        """For people."""
        orders = self.orders.values()
        steps = Counter(step[0] for order in orders for step in order.payment)
        return {
            "payments": {
                "failed_attempts": steps["failed"],
                "captured": cents_text(sum(_cents(order, "captured") for order in orders)),
                "refunded": cents_text(sum(_cents(order, "refunded") for order in orders)),
            },
            "reviewed_orders": sum(order.rating is not None for order in orders),
        }

    def expected(self, counts: MessageCounts, now_ms: int) -> list[Expected]:
        """What the views must show at `now_ms` and, if nothing more happens, a while later."""
        kept = [order for order in self.orders.values() if order.window + WINDOW_MS + RETENTION_MS > now_ms]
        settled_ms = now_ms - now_ms % WINDOW_MS - SETTLED_MS
        return [
            Expected(
                "payments per method and window",
                "select window_start, payment_method, orders, attempts, failed_attempts, failure_rate, ordered_amount,"
                " captured_amount, refunded_amount, capture_rate from gold.gold_payment_health",
                _payment_health(kept),
                RETAINED_MS,
            ),
            Expected(
                "payments that are pending too long",
                "select window_start, payment_method, pending_payments, pending_too_long from gold.gold_payment_health"
                f" where window_start < timestamp '{time_text(settled_ms)}' and pending_payments > 0",
                _pending(kept, settled_ms),
                RETAINED_MS,
            ),
            Expected(
                "orders by the latest step of their payment",
                "select payment_status, count(*), sum(failed_attempts), sum(captured_amount), sum(refunded_amount)"
                " from silver.silver_order_payments group by payment_status",
                _by_status(kept),
            ),
            Expected(
                "satisfaction per restaurant",
                "select restaurant_key, reviews, avg_rating, good_reviews, good_share, avg_delivery_minutes,"
                " fast_reviews, fast_avg_rating, normal_reviews, normal_avg_rating, slow_reviews, slow_avg_rating"
                " from gold.gold_satisfaction",
                _satisfaction(kept),
            ),
            Expected(
                "users with signals of fraud",
                "select first_at, last_at, signal, subject_key, measure, limit_value from silver.silver_fraud_signals"
                " where subject_kind = 'user'",
                _signals(kept),
                RETAINED_MS,
            ),
            Expected(
                "rejected payments and reviews",
                "select rule, count(*) from (select rule from silver.silver_rejected_payments union all"
                " select rule from silver.silver_rejected_reviews) as rejected group by rule",
                [
                    [rule, counts.invalid[rule]]
                    for topic in ("payments", "reviews")
                    for rule in INVALID[topic]
                    if counts.invalid[rule]
                ],
            ),
            Expected(
                "payments and reviews in quarantine, and late ones",
                "select topic, count(*), 0 from bronze.bronze_customer_quarantine group by topic union all"
                " select topic, 0, sum(late_events) from silver.silver_customer_late_events group by topic"
                " having sum(late_events) > 0",
                [
                    row
                    for topic in ("payments", "reviews")
                    for row in (
                        [topic, sum(n for (of, _), n in counts.malformed.items() if of == topic), 0],
                        [topic, 0, counts.late[topic]],
                    )
                    if any(row[1:])
                ],
            ),
        ]


def _payment_health(orders: list[CustomerOrder]) -> list[list[Any]]:
    sums: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for order in orders:
        latest = order.payment[-1][1] if order.payment else "none"
        sums[order.window, latest].update(
            orders=1, ordered=order.cents, captured=_cents(order, "captured"), refunded=_cents(order, "refunded")
        )
        for status, method, _, _ in order.payment:
            if status in ("authorized", "failed"):
                sums[order.window, method].update(attempts=1, failed=int(status == "failed"))
    return [
        [
            time_text(window),
            method,
            *(of["orders"], of["attempts"], of["failed"], _ratio(of["failed"], of["attempts"], 4)),
            *(cents_text(of["ordered"]), cents_text(of["captured"]), cents_text(of["refunded"])),
            _ratio(of["captured"], of["ordered"], 4),
        ]
        for (window, method), of in sums.items()
    ]


def _pending(orders: list[CustomerOrder], settled_ms: int) -> list[list[Any]]:
    pending: Counter[tuple[int, str]] = Counter()
    for order in orders:
        if order.payment and order.payment[-1][0] == "pending" and order.window < settled_ms:
            assert order.payment[-1][3] + PENDING_MS < settled_ms + SETTLED_MS
            pending[order.window, order.payment[-1][1]] += 1
    return [[time_text(window), method, count, count] for (window, method), count in pending.items()]


def _by_status(orders: list[CustomerOrder]) -> list[list[Any]]:
    sums: dict[str | None, Counter[str]] = defaultdict(Counter)
    for order in orders:
        sums[order.payment[-1][0] if order.payment else None].update(
            orders=1,
            failed=sum(step[0] == "failed" for step in order.payment),
            captured=_cents(order, "captured"),
            refunded=_cents(order, "refunded"),
        )
    return [
        [status, of["orders"], of["failed"], cents_text(of["captured"]), cents_text(of["refunded"])]
        for status, of in sums.items()
    ]


def _satisfaction(orders: list[CustomerOrder]) -> list[list[Any]]:
    restaurants: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    times: dict[str, list[int]] = defaultdict(list)
    for order in orders:
        if order.rating is None:
            continue
        ratings = restaurants[order.restaurant]
        ratings["all"].append(order.rating)
        if order.delivered_ms is not None:
            took_ms = order.delivered_ms - order.date_ms
            times[order.restaurant].append(took_ms)
            speed = "fast" if took_ms < 30 * MINUTE_MS else "normal" if took_ms <= 60 * MINUTE_MS else "slow"
            ratings[speed].append(order.rating)
    rows: list[list[Any]] = []
    for restaurant, ratings in restaurants.items():
        every = ratings["all"]
        good = sum(rating >= 4 for rating in every)
        took = times[restaurant]
        row = [restaurant, len(every), _ratio(sum(every), len(every), 2), good, _ratio(good, len(every), 4)]
        row.append(_ratio(sum(took), MINUTE_MS * len(took), 2))
        for speed in ("fast", "normal", "slow"):
            row += [len(ratings[speed]), _ratio(sum(ratings[speed]), len(ratings[speed]), 2)]
        rows.append(row)
    return rows


def _signals(orders: list[CustomerOrder]) -> list[list[Any]]:
    placed: dict[tuple[str, int], list[int]] = defaultdict(list)
    failed: dict[tuple[str, int], list[int]] = defaultdict(list)
    for order in orders:
        placed[order.user, order.window].append(order.date_ms)
        failed[order.user, order.window] += [step[3] for step in order.payment if step[0] == "failed"]
    return [
        [time_text(min(times)), time_text(max(times)), signal, user, len(times), limit]
        for signal, limit, by_user in (
            ("too_many_orders", ORDERS_LIMIT, placed),
            ("repeated_failed_payments", FAILED_LIMIT, failed),
        )
        for (user, _), times in by_user.items()
        if len(times) > limit
    ]


def _cents(order: CustomerOrder, status: str) -> int:
    return sum(step[2] for step in order.payment if step[0] == status)


def _ratio(part: int, whole: int, places: int) -> str | None:
    """As the views round: halves away from zero; None of nothing."""
    if not whole:
        return None
    return decimal_text((Decimal(part) / whole).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
