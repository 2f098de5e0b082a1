"""Backups of a server at work, and servers that go on from them: nothing lost, nothing published twice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mzlite.storage.backup import MANIFEST, BackupError, back_up, restore
from mzlite.storage.freeze import frozen
from mzlite.testing.server import MzliteServer
from pytests.end_to_end.kafka_tools import create_topic, produce, read_committed, unique, wait_for
from pytests.faults.kills import Plan, Summary, compare, deploy
from pytests.faults.pipeline import World
from pytests.faults.stack import FaultyStack, Writer
from stack.broker import Broker

EVENTS = 4_000


def test_a_backup_of_a_server_at_work_and_a_server_that_goes_on_from_it(kafka: Broker, tmp_path: Path) -> None:
    world = World(1, time.time_ns() // 1_000_000, 8.0)
    brokers = kafka.bootstrap_servers
    writer = Writer(brokers, world.messages)
    with FaultyStack(tmp_path / "first", kafka) as stack:
        deploy(stack)
        writer.start()
        writer.reach(EVENTS // 2)
        wait_for(lambda: shown(stack) > 500)
        definer = threading.Thread(target=_define, args=(stack,))
        definer.start()
        made = back_up(stack.mzlite.directory / "data", tmp_path / "backup")
        definer.join()
        assert made.pause < 10
        assert {path.stat().st_mode & 0o077 for path in tmp_path.joinpath("backup").rglob("*")} == {0}
        # What follows is in the topics, and most of it is published, when the backup is restored.
        writer.reach(EVENTS * 3 // 4)
        wait_for(lambda: shown(stack) >= EVENTS * 3 // 4)
        published = len(read_committed(brokers, "pipe-alerts"))
        assert published > 100
    restored = tmp_path / "second" / "mzlite" / "data"
    assert restore(tmp_path / "backup", restored) == made.made_at
    with FaultyStack(tmp_path / "second", kafka) as stack:
        assert not (restored / "restored").exists()
        summary = Summary(Plan(kills=0, events=EVENTS))
        writer.finish(EVENTS)
        compare(stack, world, summary, EVENTS)
        assert summary.alerts + summary.tombstones > published
        # Once agreed, it does not ask again.
        stack.kill_mzlite()
        compare(stack, world, summary, EVENTS)


def shown(stack: FaultyStack) -> int:
    with stack.mzlite.connect() as connection:
        row = connection.execute(
            "select (select count(*) from pipe.kafka_orders) + (select count(*) from pipe.kafka_status)"
        ).fetchone()
    assert row is not None
    return int(row[0])


def _define(stack: FaultyStack) -> None:
    """Definitions while the backup is made."""
    with stack.mzlite.connect() as connection:
        for number in range(5):
            connection.execute(f"create materialized view pipe.v{number} as select * from pipe.order_status".encode())


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a server that has been stopped."""
    directory = tmp_path_factory.mktemp("stopped")
    server = MzliteServer(directory).start()
    with server.connect() as connection:
        connection.execute("create table t (a int)")
        connection.execute("insert into t values (1), (2)")
    server.stop()
    assert back_up(directory / "data", directory / "backup").pause == 0
    return directory / "backup"


@pytest.fixture(scope="module")
def server(backup: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MzliteServer]:
    """Started from that backup."""
    directory = tmp_path_factory.mktemp("restored")
    restore(backup, directory / "data")
    server = MzliteServer(directory).start()
    yield server
    server.stop()


def test_a_backup_of_a_stopped_server(server: MzliteServer) -> None:
    with server.connect() as connection:
        assert connection.execute("select sum(a) from t").fetchone() == (3,)


def test_what_is_refused(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no data directory"):
        back_up(tmp_path, tmp_path / "backup")
    with pytest.raises(BackupError, match="there already and not empty"):
        back_up(backup.parent / "data", backup)
    with pytest.raises(BackupError, match="no complete backup"):
        restore(tmp_path, tmp_path / "data")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").touch()
    with pytest.raises(BackupError, match="is not empty"):
        restore(backup, taken)
    assert [path.name for path in taken.iterdir()] == ["file"]


@pytest.mark.parametrize(("name", "value"), [("format", 1_000), ("postgres", "17"), ("version", 2)])
def test_a_backup_of_another_version_is_refused(backup: Path, tmp_path: Path, name: str, value: object) -> None:
    manifest = backup / MANIFEST
    before = manifest.read_text()
    manifest.write_text(json.dumps({**json.loads(before), name: value}))
    try:
        with pytest.raises(BackupError, match="made by another mzlite"):
            restore(backup, tmp_path / "data")
    finally:
        manifest.write_text(before)
    assert not (tmp_path / "data").exists()


def test_a_damaged_backup_is_refused(backup: Path, tmp_path: Path) -> None:
    control = backup / "postgres" / "global" / "pg_control"
    before = control.read_bytes()
    control.write_bytes(before[:100] + b"x" + before[101:])
    try:
        with pytest.raises(BackupError, match="global/pg_control is not what was written"):
            restore(backup, tmp_path / "data")
        control.unlink()
        with pytest.raises(BackupError, match="global/pg_control is missing"):
            restore(backup, tmp_path / "data")
    finally:
        control.write_bytes(before)
    assert list((tmp_path / "data").iterdir()) == []


def test_what_was_frozen_goes_on_when_its_freezer_is_killed(server: MzliteServer) -> None:
    postmaster = int((server.directory / "data" / "postgres" / "postmaster.pid").read_text().split()[0])
    program = f"from mzlite.storage.freeze import frozen\nwith frozen({postmaster}):\n    input()"
    freezer = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    processes = [psutil.Process(postmaster), *psutil.Process(postmaster).children()]
    wait_for(lambda: {process.status() for process in processes} == {psutil.STATUS_STOPPED})
    freezer.kill()
    freezer.communicate()
    with server.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    with frozen(postmaster):
        assert psutil.Process(postmaster).status() == psutil.STATUS_STOPPED
    with server.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_debezium_sink_that_is_ahead_of_a_restored_backup_says_so(kafka: Broker, tmp_path: Path) -> None:
    brokers, out = kafka.bootstrap_servers, unique("debezium")
    topic = create_topic(brokers)
    server = MzliteServer(tmp_path / "first").start()
    try:
        with server.connect() as connection:
            for statement in (
                f"create connection kc to kafka (broker '{brokers}', security protocol = plaintext)",
                f"create source words from kafka connection kc (topic '{topic}') format text",
                "create materialized view said as select text, count(*) as n from words group by 1",
                f"create sink teller from said into kafka connection kc (topic '{out}') format json envelope debezium",
            ):
                connection.execute(statement.encode())
        produce(brokers, topic, [(None, b"before")])
        wait_for(lambda: len(read_committed(brokers, out)) == 1)
        back_up(tmp_path / "first" / "data", tmp_path / "backup")
        produce(brokers, topic, [(None, b"after")])
        wait_for(lambda: len(read_committed(brokers, out)) == 2)
    finally:
        server.stop()
    restore(tmp_path / "backup", tmp_path / "second" / "data")
    server = MzliteServer(tmp_path / "second").start()
    try:
        with server.connect() as connection:
            status = b"select error from mz_internal.mz_sink_statuses where name = 'teller' and status = 'stalled'"
            wait_for(lambda: "restored from a backup" in str(connection.execute(status).fetchone()))
            assert connection.execute("select count(*) from said").fetchone() == (2,)
        assert len(read_committed(brokers, out)) == 2
    finally:
        server.stop()
