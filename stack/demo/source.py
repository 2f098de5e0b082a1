"""The generator as a child process of the demo, so that it has a core of its own.

In: the generator's options. Out: what it tells of itself, line by line; it ends when asked to, and
also when the demo dies, because then nobody reads its lines.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from mzlite.priority import lower
from stack.settings import Settings

GENERATOR_NICENESS = 10


class GeneratorProcess(threading.Thread):
    """Runs `hotplate generate --json` and reads its lines.

    Args:
        settings: where the broker and the logs are.
        options: further options of the command.
        on_line: called from this thread with each line's object.
    """

    def __init__(self, settings: Settings, options: Sequence[str], on_line: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(name="generator", daemon=True)
        self._on_line = on_line
        self.log_file = settings.logs_dir / "generator.log"
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "stack", "generate", "--json", *options]
        environment = {
            **os.environ,
            "HOTPLATE_PROJECT_DIR": str(settings.project_dir),
            "HOTPLATE_STATE_DIR": str(settings.state),
            "HOTPLATE_KAFKA_PORT": str(settings.kafka_port),
        }
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C in the terminal is for the demo, which then ends it in good order.
                start_new_session=True,
                env=environment,
            )
        lower(self._process.pid, GENERATOR_NICENESS)

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def run(self) -> None:
        """Read lines until it ends."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._on_line(orjson.loads(line))

    def end(self, timeout: float = 60.0) -> int:
        """Ask it to end, and return its exit status; it first waits for the broker's acknowledgements."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self.join(5.0)
        return status
