"""The state of a source or a sink as the catalog and `hotplate status` show it.

In: what the threads of `Ingest` and `Publisher` report. Out: snapshots that any thread may read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["starting", "running", "stalled"]


@dataclass(frozen=True)
class SourceStatus:
    """A source at one moment.

    Attributes:
        status: starting until the topic was first seen, stalled while it cannot be read.
        error: why it is stalled.
        positions: the next offset to read, by partition.
        ends: the offset after the last committed message, by partition, as last seen.
        messages_received: since the start of the process, skipped ones included.
        bytes_received: bytes of packed rows since the start of the process.
        buffered_bytes: packed, and not yet taken.
        newest_timestamp: the highest Kafka timestamp read, in milliseconds since 1970; -1 before the first message.
        reached: where reading has come to an end, by partition: behind markers of transactions, which are no messages.
        note: what has gone wrong once and cannot be put right, such as messages that expired unread.
        snapshot: what was in the topic when the source was made, as (first, end) by partition; empty after a restart.
    """

    status: Status
    error: str | None
    positions: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    messages_received: int = 0
    bytes_received: int = 0
    buffered_bytes: int = 0
    newest_timestamp: int = -1
    reached: dict[int, int] = field(default_factory=dict)
    note: str | None = None
    snapshot: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def snapshot_known(self) -> int:
        """How many messages there were when the source was made."""
        return sum(end - first for first, end in self.snapshot.values())

    @property
    def snapshot_read(self) -> int:
        """How many of these have been read."""
        return sum(
            min(max(self.positions.get(partition, first), first), end) - first
            for partition, (first, end) in self.snapshot.items()
        )

    @property
    def lag(self) -> int:
        """Messages in the topic that have not been read."""
        return sum(
            max(0, end - max(self.positions.get(partition, 0), self.reached.get(partition, 0)))
            for partition, end in self.ends.items()
        )

    @property
    def offset_known(self) -> int:
        """The sum of the ends, as in mz_source_statistics."""
        return sum(self.ends.values())


@dataclass(frozen=True)
class SinkStatus:
    """A sink at one moment.

    Attributes:
        status: starting until the position was read, stalled while it cannot publish.
        error: why it is stalled.
        sequence: the last published outbox row; 0 before the first.
        timestamp: the logical time up to which everything is published, in milliseconds; 0 before the first.
        messages_committed: published since the start of the process.
        bytes_committed: bytes of keys and values published since then.
    """

    status: Status
    error: str | None
    sequence: int = 0
    timestamp: int = 0
    messages_committed: int = 0
    bytes_committed: int = 0


class Health:
    """The current status with its error; tells `changed` whenever it becomes another one."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.status: Status = "starting"
        self.error: str | None = None
        self.failed = False
        self._changed = changed

    def running(self) -> None:
        """All is well (again)."""
        self._set("running", None)

    def stalled(self, error: str) -> None:
        """It does not work at the moment; it is tried again."""
        self._set("stalled", error)

    def fail(self, error: str) -> None:
        """It will never work again."""
        self.failed = True
        self.status, self.error = "stalled", error
        self._changed()

    def _set(self, status: Status, error: str | None) -> None:
        if not self.failed and (self.status, self.error) != (status, error):
            self.status, self.error = status, error
            self._changed()
