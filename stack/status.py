"""One screen about the stack: processes, topics, sources and views.

In: a stack, running or not. Out: tables on the terminal. What cannot be asked is shown as such, with
the reason; asking never fails.
"""

from __future__ import annotations

import time

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from stack.engine import connect
from stack.errors import StackError
from stack.local import Stack
from stack.settings import Settings
from stack.topics import message_counts

SOURCES_AND_SINKS = """
    select name, type, status, coalesce(error, '') from mz_internal.mz_source_statuses where type != 'progress'
    union all
    select name, type, status, coalesce(error, '') from mz_internal.mz_sink_statuses
    order by 2, 1
"""
OBJECTS = """
    select objects.type, count(*)
    from mz_objects as objects
    where objects.id like 'u%'
    group by objects.type
    order by objects.type
"""


def show_status(stack: Stack, console: Console) -> None:
    """Print it."""
    settings = stack.settings
    console.print(f"state in {settings.state}")
    console.print(_processes(stack))
    if stack.broker.pid is not None:
        _show_topics(settings, console)
    if stack.engine.process is not None:
        _show_engine(settings, console)


def _processes(stack: Stack) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("process", "state", "address", "pid", "up", "memory"):
        table.add_column(column, justify="right" if column in ("pid", "up", "memory") else "left")
    broker_pid = stack.broker.pid
    for name, pid, address in (
        ("broker", broker_pid, stack.settings.brokers),
        ("mzlite", process.pid if (process := stack.engine.process) else None, stack.settings.sql_address),
    ):
        if pid is None:
            table.add_row(name, "[yellow]down[/]", address, "", "", "")
            continue
        try:
            found = psutil.Process(pid)
            family = [found, *found.children(recursive=True)]
            memory = sum(member.memory_info().rss for member in family)
            uptime = time.time() - found.create_time()
            table.add_row(name, "[green]up[/]", address, str(pid), f"{uptime:,.0f} s", f"{memory / 2**20:,.0f} MiB")
        except psutil.NoSuchProcess:
            table.add_row(name, "[yellow]down[/]", address, "", "", "")
    return table


def _show_topics(settings: Settings, console: Console) -> None:
    try:
        counts = message_counts(settings.brokers)
    except StackError as error:
        console.print(str(error), style="red", markup=False)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("topic")
    table.add_column("messages", justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    console.print()
    console.print(table if counts else "no topics")


def _show_engine(settings: Settings, console: Console) -> None:
    console.print()
    try:
        with connect(settings, connect_timeout=3) as connection:
            objects = connection.execute(OBJECTS).fetchall()
            console.print("objects: " + (", ".join(f"{count} {kind}" for kind, count in objects) or "none"))
            rows = connection.execute(SOURCES_AND_SINKS).fetchall()
    except psycopg.Error as error:
        console.print(f"mzlite cannot tell: {str(error).strip()}", style="red", markup=False)
        return
    if rows:
        table = Table(box=None, pad_edge=False)
        for column in ("name", "type", "status", "error"):
            table.add_column(column)
        for name, kind, state, error_text in rows:
            colour = "green" if state == "running" else "yellow" if state in ("starting", "created") else "red"
            table.add_row(name, kind, f"[{colour}]{state}[/]", error_text)
        console.print(table)
