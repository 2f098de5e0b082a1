"""Runs a world against a clock: first its past as fast as possible, then the present at a rate.

In: a world, a writer and the wanted pace. Out: messages in Kafka and a stream of progress
reports. In the past each message carries the time at which it would have been sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from typing import Literal, Protocol

from generator.events import Event, World

STEP_MS = 20
"""The present advances in steps of this length; an event waits at most that long."""
PAST_STEP_MS = 500
HOUR_MS = 3_600_000
RECENT_MS = HOUR_MS
"""The last hour of the past is denser, so that there is something to see from the first minute."""


class Writer(Protocol):
    """What takes the events."""

    def write(self, events: Sequence[Event]) -> None:
        """Take them all; may wait."""
        ...

    def flush(self) -> None:
        """Return when all of them are safe."""
        ...


@dataclass(frozen=True)
class Pace:
    """How fast and how long.

    Attributes:
        rate: events per second in the present; 0 for as fast as possible.
        duration: seconds of the present; None for no end, 0 for the past only.
        past_rate: events per second of the past, averaged over the day before its last hour.
        recent_rate: the same for the past's last hour.
    """

    rate: float = 500.0
    duration: float | None = None
    past_rate: float = 0.5
    recent_rate: float = 10.0

    def __post_init__(self) -> None:
        for name in ("rate", "past_rate", "recent_rate"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        if self.duration is not None and self.duration < 0:
            raise ValueError("duration must not be negative")


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    Attributes:
        phase: past or present.
        events: messages sent by this run so far.
        done: share of the phase that is over, from 0 to 1; None when it has no end.
        behind: seconds by which the present lags behind the wall clock, because the machine or the broker is too slow.
        now_ms: the world's time.
    """

    phase: Literal["past", "present"]
    events: int
    done: float | None
    behind: float
    now_ms: int


Report = Callable[[Progress], None]


class Run:
    """One run of a world.

    Args:
        world: what happens; its `now_ms` is where the past begins.
        writer: takes the events.
        pace: how fast and how long.
        report: called after every step; must be quick.
        clock: the wall clock in seconds, for tests.
    """

    def __init__(
        self, world: World, writer: Writer, pace: Pace, report: Report, clock: Callable[[], float] = time.time
    ) -> None:
        self.world = world
        self.pace = pace
        self.events = 0
        self._writer = writer
        self._report = report
        self._clock = clock
        self._stop = Flag()

    def stop(self) -> None:
        """End the run after the current step; safe from a signal handler and from other threads."""
        self._stop.set()

    def run(self) -> None:
        """Run to the end, or until `stop`; everything sent is acknowledged when it returns."""
        try:
            self._past()
            if self.pace.duration != 0:
                self._present()
        finally:
            self._writer.flush()

    def _past(self) -> None:
        world = self.world
        begin_ms = world.now_ms
        # Making up for the past takes a while, which becomes past itself; the end moves until it is reached.
        while not self._stop.is_set():
            end_ms = int(self._clock() * 1000)
            if end_ms - world.now_ms < PAST_STEP_MS:
                break
            allowance = 0.0
            while world.now_ms < end_ms and not self._stop.is_set():
                rate = self.pace.recent_rate if end_ms - world.now_ms <= RECENT_MS else self.pace.past_rate
                allowance = self._step(min(world.now_ms + PAST_STEP_MS, end_ms), rate, allowance)
                done = (world.now_ms - begin_ms) / (end_ms - begin_ms)
                self._report(Progress("past", self.events, done, 0.0, world.now_ms))

    def _present(self) -> None:
        world, pace = self.world, self.pace
        begin_ms = world.now_ms
        end_ms = None if pace.duration is None else begin_ms + round(pace.duration * 1000)
        allowance = 0.0
        while not self._stop.is_set() and (end_ms is None or world.now_ms < end_ms):
            wall_ms = int(self._clock() * 1000)
            until_ms = world.now_ms + STEP_MS
            if pace.rate == 0:
                until_ms = max(world.now_ms + 1, wall_ms)
            elif until_ms > wall_ms:
                self._stop.wait((until_ms - wall_ms) / 1000)
            if end_ms is not None:
                until_ms = min(until_ms, end_ms)
            allowance = self._step(until_ms, pace.rate or None, allowance)
            behind = max(0.0, self._clock() - world.now_ms / 1000)
            done = None if end_ms is None else (world.now_ms - begin_ms) / (end_ms - begin_ms)
            self._report(Progress("present", self.events, done, behind, world.now_ms))

    def _step(self, until_ms: int, rate: float | None, allowance: float) -> float:
        """Advance, and return the part of the allowance (in events) that is left for the next step."""
        if rate is None:
            budget = None
        else:
            allowance += rate * (until_ms - self.world.now_ms) / 1000
            budget = max(int(allowance), 0)
        events = self.world.advance(until_ms, budget)
        self._writer.write(events)
        self.events += len(events)
        # A debt of more than a second is forgiven: it would only silence the world for long.
        return max(allowance - len(events), -(rate or 0.0))
