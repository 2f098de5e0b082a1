"""Drivers: they wait, are offered orders, accept or decline, and drive by way of the restaurant to the customer.

In: the orders that count, as they happen. Out: the messages of the topics `dispatch` and `gps` and the truth
about them. Only orders without a driver are offered. A driver is in one place at a time and drives at the speed
of a city, in a rainy hour slower; a shift begins where an order needs a driver and ends after some idle time.
Now and then a receiver tells of a place where the driver cannot be.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from generator.counts import Expected
from generator.delivery import Order
from generator.driver_truth import DriverTruth
from generator.events import Event
from generator.following import FollowingWorld
from generator.geography import Position, between, distance_km, offset
from generator.population import populate
from generator.reference import seed_rows
from generator.shares import Shares
from generator.weather import HOUR_MS, is_raining

SECOND = 1_000
FLEET = 250
"""Drivers who may be on a shift at once; an order for whom there is none is brought by the restaurant's own people."""
PING_MS, IDLE_PING_MS = 20 * SECOND, 60 * SECOND
PATIENCE_MS = 3 * HOUR_MS
"""A driver who is idle for longer goes home."""
SEEK_AFTER_MS = 60 * SECOND, 480 * SECOND
"""An order is offered so long after the restaurant has accepted it: nobody should wait there for long."""
RETRY_MS = 30 * SECOND
REACH_KM = 5.0
DECLINED_SHARE = 0.2
JUMP_DEGREES = 0.4
"""How far to the north a broken receiver puts a driver: 44 km, which nobody drives between two positions."""
USUAL_TRIP_MS = 13 * 60 * SECOND
CITY = "city"

DISPATCH, GPS = "dispatch", "gps"


@cache
def restaurant_places() -> dict[str, Position]:
    """Where each restaurant is."""
    return {
        row["restaurant_key"]: (float(row["latitude"]), float(row["longitude"]))
        for row in seed_rows("delivery", "restaurants")
    }


@cache
def fleet() -> tuple[str, ...]:
    """The keys of the drivers."""
    return populate().drivers[:FLEET]


