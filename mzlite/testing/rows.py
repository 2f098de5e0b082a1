"""Comparing rows as bags, with a text that says what differs.

In: found and expected rows. Out: None, or the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

SHOWN = 10
"""Rows of a difference that are shown, at most."""


def difference(found: Iterable[Sequence[Any]], expected: Iterable[Sequence[Any]]) -> str | None:
    """What differs between two bags of rows whose values need not be hashable; None when nothing does.

    >>> difference([(1, "a"), (2, "b")], [(2, "b"), (3, "c")])
    "rows missing: (3, 'c'); unexpected: (1, 'a')"
    >>> difference([(1,), (1,)], [(1,), (1,)]) is None
    True
    """
    extra, missing = [tuple(row) for row in found], []
    for row in expected:
        try:
            extra.remove(tuple(row))
        except ValueError:
            missing.append(tuple(row))
    parts = [f"{what}: {_shown(rows)}" for what, rows in (("missing", missing), ("unexpected", extra)) if rows]
    return f"rows {'; '.join(parts)}" if parts else None


def _shown(rows: list[tuple[Any, ...]]) -> str:
    text = ", ".join(map(repr, rows[:SHOWN]))
    return f"{text}, and {len(rows) - SHOWN} more" if len(rows) > SHOWN else text
