"""The long form: `python -m pytests.faults --kills 200 --events 2000000 --messages 100000 --seed 1`, run by `make faults`.

First odd messages into the pipeline's topics, then kills while events flow, on one stack.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from pytests.faults import fuzzing
from pytests.faults.kills import Plan, run
from pytests.faults.stack import FaultyStack


def main() -> int:
    """Runs it; the status is 1 if something was lost, doubled or did not come back."""
    parser = argparse.ArgumentParser(prog="python -m pytests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of mzlite, its PostgreSQL and the broker")
    parser.add_argument("--events", type=int, default=2_000_000, help="good ones, while these are killed")
    parser.add_argument("--messages", type=int, default=100_000, help="odd ones; 0 for none")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="by default another one each time")
    parser.add_argument("--seconds", type=float, default=3.0, help="between two kills, at most")
    given = parser.parse_args()
    plan = Plan(kills=given.kills, events=given.events, seed=given.seed, seconds_a_kill=given.seconds)
    _say(f"seed {plan.seed}")
    with tempfile.TemporaryDirectory(prefix="hotplate-faults-", ignore_cleanup_errors=True) as directory:
        try:
            with FaultyStack(Path(directory)) as stack:
                if given.messages:
                    found = fuzzing.run(stack, Path(directory), given.messages, plan.seed, large=5)
                    _say(
                        f"{found.total():,} odd messages: " + ", ".join(f"{n:,} {place}" for place, n in found.items())
                    )
                summary = run(stack, plan, _say)
        except AssertionError as error:
            _say(f"seed {plan.seed} failed: {error}")
            return 1
    _say(str(summary))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
