"""Where the time of ticks goes, statement by statement (`mzlite serve --profile`).

In: what the functions of a profiling engine have noted. Out: lines in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import structlog

from mzlite.dataflow.node import Node
from mzlite.dataflow.rel import Mode
from mzlite.dataflow.transaction import run

log = structlog.get_logger(__name__)

PROFILE_TABLE = (
    "create temporary table if not exists profile (node bigint, step integer, took interval, affected bigint)"
)
"""What a profiling engine notes: one row for each statement that ran."""


def log_profile(connection: psycopg.Connection[Any], nodes: Mapping[int, Node]) -> None:
    """Logs the sums of the statements that took longest, most first."""
    rows = run(
        connection,
        "select node, step, count(*), sum(affected), round(1000 * sum(extract(epoch from took)))"
        " from pg_temp.profile group by node, step order by 5 desc limit 40",
    ).fetchall()
    for number, step, calls, affected, milliseconds in rows:
        node = nodes.get(number)
        if node is None:
            continue
        statement = node.steps(Mode.TICK)[step].sql
        fields = {"object": node.owner, "node": number, "rule": node.title, "calls": calls, "rows": int(affected)}
        log.info("profile", milliseconds=int(milliseconds), **fields, statement=statement)
