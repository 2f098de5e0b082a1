"""When delta tables are vacuumed, and whether their files are cut."""

from mzlite.dataflow.litter import SHRUNK, TICKS, Clearing, Litter
from mzlite.dataflow.tick import CUT_INBOX
from pytests.unit.dataflow.conftest import Harness

NOTHING = Clearing([], [])


def test_small_ticks_are_cleared_away_together_and_the_files_are_cut() -> None:
    litter = Litter(10_000, 2_500)
    small = 1_250
    assert all(litter.after({7: small}) == NOTHING for _ in range(8))
    assert litter.after({7: small}) == Clearing([], [7])
    assert litter.after({7: small}) == NOTHING


def test_under_load_tables_keep_their_pages_for_several_ticks() -> None:
    litter = Litter(10_000, 2_500)
    assert all(litter.after({7: 20_000, 8: 5}) == NOTHING for _ in range(TICKS))
    assert litter.after({7: 20_000, 8: 5}) == Clearing([7], [])
    assert litter.after({7: 20_000 // SHRUNK, 8: 5}) == NOTHING


def test_pages_are_given_back_when_the_load_is_over() -> None:
    litter = Litter(10_000, 2_500)
    for _ in range(TICKS + 1):
        litter.after({7: 20_000})
    assert litter.after({8: 1}) == Clearing([], [7])
    assert litter.after({8: 1}) == NOTHING


def test_tables_that_rows_only_pass_through_are_cleared_away(harness: Harness) -> None:
    """Rows that wait for their moment are no change yet, but went through a table with their moments: every tick stepped over all of them."""
    harness.table("later", id="integer", at="timestamp")
    harness.view("reached", "select id from later where mz_now() >= at")
    [node] = harness.engine.dataflow.graph[harness.ids["reached"]].nodes
    size = (
        f"select pg_catalog.pg_relation_size(oid::regclass) from pg_catalog.pg_class where relname = 'i_{node.number}'"
    )
    insert = "insert into later select i, timestamp '2100-01-01' from generate_series(1, 2000) as i"
    largest = 0
    for _ in range(30):
        harness.write(insert)
        [(bytes_,)] = harness.system.execute(size.encode()).fetchall()
        largest = max(largest, bytes_)
    # 60,000 rows of 64 bytes went through it.
    assert largest < 1_500_000
    assert harness.differences() == {}


def test_the_file_of_an_inbox_is_cut_when_much_has_been_taken_out_of_it(harness: Harness) -> None:
    """Each write reads all of its inbox: after a large one it would step over the rows that are gone."""
    harness.table("t", v="integer")
    inbox = harness.engine.dataflow.graph[harness.ids["t"]].base.inbox
    size = f"select pg_relation_size('{inbox}'::regclass)".encode()
    harness.write(f"insert into t select v from generate_series(0, {CUT_INBOX}) as v")
    assert harness.system.execute(size).fetchone() == (0,)
    assert harness.rows("select count(*) from t") == [(CUT_INBOX + 1,)]


def test_an_inbox_that_somebody_writes_to_keeps_its_file(harness: Harness) -> None:
    harness.table("u", v="integer")
    inbox = harness.engine.dataflow.graph[harness.ids["u"]].base.inbox
    with harness.postgres.connect("materialize", autocommit=False) as writer:
        writer.execute(f"insert into {inbox} values (-1, 1)")
        harness.write(f"insert into u select v from generate_series(0, {CUT_INBOX}) as v")
        assert harness.rows("select count(*) from u") == [(CUT_INBOX + 1,)]
        writer.commit()
    harness.write("insert into u values (-2)")
    assert harness.rows("select count(*) from u where v < 0") == [(2,)]
