"""Fetches the broker's jars once, through Maven and `stack/pom.xml`.

In: a directory to keep them in and a callback for progress. Out: the directory that holds
every jar of the broker; later calls find it and return at once. Where the jars come from is
Maven's own configuration, not ours.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
EXPECTED_JARS = 46
"""How many jars the pom resolves to; only used to show progress."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, steps done and steps in all."""


class BrokerError(Exception):
    """The broker cannot be installed, started or stopped; the text says what to do about it."""


def silent(_text: str, _done: int, _total: int) -> None:
    """A progress callback that shows nothing."""


def install_jars(directory: Path, progress: Progress = silent) -> Path:
    """Make sure that the jars of `pom.xml` are in a subdirectory of `directory`, and return it.

    The subdirectory is named after the pom's contents, so a new version gets a new one. Safe
    when several processes call it at once.

    Raises:
        BrokerError: Maven is missing or failed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        scratch = Path(tempfile.mkdtemp(prefix="download-", dir=directory))
        try:
            _copy_dependencies(scratch, progress)
            # A rename is all or nothing: an interrupted download never looks complete.
            scratch.rename(target)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    return target


def _copy_dependencies(target: Path, progress: Progress) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerError("Maven is needed to fetch the broker's jars, and no mvn is on the PATH")
    progress("resolving the broker's jars", 0, EXPECTED_JARS)
    command = [
        maven,
        "--batch-mode",
        "--file",
        str(POM),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={target}",
        "-DincludeScope=runtime",
    ]
    tail: deque[str] = deque(maxlen=15)
    jars: set[str] = set()
    # Maven downloads its own plugins too; only what the broker needs counts as a step.
    seen = re.compile(r"(?:Downloaded from \S+: \S*/|Copying )([^/\s]+\.jar)")
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                tail.append(line.rstrip())
                if (match := seen.search(line)) is not None:
                    if line.startswith("[INFO] Copying"):
                        jars.add(match[1])
                    progress(match[1], min(len(jars), EXPECTED_JARS), EXPECTED_JARS)
            status = process.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                process.terminate()
            raise
    if status != 0:
        raise BrokerError("Maven could not fetch the broker's jars:\n" + "\n".join(tail))
    progress("jars are ready", EXPECTED_JARS, EXPECTED_JARS)
