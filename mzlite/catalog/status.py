"""Records what sources and sinks do: their status with its history, and their counters.

In: what the engine saw. Out: rows that mz_internal's views show. The caller decides how often; a status that has
not changed costs one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg.types.json import Jsonb

from mzlite.catalog.interface import EngineTransaction
from mzlite.long_names import restored

SOURCE_COUNTERS = frozenset({
    "messages_received", "bytes_received", "updates_staged", "updates_committed", "records_indexed", "bytes_indexed",
    "snapshot_records_known", "snapshot_records_staged", "snapshot_committed", "offset_known", "offset_committed",
})  # fmt: skip
SINK_COUNTERS = frozenset({"messages_staged", "messages_committed", "bytes_staged", "bytes_committed"})


def record_status(
    tx: EngineTransaction, object_id: str, status: str, error: str | None = None, note: str | None = None
) -> None:
    """Set the status of a source or sink: starting, running, stalled, ceased .., with the error that explains it.

    Args:
        note: what has gone wrong once; a hint among the status's details.

    An object that has been dropped meanwhile is left alone.
    """
    tx.execute(
        """
        insert into mzlite.statuses as s (object_id, status, error, details)
        select o.id, %s, %s, %s from mzlite.objects as o where o.id = %s
        on conflict (object_id) do update
        set status = excluded.status, error = excluded.error, details = excluded.details, updated_at = clock_timestamp()
        where (s.status, s.error, s.details) is distinct from (excluded.status, excluded.error, excluded.details)
        """,
        (
            status,
            None if error is None else restored(error),
            None if note is None else Jsonb({"hints": [restored(note)]}),
            object_id,
        ),
    )


def record_counters(tx: EngineTransaction, object_id: str, counters: Mapping[str, int | bool | None]) -> None:
    """Set counters of a source or sink to their totals; those that are not named stay.

    Raises:
        ValueError: a counter that neither sources nor sinks have.
    """
    names = sorted(counters)
    if set(names) <= SOURCE_COUNTERS:
        table = "source_statistics"
    elif set(names) <= SINK_COUNTERS:
        table = "sink_statistics"
    else:
        raise ValueError(f"unknown counters: {names}")
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    tx.execute(
        f"""
        insert into mzlite.{table} (object_id, {", ".join(names)})
        select o.id, {", ".join(["%s"] * len(names))} from mzlite.objects as o where o.id = %s
        on conflict (object_id) do update set {changes}
        """,
        (*(counters[name] for name in names), object_id),
    )
