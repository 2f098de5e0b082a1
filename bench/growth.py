"""What a change costs in mzlite against what is stored, and against the number of views.

    python -m bench.growth [--rows 100000 1000000 10000000] [--views 1 10 50]

A change is an INSERT of 100 rows into a table under maintained aggregates and joins, each of which has all the rows of
the table as its state; measured until it is answered, when all views show it. Wanted: less than 1.3 times the time for
ten times the state.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from bench.server import fresh_server
from mzlite.testing.server import MzliteServer

CHANGES = 60
BATCH = 100
KEYS = 10_000
VIEWED_ROWS = 100_000


def prepare(server: MzliteServer, rows: int, views: int) -> None:
    """The tables with their rows, and the views: aggregates and joins in turn."""
    with server.connect() as connection:
        connection.execute("create table events (id bigint, key int, amount numeric)")
        connection.execute("create table names (key int, name text)")
        names = f"insert into names select n, 'name ' || n::text from generate_series(0, {KEYS} - 1) n"
        connection.execute(names.encode())
        for first in range(0, rows, 1_000_000):
            last = min(first + 1_000_000, rows) - 1
            insert = f"insert into events select n, n % {KEYS}, n % 97 from generate_series({first}, {last}) n"
            connection.execute(insert.encode())
        for number in range(views):
            query = (
                f"select key, count(*) as n, sum(amount) as amount from events where amount <> {number} group by key"
                if number % 2 == 0
                else f"select e.id, e.amount, n.name from events e join names n using (key) where e.amount <> {number}"
            )
            connection.execute(f"create materialized view v{number} as {query}".encode())


def change_ms(rows: int, views: int) -> dict[str, float]:
    """Milliseconds of a change: median and 99th percentile."""
    with fresh_server() as server:
        prepare(server, rows, views)
        with server.connect() as connection:
            taken = []
            for number in range(CHANGES):
                first = rows + number * BATCH
                series = f"generate_series({first}, {first + BATCH - 1})"
                insert = f"insert into events select n, n % {KEYS}, n % 97 from {series} n"
                began = time.perf_counter()
                connection.execute(insert.encode())
                taken.append(1000 * (time.perf_counter() - began))
    return {"p50": statistics.median(taken), "p99": sorted(taken)[int(0.99 * CHANGES)]}


def growth(rows: list[int], views: list[int]) -> dict[str, Any]:
    """Both series."""
    return {
        "by_rows": {str(count): change_ms(count, 2) for count in rows},
        "by_views": {str(count): change_ms(VIEWED_ROWS, count) for count in views},
    }


def main() -> None:
    """Runs it and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--views", type=int, nargs="+", default=[1, 10, 50])
    options = parser.parse_args()
    for series, found in growth(options.rows, options.views).items():
        for count, times in found.items():
            print(f"{series} {int(count):>12,}: p50 {times['p50']:,.1f} ms, p99 {times['p99']:,.1f} ms")


if __name__ == "__main__":
    main()
