"""Customers pay for the orders that count and review some of them; the truth knows what a reader must see."""

from collections import Counter, defaultdict

import orjson
import pytest

from generator.customers import METHODS, PAYMENTS, REVIEWS, CustomerWorld
from generator.delivery import DeliveryWorld
from generator.population import populate
from generator.second_stage import StagedDeliveryWorld
from generator.shares import Shares

START_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
NOTHING_WRONG = Shares(delayed=0.2, late=0, duplicate=0, malformed=0, invalid=0)


@pytest.fixture(scope="module")
def history():
    """A world without faults after four hours, and its messages of both topics."""
    first = DeliveryWorld(populate(restaurants=10, drivers=10, users=20), NOTHING_WRONG, 5, START_MS)
    world = StagedDeliveryWorld(first, (CustomerWorld(NOTHING_WRONG, 5, START_MS),))
    events = []
    while world.now_ms < START_MS + 4 * HOUR_MS:
        events += world.advance(world.now_ms + 10_000, 4)
    told = {topic: [orjson.loads(event[2]) for event in events if event[0] == topic] for topic in (PAYMENTS, REVIEWS)}
    return world, told


def test_a_payment_takes_its_steps_in_order(history):
    _, told = history
    follows = {
        None: {"pending"},
        "pending": {"authorized", "failed"},
        "failed": {"pending"},
        "authorized": {"captured"},
        "captured": {"refunded"},
        "refunded": set(),
    }
    latest, amounts = {}, defaultdict(int)
    for step in told[PAYMENTS]:
        payment, status = step["payment_id"], step["payment_status"]
        was, at = latest.get(payment, (None, ""))
        assert status in follows[was]
        assert step["dt_current_timestamp"] > at
        latest[payment] = status, step["dt_current_timestamp"]
        if status in ("captured", "refunded"):
            amounts[payment] += round(step["amount"] * 100) * (1 if status == "captured" else -1)
    assert {status for status, _ in latest.values()} == set(follows) - {None}
    assert min(amounts.values()) >= 0


def test_methods_fail_as_often_as_they_are_said_to(history):
    _, told = history
    ended = Counter((step["method"], step["payment_status"]) for step in told[PAYMENTS])
    rates = {
        method: ended[method, "failed"] / (ended[method, "failed"] + ended[method, "authorized"]) for method in METHODS
    }
    assert max(rates, key=rates.__getitem__) == "voucher"
    assert min(rates["voucher"], rates["bank_transfer"]) > max(rates["card"], rates["wallet"])


def test_a_fast_delivery_is_rated_higher(history):
    world, told = history
    orders = world.parts[0].truth.orders
    ratings = defaultdict(list)
    for order in orders.values():
        if order.rating is not None:
            assert order.delivered_ms is not None
            ratings[(order.delivered_ms - order.date_ms) > HOUR_MS].append(order.rating)
    means = {slow: sum(of) / len(of) for slow, of in ratings.items()}
    assert means[False] > means[True] + 0.5
    # A customer who thinks better of it writes again; the latest review stands.
    reviewed = Counter(review["order_id"] for review in told[REVIEWS])
    assert max(reviewed.values()) > 1
    assert len(reviewed) == sum(map(len, ratings.values()))
    last = {review["order_id"]: review["rating"] for review in told[REVIEWS]}
    assert all(orders[order_id].rating == rating for order_id, rating in last.items())


def test_the_truth_survives_a_restart(history):
    world, _ = history
    saved = orjson.loads(orjson.dumps(world.parts[0].saved()))
    restored = CustomerWorld.restored(NOTHING_WRONG, saved)
    assert restored.expected() == world.parts[0].expected()
    assert all(expected.rows for expected in restored.expected()[:5])
