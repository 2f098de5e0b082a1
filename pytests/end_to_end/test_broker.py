"""The broker that `hotplate` and the tests start."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pytests.conftest import JARS
from pytests.end_to_end.kafka_tools import create_topic, produce, read_committed
from stack import broker_jars
from stack.broker import LOOPBACK, Broker, BrokerError, find_java, free_port


@pytest.mark.slow
def test_it_keeps_its_port_and_its_topics_across_stops_and_crashes(tmp_path: Path) -> None:
    broker = Broker(tmp_path, JARS, port=0, heap_mb=256)
    steps: list[tuple[str, int, int]] = []
    broker.start(lambda *step: steps.append(step))
    try:
        port = broker.port
        assert steps[-1] == ("the broker is ready", 2, 2)
        topic = create_topic(broker.bootstrap_servers)
        produce(broker.bootstrap_servers, topic, [(b"k", b"1")])
        # Another process finds the running one by its directory.
        other = Broker(tmp_path, JARS, port=0)
        assert (other.port, other.pid) == (port, broker.pid)
        broker.stop()
        assert broker.pid is None
        assert other.pid is None
        broker.start()
        produce(broker.bootstrap_servers, topic, [(b"k", b"2")])
        broker.kill()
        broker.start()
        assert broker.port == port
        assert [read.value for read in read_committed(broker.bootstrap_servers, topic)] == [b"1", b"2"]
    finally:
        broker.kill()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port}"):
            Broker(tmp_path, JARS, port=port).start()


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broker = Broker(tmp_path, JARS, port=free_port(), settings={"log.retention.ms": "many"})
    with pytest.raises(BrokerError, match=r"log\.retention\.ms"):
        broker.start()
    assert broker.pid is None


def test_a_process_that_took_over_the_pid_is_not_the_broker(tmp_path: Path) -> None:
    broker = Broker(tmp_path, JARS, port=0)
    (tmp_path / "broker.pid").write_text(str(os.getpid()))
    assert broker.pid is None
    broker.stop()


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BrokerError, match="Java 17 or newer"):
        find_java()


def test_a_failed_download_leaves_nothing_that_looks_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] no network'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setattr(broker_jars.shutil, "which", lambda _name: str(maven))
    with pytest.raises(BrokerError, match="no network"):
        broker_jars.install_jars(tmp_path / "jars")
    assert [path.name for path in (tmp_path / "jars").iterdir()] == ["lock"]
    monkeypatch.setattr(broker_jars.shutil, "which", lambda _name: None)
    with pytest.raises(BrokerError, match="Maven is needed"):
        broker_jars.install_jars(tmp_path / "jars")
