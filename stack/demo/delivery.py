"""The delivery system's part of the demo: its views, its alerts, its checks.

In: settings. Out: a `Screen`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from rich.console import RenderableType

from stack.demo.alerts import AlertReader
from stack.demo.checks import Check, alerts_agree, all_is_read, delays_agree, gold_agrees, incomparable, views_have_rows
from stack.demo.feeds import Feed
from stack.demo.latency import Histogram
from stack.demo.state import DemoState
from stack.demo.view import View, milliseconds
from stack.settings import Settings
from stack.topics import topics_of

ALERT_TOPIC = "delivery-alerts"
SETTLE_SECONDS = 60.0
"""How long the views may take, after the last event, to show everything."""


class DeliveryScreen:
    """Follows the delivery system."""

    def __init__(self, settings: Settings, psql: str, duration: float | None) -> None:
        self._settings = settings
        self._state = state = DemoState()
        self.generator = state.generator
        self._alerts = AlertReader(settings.brokers, ALERT_TOPIC, state.on_alert)
        self.feeds: Sequence[Feed] = [
            Feed(settings, "gold.gold_system_health", state.on_health),
            Feed(settings, "gold.gold_restaurant_performance", state.on_restaurant),
            Feed(settings, "gold.gold_delivery_time_distribution", state.on_bucket),
            Feed(settings, "silver.silver_delayed_orders", state.on_delayed),
        ]
        self._view = View(state, self._alerts, psql, duration)

    def start(self) -> None:
        """Read the alert topic."""
        self._alerts.start()

    def stop(self) -> None:
        """End that."""
        self._alerts.stop()

    def generator_starts(self) -> None:
        """What gold shows so far is from earlier runs."""
        self._state.is_collecting_base = False

    def on_generator(self, line: dict[str, Any]) -> None:
        """The generator told of itself."""
        self._state.on_generator(line)

    def render(self, height: int) -> RenderableType:
        """The whole picture."""
        self._view.errors = self._errors()
        return self._view.render(height)

    def line(self) -> str:
        """One line of the same."""
        self._view.errors = self._errors()
        return self._view.line()

    def _errors(self) -> list[str]:
        errors = [f"{feed.relation}: {feed.error}" for feed in self.feeds if feed.error]
        return [*errors, f"{ALERT_TOPIC}: {self._alerts.error}"] if self._alerts.error else errors

    def checks(self, generator_status: int) -> list[Check]:
        """Do the views show what was sent, does the topic replay to them, is nothing empty?"""
        checks = []
        truth = self.generator.truth or {}
        if (obstacle := incomparable(generator_status, self.generator)) is not None:
            checks.append(obstacle)
        else:
            checks.append(all_is_read(self._settings, topics_of("delivery"), SETTLE_SECONDS))
            checks.append(gold_agrees(self._settings, truth, SETTLE_SECONDS))
            checks.append(delays_agree(self._settings, truth, SETTLE_SECONDS))
        try:
            checks.append(alerts_agree(self._settings, self._alerts, SETTLE_SECONDS))
            checks += views_have_rows(self._settings, ["delivery"])
        except psycopg.Error as error:
            checks.append(Check("mzlite", False, str(error).strip()))
        checks.append(Check("alerts", self._alerts.alerts > 0, f"{self._alerts.alerts:,} read from {ALERT_TOPIC}"))
        checks += [Check(feed.relation, False, feed.error) for feed in self.feeds if feed.error]
        if self._alerts.error:
            checks.append(Check(ALERT_TOPIC, False, self._alerts.error))
        return checks

    def summary(self) -> list[tuple[str, str]]:
        """Latencies, delayed orders, alerts."""
        state = self._state
        return [
            ("event to gold", self._latency(state.gold.histogram, "orders")),
            ("event to committed alert", self._latency(state.alert_latency, "alerts")),
            ("delayed orders", f"{len(state.delayed):,} now, {state.delayed_gone:,} moved on"),
            ("alerts", f"{self._alerts.alerts:,} and {self._alerts.tombstones:,} tombstones"),
        ]

    def _latency(self, histogram: Histogram, what: str) -> str:
        if not histogram.total:
            if self._state.measuring_since is None:
                return "not measured: the views had not caught up with the history"
            return f"not measured: no {what} since the views caught up with the history"
        return f"{milliseconds(histogram)} ({histogram.total:,} {what})"
