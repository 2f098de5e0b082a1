"""How long a server takes to answer again from large views.

    python -m bench.restart [--rows 10000000]

A server whose aggregate and join are kept over so many rows is stopped and started again: once in good order, and once
after SIGKILL, which has PostgreSQL replay its log. Measured from the launch: until it answers from the views, and until
they show a row that is inserted then.
"""

from __future__ import annotations

import argparse
import signal
import time

from bench.growth import KEYS, prepare
from bench.home import BenchError
from bench.server import fresh_server
from mzlite.testing.server import MzliteServer


def answers(server: MzliteServer, row: int) -> tuple[float, float]:
    """Seconds from the launch until a stopped server answers from its views, and until they show a new row."""
    launched = time.monotonic()
    server.start()
    with server.connect() as connection:
        (groups,) = connection.execute("select count(*) from v0").fetchone() or (0,)
        answered = time.monotonic() - launched
        if groups != KEYS:
            raise BenchError(f"v0 has {groups} groups after the restart")
        connection.execute(b"insert into events values (%s, 0, 2)", (row,))
        if connection.execute(b"select id from v1 where id = %s", (row,)).fetchone() != (row,):
            raise BenchError("v1 does not show the row that was inserted after the restart")
        return answered, time.monotonic() - launched


def restarts(rows: int) -> list[str]:
    """Both restarts of a server with so many rows."""
    lines = [f"restart with {rows:,} rows under an aggregate and a join, seconds from the launch"]
    with fresh_server() as server:
        prepare(server, rows, 2)
        for number, (name, kind) in enumerate((("stopped", signal.SIGTERM), ("killed", signal.SIGKILL))):
            server.stop(kind)
            answered, fresh = answers(server, rows + number)
            lines.append(f"{name + ':':9} first answer {answered:.1f}, first fresh answer {fresh:.1f}")
    return lines


def main() -> None:
    """Runs it and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    for line in restarts(options.rows):
        print(line)


if __name__ == "__main__":
    main()
