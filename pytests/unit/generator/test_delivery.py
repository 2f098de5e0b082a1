"""The delivery world: deterministic, true to the specification, and truthful about what it sent.

The truth is recomputed here from the messages alone, by the rules of the specification, and
compared with the counts that the world kept while it made them.
"""

import json
import re
from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.delivery import ORDERS, STATUS, DeliveryWorld
from generator.events import Event
from generator.faults import INVALID_RULES
from generator.population import populate
from generator.resume import load, save
from generator.shares import Shares

START_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
MINUTE = 60_000
POPULATION = populate(restaurants=40, drivers=50, users=100)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOTHING_WRONG = Shares(delayed=0, late=0, duplicate=0, malformed=0, invalid=0)
MUCH_WRONG = Shares(delayed=0.3, late=0.05, duplicate=0.05, malformed=0.05, invalid=0.05)


def run(shares: Shares, *, seed: int = 7, minutes: int = 180, per_second: int = 2, step_ms: int = 1_000):
    world = DeliveryWorld(POPULATION, shares, seed, START_MS)
    events = []
    for _ in range(minutes * MINUTE // step_ms):
        events += world.advance(world.now_ms + step_ms, per_second * step_ms // 1_000)
    return world, events


def milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def decoded(event: Event):
    """The fields of a message that a reader must take, else None."""
    topic, _, value, _ = event
    try:
        fields = json.loads(value.encode() if isinstance(value, str) else value)
        if topic == ORDERS:
            assert UUID.fullmatch(fields["order_id"])
            assert TIME.fullmatch(fields["order_date"])
            assert isinstance(fields["total_amount"], float)
            milliseconds(fields["order_date"])
            return fields if fields["total_amount"] > 0 else None
        assert UUID.fullmatch(fields["order_identifier"])
        assert UUID.fullmatch(fields["status_id"])
        assert fields["status"]["status_name"] != "teleported"
        milliseconds(fields["status"]["timestamp"])
        return fields
    except (ValueError, TypeError, KeyError, AssertionError, AttributeError):
        return None


def recomputed(events):
    """Orders and status events that count, by id, as a reader finds them: first arrival of what is timely."""
    orders, statuses = {}, {}
    for event in sorted(events, key=lambda event: event[3]):
        fields = decoded(event)
        if fields is None:
            continue
        own = milliseconds(fields["order_date"] if event[0] == ORDERS else fields["status"]["timestamp"])
        if event[3] - own > 10 * MINUTE:
            continue
        if event[0] == ORDERS:
            orders.setdefault(fields["order_id"], (own, round(fields["total_amount"] * 100)))
        else:
            status = (own, fields["status_id"], fields["order_identifier"], fields["status"]["status_name"])
            statuses.setdefault(fields["status_id"], status)
    return orders, statuses


def delayed_at(orders, statuses, now_ms):
    current = {}
    for status in statuses.values():
        current[status[2]] = max(current.get(status[2], status), status)
    found = {}
    for order_id, (at_ms, _, _, name) in current.items():
        if name == "preparing" and order_id in orders:
            since = max(orders[order_id][0] + 30 * MINUTE, at_ms)
            if since <= now_ms:
                found[order_id] = since
    return found


def test_the_same_seed_gives_the_same_bytes():
    assert run(MUCH_WRONG, minutes=40)[1] == run(MUCH_WRONG, minutes=40)[1]


def test_another_seed_gives_other_orders():
    first, second = (run(NOTHING_WRONG, seed=seed, minutes=5)[1] for seed in (1, 2))
    assert {event[1] for event in first}.isdisjoint({event[1] for event in second})


def test_good_messages_have_the_fields_of_the_specification():
    _, events = run(NOTHING_WRONG, minutes=90)
    seen_names = set()
    for topic, key, value, timestamp in events:
        fields = json.loads(value)
        if topic == ORDERS:
            assert list(fields) == [
                "order_id",
                "user_key",
                "restaurant_key",
                "driver_key",
                "payment_id",
                "total_amount",
                "order_date",
                "dt_current_timestamp",
            ]
            assert key == fields["order_id"]
            assert UUID.fullmatch(fields["payment_id"])
            assert re.search(r'"total_amount":\d+\.\d\d,', value)
            assert milliseconds(fields["order_date"]) == timestamp
            assert fields["restaurant_key"] in POPULATION.restaurants
            assert fields["driver_key"] is None or fields["driver_key"] in POPULATION.drivers
        else:
            assert list(fields) == ["status_id", "order_identifier", "status", "dt_current_timestamp"]
            assert key == fields["order_identifier"]
            seen_names.add(fields["status"]["status_name"])
        assert TIME.fullmatch(fields["dt_current_timestamp"])
        assert milliseconds(fields["dt_current_timestamp"]) == timestamp
    assert seen_names == {
        "placed",
        "accepted",
        "rejected",
        "preparing",
        "ready",
        "picked_up",
        "delivered",
        "cancelled",
    }
    status_ids = [json.loads(value)["status_id"] for topic, _, value, _ in events if topic == STATUS]
    assert len(status_ids) == len(set(status_ids))
    assert any('"driver_key":null' in value for topic, _, value, _ in events if topic == ORDERS)


def test_statuses_of_an_order_come_in_their_order_and_within_two_hours():
    world, events = run(Shares(delayed=0.5, late=0, duplicate=0, malformed=0, invalid=0), minutes=300)
    rank = {"placed": 0, "accepted": 1, "rejected": 2, "preparing": 2, "ready": 3, "picked_up": 4, "delivered": 5}
    orders, statuses = recomputed(events)
    last: dict[str, tuple[int, int]] = {}
    for at_ms, _, order_id, name in sorted(statuses.values()):
        assert orders[order_id][0] < at_ms <= orders[order_id][0] + 120 * MINUTE
        here = rank.get(name, 3)
        assert here > last.get(order_id, (-1, 0))[0]
        last[order_id] = here, at_ms
    assert world.truth.delayed_ever > 0


@pytest.mark.parametrize("shares", [NOTHING_WRONG, Shares(), MUCH_WRONG], ids=["nothing", "usual", "much"])
def test_the_truth_is_what_the_messages_say(shares):
    world, events = run(shares, minutes=240)
    truth = world.truth
    orders, statuses = recomputed(events)
    assert truth.sent == Counter(event[0] for event in events)
    assert truth.orders == len(orders)
    assert truth.revenue_cents == sum(cents for _, cents in orders.values())
    assert truth.statuses == len(statuses)
    assert truth.statuses_of_orders == sum(status[2] in orders for status in statuses.values())
    windows = Counter(at_ms - at_ms % (10 * MINUTE) for at_ms, _ in orders.values())
    assert {start: totals.orders for start, totals in truth.windows.items()} == windows
    assert sum(totals.revenue_cents for totals in truth.windows.values()) == truth.revenue_cents
    assert truth.delayed_now(world.now_ms) == delayed_at(orders, statuses, world.now_ms)


def test_delays_begin_and_end_as_the_truth_says():
    world = DeliveryWorld(POPULATION, MUCH_WRONG, 3, START_MS)
    events: list[Event] = []
    ever: set[str] = set()
    for minute in range(150):
        for _ in range(60):
            events += world.advance(world.now_ms + 1_000, 1)
        if minute % 10 == 0:
            expected = delayed_at(*recomputed(events), world.now_ms)
            assert world.truth.delayed_now(world.now_ms) == expected
        ever |= world.truth.delayed_now(world.now_ms).keys()
    now = len(world.truth.delayed_now(world.now_ms))
    # Delays shorter than the minute between two looks are in the count only.
    assert len(ever) <= world.truth.delayed_ever + now <= len(ever) + 10
    assert len(ever) > 50


def test_faults_are_counted_by_what_they_do():
    world, events = run(MUCH_WRONG, minutes=60, per_second=10)
    truth = world.truth
    good = truth.orders + truth.statuses
    assert sum(truth.null_values.values()) == sum(value is None for _, _, value, _ in events)
    assert Counter((topic, value) for topic, _, value, _ in events if value is not None).total() == len(events) - sum(
        truth.null_values.values()
    )
    repeated = Counter((topic, value) for topic, _, value, _ in events if value not in (None, b"", b"<html>"))
    copies = {item: count for item, count in repeated.items() if count > 1 and isinstance(item[1], str)}
    assert sum(count - 1 for count in copies.values()) == truth.duplicates.total()
    late = 0
    for event in events:
        fields = decoded(event)
        if fields is not None:
            own = milliseconds(fields["order_date"] if event[0] == ORDERS else fields["status"]["timestamp"])
            late += event[3] - own > 10 * MINUTE
    assert late == truth.late.total()
    bad = sum(value is not None and decoded((topic, key, value, at)) is None for topic, key, value, at in events)
    assert bad == truth.malformed.total() + truth.invalid.total()
    for share, count in (
        (MUCH_WRONG.late, truth.late[ORDERS]),
        (MUCH_WRONG.invalid, sum(truth.invalid[rule] for rule in INVALID_RULES[ORDERS])),
    ):
        assert 0.7 * share < count / truth.orders < 1.4 * share
    assert 0.8 * MUCH_WRONG.duplicate < truth.duplicates.total() / good < 1.2 * MUCH_WRONG.duplicate


def test_invalid_events_have_ids_of_their_own():
    world, events = run(Shares(invalid=0.5), minutes=10, per_second=10)
    assert set(world.truth.invalid) == {*INVALID_RULES[ORDERS], *INVALID_RULES[STATUS]}
    good, bad = set(), set()
    for event in events:
        if event[2] is None or not isinstance(event[2], str):
            continue
        fields = json.loads(event[2])
        identifier = fields["order_id" if event[0] == ORDERS else "status_id"]
        (bad if decoded(event) is None else good).add(identifier)
    assert good.isdisjoint(bad)


def test_the_budget_is_met_while_there_are_orders_to_place():
    world = DeliveryWorld(POPULATION, NOTHING_WRONG, 1, START_MS)
    counts = [len(world.advance(world.now_ms + 1_000, 100)) for _ in range(600)]
    # Now and then more is due than the budget has room for; it is never held back.
    assert min(counts) == 100
    assert sum(counts) < 600 * 101


@settings(max_examples=8, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 20)), max_size=40),
    seed=st.integers(0, 2**31),
)
def test_time_never_runs_back_and_nothing_comes_from_the_future(steps, seed):
    world = DeliveryWorld(POPULATION, MUCH_WRONG, seed, START_MS)
    for length, budget in steps:
        before = world.now_ms
        for _, _, _, timestamp in world.advance(before + length, budget):
            assert START_MS < timestamp <= before + length
        assert world.now_ms == before + length


