"""A stack under kills and odd messages; `make faults` does the same for much longer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytests.faults import fuzzing
from pytests.faults.kills import Plan, run
from pytests.faults.stack import FaultyStack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyStack]:
    with FaultyStack(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.mark.timeout(600)
def test_every_message_is_a_row_or_quarantined(stack: FaultyStack, tmp_path: Path) -> None:
    found = fuzzing.run(stack, tmp_path, 2_000, seed=1)
    assert found.total() == 2_000
    assert min(found[place] for place in ("row", "quarantined", "skipped")) > 100


@pytest.mark.timeout(600)
def test_nothing_is_lost_or_doubled_by_kills(stack: FaultyStack) -> None:
    summary = run(stack, Plan(kills=6, events=12_000, seed=1, seconds_a_kill=0.6))
    assert summary.kills.total() == 6
    assert len(summary.kills) == 6
    assert summary.alerts > 100
    assert summary.tombstones > 10
