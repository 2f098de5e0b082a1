"""How much a tick takes from each source.

In: what waits in the buffers of the readers. Out: a number of messages for each source. Half of a
tick's budget is divided equally, so that nobody waits for a source that is far behind. The other
half goes to what is oldest, so that topics which belong together (orders, and what becomes of
them) stay at the same moment also when messages come faster than they can be worked off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def shares(waiting: Mapping[str, Sequence[tuple[int, int]]], budget: int) -> dict[str, int]:
    """How many messages to take.

    Args:
        waiting: for each source its buffered pieces in order: (newest Kafka timestamp in ms, messages).
        budget: the most messages of a tick, over all sources.

    >>> shares({"orders": [(5, 10), (9, 10)], "status": [(5, 40)]}, 100)
    {'orders': 20, 'status': 40}
    >>> shares({"orders": [(7, 10), (9, 10)], "status": [(5, 20), (6, 20), (8, 20)]}, 40)
    {'orders': 10, 'status': 30}
    """
    left = {source: sum(count for _, count in pieces) for source, pieces in waiting.items()}
    if sum(left.values()) <= budget:
        return left
    floor = budget // (2 * max(1, sum(count > 0 for count in left.values())))
    taken = {source: min(count, floor) for source, count in left.items()}
    rest = budget - sum(taken.values())
    for _, _, source, count in sorted(in_order(waiting, taken)):
        more = min(count, rest)
        taken[source] += more
        rest -= more
    return taken


def in_order(
    waiting: Mapping[str, Sequence[tuple[int, int]]], taken: Mapping[str, int]
) -> list[tuple[int, int, str, int]]:
    """The pieces behind those that are taken: (timestamp, place in the source, source, messages)."""
    found = []
    for source, pieces in waiting.items():
        skipped, newest = taken[source], 0
        for place, (timestamp, count) in enumerate(pieces):
            # A later piece never comes before an earlier one of its source.
            newest = max(newest, timestamp)
            passed = min(skipped, count)
            skipped -= passed
            if count > passed:
                found.append((newest, place, source, count - passed))
    return found
