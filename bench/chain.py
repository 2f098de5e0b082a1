"""How long a change of one row takes through a chain of views to a subscriber.

    python -m bench.chain [--changes 500] [--views 5] [--rows 100000]

Five materialized views, each over the one before (a filter and projection, a join, an aggregate, a filter over it, a
left join), over tables that have rows already. A change is an INSERT of one row from a client of its own; measured is
the time from just before it is sent to the moment at which a subscriber of the last view (COPY (SUBSCRIBE ..) TO
STDOUT) has the change, and the time until the INSERT is answered. One change at a time, after a pause, so that each
pays for waking up. Both clients are psycopg, on the same machine as the server. Wanted: a median under 100 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import statistics
import threading
import time

import psycopg

from bench.server import fresh_server, quantiles
from mzlite.testing.server import MzliteServer

KEYS = 1000
PAUSE_SECONDS = 0.05
DEADLINE_SECONDS = 30.0
SETUP = (
    "create table events (id bigint, key int, amount numeric, note text)",
    "create table names (key int, name text)",
    "insert into names select n, 'name ' || n::text from generate_series(0, {keys} - 1) as n",
    "insert into events select n, n % {keys}, n % 97, null from generate_series(1, {rows}) as n",
)
CHAIN = (
    "create materialized view v1 as select id, key, amount, coalesce(note, '') as note from events where amount >= 0",
    "create materialized view v2 as select v1.id, v1.key, v1.amount, v1.note, names.name"
    " from v1 join names using (key)",
    "create materialized view v3 as select key, name, count(*) as n, sum(amount) as amount, max(note) as note"
    " from v2 group by key, name",
    "create materialized view v4 as select key, name, n, amount, note from v3 where n > 0",
    "create materialized view v5 as select v4.*, names.name as again from v4 left join names on names.key = v4.key",
)


def subscribe(server: MzliteServer, view: str, arrived: queue.Queue[tuple[str, float]]) -> None:
    """Puts the note of every row that comes, and when, into the queue; returns when the server ends."""
    statement = f"copy (subscribe {view} with (snapshot = false, progress)) to stdout".encode()
    with (
        contextlib.suppress(psycopg.errors.AdminShutdown),
        server.connect() as connection,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for line in copy:
            now = time.perf_counter()
            fields = bytes(line).decode().rstrip("\n").split("\t")
            arrived.put(("progress" if fields[1] == "t" else fields[7], now))


def measure(server: MzliteServer, changes: int, views: int, rows: int) -> tuple[list[float], list[float]]:
    """Milliseconds to the subscriber and to the answer, for each change."""
    with server.connect() as connection:
        for statement in (*SETUP, *CHAIN[:views]):
            connection.execute(statement.format(keys=KEYS, rows=rows).encode())
        arrived: queue.Queue[tuple[str, float]] = queue.Queue()
        view = f"(select key, name, n, amount, note from v{views})"
        threading.Thread(target=subscribe, args=(server, view, arrived), daemon=True).start()
        arrived.get(timeout=DEADLINE_SECONDS)
        seen, answered = [], []
        for number in range(changes):
            note = f"{number:08}"
            started = time.perf_counter()
            connection.execute(b"insert into events values (%s, %s, 1, %s)", (rows + number, number % KEYS, note))
            answered.append((time.perf_counter() - started) * 1000)
            while (got := arrived.get(timeout=DEADLINE_SECONDS))[0] != note:
                pass
            seen.append((got[1] - started) * 1000)
            time.sleep(PAUSE_SECONDS)
    return seen, answered


def main() -> None:
    """Runs it and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--views", type=int, default=5, choices=range(3, 6))
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with fresh_server() as server:
        seen, answered = measure(server, options.changes, options.views, options.rows)
    print(f"{options.changes} changes of one row, {options.views} views over {options.rows:,} rows, ms")
    print(f"to the subscriber: {quantiles(seen)}, mean {statistics.fmean(seen):,.1f}")
    print(f"to the answer:     {quantiles(answered)}, mean {statistics.fmean(answered):,.1f}")


if __name__ == "__main__":
    main()
