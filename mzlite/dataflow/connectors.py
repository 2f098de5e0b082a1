"""What runs for sources and sinks: the readers of topics, the writers of sinks, the load generators.

In: specifications, once the transaction that made them has committed. Out: running threads that the engine takes from,
wakes and stops.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import psycopg

from mzlite.clock import Clock
from mzlite.generators.runner import Generation
from mzlite.generators.spec import GeneratorSpec
from mzlite.kafka.ingest import Ingest
from mzlite.kafka.publish import Publisher
from mzlite.kafka.restored import Snapshot
from mzlite.kafka.spec import IngestSpec, SinkSpec

Connector = Ingest | Publisher | Generation


class RunningConnectors:
    """The connectors of one engine, by the id of their object.

    Args:
        connect: gives superuser connections to the database.
        clock: what load generators go by.
        wake: called, from any thread, when something has arrived or a status has changed.
        absorb_writes: a tick that takes in what a load generator has written.
        snapshot: what a restored sink's collection holds, or why it cannot be told; by the sink's id.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        clock: Clock,
        wake: Callable[[], None],
        absorb_writes: Callable[[], Future[int]],
        snapshot: Callable[[str], Snapshot | str],
    ) -> None:
        self._connect, self._clock, self._wake = connect, clock, wake
        self._absorb_writes, self._snapshot = absorb_writes, snapshot
        self.ingests: dict[str, Ingest] = {}
        self.publishers: dict[str, Publisher] = {}
        self.generations: dict[str, Generation] = {}
        self._leaving: deque[Connector] = deque(maxlen=100)

    def start_reader(self, spec: IngestSpec, offsets: dict[int, int]) -> None:
        """Begins to read a source's topic."""
        ingest = Ingest(spec, offsets, self._wake)
        self.ingests[spec.source_id] = ingest
        ingest.start()

    def start_generator(self, spec: GeneratorSpec) -> None:
        """Begins to fill the relations of a load generator."""
        generation = Generation(spec, self._connect, self._clock, self._absorb_writes)
        self.generations[spec.source_id] = generation
        generation.start()

    def unready(self) -> list[Future[None]]:
        """The load generators that have not put out yet what is due."""
        return [generation.ready for generation in list(self.generations.values()) if not generation.ready.done()]

    def start_writer(self, spec: SinkSpec) -> None:
        """Begins to publish a sink."""
        publisher = Publisher(spec, self._connect, self._wake, lambda: self._snapshot(spec.sink_id))
        self.publishers[spec.sink_id] = publisher
        publisher.start()

    def stop_connector(self, object_id: str) -> None:
        """Stops the reader, writer or generator of a dropped object."""
        for connectors in (self.ingests, self.publishers, self.generations):
            running = connectors.pop(object_id, None)
            if running is not None:
                # Its thread may be waiting for a broker that does not answer; ticks must not wait with it.
                running.stop(wait=False)
                self._leaving.append(running)

    def stop(self) -> None:
        """Stops all of them, at the same time, and waits."""
        running: list[Connector] = [*self.ingests.values(), *self.publishers.values()]
        running += [*self.generations.values(), *self._leaving]
        for connector in running:
            connector.stop(wait=False)
        for connector in running:
            connector.stop()
