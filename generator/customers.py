"""What customers do about their orders: they pay, and afterwards some of them say how it was.

In: the orders that count, from the delivery world. Out: the messages of the topics `payments` and `reviews`,
and the truth about them. A payment is pending, then authorized and captured, or fails and is tried again,
now and then by another method; a few stay pending for too long, and some of the money is given back. A
rating depends on how long the delivery took.
"""

from __future__ import annotations

from typing import Any

from generator.counts import Expected
from generator.customer_truth import CustomerTruth
from generator.delivery import Order
from generator.events import Event
from generator.following import FollowingWorld
from generator.shares import Shares

PAYMENTS = "payments"
REVIEWS = "reviews"
CURRENCY = "EUR"
MINUTE = 60_000

METHODS = {"card": (50, 0.03), "wallet": (26, 0.02), "bank_transfer": (14, 0.12), "voucher": (10, 0.2)}
"""How often a method is chosen, and how often it fails."""
ATTEMPTS = 4
"""Nobody tries more often, except those who try out stolen cards."""
STOLEN_SHARE, STOLEN_ATTEMPTS = 0.004, 6
STUCK_SHARE = 0.01
"""Payments that stay pending for ever."""
SLOW_SHARE = 0.01
"""Payments that are pending for longer than they may, and move on then."""
SHORT_SHARE = 0.03
"""Payments of which less is captured than was ordered: something was missing."""
REFUND_SHARE = 0.015
"""Delivered orders of which a part is given back."""

REVIEW_SHARE = 0.3
REVISED_SHARE = 0.05
"""Reviews after which the customer writes another one."""
RATINGS = (
    (30, (1, 1, 3, 20, 75)),
    (60, (2, 4, 14, 45, 35)),
    (90, (12, 24, 36, 20, 8)),
    (1_000, (45, 30, 15, 7, 3)),
)
"""Below how many minutes of delivery how often each rating is given."""
COMMENTS = {
    1: ("Cold.", 'They said "ten minutes" an hour ago', None),
    2: ("Late, and the soup was spilt", "", None),
    3: ("OK", None, None),
    4: ("Très bon", "Good, a little late", None),
    5: ("Still hot, thank you!", "Delicious 😀", None),
}


