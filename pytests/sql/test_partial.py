"""Which projections over groups are computed in the tick, because they may fail, and which when they are read."""

from __future__ import annotations

import pytest

from mzlite.planner.expressions import expression
from mzlite.planner.partial import may_fail

TYPES = {"n": "bigint", "t": "text", "j": "jsonb"}


FAILING = (
    "10 / q1.n, q1.n % q1.n, q1.n / 0, q1.n / '0.0'::numeric, q1.n / null, round(sqrt(q1.n)), q1.t::integer,"
    " (q1.j ->> 'a')::integer, q1.j::bigint, 1 + 1 / q1.n, q1.n / q1.n::numeric"
)
SURE = (
    "q1.n, round(q1.n / 2), -q1.n, q1.n / (-0.5)::numeric, q1.n::integer, q1.n + q1.n - 1, q1.t::text, q1.n::text,"
    " q1.j ->> 'a', q1.n / 1e-3"
)


@pytest.mark.parametrize(
    "text", [*FAILING.split(", "), "q1.n / nullif(q1.n, 1)", "1 / nullif(q1.n, q1.n::int)", "1 / greatest(q1.n, 0)"]
)
def test_what_may_fail(text: str) -> None:
    assert may_fail(expression(text), TYPES.__getitem__)


@pytest.mark.parametrize("text", [*SURE.split(", "), "100.0 * q1.n / nullif(q1.n, 0)", "1 / greatest(q1.n, 1::bigint)"])
def test_what_cannot(text: str) -> None:
    assert not may_fail(expression(text), TYPES.__getitem__)
