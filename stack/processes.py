"""A background process that outlives the command which started it, found again by its pid file.

In: a command line, a pid file and a log file. Out: started and stopped processes. Only a process
whose command line carries our mark is ever signalled, so a recycled process id harms nobody.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from stack.errors import StackError
from stack.settings import LOOPBACK


class Daemon:
    """One background process.

    Args:
        name: what messages call it.
        command: its command line; one argument must contain `mark`.
        mark: a text that only this process's command line contains, such as its data directory.
        pid_file: where its process id is kept.
        log_file: where its output goes; appended to.
        environment: variables in addition to the inherited ones.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        mark: str,
        pid_file: Path,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log_file = log_file
        self._command = list(command)
        self._mark = mark
        self._pid_file = pid_file
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> psutil.Process | None:
        """The running process, or None."""
        if self._process is not None and self._process.poll() is not None:
            return None
        try:
            process = psutil.Process(int(self._pid_file.read_text()))
            ours = any(self._mark in argument for argument in process.cmdline())
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, psutil.Error):
            return None

    def start(self, is_ready: Callable[[], bool], timeout: float = 60.0) -> None:
        """Start it and return when it is ready.

        Args:
            is_ready: asked again and again; quick.
            timeout: seconds to wait.

        Raises:
            StackError: it ended, or was not ready in time; with the end of its log.
        """
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            began = log.tell()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C in the terminal is for the command, which stops it in good order.
                start_new_session=True,
                env={**os.environ, **self._environment},
            )
        self._pid_file.write_text(str(self._process.pid))
        deadline = time.monotonic() + timeout
        try:
            while not is_ready():
                if self._process.poll() is not None:
                    status = self._process.returncode
                    raise StackError(f"{self.name} ended with status {status} while it started:\n{self.tail(began)}")
                if time.monotonic() > deadline:
                    raise StackError(f"{self.name} was not ready within {timeout:g} s:\n{self.tail(began)}")
                time.sleep(0.05)
        except BaseException:
            self.stop(timeout=10.0)
            raise

    def stop(self, timeout: float = 30.0) -> bool:
        """Stop it by SIGTERM, after `timeout` seconds by SIGKILL; False if it did not run."""
        process = self.process
        if process is None:
            self._pid_file.unlink(missing_ok=True)
            return False
        try:
            process.send_signal(signal.SIGTERM)
            try:
                self._wait(process, timeout)
            except psutil.TimeoutExpired:
                process.kill()
                self._wait(process, 10.0)
        except psutil.NoSuchProcess:
            pass
        self._pid_file.unlink(missing_ok=True)
        return True

    def _wait(self, process: psutil.Process, timeout: float) -> None:
        if self._process is not None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                raise psutil.TimeoutExpired(timeout) from error
        else:
            process.wait(timeout)

    def tail(self, since: int = 0, lines: int = 20) -> str:
        """The last lines of its log, none of them before the byte `since`."""
        try:
            with self.log_file.open("rb") as log:
                log.seek(max(since, log.seek(0, os.SEEK_END) - 64_000))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def require_free_port(port: int, what: str, option: str) -> None:
    """Make sure that nothing listens on a loopback port.

    Raises:
        StackError: something does; the text names the option to choose another.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise StackError(
                f"port {port} on {LOOPBACK} is in use, so {what} cannot listen there; "
                f"stop the other program or choose another port with {option}"
            ) from error
