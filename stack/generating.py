"""Runs the generator for the command line: which world, from when on, and how it tells of itself.

In: options. Out: events in Kafka, and either a progress line for people with a table of exact
counts at the end, or one JSON object a line for another program.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from generator.delivery import TOPICS, DeliveryWorld, Shares
from generator.population import populate
from generator.resume import load, save
from generator.run import HOUR_MS, Pace, Progress, Report, Run
from generator.truth import WINDOW_MS, Truth
from generator.writer import EventWriter, WriteError
from stack.errors import StackError

LOOK_AHEAD_MS = 300_000
"""How far the report tells which orders become delayed if nothing more happens."""
REPORT_SECONDS = 0.1
"""How often progress is told."""


@dataclass(frozen=True)
class Plan:
    """What to generate.

    Attributes:
        brokers: bootstrap servers.
        pace: rate, duration and density of the past.
        shares: what goes wrong.
        seed: of a new world; None for a random one.
        backfill_hours: how far back a new world begins.
        world_file: where the world goes on from, and where it is kept; None for neither.
    """

    brokers: str
    pace: Pace = field(default_factory=Pace)
    shares: Shares = field(default_factory=Shares)
    seed: int | None = None
    backfill_hours: float = 0.0
    world_file: Path | None = None


def open_world(plan: Plan) -> tuple[DeliveryWorld, bool]:
    """The world of the plan, and whether it goes on from an earlier run."""
    population = populate()
    start_ms = int(time.time() * 1000 - plan.backfill_hours * HOUR_MS)
    if plan.world_file is not None and plan.seed is None:
        world = load(plan.world_file, population, plan.shares, start_ms)
        if world is not None:
            return world, True
    seed = secrets.randbelow(2**31) if plan.seed is None else plan.seed
    return DeliveryWorld(population, plan.shares, seed, start_ms), False


def generate(plan: Plan, console: Console, *, as_json: bool) -> Truth:
    """Run until the duration is over, or until SIGINT or SIGTERM; the truth about what was sent.

    Raises:
        StackError: the broker does not answer, has not the topics, or refuses messages.
    """
    try:
        with EventWriter(plan.brokers) as writer:
            writer.wait_for_topics(TOPICS, timeout=10.0)
            world, is_resumed = open_world(plan)
            teller = _JsonTeller(world) if as_json else _BarTeller(console, plan.pace)
            if as_json:
                _write_line({"kind": "start", "resumed": is_resumed, "seed": world.seed})
            else:
                begun = "goes on where it stopped" if is_resumed else f"seed {world.seed}"
                console.print(f"delivery: {begun}; {plan.pace.rate:g} events/s to {plan.brokers}")
            run = Run(world, writer, plan.pace, teller.report)
            with _stopping(run.stop), teller.running():
                run.run()
    except WriteError as error:
        raise StackError(str(error)) from error
    if plan.world_file is not None:
        save(world, plan.world_file)
    if as_json:
        # Who reads this looks a while later, when more orders have passed the mark without a further event.
        soon = world.truth.preparing_until(world.now_ms + LOOK_AHEAD_MS)
        _write_line({"kind": "truth", **world.truth.report(world.now_ms), "delayed_by_then": soon})
    else:
        console.print(truth_table(world.truth, world.now_ms))
    return world.truth


@contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Within it, Ctrl-C and SIGTERM end the run in good order; a second Ctrl-C ends it at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Paced:
    """Lets a report through only now and then."""

    def __init__(self) -> None:
        self._next = 0.0
        self._phase = ""

    def is_due(self, progress: Progress) -> bool:
        """True every `REPORT_SECONDS`, and when the phase changes."""
        now = time.monotonic()
        if now < self._next and progress.phase == self._phase:
            return False
        self._next = now + REPORT_SECONDS
        self._phase = progress.phase
        return True


class _JsonTeller:
    """One JSON object a line on standard output; stops the run when nobody reads it any more."""

    def __init__(self, world: DeliveryWorld) -> None:
        self._world = world
        self._paced = _Paced()

    def report(self, progress: Progress) -> None:
        """Tell where the run is, and how many orders the latest windows must count."""
        if progress.phase == "past" and not self._paced.is_due(progress):
            return
        windows = self._world.truth.windows
        start = progress.now_ms - progress.now_ms % WINDOW_MS
        _write_line(
            {
                "kind": "progress",
                "phase": progress.phase,
                "events": progress.events,
                "done": progress.done,
                "behind": progress.behind,
                "now_ms": progress.now_ms,
                "windows": {s: windows[s].orders for s in (start - WINDOW_MS, start) if s in windows},
            }
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Nothing to set up."""
        yield


class _BarTeller:
    """A line with a bar; plain lines when the output is not a terminal."""

    def __init__(self, console: Console, pace: Pace) -> None:
        self._pace = pace
        self._paced = _Paced()
        self._console = console
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None, detail="")
        self._began = 0.0
        self._began_events = 0
        self._phase = ""
        self._plain_next = 0.0

    def report(self, progress: Progress) -> None:
        """Show where the run is."""
        if not self._paced.is_due(progress):
            return
        now = time.monotonic()
        if progress.phase != self._phase:
            self._phase, self._began, self._began_events = progress.phase, now, progress.events
        rate = (progress.events - self._began_events) / max(now - self._began, 0.001)
        behind = f", {progress.behind:.1f} s behind" if progress.behind > 1 else ""
        detail = f"{progress.events:,} events, {rate:,.0f}/s{behind}"
        name = "history" if progress.phase == "past" else "live"
        self._bar.update(
            self._task,
            description=name,
            total=None if progress.done is None else 1.0,
            completed=progress.done or 0.0,
            detail=detail,
        )
        if not self._console.is_terminal and now >= self._plain_next:
            self._plain_next = now + 5.0
            self._console.print(f"{name}: {detail}")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show the bar."""
        with self._bar:
            yield


def _write_line(value: dict[str, Any]) -> None:
    try:
        sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Whoever started us has gone: end as on SIGTERM, and write what is still to come to nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        signal.raise_signal(signal.SIGTERM)


def truth_table(truth: Truth, now_ms: int) -> Table:
    """The exact counts of what was sent, for people."""
    report = truth.report(now_ms)
    table = Table(title="sent, exactly", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    for topic, count in truth.sent.items():
        table.add_row(f"messages in {topic}", f"{count:,}")
    table.add_row("orders that count", f"{truth.orders:,}")
    table.add_row("their revenue", str(report["revenue"]))
    table.add_row("status events that count", f"{truth.statuses:,}")
    table.add_row("late", _by_topic(truth.late))
    table.add_row("duplicates", _by_topic(truth.duplicates))
    table.add_row("malformed", f"{truth.malformed.total():,}")
    table.add_row("events that break a rule", f"{truth.invalid.total():,}")
    table.add_row("messages without a value", f"{truth.null_values.total():,}")
    table.add_row("orders delayed, ever / now", f"{report['delayed_ever']:,} / {report['delayed_now']:,}")
    return table


def _by_topic(counts: dict[str, int]) -> str:
    return ", ".join(f"{topic} {count:,}" for topic, count in sorted(counts.items())) or "0"


__all__ = ["Plan", "Report", "generate", "open_world", "truth_table"]
