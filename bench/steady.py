"""A steady load through the whole stack, with latency, lag and memory.

    python -m bench.steady [--rate 10000] [--duration 300] [--backfill 1]

In: a rate and a duration. Out: a section for bench/RESULTS.md, with the settings and every sample of
the run. The load is the demo's own, on a stack of its own (temporary state, free ports): broker, mzlite and
generator share the machine.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psutil

from bench.home import RESULTS, ROOT
from bench.report import machine
from stack.broker import free_port

SAMPLE_SECONDS = 5.0
MEMORY_EVERY = 6
"""Memory is noted with every so many samples: the kernel walks each process's whole address space for it."""
LINE = re.compile(r"^([\d,]+) events/s, ([\d,]+) sent; window ([\d:]+): ([\d,]+) orders.*?(to gold .*)$")


@dataclass
class Sample:
    """CPU (percent of one core) of each part and each process in it at one moment; now and then memory (MiB), too."""

    second: float
    memory: dict[str, int]
    cpu: dict[str, float]
    each: dict[tuple[str, int], float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    is_active: bool = False


@dataclass
class Watch:
    """Samples the processes of a stack until told to stop.

    Attributes:
        marker: the state directory, which the command lines of the stack's processes name.
        others: parts of the stack whose command lines do not, by process id.
        look: whatever else is to be noted with each sample.
        is_active: whether the load is on; by default while the generator works.
    """

    marker: str
    others: Mapping[int, str] = field(default_factory=dict)
    look: Callable[[], dict[str, float]] = dict
    is_active: Callable[[], bool] | None = None
    samples: list[Sample] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Samples every few seconds."""
        started = time.monotonic()
        last: dict[int, float] = {}
        moment = started
        while not self.stopping.wait(SAMPLE_SECONDS):
            now = time.monotonic()
            with_memory = len(self.samples) % MEMORY_EVERY == 0
            memory: dict[str, int] = {}
            cpu: dict[str, float] = {}
            each: dict[tuple[str, int], float] = {}
            for process in psutil.process_iter(["pid", "name", "cmdline"]):
                part = self.others.get(process.pid) or part_of(process, self.marker)
                if part is None:
                    continue
                try:
                    if with_memory:
                        memory[part] = memory.get(part, 0) + (process.memory_full_info().pss >> 20)
                    times = process.cpu_times()
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
                total = times.user + times.system
                each[part, process.pid] = 100 * (total - last.get(process.pid, total)) / (now - moment)
                cpu[part] = cpu.get(part, 0.0) + each[part, process.pid]
                last[process.pid] = total
            is_active = cpu.get("generator", 0) > 1 if self.is_active is None else self.is_active()
            self.samples.append(Sample(now - started, memory, cpu, each, self.look(), is_active))
            moment = now


def part_of(process: psutil.Process, marker: str) -> str | None:
    """Which part of the stack under `marker` (its state directory) a process is."""
    try:
        line = " ".join(process.info["cmdline"] or ())
        if "postgres" in process.info["name"]:
            parents = [" ".join(parent.cmdline()) for parent in process.parents()]
            return "postgres" if any(marker in parent for parent in [line, *parents]) else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    if marker not in line:
        return None
    if "java" in process.info["name"]:
        return "kafka"
    if "mzlite" in line:
        return "mzlite"
    return "generator" if "generat" in line else "demo"


def steady(rate: float, duration: float, backfill: float) -> tuple[int, list[str], Watch]:
    """Runs the demo at a rate on a stack of its own; returns its status, its lines and the samples."""
    with tempfile.TemporaryDirectory(prefix="hotplate-bench-") as directory:
        command = [
            sys.executable, "-m", "stack", "demo", "--rate", str(rate), "--duration", str(duration),
            "--backfill", str(backfill), "--state-dir", directory,
            "--kafka-port", str(free_port()), "--sql-port", str(free_port()),
        ]  # fmt: skip
        watch = Watch(directory)
        thread = threading.Thread(target=watch.run, daemon=True)
        lines: list[str] = []
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
            thread.start()
            assert demo.stdout is not None
            for line in demo.stdout:
                print(line, end="", flush=True)
                lines.append(line.rstrip())
        watch.stopping.set()
        thread.join()
        return demo.returncode, lines, watch


def verdict(lines: Sequence[str]) -> list[str]:
    """What the demo says at its end."""
    kept = ("summary", "┌", "│", "└", "ok ", "FAILED", "all checks", "the demo")
    return [line for line in lines if line.startswith(kept)]


def costs(watch: Watch, parts: Sequence[str]) -> list[str]:
    """A table of processor time and memory while the load was on."""
    active = [sample for sample in watch.samples if sample.is_active]
    text = [
        "| part | CPU, mean % of a core | memory at the start, MiB (PSS) | at the end | highest |",
        "| --- | --- | --- | --- | --- |",
    ]
    for part in parts:
        memory = [sample.memory[part] for sample in active if part in sample.memory]
        cpu = [sample.cpu[part] for sample in active if part in sample.cpu]
        if memory:
            text.append(f"| {part} | {sum(cpu) / len(cpu):.0f} | {memory[0]} | {memory[-1]} | {max(memory)} |")
    return text


def report(rate: float, duration: float, backfill: float, status: int, lines: list[str], watch: Watch) -> str:
    """The section of RESULTS.md."""
    flowing = [found for line in lines if (found := LINE.match(line))]
    text = [
        f"### {rate:,.0f} events/s for {duration:,.0f} s",
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: `python -m bench.steady --rate {rate:g} "
        f"--duration {duration:g} --backfill {backfill:g}`: the delivery pipeline as "
        "`hotplate demo` deploys it (25 models), orders and status events, with late, duplicate and malformed ones.",
        "Latency is from the event's time in its message to the moment a subscriber sees the gold row that counts it, "
        "and to the moment a read_committed consumer has the alert.",
        f"Machine: {machine()}.",
        "",
        "```",
        *verdict(lines),
        "```",
        "",
        f"Exit status of the run with its checks: {status}.",
        "",
        *costs(watch, ("postgres", "mzlite", "kafka", "generator")),
    ]
    text += [
        "",
        "Every sample of the demo's line (events/s, events sent, window, its orders, latency so far):",
        "",
        "```",
    ]
    text += [", ".join(found.groups()) for found in flowing[:: max(1, len(flowing) // 30)]]
    text += ["```", ""]
    return "\n".join(text)


def main() -> int:
    """Runs the measurement and keeps the section where the report finds it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10_000, help="events per second")
    parser.add_argument("--duration", type=float, default=300, help="seconds")
    parser.add_argument("--backfill", type=float, default=1, help="hours of history written first")
    options = parser.parse_args()
    return measure(options.rate, options.duration, options.backfill)


def measure(rate: float, duration: float, backfill: float) -> int:
    """Runs it and keeps the section; the demo's exit status."""
    status, lines, watch = steady(rate, duration, backfill)
    (RESULTS / f"steady-{rate:g}.md").write_text(report(rate, duration, backfill, status, lines, watch))
    return status


if __name__ == "__main__":
    sys.exit(main())
