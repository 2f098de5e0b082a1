"""The reference data of the project: the simulated worlds sell what the seeds name.

In: the name of a seed. Out: its rows.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

SEEDS = Path(__file__).parents[1] / "seeds"


@cache
def seed_rows(system: str, name: str) -> tuple[dict[str, str], ...]:
    """The rows of a seed, in its order.

    Raises:
        FileNotFoundError: the project has no such seed.
    """
    with (SEEDS / system / f"{name}.csv").open(newline="") as file:
        return tuple(csv.DictReader(file))