class DriverWorld(FollowingWorld):
    """The drivers on their shifts."""

    name = "drivers"
    topic = DISPATCH
    more_topics = (GPS,)

    def __init__(self, shares: Shares, seed: int, start_ms: int) -> None:
        super().__init__(shares, seed, start_ms)
        # The random numbers of the first stage are another sequence.
        self._rng.seed(f"drivers of {seed}")
        self._fault_rng.seed(f"faults of drivers of {seed}")
        self.truth = DriverTruth(restaurant_places())
        self._drivers: dict[str, dict[str, Any]] = {}
        """On a shift, by key: {at: position, job: None or what is under way, since: idle since, offered: bool}."""

    def expected(self) -> list[Expected]:
        return self.truth.expected(self.now_ms)

    def summary(self) -> dict[str, object]:
        return self.truth.summary()

    def placed(self, order: Order, fields: dict[str, Any]) -> None:
        """An order without a driver is offered once the restaurant has accepted it."""
        self.truth.order(order.id, order.date_ms, fields["restaurant_key"], fields["driver_key"])
        times = {name: order.start_ms + after for name, after in order.template}
        place = restaurant_places().get(fields["restaurant_key"])
        if fields["driver_key"] is not None or "rejected" in times or place is None:
            return
        picked = times.get("picked_up")
        job = {
            "order": order.id,
            "place": place,
            "picked": times["cancelled"] if picked is None else picked,
            "delivered": times.get("delivered"),
            "declined": [],
        }
        self._arrange(times["accepted"] + self._rng.randrange(*SEEK_AFTER_MS), "seek", job)

    def status(self, order: Order, name: str, at_ms: int) -> None:
        self.truth.status(order.id, name)

    def _happen(self, kind: str, data: Any, due_ms: int, events: list[Event]) -> None:
        if kind == "seek":
            self._seek(data, due_ms, events)
        elif kind == "answer":
            job, key, speed = data
            self._answer(job, key, speed, due_ms, events)
        elif kind == "ping":
            self._ping(data, due_ms, events)
        else:
            self._finish(data, due_ms)

    def _speed(self, at_ms: int) -> float:
        """Of one ride, in km/h."""
        return self._rng.uniform(16, 26) * (0.7 if is_raining(self.seed, CITY, at_ms) else 1.0)

    def _seek(self, job: dict[str, Any], now_ms: int, events: list[Event]) -> None:
        """Offer the order to the nearest idle driver who can be there before it is picked up."""
        spare_h = (job["picked"] - now_ms - 30 * SECOND) / HOUR_MS
        if spare_h <= 0:
            return
        speed = self._speed(now_ms)
        reach = min(REACH_KM, spare_h * speed)
        near = [
            (distance, key)
            for key, driver in self._drivers.items()
            if driver["job"] is None and not driver["offered"] and key not in job["declined"]
            if (distance := distance_km(driver["at"], job["place"])) <= reach
        ]
        if near:
            _, key = min(near)
        elif (begun := self._begin_shift(job, min(reach, 2.0), now_ms, events)) is not None:
            key = begun
        else:
            self._arrange(now_ms + RETRY_MS, "seek", job)
            return
        self._drivers[key]["offered"] = True
        self._dispatch(job, key, "offered", now_ms, events)
        self._arrange(now_ms + self._rng.randrange(3_000, 15_000), "answer", [job, key, speed])

    def _begin_shift(self, job: dict[str, Any], reach: float, now_ms: int, events: list[Event]) -> str | None:
        free = [key for key in fleet() if key not in self._drivers and key not in job["declined"]]
        if not free:
            return None
        key = self._rng.choice(free)
        # Within the reach, whatever the direction.
        north, east = (self._rng.uniform(-reach, reach) / 1.5 for _ in range(2))
        self._drivers[key] = {"at": offset(job["place"], north, east), "job": None, "since": now_ms, "offered": False}
        self._ping(key, now_ms, events)
        return key

    def _answer(self, job: dict[str, Any], key: str, speed: float, now_ms: int, events: list[Event]) -> None:
        driver = self._drivers[key]
        driver["offered"] = False
        arrives = now_ms + int(distance_km(driver["at"], job["place"]) / speed * HOUR_MS)
        if self._rng.random() < DECLINED_SHARE or arrives >= job["picked"]:
            self._dispatch(job, key, "declined", now_ms, events)
            self._arrange(now_ms + SECOND, "seek", {**job, "declined": [*job["declined"], key]})
            return
        corner, dropoff, at_corner, ends = self._trip(job)
        way = [(now_ms, driver["at"]), (arrives, job["place"]), (job["picked"], job["place"])]
        if job["delivered"] is not None:
            way += [(at_corner, corner), (ends, dropoff)]
        driver["job"] = {"order": job["order"], "way": way}
        self._dispatch({**job, "dropoff": dropoff}, key, "accepted", now_ms, events)
        self._arrange(way[-1][0], "finish", key)

    def _trip(self, job: dict[str, Any]) -> tuple[Position, Position, int, int]:
        """Round one corner to the customer, as far as the time that the delivery takes allows."""
        rng = self._rng
        begins = job["picked"]
        ends = begins + USUAL_TRIP_MS if job["delivered"] is None else job["delivered"]
        length = self._speed(begins) * (ends - begins) / HOUR_MS
        first = length * (share := rng.uniform(0.2, 0.8))
        second = length - first
        north, east = rng.choice((-1, 1)), rng.choice((-1, 1))
        corner = offset(job["place"], north * first, 0.0)
        return corner, offset(corner, 0.0, east * second), begins + int((ends - begins) * share), ends

    def _finish(self, key: str, now_ms: int) -> None:
        driver = self._drivers[key]
        driver["at"] = driver["job"]["way"][-1][1]
        driver["job"] = None
        driver["since"] = now_ms

    def _dispatch(self, job: dict[str, Any], key: str, action: str, now_ms: int, events: list[Event]) -> None:
        latitude, longitude = job.get("dropoff", (None, None))
        fields = {
            "order_id": job["order"],
            "driver_key": key,
            "action": action,
            "dropoff_latitude": latitude,
            "dropoff_longitude": longitude,
            "dt_current_timestamp": self._formatted(now_ms),
        }
        if self._tell(job["order"], fields, now_ms, events, DISPATCH):
            self.truth.dispatch(now_ms, job["order"], key, action, (latitude, longitude))

    def _ping(self, key: str, now_ms: int, events: list[Event]) -> None:
        """Tell where the driver is, and arrange for the next time; or end the shift."""
        driver = self._drivers[key]
        job = driver["job"]
        if job is None:
            if not driver["offered"] and now_ms - driver["since"] > PATIENCE_MS:
                del self._drivers[key]
                return
            (latitude, longitude), speed = driver["at"], 0.0
        else:
            (latitude, longitude), speed = _position(job["way"], now_ms)
        self._arrange(now_ms + (IDLE_PING_MS if job is None else PING_MS), "ping", key)
        if self._fault_rng.random() < self.shares.invalid:
            latitude = round(latitude + JUMP_DEGREES, 6)
        order = None if job is None else job["order"]
        fields = {
            "driver_key": key,
            "order_id": order,
            "latitude": latitude,
            "longitude": longitude,
            "speed_kph": round(speed, 2),
            "dt_current_timestamp": self._formatted(now_ms),
        }
        if self._tell(key, fields, now_ms, events, GPS):
            self.truth.position(now_ms, key, order, (latitude, longitude), fields["speed_kph"])

    def _state(self) -> Any:
        return self._drivers

    def _restore(self, state: Any) -> None:
        self._drivers = state


def _position(way: list[tuple[int, Position]], at_ms: int) -> tuple[Position, float]:
    """Where one is on a way of (when, where), and at which speed in km/h."""
    start_ms, start = way[0]
    for end_ms, end in way[1:]:
        if at_ms <= end_ms:
            if end_ms == start_ms:
                return (end[0], end[1]), 0.0
            speed = distance_km((start[0], start[1]), (end[0], end[1])) / (end_ms - start_ms) * HOUR_MS
            return between((start[0], start[1]), (end[0], end[1]), (at_ms - start_ms) / (end_ms - start_ms)), speed
        start_ms, start = end_ms, end
    return (start[0], start[1]), 0.0
