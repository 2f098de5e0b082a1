"""DISTINCT ON over rows that come once and leave by the clock: winners, losers, successors, ties and hydration."""

from __future__ import annotations

import random

import pytest

from pytests.property.cases import Case, Step, View
from pytests.property.system import System

COLUMNS = "k integer, name text, amount numeric(10,2), ts timestamp, version integer"
LATEST = """select distinct on (k) k, name, amount, ts from s0
    where mz_now() <= ts + interval '1 hour' order by k, version desc nulls last, name desc, amount, ts"""
VIEWS = {
    "latest": LATEST,
    "two bounds, one of which may be null": """select distinct on (k, name) k, name, version from s0
        where mz_now() < ts + interval '1 hour' and mz_now() <= ts + version * interval '10 minutes' order by k, name, amount, version""",
    "the end is not a function of what is kept": """select distinct on (k) k, name from s0
        where mz_now() <= ts + interval '30 minutes' order by k, name""",
    "filtered first": """select distinct on (k) k, amount, version from s0
        where amount > 10 and mz_now() <= ts + interval '1 hour' order by k, amount, version""",
    "read by others": f"select name, count(*) as c, sum(amount) as s from ({LATEST}) as x group by name",
    "joined": f"select x.k, y.name from ({LATEST}) as x left join v0 as y on x.k = y.k and x.ts = y.ts",
}


def history(seed: int) -> tuple[Step, ...]:
    """Feeds with several rows of a key in one tick, and clock steps that let winners expire."""
    source, minutes, steps = random.Random(seed), 0, []
    for _ in range(14):
        rows = []
        for _ in range(source.randint(0, 6)):
            moment = f"@{minutes + source.randint(-70, 30)}@"
            name = source.choice(["'a'", "'b'", "null"])
            version = source.choice([*map(str, range(5)), "null"])
            key = source.choice(["1", "2", "3", "null"])
            amount = source.randint(0, 30)
            rows.append(f"({key}::integer, {name}::text, {amount}::numeric(10,2), {moment}, {version}::integer)")
        step = source.choice([0, 0, 1, 7, 31, 60])
        minutes += step
        writes = (f"feed s0 values {', '.join(rows)}",) if rows else ()
        steps.append(Step(writes, advance=step * 60_000, restart=source.random() < 0.1))
    return tuple(steps)


@pytest.mark.parametrize("seed", range(3))
def test_winners_expire_and_are_followed(system: System, seed: int) -> None:
    views = [View(f"v{number}", "materialized", query) for number, query in enumerate(VIEWS.values())]
    # The same again, made when there are rows.
    views += [View(f"w{number}", "materialized", query, 7) for number, query in enumerate(VIEWS.values())]
    refused = system.tally.refused.total()
    system.run(Case((), (("s0", COLUMNS),), tuple(views), history(seed)))
    assert system.tally.refused.total() == refused
