"""Follows and draws the boards of one or several systems, and checks them at the end.

In: settings and the systems' names. Out: a `Screen`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import psycopg
from rich.console import Group, RenderableType
from rich.panel import Panel as Frame
from rich.table import Table
from rich.text import Text

from stack.demo.boards import BOARDS, Panel
from stack.demo.checks import (
    Check,
    all_is_read,
    delays_agree,
    expected_agrees,
    gold_agrees,
    incomparable,
    views_have_rows,
)
from stack.demo.feeds import Feed, Row
from stack.demo.latency import GoldLatency, Histogram
from stack.demo.state import CAUGHT_UP_MS, LONGEST_WARM_UP_SECONDS, Generator, parse_time
from stack.demo.view import coloured, milliseconds, side_by_side
from stack.settings import Settings
from stack.topics import topics_of

SETTLE_SECONDS = 60.0
FEWEST_ROWS, MOST_ROWS = 3, 12
FRAME_ROWS = 4
"""Lines of a panel besides its rows."""


class Rows:
    """The rows of one view as they come and go."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.columns: Mapping[str, int] = {}
        self._rows: Counter[Row] = Counter()

    def on_change(self, difference: int, columns: Mapping[str, int], row: Row, _wall_ms: float) -> None:
        """A row came or went."""
        self.columns = columns
        self._rows[row] += difference
        if not self._rows[row]:
            del self._rows[row]

    def top(self, count: int) -> list[Row]:
        """The first rows by the panel's order."""
        if not self.columns:
            return []
        place = self.columns[self.panel.order_by]
        # A copy first: rows come and go in another thread.
        rows = list(self._rows)
        rows.sort(key=lambda row: _rank(row[place]), reverse=True)
        return rows[:count]

    def __len__(self) -> int:
        return len(self._rows)


def _rank(value: str | None) -> tuple[int, Decimal, str]:
    """Numbers by their size, other texts by themselves, nothing last."""
    if value is None:
        return 0, Decimal(0), ""
    try:
        return 2, Decimal(value), ""
    except InvalidOperation:
        return 1, Decimal(0), value


class Counted:
    """How many events a gold view counts per window, and with that how far it is behind."""

    def __init__(self, window_column: str, count_column: str) -> None:
        self.latency = GoldLatency()
        self.is_collecting_base = True
        self.sums: Counter[int] = Counter()
        self._window_column, self._count_column = window_column, count_column

    def on_change(self, difference: int, columns: Mapping[str, int], row: Row, wall_ms: float) -> None:
        """A row of the view came or went; several may share a window."""
        start = int(parse_time(row[columns[self._window_column]]).timestamp() * 1000)
        self.sums[start] += difference * int(row[columns[self._count_column]] or 0)
        if self.is_collecting_base:
            self.latency.existing(start, self.sums[start])
        elif difference > 0:
            self.latency.seen(start, self.sums[start], wall_ms)


