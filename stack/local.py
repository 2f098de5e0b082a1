"""The local stack as one thing: broker, mzlite and topics.

In: settings. Out: a running stack, and the knowledge of what this call started, so that a
command can stop exactly that.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from mzlite.priority import lower
from stack.broker import Broker
from stack.broker_jars import BrokerError
from stack.engine import Engine
from stack.errors import OptionError, StackError
from stack.processes import require_free_port
from stack.settings import Settings
from stack.topics import create_topics, topics_of

BROKER_NICENESS = 10
Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps of it are done, and of how many."""


@dataclass
class Started:
    """What one call of `up` started."""

    broker: bool = False
    engine: bool = False
    topics: tuple[str, ...] = ()


class Stack:
    """Broker and engine of one state directory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.broker = Broker(
            settings.kafka_dir, settings.jars_dir, port=settings.kafka_port, heap_mb=settings.kafka_heap_mb
        )
        self.engine = Engine(settings)

    @property
    def is_up(self) -> bool:
        """True when both processes run."""
        return self.broker.pid is not None and self.engine.process is not None

    def up(self, system: str, progress: Progress) -> Started:
        """Start what does not run yet and create the topics of `system`.

        If something fails, what this call started is stopped again.

        Raises:
            StackError: a tool is missing, a port is taken, a process did not start.
        """
        topics = topics_of(system)
        started = Started()
        self._require_ports()
        try:
            if self.broker.pid is None:
                started.broker = True
                self.broker.start(progress, detach=True)
            progress("creating topics", 0, 1)
            started.topics = tuple(create_topics(self.broker.bootstrap_servers, topics, self.settings.partitions))
            progress("topics are ready", 1, 1)
            if self.engine.process is None:
                progress("starting mzlite", 0, 1)
                started.engine = True
            self.engine.start()
            # Not earlier: its start is what everybody waits for.
            if started.broker and self.broker.pid is not None:
                lower(self.broker.pid, BROKER_NICENESS)
            progress("mzlite is ready", 1, 1)
            self.settings.remember()
        except BrokerError as error:
            self.down(started)
            raise StackError(str(error)) from error
        except BaseException:
            self.down(started)
            raise
        return started

    def _require_ports(self) -> None:
        """That both can listen, before anything is started; what runs keeps the port that it has."""
        settings = self.settings
        ports = (
            ("the broker", "kafka_port", self.broker.pid is not None),
            ("mzlite", "sql_port", self.engine.process is not None),
        )
        if settings.kafka_port == settings.sql_port:
            raise OptionError(f"the broker and mzlite cannot both listen on port {settings.sql_port}")
        for what, name, is_running in ports:
            port = getattr(settings, name)
            if not is_running:
                option = f"--{name.replace('_', '-')} or HOTPLATE_{name.upper()}"
                require_free_port(port, what, option)
            elif (before := settings.remembered().get(name, port)) != port:
                raise StackError(f"{what} runs on port {before}; to give it port {port}, stop it with hotplate down")

    def down(self, what: Started | None = None) -> list[str]:
        """Stop everything, or only what one call of `up` started; the names of what was stopped.

        Raises:
            StackError: a process did not stop.
        """
        stopped = []
        # The engine first: it reads from the broker.
        if (what is None or what.engine) and self.engine.stop():
            stopped.append("mzlite")
        if (what is None or what.broker) and self.broker.pid is not None:
            try:
                self.broker.stop()
            except BrokerError as error:
                raise StackError(str(error)) from error
            stopped.append("broker")
        return stopped

    def remove_data(self) -> list[str]:
        """Remove topics, views, logs and pid files, but not the jars; the names of what was removed.

        Raises:
            StackError: the stack is up.
        """
        if self.broker.pid is not None or self.engine.process is not None:
            raise StackError("the stack is up; stop it first with hotplate down")
        removed = []
        for directory in (
            self.settings.kafka_dir,
            self.settings.mzlite_dir,
            self.settings.run_dir,
            self.settings.logs_dir,
        ):
            if directory.exists():
                shutil.rmtree(directory)
                removed.append(directory.name)
        return removed
