"""All systems on one stack at a steady rate in all: how old an event is when a reader of gold sees it.

    python -m bench.systems [--rate 2000] [--seconds 300] [--systems all] [--backfill 1]

In: a rate over all systems, a time, and which systems (all, or one of them). Out: bench/results/systems-RATE.md and
its section in bench/RESULTS.md. It is the demo of all systems with monitoring, on a stack of its own (temporary state,
free ports): broker, mzlite, generators and subscribers share the machine. Exit status 1 if a promise or a check fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from rich.console import Console

from bench.home import BROKER_JARS, RESULTS
from bench.report import machine, write_text
from bench.steady import Watch, costs, verdict
from stack.broker import free_port
from stack.demo.board_screen import BoardScreen
from stack.demo.latency import Histogram
from stack.demo.run import DemoOptions, run_demo
from stack.settings import Settings
from stack.status import Process, Report, ask_engine
from stack.topics import ALL, SYSTEMS

PROMISE_MS = 3_000
PARTS = ("postgres", "mzlite", "kafka", "generator", "subscribers")
BUSIEST = 6
SAMPLES = 20


class Tee:
    """What is written to it goes to standard output, and its lines are kept."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Both."""
        self.text += text
        return sys.stdout.write(text)

    def flush(self) -> None:
        """That of standard output."""
        sys.stdout.flush()


class Measured:
    """One run: the latencies by system, the samples, what the demo said, and its status."""

    def __init__(self, settings: Settings, systems: tuple[str, ...], seconds: float) -> None:
        self.screen = BoardScreen(settings, systems, "", seconds)
        self.watch = Watch(
            str(settings.state),
            others={os.getpid(): "subscribers"},
            look=lambda: lag(settings),
            is_active=lambda: self.screen.generator.phase == "present" and self.screen.generator.truth is None,
        )
        self.lines: list[str] = []
        self.status = 1


def lag(settings: Settings) -> dict[str, float]:
    """How far mzlite is behind, in messages of the topics and in seconds of its clock, and how long a tick takes."""
    found = Report("", Process(""), Process(""))
    ask_engine(settings, found)
    if not found.ticks:
        return {}
    return {
        "lag": sum(source["lag_messages"] or 0 for source in found.sources),
        "behind": found.ticks["behind_seconds"],
        "p50": found.ticks["p50_ms"] or 0,
        "p99": found.ticks["p99_ms"] or 0,
    }


