"""Each system from its topic to its gold views, against the truth of its simulated world.

One engine and one broker for all of them; dbt deploys and tests them, the worlds write a history with every
kind of fault into the topics, and then each view must show exactly what its world says.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from typer.testing import CliRunner

from generator.delivery import DeliveryWorld
from generator.events import SystemWorld
from generator.population import populate
from generator.run import Pace, Run
from generator.second_stage import StagedDeliveryWorld
from generator.shares import Shares
from generator.systems import SIMULATED
from generator.writer import EventWriter
from mzlite.storage.postgres import find_binaries
from pytests.end_to_end.kafka_tools import read_committed
from stack.cli import app
from stack.demo.checks import differences, plain
from stack.errors import StackError
from stack.export import export
from stack.settings import Settings
from stack.topics import ALL, create_topics, topics_of

REPOSITORY = Path(__file__).parents[2]
SYSTEMS = tuple(SIMULATED)
SECOND_STAGE = "second_stage"
"""Of delivery; its history is written last, because drivers whose last word is old are idle no more."""
ASKED = (*SYSTEMS, "monitoring", f"delivery/{SECOND_STAGE}")
ANALYSES = sorted(file for folder in ASKED for file in (REPOSITORY / "analyses" / folder).glob("*.sql"))
HOURS = {"kitchens": 9.0, "clickstream": 1.0, "santa": 3.0, SECOND_STAGE: 3.0}
"""How long a history each system needs to have events that came too late."""
RATES = {"kitchens": 0.25, "clickstream": 1.0, "santa": 0.5, SECOND_STAGE: 1.2}
FEW_USERS = 8
"""Some of so few order suspiciously often."""
SHARES = Shares(delayed=0.15, late=0.02, duplicate=0.03, malformed=0.01, invalid=0.01)
DEADLINE = 90.0
SINKS = {
    "customer-notifications": "select status_id, order_id, status_name, message from alerts.customer_notifications",
    "santa-alerts": "select region, window_start, delivered, delayed from alerts.santa_alerts",
    "pipeline-alerts": "select system, alert_type, is_slow, is_malformed from monitoring.pipeline_alerts",
}
"""What each topic of alerts must replay to; delivery's own is looked at by the demo."""


