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
from typing import Any

import psycopg
from rich.console import Console
from rich.live import Live
from rich.table import Table

from stack.demo.alerts import AlertReader
from stack.demo.checks import Check, alerts_agree, all_is_read, delays_agree, gold_agrees, views_have_rows, wait_until
from stack.demo.deploy import deploy, is_deployed
from stack.demo.feeds import Feed
from stack.demo.source import GeneratorProcess
from stack.demo.state import DemoState
from stack.demo.view import View, milliseconds
from stack.local import Stack
from stack.progress import steps
from stack.settings import LOOPBACK, Settings
from stack.topics import message_counts, topics_of

ALERT_TOPIC = "delivery-alerts"
PLAIN_SECONDS = 5.0
"""How often a line is written when the output is no terminal."""
SETTLE_SECONDS = 60.0
"""How long the views may take, after the last event, to show everything."""


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
    """

    system: str = "delivery"
    duration: float | None = None
    backfill_hours: float = 25.0
    generator: Sequence[str] = field(default_factory=tuple)
    keep: bool = False
    is_redeploying: bool = False


def psql_line(settings: Settings) -> str:
    """What to type to connect."""
    return f"psql -h {LOOPBACK} -p {settings.sql_port} -U materialize materialize"


def run_demo(settings: Settings, options: DemoOptions, console: Console) -> int:
    """Run it; the exit status.

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
            if options.is_redeploying or not is_deployed(settings):
                deploy(settings, console)
            else:
                console.print("the pipeline is deployed and unchanged (--redeploy runs dbt all the same)")
            seconds = time.monotonic() - began
            console.print(f"ready after {seconds:.1f} s; connect with: [bold]{psql_line(settings)}[/]", soft_wrap=True)
            return _Live(settings, options, console).run()
    finally:
        if not options.keep:
            with console.status("stopping what was started"):
                stopped = stack.down(started)
            console.print(f"stopped: {', '.join(stopped) or 'nothing, it was up before'}")


class _Live:
    """The part of the demo in which events flow."""

    def __init__(self, settings: Settings, options: DemoOptions, console: Console) -> None:
        self._settings = settings
        self._options = options
        self._console = console
        self._state = DemoState()
        self._alerts = AlertReader(settings.brokers, ALERT_TOPIC, self._state.on_alert)
        state = self._state
        self._feeds = [
            Feed(settings, "gold.gold_system_health", state.on_health),
            Feed(settings, "gold.gold_restaurant_performance", state.on_restaurant),
            Feed(settings, "gold.gold_delivery_time_distribution", state.on_bucket),
            Feed(settings, "silver.silver_delayed_orders", state.on_delayed),
        ]
        self._view = View(state, self._alerts, psql_line(settings), options.duration)

    def run(self) -> int:
        """Show it until it ends; the exit status."""
        is_interrupted = False
        generator = None
        try:
            for feed in self._feeds:
                feed.start()
            self._alerts.start()
            wait_until(lambda: all(feed.is_following or feed.error for feed in self._feeds), 30.0)
            self._state.is_collecting_base = False
            generator = GeneratorProcess(self._settings, self._generator_options(), self._state.on_generator)
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
                for feed in self._feeds:
                    feed.stop()
                self._alerts.stop()
        self._summary(checks, is_interrupted)
        return 0 if all(check.is_good for check in checks) else 1

    def _generator_options(self) -> list[str]:
        options = [*self._options.generator, "--world-file", str(self._settings.world_file)]
        if self._options.duration is not None:
            options += ["--duration", str(self._options.duration)]
        counts = message_counts(self._settings.brokers)
        has_history = any(counts.get(topic) for topic in topics_of(self._options.system))
        world = self._settings.world_file
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
                self._collect_errors()
                console.print(self._view.line(), soft_wrap=True)
            return
        with Live(self._view.render(console.height), console=console, screen=True, auto_refresh=False) as live:
            while generator.status is None:
                time.sleep(0.25)
                self._collect_errors()
                live.update(self._view.render(console.height), refresh=True)

    def _collect_errors(self) -> None:
        self._view.errors = [f"{feed.relation}: {feed.error}" for feed in self._feeds if feed.error]
        if self._alerts.error:
            self._view.errors.append(f"{ALERT_TOPIC}: {self._alerts.error}")

    def _checks(self, generator_status: int) -> list[Check]:
        checks = []
        truth = self._state.generator.truth
        with self._console.status("comparing the views with what was sent"):
            if generator_status != 0 or truth is None:
                checks.append(Check("generator", False, f"ended with status {generator_status}; see hotplate logs"))
            elif not self._state.generator.is_alone:
                checks.append(Check("gold counts what was sent", True, "not compared: the topics held other events"))
            else:
                topics = topics_of(self._options.system)
                checks.append(all_is_read(self._settings, topics, SETTLE_SECONDS))
                checks.append(gold_agrees(self._settings, truth, SETTLE_SECONDS))
                checks.append(delays_agree(self._settings, truth, SETTLE_SECONDS))
            try:
                checks.append(alerts_agree(self._settings, self._alerts, SETTLE_SECONDS))
                checks += views_have_rows(self._settings)
            except psycopg.Error as error:
                checks.append(Check("mzlite", False, str(error).strip()))
        checks.append(Check("alerts", self._alerts.alerts > 0, f"{self._alerts.alerts:,} read from {ALERT_TOPIC}"))
        checks += [Check(feed.relation, False, feed.error) for feed in self._feeds if feed.error]
        if self._alerts.error:
            checks.append(Check(ALERT_TOPIC, False, self._alerts.error))
        return checks

    def _summary(self, checks: Sequence[Check], is_interrupted: bool) -> None:
        state = self._state
        generator = state.generator
        table = Table(title="summary", show_header=False, title_justify="left")
        table.add_column(style="bold")
        table.add_column()
        table.add_row("events sent", f"{generator.events:,}, at the end {generator.rate:,.0f}/s")
        table.add_row("event to gold", self._latency(state.gold.histogram, "orders"))
        table.add_row("event to committed alert", self._latency(state.alert_latency, "alerts"))
        table.add_row("delayed orders", f"{len(state.delayed):,} now, {state.delayed_gone:,} moved on")
        table.add_row("alerts", f"{self._alerts.alerts:,} and {self._alerts.tombstones:,} tombstones")
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

    def _latency(self, histogram: Any, what: str) -> str:
        if not histogram.total:
            if self._state.measuring_since is None:
                return "not measured: the views had not caught up with the history"
            return f"not measured: no {what} since the views caught up with the history"
        return f"{milliseconds(histogram)} ({histogram.total:,} {what})"


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
