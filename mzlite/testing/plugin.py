"""The plugin for pytest: the fixtures `mzlite`, `mzlite_server` and `mzlite_brokers`, and the marker `mzlite`.

In: a session of pytest. Out: one server for all tests with a held clock, one for those that want it running, each
started when the first test asks for it; a database and a day of its own for each test.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mzlite.testing.database import Mzlite
    from mzlite.testing.server import MzliteServer

FIRST_MOMENT = datetime(2026, 1, 1)
"""Where the clock of a new server is held."""
RUNNING = "running"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and the setting for Kafka."""
    group = parser.getgroup("mzlite")
    group.addoption("--mzlite-brokers", help="Kafka's bootstrap servers for tests that use topics.")
    parser.addini("mzlite_brokers", "Kafka's bootstrap servers for tests that use topics.", default="")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line(
        "markers",
        'mzlite(clock=..): where the clock is held at the start of the test, such as "2026-01-01 12:00", or "running".',
    )


class Servers:
    """The servers of a session, each started when it is first asked for."""

    def __init__(self, directory: Callable[[], Path], brokers: Callable[[], str | None]) -> None:
        self._directory, self._brokers = directory, brokers
        self._numbers = itertools.count(1)
        self._running: MzliteServer | None = None
        self._held: MzliteServer | None = None

    def running(self) -> MzliteServer:
        """The one whose clock runs."""
        if self._running is None:
            self._running = self._started()
        return self._running

    def held(self, moment: datetime | None = None) -> MzliteServer:
        """The one whose clock is held; a new one if its clock has passed the moment."""
        from mzlite.testing.clock import HeldClock, milliseconds

        if self._held is not None and moment is not None:
            clock = HeldClock(self._held, moment.date())
            if clock.now > moment:
                self._held.stop()
                self._held = None
            else:
                clock.set(moment)
        if self._held is None:
            self._held = self._started("--clock-at", str(milliseconds(moment or FIRST_MOMENT)))
        return self._held

    def _started(self, *options: str) -> MzliteServer:
        from mzlite.testing.server import MzliteServer

        return MzliteServer(self._directory(), options).start()

    @contextmanager
    def database(self, directory: Path, clock: str | datetime | None = None) -> Iterator[Mzlite]:
        """A fresh database; fixtures of a wider scope than a test's use this.

        Args:
            directory: for its files.
            clock: where the clock is held, or "running"; without it, at the beginning of a day that nobody had before.
        """
        from mzlite.testing.clock import HeldClock
        from mzlite.testing.database import Mzlite

        if clock == RUNNING:
            server = self.running()
            day = datetime.now().date()
        elif clock is not None:
            moment = clock if isinstance(clock, datetime) else datetime.fromisoformat(clock)
            server, day = self.held(moment), moment.date()
        else:
            server = self.held()
            held = HeldClock(server, FIRST_MOMENT.date())
            day = held.now.date() + timedelta(days=1)
            held.set(datetime.combine(day, datetime.min.time()))
        made = Mzlite(server, f"test_{next(self._numbers)}", HeldClock(server, day), directory, self._brokers)
        try:
            yield made
        finally:
            made.close()

    def stop(self) -> None:
        """Stop them all."""
        for server in (self._running, self._held):
            if server is not None:
                server.stop()


@pytest.fixture(scope="session")
def mzlite_servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers behind the other fixtures."""
    servers = Servers(lambda: tmp_path_factory.mktemp("mzlite"), lambda: request.getfixturevalue("mzlite_brokers"))
    try:
        yield servers
    finally:
        servers.stop()


@pytest.fixture(scope="session")
def mzlite_brokers(pytestconfig: pytest.Config) -> str | None:
    """Kafka's bootstrap servers; a project that starts a broker for its tests overrides this fixture."""
    found = pytestconfig.getoption("--mzlite-brokers") or pytestconfig.getini("mzlite_brokers")
    return str(found) or None


@pytest.fixture
def mzlite(request: pytest.FixtureRequest, mzlite_servers: Servers, tmp_path: Path) -> Iterator[Mzlite]:
    """A fresh database on a server whose clock the test holds, at the beginning of a day that no test had before."""
    marker = request.node.get_closest_marker("mzlite")
    with mzlite_servers.database(tmp_path, marker.kwargs.get("clock") if marker is not None else None) as made:
        yield made
