"""Choices: where the generators of cases get their decisions from.

In: hypothesis' `draw`. Out: numbers, picks and chances, in such a way that a smaller choice is a simpler case, so
that hypothesis shrinks a failure to something readable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Draw = Callable[[Any], Any]


class Choices:
    """Decisions of one case."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._names = 0

    def number(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return int(self._draw(st.integers(low, high))) if high > low else low

    def chance(self, percent: int) -> bool:
        """True in so many percent of the cases; no is simpler than yes."""
        return self.number(0, 99) >= 100 - percent

    def pick(self, options: Sequence[T]) -> T:
        """One of the options; the first is the simplest."""
        return options[self.number(0, len(options) - 1)]

    def weighted(self, options: Sequence[tuple[T, int]]) -> T:
        """One of the options, each as often as its weight says; the first is the simplest."""
        place = self.number(0, sum(weight for _, weight in options) - 1)
        for option, weight in options:
            if place < weight:
                return option
            place -= weight
        raise AssertionError("the weights cover every place")

    def some(self, options: Sequence[T], low: int, high: int) -> list[T]:
        """Some of the options, in any order, each at most once."""
        left = list(options)
        found = []
        for _ in range(min(self.number(low, high), len(left))):
            found.append(left.pop(self.number(0, len(left) - 1)))
        return found

    def direction(self) -> str:
        """How an ORDER BY item ends."""
        return self.pick(("", " desc", " nulls first", " desc nulls last"))

    def name(self, prefix: str) -> str:
        """An alias that no other has."""
        self._names += 1
        return f"{prefix}{self._names}"
