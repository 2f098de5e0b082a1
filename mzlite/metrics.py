"""Metrics in Prometheus's text format, over HTTP on a loopback address.

In: a running server's parts. Out: a page `/metrics`, computed when it is asked for: ticks from the engine, sessions
from the wire, sources, sinks and errors from the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from mzlite.dataflow.statistics import Statistics
from mzlite.errors import cannot_listen

Rows = Callable[[str], list[tuple[Any, ...]]]

_SOURCES = """
select
    o.id, mzlite.full_name(o.id), s.messages_received, s.bytes_received, s.updates_committed,
    greatest(s.offset_known - s.offset_committed, 0)
from mzlite.source_statistics as s inner join mzlite.objects as o on o.id = s.object_id
"""
_SINKS = """
select o.id, mzlite.full_name(o.id), s.messages_staged, s.messages_committed
from mzlite.sink_statistics as s inner join mzlite.objects as o on o.id = s.object_id
"""
_STATUSES = """
select o.id, mzlite.full_name(o.id), o.type, s.status
from mzlite.statuses as s inner join mzlite.objects as o on o.id = s.object_id
"""
_ERRORS = "select count(*) from mzlite.errors"
_LABELS = ("id", "name")


class ServerCollector(Collector):
    """Says how a server is at the moment of the question.

    Args:
        statistics: the engine's.
        sessions: how many clients there are.
        rows: runs a query beside the engine.
    """

    def __init__(self, statistics: Statistics, sessions: Callable[[], int], rows: Rows) -> None:
        self._statistics = statistics
        self._sessions = sessions
        self._rows = rows

    @override
    def collect(self) -> Iterable[Metric]:
        statistics = self._statistics
        yield SummaryMetricFamily(
            "mzlite_tick_seconds",
            "Ticks that changed something, and the time they took.",
            count_value=statistics.ticks,
            sum_value=statistics.seconds,
        )
        yield CounterMetricFamily("mzlite_tick_rows", "Rows that ticks took in.", value=statistics.rows)
        yield CounterMetricFamily(
            "mzlite_tick_rows_ahead", "Rows that were decoded while the tick before ran.", value=statistics.ahead
        )
        yield CounterMetricFamily(
            "mzlite_tick_failures", "Ticks that could not be committed and were tried again.", value=statistics.failures
        )
        yield GaugeMetricFamily("mzlite_sessions", "Clients that are connected.", value=self._sessions())
        ((errors,),) = self._rows(_ERRORS)
        yield GaugeMetricFamily("mzlite_objects_in_error", "Objects that cannot be computed now.", value=errors)
        yield from self._sources()
        yield from self._sinks()
        status = GaugeMetricFamily(
            "mzlite_status", "1 for the status that it has.", labels=(*_LABELS, "type", "status")
        )
        for *labels, value in self._rows(_STATUSES):
            status.add_metric([*map(str, labels), str(value)], 1)
        yield status

    def _sources(self) -> Iterator[Metric]:
        messages = CounterMetricFamily("mzlite_source_messages", "Messages read.", labels=_LABELS)
        sizes = CounterMetricFamily("mzlite_source_bytes", "Bytes read.", labels=_LABELS)
        updates = CounterMetricFamily("mzlite_source_updates", "Rows committed.", labels=_LABELS)
        lag = GaugeMetricFamily("mzlite_source_lag_messages", "Messages in the topic and not yet here.", labels=_LABELS)
        for identity, name, received, size, committed, behind in self._rows(_SOURCES):
            labels = [str(identity), str(name)]
            messages.add_metric(labels, received)
            sizes.add_metric(labels, size)
            updates.add_metric(labels, committed)
            if behind is not None:
                lag.add_metric(labels, behind)
        yield from (messages, sizes, updates, lag)

    def _sinks(self) -> Iterator[Metric]:
        staged = CounterMetricFamily("mzlite_sink_staged", "Messages that ticks have written for it.", labels=_LABELS)
        position = CounterMetricFamily("mzlite_sink_published", "Messages that are in the topic.", labels=_LABELS)
        for identity, name, written, published in self._rows(_SINKS):
            staged.add_metric([str(identity), str(name)], written)
            position.add_metric([str(identity), str(name)], published)
        yield from (staged, position)


def serve_metrics(collector: ServerCollector, host: str, port: int) -> tuple[int, Callable[[], None]]:
    """Begin to answer; returns the port and what ends it.

    Raises:
        OSError: the address is taken.
    """
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise cannot_listen(host, port, error) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return int(server.server_address[1]), stop
