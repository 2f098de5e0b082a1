"""The delivery platform: orders are placed, live through their statuses and sometimes go wrong.

In: shares, a population, a seed and the moment at which it begins. Out: the messages of the
topics `orders` and `status`, in the form that the specification gives, and the truth about them.
The same arguments and the same steps give the same messages, byte for byte.
"""

from __future__ import annotations

import random
from itertools import accumulate
from typing import Any, Protocol, TypeAlias

import orjson

from generator.agenda import Agenda
from generator.events import Event
from generator.identifiers import uuid_text
from generator.lifecycle import Template, templates
from generator.population import Population
from generator.sender import FaultySender
from generator.shares import Shares
from generator.timestamps import TimestampFormatter
from generator.truth import WINDOW_MS, Truth, WindowTotals

ORDERS = "orders"
STATUS = "status"
TOPICS = (ORDERS, STATUS)
LOOK_AHEAD_MS = 300_000
"""How far a report tells which orders become delayed if nothing more happens."""

TEMPLATES = 8192
PICKS = 65536
"""How many draws of a weighted choice are made in advance; powers of two, so that random bits index them."""
AS_MANY_AS_POSSIBLE = 2_000
"""New orders in one step without a budget."""
ROBOT_EVERY = 100
"""One in so many orders is of a user whom a program plays."""
NO_DRIVER_SHARE = 0.08
"""Orders that are written before a driver is assigned."""
LATE_FROM_MS, LATE_TO_MS = 630_000, 2_700_000
"""A late event comes 10.5 to 45 minutes after its own time."""


class Order:
    """An order that is under way."""

    __slots__ = ("counts", "date_ms", "id", "start_ms", "template")

    def __init__(self, identifier: str, date_ms: int, start_ms: int, template: Template, counts: bool) -> None:
        self.id = identifier
        self.date_ms = date_ms
        self.start_ms = start_ms
        """When the platform knew of it; the template counts from here. After `date_ms` for an order that came late."""
        self.template = template
        self.counts = counts


Pending: TypeAlias = tuple[int, int, Order | None, int, Event | None]
"""(when, tie, order, which status of its template, None) or (when, tie, None, 0, a message to send again)."""

Saved: TypeAlias = dict[str, Any]
"""A world at rest, as plain values."""


class Follower(Protocol):
    """Who is told of the orders that a reader must count, to go on from there."""

    def placed(self, order: Order, fields: dict[str, Any]) -> None:
        """Such an order was placed; `fields` is its message. Its template says what will happen to it."""
        ...

    def status(self, order: Order, name: str, at_ms: int) -> None:
        """A status event that counts, of an order that counts."""
        ...


