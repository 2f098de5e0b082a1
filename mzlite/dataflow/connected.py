"""What is tied to the outside: sources that read, sinks that publish.

In: specifications. Out: their records in the database, and readers and writers that begin or end once the transaction
has committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from psycopg.types.json import Jsonb

from mzlite.dataflow.nodes import as_foreign
from mzlite.dataflow.objects import Graph
from mzlite.dataflow.rel import NOW
from mzlite.dataflow.sinks import ActiveSink, snapshot_statement
from mzlite.dataflow.specs import Connectors, ingest_from_json, ingest_to_json, sink_from_json, sink_to_json
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.kafka.spec import IngestSpec, SinkSpec


class Connected:
    """The sources and sinks of a graph."""

    def __init__(self, connectors: Connectors | None) -> None:
        self.graph = Graph()
        self.sinks: dict[str, ActiveSink] = {}
        self._connectors = connectors

    def start_ingest(self, tx: EngineTransaction, object_id: str, spec: IngestSpec) -> None:
        """Fills a source from Kafka once the transaction has committed, and again after each restart."""
        tx.execute("insert into mzlite.ingests (source_id, spec) values (%s, %s)", (object_id, ingest_to_json(spec)))
        self._start_reader(tx, spec, {})

    def reconnect(self, tx: EngineTransaction, object_id: str, client: Mapping[str, str]) -> None:
        """Lets a source or sink go on with another client configuration, from where it stands."""
        for table, key in (("ingests", "source_id"), ("sinks", "sink_id")):
            row = tx.execute(
                f"update mzlite.{table} set spec = jsonb_set(spec, '{{client}}', %s) where {key} = %s returning spec",
                (Jsonb(dict(client)), object_id),
            ).fetchone()
            if row is not None:
                self._stop_connector(tx, object_id)
                if table == "ingests":
                    self._resume_reader(tx, ingest_from_json(row[0]))
                else:
                    spec = sink_from_json(row[0])
                    self.sinks[object_id] = replace(self.sinks[object_id], spec=spec)
                    self._start_writer(tx, spec)

    def redirect_sink(self, tx: EngineTransaction, sink_id: str, from_id: str, spec: SinkSpec) -> None:
        """Lets a sink publish the changes of another collection from now on."""
        tx.execute(
            "update mzlite.sinks set from_id = %s, spec = %s where sink_id = %s", (from_id, sink_to_json(spec), sink_id)
        )
        self.sinks[sink_id] = ActiveSink(spec, from_id, as_foreign(self.graph[from_id].rel))

    def create_sink(self, tx: EngineTransaction, from_id: str, spec: SinkSpec) -> None:
        """Publishes a collection from now on; with a snapshot what exists is published too."""
        sink = ActiveSink(spec, from_id, as_foreign(self.graph[from_id].rel))
        if spec.snapshot:
            tx.execute(snapshot_statement(sink).replace(NOW, str(tx.timestamp)))
        tx.execute(
            "insert into mzlite.sinks (sink_id, from_id, spec) values (%s, %s, %s)",
            (spec.sink_id, from_id, sink_to_json(spec)),
        )
        self.sinks[spec.sink_id] = sink
        self._start_writer(tx, spec)

    def _resume_reader(self, tx: EngineTransaction, spec: IngestSpec) -> None:
        """Reads on from the recorded offsets once the transaction has committed."""
        rows = tx.execute("select partition, next_offset from mzlite.offsets where source_id = %s", (spec.source_id,))
        self._start_reader(tx, spec, dict(rows.fetchall()))

    def _stop_connector(self, tx: EngineTransaction, object_id: str) -> None:
        connectors = self._connectors
        if connectors is not None:
            tx.after_commit.append(lambda: connectors.stop_connector(object_id))

    def _start_reader(self, tx: EngineTransaction, spec: IngestSpec, offsets: dict[int, int]) -> None:
        connectors = self._connectors
        if connectors is not None:
            tx.after_commit.append(lambda: connectors.start_reader(spec, offsets))

    def _start_writer(self, tx: EngineTransaction, spec: SinkSpec) -> None:
        connectors = self._connectors
        if connectors is not None:
            tx.after_commit.append(lambda: connectors.start_writer(spec))
