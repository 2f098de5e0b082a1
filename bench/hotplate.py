"""The measured work on this project's own stack: mzlite, and of the dbt project what the work needs.

In: the prepared topics. Out: how long mzlite takes to drain them, what it costs, and its outputs. The pipeline is
deployed on empty topics first, so that the drain is maintenance, not the hydration of views over what is there.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench.home import BROKER_JARS, HOME, BenchError, Tell
from bench.outputs import COLUMNS, GOLD, KEYS, Outputs, canonical, read_outputs
from bench.topics import ALERTS, HEAP_MB, PARTITIONS, Prepared, copy_directory, running_copy
from bench.watch import Meter, disk_mib
from generator.delivery import TOPICS
from stack import dbt
from stack.broker import Broker, free_port
from stack.engine import Engine, connect
from stack.settings import Settings
from stack.topics import create_topics

SELECTED = "+tag:gold,+tag:delivery +tag:alerts,+tag:delivery"
"""What the measured work needs of the project: no quarantine, no counts of expectations, no tests of data."""
READ = """
    select coalesce(sum(statistics.offset_committed), 0)::bigint
    from mz_internal.mz_source_statistics as statistics
    inner join mz_sources as sources on statistics.id = sources.id
    where sources.name in ('kafka_orders', 'kafka_status')
"""
SENT = """
    select coalesce(sum(messages_staged), 0)::bigint, coalesce(sum(messages_committed), 0)::bigint
    from mz_internal.mz_sink_statistics
"""
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Deployed:
    """An mzlite with the pipeline on it that has read nothing yet."""

    directory: Path
    sql_port: int
    topics: dict[str, int]
    """What its sinks have created, with the number of partitions."""


def deploy(prepared: Prepared, run: Path, tell: Tell) -> Deployed:
    """Deploys the pipeline against an empty broker on the port of the prepared one."""
    broker = Broker(run / "kafka", BROKER_JARS, port=prepared.kafka_port, heap_mb=HEAP_MB)
    settings = Settings(state_dir=run, kafka_port=prepared.kafka_port, sql_port=free_port())
    engine = Engine(settings)
    tell("deploying the pipeline on empty topics")
    broker.start()
    try:
        create_topics(broker.bootstrap_servers, TOPICS, PARTITIONS)
        engine.start()
        commands = [["run", "--select", *SELECTED.split(), "--exclude", "tag:second_stage"]]
        dbt.run_commands(settings, commands, lambda _text: None, lambda _step: None)
        known = AdminClient({"bootstrap.servers": broker.bootstrap_servers}).list_topics(timeout=10.0).topics
        made = {name: len(topic.partitions) for name, topic in known.items() if name not in TOPICS and name[:2] != "__"}
    finally:
        engine.stop()
        broker.stop()
    return Deployed(settings.mzlite_dir, settings.sql_port, made)


def drain(prepared: Prepared, tell: Tell, home: Path = HOME, timeout: float = 3600.0) -> tuple[dict[str, Any], Outputs]:
    """Drains the topics; the figures and the outputs."""
    empty = home / "run-deploy"
    shutil.rmtree(empty, ignore_errors=True)
    try:
        deployed = deploy(prepared, empty, tell)
        with running_copy(prepared, "hotplate", home) as (run, broker):
            copy_directory(deployed.directory, run)
            _create(broker.bootstrap_servers, deployed.topics)
            settings = Settings(state_dir=run, kafka_port=prepared.kafka_port, sql_port=deployed.sql_port)
            return _drain(prepared, settings, broker, tell, timeout)
    finally:
        shutil.rmtree(empty, ignore_errors=True)


def _drain(
    prepared: Prepared, settings: Settings, broker: Broker, tell: Tell, timeout: float
) -> tuple[dict[str, Any], Outputs]:
    engine = Engine(settings)
    tell("draining")
    before_mib = disk_mib(settings.mzlite_dir)
    launched = time.monotonic()
    engine.start()
    try:
        process = engine.process
        assert process is not None
        assert broker.pid is not None
        with Meter({"stack": process.pid, "broker": broker.pid}) as meter, connect(settings) as connection:
            ready = time.monotonic()
            progress = _follow(connection, prepared.events, ready, tell, timeout)
            finished = time.monotonic()
        # Messages are read from the launch on, so the start is part of the drain.
        figures: dict[str, Any] = {
            "start_seconds": ready - launched,
            "drain_seconds": finished - launched,
            "cpu_seconds": meter.cpu_seconds("stack", since_birth=True),
            "broker_cpu_seconds": meter.cpu_seconds("broker"),
            "peak_mib": meter.peak_mib["stack"],
            "state_mib": disk_mib(settings.mzlite_dir) - before_mib,
            "progress": progress,
            "samples": meter.samples,
        }
        outputs = _outputs(settings)
        alerts, written = read_outputs(settings.brokers, {"alerts": ALERTS})
        return {**figures, "written": written}, {**outputs, **alerts}
    finally:
        engine.stop()


def _follow(
    connection: psycopg.Connection[Any], wanted: int, began: float, tell: Tell, timeout: float
) -> list[tuple[float, int]]:
    """Returns when everything is read and every alert is committed: (second, messages read) on the way."""
    progress: list[tuple[float, int]] = []
    told = began
    while True:
        now = time.monotonic()
        row = connection.execute(READ).fetchone()
        read = row[0] if row else 0
        progress.append((round(now - began, 2), read))
        if now - told > 15:
            told = now
            tell(f"{read:,} of {wanted:,} read, {read / (now - began):,.0f}/s")
        if read >= wanted:
            row = connection.execute(SENT).fetchone()
            if row and row[0] == row[1]:
                return progress
        if now - began > timeout:
            raise BenchError(f"only {read:,} of {wanted:,} messages were read within {timeout:.0f} s")
        time.sleep(POLL_SECONDS)


def _outputs(settings: Settings) -> Outputs:
    outputs: Outputs = {}
    with connect(settings) as connection:
        for name in GOLD:
            names = [*KEYS[name], *COLUMNS[name]]
            rows = connection.execute(f"select {', '.join(names)} from gold.{name}".encode()).fetchall()
            outputs[name] = dict(canonical(name, dict(zip(names, row, strict=True))) for row in rows)
    return outputs


def _create(brokers: str, topics: dict[str, int]) -> None:
    admin = AdminClient({"bootstrap.servers": brokers})
    wanted = [NewTopic(name, count, 1, config={"cleanup.policy": "compact"}) for name, count in topics.items()]
    for future in admin.create_topics(wanted).values() if wanted else ():
        future.result(timeout=15.0)
