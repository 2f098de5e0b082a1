"""What sources and sinks are, as JSON in the database, so that a restart finds them again.

In: the dataclasses of `mzlite.kafka.spec`. Out: JSON and back.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

from psycopg.types.json import Jsonb

from mzlite.dialect.definitions import Format, Include
from mzlite.generators.spec import GeneratorSpec
from mzlite.kafka.spec import IngestSpec, SinkSpec


class Connectors(Protocol):
    """Who runs readers and writers of Kafka, and load generators."""

    def start_reader(self, spec: IngestSpec, offsets: dict[int, int]) -> None:
        """Begins to read a source's topic at the given next offsets."""

    def start_writer(self, spec: SinkSpec) -> None:
        """Begins to publish a sink's outbox rows."""

    def start_generator(self, spec: GeneratorSpec) -> None:
        """Begins to fill the relations of a load generator, each from its next step on."""

    def stop_connector(self, object_id: str) -> None:
        """Stops the reader, writer or generator of an object, if it has one."""


def ingest_to_json(spec: IngestSpec) -> Jsonb:
    """A source's specification as JSON."""
    return Jsonb(dataclasses.asdict(spec))


def ingest_from_json(value: dict[str, Any]) -> IngestSpec:
    """The specification that `ingest_to_json` wrote."""
    fields = dict(value)
    fmt = dict(fields["format"])
    if fmt["csv_header"] is not None:
        fmt["csv_header"] = tuple(fmt["csv_header"])
    fields["format"] = Format(**fmt)
    fields["includes"] = tuple(Include(**item) for item in fields["includes"])
    fields["columns"] = tuple(fields["columns"])
    fields["start_offsets"] = {int(partition): offset for partition, offset in fields["start_offsets"].items()}
    return IngestSpec(**fields)


def sink_to_json(spec: SinkSpec) -> Jsonb:
    """A sink's specification as JSON."""
    return Jsonb(dataclasses.asdict(spec))


def sink_from_json(value: dict[str, Any]) -> SinkSpec:
    """The specification that `sink_to_json` wrote."""
    fields = dict(value)
    fields["key_columns"] = tuple(fields["key_columns"])
    return SinkSpec(**fields)