def run(system: str, rate: float, seconds: float, backfill: float) -> Measured:
    """Runs the demo at a rate on a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="hotplate-bench-") as directory:
        state = Path(directory)
        if BROKER_JARS.is_dir():
            (state / "jars").symlink_to(BROKER_JARS)
        settings = Settings(state_dir=state, kafka_port=free_port(), sql_port=free_port())
        measured = Measured(settings, tuple(SYSTEMS) if system == ALL else (system,), seconds)
        options = DemoOptions(
            system=system,
            duration=seconds,
            backfill_hours=backfill,
            generator=["--system", system, "--rate", str(rate), "--seed", "1"],
        )
        thread = threading.Thread(target=measured.watch.run, daemon=True)
        thread.start()
        tee = Tee()
        console = Console(file=cast(IO[str], tee), width=120, force_terminal=False)
        try:
            measured.status = run_demo(settings, options, console, measured.screen)
        finally:
            measured.watch.stopping.set()
            thread.join()
        measured.lines = [line.rstrip() for line in tee.text.splitlines()]
        return measured


def latencies(histograms: dict[str, Histogram]) -> list[str]:
    """A table of the percentiles."""
    text = [
        "| system | events measured | p50, ms | p95 | p99 | max | p99 under 3 s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for system, histogram in histograms.items():
        values = [histogram.percentile(percent) for percent in (50, 95, 99, 100)]
        shown = " | ".join("-" if value is None else f"{value:,}" for value in values)
        text.append(f"| {system} | {histogram.total:,} | {shown} | {'yes' if is_kept(histogram) else '**no**'} |")
    return text


def is_kept(histogram: Histogram) -> bool:
    """Whether the promise holds for a system; not for one of which nothing was seen."""
    p99 = histogram.percentile(99)
    return p99 is not None and p99 < PROMISE_MS


def busiest(watch: Watch) -> list[str]:
    """The processes that took most, with their mean over the samples under load."""
    active = [sample for sample in watch.samples if sample.is_active]
    used: dict[tuple[str, int], float] = {}
    for sample in active:
        for key, percent in sample.each.items():
            used[key] = used.get(key, 0.0) + percent / len(active)
    text = ["| process | CPU, mean % of a core |", "| --- | --- |"]
    numbers: Counter[str] = Counter()
    for (part, _pid), percent in sorted(used.items(), key=lambda each: -each[1])[:BUSIEST]:
        numbers[part] += 1
        text.append(f"| {part} {numbers[part]} | {percent:.0f} |")
    return text


def section(system: str, rate: float, seconds: float, backfill: float, measured: Measured) -> str:
    """The section of RESULTS.md."""
    seen = [sample for sample in measured.watch.samples if sample.is_active and sample.seen]
    shown = seen[:: max(1, len(seen) // SAMPLES)]
    if seen and shown[-1] is not seen[-1]:
        shown.append(seen[-1])
    command = (
        f"python -m bench.systems --rate {rate:g} --seconds {seconds:g} --systems {system} --backfill {backfill:g}"
    )
    return "\n".join(
        [
            f"### {'Four systems' if system == ALL else system}, {rate:,.0f} events/s in all for {seconds:,.0f} s",
            "",
            f"Machine: {machine()}.",
            f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: `{command}`: everything that `hotplate demo --system "
            f"{system}` deploys{', monitoring included' if system == ALL else ''}; broker, mzlite, generators and "
            "subscribers share the machine.",
            "",
            "Latency is from the event's time in its message to the moment a subscriber sees the gold row that counts "
            "it, at most a tenth of a second too long; from when the views have caught up with the history on.",
            "",
            *latencies(measured.screen.latencies),
            "",
            *costs(measured.watch, PARTS),
            "",
            *busiest(measured.watch),
            "",
            "| second | messages not yet read | clock behind, s | a tick, p50 ms | p99 ms | postgres, % of a core |",
            "| --- | --- | --- | --- | --- | --- |",
            *(
                f"| {sample.second - seen[0].second:.0f} | {sample.seen['lag']:,.0f} | {sample.seen['behind']:g} |"
                f" {sample.seen['p50']:,.0f} | {sample.seen['p99']:,.0f} | {sample.cpu.get('postgres', 0):.0f} |"
                for sample in shown
            ),
            "",
            f"Exit status of the demo with its checks: {measured.status}.",
            "",
            "```",
            *verdict(measured.lines),
            "```",
            "",
        ]
    )


def measure(system: str, rate: float, seconds: float, backfill: float = 1.0) -> int:
    """Runs it and keeps the section; 0 if the checks and the promises hold."""
    measured = run(system, rate, seconds, backfill)
    name = f"systems-{rate:g}" + ("" if system == ALL else f"-{system}")
    (RESULTS / f"{name}.md").write_text(section(system, rate, seconds, backfill, measured))
    write_text()
    is_good = measured.status == 0 and all(map(is_kept, measured.screen.latencies.values()))
    return 0 if is_good else 1


def main() -> int:
    """Runs the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=2_000, help="events per second of all systems together")
    parser.add_argument("--seconds", type=float, default=300, help="for so long")
    parser.add_argument("--systems", choices=(ALL, *SYSTEMS), default=ALL, help="all, or one of them")
    parser.add_argument("--backfill", type=float, default=1, help="hours of history written first")
    options = parser.parse_args()
    return measure(options.systems, options.rate, options.seconds, options.backfill)


if __name__ == "__main__":
    sys.exit(main())
