"""An invariant under load: money moves between accounts, and no reader ever sees a total that is not zero."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from mzlite.testing import Mzlite

ACCOUNTS = 50
SECONDS = 4.0
WRITERS, READERS = 2, 2
VIEWS = {
    "accounts": "select distinct source as account from transfers union select target from transfers",
    "entries": "select source as account, -amount as amount from transfers union all select target, amount from transfers",
    "balances": "select account, sum(amount) as balance, count(*) as entries from entries group by account",
    "total": "select sum(balance) as total from balances",
    "net": "select coalesce(sum(amount), 0) as total from entries",
    "overdrawn": "select a.account, b.balance from accounts a join balances b using (account) where b.balance < 0",
    "credit": "select coalesce(sum(balance), 0) as amount from balances where balance >= 0",
    "debt": "select coalesce(sum(balance), 0) as amount from overdrawn",
}
PLAIN = {"entries"}


@pytest.fixture
def bank(mzlite: Mzlite) -> Mzlite:
    mzlite.execute("create table transfers (id bigint, source int, target int, amount numeric(12, 2))")
    for name, query in VIEWS.items():
        mzlite.execute(f"create {'view' if name in PLAIN else 'materialized view'} {name} as {query}")
    mzlite.insert("transfers", [(0, 1, 2, 10)])
    return mzlite


def write(connection: psycopg.Connection[Any], seed: int, going: Callable[[], bool]) -> int:
    """Insert, delete and change transfers, alone and several at once; how many statements it was."""
    random_ = random.Random(seed)
    for number in itertools.count(1):
        if not going():
            return number
        key = seed * 1_000_000 + number
        rows = [
            f"({key}, {random_.randrange(ACCOUNTS)}, {random_.randrange(ACCOUNTS)}, {random_.randrange(1, 9999)} / 100.0)"
            for _ in range(random_.choice((1, 1, 1, 5, 40)))
        ]
        statement = f"insert into transfers values {', '.join(rows)}"
        if number % 7 == 0:
            statement = f"delete from transfers where id = {key - 3}"
        elif number % 11 == 0:
            statement = f"update transfers set amount = amount * 2, target = source + 1 where id = {key - 5}"
        if number % 13 == 0:
            statement = f"begin; {statement}; insert into transfers values ({key}, 3, 4, 1); commit"
            if statement.startswith(("begin; delete", "begin; update")):
                continue
        connection.execute(statement.encode())
    raise AssertionError


READS = (
    "select total from total",
    "select coalesce(sum(balance), 0) from balances",
    "select total from net",
    "select c.amount + d.amount from credit c, debt d",
    "select t.total - n.total from total t, net n",
    "select sum(b.balance) - (select total from total) from balances b",
    "select (select 2 * count(*) from transfers) - (select sum(entries) from balances)",
)


def read(connection: psycopg.Connection[Any], seed: int, going: Callable[[], bool]) -> int:
    """Ask for what has to be zero in every way, alone and in transactions; how often it was asked."""
    count = 0
    while going():
        together = count % 2 == seed % 2
        if together:
            connection.execute("begin")
        for query in READS:
            assert connection.execute(query.encode()).fetchall() == [(0,)], query
            count += 1
        if together:
            before = connection.execute("select count(*) from transfers").fetchall()
            assert connection.execute("select count(*) from transfers").fetchall() == before
            connection.execute("commit")
    return count


def follow(mzlite: Mzlite, going: Callable[[], bool]) -> int:
    """Add up the changes of the balances: whenever a moment is complete, they sum to zero; how many moments it was."""
    moments: set[int] = set()
    with mzlite.subscribe("balances") as changes:
        total, checked = 0, 0
        while going():
            changes.until(lambda found, checked=checked: len(found) > checked or not going(), seconds=60)
            fresh = sorted(changes.all[checked:], key=lambda change: change.timestamp)
            checked = len(changes.all)
            # Rows of one moment may come in two parts; what is older than the newest is complete.
            for moment, group in itertools.groupby(fresh, key=lambda change: change.timestamp):
                total += sum(change.diff * change.row[1] for change in group)
                moments.add(moment)
                if moment != fresh[-1].timestamp:
                    assert total == 0, moment
        timestamps = [change.timestamp for change in changes.all]
        assert timestamps == sorted(timestamps)
    return len(moments)


@pytest.mark.mzlite(clock="running")
def test_the_total_is_zero_at_every_moment(bank: Mzlite) -> None:
    end = time.monotonic() + SECONDS

    def going() -> bool:
        return time.monotonic() < end

    with ThreadPoolExecutor(WRITERS + READERS + 2) as pool:
        writers = [pool.submit(write, bank.connect(), seed, going) for seed in range(1, WRITERS + 1)]
        readers = [pool.submit(read, bank.connect(), seed, going) for seed in range(READERS)]
        follower = pool.submit(follow, bank, going)
        differing: list[Any] = []
        while going():
            differing += bank.verify()
        written, asked = [each.result() for each in writers], [each.result() for each in readers]
        moments = follower.result()
    assert differing == []
    assert min(written) > 5
    assert min(asked) >= len(READS)
    assert moments > 5
    bank.assert_rows("total", [(0,)])
