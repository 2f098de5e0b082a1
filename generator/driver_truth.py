"""What the views about drivers must show, counted from what was sent and counts.

In: the simulator's calls as events go out that count. Out: exact rows of the views, independently of any SQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any, TypeAlias

from generator.counts import Expected, decimal_text, time_text
from generator.geography import Position, distance_km
from generator.truth import WINDOW_MS

RETAINED_MS = 23 * 3_600_000
PROMISE_MINUTES = 45
DETOUR = Decimal("1.3")
USUAL_KPH, LEAST_KPH, GREATEST_KPH = Decimal(18), Decimal(5), Decimal(60)
FASTEST_KPH = 150
IDLE_MS = 15 * 60_000
CANDIDATES, RADIUS_KM = 3, 5
UNDER_WAY = ("placed", "accepted", "preparing", "ready", "picked_up")
WAITING = ("accepted", "preparing", "ready")
ENDS = ("accepted", "rejected", "cancelled", "delivered")

Ping: TypeAlias = tuple[int, str, str | None, Position, Decimal]
"""(when, driver, order, where, speed)."""


class DriverTruth:
    """Orders, offers and positions, and what follows from them.

    Args:
        places: where each restaurant is.
    """

    def __init__(self, places: dict[str, Position]) -> None:
        self._places = places
        self._orders: dict[str, tuple[int, str, str | None]] = {}
        """When each order was placed, at which restaurant, with which driver."""
        self._statuses: dict[str, list[str]] = {}
        self._offers: dict[str, tuple[int, str, str, tuple[Any, Any]]] = {}
        """The latest event of each order: (when, driver, action, where to)."""
        self._accepted: list[tuple[int, str]] = []
        self._pings: dict[str, list[Ping]] = defaultdict(list)

    def order(self, order: str, placed_ms: int, restaurant: str, driver: str | None) -> None:
        """One more order that counts."""
        self._orders[order] = placed_ms, restaurant, driver
        self._statuses[order] = []

    def status(self, order: str, name: str) -> None:
        """One more status event that counts; each is later than those before it."""
        if order in self._statuses:
            self._statuses[order].append(name)

    def dispatch(self, at_ms: int, order: str, driver: str, action: str, dropoff: tuple[Any, Any]) -> None:
        """One more offer or answer that counts."""
        self._offers[order] = at_ms, driver, action, dropoff
        if action == "accepted":
            self._accepted.append((at_ms, driver))

    def position(self, at_ms: int, driver: str, order: str | None, where: Position, speed: float) -> None:
        """One more position that counts."""
        self._pings[driver].append((at_ms, driver, order, where, Decimal(str(speed))))

    def summary(self) -> dict[str, object]:
        """For people."""
        fast = self._fast_drivers()
        return {
            "positions": sum(len(pings) for pings in self._pings.values()),
            "assigned_orders": sum(action == "accepted" for _, _, action, _ in self._offers.values()),
            "drivers_too_fast": len(fast),
            "legs_too_fast": sum(int(row[4].split()[0]) for row in fast),
        }

    def expected(self, now_ms: int) -> list[Expected]:
        """What the views must show."""
        trips = list(self._trips())
        return [
            Expected(
                "fulfilment per window",
                "select window_start, placed, accepted, rejected, cancelled, delivered, fulfilment_rate,"
                " rejection_rate from gold.gold_fulfilment",
                self._fulfilment(),
                RETAINED_MS,
            ),
            Expected(
                "latest offers",
                "select order_id::text, driver_key, action from silver.silver_assignments",
                [[order, driver, action] for order, (_, driver, action, _) in self._offers.items()],
            ),
            Expected(
                "ETA of orders under way",
                "select order_id::text, driver_key, speed_kph, remaining_km, eta_minutes, promise_kept::text"
                " from silver.silver_eta",
                [row for trip in trips if (row := self._eta(*trip)) is not None],
            ),
            Expected(
                "candidates of unassigned orders",
                "select order_id::text, rank, driver_key, distance_km from gold.gold_driver_candidates",
                self._candidates(now_ms),
            ),
            Expected(
                "driven against the straight line",
                "select order_id::text, positions, driven_km, straight_line_km, driven_share"
                " from gold.gold_route_progress",
                [self._route(*trip) for trip in trips],
            ),
            Expected(
                "drivers who are too fast",
                "select first_at, last_at, subject_key, measure, detail from silver.silver_fast_drivers",
                self._fast_drivers(),
                RETAINED_MS,
            ),
            Expected(
                "customer notifications",
                "select status_name, count(*) from alerts.customer_notifications group by status_name",
                self._notifications(),
            ),
        ]

    def _fulfilment(self) -> list[list[Any]]:
        windows: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("placed", *ENDS), 0))
        for order, (placed_ms, _, _) in self._orders.items():
            window = windows[placed_ms - placed_ms % WINDOW_MS]
            window["placed"] += 1
            for name in {*self._statuses[order]}.intersection(ENDS):
                window[name] += 1
        return [
            [
                time_text(start),
                *counts.values(),
                _share(counts["delivered"], counts["placed"]),
                _share(counts["rejected"], counts["placed"]),
            ]
            for start, counts in windows.items()
        ]

    def _trips(self) -> Iterable[tuple[str, str, Position, list[Ping]]]:
        """Assigned orders of which there are positions: (order, driver, where to, positions in the order of time)."""
        pings: dict[tuple[str, str], list[Ping]] = defaultdict(list)
        for driver, reported in self._pings.items():
            for ping in reported:
                if ping[2] is not None:
                    pings[ping[2], driver].append(ping)
        for order, (_, driver, action, dropoff) in self._offers.items():
            # After a restart nothing is known of the orders before it.
            if action == "accepted" and (order, driver) in pings and order in self._orders:
                yield order, driver, dropoff, pings[order, driver]

    def _eta(self, order: str, driver: str, dropoff: Position, pings: list[Ping]) -> list[Any] | None:
        placed_ms, restaurant, _ = self._orders[order]
        status = next(reversed(self._statuses[order]), None)
        if status not in UNDER_WAY:
            return None
        place = self._places[restaurant]
        last_ms, _, _, here, _ = pings[-1]
        way = distance_km(here, dropoff)
        if status != "picked_up":
            way = distance_km(here, place) + distance_km(place, dropoff)
        remaining = _rounded(way, "0.001")
        speeds = [speed for _, _, _, _, speed in pings if speed > 0]
        mean = (sum(speeds, Decimal(0)) / len(speeds)).quantize(Decimal("0.01"), ROUND_HALF_UP) if speeds else USUAL_KPH
        speed = min(max(mean, LEAST_KPH), GREATEST_KPH)
        eta = (remaining * DETOUR / speed * 60).quantize(Decimal("0.1"), ROUND_HALF_UP)
        is_kept = Decimal(last_ms - placed_ms) / 60_000 + eta <= PROMISE_MINUTES
        return [order, driver, *map(decimal_text, (speed, remaining, eta)), "true" if is_kept else "false"]

    def _candidates(self, now_ms: int) -> list[list[Any]]:
        accepted: dict[str, int] = {}
        for at_ms, driver in self._accepted:
            accepted[driver] = max(accepted.get(driver, 0), at_ms)
        idle = [
            pings[-1]
            for driver, pings in self._pings.items()
            if pings[-1][2] is None and pings[-1][0] >= now_ms - IDLE_MS and accepted.get(driver, 0) < pings[-1][0]
        ]
        rows: list[list[Any]] = []
        for order, (_, restaurant, ordered_driver) in self._orders.items():
            is_assigned = order in self._offers and self._offers[order][2] == "accepted"
            if ordered_driver is not None or is_assigned or next(reversed(self._statuses[order]), None) not in WAITING:
                continue
            place = self._places[restaurant]
            near = sorted((_rounded(distance_km(place, where), "0.001"), key) for _, key, _, where, _ in idle)
            near = [(distance, key) for distance, key in near if distance <= RADIUS_KM]
            rows += [
                [order, rank, key, decimal_text(distance)]
                for rank, (distance, key) in enumerate(near[:CANDIDATES], start=1)
            ]
        return rows

    def _route(self, order: str, _driver: str, dropoff: Position, pings: list[Ping]) -> list[Any]:
        place = self._places[self._orders[order][1]]
        straight = _rounded(distance_km(pings[0][3], place) + distance_km(place, dropoff), "0.001")
        driven = sum(
            (_rounded(distance, "0.001") for distance, _, is_fast in _legs(pings) if not is_fast),
            Decimal(0),
        )
        share = decimal_text((driven / straight).quantize(Decimal("0.001"), ROUND_HALF_UP)) if straight else None
        return [order, len(pings), decimal_text(driven), decimal_text(straight), share]

    def _fast_drivers(self) -> list[list[Any]]:
        rows = []
        for driver, pings in self._pings.items():
            windows: dict[int, list[Ping]] = defaultdict(list)
            for ping in pings:
                windows[ping[0] - ping[0] % WINDOW_MS].append(ping)
            for window in windows.values():
                legs = zip(window[1:], _legs(window), strict=True)
                fast = [(ping[0], speed) for ping, (_, speed, is_fast) in legs if is_fast]
                if fast:
                    greatest = decimal_text(_rounded(max(speed for _, speed in fast), "0.1"))
                    first, last = time_text(fast[0][0]), time_text(fast[-1][0])
                    rows.append([first, last, driver, greatest, f"{len(fast)} legs too fast in 10 minutes"])
        return rows

    def _notifications(self) -> list[list[Any]]:
        counts: dict[str, int] = defaultdict(int)
        for names in self._statuses.values():
            for name in names:
                counts[name] += 1
        return [[name, count] for name, count in counts.items()]


def _legs(pings: list[Ping]) -> Iterable[tuple[float, float, bool]]:
    """Between each two neighbours: km, km/h, and whether nobody drives like that."""
    for before, after in pairwise(pings):
        distance, seconds = distance_km(before[3], after[3]), (after[0] - before[0]) / 1000
        yield distance, distance / seconds * 3600, distance > 0.1 + seconds * FASTEST_KPH / 3600


def _rounded(value: float, to: str) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal(to), ROUND_HALF_UP)


def _share(part: int, whole: int) -> str:
    return decimal_text((Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP))
