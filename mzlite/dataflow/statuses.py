"""What sources and sinks do, noted in the database now and then.

In: the running readers and writers of Kafka, which know their status, and a function that records it. Out: records
inside ticks, at most once a second and only of what has changed: at rest nothing is looked at and nothing is written.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mzlite.dataflow.transaction import EngineTransaction
from mzlite.kafka.buffer import Batch
from mzlite.kafka.ingest import Ingest
from mzlite.kafka.publish import Publisher
from mzlite.kafka.status import SinkStatus, SourceStatus

PERIOD_SECONDS = 1.0


@dataclass(frozen=True)
class Report:
    """One source or sink at one moment; the counters by their names in the catalog."""

    object_id: str
    status: str
    error: str | None
    counters: Mapping[str, int | bool | None]
    note: str | None = None


Record = Callable[[EngineTransaction, Report], None]


class Statuses:
    """Knows what was recorded last. Used on the engine's thread alone.

    Args:
        ingests: the running readers by their source.
        publishers: the running writers by their sink.
        record: notes a report in a transaction; None to note nothing.
    """

    def __init__(
        self, ingests: Mapping[str, Ingest], publishers: Mapping[str, Publisher], record: Record | None
    ) -> None:
        self._ingests = ingests
        self._publishers = publishers
        self._record = record
        self._recorded: dict[str, SourceStatus | SinkStatus] = {}
        self._rows: Counter[str] = Counter()
        self._last = 0.0
        self.next_look: float | None = None
        """When to look again, on the monotonic clock; None when only a tick can bring something new."""

    def committed(self, batches: Sequence[tuple[Ingest, Batch]]) -> None:
        """Counts the rows of a tick that has committed."""
        for ingest, batch in batches:
            self._rows[ingest.spec.source_id] += batch.rows

    def is_due(self) -> bool:
        """Whether there is something to record that no tick has recorded yet."""
        if self.next_look is None or time.monotonic() < self.next_look:
            return False
        self.next_look = None
        return bool(self._changes())

    def record(self, tx: EngineTransaction, batches: Sequence[tuple[Ingest, Batch]]) -> None:
        """Records what has changed unless that was done less than a second ago; `batches`: what the tick takes in."""
        if self._record is None:
            return
        now = time.monotonic()
        if now < self._last + PERIOD_SECONDS:
            self.next_look = self._last + PERIOD_SECONDS
            return
        self._last = now
        changes = self._changes()
        rows = self._rows.copy()
        for ingest, batch in batches:
            rows[ingest.spec.source_id] += batch.rows
        for object_id, status in changes.items():
            self._record(tx, self._report(tx, object_id, status, rows[object_id]))
        # What changes after this tick, such as a sink that publishes what the tick gave it, is seen in a second.
        self.next_look = now + PERIOD_SECONDS if changes or self._publishers else None
        tx.after_commit.append(lambda: self._recorded.update(changes))

    def _changes(self) -> dict[str, SourceStatus | SinkStatus]:
        running: dict[str, Ingest | Publisher] = {**self._ingests, **self._publishers}
        for gone in self._recorded.keys() - running.keys():
            del self._recorded[gone]
        statuses = ((object_id, connector.status) for object_id, connector in running.items())
        return {object_id: status for object_id, status in statuses if self._recorded.get(object_id) != status}

    def _report(self, tx: EngineTransaction, object_id: str, status: SourceStatus | SinkStatus, rows: int) -> Report:
        if isinstance(status, SinkStatus):
            counters: dict[str, int | bool | None] = {
                "messages_staged": status.messages_committed,
                "messages_committed": status.messages_committed,
                "bytes_staged": status.bytes_committed,
                "bytes_committed": status.bytes_committed,
            }
        else:
            counters = {
                "messages_received": status.messages_received,
                "bytes_received": status.bytes_received,
                "updates_staged": rows,
                "updates_committed": rows,
                # The ends are asked for now and then only; what has been read is known to be there.
                "offset_known": sum(max(end, status.positions.get(at, 0)) for at, end in status.ends.items()),
                "offset_committed": self._offset(tx, object_id, status),
            }
            if status.snapshot:
                counters |= {
                    "snapshot_records_known": status.snapshot_known,
                    "snapshot_records_staged": status.snapshot_read,
                    "snapshot_committed": status.snapshot_read == status.snapshot_known and not status.buffered_bytes,
                }
        note = status.note if isinstance(status, SourceStatus) else None
        return Report(object_id, status.status, status.error, counters, note)

    @staticmethod
    def _offset(tx: EngineTransaction, object_id: str, status: SourceStatus) -> int:
        """The sum of the offsets up to which the source can be read once this tick has committed."""
        if not status.buffered_bytes:
            return sum(status.positions.values())
        row = tx.execute(
            "select coalesce(sum(next_offset), 0)::bigint from mzlite.offsets where source_id = %s", (object_id,)
        ).fetchone()
        assert row is not None
        return int(row[0])