class Deployment:
    """A server with the systems' models, and what dbt has to say of it."""

    def __init__(self, directory: Path, brokers: str) -> None:
        self.brokers = brokers
        self.directory = directory
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mzlite", "serve", "--listen", "127.0.0.1:0", "--shared-buffers", "64"),
                *("--data", str(directory / "mzlite"), "--log-level", "warning"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("mzlite ready on "), line
        self.port = int(line.rpartition(":")[2])

    def dbt(self, *commands: str) -> None:
        """Run dbt commands, each ended by a semicolon."""
        environment = {
            **os.environ,
            "DBT_PROFILES_DIR": str(REPOSITORY / "profiles"),
            "DBT_TARGET_PATH": str(self.directory / "target"),
            "DBT_LOG_PATH": str(self.directory / "logs"),
            "HOTPLATE_TARGET": "local",
            "HOTPLATE_SCHEMA_PREFIX": "",
            "KAFKA_BROKERS": self.brokers,
            "MZ_HOST": "127.0.0.1",
            "MZ_PORT": str(self.port),
        }
        done = subprocess.run(
            [sys.executable, "-m", "mzlite.dbt_commands", *commands],
            env=environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def rows(self, query: str) -> list[list[Any]]:
        """The rows of a query as the worlds write values."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="materialize", dbname="materialize", autocommit=True
        ) as connection:
            return [[plain(value) for value in row] for row in connection.execute(query.encode()).fetchall()]

    def wait_for(self, expected: dict[str, Any]) -> None:
        """Return when a query gives what a world expects."""
        deadline = time.monotonic() + DEADLINE
        while wrong := differences(self.rows(expected["query"]), expected, datetime.now(UTC)):
            assert time.monotonic() < deadline, f"{expected['name']}: {len(wrong)} differ: {wrong[:5]}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, kafka: Any) -> Iterator[Deployment]:
    create_topics(kafka.bootstrap_servers, topics_of(ALL), 2)
    made = Deployment(tmp_path_factory.mktemp("systems"), kafka.bootstrap_servers)
    try:
        # Of delivery's first stage only what monitoring and the second stage need is deployed.
        tags = (f"tag:{system}" for system in SYSTEMS)
        selection = ("--select", *tags, "+path:models/monitoring", f"+tag:{SECOND_STAGE}")
        # What reads the continuous tests comes after them, as in the demo.
        early = (*selection, "--exclude", "monitor_broken_rules+")
        made.dbt(
            *("seed", *selection, ";", "run", *early, ";", "test", "--select", "tag:continuous", ";"),
            *("run", "--select", "monitor_broken_rules+"),
        )
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def reports(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """What each world wrote and expects."""
    made: dict[str, dict[str, Any]] = {}
    for system, hours in HOURS.items():
        start_ms = int((time.time() - hours * 3600) * 1000)
        world: SystemWorld
        if system == SECOND_STAGE:
            people = populate()
            few = replace(people, users=people.users[:FEW_USERS])
            world = StagedDeliveryWorld(DeliveryWorld(few, SHARES, 17, start_ms))
        else:
            world = SIMULATED[system](SHARES, 17, start_ms)
        with EventWriter(deployment.brokers) as writer:
            pace = Pace(duration=0, past_rate=RATES[system], recent_rate=RATES[system])
            Run(world, writer, pace, lambda _: None).run()
        made[system] = world.report(world.now_ms)
    return made


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("system", HOURS)
def test_the_views_show_exactly_what_was_sent(
    deployment: Deployment, reports: dict[str, dict[str, Any]], system: str
) -> None:
    report = reports[system]
    for fault in ("late", "duplicates", "malformed", "invalid", "null_values"):
        assert sum(report[fault].values()) > 0, f"the history has nothing of {fault}"
    for expected in report["expected"]:
        # Whether an order waits for a driver at the very end is chance, if not much.
        is_chance = expected["name"] == "candidates of unassigned orders"
        assert expected["rows"] or is_chance, f"the history says nothing about {expected['name']}"
        deployment.wait_for(expected)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("system", SYSTEMS)
def test_monitoring_counts_what_was_sent(
    deployment: Deployment, reports: dict[str, dict[str, Any]], system: str
) -> None:
    report = reports[system]
    sent = sum(count for topic, count in report["sent"].items() if topic != "total")
    counts = [
        sent - sum(report["null_values"].values()),
        *(sum(report[what].values()) for what in ("malformed", "late")),
    ]
    query = (
        "select sum(messages), sum(malformed_messages), sum(late_events)"
        f" from monitoring.monitor_topics where system = '{system}'"
    )
    deadline = time.monotonic() + DEADLINE
    while (shown := [int(value) for value in deployment.rows(query)[0]]) != counts:
        assert time.monotonic() < deadline, (shown, counts)
        time.sleep(0.2)
    repeated, least = deployment.rows(
        "select sum(repeated_events), min(repeated_events)"
        f" from monitoring.monitor_duplicates where system = '{system}'"
    )[0]
    assert int(repeated) > 0
    assert int(least) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_dbt_finds_nothing_wrong(deployment: Deployment, reports: dict[str, dict[str, Any]]) -> None:
    assert reports
    selection = (*(f"tag:{system}" for system in HOURS), "path:models/monitoring", "path:tests/monitoring")
    deployment.dbt("test", "--select", *selection, "--indirect-selection", "cautious")


@pytest.mark.slow
@pytest.mark.parametrize("topic", SINKS)
def test_a_topic_of_alerts_replays_to_its_view(
    deployment: Deployment, reports: dict[str, dict[str, Any]], topic: str
) -> None:
    assert reports
    deadline = time.monotonic() + DEADLINE
    while True:
        state: dict[bytes | None, bytes | None] = {}
        for read in read_committed(deployment.brokers, topic):
            assert state.get(read.key) != read.value, f"{read.key!r} twice"
            state[read.key] = read.value
        columns = SINKS[topic].removeprefix("select ").partition(" from ")[0].split(", ")
        values = [json.loads(value) for value in state.values() if value is not None]
        published = sorted([str(value[column]) for column in columns] for value in values)
        moments = {"window_start": "(extract(epoch from window_start)::bigint * 1000)::text || '.000'"}
        shown = ", ".join(f"({moments.get(column, column)})::text" for column in columns)
        rows = sorted(deployment.rows(f"select {shown} from {SINKS[topic].partition(' from ')[2]}"))
        # Regions may all be quick, and promises all hold.
        is_empty = topic == "customer-notifications" and not rows
        if not is_empty and [[text.lower() for text in row] for row in published] == [
            [text.lower() for text in row] for row in rows
        ]:
            break
        assert time.monotonic() < deadline, (published[:3], rows[:3])
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.parametrize("file", ANALYSES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_ready_made_question_runs_as_it_stands(
    deployment: Deployment, reports: dict[str, dict[str, Any]], file: Path
) -> None:
    assert reports
    text = file.read_text()
    assert re.match(r"-- [A-Z].*\?\n", text), "its first line must be the question"
    done = subprocess.run(
        [
            *(str(find_binaries() / "psql"), "-X", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"),
            *("-p", str(deployment.port), "-U", "materialize", "-d", "materialize", "-f", str(file)),
        ],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, "PGOPTIONS": "--welcome_message=off"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"\(\d+ rows?\)", done.stdout)


@pytest.mark.slow
def test_a_refund_is_decided_and_leaves_the_queue(
    deployment: Deployment, reports: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    assert reports
    environment = {"HOTPLATE_STATE_DIR": str(tmp_path), "HOTPLATE_SQL_PORT": str(deployment.port), "COLUMNS": "200"}

    def hotplate(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["refunds", *arguments], env=environment)
        assert done.exit_code == status, done.output
        return f"{done.output} {done.exception or ''}"

    queue = deployment.rows(
        "select order_id::text, suggested_amount, revenue from refunds.refund_queue order by 2 desc"
    )
    order, amount, revenue = queue[0]
    assert f"{len(queue)} refunds await a decision" in hotplate("list")
    assert "timeline" in hotplate("show", order)
    assert "cannot be paid back" in hotplate("decide", order, "full", "--amount", "9999", status=1)
    assert f"of {revenue}" in hotplate("decide", order, "full", "--by", "ada", "--note", "cold soup")
    assert deployment.rows("select count(*) from refunds.refund_queue") == [[len(queue) - 1]]
    assert deployment.rows("select decision, amount, decided_by, note from input.refund_decisions") == [
        ["full", revenue, "ada", "cold soup"]
    ]
    assert "cold soup" in hotplate("history")
    assert amount is not None


@pytest.mark.slow
def test_a_snapshot_is_one_moment_that_others_can_read(
    deployment: Deployment, reports: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    assert reports
    settings = Settings(project_dir=REPOSITORY, sql_port=deployment.port, state_dir=tmp_path / "state")
    first, entries = export(settings, SYSTEMS, ("silver", "gold"), tmp_path / "snapshots")
    manifest = json.loads((first / "manifest.json").read_text())
    assert [entry["relation"] for entry in manifest["files"]] == [entry.relation for entry in entries]
    assert {"silver.silver_events", "gold.gold_kpis", "gold.gold_order_header"} <= {entry.relation for entry in entries}
    assert abs(manifest["timestamp_ms"] / 1000 - time.time()) < DEADLINE
    with duckdb.connect() as database:
        for entry in manifest["files"]:
            file = first / entry["file"]
            assert hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]
            assert database.execute(f"select count(*) from '{file}'").fetchone() == (entry["rows"],)
        names = "window_start, orders, gmv, purchase_users, conversion_rate"
        found = database.execute(f"select {names} from '{first / 'gold.gold_kpis.parquet'}'").fetchall()
        # Files of one moment agree with each other.
        orders, gmv = database.execute(
            f"select count(*), sum(price * quantity) from '{first / 'silver.silver_events.parquet'}'"
            " where event_type = 'purchase'"
        ).fetchone()
    assert sum(row[1] for row in found) == orders
    assert sum(row[2] for row in found) == gmv
    shown = deployment.rows(f"select {names} from gold.gold_kpis")
    wanted = {"rows": [[plain(value) for value in row] for row in found], "retained_ms": None}
    assert not differences(shown, wanted, datetime.now(UTC))
    assert (tmp_path / "snapshots" / "latest").resolve() == first
    second, _ = export(settings, ("santa",), ("gold",), tmp_path / "snapshots")
    assert (tmp_path / "snapshots" / "latest").resolve() == second
    assert {path.name for path in (tmp_path / "snapshots").iterdir()} == {first.name, second.name, "latest"}
    with pytest.raises(StackError, match="nothing of santa is deployed in moon"):
        export(settings, ("santa",), ("moon",), tmp_path / "snapshots")
