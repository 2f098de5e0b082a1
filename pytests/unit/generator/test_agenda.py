"""The agenda gives what a heap of everything would give."""

from heapq import heappop, heappush

from hypothesis import given
from hypothesis import strategies as st

from generator.agenda import SLOT_BITS, Agenda

SLOT = 1 << SLOT_BITS
TIMES = st.integers(0, 20 * SLOT)


@given(st.lists(TIMES), st.lists(st.tuples(st.integers(0, 5 * SLOT), st.lists(st.integers(0, 4 * SLOT), max_size=3))))
def test_entries_come_in_order_whenever_they_are_added(first, steps):
    """In each step what is due comes, and the first of it adds more, some of it due in the same step."""
    agenda = Agenda((at, number) for number, at in enumerate(first))
    heap = sorted((at, number) for number, at in enumerate(first))
    until, number = 0, len(first)
    for span, more in steps:
        until += span
        wanted, found = [], []
        added = [(until - SLOT + after, number + place) for place, after in enumerate(more)]
        number += len(more)
        for entry in agenda.due(until):
            if not found:
                for new in added:
                    agenda.add(new)
            found.append(entry)
        while heap and heap[0][0] <= until:
            wanted.append(heappop(heap))
            if len(wanted) == 1:
                for new in added:
                    heappush(heap, new)
        assert found == wanted
        assert sorted(agenda) == sorted(heap)
        assert len(agenda) == len(heap)


def test_a_long_jump_is_made_at_once():
    agenda = Agenda([(50_000_000_000, 1), (3, 2)])
    assert list(agenda.due(60_000_000_000)) == [(3, 2), (50_000_000_000, 1)]
    agenda.add((4, 3))
    assert list(agenda.due(60_000_000_000)) == [(4, 3)]
