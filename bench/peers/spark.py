"""Runs the work in PySpark (spark_job.py) over a copy of the topics and measures it.

In: the prepared topics. Out: the figures, what Spark dropped as late, and its outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.home import HOME, Tell, maven_jars, package_dir, peers_python, settings
from bench.outputs import GOLD, Outputs, read_outputs
from bench.peers.process import Talker
from bench.topics import ALERTS, PARTITIONS, Prepared, running_copy
from bench.watch import Meter, disk_mib
from stack.topics import create_topics

SILVER = ("silver-orders", "silver-order-status")
JOB = Path(__file__).with_name("spark_job.py")


def drain(prepared: Prepared, tell: Tell, home: Path = HOME, timeout: float = 3600.0) -> tuple[dict[str, Any], Outputs]:
    """Drains the topics; the figures and the outputs."""
    python = peers_python(tell)
    package_dir(python, "pyspark")
    jars = maven_jars("spark", tell)
    with running_copy(prepared, "spark", home) as (run, broker):
        create_topics(broker.bootstrap_servers, (*SILVER, *GOLD, ALERTS), PARTITIONS)
        given = {
            "brokers": broker.bootstrap_servers,
            "checkpoints": str(run / "checkpoints"),
            "as_of_ms": prepared.written_ms,
            "settings": settings("spark"),
            "conf": {
                "spark.driver.extraClassPath": str(jars / "*"),
                "spark.local.dir": str(run / "local"),
                "spark.sql.warehouse.dir": str(run / "warehouse"),
            },
        }
        tell("starting Spark")
        assert broker.pid is not None
        with (
            Talker([str(python), str(JOB)], given, run) as job,
            Meter({"stack": job.pid, "broker": broker.pid}) as meter,
        ):
            ready = job.wait_for("ready", timeout=180)
            start_cpu = meter.cpu_seconds("stack", since_birth=True)

            def on_progress(event: dict[str, Any]) -> None:
                read = event["read"]
                tell(f"{read:,} of {prepared.events:,} joined, {read / (event['at'] - ready['at']):,.0f}/s")

            drained = job.wait_for("drained", timeout=timeout, on_progress=on_progress)
            cpu = meter.cpu_seconds("stack", since_birth=True)
            state = disk_mib(run / "checkpoints", run / "local")
            queries = job.rest("query", timeout=120)
        figures = {
            "start_seconds": ready["at"] - job.launched,
            "drain_seconds": drained["at"] - ready["at"],
            "cpu_seconds": cpu - start_cpu,
            "start_cpu_seconds": start_cpu,
            "broker_cpu_seconds": meter.cpu_seconds("broker"),
            "peak_mib": meter.peak_mib["stack"],
            "state_mib": state,
            "dropped_as_late": sum(query["dropped"] for query in queries),
            "queries": queries,
            "progress": [(round(e["at"] - ready["at"], 2), e["read"]) for e in (*job.progress, drained)],
            "samples": meter.samples,
        }
        topics = {**{name: name for name in GOLD}, "alerts": ALERTS}
        outputs, written = read_outputs(broker.bootstrap_servers, topics)
        return {**figures, "written": written}, outputs
