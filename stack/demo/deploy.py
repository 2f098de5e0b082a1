"""Deploys the pipeline with dbt, unless the same one is deployed already.

In: settings of a running stack. Out: dbt seed, run and test with progress, and a note of what was
deployed, so that a second demo need not wait for dbt.
"""

from __future__ import annotations

import json
import time

import psycopg
from rich.console import Console
from rich.progress import TaskID

from stack import dbt
from stack.engine import connect
from stack.progress import new_bar
from stack.settings import Settings

OBJECTS = "select count(*) from mz_objects where id like 'u%'"


def deploy(settings: Settings, console: Console) -> None:
    """dbt seed, run and test, with a bar for each.

    Raises:
        StackError: one of them failed.
    """
    settings.deployed_file.unlink(missing_ok=True)
    with new_bar(console) as bar:
        task: TaskID | None = None
        began = time.monotonic()
        command = ""

        def finish() -> None:
            if command:
                console.print(f"[green]done[/] {command} ({time.monotonic() - began:.1f} s)")

        def on_command(text: str) -> None:
            nonlocal task, began, command
            finish()
            if task is not None:
                bar.remove_task(task)
            began, command = time.monotonic(), text
            task = bar.add_task(text, total=None)

        def on_step(step: dbt.Step) -> None:
            if task is not None and step.is_finished:
                bar.update(task, total=step.total, completed=step.number, description=f"{command}: {step.text}"[:70])

        loading = bar.add_task("loading dbt", total=None)

        def on_first_command(text: str) -> None:
            bar.update(loading, visible=False)
            on_command(text)

        dbt.run_commands(settings, [["seed"], ["run"], ["test"]], on_first_command, on_step)
        finish()
    settings.deployed_file.write_text(json.dumps(_state(settings)))


def is_deployed(settings: Settings) -> bool:
    """True if the last demo deployed the files as they are now, and nobody has created or dropped anything since."""
    try:
        return bool(json.loads(settings.deployed_file.read_text()) == _state(settings))
    except (OSError, ValueError, psycopg.Error):
        return False


def _state(settings: Settings) -> dict[str, object]:
    with connect(settings, connect_timeout=10) as connection:
        row = connection.execute(OBJECTS).fetchone()
    return {"fingerprint": dbt.fingerprint(settings), "objects": row[0] if row else 0}
