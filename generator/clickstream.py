"""A shop on the web: shoppers come through a campaign, view products, fill carts and buy.

In: shares, a seed and the moment of the beginning. Out: the messages of the topic `web-events` and the truth
about them. Nobody buys what was not viewed first.
"""

from __future__ import annotations

import random
from typing import Any

from generator.clickstream_truth import ClickstreamTruth
from generator.counts import Expected
from generator.events import Event
from generator.shares import Shares
from generator.world import SimulatedWorld

SECOND = 1_000
COUNTRIES = ("DE", "FR", "GB", "IT", "NL", "PL", "PT", "SE")
DEVICES = ("desktop", "mobile", "tablet")
CAMPAIGNS = ("autumn-sale", "newsletter", "search", "social", "retargeting", None)
PRODUCTS = 200
SHOPPERS = 5_000
CATALOGUE_SEED = 20260101
MEASURED_MS = 23 * 3_600_000
"""Totals over everything can only be compared while nothing is past its retention."""


class ClickstreamWorld(SimulatedWorld):
    """The shop and its shoppers."""

    name = "clickstream"
    topic = "web-events"
    tolerance_ms = 15 * SECOND
    late_to_ms = 120 * SECOND
    window_ms = 60 * SECOND

    def __init__(self, shares: Shares, seed: int, start_ms: int) -> None:
        super().__init__(shares, seed, start_ms)
        self.truth = ClickstreamTruth()
        self._start_ms = start_ms
        prices = random.Random(CATALOGUE_SEED)
        self._prices = [prices.randrange(199, 25_000) for _ in range(PRODUCTS)]

    def expected(self) -> list[Expected]:
        is_whole = self.now_ms - self._start_ms < MEASURED_MS
        return self.truth.expected() + (self.truth.totals(self.counts, self.timely_duplicates) if is_whole else [])

    def summary(self) -> dict[str, object]:
        return self.truth.summary()

    def _begin(self, now_ms: int, events: list[Event]) -> None:
        """A shopper comes."""
        rng = self._rng
        visit = {
            "user_id": f"u{rng.randrange(SHOPPERS):05d}",
            "country": rng.choice(COUNTRIES),
            "device": rng.choices(DEVICES, (4, 5, 1))[0],
            "campaign": rng.choice(CAMPAIGNS),
        }
        at_ms = now_ms
        steps: list[list[Any]] = []
        for product in rng.sample(range(PRODUCTS), rng.choices((1, 2, 3, 5), (4, 3, 2, 1))[0]):
            steps.append([at_ms, "page_view", product, 1])
            at_ms += rng.randrange(3 * SECOND, 45 * SECOND)
            if rng.random() < 0.35:
                quantity = rng.choices((1, 2, 3), (8, 2, 1))[0]
                steps.append([at_ms, "add_to_cart", product, quantity])
                at_ms += rng.randrange(2 * SECOND, 30 * SECOND)
                if rng.random() < 0.5:
                    steps.append([at_ms, "purchase", product, quantity])
                    at_ms += rng.randrange(1 * SECOND, 10 * SECOND)
        self._step(visit, steps[0], events)
        for step in steps[1:]:
            self._arrange(step[0], "step", [visit, step])

    def _happen(self, kind: str, data: Any, due_ms: int, events: list[Event]) -> None:
        visit, step = data
        self._step(visit, step, events)

    def _step(self, visit: dict[str, Any], step: list[Any], events: list[Event]) -> None:
        at_ms, event_type, product, quantity = step
        cents = self._prices[product]
        fields = {
            "event_id": self._uuid(),
            "user_id": visit["user_id"],
            "product_id": f"p{product:04d}",
            "event_type": event_type,
            "price": cents / 100,
            "quantity": quantity,
            "currency": "EUR",
            "ts": self._formatted(at_ms),
            "country": visit["country"],
            "device": visit["device"],
            "campaign": visit["campaign"],
        }
        if self._tell(visit["user_id"], fields, at_ms, events):
            self.truth.event(visit, event_type, cents * quantity, at_ms)
            if event_type == "purchase":
                self._count_progress(at_ms)

    def _state(self) -> Any:
        return None

    def _restore(self, state: Any) -> None:
        """Shoppers keep nothing but what is pending."""
