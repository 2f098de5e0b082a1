"""Writes bench/RESULTS.md and its charts out of what is in bench/results.

In: JSON files, one for each measurement, whenever and in whatever order they were made. Out: tables. What was measured
over other topics than the newest drain is not shown beside it.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from bench.home import BENCH, RESULTS, Tell, peers_python

NAMES = {
    "hotplate": "hotplate (mzlite)",
    "spark": "PySpark 3.5.7",
    "flink-minibatch": "Flink SQL 1.20.1, mini-batches, at-least-once",
    "flink-exactly_once": "Flink SQL 1.20.1, mini-batches, exactly-once",
    "flink-each_record": "Flink SQL 1.20.1, each record, at-least-once",
}
NOTES = """
- The work, for all: topics -> typed -> late and invalid rows dropped -> left join within 2 hours -> four 10-minute gold
  aggregates with exact distinct counts -> delayed orders -> alerts topic. Topics: the generator's orders and status
  events with late, duplicate and malformed ones, evenly over three hours of event time that are past.
- One stack at a time; each reads a copy of the same broker with the same messages, broker and stack share the machine.
- Seconds: from the moment at which the stack reads (mzlite: is launched; Spark: has started its queries; Flink: its job
  runs) until everything is read and every output is committed. Processor time is that of the stack's processes in these
  seconds, without the broker's; memory (PSS) is their highest sum. The state is what the stack's directories have grown
  by; of Flink, which removes its checkpoints in the end, the most that was seen.
- Outputs are compared row by row with a batch computation in DuckDB over the same messages (bench/truth.sql).
- What each peer cannot express is said in its source: bench/peers/spark_job.py, bench/peers/flink.sql; settings in
  bench/peers/settings.toml. Both take the moment of the measurement for the clock, and neither lets an order become
  delayed by the clock alone. The gold tables are kept in PostgreSQL tables by mzlite, in topics by the peers.
  Guarantees: mzlite exactly-once; Spark's Kafka sink at-least-once; Flink as said.
"""


SMALL = {
    "idle": "Idle",
    "chain": "One row through a chain of views",
    "hydration": "Filling a new view",
    "restart": "Restart over large views",
    "warm_start": "Warm start to the first alert",
}
"""What tells its own result, with its title."""


def machine() -> str:
    """What this machine is, in one line."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = psutil.virtual_memory().total >> 30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {memory} GiB, {system}"


