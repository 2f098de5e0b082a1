"""The clock that ticks read: the machine's, or one that a test holds.

In: nothing, or a moment to hold. Out: milliseconds since 1970 that never go back.
"""

from __future__ import annotations

import threading
import time


class Clock:
    """Milliseconds since 1970. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: int | None = None

    @property
    def held(self) -> int | None:
        """The moment at which the clock is held; None when it runs."""
        return self._held

    def now(self) -> int:
        """The present moment in ms."""
        held = self._held
        return held if held is not None else time.time_ns() // 1_000_000

    def hold(self, moment: int | None) -> None:
        """Stops the clock at a moment, moves it to another, or with None lets it run again.

        Raises:
            ValueError: the clock would go back.
        """
        with self._lock:
            if moment is not None and self._held is not None and moment < self._held:
                raise ValueError(f"the clock stands at {self._held} and cannot go back to {moment}")
            self._held = moment
