"""The demo from start to end: stack up, dbt, generator, live view, summary, stack down.

In: settings and the generator's options. Out: what a person sees, and an exit status: 0 if all is
well or a person ended it, 1 if a view stayed empty, no alert came, or a figure disagrees.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from stack.demo.board_screen import BoardScreen
from stack.demo.checks import Check, wait_until
from stack.demo.delivery import DeliveryScreen
from stack.demo.deploy import deploy, is_deployed
from stack.demo.screen import Screen
from stack.demo.source import GeneratorProcess
from stack.local import Stack
from stack.progress import steps
from stack.settings import LOOPBACK, Settings
from stack.topics import ALL, SYSTEMS, message_counts, topics_of

PLAIN_SECONDS = 5.0
"""How often a line is written when the output is no terminal."""


@dataclass(frozen=True)
class DemoOptions:
    """What a person chose.

    Attributes:
        system: which pipeline.
        duration: seconds of live events; None for no end.
        backfill_hours: how far back the history begins, in topics that have none.
        generator: further options of `hotplate generate`.
        keep: leave the stack running at the end.
        is_redeploying: run dbt even if nothing has changed since the last demo.
        second_stage: delivery's second stage too.
    """

    system: str = "delivery"
    duration: float | None = None
    backfill_hours: float = 25.0
    generator: Sequence[str] = field(default_factory=tuple)
    keep: bool = False
    is_redeploying: bool = False
    second_stage: bool = False


def psql_line(settings: Settings) -> str:
    """What to type to connect."""
    return f"psql -h {LOOPBACK} -p {settings.sql_port} -U materialize materialize"


def run_demo(settings: Settings, options: DemoOptions, console: Console, screen: Screen | None = None) -> int:
    """Run it; the exit status.

    Args:
        settings: of the stack, which is started where it is not up.
        options: what a person chose.
        console: where to show it.
        screen: what to follow; by default that of the chosen system.

    Raises:
        StackError: it could not be set up; what was started is stopped again.
        KeyboardInterrupt: a person ended it during the set-up; the same.
    """
    topics_of(options.system)
    began = time.monotonic()
    stack = Stack(settings)
    with _terminating_like_ctrl_c(), steps(console) as tell:
        started = stack.up(options.system, tell)
    try:
        with _terminating_like_ctrl_c():
            second_stage = options.second_stage
            if options.is_redeploying or not is_deployed(settings, options.system, second_stage=second_stage):
                deploy(settings, options.system, console, second_stage=second_stage)
            else:
                console.print("the pipeline is deployed and unchanged (--redeploy runs dbt all the same)")
            seconds = time.monotonic() - began
            console.print(f"ready after {seconds:.1f} s; connect with: [bold]{psql_line(settings)}[/]", soft_wrap=True)
            return _Live(settings, options, console, screen or open_screen(settings, options)).run()
    finally:
        if not options.keep:
            with console.status("stopping what was started"):
                stopped = stack.down(started)
            console.print(f"stopped: {', '.join(stopped) or 'nothing, it was up before'}")


def open_screen(settings: Settings, options: DemoOptions) -> Screen:
    """What is shown and checked: delivery alone has a screen of its own, everything else has boards."""
    psql = psql_line(settings)
    if options.system == "delivery":
        return DeliveryScreen(settings, psql, options.duration)
    systems = tuple(SYSTEMS) if options.system == ALL else (options.system,)
    return BoardScreen(settings, systems, psql, options.duration)


class _Live:
    """The part of the demo in which events flow."""

    def __init__(self, settings: Settings, options: DemoOptions, console: Console, screen: Screen) -> None:
        self._settings = settings
        self._options = options
        self._console = console
        self._screen = screen

    def run(self) -> int:
        """Show it until it ends; the exit status."""
        is_interrupted = False
        generator = None
        screen = self._screen
        try:
            for feed in screen.feeds:
                feed.start()
            screen.start()
            wait_until(lambda: all(feed.is_following or feed.error for feed in screen.feeds), 30.0)
            screen.generator_starts()
            generator = GeneratorProcess(self._settings, self._generator_options(), screen.on_generator)
            generator.start()
            try:
                self._show(generator)
            except KeyboardInterrupt:
                is_interrupted = True
            with _ignoring_signals(), self._console.status("the generator finishes"):
                status = generator.end()
            checks = [] if is_interrupted else self._checks(status)
        finally:
            with _ignoring_signals():
                if generator is not None:
                    generator.end()
                for feed in screen.feeds:
                    feed.stop()
                screen.stop()
        self._summary(checks, is_interrupted)
        return 0 if all(check.is_good for check in checks) else 1

    def _generator_options(self) -> list[str]:
        world = self._settings.world_file(self._options.system)
        options = [*self._options.generator, "--world-file", str(world)]
        if self._options.duration is not None:
            options += ["--duration", str(self._options.duration)]
        counts = message_counts(self._settings.brokers)
        has_history = any(counts.get(topic) for topic in topics_of(self._options.system))
        if not has_history:
            # A world without its topics would go on with orders that nobody knows.
            world.unlink(missing_ok=True)
        if not has_history or world.exists():
            # Where a world goes on, this is only how long ago it may have stopped.
            options += ["--backfill", str(self._options.backfill_hours)]
        return options

    def _show(self, generator: GeneratorProcess) -> None:
        """Draw until the generator ends."""
        console = self._console
        if not console.is_terminal:
            while not wait_until(lambda: generator.status is not None, PLAIN_SECONDS):
                console.print(self._screen.line(), soft_wrap=True)
            return
        with Live(self._screen.render(console.height), console=console, screen=True, auto_refresh=False) as live:
            while generator.status is None:
                time.sleep(0.25)
                live.update(self._screen.render(console.height), refresh=True)

    def _checks(self, generator_status: int) -> list[Check]:
        with self._console.status("comparing the views with what was sent"):
            return self._screen.checks(generator_status)

    def _summary(self, checks: Sequence[Check], is_interrupted: bool) -> None:
        generator = self._screen.generator
        table = Table(title="summary", show_header=False, title_justify="left")
        table.add_column(style="bold")
        table.add_column()
        table.add_row("events sent", f"{generator.events:,}, at the end {generator.rate:,.0f}/s")
        for name, value in self._screen.summary():
            table.add_row(name, value)
        self._console.print(table)
        bad = [check for check in checks if not check.is_good]
        if is_interrupted:
            self._console.print("ended by Ctrl-C; nothing was checked")
        for check in checks:
            mark = "[green]ok[/]" if check.is_good else "[bold red]FAILED[/]"
            self._console.print(f"{mark} {check.name}: ", end="")
            self._console.print(check.found, markup=False)
        if checks:
            self._console.print("[bold red]the demo failed[/]" if bad else "[bold green]all checks passed[/]")


@contextmanager
def _terminating_like_ctrl_c() -> Iterator[None]:
    """Within it, SIGTERM and SIGHUP end the demo as Ctrl-C does: in good order."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling(interrupt, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def _ignoring_signals() -> Iterator[None]:
    """Within it, a second Ctrl-C does not leave things half stopped."""
    with _handling(lambda _number, _frame: None, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
