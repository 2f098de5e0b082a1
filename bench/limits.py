"""How fast the parts can be that no pipeline can do without: consuming, parsing, storing; each alone, on one core.

In: a broker with the prepared topics. Out: messages a second for Kafka consumption alone, JSON parsing alone, and COPY
of the same messages into a bare table of the embedded PostgreSQL.
"""

from __future__ import annotations

import struct
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from bench.home import HOME, Tell
from bench.reading import read_topic
from bench.topics import Prepared, running_copy
from generator.delivery import TOPICS
from mzlite.storage.postgres import Postgres

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
COPY_END = struct.pack(">h", -1)


def limits(prepared: Prepared, tell: Tell, home: Path = HOME) -> dict[str, Any]:
    """Messages a second of each part."""
    with running_copy(prepared, "limits", home) as (_run, broker):
        tell("consuming")
        began = time.perf_counter()
        consumed = sum(len(batch) for topic in TOPICS for batch in read_topic(broker.bootstrap_servers, topic))
        found = {"Kafka consumption alone": consumed / (time.perf_counter() - began)}
        tell("parsing, and copying into a table")
        parsing, parsed = 0.0, 0
        with (
            tempfile.TemporaryDirectory(prefix="hotplate-limits-") as directory,
            Postgres(Path(directory), shared_buffers_mb=512) as postgres,
        ):
            connection = postgres.connect("postgres")
            connection.execute("create table messages (value bytea)")
            connection.execute("set synchronous_commit = off")
            copying = 0.0
            for topic in TOPICS:
                for batch in read_topic(broker.bootstrap_servers, topic):
                    values = [message.value() or b"" for message in batch]
                    began = time.perf_counter()
                    for value in values:
                        try:
                            orjson.loads(value)
                        except orjson.JSONDecodeError:
                            continue
                    parsing += time.perf_counter() - began
                    rows = b"".join([struct.pack(">hi", 1, len(value)) + value for value in values])
                    began = time.perf_counter()
                    with connection.cursor().copy("copy messages from stdin (format binary)") as copy:
                        copy.write(COPY_HEADER + rows + COPY_END)
                    copying += time.perf_counter() - began
                    parsed += len(values)
            connection.close()
        found["JSON parsing alone"] = parsed / parsing
        found["COPY into a bare table"] = parsed / copying
        return {"rates": found}
