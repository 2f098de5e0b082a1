"""Recomputes maintained objects and compares them with what is kept.

In: the engine's objects between two ticks, and a connection of its own. Out: a report for each object, all of them
about the same committed tick: the connection holds its snapshot while ticks go on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from mzlite.dataflow.keeping import is_kept
from mzlite.dataflow.relations import regclass
from mzlite.dataflow.transaction import ENGINE_PATH, EngineTransaction, run
from mzlite.errors import MzError

FIRST_DATABASE = "materialize"
EQUAL, DIFFERENT, IN_ERROR = "equal", "different", "in error"


@dataclass(frozen=True)
class Subject:
    """An object to be compared.

    Attributes:
        name: as a person writes it, with its schema, and its database if that is not the first.
        kept: SELECT of the rows as they are kept.
        definition: the view that recomputes them.
        width: how many columns there are.
    """

    id: str
    name: str
    type: str
    kept: str
    definition: str
    width: int


@dataclass(frozen=True)
class Report:
    """What came of one comparison.

    Attributes:
        rows: rows that are kept.
        milliseconds: how long it took.
        outcome: equal, different, or in error (the object shows an error, and no rows, at this moment).
        difference: what differs, or the error.
    """

    subject: Subject
    rows: int
    milliseconds: int
    outcome: str
    difference: str | None = None


def subjects(tx: EngineTransaction, name: Sequence[str] = ()) -> list[Subject]:
    """The objects that keep rows of a definition, in dependency order.

    Args:
        name: only the objects of that name (object; schema and object; database, schema and object).

    Raises:
        MzError: no kept object has that name.
    """
    names = {
        relation: tuple(part for part in parts if part is not None)
        for relation, *parts in tx.execute(
            "select o.relation::bigint, s.database_name, s.name, o.name from mzlite.shown_objects as o"
            " join mzlite.shown_schemas as s on s.namespace = o.namespace where o.relation is not null"
        ).fetchall()
    }
    found = []
    for item in tx.dataflow.graph:
        full = names.get(item.relation)
        if full is None or not item.definition or not (item.kind == "materialized-view" or is_kept(item.rel)):
            continue
        if name and full[-len(name) :] != tuple(name):
            continue
        shown = ".".join(full[1:] if full[0] == FIRST_DATABASE else full)
        definition = regclass(tx, item.definition)
        found.append(Subject(item.id, shown, item.kind, item.rel.state(), definition, len(item.columns)))
    if name and not found:
        raise MzError(
            f"no maintained object is named '{'.'.join(name)}'",
            hint="Materialized views and indexed views are compared.",
        )
    return found


def hold_snapshot(connection: psycopg.Connection[Any]) -> int:
    """Begins a transaction that sees the last tick, and in which mz_now() is its moment (ms), which is returned."""
    run(connection, f"set search_path = {ENGINE_PATH}")
    run(connection, "set application_name = 'mzlite verify'")
    run(connection, "begin isolation level repeatable read read only")
    run(connection, "set local work_mem = '64MB'")
    row = run(
        connection,
        "select last_tick, set_config('mzlite.now', last_tick::text, true) from mzlite.clock",
    ).fetchone()
    assert row is not None
    return int(row[0])


def compare(connection: psycopg.Connection[Any], subject: Subject) -> Report:
    """Recomputes one object in the snapshot and compares."""
    started = time.monotonic()

    def report(rows: int, outcome: str, difference: str | None = None) -> Report:
        return Report(subject, rows, round((time.monotonic() - started) * 1000), outcome, difference)

    error = run(connection, "select message from mzlite.errors where object_id = %s", (subject.id,)).fetchone()
    if error is not None:
        return report(0, IN_ERROR, error[0])
    try:
        with connection.transaction():
            row = run(connection, comparison(subject)).fetchone()
    except psycopg.errors.QueryCanceled:
        raise
    except psycopg.Error as failure:
        return report(0, DIFFERENT, f"it is kept, but cannot be recomputed: {failure.diag.message_primary}")
    assert row is not None
    rows, extra, missing, first = row
    if not extra and not missing:
        return report(rows, EQUAL)
    return report(rows, DIFFERENT, f"{extra} rows too many, {missing} missing; first: {first}")


def comparison(subject: Subject) -> str:
    """A query of one row: rows kept, how many are too many, how many are missing, and the first of them as text."""
    columns = [f"c{number}" for number in range(subject.width)]
    listed = ", ".join(columns)
    names = f" ({listed})" if columns else ""
    # A row without columns differs by its number only.
    group = f"group by {listed}" if columns else ""
    return (
        f"with rows as (select 1::bigint as mz_side, k.* from ({subject.kept}) as k{names}"
        f" union all select -1::bigint, d.* from {subject.definition} as d{names}),"
        f" grouped as (select {listed + ', ' if columns else ''}sum(mz_side)::bigint as mz_diff,"
        f" count(*) filter (where mz_side = 1) as mz_kept from rows {group}),"
        " first as (select (case when mz_diff > 0 then 'too many ' else 'missing ' end)"
        f" || row({listed})::text as text from grouped where mz_diff <> 0 order by 1 limit 1)"
        " select coalesce(sum(mz_kept), 0)::bigint,"
        " coalesce(sum(mz_diff) filter (where mz_diff > 0), 0)::bigint,"
        " coalesce(-sum(mz_diff) filter (where mz_diff < 0), 0)::bigint, (select text from first) from grouped"
    )
