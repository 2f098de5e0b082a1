"""Errors of sources: a source that has one, and all that read it, cannot be read.

In: an error that a source has now, or no longer has. Out: rows of `mzlite.source_errors`, which
`mzlite.readable` raises. Behind them the rows go on being kept, so that everything can be read again
in the moment in which the error goes. An undecodable message of a plain source and a topic that is no
longer the same are for ever; an error of one key of an upsert source is until the key has another value.
"""

from __future__ import annotations

from dataclasses import dataclass

from mzlite.dataflow.objects import Graph, MaintainedObject
from mzlite.dataflow.rules.upsert import Upsert
from mzlite.dataflow.transaction import EngineTransaction

FOR_EVER = ""
KEY = " key"
"""Marks a cause that is an error of a key."""


@dataclass(frozen=True)
class SourceFailure:
    """Objects that can no longer be read, and the message."""

    objects: list[MaintainedObject]
    message: str


def fail(tx: EngineTransaction, graph: Graph, source_id: str, message: str, suffix: str = FOR_EVER) -> SourceFailure:
    """Records an error of a source for it and for all that read it, in place of an earlier one."""
    objects = [graph[source_id], *graph.readers(source_id)]
    tx.execute(
        "insert into mzlite.source_errors as e (object_id, cause, message)"
        " select o.id, %s, %s from unnest(%s::text[]) as o (id)"
        " on conflict (object_id, cause) do update set message = excluded.message where e.cause like '%% key'",
        (source_id + suffix, message, [item.id for item in objects]),
    )
    return SourceFailure(objects, message)


def refresh(tx: EngineTransaction, graph: Graph, source_id: str) -> SourceFailure | None:
    """After a tick that took messages of an upsert source: records its keys' error as it is now; returns a new one."""
    node = graph[source_id].nodes[0]
    if not isinstance(node, Upsert):
        return None
    cause = source_id + KEY
    row = tx.execute(
        f"select ({node.error_query()}), (select message from mzlite.source_errors where object_id = %s and cause = %s)",
        (source_id, cause),
    ).fetchone()
    assert row is not None
    message, recorded = row
    if message == recorded:
        return None
    if message is None:
        tx.execute("delete from mzlite.source_errors where cause = %s", (cause,))
        return None
    return fail(tx, graph, source_id, message, KEY)


def inherit(tx: EngineTransaction, item: MaintainedObject) -> None:
    """A new object cannot be read while what it reads has an error of a source."""
    if item.reads:
        tx.execute(
            "insert into mzlite.source_errors (object_id, cause, message)"
            " select %s, cause, min(message) from mzlite.source_errors"
            " where object_id = any(%s) group by cause on conflict do nothing",
            (item.id, list(item.reads)),
        )


def error_of(tx: EngineTransaction, object_id: str) -> str | None:
    """What reading an object fails with because of a source, or None."""
    row = tx.execute(
        "select message from mzlite.source_errors where object_id = %s order by cause limit 1", (object_id,)
    ).fetchone()
    return None if row is None else str(row[0])
