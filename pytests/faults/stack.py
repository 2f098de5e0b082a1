"""Real processes that are killed: a broker, an mzlite, and a writer of events that goes on meanwhile.

In: a directory. Out: processes that are started again after each kill, and topics that hold every event once.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from confluent_kafka import Producer

from mzlite.testing.server import MzliteServer
from pytests.end_to_end.kafka_tools import wait_for
from pytests.faults.pipeline import Message
from stack.broker import Broker

JARS = Path(__file__).parents[2] / ".hotplate" / "jars"
BACK_SECONDS = 200.0


class FaultyStack:
    """A broker and an mzlite of their own; or an mzlite beside a broker that runs and is not ours to kill."""

    def __init__(self, directory: Path, broker: Broker | None = None) -> None:
        self._owns_broker = broker is None
        self.broker = broker or Broker(directory / "kafka", JARS, port=0, heap_mb=384)
        self.mzlite = MzliteServer(directory / "mzlite")

    def start(self) -> None:
        if self._owns_broker:
            self.broker.start()
        self.mzlite.start()

    def __enter__(self) -> FaultyStack:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.mzlite.stop()
        if self._owns_broker:
            self.broker.kill()

    # The faults -----------------------------------------------------------------------

    def kill_mzlite(self) -> None:
        """SIGKILL, and a new start over the same data."""
        self.mzlite.stop(signal.SIGKILL)
        self.mzlite.start()

    def kill_mzlite_while_it_starts(self, chance: random.Random) -> None:
        """SIGKILL twice, the second time at any moment of the new start."""
        self.mzlite.stop(signal.SIGKILL)
        began = threading.Thread(target=self._try_to_start)
        began.start()
        time.sleep(chance.random() * 2)
        process = self.mzlite._process
        if process is not None and process.poll() is None:
            process.kill()
        began.join()
        self.mzlite.stop(signal.SIGKILL)
        self.mzlite.start()

    def _try_to_start(self) -> None:
        # It may be killed before it answers.
        with suppress(RuntimeError):
            self.mzlite.start()

    def kill_postmaster(self) -> None:
        """SIGKILL of the inner PostgreSQL; the same mzlite must come back by itself."""
        self._expect_return(self.postmaster)

    def kill_engine_backend(self) -> None:
        """SIGKILL of the backend that ticks run in."""
        with self.inside() as connection:
            row = connection.execute(
                "select pid from pg_stat_activity where application_name = 'mzlite engine'"
            ).fetchone()
        assert row is not None
        self._expect_return(row[0])

    def kill_any_backend(self, chance: random.Random) -> None:
        """SIGKILL of any child of the postmaster: checkpointer, WAL writer, a client's backend .."""
        children = psutil.Process(self.postmaster).children()
        self._expect_return(chance.choice(sorted(child.pid for child in children)))

    def kill_broker(self) -> None:
        """SIGKILL, and a new start."""
        self.broker.kill()
        self.broker.start(timeout=BACK_SECONDS)

    # Looking at it ----------------------------------------------------------------------

    @property
    def postmaster(self) -> int:
        """The inner PostgreSQL's first process."""
        return int(self._postmaster_file()[0])

    def inside(self) -> psycopg.Connection[Any]:
        """A connection around mzlite, as the inner PostgreSQL's owner."""
        return psycopg.connect(
            host=self._postmaster_file()[4], port=5432, user="mz_system", dbname="materialize", autocommit=True
        )

    def _postmaster_file(self) -> list[str]:
        return (self.mzlite.directory / "data" / "postgres" / "postmaster.pid").read_text().splitlines()

    def _expect_return(self, victim: int) -> None:
        process, before = self.mzlite.process, self.postmaster
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: self._has_returned(before), BACK_SECONDS)
        assert process.poll() is None, self.mzlite.log_file.read_text()

    def _has_returned(self, before: int) -> bool:
        """Another PostgreSQL runs, and clients are answered."""
        try:
            if self.postmaster == before:
                return False
            with self.mzlite.connect() as connection:
                return connection.execute("select 1").fetchone() == (1,)
        except (OSError, psycopg.Error, ValueError, IndexError):
            return False


class Writer:
    """Writes events up to a goal that moves; each is in its topic once, whatever happens to the broker.

    Args:
        brokers: bootstrap servers.
        messages: the events.
    """

    def __init__(self, brokers: str, messages: Callable[[int], Iterator[Message]]) -> None:
        self._messages = messages
        self._goal = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "enable.idempotence": True,
                "linger.ms": 5,
                "log_level": 0,
                "message.timeout.ms": 0,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self.written = 0

    def start(self) -> None:
        self._thread.start()

    def reach(self, goal: int) -> None:
        """Write until so many were written in all; returns at once."""
        self._goal = goal

    def finish(self, goal: int) -> None:
        """Returns when all of them are acknowledged."""
        self.reach(goal)
        wait_for(lambda: self.written == goal, 600)
        self._stopping.set()
        self._thread.join()
        assert self._producer.flush(120) == 0

    def _run(self) -> None:
        while not self._stopping.is_set():
            size = min(2_000, self._goal - self.written)
            if size <= 0:
                self._producer.poll(0.02)
                continue
            for topic, key, value in self._messages(size):
                while True:
                    try:
                        self._producer.produce(topic, value, key)
                        break
                    except BufferError:
                        self._producer.poll(0.1)
            self.written += size
            self._producer.poll(0)