class DeliveryWorld(FaultySender):
    """The platform on a clock of its own.

    Args:
        population: who takes part.
        shares: what goes wrong and how often.
        seed: of all random choices.
        start_ms: the moment at which it begins, in ms since 1970.
    """

    name = "delivery"
    topics = TOPICS
    window_ms = WINDOW_MS
    keeps_counting = True

    def __init__(self, population: Population, shares: Shares, seed: int, start_ms: int) -> None:
        self.now_ms = start_ms
        self.seed = seed
        self.shares = shares
        self.truth = self.counts = Truth()
        self._rng = random.Random(seed)
        self._fault_rng = random.Random(f"faults of {seed}")
        self._pending = Agenda[Pending]()
        self._ties = 0
        self._formatted = TimestampFormatter()
        self.follower: Follower | None = None
        self._prepare(population)

    @property
    def pending(self) -> int:
        """Events that are still to come of what has begun."""
        return len(self._pending)

    @property
    def progress(self) -> dict[int, int]:
        """Orders that count in the latest windows."""
        windows = self.truth.windows
        start = self.now_ms - self.now_ms % WINDOW_MS
        return {s: windows[s].orders for s in (start - WINDOW_MS, start) if s in windows}

    def report(self, now_ms: int) -> dict[str, object]:
        """The exact counts, and the orders that are delayed a while later if nothing more happens."""
        return {**self.truth.report(now_ms), "delayed_by_then": self.truth.preparing_until(now_ms + LOOK_AHEAD_MS)}

    def saved(self) -> Saved:
        """Everything that is needed to go on later, as plain values for JSON."""
        numbers = {template: number for number, template in enumerate((*self._ordinary, *self._delayed))}
        orders = {id(entry[2]): entry[2] for entry in self._pending if entry[2] is not None}
        places = {key: place for place, key in enumerate(orders)}
        return {
            "seed": self.seed,
            "now_ms": self.now_ms,
            "random": [self._rng.getstate(), self._fault_rng.getstate()],
            "orders": [
                [order.id, order.date_ms, order.start_ms, numbers[order.template], order.counts]
                for order in orders.values()
            ],
            "pending": [
                [due, tie, None if order is None else places[id(order)], index, repeated]
                for due, tie, order, index, repeated in self._pending
            ],
            "preparing": self.truth.preparing,
            "windows": [[start, totals.orders, totals.revenue_cents] for start, totals in self.truth.windows.items()],
        }

    @classmethod
    def restored(cls, population: Population, shares: Shares, saved: Saved) -> DeliveryWorld:
        """The world that `saved` came from; its counts begin at nothing, but the windows' totals go on.

        Raises:
            ValueError, KeyError, TypeError: these are not the values that `saved` gave.
        """
        world = cls(population, shares, saved["seed"], saved["now_ms"])
        for rng, (version, state, gauss) in zip((world._rng, world._fault_rng), saved["random"], strict=True):
            rng.setstate((version, tuple(state), gauss))
        lives = (*world._ordinary, *world._delayed)
        orders = [
            Order(identifier, date_ms, start_ms, lives[number], counts)
            for identifier, date_ms, start_ms, number, counts in saved["orders"]
        ]
        world._pending = Agenda(
            (due, tie, None if place is None else orders[place], index, repeated and tuple(repeated))
            for due, tie, place, index, repeated in saved["pending"]
        )
        world._ties = max((entry[1] for entry in world._pending), default=0)
        world.truth.preparing = {order: (placed, at) for order, (placed, at) in saved["preparing"].items()}
        world.truth.windows = {start: WindowTotals(count, cents) for start, count, cents in saved["windows"]}
        return world

    def _prepare(self, population: Population) -> None:
        rng = random.Random(self._rng.getrandbits(64))
        self._ordinary, self._delayed = templates(rng, TEMPLATES)
        restaurants = population.restaurants
        chosen = rng.choices(range(len(restaurants)), cum_weights=list(accumulate(population.popularity)), k=PICKS)
        # The part of the message that depends on the restaurant, with its share of delayed orders.
        self._restaurant_picks = [
            (
                f'","restaurant_key":"{restaurants[number]}","driver_key":',
                self.shares.delayed * population.slowness[number],
            )
            for number in chosen
        ]
        drivers = rng.choices(population.drivers, k=PICKS)
        self._driver_picks = ["null" if rng.random() < NO_DRIVER_SHARE else f'"{driver}"' for driver in drivers]
        self._user_picks = rng.choices(population.users, k=PICKS)
        self._user_picks[::ROBOT_EVERY] = [population.users[0]] * len(range(0, PICKS, ROBOT_EVERY))
        self._amounts = [min(max(int(rng.lognormvariate(7.8, 0.5)), 500), 49_999) for _ in range(PICKS)]

    def advance(self, until_ms: int, budget: int | None) -> list[Event]:
        """Let time pass until `until_ms`: what is under way happens, new orders fill the budget.

        Args:
            until_ms: the new `now_ms`; events fall in (now_ms, until_ms].
            budget: how many events to aim for; None for `AS_MANY_AS_POSSIBLE` new orders.
        """
        events: list[Event] = []
        # Statuses first, so that the rest of the budget is known; both within the same short step.
        for due_ms, _, order, index, repeated in self._pending.due(until_ms):
            if order is not None:
                self._status(order, index, due_ms, events)
            elif repeated is not None:
                self._repeat(repeated, due_ms, events)
        orders = AS_MANY_AS_POSSIBLE if budget is None else max(budget - len(events), 0)
        if orders:
            span = until_ms - self.now_ms
            first = self.now_ms + 1
            for number in range(orders):
                self._place_order(first + span * number // orders, events)
        self.now_ms = until_ms
        return events

    def _place_order(self, now_ms: int, events: list[Event]) -> None:
        rng = self._rng
        bits = rng.getrandbits(128)
        picks = rng.getrandbits(64)
        order_id = uuid_text(bits)
        # Only 122 bits of the random number are in the id; the payment's is another scramble of the same.
        payment_id = uuid_text((bits * 0x9E3779B97F4A7C15F39CC0605CEDC835 + picks) & ((1 << 128) - 1))
        restaurant, delayed_share = self._restaurant_picks[picks & 0xFFFF]
        cents = self._amounts[(picks >> 16) & 0xFFFF]
        user = self._user_picks[(picks >> 32) & 0xFFFF]
        driver = self._driver_picks[picks >> 48]
        template = (self._delayed if rng.random() < delayed_share else self._ordinary)[bits & (TEMPLATES - 1)]
        is_late = self._fault_rng.random() < self.shares.late
        date_ms = now_ms - self._fault_rng.randrange(LATE_FROM_MS, LATE_TO_MS) if is_late else now_ms
        date = self._formatted(date_ms)
        value = (
            f'{{"order_id":"{order_id}","user_key":"{user}{restaurant}{driver},"payment_id":"{payment_id}",'
            f'"total_amount":{cents // 100}.{cents % 100:02d},"order_date":"{date}",'
            f'"dt_current_timestamp":"{self._formatted(now_ms) if is_late else date}"}}'
        )
        truth = self.truth
        if is_late:
            truth.late[ORDERS] += 1
        else:
            truth.order(date_ms, cents)
        order = Order(order_id, date_ms, now_ms, template, not is_late)
        if self.follower is not None and not is_late:
            self.follower.placed(order, orjson.loads(value))
        self._ties += 1
        self._pending.add((now_ms + template[0][1], self._ties, order, 0, None))
        self._send((ORDERS, order_id, value, now_ms), events)

    def _status(self, order: Order, index: int, due_ms: int, events: list[Event]) -> None:
        name, after_ms = order.template[index]
        at_ms = order.start_ms + after_ms
        if due_ms == at_ms:
            # Its first turn: what follows is arranged, and it may be held back.
            following = index + 1
            if following < len(order.template):
                self._ties += 1
                self._pending.add((order.start_ms + order.template[following][1], self._ties, order, following, None))
            if self._fault_rng.random() < self.shares.late:
                held_ms = self._fault_rng.randrange(LATE_FROM_MS, LATE_TO_MS)
                self._ties += 1
                self._pending.add((at_ms + held_ms, self._ties, order, index, None))
                return
            self.truth.statuses += 1
            if order.counts:
                self.truth.status(order.id, order.date_ms, name, at_ms)
                if self.follower is not None:
                    self.follower.status(order, name, at_ms)
            sent = at = self._formatted(at_ms)
        else:
            self.truth.late[STATUS] += 1
            at, sent = self._formatted(at_ms), self._formatted(due_ms)
        value = (
            f'{{"status_id":"{order.id[:24]}{index:012x}","order_identifier":"{order.id}",'
            f'"status":{{"status_name":"{name}","timestamp":"{at}"}},"dt_current_timestamp":"{sent}"}}'
        )
        self._send((STATUS, order.id, value, due_ms), events)

    def _send_again(self, event: Event, due_ms: int) -> None:
        self._ties += 1
        self._pending.add((due_ms, self._ties, None, 0, event))

    def _repeat(self, event: Event, now_ms: int, events: list[Event]) -> None:
        topic, key, value, first_ms = event
        events.append((topic, key, value, now_ms))
        self.truth.sent[topic] += 1
        self.truth.duplicates[topic] += 1
        if self._was_late(topic, str(value), first_ms):
            self.truth.late[topic] += 1

    def _was_late(self, topic: str, value: str, first_ms: int) -> bool:
        """True for a message whose own time is not the time at which it was first sent."""
        name = '"order_date":"' if topic == ORDERS else '"timestamp":"'
        start = value.index(name) + len(name)
        return value[start : start + 24] != self._formatted(first_ms)
