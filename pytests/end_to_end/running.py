"""What the tests of a whole server share: the server, waiting with a deadline, the error of a statement."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mzlite.storage.postgres import find_binaries
from mzlite.testing import MzliteServer

DEADLINE = 30.0


class RunningServer(MzliteServer):
    """`mzlite serve` over one data directory, from the start."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.start()

    def psql(self, command: str) -> str:
        """What psql prints for a command of its own."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "materialize", "-d", "materialize"]
        environment = {**os.environ, "PGOPTIONS": "--welcome_message=off"}
        done = subprocess.run(
            [str(find_binaries() / "psql"), "-X", *address, "-c", command],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            env=environment,
        )
        # psql says on standard error, and without an error, that a list is empty.
        assert done.returncode == 0, done.stderr
        assert not done.stderr or done.stderr.startswith("Did not find any "), done.stderr
        return done.stdout


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def until_equal(read: Callable[[], object], wanted: object) -> None:
    deadline = time.monotonic() + DEADLINE
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def failure(client: psycopg.Connection[Any], sql: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        client.execute(sql)  # type: ignore[call-overload]
    return caught.value
