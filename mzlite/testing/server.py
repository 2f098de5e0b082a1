"""One `mzlite serve` as a child process.

In: a data directory and options of the command. Out: a server that answers, on a free port of the loopback address.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from mzlite.dialect.admin import ADMINISTRATOR

STOP_SECONDS = 30.0
HOST = "127.0.0.1"


class MzliteServer:
    """A server over one directory; it can be stopped, killed and started again.

    Args:
        directory: for its data and its log.
        options: further options of `mzlite serve`, such as ["--test-clock"].
        wrapper: a command that runs the one behind it, if that is to be run in a particular way.
    """

    def __init__(self, directory: Path, options: Sequence[str] = (), wrapper: Sequence[str] = ()) -> None:
        self.directory = directory
        self.options = tuple(options)
        self.wrapper = tuple(wrapper)
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def log_file(self) -> Path:
        """What it writes to standard error."""
        return self.directory / "mzlite.log"

    @property
    def process(self) -> subprocess.Popen[str]:
        """The running process."""
        assert self._process is not None, "the server does not run"
        return self._process

    def start(self) -> MzliteServer:
        """Start it; it answers when this returns.

        Raises:
            RuntimeError: it did not start; with its log.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "mzlite", "serve", "--data", str(self.directory / "data")]
        command += ["--listen", f"{HOST}:{self.port}", "--shared-buffers", "64", "--log-level", "warning"]
        with self.log_file.open("a") as log:
            self._process = subprocess.Popen(
                [*self.wrapper, *command, *self.options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("mzlite ready on "):
            self.stop()
            raise RuntimeError(f"mzlite did not start: {line}{self.log_file.read_text()}")
        self.port = int(line.rpartition(":")[2])
        return self

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it with a signal and wait; harmless when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()

    def parameters(self, **changes: Any) -> dict[str, Any]:
        """How libpq reaches it."""
        found = {"host": HOST, "port": self.port, "user": "materialize", "dbname": "materialize"}
        return {**found, "options": "--welcome_message=off", "connect_timeout": 10, **changes}

    def connect(self, **changes: Any) -> psycopg.Connection[Any]:
        """A connection in autocommit; `changes` are psycopg's parameters."""
        return psycopg.connect(**{"autocommit": True, **self.parameters(**changes)})

    def administer(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement of the administrator."""
        with self.connect(user=ADMINISTRATOR) as connection:
            return connection.execute(statement.encode()).fetchall()
