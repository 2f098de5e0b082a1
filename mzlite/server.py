"""The whole server: the inner PostgreSQL, the engine, the listening front.

In: where to keep data and where to listen. Out: a running server, and its orderly end.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import structlog

from mzlite import long_names
from mzlite.catalog.drop import drop_all_temporary
from mzlite.catalog.status import record_counters, record_status
from mzlite.catalog.system import load_defaults
from mzlite.clock import Clock
from mzlite.coordinator import Coordinator
from mzlite.dataflow.engine import Engine, EngineOptions
from mzlite.dataflow.restored import mark_sinks
from mzlite.dataflow.statuses import Report
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.errors import MzError
from mzlite.metrics import ServerCollector, serve_metrics
from mzlite.roster import Roster
from mzlite.storage.backup import RESTORED
from mzlite.storage.bootstrap import bootstrap
from mzlite.storage.errors import PostgresError
from mzlite.storage.names import names_in_use
from mzlite.storage.postgres import Postgres
from mzlite.subscription import WAITING_BYTES
from mzlite.wire.address import bind
from mzlite.wire.options import WireOptions
from mzlite.wire.server import WireServer, serve

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
START_BYTES = 48 << 20
"""PostgreSQL writes a checkpoint at its start, for which it may need new segments of its log, of 16 MiB."""
RECOVERIES, RECOVERIES_SECONDS = 5, 60.0
"""An inner PostgreSQL that goes more often than so many times in so many seconds is not started anew any more."""
NOBODY = (
    "no role has a password, so nobody could log in: start on 127.0.0.1 without --authentication password first,"
    " and CREATE ROLE .. WITH LOGIN PASSWORD '..'"
)


@dataclass(frozen=True)
class ServerOptions:
    """How a server runs.

    Attributes:
        data_dir: everything it keeps.
        wire: where it listens, and limits of sessions.
        engine: limits of ticks.
        shared_buffers_mb: PostgreSQL's buffer cache in MiB; None for a quarter of the memory, at most 4 GiB.
        clock_at: hold the clock at this moment (ms since 1970) instead of letting it run.
        subscription_limit: bytes that may wait for one subscriber.
        metrics: where Prometheus may ask, if anywhere.
        test_clock: the administrator may hold the clock; so it is where `clock_at` is given.
    """

    data_dir: Path
    wire: WireOptions = field(default_factory=WireOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
    shared_buffers_mb: int | None = None
    clock_at: int | None = None
    test_clock: bool = False
    subscription_limit: int = WAITING_BYTES
    metrics: tuple[str, int] | None = None


class Server:
    """One mzlite. `start` and `stop` are called on the event loop that serves.

    Args:
        options: how it runs.
        clock: what its ticks read; a new one, held as the options say, by default.
    """

    def __init__(self, options: ServerOptions, clock: Clock | None = None) -> None:
        self.options = options
        if clock is None:
            clock = Clock()
            clock.hold(options.clock_at)
        self.clock = clock
        self.postgres = Postgres(options.data_dir, shared_buffers_mb=options.shared_buffers_mb)
        self.engine = Engine(self._connect, self.clock, options.engine, record)
        self.wire: WireServer | None = None
        self.roster: Roster | None = None
        self._sockets: list[socket.socket] = []
        self._stop_metrics: Callable[[], None] | None = None

    def _connect(self) -> psycopg.Connection[Any]:
        return self.postgres.connect()

    async def start(self) -> tuple[str, int]:
        """Brings everything up; returns the address that is listened on.

        Raises:
            PostgresError, FormatError, OSError: the data directory or the address cannot be used.
        """
        try:
            self._take_addresses()
            self.postgres.start()
            bootstrap(self.postgres)
            with self.postgres.connect() as connection:
                load_defaults(connection)
                long_names.load(names_in_use(connection))
            self._start_engine()
            test_clock = self.options.test_clock or self.options.clock_at is not None
            coordinator = Coordinator(
                self.engine,
                self.postgres,
                test_clock=test_clock,
                subscription_limit=self.options.subscription_limit,
            )
            self.roster = coordinator.roster
            if self.options.wire.authentication == "password" and not self.roster.anybody():
                raise MzError(NOBODY)
            sockets, self._sockets = self._sockets, []
            self.wire = await serve(coordinator, self.options.wire, sockets=sockets)
            if self.options.metrics is not None:
                self._serve_metrics(self.wire, coordinator.roster, *self.options.metrics)
        except BaseException:
            await self.stop()
            raise
        return self.wire.address

    def _take_addresses(self) -> None:
        """Fails where an address is taken, before anything is started; clients are refused until all is up."""
        if self.options.metrics is not None:
            for free in bind(*self.options.metrics):
                free.close()
        self._sockets = bind(self.options.wire.host, self.options.wire.port)

    def _start_engine(self) -> None:
        mark = self.options.data_dir.expanduser() / RESTORED

        def prepare(tx: EngineTransaction) -> None:
            drop_all_temporary(tx)
            if mark.exists():
                mark_sinks(tx, mark.read_text())

        self.engine.start(prepare)
        mark.unlink(missing_ok=True)

    def _serve_metrics(self, wire: WireServer, roster: Roster, host: str, port: int) -> None:
        collector = ServerCollector(self.engine.statistics, lambda: wire.session_count, roster.rows)
        port, self._stop_metrics = serve_metrics(collector, host, port)
        log.info("metrics", host=host, port=port)

    @property
    def is_broken(self) -> bool:
        """Whether the inner PostgreSQL has gone, or has thrown the engine out."""
        return self.postgres.pid is None or self.engine.is_cut_off

    async def stop(self) -> None:
        """Ends sessions, then ticks, then PostgreSQL."""
        broken = self.is_broken
        for bound in self._sockets:
            bound.close()
        if self._stop_metrics is not None:
            await asyncio.to_thread(self._stop_metrics)
            self._stop_metrics = None
        if self.wire is not None:
            await self.wire.stop()
            self.wire = None
        await asyncio.to_thread(self.engine.stop)
        if self.roster is not None:
            self.roster.close()
        self.postgres.stop(at_once=broken)


def record(tx: EngineTransaction, report: Report) -> None:
    """Notes what a source or sink does where the catalog shows it."""
    record_status(tx, report.object_id, report.status, report.error, report.note)
    record_counters(tx, report.object_id, report.counters)


def run(options: ServerOptions, ready: Callable[[str, int], None]) -> int:
    """Serves until SIGTERM or SIGINT; returns the process's exit status.

    Args:
        ready: called with the address once clients are accepted.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(options, ready))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loops where it is installed: they are faster; else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(options: ServerOptions, ready: Callable[[str, int], None]) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = Server(options)
    host, port = await _started(server)
    # Clients come back to the address that they know, also where any free port was asked for.
    options = replace(options, wire=replace(options.wire, port=port))
    ready(host, port)
    losses: deque[float] = deque(maxlen=RECOVERIES)
    while True:
        try:
            if await _is_told_to_stop(server, stopping):
                return 0
        finally:
            await server.stop()
        if not await _has_room(options.data_dir, stopping):
            return 0
        server = await _recovered(options, server.clock, losses)


