"""Starts and stops mzlite as a background process.

In: settings. Out: a server that answers on `settings.sql_address`, or a sentence that says why not.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import psutil
import psycopg

from stack.errors import StackError
from stack.processes import Daemon, require_free_port
from stack.settings import LOOPBACK, Settings

DATABASE = USER = "materialize"
LOOK_SECONDS = 5.0


class Engine:
    """The mzlite of one stack."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._daemon = Daemon(
            "mzlite",
            [
                *(sys.executable, "-m", "mzlite", "serve"),
                *("--listen", settings.sql_address, "--data", str(settings.mzlite_dir)),
                *(("--test-clock",) if settings.test_clock else ()),
            ],
            mark=str(settings.mzlite_dir),
            pid_file=settings.run_dir / "mzlite.pid",
            log_file=settings.logs_dir / "mzlite.log",
        )

    @property
    def process(self) -> psutil.Process | None:
        """The running process, or None."""
        return self._daemon.process

    def start(self) -> bool:
        """Start it and return when it answers; False if it ran already.

        Raises:
            StackError: the port is taken, or it did not start.
        """
        if self.process is not None:
            if not self.is_ready():
                raise StackError(f"mzlite runs, but does not answer on {self._settings.sql_address}; see hotplate logs")
            return False
        require_free_port(self._settings.sql_port, "mzlite", "--sql-port or HOTPLATE_SQL_PORT")
        self._daemon.start(self.is_ready)
        return True

    def stop(self) -> bool:
        """Stop it; False if it did not run."""
        return self._daemon.stop()

    def is_ready(self) -> bool:
        """True when it answers a query."""
        try:
            with connect(self._settings, connect_timeout=2) as connection:
                return connection.execute("select 1").fetchone() is not None
        except psycopg.Error:
            return False


def connect(settings: Settings, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection to the stack's engine, in autocommit.

    Raises:
        psycopg.OperationalError: it does not answer.
    """
    given = {"host": LOOPBACK, "port": settings.sql_port, "dbname": DATABASE, "user": USER, "autocommit": True}
    return psycopg.connect(**{**given, **options})


def require_engine(settings: Settings) -> None:
    """Make sure that something listens where mzlite should; quick, also while mzlite is busy.

    Raises:
        StackError: nothing does.
    """
    try:
        socket.create_connection((LOOPBACK, settings.sql_port), LOOK_SECONDS).close()
    except OSError as error:
        raise no_answer(settings) from error


def is_silent(error: psycopg.Error) -> bool:
    """Whether an error says that mzlite does not answer, or not any more."""
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def no_answer(settings: Settings) -> StackError:
    """What a person is told when mzlite does not answer."""
    return StackError(f"mzlite does not answer on {settings.sql_address}; start it with hotplate up")
