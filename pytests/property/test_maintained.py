"""Whatever is maintained equals its definition, recomputed, after every tick: random views over random histories.

`make property CASES=20000` is the long form of it.
"""

from __future__ import annotations

import pytest

from pytests.property.search import first_failure, smallest
from pytests.property.system import System

SEEDS = range(1, 3)
HISTORIES = 12


@pytest.mark.parametrize("seed", SEEDS)
def test_random_views_equal_their_definitions_after_every_tick(system: System, seed: int) -> None:
    failure = first_failure(system, seed, HISTORIES)
    if failure is not None:
        case, error = smallest(system, *failure)
        pytest.fail(f"{error}\n{case.source_text()}")


def test_what_was_tried_is_worth_it(system: System) -> None:
    refused = system.tally.refused.total()
    if system.tally.cases >= HISTORIES * len(SEEDS):
        assert system.tally.views >= 100, system.tally.summary()
        assert refused < system.tally.views / 4, system.tally.summary()
