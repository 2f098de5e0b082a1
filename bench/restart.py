"""How long a start takes: until a restarted server answers from large views, and until a warm stack has sent an alert.

    python -m bench.restart [--rows 10000000] [--rate 500]

A server whose aggregate and join are kept over so many rows is stopped and started again: once in good order, and once
after SIGKILL, which has PostgreSQL replay its log. Measured from the launch: until it answers from the views, and until
they show a row that is inserted then. The stack is that of `hotplate demo`: a first demo makes it, a second one is
launched over its data, and measured until a read_committed consumer has the first new alert.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from bench.growth import KEYS, prepare
from bench.home import BROKER_JARS, ROOT, BenchError
from bench.server import fresh_server
from bench.topics import ALERTS
from mzlite.testing.server import MzliteServer
from stack.broker import free_port
from stack.topics import quiet_log

DEADLINE_SECONDS = 180.0
DEMO_SECONDS = 20
HISTORY_HOURS = 2


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


def first_alert(rate: float) -> list[str]:
    """A demo makes a stack, a second one is launched over it."""
    with tempfile.TemporaryDirectory(prefix="hotplate-bench-") as directory:
        port = free_port()
        command = [
            sys.executable, "-m", "stack", "demo", "--rate", str(rate), "--duration", str(DEMO_SECONDS),
            "--backfill", str(HISTORY_HOURS), "--state-dir", directory,
            "--kafka-port", str(port), "--sql-port", str(free_port()),
        ]  # fmt: skip
        # As on a machine where a demo has run before.
        (Path(directory) / "jars").symlink_to(BROKER_JARS)
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        launched = time.time()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
            seconds = _newer_than(f"127.0.0.1:{port}", launched) - launched
            if demo.wait() != 0:
                raise BenchError("the second demo failed")
    return [f"warm start of the demo's stack ({rate:g} events/s) to the first new alert: {seconds:.1f} s"]


def _newer_than(brokers: str, moment: float) -> float:
    """When the first committed alert arrives that was sent after a moment (seconds since 1970)."""
    settings = {
        "bootstrap.servers": brokers,
        "group.id": "bench",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "reconnect.backoff.max.ms": 100,
    }
    consumer = Consumer(settings, logger=quiet_log)
    try:
        # The topic has one partition; the broker is still to come.
        consumer.assign([TopicPartition(ALERTS, 0, 0)])
        while time.time() - moment < DEADLINE_SECONDS:
            message = consumer.poll(0.05)
            if message is None or message.error() is not None or not message.value():
                continue
            if message.timestamp()[1] > moment * 1000:
                return time.time()
    finally:
        consumer.close()
    raise BenchError(f"no new alert came within {DEADLINE_SECONDS:.0f} s")


def main() -> None:
    """Runs both and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rate", type=float, default=500)
    options = parser.parse_args()
    for line in (*first_alert(options.rate), *restarts(options.rows)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
