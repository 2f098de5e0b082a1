"""Delivery with its second stage: the first stays as it is, the second follows from it."""

import json

import pytest

from generator.delivery import TOPICS, DeliveryWorld
from generator.drivers import restaurant_places
from generator.geography import distance_km
from generator.population import populate
from generator.resume import load, save
from generator.second_stage import StagedDeliveryWorld
from generator.shares import Shares

START_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
NOTHING_WRONG = Shares(delayed=0, late=0, duplicate=0, malformed=0, invalid=0)
POPULATION = populate(restaurants=40, drivers=50, users=100)
MUCH_WRONG = Shares(delayed=0.2, late=0.05, duplicate=0.05, malformed=0.05, invalid=0.05)


def test_the_first_stage_is_the_same_with_the_second():
    alone, staged = (DeliveryWorld(POPULATION, MUCH_WRONG, 3, START_MS) for _ in range(2))
    both = StagedDeliveryWorld(staged)
    for _ in range(300):
        first = alone.advance(alone.now_ms + 10_000, 3)
        assert [event for event in both.advance(both.now_ms + 10_000, 3) if event[0] in TOPICS] == first
    report, expected = alone.report(alone.now_ms), both.report(both.now_ms)
    assert all(expected["sent"][topic] == report["sent"][topic] for topic in TOPICS)
    assert expected["windows"] == report["windows"]


def test_both_stages_go_on_where_they_were_saved(tmp_path):
    def events(stop_at):
        world = StagedDeliveryWorld(DeliveryWorld(populate(), MUCH_WRONG, 5, START_MS))
        made = []
        for step in range(300):
            if step == stop_at:
                save(world, tmp_path / "world.json")
                assert load(tmp_path / "world.json", "delivery", MUCH_WRONG, 0) is None
                world = load(tmp_path / "world.json", "delivery", MUCH_WRONG, 0, second_stage=True)
            made += world.advance(world.now_ms + 10_000, 3)
        return made

    assert events(None) == events(150)


def history(shares, hours=2.0):
    world = StagedDeliveryWorld(DeliveryWorld(populate(), shares, 7, START_MS))
    events = []
    while world.now_ms < START_MS + hours * HOUR_MS:
        events += world.advance(world.now_ms + 10_000, 6)
    return world, [(event[0], event[3], json.loads(event[2])) for event in events if event[0] in ("dispatch", "gps")]


@pytest.fixture(scope="module")
def faultless():
    return history(NOTHING_WRONG)


def test_drivers_are_in_one_place_and_move_like_in_a_city(faultless):
    world, events = faultless
    speeds = []
    last = {}
    for topic, at_ms, fields in sorted(events, key=lambda event: event[1]):
        if topic == "gps":
            here = fields["latitude"], fields["longitude"]
            if fields["driver_key"] in last:
                before, since = last[fields["driver_key"]]
                speeds.append(distance_km(before, here) / (at_ms - since) * HOUR_MS)
            last[fields["driver_key"]] = here, at_ms
    assert max(speeds) < 30
    assert sum(speed > 10 for speed in speeds) > 100
    assert world.report(world.now_ms)["legs_too_fast"] == 0


def test_an_accepted_order_ends_where_it_was_to_go(faultless):
    _, events = faultless
    offered, to, last = set(), {}, {}
    for topic, _, fields in sorted(events, key=lambda event: event[1]):
        if topic == "gps":
            last[fields["order_id"]] = fields["latitude"], fields["longitude"]
        elif fields["action"] == "offered":
            offered.add((fields["order_id"], fields["driver_key"]))
        else:
            assert (fields["order_id"], fields["driver_key"]) in offered
            if fields["action"] == "accepted":
                assert fields["order_id"] not in to
                to[fields["order_id"]] = fields["dropoff_latitude"], fields["dropoff_longitude"]
    # The last position before the arrival is up to 20 s away from it; a cancelled order goes nowhere.
    arrived = [order for order, place in to.items() if order in last and distance_km(last[order], place) < 0.2]
    assert len(arrived) > 20


def test_broken_receivers_are_the_jumps_that_the_truth_knows():
    world, _ = history(Shares(delayed=0, late=0, duplicate=0, malformed=0, invalid=0.01), 1.0)
    report = world.report(world.now_ms)
    assert report["drivers_too_fast"] > 0
    assert report["legs_too_fast"] > report["drivers_too_fast"]


def test_restaurants_are_those_of_the_population():
    assert tuple(restaurant_places()) == populate().restaurants
