"""The long form: `python -m pytests.faults --kills 200 --events 2000000 --messages 100000 --seed 1`, run by `make faults`.

First odd messages into the pipeline's topics, then kills while events flow, on one stack. What came out is written to
a file that can be kept: the machine, the numbers, the seed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bench.report import machine
from pytests.faults import fuzzing
from pytests.faults.kills import Plan, Summary, run
from pytests.faults.stack import FaultyStack

REPORT = Path(__file__).parents[2] / "bench" / "FAULTS.md"
PAGE = """# Faults

Written by `make faults` on {moment} UTC. {outcome}

Machine: {machine}.

Again with the same seed: `make faults KILLS={kills} EVENTS={events} MESSAGES={messages} SEED={seed}`. The kinds of messages and the order of
the kills are the same then, not their moments.

## Odd messages

{fuzzed}

## Kills while events flow

{killed}

{compared}
"""
COMPARED = """
At the end every view equals its recomputation from the topics, in Python, and its recomputation from its definition, by PostgreSQL; and
a reader of committed messages replays the alerts' topic to exactly the delayed orders: no alert twice, no tombstone without one, timestamps
never back.
"""


def main() -> int:
    """Runs it; the status is 1 if something was lost, doubled or did not come back."""
    parser = argparse.ArgumentParser(prog="python -m pytests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of mzlite, its PostgreSQL and the broker")
    parser.add_argument("--events", type=int, default=2_000_000, help="good ones, while these are killed")
    parser.add_argument("--messages", type=int, default=100_000, help="odd ones; 0 for none")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="by default another one each time")
    parser.add_argument("--seconds", type=float, default=3.0, help="between two kills, at most")
    parser.add_argument("--report", type=Path, default=REPORT, help="where to write what came out")
    given = parser.parse_args()
    plan = Plan(kills=given.kills, events=given.events, seed=given.seed, seconds_a_kill=given.seconds)
    _say(f"seed {plan.seed}")
    found: Counter[str] = Counter()
    summary: Summary | None = None
    failure: str | None = None
    with tempfile.TemporaryDirectory(prefix="hotplate-faults-", ignore_cleanup_errors=True) as directory:
        try:
            with FaultyStack(Path(directory)) as stack:
                if given.messages:
                    found = fuzzing.run(stack, Path(directory), given.messages, plan.seed, large=5)
                    _say(_fuzzed(found))
                summary = run(stack, plan, _say)
        except AssertionError as error:
            failure = f"seed {plan.seed} failed: {error}"
    given.report.write_text(_page(plan, given.messages, found, summary, failure))
    _say(f"written to {given.report}")
    _say(failure or str(summary))
    return 1 if failure else 0


def _fuzzed(found: Counter[str]) -> str:
    counts = ", ".join(f"{count:,} {place}" for place, count in sorted(found.items()))
    return f"{found.total():,} odd messages: {counts}; none is missing, none is there twice"


def _page(plan: Plan, messages: int, found: Counter[str], summary: Summary | None, failure: str | None) -> str:
    return PAGE.format(
        moment=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        outcome="Nothing was lost, nothing came twice."
        if failure is None
        else f"**FAILED**: {failure.splitlines()[0]}",
        machine=machine(),
        kills=plan.kills,
        events=plan.events,
        messages=messages,
        seed=plan.seed,
        fuzzed=_fuzzed(found) + "." if found else "None were written.",
        killed=f"{summary}." if summary is not None else "This part was not finished.",
        compared=COMPARED.strip() if summary is not None else "",
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
