"""Runs the work in Flink SQL (flink.sql) over a copy of the topics and measures it.

In: the prepared topics and a variant of settings.toml. Out: the figures and Flink's outputs. Flink's own SQL client
runs the script in one JVM with its local executor, as its distribution (the package apache-flink-libraries) brings it;
the sources are bounded by what the topics hold, so the job ends when everything is drained and committed.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.home import HOME, BenchError, Tell, maven_jars, package_dir, peers_python, settings
from bench.outputs import GOLD, Outputs, read_outputs
from bench.peers.process import end
from bench.topics import ALERTS, PARTITIONS, Prepared, running_copy
from bench.watch import Meter, disk_mib
from stack.broker import find_java
from stack.topics import create_topics

SCRIPT = Path(__file__).with_name("flink.sql")
VARIANTS = tuple(settings("flink")["variants"])
LOGGING = """
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = ${sys:log.file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS}{UTC} %-5p %c{1} %m%n
"""
SWITCHED = re.compile(r"^(\S+ \S+) INFO .*Job .*switched from state (\w+) to (\w+)", re.MULTILINE)
VIEW = re.compile(r"^create view (\w+) as\n(.*?);\n", re.MULTILINE | re.DOTALL)
INSERT = re.compile(r"^insert into \w+\n", re.MULTILINE)
RUNNING = "switched from state CREATED to RUNNING"
GUARANTEES = {
    "at-least-once": "'sink.delivery-guarantee' = 'at-least-once'",
    # Kafka's own limit for a transaction is a quarter of an hour.
    "exactly-once": "'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{topic}',"
    " 'properties.transaction.timeout.ms' = '600000'",
}
TOLD_SECONDS = 15.0


def drain(
    prepared: Prepared, tell: Tell, variant: str = "minibatch", home: Path = HOME, timeout: float = 3600.0
) -> tuple[dict[str, Any], Outputs]:
    """Drains the topics; the figures and the outputs."""
    java = find_java()
    flink = package_dir(peers_python(tell), "pyflink")
    jars = maven_jars("flink", tell)
    given = settings("flink")
    with running_copy(prepared, "flink", home) as (run, broker):
        create_topics(broker.bootstrap_servers, (*GOLD, ALERTS), PARTITIONS)
        chosen = dict(given["variants"][variant])
        tell(f"starting Flink: {chosen.pop('description')}")
        _configure(run, prepared, broker.bootstrap_servers, chosen.pop("delivery"), {**given["conf"], **chosen})
        # The client's own code is in opt, the rest of the distribution in lib.
        path = ":".join((f"{flink}/lib/*", f"{flink}/opt/*", f"{jars}/*"))
        command = [
            java, f"-Xmx{given['heap_mb']}m", *given["java_options"], f"-Dlog.file={run / 'flink.log'}",
            f"-Dlog4j.configurationFile={run / 'log4j.properties'}", "-cp", path,
            "org.apache.flink.table.client.SqlClient", "embedded", "-f", str(run / "job.sql"),
        ]  # fmt: skip
        environment = {**os.environ, "FLINK_CONF_DIR": str(run), "FLINK_LIB_DIR": f"{flink}/lib"}
        launched = time.time()
        with (run / "client.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=run, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        assert broker.pid is not None
        try:
            with Meter({"stack": process.pid, "broker": broker.pid}) as meter:
                began, ended, state, start_cpu = _follow(process, meter, run, tell, timeout)
        finally:
            end(process)
        figures = {
            "start_seconds": began - launched,
            "drain_seconds": ended - began,
            "cpu_seconds": meter.cpu_seconds("stack", since_birth=True) - start_cpu,
            "start_cpu_seconds": start_cpu,
            "broker_cpu_seconds": meter.cpu_seconds("broker"),
            "peak_mib": meter.peak_mib["stack"],
            "state_mib": state,
            "samples": meter.samples,
        }
        topics = {**{name: name for name in GOLD}, "alerts": ALERTS}
        outputs, written = read_outputs(broker.bootstrap_servers, topics)
        return {**figures, "written": written}, outputs


def _configure(run: Path, prepared: Prepared, brokers: str, delivery: str, conf: dict[str, Any]) -> None:
    """The configuration and the script, in the directory of the run."""
    places = {
        "execution.target": "local",
        "execution.checkpointing.dir": (run / "checkpoints").as_uri(),
        "state.backend.rocksdb.localdir": str(run / "rocksdb"),
        "io.tmp.dirs": str(run / "tmp"),
        # The client waits for the end of the job.
        "table.dml-sync": "true",
    }
    lines = [f'{name}: "{value}"\n' for name, value in {**conf, **places}.items()]
    (run / "config.yaml").write_text("".join(lines))
    (run / "log4j.properties").write_text(LOGGING)
    script = SCRIPT.read_text().replace("$BROKERS", brokers).replace("$AS_OF_MS", str(prepared.written_ms))
    # Flink 1.20.1 fails to plan a join of two views (its rels "belong to a different planner"), so the script's views
    # become common table expressions of each INSERT. What several INSERTs read is planned once all the same.
    views = ",\n".join(f"{name} as (\n{body}\n)" for name, body in VIEW.findall(script))
    script = INSERT.sub(lambda insert: f"{insert[0]}with {views}\n", VIEW.sub("", script))
    for topic in (*GOLD, ALERTS):
        # Each sink has transactions of its own.
        script = script.replace("$GUARANTEE", GUARANTEES[delivery].format(topic=topic), 1)
    (run / "job.sql").write_text(script)


def _follow(
    process: subprocess.Popen[bytes], meter: Meter, run: Path, tell: Tell, timeout: float
) -> tuple[float, float, float, float]:
    """When the job ran, when it had finished, the most its state took on disk (MiB), CPU seconds of the start."""
    deadline = time.monotonic() + timeout
    told = time.monotonic()
    state = start_cpu = 0.0
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise BenchError(f"Flink did not finish within {timeout:.0f} s:\n{_tail(run)}")
        # A finished job removes its checkpoints, so this is looked at on the way.
        state = max(state, disk_mib(run / "checkpoints", run / "rocksdb", run / "tmp"))
        if time.monotonic() - told > TOLD_SECONDS:
            told = time.monotonic()
            tell(f"running; state {state:,.0f} MiB")
        if not start_cpu and RUNNING in _log(run):
            start_cpu = meter.cpu_seconds("stack", since_birth=True)
        time.sleep(1.0)
    moments = {
        after: datetime.strptime(at, "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC).timestamp()
        for at, _before, after in SWITCHED.findall(_log(run))
    }
    if "FINISHED" not in moments:
        raise BenchError(f"Flink's job did not finish:\n{_tail(run)}")
    return moments["RUNNING"], moments["FINISHED"], state, start_cpu


def _log(run: Path) -> str:
    log = run / "flink.log"
    return log.read_text(errors="replace") if log.exists() else ""


def _tail(run: Path) -> str:
    return "".join((run / name).read_text(errors="replace")[-3000:] for name in ("client.log", "flink.log"))
