"""The command `hotplate` as a person uses it, with a stack of its own: real broker, real mzlite, real dbt.

The tests share one state directory and build on each other, because deploying the pipeline takes a while.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from stack.broker import free_port

REPOSITORY = Path(__file__).parents[2]
QUICK = ("--rate", "100", "--backfill", "3", "--backfill-rate", "1", "--recent-rate", "3", "--seed", "11")
MINUTES = 60.0


class Stack:
    def __init__(self, directory):
        # The jars are the only thing that is worth sharing.
        jars = REPOSITORY / ".hotplate" / "jars"
        jars.mkdir(parents=True, exist_ok=True)
        (directory / "jars").symlink_to(jars)
        self.directory = directory
        self.sql_port, self.kafka_port = free_port(), free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HOTPLATE_", "MZ_"))},
            "HOTPLATE_STATE_DIR": str(directory),
            "HOTPLATE_SQL_PORT": str(self.sql_port),
            "HOTPLATE_KAFKA_PORT": str(self.kafka_port),
            "COLUMNS": "160",
        }

    def popen(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "stack", *arguments],
            env=self.environment,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments, status=0, timeout=10 * MINUTES):
        with self.popen(*arguments) as process:
            output, _ = process.communicate(timeout=timeout)
        assert process.returncode == status, output
        return output

    def is_listening(self, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    @property
    def is_up(self):
        return self.is_listening(self.sql_port) or self.is_listening(self.kafka_port)

    def rows(self, query):
        with psycopg.connect(
            host="127.0.0.1", port=self.sql_port, user="materialize", dbname="materialize", autocommit=True
        ) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    made = Stack(tmp_path_factory.mktemp("stack"))
    yield made
    made.run("reset", "--yes")
    assert not made.is_up


@pytest.fixture(autouse=True)
def _down_afterwards(stack):
    yield
    stack.run("down")


def test_up_and_down(stack):
    down = json.loads(stack.run("status", "--json", status=3))
    assert not down["up"]
    assert [problem.split(";")[0] for problem in down["problems"]] == ["broker is down", "mzlite is down"]
    assert "started: broker, mzlite" in stack.run("up", "--test-clock")
    assert "2099-12-31 12:00:00.000 UTC (4102401600000 ms), held" in stack.run("test-clock", "set", "2099-12-31 12:00")
    assert stack.rows("select 1") == [(1,)]
    status = stack.run("status")
    assert re.search(r"broker +up +127\.0\.0\.1", status)
    assert re.search(r"mzlite +up +127\.0\.0\.1", status)
    assert re.search(r"orders +0", status)
    assert "clock, which is held" in status
    found = json.loads(stack.run("status", "--json"))
    assert (found["up"], found["problems"], found["topics"]["orders"]) == (True, [], 0)
    assert found["mzlite"]["memory_bytes"] > 1 << 20
    assert "started: nothing" in stack.run("up")
    assert "stopped: mzlite, broker" in stack.run("down")
    assert not stack.is_up
    assert "stopped: nothing" in stack.run("down")


@pytest.mark.parametrize(("port", "option"), [("kafka_port", "--kafka-port"), ("sql_port", "--sql-port")])
def test_a_taken_port_leaves_nothing_running(stack, port, option):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", getattr(stack, port)))
        taken.listen()
        output = stack.run("up", status=1)
    assert "in use" in output
    assert option in output
    assert "Traceback" not in output
    assert not stack.is_up


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_agrees_with_what_was_sent(stack):
    output = stack.run("demo", "--duration", "10", *QUICK)
    assert "all checks passed" in output
    assert "FAILED" not in output
    assert re.search(r"event to gold +│ p50 [\d,]+ ms, p99 [\d,]+ ms", output)
    assert not stack.is_up


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_next_demo_goes_on_and_ends_by_ctrl_c(stack):
    with stack.popen("demo", "--rate", "100") as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "events/s" in line:
                break
        assert any("deployed and unchanged" in line for line in lines), "".join(lines)
        assert stack.rows("select count(*) > 0 from silver.silver_orders") == [(True,)]
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
        assert process.wait(60) == 0, output
    assert "ended by Ctrl-C" in output
    assert "stopped: mzlite, broker" in output
    assert not stack.is_up


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_demo_leaves_a_stack_that_down_finds(stack):
    with stack.popen("demo", "--rate", "100") as process:
        for line in process.stdout:
            if "events/s" in line:
                break
        process.kill()
        process.wait()
    assert stack.is_up
    found = json.loads(stack.run("status", "--json"))
    assert found["problems"] == []
    assert found["ticks"]["ticks"] > 0
    views = {view["name"]: view for view in found["views"]}
    assert views["silver.silver_orders"]["rows"] > 0
    assert views["silver.silver_orders"]["bytes"] > 0
    assert views["gold.gold_system_health"]["staleness_seconds"] < 60
    assert {source["status"] for source in found["sources"]} == {"running"}
    assert [sink["name"] for sink in found["sinks"]] == ["sinks.delivery_alerts_sink"]
    screen = stack.run("status")
    for word in ("silver.silver_orders", "sinks.delivery_alerts_sink", "published up to", "p99"):
        assert word in screen
    # Nobody reads the generator's lines any more, so it ends too; what it wrote counts.
    deadline = time.monotonic() + 60
    before, counts = None, stack.rows("select count(*) from silver.silver_orders")
    while before != counts:
        assert time.monotonic() < deadline
        time.sleep(1.0)
        before, counts = counts, stack.rows("select count(*) from silver.silver_orders")
    assert "stopped: mzlite, broker" in stack.run("down")
