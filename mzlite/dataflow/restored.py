"""Sinks after the restoration of a backup: their topics may show more than the database knows.

In: the first transaction over a restored directory, and later the question of a sink's publisher. Out: a mark on every
sink; and, once everything that the sink's relation reads has been read again, all of its rows in the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping

from mzlite.dataflow import source_errors
from mzlite.dataflow.dataflow import Dataflow
from mzlite.dataflow.rel import NOW
from mzlite.dataflow.sinks import snapshot_statement
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.kafka.ingest import Ingest
from mzlite.kafka.restored import Snapshot


def mark_sinks(tx: EngineTransaction, restoration: str) -> None:
    """Notes that every sink has to agree with its topic first; does nothing when that is noted."""
    tx.execute(
        "update mzlite.sinks set restored = %s, restored_at = (select last_tick from mzlite.clock)"
        " where restored is distinct from %s",
        (restoration, restoration),
    )


def snapshot(tx: EngineTransaction, dataflow: Dataflow, ingests: Mapping[str, Ingest], sink_id: str) -> Snapshot | str:
    """Puts all rows of a sink's relation into the outbox, in the place of what is there; or why not yet."""
    sink = dataflow.sinks.get(sink_id)
    if sink is None:
        return "the sink has gone"
    item = dataflow.graph[sink.from_id]
    error = item.error[1] if item.error is not None else source_errors.error_of(tx, item.id)
    if error is not None:
        return error
    for source_id, ingest in ingests.items():
        readers = dataflow.graph.readers(source_id) if source_id in dataflow.graph else []
        if (source_id == item.id or item in readers) and not _is_at_the_end(ingest):
            return "restored from a backup: waits until its sources have been read to their ends"
    tx.execute("delete from mzlite.outbox where sink_id = %s", (sink_id,))
    tx.execute(snapshot_statement(sink).replace(NOW, str(tx.timestamp)))
    row = tx.execute("select coalesce(max(seq), 0) from mzlite.outbox where sink_id = %s", (sink_id,)).fetchone()
    assert row is not None
    return Snapshot(tx.timestamp, row[0])


def _is_at_the_end(ingest: Ingest) -> bool:
    """Whether ticks have taken in all that its topic had when it was last looked at."""
    status = ingest.status
    return status.status == "running" and bool(status.ends) and status.lag == 0 and not ingest.waiting()