async def _is_told_to_stop(server: Server, stopping: asyncio.Event) -> bool:
    """Waits until somebody wants the server to end (True) or it has lost its PostgreSQL (False)."""
    while not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
        except TimeoutError:
            if server.is_broken:
                return False
    return True


async def _has_room(data_dir: Path, stopping: asyncio.Event) -> bool:
    """Waits until PostgreSQL, which needs room to start, has some; False if somebody wants the server to end first."""
    is_told = False
    while shutil.disk_usage(data_dir).free < START_BYTES:
        if not is_told:
            log.error("the disk is full; PostgreSQL is started again when there is room", needed_bytes=START_BYTES)
            is_told = True
        try:
            await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue
        return False
    return True


async def _recovered(options: ServerOptions, clock: Clock, losses: deque[float]) -> Server:
    """A server over the same data, once there is one again; `losses` are the moments at which one was lost.

    Raises:
        PostgresError: that happens too often.
    """
    while True:
        now = time.monotonic()
        if len(losses) == RECOVERIES and now - losses[0] < RECOVERIES_SECONDS:
            raise PostgresError(
                f"the inner PostgreSQL has gone {RECOVERIES + 1} times within {now - losses[0]:.0f} s;"
                f" see {options.data_dir / 'postgres.log'}"
            )
        losses.append(now)
        log.error("the inner PostgreSQL has gone; starting it anew")
        server = Server(options, clock)
        try:
            await _started(server)
        except PostgresError as error:
            log.error("it did not start", error=str(error))
            await asyncio.sleep(LOOK_SECONDS)
        else:
            log.warning("the inner PostgreSQL runs again", seconds=round(time.monotonic() - now, 2))
            return server


async def _started(server: Server) -> tuple[str, int]:
    """Starts a server.

    Raises:
        PostgresError: also when PostgreSQL comes up and goes again meanwhile.
    """
    try:
        return await server.start()
    except psycopg.OperationalError as error:
        raise PostgresError(f"the inner PostgreSQL went while mzlite started: {error}") from error
