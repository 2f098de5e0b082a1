"""Runs dbt as a subprocess against the local stack.

In: settings and dbt's own arguments. Out: dbt's work in the engine, its lines as they come, its
log under the state directory. Nothing is sent anywhere: dbt's usage statistics are off.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.engine import require_engine
from stack.errors import StackError
from stack.settings import LOOPBACK, Settings

DEPLOYED = ("sources", "models", "macros", "materializations", "seeds", "tests", "profiles")
"""The folders that decide what dbt deploys and tests."""

CONNECTING = {
    *("build", "clone", "compile", "docs", "retry", "run", "run-operation"),
    *("seed", "show", "snapshot", "source", "test"),
}
"""dbt's commands that do nothing without mzlite; `debug`, which is also a log level, tells what is wrong itself."""
OTHERS = {"clean", "deps", "init", "list", "ls", "parse"}
WITHOUT = {"-h", "--help", "-v", "--version", "--no-introspect", "serve"}
"""Arguments with which they do something all the same."""

STEP = re.compile(r"\b(\d+) of (\d+) (\w+) (.*?)\s*(?:\.{2,}.*)?$")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
FINISHED = {"OK", "PASS", "WARN", "SKIP", "ERROR", "FAIL", "NO"}


@dataclass(frozen=True)
class Step:
    """One line of dbt's that tells of a node: `number` of `total`, its outcome, and what it is."""

    number: int
    total: int
    outcome: str
    text: str

    @property
    def is_finished(self) -> bool:
        """False for the line that tells of its start."""
        return self.outcome in FINISHED


def parse_step(line: str) -> Step | None:
    """What a line of dbt's output tells about a node, if it does.

    >>> parse_step("08:00:01  3 of 20 OK created sql view model bronze.bronze_orders ... [CREATE VIEW in 0.11s]")
    Step(number=3, total=20, outcome='OK', text='created sql view model bronze.bronze_orders')
    """
    match = STEP.search(ESCAPES.sub("", line))
    return None if match is None else Step(int(match[1]), int(match[2]), match[3], match[4].strip())


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which dbt finds its profile and the stack."""
    return {
        **os.environ,
        "DBT_PROFILES_DIR": os.environ.get("DBT_PROFILES_DIR", str(settings.project_dir / "profiles")),
        "DBT_PROJECT_DIR": str(settings.project_dir),
        "DBT_LOG_PATH": str(settings.logs_dir / "dbt"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "KAFKA_BROKERS": settings.brokers,
        "HOTPLATE_TARGET": "local",
        "MZ_HOST": LOOPBACK,
        "MZ_PORT": str(settings.sql_port),
    }


def fingerprint(settings: Settings) -> str:
    """A text that changes when any file that dbt deploys changes."""
    digest = hashlib.sha256()
    files = [settings.project_dir / "dbt_project.yml"]
    for directory in DEPLOYED:
        files += sorted(path for path in (settings.project_dir / directory).rglob("*") if path.is_file())
    for file in files:
        digest.update(f"{file.relative_to(settings.project_dir)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def connects(settings: Settings, arguments: Sequence[str]) -> bool:
    """Whether dbt will need this stack's mzlite for these arguments.

    A profile of somebody else's may lead anywhere.
    """
    own = settings.project_dir / "profiles"
    used = settings.project_dir / environment(settings)["DBT_PROFILES_DIR"]
    if used.resolve() != own.resolve() or any(argument.startswith("--profiles-dir") for argument in arguments):
        return False
    command = next((argument for argument in arguments if argument in CONNECTING | OTHERS), None)
    return command in CONNECTING and WITHOUT.isdisjoint(arguments)


def run(settings: Settings, arguments: Sequence[str]) -> int:
    """Run dbt with these arguments in the terminal; its exit status.

    Raises:
        StackError: dbt will need mzlite, which does not answer: dbt would load the whole project before it noticed.
    """
    if connects(settings, arguments):
        require_engine(settings)
    command = [str(Path(sys.executable).with_name("dbt")), *arguments]
    return subprocess.run(command, env=environment(settings), cwd=settings.project_dir, check=False).returncode


def run_commands(
    settings: Settings,
    commands: Sequence[Sequence[str]],
    on_command: Callable[[str], None],
    on_step: Callable[[Step], None],
) -> None:
    """Run several dbt commands one after the other, in one process, because dbt takes seconds to load.

    Args:
        settings: where the stack is.
        commands: such as [["seed"], ["run", "--select", "delivery"]].
        on_command: told when a command begins.
        on_step: told of each node.

    Raises:
        StackError: a command failed; with the end of its output.
    """
    arguments = [sys.executable, "-m", "mzlite.dbt_commands"]
    for command in commands:
        arguments += [*command, ";"]
    tail: deque[str] = deque(maxlen=40)
    current = ""
    with subprocess.Popen(
        arguments,
        env={**environment(settings), "DBT_USE_COLORS": "false", "PYTHONUNBUFFERED": "1"},
        cwd=settings.project_dir,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("$ dbt "):
                    current = line[2:].strip()
                    tail.clear()
                    on_command(current)
                    continue
                step = parse_step(line)
                if step is not None:
                    on_step(step)
                # If the command fails, only what went wrong is worth showing.
                if step is None or step.outcome in ("ERROR", "FAIL"):
                    tail.append(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        output = "\n".join(tail)
        raise StackError(f"{current or 'dbt'} failed (its log: {settings.logs_dir / 'dbt' / 'dbt.log'}):\n{output}")
