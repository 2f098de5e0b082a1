"""Delivery with its second stage: the first stays as it is, the second follows from it."""

from generator.delivery import TOPICS, DeliveryWorld
from generator.population import populate
from generator.resume import load, save
from generator.second_stage import StagedDeliveryWorld
from generator.shares import Shares

START_MS = 1_767_225_600_000
POPULATION = populate(restaurants=40, drivers=50, users=100)
MUCH_WRONG = Shares(delayed=0.2, late=0.05, duplicate=0.05, malformed=0.05, invalid=0.05)


def test_the_first_stage_is_the_same_with_the_second():
    alone, staged = (DeliveryWorld(POPULATION, MUCH_WRONG, 3, START_MS) for _ in range(2))
    both = StagedDeliveryWorld(staged)
    for _ in range(600):
        first = alone.advance(alone.now_ms + 10_000, 3)
        assert [event for event in both.advance(both.now_ms + 10_000, 3) if event[0] in TOPICS] == first
    report, expected = alone.report(alone.now_ms), both.report(both.now_ms)
    assert all(expected["sent"][topic] == report["sent"][topic] for topic in TOPICS)
    assert expected["windows"] == report["windows"]


def test_both_stages_go_on_where_they_were_saved(tmp_path):
    def events(stop_at):
        world = StagedDeliveryWorld(DeliveryWorld(populate(), MUCH_WRONG, 5, START_MS))
        made = []
        for step in range(600):
            if step == stop_at:
                save(world, tmp_path / "world.json")
                assert load(tmp_path / "world.json", "delivery", MUCH_WRONG, 0) is None
                world = load(tmp_path / "world.json", "delivery", MUCH_WRONG, 0, second_stage=True)
            made += world.advance(world.now_ms + 5_000, 3)
        return made

    assert events(None) == events(300)
