"""How often something goes wrong in a simulated world.

In: numbers from options. Out: the same, checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Shares:
    """How often something goes wrong, each from 0 to 1.

    Attributes:
        delayed: orders, or deliveries, that take too long.
        late: events that reach Kafka later than their system tolerates.
        duplicate: events sent twice.
        malformed: broken messages, and messages without a value, per good one.
        invalid: events that break an expectation, per good one.
    """

    delayed: float = 0.08
    late: float = 0.005
    duplicate: float = 0.01
    malformed: float = 0.002
    invalid: float = 0.002

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f"the share {name} must be from 0 to 1, not {value}")

    @cached_property
    def any_fault(self) -> float:
        """No draw above this brings a duplicate or anything broken; a little more than the sum, for rounding."""
        return self.duplicate + self.malformed + self.invalid + 1e-9
