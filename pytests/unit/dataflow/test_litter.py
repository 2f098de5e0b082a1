"""When delta tables are vacuumed, and whether their files are cut."""

from mzlite.dataflow.litter import SHRUNK, TICKS, Clearing, Litter
from pytests.unit.dataflow.conftest import Harness
from pytests.wire.eventually import eventually

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


def test_an_inbox_is_vacuumed_when_much_has_been_taken_out_of_it(harness: Harness) -> None:
    """Each write reads all of its inbox: after a large one, the rows that it has left would be read again and again."""
    harness.table("t", v="integer")
    harness.write("insert into t select v from generate_series(1, 20000) as v")
    harness.write("insert into t values (0)")
    inbox = harness.engine.dataflow.graph[harness.ids["t"]].base.inbox
    vacuumed = f"select pg_stat_get_vacuum_count('{inbox}'::regclass)"
    eventually(lambda: harness.system.execute(vacuumed.encode()).fetchone() == (1,))
