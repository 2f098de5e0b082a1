"""What a tick takes from each source."""

from __future__ import annotations

from mzlite.dataflow.intake import shares


def test_takes_everything_within_the_budget() -> None:
    assert shares({"a": [(5, 10), (9, 10)], "b": [(5, 40)], "c": []}, 60) == {"a": 20, "b": 40, "c": 0}


def test_the_oldest_first_behind_an_equal_half() -> None:
    waiting = {"a": [(7, 10), (9, 10)], "b": [(5, 20), (6, 20), (8, 20)]}
    # 12 each, then 26 of what is left of b's first two pieces; the rest of a is newer.
    assert shares(waiting, 50) == {"a": 12, "b": 38}


def test_a_source_far_behind_does_not_stop_the_others() -> None:
    waiting = {"history": [(1, 1000)] * 10, "live": [(900, 500)]}
    assert shares(waiting, 400) == {"history": 300, "live": 100}


def test_a_source_that_is_ahead_lets_the_slower_one_catch_up() -> None:
    """Two topics at a rate of 1 to 2, both behind: what is taken ends at about the same moment."""
    waiting = {
        "orders": [(second, 1000) for second in range(40)],
        "status": [(second, 2000) for second in range(40)],
    }
    taken = shares(waiting, 12_000)
    assert sum(taken.values()) == 12_000
    assert abs(taken["orders"] / 1000 - taken["status"] / 2000) <= 2


def test_pieces_of_a_source_keep_their_order() -> None:
    assert shares({"a": [(9, 10), (1, 10)], "b": [(5, 100)]}, 40) == {"a": 10, "b": 30}
