"""What a source has packed and no tick has taken yet.

In: packed messages, from the thread that reads; how much a tick may take, from the engine's. Out: `Batch`es, each with
its rows ready for COPY and the offsets after them, so that rows and offsets commit together. How much waits is bounded
in bytes: who reads has to ask for space.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from mzlite.kafka.pack import Packed


@dataclass
class Batch:
    """What one tick takes in from one source.

    Attributes:
        rows: how many rows `copy_data` has.
        copy_data: the rows in PostgreSQL's binary COPY format; columns as in `IngestSpec.staged_columns`.
        offsets: the next offset to read, for each partition that the batch touched.
        messages: how many messages it stands for, the skipped ones included.
        newest_timestamp: the highest Kafka timestamp, in milliseconds since 1970; -1 without messages.
        error: what makes every read of the source fail from now on, or None.
        by_key: each row is what becomes of its key; `latest_of_keys` has those that count.
    """

    rows: int
    copy_data: bytes
    offsets: dict[int, int]
    messages: int = 0
    newest_timestamp: int = -1
    error: str | None = None
    by_key: bool = False
    _chunks: list[Packed] = field(default_factory=list, repr=False)
    _failure: str | None = field(default=None, repr=False)
    _held: int = field(default=0, repr=False)

    def latest_of_keys(self) -> Collection[bytes]:
        """Of an upsert source: the last row of each key."""
        latest: dict[bytes, bytes] = {}
        for chunk in self._chunks:
            for row in chunk.rows:
                # The key is the first column, after the number of columns and its own length.
                latest[row[6 : 6 + int.from_bytes(row[2:6], "big")]] = row
        return latest.values()


class Buffer:
    """The packed messages of one source, in order; may be used from any thread.

    Args:
        capacity: bytes from which on there is no space.
        by_key: the source's rows are what becomes of their keys.
    """

    def __init__(self, capacity: int, *, by_key: bool) -> None:
        self._capacity = capacity
        self._by_key = by_key
        self._condition = threading.Condition()
        self._chunks: deque[Packed] = deque()
        self._size = 0
        self._held = 0
        self._failure: str | None = None

    @property
    def size(self) -> int:
        """Bytes that wait, those included that were taken before the tick that they are for."""
        with self._condition:
            return self._size + self._held

    def put(self, chunk: Packed) -> None:
        """Add what has come."""
        with self._condition:
            self._chunks.append(chunk)
            self._size += chunk.size

    def fail(self, text: str) -> None:
        """End the source for good: what is here is still taken, then the error."""
        with self._condition:
            self._failure = text

    def wait_for_space(self, seconds: float) -> bool:
        """True at once when there is room; else wait so long for it, or until `wake`."""
        with self._condition:
            if self._size < self._capacity:
                return True
            self._condition.wait(seconds)
            return self._size < self._capacity

    def wake(self) -> None:
        """End a wait for space."""
        with self._condition:
            self._condition.notify_all()

    def waiting(self) -> list[tuple[int, int]]:
        """What is there to take, piece by piece in order: (newest Kafka timestamp in ms, messages)."""
        with self._condition:
            return [(chunk.timestamps[-1], len(chunk.rows)) for chunk in self._chunks if chunk.rows]

    def take(self, max_rows: int, max_bytes: int, *, ahead: bool = False) -> Batch | None:
        """What has arrived, in order, or None; never blocks.

        Args:
            max_rows: at most so many messages.
            max_bytes: at most so many bytes of rows, but always one message.
            ahead: it is for a later tick than the one that may run now, and counts as waiting until `hand_over`.
        """
        taken: list[Packed] = []
        count = size = 0
        with self._condition:
            while self._chunks and count < max_rows and (size < max_bytes or not taken):
                chunk = self._chunks[0]
                fitting = _fitting(chunk, max_rows - count, max_bytes - size, at_least=0 if taken else 1)
                if fitting == 0:
                    break
                chunk = self._chunks.popleft() if fitting == len(chunk.rows) else chunk.split(fitting)
                taken.append(chunk)
                count += len(chunk.rows)
                size += chunk.size
            self._size -= size
            held = size if ahead else 0
            self._held += held
            if taken:
                self._condition.notify_all()
            failure, self._failure = (self._failure, None) if not self._chunks else (None, self._failure)
        if not taken and failure is None:
            return None
        return _batch(taken, count, failure, held, by_key=self._by_key)

    def hand_over(self, batch: Batch) -> None:
        """A batch that was taken ahead becomes part of a tick."""
        with self._condition:
            self._held -= batch._held
            batch._held = 0

    def give_back(self, batch: Batch) -> None:
        """Undo the last `take`, for a tick that was rolled back: the same messages are taken again.

        Several batches go back in the opposite order of their taking.
        """
        with self._condition:
            self._held -= batch._held
            batch._held = 0
            self._chunks.extendleft(reversed(batch._chunks))
            self._size += sum(chunk.size for chunk in batch._chunks)
            self._failure = self._failure or batch._failure


def _fitting(chunk: Packed, max_rows: int, max_bytes: int, *, at_least: int) -> int:
    """How many messages of the chunk may be taken."""
    if len(chunk.rows) <= max_rows and chunk.size <= max_bytes:
        return len(chunk.rows)
    count = size = 0
    for row in chunk.rows[:max_rows]:
        size += len(row)
        if size > max_bytes:
            break
        count += 1
    return max(count, at_least)


def _batch(chunks: list[Packed], messages: int, failure: str | None, held: int, *, by_key: bool) -> Batch:
    offsets: dict[int, int] = {}
    error: str | None = None
    for chunk in chunks:
        offsets.update(chunk.next_offsets())
        if error is None and chunk.error is not None:
            error = chunk.error[1]
    return Batch(
        rows=messages - sum(chunk.rows.count(b"") for chunk in chunks),
        copy_data=b"".join([row for chunk in chunks for row in chunk.rows]),
        offsets=offsets,
        messages=messages,
        newest_timestamp=max((max(chunk.timestamps) for chunk in chunks), default=-1),
        error=error or failure,
        by_key=by_key,
        _chunks=chunks,
        _failure=failure,
        _held=held,
    )
