"""Whose a data directory is: one mzlite's at a time.

In: a data directory. Out: a lock on it, and the end of the PostgreSQL that an earlier, killed mzlite has left running.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil
import structlog

from mzlite.storage.errors import PostgresError

log = structlog.get_logger(__name__)

STOP_DEADLINE_SECONDS = 60.0
ORPHAN_SECONDS = 10.0


def private_file(path: str, flags: int) -> int:
    """Opens a file that only its owner can read."""
    return os.open(path, flags, 0o600)


def lock_directory(data_dir: Path) -> IO[str]:
    """Make a data directory ours until the file that is returned is closed.

    Raises:
        PostgresError: somebody else has it.
    """
    lock = open(data_dir / "lock", "w", opener=private_file)  # noqa: SIM115  (held as long as the server runs)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise PostgresError(f"data directory {data_dir} is in use by another mzlite") from error
    return lock


def running_postmaster(cluster_dir: Path) -> int | None:
    """The process in `postmaster.pid` if it is alive and really a postgres over `cluster_dir`."""
    try:
        lines = (cluster_dir / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        same_directory = Path(lines[1]).resolve() == cluster_dir.resolve()
    except (OSError, IndexError, ValueError):
        return None
    if not same_directory or not _is_alive(pid):
        return None
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return pid
    program = os.fsdecode(command.partition(b"\0")[0])
    return pid if Path(program).name == "postgres" else None


def end_orphan(cluster_dir: Path) -> None:
    """End a postmaster whose mzlite was killed, and its backends; only for the owner of the lock.

    Raises:
        PostgresError: they do not end.
    """
    pid = running_postmaster(cluster_dir)
    if pid is not None:
        log.info("stopping an orphaned postgres", pid=pid)
        for signal_number, seconds in ((signal.SIGINT, STOP_DEADLINE_SECONDS), (signal.SIGQUIT, ORPHAN_SECONDS)):
            if _signal_and_wait(pid, signal_number, seconds):
                break
        else:
            raise PostgresError(f"postgres with process id {pid} does not stop")
    _end_survivors(cluster_dir)
    (cluster_dir / "postmaster.pid").unlink(missing_ok=True)


def _end_survivors(cluster_dir: Path) -> None:
    """End backends whose postmaster was killed: at work they notice it late, and until then they write.

    Raises:
        PostgresError: they do not end.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name() == "postgres" and Path(process.cwd()).resolve() == cluster_dir.resolve():
                log.info("ending an orphaned backend", pid=process.pid)
                process.kill()
                found.append(process)
    _, alive = psutil.wait_procs(found, timeout=ORPHAN_SECONDS)
    if alive:
        raise PostgresError(f"backends of an earlier postgres do not end: {[process.pid for process in alive]}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state != "Z"


def _signal_and_wait(pid: int, signal_number: int, seconds: float) -> bool:
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        return True
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _is_alive(pid):
            return True
        time.sleep(0.02)
    return False
