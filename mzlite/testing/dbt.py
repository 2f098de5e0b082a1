"""Runs dbt against a test's database.

In: a dbt project and dbt's own arguments. Out: what dbt said. The project is not touched: profile, logs and compiled
files are in a directory of the test. Nothing is sent anywhere: dbt's usage statistics are off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mzlite.testing.server import MzliteServer

PROFILE = "mzlite"


@dataclass(frozen=True)
class DbtResult:
    """What dbt did: its exit status, its lines, and where it left target/."""

    status: int
    output: str
    target: Path

    def artifact(self, name: str) -> Any:
        """One of the JSON files in target/, such as "run_results"."""
        return json.loads((self.target / f"{name}.json").read_text())


def write_profile(directory: Path, server: MzliteServer, database: str, **settings: Any) -> None:
    """A profiles.yml whose only target is a database of the server."""
    output = {
        "type": "materialize",
        "host": "127.0.0.1",
        "port": server.port,
        "user": "materialize",
        "password": "",
        "database": database,
        "schema": "public",
        "cluster": "quickstart",
        "sslmode": "disable",
        "threads": 4,
        **settings,
    }
    directory.mkdir(parents=True, exist_ok=True)
    # JSON is YAML, too.
    text = json.dumps({PROFILE: {"target": "mzlite", "outputs": {"mzlite": output}}})
    (directory / "profiles.yml").write_text(text)


def run_dbt(
    commands: Sequence[Sequence[str]],
    project: Path,
    directory: Path,
    environment: Mapping[str, str],
    timeout: float,
    *,
    keep_going: bool = False,
) -> DbtResult:
    """Run several of dbt's commands in one process, until one fails or, to keep going, all of them."""
    arguments = [sys.executable, "-m", "mzlite.dbt_commands", *(["--keep-going"] if keep_going else [])]
    for command in commands:
        arguments += [*command, "--profile", PROFILE, ";"]
    target = directory / "target"
    done = subprocess.run(
        arguments,
        env={
            **os.environ,
            "DBT_PROFILES_DIR": str(directory),
            "DBT_PROJECT_DIR": str(project),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(directory / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "DO_NOT_TRACK": "1",
            **environment,
        },
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return DbtResult(done.returncode, done.stdout, target)
