"""The state of a stack: processes, topics, ticks, sources, views and sinks.

In: a stack, running or not. Out: a `Report`, and from it one screen or JSON. What cannot be asked is a problem in the
report, with the reason; asking never fails, and waits for seconds at most, also while the engine is busy.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from mzlite.dialect.admin import ADMINISTRATOR
from stack.engine import connect
from stack.errors import StackError
from stack.local import Stack
from stack.settings import Settings
from stack.topics import message_counts

ANSWER_SECONDS = 15
LITTLE_SPACE = 256 << 20
OBJECTS = """
    select objects.type, count(*)
    from mz_objects as objects
    where objects.id like 'u%'
    group by objects.type
    order by objects.type
"""
COLOURS = {"running": "green", "starting": "yellow", "created": "yellow"}


@dataclass
class Process:
    """One of the two; without a pid it is down."""

    address: str
    pid: int | None = None
    up_seconds: float = 0.0
    memory_bytes: int = 0


@dataclass
class Report:
    """Everything about a stack; sources, views and sinks have the values that mzlite gives, and their `name`."""

    state: str
    broker: Process
    mzlite: Process
    topics: dict[str, int] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, Any] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    sinks: list[dict[str, Any]] = field(default_factory=list)
    disk_free_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_up(self) -> bool:
        """Whether both processes run."""
        return self.broker.pid is not None and self.mzlite.pid is not None


def report(stack: Stack) -> Report:
    """Look at everything."""
    settings = stack.settings
    engine = stack.engine.process
    found = Report(
        state=str(settings.state),
        broker=_process(settings.brokers, stack.broker.pid),
        mzlite=_process(settings.sql_address, None if engine is None else engine.pid),
    )
    found.disk_free_bytes = shutil.disk_usage(settings.place).free
    if found.disk_free_bytes < LITTLE_SPACE:
        found.problems.append(f"the disk is nearly full: {found.disk_free_bytes / 2**20:,.0f} MiB are free")
    for name, process in (("broker", found.broker), ("mzlite", found.mzlite)):
        if process.pid is None:
            found.problems.append(f"{name} is down; start it with hotplate up, see hotplate logs {name}")
    if found.broker.pid is not None:
        try:
            found.topics = message_counts(settings.brokers)
        except StackError as error:
            found.problems.append(f"the broker runs, but does not answer: {error}")
    if found.mzlite.pid is not None:
        ask_engine(settings, found)
    return found


def _process(address: str, pid: int | None) -> Process:
    if pid is not None:
        try:
            process = psutil.Process(pid)
            memory = sum(member.memory_info().rss for member in (process, *process.children(recursive=True)))
            return Process(address, pid, round(time.time() - process.create_time(), 1), memory)
        except psutil.NoSuchProcess:
            pass
    return Process(address)


def ask_engine(settings: Settings, found: Report) -> None:
    """Add what mzlite tells."""
    kinds = {"source": found.sources, "view": found.views, "sink": found.sinks}
    options = {"connect_timeout": 5, "options": f"-c statement_timeout={ANSWER_SECONDS}s"}
    try:
        with connect(settings, user=ADMINISTRATOR, **options) as connection:
            found.objects = {str(kind): int(count) for kind, count in connection.execute(OBJECTS).fetchall()}
            for kind, name, text in connection.execute(b"mzlite show status").fetchall():
                values = json.loads(text)
                if kind == "ticks":
                    found.ticks = values
                else:
                    kinds[kind].append({"name": name, **values})
                for problem in (values.get("error"), values.get("note")):
                    if problem:
                        found.problems.append(f"{kind} {name}".strip() + f": {problem}")
    except psycopg.Error as error:
        found.problems.append(f"mzlite runs, but does not answer: {str(error).strip()}")


def show_status(found: Report, console: Console) -> None:
    """Print one screen."""
    console.print(f"state in {found.state}, {found.disk_free_bytes / 2**30:,.1f} GiB free", soft_wrap=True)
    console.print(_processes(found))
    for rows in (_topics(found), _sources(found), _views(found), _sinks(found)):
        if rows is not None:
            console.print()
            console.print(rows)
    if found.mzlite.pid is not None:
        console.print()
        listed = ", ".join(f"{count} {kind}" for kind, count in found.objects.items()) or "none"
        console.print(f"objects: {listed}", soft_wrap=True)
    ticks = found.ticks
    if ticks:
        console.print(
            f"ticks: {ticks['ticks']:,}; p50 {_ms(ticks['p50_ms'])}, p99 {_ms(ticks['p99_ms'])};"
            f" {ticks['behind_seconds']:g} s behind the clock, which is {ticks['clock']};"
            f" {ticks['subscriptions']} subscriptions, {ticks.get('subscriptions_cut_off', 0)} cut off",
            soft_wrap=True,
        )
    for problem in found.problems:
        console.print(problem, style="red", markup=False, soft_wrap=True)


def status_json(found: Report) -> str:
    """The report as one JSON document."""
    return json.dumps({"up": found.is_up, **asdict(found)}, indent=2)


def _table(*columns: str, left: int = 1) -> Table:
    """A table whose first columns are text and whose other ones are numbers."""
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        # On a narrow terminal names go on in a second line; a name that is cut off is of no use.
        table.add_column(column, justify="left" if place < left else "right", overflow="fold", no_wrap=place > 0)
    return table


def _processes(found: Report) -> Table:
    table = _table("process", "state", "address", "pid", "up", "memory", left=3)
    for name, process in (("broker", found.broker), ("mzlite", found.mzlite)):
        if process.pid is None:
            table.add_row(name, "[bold red]down[/]", process.address, "", "", "")
        else:
            times = (f"{process.up_seconds:,.0f} s", f"{process.memory_bytes / 2**20:,.0f} MiB")
            table.add_row(name, "[green]up[/]", process.address, str(process.pid), *times)
    return table


def _topics(found: Report) -> Table | str | None:
    if found.broker.pid is None:
        return None
    table = _table("topic", "messages")
    for name, count in found.topics.items():
        table.add_row(name, f"{count:,}")
    return table if found.topics else "no topics"


def _sources(found: Report) -> Table | None:
    table = _table("source", "status", "lag", "lag s", "received", left=2)
    for source in found.sources:
        lag = (_number(source["lag_messages"], 0), _number(source["lag_seconds"], 1))
        table.add_row(source["name"], _state(source["status"]), *lag, f"{source['messages_received']:,}")
    return table if found.sources else None


def _views(found: Report) -> Table | None:
    table = _table("view", "type", "rows", "state", "stale s", left=2)
    for view in found.views:
        rows = "[red]error[/]" if view["error"] else _number(view["rows"], 0)
        size = f"{view['bytes'] / 2**20:,.1f} MiB"
        table.add_row(view["name"], view["type"], rows, size, _number(view["staleness_seconds"], 1))
    return table if found.views else None


def _sinks(found: Report) -> Table | None:
    table = _table("sink", "status", "published up to", "messages", "waiting", "lag s", left=3)
    for sink in found.sinks:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(sink["position"] / 1000)) if sink["position"] else "-"
        counts = (f"{sink['messages_committed']:,}", f"{sink['waiting']:,}", _number(sink["lag_seconds"], 1))
        table.add_row(sink["name"], _state(sink["status"]), moment, *counts)
    return table if found.sinks else None


def _state(status: str) -> str:
    return f"[{COLOURS.get(status, 'bold red')}]{status}[/]"


def _number(value: float | None, places: int) -> str:
    return "?" if value is None else f"{value:,.{places}f}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:g} ms"
