"""Options that several commands share, and the terminal they write to.

In: nothing. Out: annotated types for typer, and the two consoles.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)


def finite(value: float | None) -> float | None:
    """Refuses the numbers that a range lets through and that no clock can follow.

    Raises:
        typer.BadParameter: it is infinite, or no number.
    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Data, logs and pid files. [env: HOTPLATE_STATE_DIR; default: .hotplate]"),
]
KafkaPort = Annotated[
    int | None, typer.Option("--kafka-port", help="The broker's port. [env: HOTPLATE_KAFKA_PORT; default: 9092]")
]
SqlPort = Annotated[
    int | None, typer.Option("--sql-port", help="mzlite's port. [env: HOTPLATE_SQL_PORT; default: 6875]")
]
Partitions = Annotated[
    int | None,
    typer.Option("--partitions", help="Partitions of a new topic. [env: HOTPLATE_PARTITIONS; default: 4]"),
]
TestClock = Annotated[
    bool | None,
    typer.Option("--test-clock", help="Start mzlite so that its clock may be held. [env: HOTPLATE_TEST_CLOCK]"),
]
System = Annotated[
    str, typer.Option("--system", help="Which pipeline: delivery, kitchens, clickstream, santa, or all.")
]
SecondStage = Annotated[
    bool,
    typer.Option("--second-stage", help="Delivery's second stage too: drivers, their positions, payments, reviews."),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate",
        min=0,
        callback=finite,
        help="Events per second; 0 for as fast as possible. [default: the system's own]",
    ),
]
Duration = Annotated[
    float | None,
    typer.Option("--duration", min=0, callback=finite, help="Seconds of live events; without it, until Ctrl-C."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="The same seed gives the same events; without it, a new one each time.")
]
Backfill = Annotated[
    float,
    typer.Option(
        "--backfill", min=0, callback=finite, help="Hours of history that are written first, with their own times."
    ),
]
BackfillRate = Annotated[
    float,
    typer.Option(
        "--backfill-rate", min=0, callback=finite, help="Events per second of the history, but for its last hour."
    ),
]
RecentRate = Annotated[
    float, typer.Option("--recent-rate", min=0, callback=finite, help="Events per second of the history's last hour.")
]
Delayed = Annotated[
    float, typer.Option("--delayed", min=0, max=1, callback=finite, help="Share of orders that take too long.")
]
Late = Annotated[
    float, typer.Option("--late", min=0, max=1, callback=finite, help="Share of events that come too late to count.")
]
Duplicate = Annotated[
    float, typer.Option("--duplicate", min=0, max=1, callback=finite, help="Share of events that are sent twice.")
]
Malformed = Annotated[
    float, typer.Option("--malformed", min=0, max=1, callback=finite, help="Broken messages per good one.")
]
Invalid = Annotated[
    float, typer.Option("--invalid", min=0, max=1, callback=finite, help="Events that break a rule, per good one.")
]
