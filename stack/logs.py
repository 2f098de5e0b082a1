"""Shows the ends of the stack's logs, and goes on as they grow.

In: settings and which log. Out: lines on the terminal, each with the name of its log.
"""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import TextIO

from rich.console import Console

from stack.errors import StackError
from stack.settings import Settings


def log_files(settings: Settings) -> dict[str, Path]:
    """Where each log is, whether it exists or not."""
    return {
        "broker": settings.kafka_dir / "logs" / "broker.log",
        "mzlite": settings.logs_dir / "mzlite.log",
        "generator": settings.logs_dir / "generator.log",
        "dbt": settings.logs_dir / "dbt" / "dbt.log",
    }


def show(settings: Settings, name: str, lines: int, *, follow: bool, console: Console) -> None:
    """Print the last lines of one log or of `all`; with `follow`, go on until Ctrl-C.

    Raises:
        StackError: there is no log of that name, or not yet.
    """
    files = log_files(settings)
    if name != "all":
        if name not in files:
            raise StackError(f"there is no log {name}; there are {', '.join(files)}")
        files = {name: files[name]}
    if not any(file.exists() for file in files.values()):
        raise StackError(f"there is no log{'' if name == 'all' else f' of {name}'} in {settings.state} yet")
    streams: dict[str, TextIO] = {}
    try:
        for label, file in files.items():
            if file.exists():
                streams[label] = file.open(errors="replace")
                for line in deque(streams[label], maxlen=lines):
                    _print(console, label, line)
        while follow:
            if not _print_new(console, streams):
                time.sleep(0.2)
    finally:
        for stream in streams.values():
            stream.close()


def _print_new(console: Console, streams: dict[str, TextIO]) -> bool:
    has_printed = False
    for label, stream in streams.items():
        for line in stream:
            _print(console, label, line)
            has_printed = True
    return has_printed


def _print(console: Console, label: str, line: str) -> None:
    console.print(f"[dim]{label:9}[/] ", end="")
    console.print(line.rstrip("\n"), markup=False, soft_wrap=True)
