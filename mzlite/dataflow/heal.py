"""Healing: objects whose rows could not be computed are filled anew once they can be.

In: the objects that carry an error. Out: the same objects without it, when the offending row has
gone. An attempt computes the object from all of its input, so attempts become rarer the longer they take.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import psycopg
import structlog

from mzlite.dataflow.dataflow import Dataflow
from mzlite.dataflow.keeping import fill
from mzlite.dataflow.objects import Graph, MaintainedObject
from mzlite.dataflow.rel import NOW, names_of, total
from mzlite.dataflow.sinks import ActiveSink, messages
from mzlite.dataflow.transaction import EngineTransaction

log = structlog.get_logger(__name__)

FIRST_PAUSE = 0.05
PATIENCE = 10.0
"""Between two attempts passes this many times the time that the first of them took."""


@dataclass
class Healing:
    """When which object is tried again."""

    attempts: dict[str, float] = field(default_factory=dict)

    def failed(self, object_id: str) -> None:
        """An object has just failed."""
        self.attempts[object_id] = time.monotonic() + FIRST_PAUSE

    def next_attempt(self, graph: Graph) -> float | None:
        """The moment (monotonic seconds) of the next attempt."""
        waiting = [self.attempts.get(item.id, 0.0) for item in graph if item.error is not None]
        return min(waiting, default=None)

    def attempt(self, tx: EngineTransaction, dataflow: Dataflow) -> bool:
        """Tries the objects whose time has come, in dependency order; returns whether any healed."""
        now = time.monotonic()
        healed = False
        for item in dataflow.graph:
            if item.error is None or self.attempts.get(item.id, 0.0) > now:
                continue
            if any(dataflow.graph[other].error is not None for other in item.reads if other in dataflow.graph):
                self.attempts[item.id] = now + FIRST_PAUSE
                continue
            started = time.monotonic()
            if self._try(tx, dataflow, item):
                healed = True
                self.attempts.pop(item.id, None)
            else:
                spent = time.monotonic() - started
                self.attempts[item.id] = time.monotonic() + max(FIRST_PAUSE, PATIENCE * spent)
        return healed

    def _try(self, tx: EngineTransaction, dataflow: Dataflow, item: MaintainedObject) -> bool:
        """Fills one object anew; on an error everything stays as it was."""
        sinks = [sink for sink in dataflow.sinks.values() if sink.from_id == item.id]
        try:
            with tx.connection.transaction():
                if sinks:
                    tx.execute(f"create temporary table before_healing as {item.rel.state()}")
                for node in item.nodes:
                    for statement in node.reset_statements():
                        tx.execute(statement)
                fill(tx, item)
                for sink in sinks:
                    self._publish_difference(tx, sink, item)
                if sinks:
                    tx.execute("drop table pg_temp.before_healing")
        except psycopg.Error as error:
            log.debug("an object cannot be computed yet", object=item.id, error=str(error))
            return False
        item.error = None
        tx.execute("delete from mzlite.errors where object_id = %s", (item.id,))
        log.info("a view can be computed again", object=item.id)
        return True

    def _publish_difference(self, tx: EngineTransaction, sink: ActiveSink, item: MaintainedObject) -> None:
        """What the sink missed while its collection had an error."""
        own = names_of(item.columns)
        both = (
            f"select {own}, 1 as mz_diff from ({item.rel.state()}) as n"
            f" union all select {own}, -1 from pg_temp.before_healing"
        )
        net = f"select {total('mz_diff')} as mz_diff, {own} from ({both}) as b group by {own} having {total('mz_diff')} <> 0"
        tx.execute(messages(sink, net).replace(NOW, str(tx.timestamp)))
