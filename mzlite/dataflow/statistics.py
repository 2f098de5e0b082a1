"""What an engine did since it started, in numbers.

In: the results of its ticks. Out: counts and durations, for metrics and reports.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mzlite.dataflow.tick import TickResult


@dataclass
class Statistics:
    """What an engine did since it started.

    Attributes:
        rows: taken in.
        ahead: those of them that had been decoded when their tick began.
        durations: of the last ticks, in seconds.
        failures: ticks that could not be committed and were tried again.
        failure: why the last try of a tick has failed; None when it did not.
        cut_off: subscriptions whose clients did not keep up.
    """

    ticks: int = 0
    rows: int = 0
    ahead: int = 0
    seconds: float = 0.0
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    timestamp: int = 0
    failures: int = 0
    failure: str | None = None
    cut_off: int = 0

    def committed(self, result: TickResult, seconds: float) -> None:
        """A tick has been committed."""
        self.ticks += 1
        self.failure = None
        self.rows += result.rows
        self.ahead += result.ahead
        self.timestamp = result.timestamp
        self.seconds += seconds
        self.durations.append(seconds)

    def failed(self, error: Exception) -> None:
        """A tick could not be committed and will be tried again."""
        self.failures += 1
        self.failure = str(error).strip()
