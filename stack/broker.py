"""Starts and stops one real Apache Kafka broker on the loopback address.

In: a data directory, a port, and where the jars are kept. Out: a running broker (KRaft, broker
and controller in one process) that answers on `bootstrap_servers`. Its storage survives
restarts; everything it writes, its log included, is below the data directory.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stack.broker_jars import BrokerError, Progress, install_jars, silent

LOOPBACK = "127.0.0.1"
LOG_CONFIGURATION = Path(__file__).with_name("log4j2.properties")
OLDEST_JAVA = 17

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # One node: everything internal has one replica, and few partitions keep the start short.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "default.replication.factor": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After a crash the next start must wait until the crashed broker's session has run out.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # A producer may send what is ten times larger than the usual limit; the pipeline copes.
    "message.max.bytes": str(20 * 1024 * 1024),
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}


class Broker:
    """One broker, described by its data directory; the process may have been started by someone else.

    Args:
        data_dir: where storage, configuration, log and pid file go.
        jars_dir: where the jars are kept between data directories.
        port: the client port on the loopback address; 0 takes a free one at the first start and keeps it.
        heap_mb: the Java heap's limit, in MiB.
        settings: broker properties added to, or put in place of, the usual ones.
    """

    def __init__(
        self,
        data_dir: Path,
        jars_dir: Path,
        *,
        port: int = 9092,
        heap_mb: int = 512,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.jars_dir = jars_dir
        self.port = port
        self.heap_mb = heap_mb
        self.settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._recall_port()

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to, host:port."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def log_file(self) -> Path:
        """The broker's log."""
        return self.data_dir / "logs" / "broker.log"

    @property
    def pid(self) -> int | None:
        """The running broker's process id, or None; found through the pid file when another process started it."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        try:
            pid = int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if str(self._properties_file) in _command_line(pid) else None

    def start(self, progress: Progress = silent, *, detach: bool = False, timeout: float = 60.0) -> None:
        """Start the broker and return when it serves clients; nothing happens if it runs already.

        Args:
            progress: told about the download, which happens only once, and about the start.
            detach: let it outlive this process; otherwise it ends when the calling thread ends.
            timeout: seconds to wait until it is ready.

        Raises:
            BrokerError: Java or Maven is missing, the port is taken, or it did not become ready.
        """
        self._recall_port()
        if self.pid is not None:
            self._wait_until_ready(time.monotonic() + timeout)
            return
        java = find_java()
        jars = install_jars(self.jars_dir, progress)
        self._settle_port()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(exist_ok=True)
        self._write_properties()
        if not (self._storage / "meta.properties").exists():
            progress("formatting the broker's storage", 0, 2)
            self._format(java, jars)
        progress("starting the broker", 1, 2)
        with (self.data_dir / "logs" / "console.log").open("wb") as console:
            self._process = subprocess.Popen(
                [*self._java_command(java, jars), "kafka.Kafka", str(self._properties_file)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=None if detach else _end_with_parent(),
            )
        self._pid_file.write_text(str(self._process.pid))
        try:
            self._wait_until_ready(time.monotonic() + timeout)
        except BaseException:
            self.kill()
            raise
        if detach:
            # From here on it is nobody's child; without this Python would warn that it still runs.
            self._process.returncode = 0
            self._process = None
        progress("the broker is ready", 2, 2)

    def stop(self, timeout: float = 30.0) -> None:
        """Stop it by SIGTERM and wait until it is gone; nothing happens if it does not run.

        Raises:
            BrokerError: it still runs after `timeout` seconds.
        """
        self._signal(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """End it at once, as a crash would (SIGKILL)."""
        self._signal(signal.SIGKILL, 10.0)

    def is_ready(self, timeout: float = 1.0) -> bool:
        """True when the broker answers a client within `timeout` seconds."""
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout):
            client = AdminClient(_quiet_client(self.bootstrap_servers))
            with suppress(KafkaException):
                return bool(client.list_topics(timeout=timeout).brokers)
        return False

    @property
    def _storage(self) -> Path:
        return self.data_dir / "storage"

    @property
    def _properties_file(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "broker.pid"

    def _recall_port(self) -> None:
        """Take the port of an earlier start when none was asked for."""
        if self.port == 0:
            with suppress(FileNotFoundError):
                match = re.search(r"PLAINTEXT://[\d.]+:(\d+)", self._properties_file.read_text())
                self.port = int(match[1]) if match else 0

    def _settle_port(self) -> None:
        if self.port == 0:
            self.port = free_port()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, self.port))
            except OSError as error:
                raise BrokerError(f"port {self.port} on {LOOPBACK} is taken; choose another for the broker") from error

    def _write_properties(self) -> None:
        # The controller's port is nobody else's business, so each start takes a free one.
        controller = f"{LOOPBACK}:{free_port()}"
        properties = {
            **SETTINGS,
            "listeners": f"PLAINTEXT://{self.bootstrap_servers},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap_servers}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self._storage),
            **self.settings,
        }
        self._properties_file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))

    def _format(self, java: str, jars: Path) -> None:
        shutil.rmtree(self._storage, ignore_errors=True)
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [
            *self._java_command(java, jars),
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster_id}",
            f"--config={self._properties_file}",
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise BrokerError(f"the broker's storage could not be formatted:\n{result.stdout}{result.stderr}")

    def _java_command(self, java: str, jars: Path) -> list[str]:
        return [
            java,
            f"-Xmx{self.heap_mb}m",
            "-Xms64m",
            "-XX:+UseSerialGC",
            "-Xshare:auto",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={LOG_CONFIGURATION}",
            f"-Dkafka.logs.dir={self.log_file.parent}",
            "-cp",
            f"{jars}/*",
        ]

    def _wait_until_ready(self, deadline: float) -> None:
        while not self.is_ready():
            if self.pid is None:
                raise BrokerError(f"the broker ended while it started:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise BrokerError(f"the broker was not ready in time:\n{self._log_tail()}")
            time.sleep(0.05)

    def _log_tail(self, lines: int = 15) -> str:
        text = ""
        for file in (self.log_file.with_name("console.log"), self.log_file):
            with suppress(FileNotFoundError):
                text += "\n".join(file.read_text(errors="replace").splitlines()[-lines:])
        return text

    def _signal(self, number: signal.Signals, timeout: float) -> None:
        pid = self.pid
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + timeout
            while self.pid is not None:
                if time.monotonic() > deadline:
                    raise BrokerError(f"the broker (process {pid}) did not stop within {timeout:g} s")
                time.sleep(0.02)
        self._process = None
        self._pid_file.unlink(missing_ok=True)


def _quiet_client(bootstrap_servers: str) -> dict[str, Any]:
    """A client's configuration for a broker that may not answer yet, which is nothing to write about."""
    return {"bootstrap.servers": bootstrap_servers, "log_level": 0, "error_cb": lambda _error: None}


def find_java() -> str:
    """The path of a Java 17 or newer: from JAVA_HOME, else from the PATH.

    Raises:
        BrokerError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home) / "bin" / "java")) if home else shutil.which("java")
    if java is None:
        raise BrokerError(
            f"Java {OLDEST_JAVA} or newer is needed for the broker: set JAVA_HOME, or put java on the PATH"
        )
    text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    if match is None or int(match[1]) < OLDEST_JAVA:
        raise BrokerError(f"the broker needs Java {OLDEST_JAVA} or newer, and {java} is another:\n{text}")
    return java


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _command_line(pid: int) -> str:
    """The command line of a process, or an empty text; so a recycled process id is not taken for the broker."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


def _end_with_parent() -> Callable[[], None] | None:
    """For the child, before exec: ask the kernel to end it when its parent ends (Linux only)."""
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    set_parent_death_signal = 1

    def ask() -> None:
        prctl(set_parent_death_signal, signal.SIGTERM)

    return ask
