"""What the simulated worlds have in common: one history for one seed, faults that are counted, a life after a restart."""

import itertools
import json
from collections import Counter

import pytest

from generator.events import Event
from generator.faults import UNTYPABLE
from generator.geography import between, distance_km, offset
from generator.resume import load, save
from generator.shares import Shares
from generator.systems import RATES, SIMULATED, new_world, parts_of

START_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
NOTHING_WRONG = Shares(delayed=0, late=0, duplicate=0, malformed=0, invalid=0)
MUCH_WRONG = Shares(delayed=0.2, late=0.05, duplicate=0.05, malformed=0.05, invalid=0.05)


def history(world, hours=6.0, per_step=4, step_ms=10_000) -> list[Event]:
    events: list[Event] = []
    while world.now_ms < START_MS + hours * HOUR_MS:
        events += world.advance(world.now_ms + step_ms, per_step)
    return events


@pytest.fixture(scope="module", params=SIMULATED)
def system(request):
    return request.param


def test_one_seed_gives_one_history(system):
    first, second, other = (new_world(system, MUCH_WRONG, seed, START_MS) for seed in (3, 3, 4))
    assert history(first, 0.5) == history(second, 0.5)
    assert first.report(first.now_ms) == second.report(second.now_ms)
    assert history(other, 0.5) != history(new_world(system, MUCH_WRONG, 3, START_MS), 0.5)


def test_a_world_goes_on_where_it_was_saved(system, tmp_path):
    def events(stop_at):
        world = new_world(system, MUCH_WRONG, 5, START_MS)
        made = []
        for step in range(600):
            if step == stop_at:
                save(world, tmp_path / "world.json")
                world = load(tmp_path / "world.json", system, MUCH_WRONG, 0)
            made += world.advance(world.now_ms + 2_000, 3)
        return made

    assert events(None) == events(300)


def test_every_message_is_counted_as_what_it_is(system):
    world = new_world(system, MUCH_WRONG, 7, START_MS)
    events = history(world)
    counts = world.counts
    assert len(events) == counts.sent.total()
    assert sum(event[2] is None for event in events) == counts.null_values.total()
    undecodable = [event for event in events if event[2] is not None and decoded(event) is None]
    untypable = sum(counts.malformed[world.topic, kind] for kind in UNTYPABLE[world.topic])
    assert len(undecodable) == counts.malformed.total() - untypable
    whole = Counter(event[2] for event in events if isinstance(event[2], str))
    # A good message is sent once, or again on purpose.
    assert sum(count - 1 for count in whole.values()) == counts.duplicates.total()


def test_events_come_at_their_time_and_late_ones_after_the_tolerance(system):
    world = new_world(system, Shares(late=0.1, duplicate=0, malformed=0, invalid=0), 7, START_MS)
    events = history(world)
    assert all(START_MS < event[3] <= world.now_ms for event in events)
    lags = Counter()
    for event in events:
        fields = decoded(event)
        told = fields.get("ts") or fields["timestamp"]
        sent = world._formatted(event[3])
        lags["late" if told != sent else "in time"] += 1
    assert lags["late"] == world.counts.late.total() > 0


def test_without_faults_there_are_none(system):
    world = new_world(system, NOTHING_WRONG, 7, START_MS)
    history(world, 1)
    counts = world.counts
    assert not counts.late
    assert not counts.duplicates
    assert not counts.malformed
    assert not counts.invalid


def test_all_systems_share_one_clock_and_one_budget():
    world = new_world("all", NOTHING_WRONG, 1, START_MS)
    events = []
    for _ in range(400):
        events += world.advance(world.now_ms + 100, 20)
    assert world.now_ms == START_MS + 40_000
    assert {part.name for part in parts_of(world)} == set(RATES)
    assert all(part.now_ms == world.now_ms for part in parts_of(world))
    assert len(events) == pytest.approx(8_000, rel=0.1)
    sent = world.report(world.now_ms)["sent"]
    assert sent["total"] == len(events)
    assert sent["orders"] + sent["status"] > sent["kitchen-events"] > sent["santa-deliveries"] > 0


