"""`mzlite serve` as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

DEADLINE = 30.0


class RunningServer:
    """One server over one directory; its log is in `log`."""

    def __init__(self, directory: Path, *options: str, listen: str = "127.0.0.1:0") -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "mzlite.log"
        self.options = ("--listen", listen, *options)

    def __enter__(self) -> RunningServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mzlite", "serve", "--shared-buffers", "64"),
                    *("--data", str(self.data), *self.options),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("mzlite ready on "), self.log.read_text()
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def connect(self, **parameters: Any) -> psycopg.Connection[Any]:
        parameters = {"user": "materialize", "port": self.port, **parameters}
        return psycopg.connect(
            host="127.0.0.1",
            dbname="materialize",
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=10,
            **parameters,
        )

    @property
    def inner_pid(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
