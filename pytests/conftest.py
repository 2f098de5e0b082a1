"""Fixtures for every test: a real Kafka broker and a bootstrapped PostgreSQL, started when the first test asks for them.

With pytest-xdist all workers share one broker; the process that the person started stops it. Each has its own PostgreSQL.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mzlite.storage.postgres import Postgres
from pytests.postgres import bootstrapped
from stack.broker import Broker

REPOSITORY = Path(__file__).parent.parent
JARS = REPOSITORY / ".hotplate" / "jars"
# An installation older than the plugin's entry point does not know it.
pytest_plugins = ["mzlite.testing.plugin"]
SHARED = "HOTPLATE_TEST_DIRECTORY"


def _broker(port: int = 0) -> Broker:
    return Broker(Path(os.environ[SHARED]) / "kafka", JARS, port=port, heap_mb=384)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # What a shell starts in the background ignores SIGINT, and so would all that the tests start and want to end by it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Workers are started with this process's environment, and so learn where the broker is.
    if not _is_worker(config):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="hotplate-tests-")
        if config.option.basetemp is None:
            # pytest's own directory is shared by all runs of a user, and each run closes it to other accounts
            # anew: also to PostgreSQL's, under which the servers of another run are just starting.
            config.option.basetemp = str(Path(os.environ[SHARED]) / "files")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_worker(config) and SHARED in os.environ:
        _broker().kill()
        shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True)


@pytest.fixture(scope="session")
def mzlite_brokers(kafka: Broker) -> str:
    return kafka.bootstrap_servers


@pytest.fixture(scope="session")
def kafka() -> Broker:
    """A running broker on a free port of the loopback address; use topics with names of your own."""
    with (Path(os.environ[SHARED]) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        broker = _broker()
        # Detached: whichever worker starts it, the others still need it when that one has ended.
        broker.start(detach=True)
    return broker


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running PostgreSQL with mzlite's bootstrap; what a test makes in it, it takes away again."""
    with bootstrapped(tmp_path_factory.mktemp("postgres")) as server:
        yield server