class BoardScreen:
    """Follows the systems' boards."""

    def __init__(self, settings: Settings, systems: Sequence[str], psql: str, duration: float | None) -> None:
        self._settings = settings
        self._systems = systems
        self._psql = psql
        self._duration = duration
        self._began = time.monotonic()
        self._measuring_since: float | None = None
        self._present_since: float | None = None
        self.generator = Generator()
        self._rows = {system: [Rows(panel) for panel in BOARDS[system].panels] for system in systems}
        self._counted = {system: Counted(*BOARDS[system].counted[1:]) for system in systems}
        self.feeds: Sequence[Feed] = [
            *(Feed(settings, rows.panel.relation, rows.on_change) for group in self._rows.values() for rows in group),
            *(Feed(settings, BOARDS[system].counted[0], self._counted[system].on_change) for system in systems),
        ]

    def start(self) -> None:
        """Nothing besides the feeds."""

    def stop(self) -> None:
        """Nothing besides the feeds."""

    def generator_starts(self) -> None:
        """What the views show so far is from earlier runs."""
        for counted in self._counted.values():
            counted.is_collecting_base = False

    def on_generator(self, line: dict[str, Any]) -> None:
        """The generator told of itself."""
        generator = self.generator
        if line["kind"] == "truth":
            generator.truth = line
            return
        if line["kind"] == "start":
            generator.is_resumed = line["resumed"]
            is_new = not any(sum(counted.sums.values()) for counted in self._counted.values())
            generator.is_alone = line["counting"] and (generator.is_resumed or is_new)
            if generator.is_alone:
                for counted in self._counted.values():
                    counted.latency.nothing_existing()
            return
        wall = time.time()
        generator.take(line, wall)
        for system, windows in line["systems"].items():
            if system in self._counted:
                sent = {int(start): count for start, count in windows.items()}
                self._counted[system].latency.sent(line["now_ms"], sent, wall * 1000)
        if generator.phase == "present":
            self._warm_up(wall)

    def _warm_up(self, wall: float) -> None:
        if self._present_since is None:
            self._present_since = wall
            self.generator.samples.clear()
        if self._measuring_since is None:
            latencies = [counted.latency for counted in self._counted.values()]
            is_caught_up = all(latency.lag_ms(wall * 1000) < CAUGHT_UP_MS for latency in latencies)
            if is_caught_up or wall - self._present_since > LONGEST_WARM_UP_SECONDS:
                self._measuring_since = wall
                for latency in latencies:
                    latency.measure_from_ms = wall * 1000

    def _errors(self) -> list[str]:
        return [f"{feed.relation}: {feed.error}" for feed in self.feeds if feed.error]

    def render(self, height: int) -> RenderableType:
        """The whole picture."""
        drawn = [self._panel(rows, self._height_of_rows(height)) for group in self._rows.values() for rows in group]
        pairs = [
            side_by_side(*drawn[place : place + 2]) if place + 1 < len(drawn) else drawn[place]
            for place in range(0, len(drawn), 2)
        ]
        latencies = Text("  ").join(
            Text.assemble((f"{system} to gold ", "dim"), coloured(counted.latency.histogram))
            for system, counted in self._counted.items()
        )
        seconds = int(time.monotonic() - self._began)
        end = f" of {self._duration:g} s" if self._duration is not None else ""
        header = Text.assemble(
            ("hotplate ", "bold"),
            (", ".join(self._systems), "bold cyan"),
            f"   {self.generator.described()}",
            (f"   {seconds // 60}:{seconds % 60:02d}{end}", "dim"),
        )
        return Group(
            Frame(header, style="cyan"),
            *pairs,
            latencies,
            *(Text(error, style="red") for error in self._errors()),
            Text.assemble(("connect: ", "dim"), (self._psql, "bold"), ("   end: Ctrl-C", "dim")),
        )

    def _height_of_rows(self, height: int) -> int:
        lines = (sum(len(group) for group in self._rows.values()) + 1) // 2
        return min(max((height - 6) // lines - FRAME_ROWS, FEWEST_ROWS), MOST_ROWS)

    def _panel(self, rows: Rows, count: int) -> RenderableType:
        table = Table(box=None, pad_edge=False, expand=True)
        for column in rows.panel.columns:
            table.add_column(column, no_wrap=True, overflow="ellipsis")
        for row in rows.top(count):
            table.add_row(*(row[rows.columns[column]] or "" for column in rows.panel.columns))
        return Frame(table, title=f"{rows.panel.title}: {len(rows):,}", title_align="left")

    def line(self) -> str:
        """One line of the same."""
        parts = [self.generator.described()]
        for system, counted in self._counted.items():
            sizes = ", ".join(f"{rows.panel.title} {len(rows):,}" for rows in self._rows[system])
            parts.append(f"{system}: {sizes}, to gold {milliseconds(counted.latency.histogram)}")
        return "; ".join([*parts, *self._errors()])

    def checks(self, generator_status: int) -> list[Check]:
        """Do the views show exactly what was sent, and can all be read?"""
        checks = []
        truth = self.generator.truth or {}
        if (obstacle := incomparable(generator_status, self.generator)) is not None:
            checks.append(obstacle)
        else:
            topics = [topic for system in self._systems for topic in topics_of(system)]
            checks.append(all_is_read(self._settings, topics, SETTLE_SECONDS))
            for system, part in truth.get("systems", {self._systems[0]: truth}).items():
                if system == "delivery":
                    checks.append(gold_agrees(self._settings, part, SETTLE_SECONDS))
                    checks.append(delays_agree(self._settings, part, SETTLE_SECONDS))
                for expected in part.get("expected", ()):
                    checks.append(expected_agrees(self._settings, system, expected, SETTLE_SECONDS))
        try:
            checks += views_have_rows(self._settings, self._systems)
        except psycopg.Error as error:
            checks.append(Check("mzlite", False, str(error).strip()))
        return checks + [Check(feed.relation, False, feed.error) for feed in self.feeds if feed.error]

    @property
    def latencies(self) -> dict[str, Histogram]:
        """What was measured, by system."""
        return {system: counted.latency.histogram for system, counted in self._counted.items()}

    def summary(self) -> list[tuple[str, str]]:
        """The latencies."""
        return [
            (f"{system}: event to gold", f"{milliseconds(histogram)} ({histogram.total:,} events)")
            if (histogram := counted.latency.histogram).total
            else (f"{system}: event to gold", "not measured: nothing new since the views caught up with the history")
            for system, counted in self._counted.items()
        ]
