"""Stops a tree of processes for a moment, as a whole, and lets it go on whatever happens to us meanwhile.

In: the process id of its root. Out: a block during which none of them runs, so that the files they write are as after
a crash at one moment. A watcher, a process of its own, lets them go on: when the block ends, or when we are killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

STOP_SECONDS = 10.0
# It has learned of each process before that is stopped; the end of its input is its sign.
WATCHER = 'while read -r pid; do pids="$pids $pid"; done; for pid in $pids; do kill -CONT "$pid" 2>/dev/null; done'


class FreezeError(RuntimeError):
    """The processes could not be stopped."""


@contextmanager
def frozen(root: int) -> Iterator[None]:
    """While the block runs, neither the process nor any of its descendants does.

    Raises:
        FreezeError: they do not stop.
    """
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", WATCHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        # Ctrl-C is for us.
        start_new_session=True,
    )
    assert watcher.stdin is not None
    try:
        deadline = time.monotonic() + STOP_SECONDS
        stopped: set[int] = set()
        try:
            # The root first: then there are no new ones.
            while new := [pid for pid in _family(root) if pid not in stopped]:
                for pid in new[:1] if not stopped else new:
                    watcher.stdin.write(f"{pid}\n")
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGSTOP)
                    _wait_until_stopped(pid, deadline)
                    stopped.add(pid)
        except (psutil.NoSuchProcess, OSError) as error:
            raise FreezeError(f"process {root} cannot be stopped: {error}") from error
        yield
    finally:
        with suppress(BrokenPipeError):
            watcher.stdin.close()
        watcher.wait()


def _family(root: int) -> list[int]:
    process = psutil.Process(root)
    return [root, *(child.pid for child in process.children(recursive=True))]


def _wait_until_stopped(pid: int, deadline: float) -> None:
    """A process that writes at this moment stops when it has written."""
    while True:
        try:
            if psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                return
        except psutil.NoSuchProcess:
            return
        if time.monotonic() > deadline:
            raise FreezeError(f"process {pid} does not stop")
        time.sleep(0.001)
