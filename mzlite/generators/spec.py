"""What a load generator does, as plain data that the database keeps.

In: the options of CREATE SOURCE .. FROM LOAD GENERATOR. Out: `GeneratorSpec`, and the moments of its steps: a step is
what the generator puts out at once. The first steps, up to AS OF, come when the source is made; one more comes with
each tick until UP TO.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """A relation that is filled: its id, which output it has, and its inbox in the inner PostgreSQL."""

    table_id: str
    output: str
    inbox: str


@dataclass(frozen=True)
class GeneratorSpec:
    """One load generator.

    Attributes:
        source_id: the source's id.
        generator: "auction", "marketing", "tpch", "counter" or "clock".
        tick_ms: milliseconds from one step to the next; 0 puts out the first steps only.
        as_of: the step up to which everything comes at once.
        up_to: the first step that never comes; None for no end.
        max_cardinality: how many rows a counter keeps; None for all.
        scale_factor: how much data TPC-H has.
        bases: (step, moment in ms) from which the moments of the steps behind it are counted; one more with each start
            of the server, as nothing is put out while it does not run.
        targets: what is filled.
    """

    source_id: str
    generator: str
    tick_ms: float = 1000.0
    as_of: int = 0
    up_to: int | None = None
    max_cardinality: int | None = None
    scale_factor: float = 0.01
    bases: tuple[tuple[int, int], ...] = ()
    targets: tuple[Target, ...] = ()

    def due(self, step: int) -> int | None:
        """The moment of a step in ms; None if it never comes.

        >>> spec = GeneratorSpec("u1", "counter", tick_ms=100, as_of=2, up_to=6, bases=((2, 1000), (4, 5000)))
        >>> [spec.due(step) for step in range(7)]
        [1000, 1000, 1000, 1100, 5000, 5100, None]
        """
        if self.up_to is not None and (step >= self.up_to or self.as_of >= self.up_to):
            return None
        first, moment = self.bases[max(0, bisect_right(self.bases, (step, 2**63)) - 1)]
        if step > first and not self.tick_ms:
            return None
        return moment + round(max(0, step - first) * self.tick_ms)

    def resumed(self, step: int, moment: int) -> GeneratorSpec:
        """The same, going on with `step` at a moment."""
        kept = tuple(base for base in self.bases if base[0] < step)
        return self if not kept else dataclasses.replace(self, bases=(*kept, (step, moment)))


def to_json(spec: GeneratorSpec) -> dict[str, Any]:
    """The specification as the database keeps it."""
    return dataclasses.asdict(spec)


def from_json(value: dict[str, Any]) -> GeneratorSpec:
    """The specification that `to_json` wrote."""
    fields = dict(value)
    fields["bases"] = tuple((int(step), int(moment)) for step, moment in fields["bases"])
    fields["targets"] = tuple(Target(**item) for item in fields["targets"])
    return GeneratorSpec(**fields)
