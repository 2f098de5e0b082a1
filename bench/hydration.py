"""How fast a materialized view is filled from rows that are there already.

    python -m bench.hydration [--rows 1000000]

A table with so many rows, and views of several kinds over it, made one after the other and dropped again. Measured is
the time of CREATE MATERIALIZED VIEW until it is answered: a view can be read then. Wanted: 50,000 rows/s or more.
"""

from __future__ import annotations

import argparse
import time

from bench.server import fresh_server
from mzlite.testing.server import MzliteServer

KEYS = 10_000
SETUP = (
    "create table names (key int, name text)",
    "insert into names select n, 'name ' || n::text from generate_series(0, {keys} - 1) as n",
    "create table events (id bigint, key int, amount numeric, at timestamp)",
)
PART = 100_000
"""Rows in one INSERT."""
KINDS = {
    "filter and projection": "select id, key, amount * 2 as double from events where amount > 1",
    "aggregates of 10,000 groups": (
        "select key, count(*) as n, sum(amount) as amount, max(id) as last from events group by key"
    ),
    "exact distinct counts": "select amount, count(distinct key) as keys from events group by amount",
    "join": "select events.id, names.name, events.amount from events join names using (key)",
    "newest row of each key": "select distinct on (key) key, id, amount from events order by key, id desc",
    "temporal filter": "select id, key, at from events where mz_now() <= at + interval '10 days'",
    "top 3 of each key": (
        "select names.key, best.id from names, lateral (select id from events where events.key = names.key"
        " order by amount desc, id limit 3) as best"
    ),
}


def fill(server: MzliteServer, rows: int) -> None:
    """The tables."""
    with server.connect() as connection:
        for statement in SETUP:
            connection.execute(statement.format(keys=KEYS).encode())
        for first in range(1, rows + 1, PART):
            last = min(first + PART - 1, rows)
            series = f"generate_series({first}, {last}) as n"
            values = f"n, n % {KEYS}, n % 97, now()::timestamp + (n % 1000) * interval '1 second'"
            connection.execute(f"insert into events select {values} from {series}".encode())


def measure(server: MzliteServer) -> dict[str, float]:
    """Seconds for each kind of view."""
    found = {}
    with server.connect() as connection:
        for name, query in KINDS.items():
            started = time.perf_counter()
            connection.execute(f"create materialized view v as {query}".encode())
            found[name] = time.perf_counter() - started
            connection.execute("drop materialized view v")
    return found


def main() -> None:
    """Runs it and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with fresh_server() as server:
        fill(server, options.rows)
        found = measure(server)
    print(f"CREATE MATERIALIZED VIEW over {options.rows:,} rows")
    for name, seconds in found.items():
        print(f"{name + ':':30} {options.rows / seconds:10,.0f} rows/s, {seconds:6.1f} s")


if __name__ == "__main__":
    main()