def test_a_quiet_system_is_not_silenced_by_what_it_owes():
    world = new_world("all", NOTHING_WRONG, 1, START_MS)
    world._allowances["santa"] = -80.0
    events = []
    for _ in range(500):
        events += world.advance(world.now_ms + 20, 4)
    # Its share of 200 events/s is two.
    assert sum(event[0] == "santa-deliveries" for event in events) == pytest.approx(20, abs=4)


def test_shoppers_view_before_they_buy():
    events = history(new_world("clickstream", NOTHING_WRONG, 2, START_MS), 0.5)
    viewed = set()
    for event in sorted(events, key=lambda event: event[3]):
        fields = decoded(event)
        product = fields["user_id"], fields["product_id"]
        if fields["event_type"] == "page_view":
            viewed.add(product)
        else:
            assert product in viewed


def test_a_kitchen_cooks_what_it_has_stoves_for():
    events = [decoded(event) for event in history(new_world("kitchens", NOTHING_WRONG, 2, START_MS), 2)]
    cooking = Counter()
    for event in sorted(events, key=lambda event: (event["ts"], event["event_type"] == "gk_started")):
        cooking[event["gk_id"]] += {"gk_started": 1, "gk_finished": -1}.get(event["event_type"], 0)
        assert 0 <= cooking[event["gk_id"]] <= 8


def test_drivers_move_at_a_plausible_speed():
    events = [decoded(event) for event in history(new_world("kitchens", NOTHING_WRONG, 2, START_MS), 2)]
    pings = {}
    speeds = []
    for event in sorted(events, key=lambda event: event["ts"]):
        if event["event_type"] == "driver_ping":
            here = event["body"]["loc_lat"], event["body"]["loc_lon"]
            at = int(event["ts"][11:13]) * 3600 + int(event["ts"][14:16]) * 60 + float(event["ts"][17:23])
            if event["order_id"] in pings:
                before, since = pings[event["order_id"]]
                speeds.append(distance_km(before, here) / (at - since) * 3600)
            pings[event["order_id"]] = here, at
    assert speeds
    assert min(speeds) > 1
    assert max(speeds) < 30


def test_the_sleigh_is_in_one_place_at_a_time():
    world = new_world("santa", NOTHING_WRONG, 2, START_MS)
    events = [(event[3], decoded(event)) for event in history(world, 3)]
    events.sort(key=lambda event: event[0])
    for (before_ms, before), (at_ms, event) in itertools.pairwise(events):
        way = distance_km((before["latitude"], before["longitude"]), (event["latitude"], event["longitude"]))
        assert way <= 1 + (at_ms - before_ms) / HOUR_MS * 20_000
    assert world.truth.anomalies == 0
    assert len({event["city"] for _, event in events}) > 3


@pytest.mark.parametrize(
    ("start", "end", "kilometres"),
    [
        ((52.52, 13.405), (48.8566, 2.3522), 877.5),
        ((40.7128, -74.006), (51.5074, -0.1278), 5570.2),
        ((0.0, 179.5), (0.0, -179.5), 111.2),
        ((90.0, 0.0), (-90.0, 0.0), 20015.1),
        ((10.0, 10.0), (10.0, 10.0), 0.0),
    ],
)
def test_distances(start, end, kilometres):
    assert distance_km(start, end) == pytest.approx(kilometres, abs=0.1)


def test_short_ways():
    home = (52.5, 13.4)
    there = offset(home, 3.0, -4.0)
    assert distance_km(home, there) == pytest.approx(5.0, abs=0.01)
    assert distance_km(home, between(home, there, 0.4)) == pytest.approx(2.0, abs=0.01)


def decoded(event):
    try:
        value = event[2].encode() if isinstance(event[2], str) else event[2]
        fields = json.loads(value.decode())
        return fields if isinstance(fields, dict) else None
    except ValueError:
        return None