def test_a_saved_world_goes_on_as_if_it_had_never_stopped(tmp_path):
    everybody = populate()

    def history(stop_at):
        world = DeliveryWorld(everybody, MUCH_WRONG, 5, START_MS)
        events = []
        for step in range(2_000):
            if step == stop_at:
                save(world, tmp_path / "world.json")
                world = load(tmp_path / "world.json", "delivery", MUCH_WRONG, 0)
            events += world.advance(world.now_ms + 2_000, 4)
        return events, world.truth.delayed_now(world.now_ms), world.truth.windows

    assert history(None) == history(1_000)


def test_an_unusable_file_is_no_world(tmp_path):
    file = tmp_path / "world.json"
    assert load(file, "delivery", Shares(), 0) is None
    for content in ("", "[]", "{}", '{"format": 1, "now_ms": 5}', '{"format": 99}'):
        file.write_text(content)
        assert load(file, "delivery", Shares(), 0) is None


def test_a_world_that_stopped_too_long_ago_is_not_resumed(tmp_path):
    world, _ = run(NOTHING_WRONG, minutes=1)
    save(world, tmp_path / "world.json")
    assert load(tmp_path / "world.json", "delivery", Shares(), world.now_ms) is not None
    assert load(tmp_path / "world.json", "delivery", Shares(), world.now_ms + 1) is None
    assert load(tmp_path / "world.json", "kitchens", Shares(), world.now_ms) is None


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_are_shares(share):
    with pytest.raises(ValueError, match="late must be from 0 to 1"):
        Shares(late=share)