class CustomerWorld(FollowingWorld):
    """Customers who pay and review."""

    name = "customers"
    topic = PAYMENTS
    more_topics = (REVIEWS,)

    def __init__(self, shares: Shares, seed: int, start_ms: int) -> None:
        super().__init__(shares, seed, start_ms)
        self.truth = CustomerTruth()
        self._methods = list(METHODS)
        self._weights = [weight for weight, _ in METHODS.values()]

    def expected(self) -> list[Expected]:
        return self.truth.expected(self.counts, self.now_ms)

    def summary(self) -> dict[str, object]:
        return self.truth.summary()

    def placed(self, order: Order, fields: dict[str, Any]) -> None:
        """The customer is going to pay, and perhaps to review."""
        cents = round(fields["total_amount"] * 100)
        self.truth.order(order.id, fields["user_key"], fields["restaurant_key"], order.date_ms, cents)
        times = {name: order.start_ms + after_ms for name, after_ms in order.template}
        steps = self._payment(order.start_ms, times, cents)
        self._arrange(steps[0][0], PAYMENTS, [order.id, fields["payment_id"], steps, 0])
        # As the customer sees it: whether the platform has heard of the delivery in time is another matter.
        delivered_ms = times.get("delivered")
        if delivered_ms is not None and self._rng.random() < REVIEW_SHARE:
            minutes = (delivered_ms - order.date_ms) / MINUTE
            self._arrange(delivered_ms + self._rng.randrange(5 * MINUTE, 40 * MINUTE), REVIEWS, [order.id, minutes])

    def status(self, order: Order, name: str, at_ms: int) -> None:
        """The platform knows of a delivery."""
        if name == "delivered":
            self.truth.delivered(order.id, at_ms)

    def _payment(self, placed_ms: int, times: dict[str, int], cents: int) -> list[list[Any]]:
        """The steps of a payment: when, which, by which method, of how many cents; at least a second apart."""
        rng = self._rng
        at_ms = placed_ms + rng.randrange(200, 2_000)
        method = rng.choices(self._methods, self._weights)[0]
        steps: list[list[Any]] = [[at_ms, "pending", method, cents]]
        if rng.random() < STUCK_SHARE:
            return steps
        if rng.random() < SLOW_SHARE:
            at_ms += rng.randrange(16 * MINUTE, 30 * MINUTE)
        is_stolen = rng.random() < STOLEN_SHARE
        attempts = STOLEN_ATTEMPTS if is_stolen else ATTEMPTS
        for attempt in range(1, attempts + 1):
            at_ms += rng.randrange(1_000, 15_000)
            if not is_stolen and rng.random() >= METHODS[method][1]:
                break
            steps.append([at_ms, "failed", method, cents])
            if attempt == attempts:
                return steps
            at_ms += rng.randrange(10_000, MINUTE)
            if not is_stolen and rng.random() < 0.5:
                method = rng.choices(self._methods, self._weights)[0]
            steps.append([at_ms, "pending", method, cents])
        steps.append([at_ms, "authorized", method, cents])
        accepted_ms = times.get("accepted")
        if accepted_ms is None:
            return steps
        captured = cents * rng.randrange(40, 100) // 100 if rng.random() < SHORT_SHARE else cents
        at_ms = max(at_ms, accepted_ms) + rng.randrange(1_000, 5_000)
        steps.append([at_ms, "captured", method, captured])
        if "cancelled" in times:
            back_ms, back = times["cancelled"], captured
        elif "delivered" in times and rng.random() < REFUND_SHARE:
            back_ms = times["delivered"] + rng.randrange(5 * MINUTE, 30 * MINUTE)
            back = captured * rng.randrange(10, 60) // 100
        else:
            return steps
        steps.append([max(at_ms, back_ms) + rng.randrange(1_000, MINUTE), "refunded", method, back])
        return steps

    def _happen(self, kind: str, data: Any, due_ms: int, events: list[Event]) -> None:
        if kind == PAYMENTS:
            self._pay(data, due_ms, events)
        else:
            self._review(data, due_ms, events)

    def _pay(self, data: Any, due_ms: int, events: list[Event]) -> None:
        """The payment takes its next step."""
        order_id, payment_id, steps, number = data
        _, status, method, cents = steps[number]
        fields = {
            "payment_id": payment_id,
            "order_id": order_id,
            "amount": cents / 100,
            "currency": CURRENCY,
            "method": method,
            "payment_status": status,
            "dt_current_timestamp": self._formatted(due_ms),
        }
        if self._tell(payment_id, fields, due_ms, events, PAYMENTS):
            self.truth.payment(order_id, status, method, cents, due_ms)
        if number + 1 < len(steps):
            self._arrange(steps[number + 1][0], PAYMENTS, [order_id, payment_id, steps, number + 1])

    def _review(self, data: Any, due_ms: int, events: list[Event]) -> None:
        """A customer says how it was, and may think better of it later."""
        order_id, minutes = data
        rng = self._rng
        weights = next(weights for bound, weights in RATINGS if minutes < bound)
        rating = rng.choices((1, 2, 3, 4, 5), weights)[0]
        fields = {
            "review_id": self._uuid(),
            "order_id": order_id,
            "rating": rating,
            "comment": rng.choice(COMMENTS[rating]),
            "dt_current_timestamp": self._formatted(due_ms),
        }
        if self._tell(order_id, fields, due_ms, events, REVIEWS):
            self.truth.review(order_id, rating)
        if rng.random() < REVISED_SHARE:
            self._arrange(due_ms + rng.randrange(MINUTE, 20 * MINUTE), REVIEWS, data)

    def _state(self) -> Any:
        return self.truth.saved()

    def _restore(self, state: Any) -> None:
        self.truth.restore(state)
