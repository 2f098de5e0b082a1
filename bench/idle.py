"""How much processor time a server uses that has nothing to do.

    python -m bench.idle [--views 60] [--seconds 60] [--subscribers 2]

So many maintained views of every kind (filters, joins, aggregates, distinct, top-k, temporal filters whose next moment
is far away) over a table with rows, a few idle clients and subscribers. After a time to settle, the processor time of
mzlite and of all processes of its PostgreSQL is read twice. Wanted: under 2 % of one core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import psutil

from bench.server import fresh_server
from mzlite.testing.server import MzliteServer

SETTLE_SECONDS = 20.0
ROWS = 20_000
KINDS = (
    "select id, key, amount from events where amount > {n}",
    "select key, count(*) as n, sum(amount) as amount from events where amount > {n} group by key",
    "select distinct key from events where amount <> {n}",
    "select e.id, o.amount from events e join others o using (key) where e.amount > {n}",
    "select distinct on (key) key, id, amount from events where amount <> {n} order by key, amount desc",
    "select id, key from events where mz_now() <= at + interval '{n} days'",
)


def processor_seconds(pid: int) -> dict[int, tuple[str, float]]:
    """Processor time of a process and all that it started, by process id, with what each is."""
    parent = psutil.Process(pid)
    found = {}
    for process in (parent, *parent.children(recursive=True)):
        try:
            times = process.cpu_times()
            line = process.cmdline()
            title = Path(line[0]).name if process is not parent and line else "mzlite"
            found[process.pid] = (title, times.user + times.system)
        except psutil.NoSuchProcess:
            continue
    return found


def prepare(server: MzliteServer, views: int) -> None:
    """The tables and the views."""
    with server.connect() as connection:
        connection.execute("create table events (id int, key int, amount int, at timestamp)")
        connection.execute("create table others (key int, amount int)")
        rows = f"select n, n % 500, n % 1000, now()::timestamp + interval '10 days' from generate_series(1, {ROWS}) n"
        connection.execute(f"insert into events {rows}".encode())
        connection.execute("insert into others select n, n from generate_series(0, 499) n")
        for number in range(views):
            query = KINDS[number % len(KINDS)].format(n=number + 1)
            connection.execute(f"create materialized view v{number} as {query}".encode())


def main() -> None:
    """Runs it and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--subscribers", type=int, default=2)
    options = parser.parse_args()
    with fresh_server() as server:
        prepare(server, options.views)
        clients = [server.connect() for _ in range(options.subscribers)]
        for number, client in enumerate(clients):
            client.execute("begin")
            client.execute(f"declare c cursor for subscribe v{number}".encode())
            client.execute("fetch 1 c")
        time.sleep(SETTLE_SECONDS)
        before, started = processor_seconds(server.process.pid), time.monotonic()
        time.sleep(options.seconds)
        after, took = processor_seconds(server.process.pid), time.monotonic() - started
        for client in clients:
            client.close()
    used = {pid: (title, seconds - before.get(pid, ("", 0.0))[1]) for pid, (title, seconds) in after.items()}
    total = sum(seconds for _, seconds in used.values())
    print(f"{options.views} maintained views, {options.subscribers} subscribers, {took:.0f} s without work")
    print(f"processor: {100 * total / took:.2f} % of one core")
    for title, seconds in sorted(used.values(), key=lambda each: -each[1])[:5]:
        print(f"  {100 * seconds / took:6.2f} %  {title}")


if __name__ == "__main__":
    main()
