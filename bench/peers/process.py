"""A peer's program as a child process that tells of itself in lines of JSON.

In: a command and an object for its command line. Out: its events, each with the time `at`; or the end of its log.
"""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from bench.home import BenchError

Event = dict[str, Any]
TOLD_SECONDS = 15.0
TOLD_CHARACTERS = 3_000
FIRST_ERROR = re.compile(r"^.*\b(ERROR|Exception|Error:).*$", re.MULTILINE)
"""What fails first in a log is followed by all that fails with it."""


class Talker:
    """Starts the program; use it as a context manager, which ends it and all that it started.

    Args:
        command: the program.
        given: what it gets as its last argument, as JSON.
        directory: where it runs and where its log goes.
    """

    def __init__(self, command: Sequence[str], given: Event, directory: Path) -> None:
        self.log_file = directory / "peer.log"
        self.launched = time.time()
        self.progress: list[Event] = []
        """Every event of progress so far."""
        self._events: queue.Queue[Event | None] = queue.Queue()
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, json.dumps(given)], cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self._process)

    def wait_for(self, name: str, timeout: float, on_progress: Callable[[Event], None] | None = None) -> Event:
        """The next event of this name; events of progress are passed on, now and then.

        Raises:
            BenchError: the program ended, or the time is over.
        """
        deadline = time.monotonic() + timeout
        told = time.monotonic()
        while True:
            event = self._next(deadline)
            if event is None:
                raise BenchError(f"the program ended before `{name}`:\n{self.tail()}")
            if event["event"] == name:
                return event
            if event["event"] == "progress":
                self.progress.append(event)
                if on_progress and time.monotonic() - told > TOLD_SECONDS:
                    told = time.monotonic()
                    on_progress(event)

    def rest(self, name: str, timeout: float) -> list[Event]:
        """All events of this name until the program ends."""
        deadline = time.monotonic() + timeout
        found = []
        while (event := self._next(deadline)) is not None:
            if event["event"] == name:
                found.append(event)
        return found

    def tail(self) -> str:
        """Where errors begin in its log, and its end."""
        log = self.log_file.read_text(errors="replace")
        first = FIRST_ERROR.search(log, endpos=max(0, len(log) - TOLD_CHARACTERS))
        beginning = f"{log[first.start() :][:TOLD_CHARACTERS]}\n..\n" if first else ""
        return beginning + log[-TOLD_CHARACTERS:]

    def _next(self, deadline: float) -> Event | None:
        try:
            return self._events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise BenchError(f"the program said nothing in time:\n{self.tail()}") from None

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith('{"event"'):
                self._events.put(json.loads(line))
        self._events.put(None)


def end(process: subprocess.Popen[Any]) -> None:
    """Ends a process and all that it started."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        children = []
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in children:
        try:
            child.kill()
        except psutil.Error:
            continue
