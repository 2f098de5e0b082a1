"""The long form: `python -m pytests.property --cases 20000 --seed 1`, or `make property CASES=20000 SEED=1`.

A case is a maintained view together with a history of writes and clock steps. Each seed stands for a fixed batch of
random systems; the summary names the next seed, from which another run goes on. A failure is shrunk, printed as
Python source that fits into `test_found.py`, and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from pytests.postgres import bootstrapped
from pytests.property.search import first_failure, smallest
from pytests.property.system import System


def main() -> int:
    """Runs seeds until so many cases were tried; the status is 1 if one failed."""
    parser = argparse.ArgumentParser(prog="make property", description=__doc__)
    parser.add_argument("--cases", type=int, default=2_000, help="views with their histories, at least")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument(
        "--shrink", action=argparse.BooleanOptionalAction, default=True, help="look for a smaller failure"
    )
    parser.add_argument("--go-on", action="store_true", help="go on after a failure")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="mzlite-property-", ignore_cleanup_errors=True) as directory,
        bootstrapped(Path(directory), shared_buffers_mb=128) as server,
    ):
        system = System(server)
        status = _run(system, options)
        system.close()
    return status


def _run(system: System, options: argparse.Namespace) -> int:
    number, started, failures = options.seed, time.monotonic(), 0
    while system.tally.views < options.cases:
        failure = first_failure(system, number)
        number += 1
        if failure is not None:
            failures += 1
            case, error = smallest(system, *failure) if options.shrink else failure
            _say(f"seed {number - 1} failed: {error}\n{case.source_text()}")
            if not options.go_on:
                break
        _say(f"{time.monotonic() - started:.0f} s, next seed {number}: {system.tally.summary().splitlines()[0]}")
    _say(f"{system.tally.summary()}\n{failures} seeds failed; the next one is {number}")
    return 1 if failures else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