def load(directory: Path = RESULTS) -> dict[str, Any]:
    """The results by name."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(directory.glob("*.json"))}


def text(
    results: dict[str, Any], sections: list[str], together: list[str] | None = None, targets: str | None = None
) -> str:
    """RESULTS.md.

    Args:
        sections: those of the steady loads.
        together: those of all systems at once.
        targets: what was wanted, what was reached, and what holds it back; written by hand.
    """
    drains = {name: results[name] for name in NAMES if name in results}
    lines = ["# Results", "", f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.", ""]
    if targets:
        lines += ["## Targets", "", targets, ""]
    if drains:
        newest = max(drains.values(), key=lambda result: str(result["measured_at"]))
        drains = {name: result for name, result in drains.items() if result["topics"] == newest["topics"]}
        lines += [f"Machine: {newest['machine']}.", "", "## Drain", "", *_drain(drains), "", *_checks(drains)]
    if "limits" in results:
        lines += ["", "## The limit", "", *_limits(results["limits"], drains)]
    if "growth" in results:
        lines += ["", "## Cost of a change in mzlite", "", *_growth(results["growth"])]
    for name, title in SMALL.items():
        if name in results:
            lines += ["", f"## {title}", "", _measured(results[name]), "", "```"]
            lines += [*results[name]["lines"], "```"]
    if sections:
        lines += ["", "## Steady load on the whole pipeline", "", *sections]
    if together:
        lines += ["", "## All systems on one stack", "", *together]
    return "\n".join(lines).rstrip() + "\n"


def _measured(result: dict[str, Any]) -> str:
    return f"Measured {result['measured_at']} UTC on {result['machine']}."


def _drain(drains: dict[str, Any]) -> list[str]:
    first = next(iter(drains.values()))
    lines = [
        f"{first['orders']:,} orders and {first['status']:,} status events, drained from first to last.",
        NOTES,
        "![events a second](results/drain.svg)",
        "",
        "| stack | events/s | seconds | start, s | CPU s per million events | the broker's | peak memory, MiB |"
        " state on disk, MiB | dropped as late by the stack | alerts and tombstones written | outputs equal |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, result in drains.items():
        if "error" in result:
            lines.append(f"| {NAMES[name]} | failed: {result['error'].splitlines()[0]} |" + " |" * 9)
            continue
        events = result["events"]
        dropped = result.get("dropped_as_late", "0" if name == "hotplate" else "not told")
        written = f"{result['written']['alerts']:,} and {result['written']['tombstones']:,}"
        good = sum(check["is_good"] for check in result["checks"])
        lines.append(
            f"| {NAMES[name]} | {events / result['drain_seconds']:,.0f} | {result['drain_seconds']:,.1f} |"
            f" {result['start_seconds']:,.1f} | {result['cpu_seconds'] / events * 1e6:,.1f} |"
            f" {result['broker_cpu_seconds'] / events * 1e6:,.1f} | {result['peak_mib']:,} |"
            f" {result['state_mib']:,.0f} | {dropped} | {written} |"
            f" {good} of {len(result['checks'])} |"
        )
    return lines + _ratios(drains)


def _ratios(drains: dict[str, Any]) -> list[str]:
    ours = drains.get("hotplate", {})
    if "drain_seconds" not in ours:
        return []
    lines: list[str] = []
    for name, result in drains.items():
        if name != "hotplate" and "drain_seconds" in result:
            lines += [] if lines else ["", "hotplate's drain rate in relation to others:", ""]
            lines.append(f"- {result['drain_seconds'] / ours['drain_seconds']:.2f} times that of {NAMES[name]}")
    quarters = _quarter_rates(ours["progress"])
    if quarters:
        lines += ["", "mzlite's events/s in each quarter of the events, while its state grows from nothing: "]
        lines[-1] += ", ".join(f"{rate:,.0f}" for rate in quarters) + "."
    return lines + _warm(drains)


def _warm(drains: dict[str, Any]) -> list[str]:
    """The rates after the first tenth of the events, where a stack tells of its progress."""
    lines = [
        "",
        "The seconds include the warming up of virtual machines. Events/s after the first tenth of the events:",
        "",
    ]
    for name, result in drains.items():
        progress = result.get("progress") or [(0, 0)]
        last = progress[-1][1]
        second, read = next(sample for sample in progress if sample[1] >= last / 10)
        if last > read and result["drain_seconds"] > second:
            # mzlite's samples begin when it answers, the seconds at its launch.
            begun = result["start_seconds"] if name == "hotplate" else 0
            lines.append(f"- {NAMES[name]}: {(last - read) / (result['drain_seconds'] - begun - second):,.0f}")
    return lines if len(lines) > 3 else []


def _quarter_rates(progress: list[list[float]]) -> list[float]:
    """Events a second in each quarter of the events."""
    last = progress[-1][1]
    moments = [next(second for second, read in progress if read >= last * part / 4) for part in range(5)]
    if any(after <= before for before, after in pairwise(moments)):
        return []
    return [last / 4 / (after - before) for before, after in pairwise(moments)]


def _checks(drains: dict[str, Any]) -> list[str]:
    lines = ["### Checks", "", "| stack | output | |", "| --- | --- | --- |"]
    for name, result in drains.items():
        for check in result.get("checks", ()):
            verdict = "equal" if check["is_good"] else "**differs**"
            lines.append(f"| {NAMES[name]} | {check['name']} | {verdict}: {check['found']} |")
    counts: dict[str, int] = next((result["counts"] for result in drains.values() if "counts" in result), {})
    if counts:
        lines += ["", "In the topics, counted by DuckDB: " + ", ".join(f"{c:,} {n}" for n, c in counts.items()) + "."]
    return lines


def _limits(limits: dict[str, Any], drains: dict[str, Any]) -> list[str]:
    lines = ["| alone, on one core | messages/s | hotplate's drain is |", "| --- | --- | --- |"]
    ours = drains.get("hotplate", {})
    rate = ours["events"] / ours["drain_seconds"] if "drain_seconds" in ours else None
    for name, value in limits["rates"].items():
        lines.append(f"| {name} | {value:,.0f} | {f'1/{value / rate:.1f} of it' if rate else ''} |")
    return lines


def _growth(growth: dict[str, Any]) -> list[str]:
    lines = [
        "An INSERT of 100 rows under maintained aggregates and joins, until all views show it:"
        " `python -m bench.growth`.",
        "",
        "| rows kept (2 views) | p50, ms | p99, ms |",
        "| --- | --- | --- |",
    ]
    row = "| {:,} | {:,.1f} | {:,.1f} |"
    lines += [row.format(int(n), times["p50"], times["p99"]) for n, times in growth["by_rows"].items()]
    lines += ["", "| views (100,000 rows) | p50, ms | p99, ms |", "| --- | --- | --- |"]
    lines += [row.format(int(n), times["p50"], times["p99"]) for n, times in growth["by_views"].items()]
    return lines


def write_text() -> None:
    """RESULTS.md without new charts, which need the peers' environment."""
    sections, together = (
        [file.read_text() for file in sorted(RESULTS.glob(f"{kind}-*.md"))] for kind in ("steady", "systems")
    )
    targets = RESULTS / "targets.md"
    by_hand = targets.read_text().strip() if targets.exists() else None
    (BENCH / "RESULTS.md").write_text(text(load(), sections, together, by_hand))


def write(tell: Tell) -> None:
    """RESULTS.md and the charts."""
    write_text()
    charts = [str(peers_python(tell)), str(BENCH / "charts.py"), str(RESULTS)]
    subprocess.run(charts, check=True, capture_output=True)
    tell("bench/RESULTS.md is written")
