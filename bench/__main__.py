"""`make bench`: the same work on this stack and on what people would use instead, one after the other.

    make bench OPTIONS="--events 200000"            smaller topics
    make bench OPTIONS="--only spark,flink-minibatch"   some measurements; the others' results stay in the table
    make bench OPTIONS="--only systems"             the four systems together; python -m bench.systems has options

In: how many messages, and which measurements. Out: bench/results/*.json, and bench/RESULTS.md with its charts. Every
measurement is kept as soon as it is made; one that fails is told, kept as failed, and the others go on.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import psycopg
from confluent_kafka import KafkaException

from bench import growth, hotplate, limits, report, steady, systems, truth
from bench.home import HOME, RESULTS, ROOT, BenchError
from bench.outputs import Outputs, compare
from bench.peers import flink, spark
from bench.topics import Prepared, prepare, running_copy
from stack.broker_jars import BrokerError
from stack.errors import StackError

Drain = Callable[[Prepared], tuple[dict[str, Any], Outputs]]

FLINK = tuple(f"flink-{variant}" for variant in flink.VARIANTS)
DRAINS = ("hotplate", "spark", *FLINK)
SMALL = ("idle", "chain", "hydration", "restart", "warm_start")
"""Modules whose output is their result."""
OTHERS = ("limits", *SMALL, "growth", "steady", "systems")
FAILURES = (
    BenchError, BrokerError, StackError, OSError, subprocess.SubprocessError, psycopg.Error, KafkaException, ValueError,
    LookupError, AssertionError,
)  # fmt: skip
"""What ends one measurement, and not those that follow."""
STEADY = ((1_000, 60), (6_000, 90), (10_000, 120))
"""Events a second, and for how many seconds."""
TOGETHER = (2_000, 300)
"""The same of all systems at once."""


def tell(text: str) -> None:
    """A line of progress."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def keep(name: str, result: dict[str, Any]) -> None:
    """Writes a result down."""
    RESULTS.mkdir(exist_ok=True)
    measured = {"measured_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}", "machine": report.machine()}
    (RESULTS / f"{name}.json").write_text(json.dumps({**measured, **result}, indent=1, default=str) + "\n")


def the_truth(prepared: Prepared) -> tuple[Outputs, dict[str, int]]:
    """What the outputs must be; computed once for the same topics."""
    file = HOME / "topics" / "truth.pickle"
    if not file.exists():
        tell("computing in DuckDB what the outputs must be")
        with running_copy(prepared, "truth"):
            file.write_bytes(pickle.dumps(truth.compute(prepared.brokers, prepared.written_ms)))
    outputs, counts = pickle.loads(file.read_bytes())
    return outputs, counts


def drain_with(name: str, seconds: float) -> Drain:
    """The drain of this name."""
    if name == "hotplate":
        return lambda prepared: hotplate.drain(prepared, tell, timeout=seconds)
    if name == "spark":
        return lambda prepared: spark.drain(prepared, tell, timeout=seconds)
    return lambda prepared: flink.drain(prepared, tell, name.removeprefix("flink-"), timeout=seconds)


def run_drain(name: str, prepared: Prepared, seconds: float) -> bool:
    """One drain with its comparison; true if all is equal."""
    wanted, counts = the_truth(prepared)
    about = {"topics": prepared.name, "orders": prepared.orders, "status": prepared.status, "events": prepared.events}
    try:
        figures, outputs = drain_with(name, seconds)(prepared)
    except FAILURES as error:
        tell(f"{name} failed: {error}")
        keep(name, {**about, "error": str(error)})
        return False
    checks = compare(outputs, wanted)
    keep(name, {**about, **figures, "checks": [asdict(check) for check in checks], "counts": counts})
    tell(f"{name}: {prepared.events / figures['drain_seconds']:,.0f} events/s, {figures['drain_seconds']:,.0f} s")
    for check in checks:
        tell(f"  {'equal' if check.is_good else 'DIFFERS'} {check.name}: {check.found}")
    return all(check.is_good for check in checks)


def run_other(name: str, prepared: Prepared | None, rows: list[int]) -> bool:
    """One of the other measurements; true if it succeeded."""
    if name == "limits":
        assert prepared is not None
        keep(name, limits.limits(prepared, tell))
    elif name in SMALL:
        command = [sys.executable, "-m", f"bench.{name}"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        keep(name, {"lines": done.stdout.splitlines()})
    elif name == "growth":
        keep(name, growth.growth(rows, [1, 10, 50]))
    elif name == "systems":
        return systems.measure("all", *TOGETHER) == 0
    else:
        statuses = [steady.measure(rate, seconds, 1.0) for rate, seconds in STEADY]
        return not any(statuses)
    return True


def main() -> int:
    """Runs what is asked for; exit status 1 if anything failed or differs."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=2_000_000, help="messages in each of the two topics")
    parser.add_argument("--only", default="", help=f"some of {', '.join((*DRAINS, *OTHERS))}")
    parser.add_argument("--skip", default="", help="all but these")
    parser.add_argument("--minutes", type=float, default=240, help="begin nothing new after so many")
    parser.add_argument("--stack-minutes", type=float, default=60, help="give up a stack after so many")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000], help="of growth")
    options = parser.parse_args()
    wanted = [name for name in options.only.split(",") if name] or [*DRAINS, *OTHERS]
    wanted = [name for name in wanted if name not in options.skip.split(",")]
    if unknown := set(wanted) - {*DRAINS, *OTHERS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    deadline = time.monotonic() + 60 * options.minutes
    needs_topics = {*wanted} & {*DRAINS, "limits"}
    prepared = prepare(options.events, options.events, tell) if needs_topics else None
    is_good = True
    for name in wanted:
        if time.monotonic() > deadline:
            tell(f"{name} is left out: the time is over")
            is_good = False
            continue
        tell(f"== {name}")
        if name in DRAINS:
            assert prepared is not None
            is_good &= run_drain(name, prepared, 60 * options.stack_minutes)
        else:
            try:
                is_good &= run_other(name, prepared, options.rows)
            except FAILURES as error:
                tell(f"{name} failed: {error}")
                is_good = False
        report.write(tell)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
