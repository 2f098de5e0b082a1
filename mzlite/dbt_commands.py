"""Runs several dbt commands in one process: `python -m mzlite.dbt_commands seed ';' run ';'`.

In: the arguments of dbt's commands, each ended by a semicolon; before them `--keep-going` to go on after a failure.
Out: their output, each after a line `$ dbt ..`; the exit status, 0 if none fails. Loading dbt takes longer than most of
its commands; this way it is loaded once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from dbt.cli.main import dbtRunner


def split(arguments: Sequence[str]) -> Iterator[list[str]]:
    """The commands between the semicolons.

    >>> list(split(["seed", ";", "run", "--full-refresh", ";"]))
    [['seed'], ['run', '--full-refresh']]
    """
    command: list[str] = []
    for argument in arguments:
        if argument == ";":
            yield command
            command = []
        else:
            command.append(argument)
    if command:
        yield command


def main() -> int:
    """Run the commands of the command line until one fails, or all of them."""
    runner, status = dbtRunner(), 0
    keep_going = sys.argv[1:2] == ["--keep-going"]
    for command in split(sys.argv[2 if keep_going else 1 :]):
        sys.stdout.write(f"$ dbt {' '.join(command)}\n")
        sys.stdout.flush()
        result = runner.invoke(command)
        if not result.success:
            if result.exception is not None:
                sys.stderr.write(f"{result.exception}\n")
            status = 1
            if not keep_going:
                break
    return status


if __name__ == "__main__":
    sys.exit(main())
