"""A sleigh on its way around the world: it flies from city to city and delivers gifts in each.

In: shares, a seed and the moment of the beginning; cities out of the seeds. Out: the messages of the topic
`santa-deliveries` and the truth about them. The sleigh is in one place at a time; every event is told from
there. Bad weather slows it and makes deliveries late.
"""

from __future__ import annotations

import math
from typing import Any

from generator.counts import Expected
from generator.events import Event
from generator.geography import Position, between, distance_km
from generator.reference import seed_rows
from generator.santa_truth import SantaTruth
from generator.shares import Shares
from generator.weather import HOUR_MS, chance
from generator.world import SimulatedWorld

SECOND = 1_000
GIFTS = ("toy", "book", "game", "puzzle", "bicycle", "instrument", "sweets")
CRUISING_KMH = 9_000.0
STOP_MS = 90 * SECOND


class SantaWorld(SimulatedWorld):
    """The sleigh."""

    name = "santa"
    topic = "santa-deliveries"
    tolerance_ms = 300 * SECOND
    late_to_ms = 1_200 * SECOND
    window_ms = 60 * SECOND

    def __init__(self, shares: Shares, seed: int, start_ms: int) -> None:
        super().__init__(shares, seed, start_ms)
        self.truth = SantaTruth()
        self._cities = seed_rows("santa", "santa_cities")
        self._weathers = [row["weather"] for row in seed_rows("santa", "santa_weather")]
        self._impacts = {row["weather"]: float(row["impact"]) for row in seed_rows("santa", "santa_weather")}
        self._stop = 0
        """The city that the sleigh leaves, or that it is in."""
        self._leaves_ms = start_ms + STOP_MS
        self._arrives_ms = self._leaves_ms + self._flight_ms(0, start_ms)

    def expected(self) -> list[Expected]:
        return self.truth.expected(self.now_ms)

    def summary(self) -> dict[str, object]:
        return self.truth.summary()

    def _position(self, stop: int) -> Position:
        city = self._cities[stop % len(self._cities)]
        return float(city["latitude"]), float(city["longitude"])

    def _weather(self, stop: int, at_ms: int) -> str:
        luck = chance(self.seed, "weather", str(stop % len(self._cities)), at_ms // HOUR_MS)
        # Calm weather is more likely than a storm.
        return self._weathers[int(luck * luck * len(self._weathers))]

    def _flight_ms(self, stop: int, at_ms: int) -> int:
        way = distance_km(self._position(stop), self._position(stop + 1))
        speed = CRUISING_KMH / math.sqrt(self._impacts[self._weather(stop + 1, at_ms)])
        return int(way / speed * HOUR_MS) + 1

    def _fly(self, at_ms: int) -> None:
        """Bring the sleigh's route up to this moment."""
        while at_ms >= self._arrives_ms:
            self._stop += 1
            self._leaves_ms = self._arrives_ms + STOP_MS
            self._arrives_ms = self._leaves_ms + self._flight_ms(self._stop, self._arrives_ms)

    def _sleigh(self, at_ms: int) -> Position:
        """Where it is; asked in the order of time, but for moments of one step."""
        if at_ms <= self._leaves_ms:
            return self._position(self._stop)
        share = (at_ms - self._leaves_ms) / (self._arrives_ms - self._leaves_ms)
        return between(self._position(self._stop), self._position(self._stop + 1), min(share, 1.0))

    def _begin(self, now_ms: int, events: list[Event]) -> None:
        """A delivery is on its way: to the city that the sleigh is in, or to the next one."""
        rng = self._rng
        self._fly(now_ms)
        is_flying = now_ms > self._leaves_ms
        stop = self._stop + 1 if is_flying else self._stop
        arrival = self._arrives_ms if is_flying else now_ms
        departure = self._arrives_ms + STOP_MS if is_flying else self._leaves_ms
        weather = self._weather(stop, now_ms)
        is_wrong = rng.random() < min(self.shares.delayed * self._impacts[weather] ** 4, 0.9)
        city = self._cities[stop % len(self._cities)]
        delivery = {
            "delivery_id": self._uuid(),
            "timestamp": "",
            "city": city["city"],
            "country": city["country"],
            "region": city["region"],
            "latitude": 0.0,
            "longitude": 0.0,
            "gift_type": rng.choice(GIFTS),
            "gift_count": rng.randrange(1, 120),
            "status": "en_route",
            "weather": weather,
            "sleigh_speed_kmh": round(CRUISING_KMH / math.sqrt(self._impacts[weather]) * rng.uniform(0.9, 1.1), 2),
            "delivery_time_s": round(rng.uniform(4, 40) * (3 if is_wrong else 1), 2),
            "reindeer_energy": round(100 - 60 * ((now_ms // SECOND) % 21_600) / 21_600, 1),
        }
        self._report(delivery, "en_route", now_ms, events)
        if arrival < departure:
            end_ms = rng.randrange(arrival + 1, departure + 1)
            self._arrange(end_ms, "delayed" if is_wrong else "delivered", delivery)

    def _happen(self, kind: str, data: Any, due_ms: int, events: list[Event]) -> None:
        """A delivery ends, one way or the other."""
        self._fly(due_ms)
        self._report(data, kind, due_ms, events)

    def _report(self, delivery: dict[str, Any], status: str, at_ms: int, events: list[Event]) -> None:
        latitude, longitude = self._sleigh(at_ms)
        if self._fault_rng.random() < self.shares.invalid:
            # A report from nowhere: a valid position where the sleigh cannot be.
            latitude = round(latitude - 60 if latitude > 0 else latitude + 60, 6)
        fields = {
            **delivery,
            "timestamp": self._formatted(at_ms),
            "latitude": latitude,
            "longitude": longitude,
            "status": status,
        }
        if self._tell(delivery["delivery_id"], fields, at_ms, events):
            self.truth.event(fields, at_ms)
            self._count_progress(at_ms)

    def _state(self) -> Any:
        return [self._stop, self._leaves_ms, self._arrives_ms]

    def _restore(self, state: Any) -> None:
        self._stop, self._leaves_ms, self._arrives_ms = state
