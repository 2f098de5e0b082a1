"""Ghost kitchens: orders wait for a free stove, are cooked, and a driver brings them.

In: shares, a seed and the moment of the beginning; brands and items out of the seeds. Out: the messages of
the topic `kitchen-events` and the truth about them. A kitchen has so many stoves; where all of a city's
are taken for long, another kitchen opens. Rain slows the drivers, a bad day slows a kitchen.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import Any

from generator.counts import Expected
from generator.events import Event
from generator.geography import Position, between, distance_km, offset
from generator.kitchen_truth import KitchenTruth
from generator.reference import seed_rows
from generator.shares import Shares
from generator.weather import has_bad_day, is_raining
from generator.world import SimulatedWorld

LOCATIONS: dict[str, Position] = {
    "berlin": (52.520008, 13.404954),
    "lisbon": (38.722252, -9.139337),
    "london": (51.507351, -0.127758),
    "madrid": (40.416775, -3.703790),
    "paris": (48.856613, 2.352222),
    "vienna": (48.208176, 16.373819),
}
STREETS = ("Mill Lane", "Station Road", "Garden Street", "River Walk", "Church Square", "Orchard Way")
MINUTE = 60_000
STOVES = 8
"""How many orders a kitchen cooks at a time."""
LONGEST_QUEUE_MS = 12 * MINUTE
"""Where an order would wait longer for a stove, another kitchen opens."""
DRY_KPH, WET_KPH = 24.0, 15.0


class KitchenWorld(SimulatedWorld):
    """The kitchens of several cities."""

    name = "kitchens"
    topic = "kitchen-events"
    tolerance_ms = 3 * 60 * MINUTE
    late_to_ms = 5 * 60 * MINUTE
    window_ms = 60 * MINUTE

    def __init__(self, shares: Shares, seed: int, start_ms: int) -> None:
        super().__init__(shares, seed, start_ms)
        self.truth = KitchenTruth()
        self._items = [
            {
                "item_id": int(row["item_id"]),
                "menu_id": int(row["menu_id"]),
                "category_id": int(row["category_id"]),
                "brand_id": int(row["brand_id"]),
                "item_name": row["item_name"],
                "price": float(row["price"]),
            }
            for row in seed_rows("kitchens", "items")
        ]
        self._places = list(LOCATIONS)
        self._kitchens = dict.fromkeys(LOCATIONS, 0)
        # Each stove: when it is free, and whose it is.
        self._stoves: dict[str, list[list[Any]]] = {location: [] for location in LOCATIONS}
        for location in LOCATIONS:
            self._open_kitchen(location, start_ms)

    def expected(self) -> list[Expected]:
        return self.truth.expected()

    def summary(self) -> dict[str, object]:
        return self.truth.summary(self.counts)

    def _open_kitchen(self, location: str, now_ms: int) -> None:
        self._kitchens[location] += 1
        kitchen = f"{location}-{self._kitchens[location]:03d}"
        for _ in range(STOVES):
            heappush(self._stoves[location], [now_ms, kitchen])

    def _begin(self, now_ms: int, events: list[Event]) -> None:
        """Somebody orders."""
        rng = self._rng
        location = rng.choice(self._places)
        is_wrong = rng.random() < self.shares.delayed
        accepted_ms = now_ms + rng.randrange(20_000, 90_000)
        if self._stoves[location][0][0] > accepted_ms + LONGEST_QUEUE_MS:
            self._open_kitchen(location, accepted_ms)
        free_ms, kitchen = heappop(self._stoves[location])
        lines = self._lines()
        started_ms = max(accepted_ms, free_ms)
        cooking = self._minutes(8 + len(lines), 0.25) * (1.8 if has_bad_day(self.seed, kitchen, now_ms) else 1.0)
        finished_ms = started_ms + int(cooking * (rng.choice((1.0, 2.8)) if is_wrong else 1.0))
        heappush(self._stoves[location], [finished_ms, kitchen])
        ready_ms = finished_ms + self._minutes(1.5, 0.5)
        picked_up_ms = ready_ms + self._minutes(4, 0.6) * (3 if is_wrong else 1)
        home = LOCATIONS[location]
        customer = offset(home, rng.uniform(-3.5, 3.5), rng.uniform(-3.5, 3.5))
        speed = WET_KPH if is_raining(self.seed, location, picked_up_ms) else DRY_KPH
        drive_ms = int(distance_km(home, customer) / speed * 60 * MINUTE) + self._minutes(3, 0.4)
        stages: list[list[Any]] = [
            [started_ms, "gk_started", {}],
            [finished_ms, "gk_finished", {}],
            [ready_ms, "gk_ready", {}],
            [picked_up_ms, "driver_picked_up", {}],
        ]
        pings = max(1, drive_ms // (4 * MINUTE))
        for ping in range(1, pings + 1):
            share = ping / (pings + 1)
            latitude, longitude = between(home, customer, share)
            position = {"loc_lat": latitude, "loc_lon": longitude, "progress_pct": int(100 * share)}
            stages.append([picked_up_ms + int(drive_ms * share), "driver_ping", position])
        latitude, longitude = customer
        stages.append([picked_up_ms + drive_ms, "delivered", {"delivered_lat": latitude, "delivered_lon": longitude}])
        order: dict[str, Any] = {
            "id": self._uuid(),
            "location": location,
            "kitchen": kitchen,
            "stages": stages,
            "next": 0,
            "cents": None,
            "times": {},
        }
        body: dict[str, Any] = {
            "customer_lat": latitude,
            "customer_lon": longitude,
            "customer_addr": f"{rng.randrange(1, 200)} {rng.choice(STREETS)}",
            "items": lines,
        }
        # Now and then one line of the order makes no sense; the others count.
        if self._fault_rng.random() < self.shares.invalid:
            self._tell_broken_line(order, body, now_ms, events)
        elif self._tell_stage(order, "order_created", body, now_ms, events):
            self._count(order, lines, now_ms)
        self._arrange(stages[0][0], "stage", order)

    def _lines(self) -> list[dict[str, Any]]:
        rng = self._rng
        chosen = rng.sample(self._items, rng.choices((1, 2, 3, 4), (4, 3, 2, 1))[0])
        return [{**item, "qty": rng.choices((1, 2, 3), (6, 3, 1))[0]} for item in chosen]

    def _tell_broken_line(self, order: dict[str, Any], body: dict[str, Any], now_ms: int, events: list[Event]) -> None:
        lines = body["items"]
        rule, change = self._fault_rng.choice(
            (("valid_qty", {"qty": 0}), ("valid_price", {"price": "free"}), ("valid_item_id", {"item_id": None}))
        )
        broken = {**lines[0], **change}
        if self._tell_stage(order, "order_created", {**body, "items": [*lines, broken]}, now_ms, events):
            self.truth.rejected_lines[rule] += 1
            self._count(order, lines, now_ms)

    def _count(self, order: dict[str, Any], lines: list[dict[str, Any]], now_ms: int) -> None:
        order["cents"] = self.truth.order(order["location"], lines, now_ms)
        self._count_progress(now_ms)

    def _happen(self, kind: str, data: Any, due_ms: int, events: list[Event]) -> None:
        """The order reaches its next stage."""
        order = data
        _, event_type, body = order["stages"][order["next"]]
        order["next"] += 1
        self._tell_stage(order, event_type, body, due_ms, events)
        if order["next"] < len(order["stages"]):
            self._arrange(order["stages"][order["next"]][0], "stage", order)

    def _tell_stage(
        self, order: dict[str, Any], event_type: str, body: dict[str, Any], at_ms: int, events: list[Event]
    ) -> bool:
        sequence = 1 if event_type == "order_created" else order["next"] + 1
        fields = {
            "event_id": f"{order['id'][:24]}{sequence:012x}",
            "event_type": event_type,
            "order_id": order["id"],
            "ts": self._formatted(at_ms),
            "location": order["location"],
            "gk_id": order["kitchen"],
            "sequence": sequence,
            "body": body,
        }
        counts = self._tell(order["id"], fields, at_ms, events)
        if counts:
            self.truth.stage(order["times"], event_type, at_ms)
            if event_type == "delivered":
                self.truth.delivered(order["times"], order["cents"])
        return counts

    def _minutes(self, median: float, sigma: float) -> int:
        """A log-normal duration in ms, at most four times its median."""
        return int(min(self._rng.lognormvariate(math.log(median), sigma), 4 * median) * MINUTE)

    def _state(self) -> Any:
        return {"kitchens": self._kitchens, "stoves": self._stoves}

    def _restore(self, state: Any) -> None:
        self._kitchens = {location: state["kitchens"][location] for location in LOCATIONS}
        self._stoves = {location: state["stoves"][location] for location in LOCATIONS}
