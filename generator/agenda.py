"""What is still to come in a world, in the order in which it falls due.

In: entries that begin with their time in ms and a number that no two share. Out: the same ones, the earliest first.
A heap of a million entries costs some twenty comparisons in cold memory for every event. Here only what falls
due within the next moment is kept in a heap; all else lies unsorted in the slot of its time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any, Generic, TypeVar

SLOT_BITS = 8
"""A slot is of 2 ** 8 ms: few enough entries that the heap of one stays in the processor's cache."""

Entry = TypeVar("Entry", bound=tuple[int, int, *tuple[Any, ...]])


class Agenda(Generic[Entry]):
    """Entries in order of (time, number).

    >>> agenda = Agenda([(5_000, 2, "late"), (7, 3, "soon")])
    >>> agenda.add((7, 1, "first"))
    >>> [entry[2] for entry in agenda.due(4_999)], len(agenda)
    (['first', 'soon'], 1)
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._heap: list[Entry] = []
        """What falls due up to the end of `_slot`."""
        self._slot = 0
        self._later: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            self.add(entry)

    def __len__(self) -> int:
        return len(self._heap) + sum(map(len, self._later.values()))

    def __iter__(self) -> Iterator[Entry]:
        """All of them, in no order."""
        yield from self._heap
        for entries in self._later.values():
            yield from entries

    def add(self, entry: Entry) -> None:
        """One more; also while those that are due are being gone through."""
        slot = entry[0] >> SLOT_BITS
        if slot > self._slot:
            self._later[slot].append(entry)
        else:
            heappush(self._heap, entry)

    def due(self, until_ms: int) -> Iterator[Entry]:
        """Take out, in order, what falls due up to `until_ms`, together with what is added meanwhile for that time."""
        heap, last = self._heap, until_ms >> SLOT_BITS
        while True:
            while heap and heap[0][0] <= until_ms:
                yield heappop(heap)
            if self._slot >= last:
                return
            self._advance(last)

    def _advance(self, last: int) -> None:
        """Go on to the next slot that has entries, at most to `last`; the heap is empty."""
        # A few thousand slots at most are occupied, and often the next one is; a long jump is rare.
        following = self._slot + 1
        if following not in self._later and last > following:
            following = min((slot for slot in self._later if slot <= last), default=last)
        self._slot = following
        self._heap += self._later.pop(following, ())
        heapify(self._heap)
