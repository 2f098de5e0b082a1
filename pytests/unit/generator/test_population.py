import re

import pytest

from generator.lifecycle import DELAY_MARK_MS
from generator.population import populate
from generator.timestamps import TimestampFormatter


def test_the_population_is_always_the_same():
    assert populate(30, 30, 30) == populate(30, 30, 30)


def test_keys_are_distinct_short_and_plain():
    population = populate()
    for keys in (population.restaurants, population.drivers, population.users):
        assert len(set(keys)) == len(keys)
        assert all(re.fullmatch("[a-z0-9-]{5,48}", key) for key in keys)


def test_slowness_moves_delays_between_restaurants_without_adding_any():
    population = populate()
    mean = sum(s * p for s, p in zip(population.slowness, population.popularity, strict=True))
    assert mean == pytest.approx(1.0)
    assert sum(population.popularity) == pytest.approx(1.0)
    assert max(population.slowness) == pytest.approx(5 * min(population.slowness))


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_nobody_is_no_population(sizes):
    with pytest.raises(ValueError, match="at least one"):
        populate(*sizes)


def test_times_have_three_decimals_and_z():
    formatted = TimestampFormatter()
    assert formatted(0) == "1970-01-01T00:00:00.000Z"
    assert formatted(1_767_225_600_007) == "2026-01-01T00:00:00.007Z"
    assert formatted(1_767_225_599_999) == "2025-12-31T23:59:59.999Z"
    assert formatted(1_767_225_600_007) == "2026-01-01T00:00:00.007Z"


def test_the_mark_is_the_specification_s():
    assert DELAY_MARK_MS == 1_800 * 1_000
