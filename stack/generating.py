"""Runs the generator for the command line: which world, from when on, and how it tells of itself.

In: options. Out: events in Kafka, and either a progress line for people with a table of exact
counts at the end, or one JSON object a line for another program.
"""

from __future__ import annotations

import gc
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

from generator.events import SystemWorld
from generator.resume import load, save
from generator.run import HOUR_MS, Pace, Progress, Report, Run
from generator.shares import Shares
from generator.systems import new_world, parts_of
from generator.writer import EventWriter, WriteError, settings_at
from stack.errors import StackError

REPORT_SECONDS = 0.1
"""How often progress is told."""


@dataclass(frozen=True)
class Plan:
    """What to generate.

    Attributes:
        brokers: bootstrap servers.
        system: whose world, or all.
        pace: rate, duration and density of the past.
        shares: what goes wrong.
        seed: of a new world; None for a random one.
        backfill_hours: how far back a new world begins.
        world_file: where the world goes on from, and where it is kept; None for neither.
        second_stage: whether delivery's second stage takes part.
    """

    brokers: str
    system: str = "delivery"
    pace: Pace = field(default_factory=Pace)
    shares: Shares = field(default_factory=Shares)
    seed: int | None = None
    backfill_hours: float = 0.0
    world_file: Path | None = None
    second_stage: bool = False


def open_world(plan: Plan) -> tuple[SystemWorld, bool]:
    """The world of the plan, and whether it goes on from an earlier run."""
    start_ms = int(time.time() * 1000 - plan.backfill_hours * HOUR_MS)
    if plan.world_file is not None and plan.seed is None:
        world = load(plan.world_file, plan.system, plan.shares, start_ms, second_stage=plan.second_stage)
        if world is not None:
            return world, True
    seed = secrets.randbelow(2**31) if plan.seed is None else plan.seed
    return new_world(plan.system, plan.shares, seed, start_ms, second_stage=plan.second_stage), False


def generate(plan: Plan, console: Console, *, as_json: bool) -> SystemWorld:
    """Run until the duration is over, or until SIGINT or SIGTERM; the world, which knows what was sent.

    Raises:
        StackError: the broker does not answer, has not the topics, or refuses messages.
    """
    try:
        with EventWriter(plan.brokers, settings_at(plan.pace.rate)) as writer:
            world, is_resumed = open_world(plan)
            writer.wait_for_topics(world.topics, timeout=10.0)
            teller = _JsonTeller(world) if as_json else _BarTeller(console, plan.pace)
            if as_json:
                is_counting = not is_resumed or world.keeps_counting
                _write_line({"kind": "start", "resumed": is_resumed, "seed": world.seed, "counting": is_counting})
            else:
                begun = "goes on where it stopped" if is_resumed else f"seed {world.seed}"
                console.print(f"{plan.system}: {begun}; {plan.pace.rate:g} events/s to {plan.brokers}")
            run = Run(world, writer, plan.pace, teller.report)
            _collect_garbage_rarely()
            with _stopping(run.stop), teller.running():
                run.run()
    except WriteError as error:
        raise StackError(str(error)) from error
    if plan.world_file is not None:
        save(world, plan.world_file)
    if as_json:
        _write_line({"kind": "truth", **world.report(world.now_ms)})
    else:
        console.print(truth_table(world.report(world.now_ms)))
    return world


def _collect_garbage_rarely() -> None:
    """What a world holds (a million events to come) is no garbage, and looking through it takes a fifth of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


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

    def __init__(self, world: SystemWorld) -> None:
        self._world = world
        self._paced = _Paced()

    def report(self, progress: Progress) -> None:
        """Tell where the run is, and how much the latest windows must count."""
        if progress.phase == "past" and not self._paced.is_due(progress):
            return
        _write_line(
            {
                "kind": "progress",
                "phase": progress.phase,
                "events": progress.events,
                "done": progress.done,
                "behind": progress.behind,
                "now_ms": progress.now_ms,
                "windows": latest_windows(self._world, progress.now_ms),
                "systems": {world.name: latest_windows(world, progress.now_ms) for world in parts_of(self._world)},
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


def latest_windows(world: SystemWorld, now_ms: int) -> dict[int, int]:
    """What the latest two windows must count."""
    start = now_ms - now_ms % world.window_ms
    return {s: world.progress[s] for s in (start - world.window_ms, start) if s in world.progress}


def truth_table(report: dict[str, Any], title: str = "sent, exactly") -> Table:
    """The exact counts of what was sent, for people; of several systems, each in its turn."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    for system, part in report.get("systems", {"": report}).items():
        prefix = f"{system}: " if system else ""
        for topic, count in part["sent"].items():
            if topic != "total":
                table.add_row(f"{prefix}messages in {topic}", f"{count:,}")
        for name, value in part.items():
            if isinstance(value, int | str) and name != "at":
                table.add_row(prefix + name.replace("_", " "), f"{value:,}" if isinstance(value, int) else value)
        for name in ("late", "duplicates", "malformed", "invalid", "null_values"):
            table.add_row(prefix + name.replace("_", " "), f"{sum(part[name].values()):,}")
    return table


__all__ = ["Plan", "Report", "generate", "open_world", "truth_table"]
