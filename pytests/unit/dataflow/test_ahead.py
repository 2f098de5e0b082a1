"""What is decoded ahead of a tick: the same rows as in the tick, each of them once, whatever happens in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mzlite.dataflow.ahead import plan_ahead
from mzlite.dialect.definitions import ColumnDefinition
from pytests.unit.dataflow.conftest import DEADLINE, PATH, Harness
from pytests.unit.dataflow.feeds import Feed, packed


class Messages:
    """A source of numbers as text, a view that decodes them, and two that share it."""

    def __init__(self, harness: Harness, number: int) -> None:
        self.harness = harness
        self.source, self.decoded, self.even, self.counts = (
            f"{name}_{number}" for name in ("messages", "decoded", "even", "counts")
        )
        source_id = harness.identity(self.source)
        columns = [ColumnDefinition("data", "text"), ColumnDefinition("place", "integer")]
        harness.engine.submit(
            lambda tx: tx.dataflow.create_source(tx, source_id, "public", self.source, columns)
        ).result(DEADLINE)
        self.feed = Feed(source_id, ("data", "place"))
        harness.engine.connectors.ingests[source_id] = self.feed  # type: ignore[assignment]
        decoding = "data::integer as number, 100 / (data::integer - 13) as part, place"
        harness.plain_view(self.decoded, f"select {decoding} from {self.source}")
        harness.view(self.even, f"select number, part, place from {self.decoded} where number % 2 = 0")
        harness.view(self.counts, f"select part, count(*) as n, sum(number) as total from {self.decoded} group by part")
        self.next = 0

    def come(self, *numbers: int) -> None:
        """A batch of messages, with their offsets."""
        values = ", ".join(f"('{number}'::text, {self.next + place}::integer)" for place, number in enumerate(numbers))
        self.next += len(numbers)
        self.feed.batches.append(packed(self.harness.client, f"select * from (values {values}) as v", {0: self.next}))

    @property
    def read(self) -> list[int]:
        """The messages that are in the source, in their order."""
        return [int(row[0]) for row in self.harness.rows(f"select data from {self.source} order by place")]

    @property
    def session(self) -> int:
        """The process that decodes ahead."""
        query = "select pid from pg_catalog.pg_stat_activity where application_name = 'mzlite ahead'"
        row = self.harness.system.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    @contextmanager
    def at_hand(self, *numbers: int) -> Iterator[None]:
        """Within it a batch is being decoded."""
        session = self.session
        os.kill(session, signal.SIGSTOP)
        try:
            self.come(*numbers)
            self.harness.engine.ahead.begin()
            self.harness.until(lambda: self.feed.batches == [], "nothing is decoded")
            yield
        finally:
            os.kill(session, signal.SIGCONT)

    def drop(self, view: str) -> None:
        """Drops a maintained view."""
        harness = self.harness
        harness.engine.submit(lambda tx: tx.dataflow.drop(tx, harness.ids[view])).result(DEADLINE)
        harness.views.remove(view)


@pytest.fixture
def messages(harness: Harness) -> Iterator[Messages]:
    made = Messages(harness, len(harness.ids))
    yield made
    made.drop(made.even)
    made.drop(made.counts)


def test_what_is_decoded_ahead_is_what_the_tick_computes(messages: Messages) -> None:
    harness = messages.harness
    messages.come(1, 2, 3)
    harness.tick()
    before = harness.engine.statistics.ahead
    for batch in ((4, 5, 6), (7, 8)):
        messages.come(*batch)
    harness.decode_ahead()
    assert messages.feed.batches == []
    assert harness.engine.ahead.pending
    assert messages.read == [1, 2, 3]
    harness.tick()
    assert not harness.engine.ahead.pending
    assert harness.engine.statistics.ahead == before + 5
    assert messages.read == [1, 2, 3, 4, 5, 6, 7, 8]
    # Nobody but what is decoded reads the source's changes, so its rows were stored as they came, with their tick.
    base = harness.engine.dataflow.graph[messages.feed.spec.source_id].base
    plan = plan_ahead(harness.engine.dataflow.graph, [])
    assert plan is not None
    assert base.number in plan.stored
    of_last_tick = f"select place from {base.store} where mz_tick = (select last_value from mzlite.ticks) order by 1"
    assert harness.system.execute(of_last_tick.encode()).fetchall() == [(3,), (4,), (5,), (6,), (7,)]
    assert harness.rows(f"select number from {messages.even} order by 1") == [(2,), (4,), (6,), (8,)]
    assert harness.differences() == {}


def test_a_definition_gives_back_what_was_decoded(messages: Messages) -> None:
    harness = messages.harness
    messages.come(1, 2)
    messages.come(3, 4)
    harness.decode_ahead()
    harness.view("later", f"select count(*) as n from {messages.decoded} where number > 2")
    assert [batch.messages for batch in messages.feed.batches] == [2, 2]
    assert messages.read == []
    harness.tick()
    harness.tick()
    assert messages.read == [1, 2, 3, 4]
    assert harness.rows("select n from later") == [(2,)]
    assert harness.differences() == {}
    messages.drop("later")


def test_a_tick_that_fails_gives_back_what_was_decoded_in_its_order(messages: Messages) -> None:
    harness = messages.harness
    messages.come(1, 2)
    messages.come(3)
    harness.decode_ahead()
    messages.come(4)
    harness.system.execute("alter table mzlite.offsets rename to offsets_away")
    try:
        future = harness.engine.absorb_writes()
        harness.until(lambda: harness.engine.statistics.failure is not None, "no tick failed")
        assert messages.read == []
    finally:
        harness.system.execute("alter table mzlite.offsets_away rename to offsets")
    future.result(DEADLINE)
    harness.tick()
    harness.tick()
    assert messages.read == [1, 2, 3, 4]
    offset = "select next_offset from mzlite.offsets where source_id = %s"
    assert harness.system.execute(offset, (messages.feed.spec.source_id,)).fetchall() == [(4,)]
    assert harness.differences() == {}


def test_a_tick_takes_what_is_ready_and_leaves_what_is_at_hand(messages: Messages) -> None:
    harness = messages.harness
    messages.come(1, 2)
    harness.decode_ahead()
    with messages.at_hand(3):
        harness.tick()
        assert messages.read == [1, 2]
    harness.tick()
    assert messages.read == [1, 2, 3]
    assert harness.differences() == {}


def test_a_tick_that_fails_gives_back_what_is_at_hand_behind_its_own(messages: Messages) -> None:
    harness = messages.harness
    messages.come(1)
    messages.come(2)
    harness.decode_ahead()
    harness.system.execute("alter table mzlite.offsets rename to offsets_away")
    try:
        with messages.at_hand(3):
            failures = harness.engine.statistics.failures
            future = harness.engine.absorb_writes()
            # It fails where the offsets are written down, and then waits for what is at hand.
            last = "select query from pg_catalog.pg_stat_activity where application_name = 'mzlite engine' and state = 'idle'"
            undone = [("ROLLBACK",), ("DEALLOCATE ALL",)]
            harness.until(lambda: harness.system.execute(last).fetchone() in undone, "no tick was rolled back")
        harness.until(lambda: harness.engine.statistics.failures > failures, "no tick failed")
    finally:
        harness.system.execute("alter table mzlite.offsets_away rename to offsets")
    future.result(DEADLINE)
    harness.tick()
    harness.tick()
    assert messages.read == [1, 2, 3]
    assert harness.differences() == {}


def test_what_a_subscription_reads_is_handed_over(messages: Messages) -> None:
    harness = messages.harness
    graph = harness.engine.dataflow.graph
    before = plan_ahead(graph, [])
    assert before is not None
    decoded = {node.number for node in before.nodes if node.owner.startswith("v")}
    item = harness.engine.submit(
        lambda tx: tx.dataflow.subscribe(tx, "t1", f"select number, part from {messages.decoded}", PATH)
    ).result(DEADLINE)
    try:
        after = plan_ahead(graph, [])
        assert after is not None
        assert decoded & item.rel.changes_with() <= after.exported
        assert decoded & item.rel.changes_with()
    finally:
        harness.engine.submit(lambda tx: tx.dataflow.drop(tx, "t1")).result(DEADLINE)


def test_a_row_that_fails_is_left_to_the_tick(messages: Messages) -> None:
    harness = messages.harness
    messages.come(1, 13)
    harness.decode_ahead()
    assert [batch.messages for batch in messages.feed.batches] == [2]
    assert not harness.engine.ahead.pending
    harness.tick()
    assert messages.read == [1, 13]
    item = harness.engine.dataflow.graph[harness.ids[messages.even]]
    assert item.error is not None
    assert "division by zero" in item.error[1]
    # Nothing is decoded for views in error; the source goes on.
    assert plan_ahead(harness.engine.dataflow.graph, []) is None
    messages.come(2)
    harness.decode_ahead()
    assert len(messages.feed.batches) == 1
    harness.tick()
    assert messages.read == [1, 13, 2]
