"""What the demo asks of the part that knows a system: what it follows, draws, checks and sums up.

In: nothing. Out: the `Screen` interface; one implementation for delivery with its alerts, one made of boards
for the others and for all of them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rich.console import RenderableType

from stack.demo.checks import Check
from stack.demo.feeds import Feed
from stack.demo.state import Generator


class Screen(Protocol):
    """One system's part of the demo, or that of several."""

    generator: Generator
    feeds: Sequence[Feed]

    def start(self) -> None:
        """Begin to follow what is there besides the feeds."""
        ...

    def stop(self) -> None:
        """End it."""
        ...

    def generator_starts(self) -> None:
        """What the views show so far is from earlier runs."""
        ...

    def on_generator(self, line: dict[str, Any]) -> None:
        """The generator told of itself."""
        ...

    def render(self, height: int) -> RenderableType:
        """The whole picture, for a terminal of so many lines."""
        ...

    def line(self) -> str:
        """One line of the same, for an output that is no terminal."""
        ...

    def checks(self, generator_status: int) -> list[Check]:
        """What is to be judged at the end."""
        ...

    def summary(self) -> list[tuple[str, str]]:
        """Names and values for the table at the end."""
        ...
