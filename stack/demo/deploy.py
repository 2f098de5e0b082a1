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
from stack.topics import ALL

SECOND_STAGE = " with its second stage"
READS_TESTS = "monitor_broken_rules+"
"""The models that need the views of the continuous tests, and their tests."""
OBJECTS = "select count(*) from mz_objects where id like 'u%'"


def selection(system: str, *, second_stage: bool) -> list[str]:
    """dbt's options for a system, or for all, with delivery's second stage or without it."""
    if second_stage:
        return [] if system == ALL else ["--selector", system]
    if system == ALL:
        # Monitoring is among them, and must not look for what is left out.
        return ["--exclude", "tag:second_stage", "--vars", "{second_stage: false}"]
    return ["--selector", "delivery_first_stage" if system == "delivery" else system]


def commands(system: str, select: list[str]) -> list[list[str]]:
    """dbt's commands, in their order.

    Of all systems, what reads the continuous tests comes after them: dbt's `run` knows of no test.
    """
    if system != ALL:
        return [["seed", *select], ["run", *select], ["test", *select]]
    before = ["--exclude", READS_TESTS, *select[1:]]
    after = [*select, "--select", READS_TESTS]
    return [["seed", *select], ["run", *before], ["test", *before], ["build", *after]]


def deploy(settings: Settings, system: str, console: Console, *, second_stage: bool = False) -> None:
    """dbt's commands, with a bar for each.

    Raises:
        StackError: one of them failed.
    """
    already = _deployed_systems(settings)
    settings.deployed_file.unlink(missing_ok=True)
    select = selection(system, second_stage=second_stage)
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

        dbt.run_commands(settings, commands(system, select), on_first_command, on_step)
        finish()
    systems = {*already, system, *([f"{system}{SECOND_STAGE}"] if second_stage else [])}
    settings.deployed_file.write_text(json.dumps({**_state(settings), "systems": sorted(systems)}))


def is_deployed(settings: Settings, system: str, *, second_stage: bool = False) -> bool:
    """True if a demo deployed the system's files as they are now, and nobody has created or dropped anything since."""
    names = (f"{name}{SECOND_STAGE if second_stage else ''}" for name in (system, ALL))
    return not set(names).isdisjoint(_deployed_systems(settings))


def _deployed_systems(settings: Settings) -> list[str]:
    """What demos deployed of the files as they are now."""
    try:
        noted = json.loads(settings.deployed_file.read_text())
        systems: list[str] = noted.pop("systems")
        return systems if noted == _state(settings) else []
    except (OSError, ValueError, KeyError, TypeError, psycopg.Error):
        return []


def _state(settings: Settings) -> dict[str, object]:
    with connect(settings, connect_timeout=10) as connection:
        row = connection.execute(OBJECTS).fetchone()
    return {"fingerprint": dbt.fingerprint(settings), "objects": row[0] if row else 0}
