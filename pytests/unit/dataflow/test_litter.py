"""When delta tables are vacuumed, and whether their files are cut."""

from mzlite.dataflow.litter import SHRUNK, TICKS, Clearing, Litter

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
