"""What each fault leads to: a status in mz_internal, a line in `hotplate status`, and nobody else is held up."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from mzlite.kafka.client import ensure_topic
from mzlite.testing.server import MzliteServer
from mzlite.wire.messages import Query, StartupMessage
from pytests.end_to_end.kafka_tools import create_topic, produce, read_committed, unique, wait_for
from pytests.faults.stack import FaultyStack
from stack.settings import Settings
from stack.status import Process, Report, ask_engine

AT_ONCE = 10.0
"""Seconds within which a client that has nothing to do with a fault is answered, on a busy machine."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyStack]:
    made = FaultyStack(tmp_path_factory.mktemp("stack"))
    made.mzlite.options = ("--subscription-limit", "4")
    with made:
        yield made


@pytest.fixture
def client(stack: FaultyStack) -> Iterator[psycopg.Connection[Any]]:
    with stack.mzlite.connect() as connection:
        run(
            connection,
            "create schema probe",
            "set search_path = probe",
            f"create connection kc to kafka (broker '{stack.broker.bootstrap_servers}', security protocol = plaintext)",
            "create table t (a int)",
            "create materialized view totals as select sum(a) as total from t",
        )
        yield connection
    with stack.mzlite.connect() as connection:
        run(connection, "drop schema probe cascade")


def run(connection: psycopg.Connection[Any], *statements: str) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def source(name: str, topic: str) -> str:
    options = f"topic '{topic}', topic metadata refresh interval '200ms'"
    return f"create source {name} from kafka connection kc ({options}) format text include partition as p"


def told(server: MzliteServer) -> Report:
    """What `hotplate status` has from mzlite."""
    found = Report("", Process(""), Process(""))
    ask_engine(Settings(sql_port=server.port), found)
    return found


def problem(server: MzliteServer, subject: str) -> str | None:
    """The line about a subject, if there is one."""
    return next((text for text in told(server).problems if text.startswith(f"{subject}: ")), None)


def others_go_on(connection: psycopg.Connection[Any]) -> None:
    """A write is answered, and the view over it is fresh."""
    began = time.monotonic()
    before = rows(connection, "select coalesce(total, 0) from totals")[0][0]
    run(connection, "insert into t values (1)")
    assert rows(connection, "select total from totals") == [(before + 1,)]
    assert time.monotonic() - began < AT_ONCE


@pytest.mark.parametrize("seconds", [0, pytest.param(60, marks=pytest.mark.faults)])
def test_a_broker_that_is_away(stack: FaultyStack, client: psycopg.Connection[Any], seconds: int) -> None:
    brokers, out = stack.broker.bootstrap_servers, unique("out")
    topic = create_topic(brokers)
    run(
        client,
        source("words", topic),
        "create materialized view said as select text from words",
        f"create sink told from totals into kafka connection kc (topic '{out}') key (total) format json envelope upsert",
    )
    produce(brokers, topic, [(None, b"before")])
    wait_for(lambda: rows(client, "table said") == [("before",)])
    others_go_on(client)
    wait_for(lambda: totals(brokers, out) == [1])
    stack.broker.kill()
    statuses = (
        "select name, status, error is not null from mz_internal.mz_source_statuses where name = 'words' union all"
        " select name, status, error is not null from mz_internal.mz_sink_statuses where name = 'told' order by name"
    )
    others_go_on(client)
    wait_for(lambda: rows(client, statuses) == [("told", "stalled", True), ("words", "stalled", True)])
    others_go_on(client)
    assert rows(client, "table said") == [("before",)]
    assert problem(stack.mzlite, "source probe.words")
    assert problem(stack.mzlite, "sink probe.told")
    until, written = time.monotonic() + seconds, 3
    while time.monotonic() < until:
        others_go_on(client)
        written += 1
        time.sleep(1)
    stack.broker.start()
    produce(brokers, topic, [(None, b"after")])
    wait_for(lambda: rows(client, "select * from said order by 1") == [("after",), ("before",)])
    wait_for(lambda: rows(client, statuses) == [("told", "running", False), ("words", "running", False)])
    assert told(stack.mzlite).problems == []
    # Each total once: nothing was lost, nothing was published twice.
    wait_for(lambda: totals(brokers, out) == [*range(1, written + 1)])


def totals(brokers: str, topic: str) -> list[int]:
    """What was published, in order, without tombstones and without the total of nothing."""
    found = (json.loads(read.value)["total"] for read in read_committed(brokers, topic) if read.value is not None)
    return [int(total) for total in found if total is not None]


def test_a_topic_that_is_made_anew(stack: FaultyStack, client: psycopg.Connection[Any]) -> None:
    brokers = stack.broker.bootstrap_servers
    topic, other = create_topic(brokers), create_topic(brokers)
    run(client, source("words", topic), "create materialized view said as select text from words")
    run(client, source("others", other), "create materialized view also as select text from others")
    produce(brokers, topic, [(None, b"1"), (None, b"2")])
    wait_for(lambda: len(rows(client, "table said")) == 2)
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.delete_topics([topic])[topic].result(30)
    wait_for(lambda: topic not in admin.list_topics(timeout=10).topics)
    ensure_topic({"bootstrap.servers": brokers}, topic, partitions=1)
    # While there is no topic of that name, another error may be seen.
    wait_for(lambda: "Source error: topic was " in (problem(stack.mzlite, "source probe.words") or ""))
    wait_for(lambda: "Source error: topic was " in (problem(stack.mzlite, "view probe.said") or ""))
    with pytest.raises(psycopg.Error, match="Source error: topic was "):
        rows(client, "table said")
    status = "select status from mz_internal.mz_source_statuses where name = 'words'"
    wait_for(lambda: rows(client, status) == [("stalled",)])
    others_go_on(client)
    produce(brokers, other, [(None, b"3")])
    wait_for(lambda: rows(client, "table also") == [("3",)])


def test_partitions_that_are_added_and_messages_that_expire(
    stack: FaultyStack, client: psycopg.Connection[Any]
) -> None:
    brokers = stack.broker.bootstrap_servers
    topic = create_topic(brokers)
    admin = AdminClient({"bootstrap.servers": brokers})
    run(client, source("words", topic), "create materialized view said as select text, p from words")
    produce(brokers, topic, [(None, b"0"), (None, b"1")])
    wait_for(lambda: len(rows(client, "table said")) == 2)
    admin.create_partitions([NewPartitions(topic, 2)])[topic].result(30)
    produce(brokers, topic, [(None, b"new")], partition=1)
    wait_for(lambda: rows(client, "select text from said where p = 1") == [("new",)])
    assert told(stack.mzlite).problems == []
    stack.mzlite.stop()
    produce(brokers, topic, [(None, str(number).encode()) for number in range(2, 8)], partition=0)
    for future in admin.delete_records([TopicPartition(topic, 0, 5)]).values():
        future.result(30)
    stack.mzlite.start()
    with stack.mzlite.connect() as again:
        run(again, "set search_path = probe")
        wanted = [(word,) for word in ("0", "1", "5", "6", "7", "new")]
        wait_for(lambda: rows(again, "select text from said order by 1") == wanted)
        note = "messages expired before they were read: offsets 2 to 4 of partition 0"
        status = "select status, details ->> 'hints' from mz_internal.mz_source_statuses where name = 'words'"
        wait_for(lambda: rows(again, status) == [("running", f'["{note}"]')])
        assert told(stack.mzlite).problems == [f"source probe.words: {note}"]
        others_go_on(again)


def test_clients_that_do_not_read(stack: FaultyStack, client: psycopg.Connection[Any]) -> None:
    run(client, "create table big (a text)")
    process = psutil.Process(stack.mzlite.process.pid)
    before = process.memory_info().rss
    with (
        deaf(stack, "copy (subscribe probe.big) to stdout"),
        deaf(stack, "select repeat('x', 1000) || g from generate_series(1, 1000000) as g"),
    ):
        others_go_on(client)
        cut_off = told(stack.mzlite).ticks["subscriptions_cut_off"]

        def is_cut_off() -> bool:
            run(client, "insert into big select repeat('x', 1000) || g from generate_series(1, 3000) as g")
            return bool(told(stack.mzlite).ticks["subscriptions_cut_off"] > cut_off)

        wait_for(is_cut_off)
        wait_for(lambda: rows(client, "select count(*) from mz_internal.mz_subscriptions") == [(0,)])
        others_go_on(client)
        assert process.memory_info().rss - before < 200 << 20
    # Neither leaves a backend behind.
    with stack.inside() as inside:
        busy = "select count(*) from pg_stat_activity where query like '%generate_series(1, 1000000)%' and pid <> pg_backend_pid()"
        wait_for(lambda: rows(inside, busy) == [(0,)])


def deaf(stack: FaultyStack, statement: str) -> socket.socket:
    """A client that asks and does not read the answer."""
    found = socket.create_connection(("127.0.0.1", stack.mzlite.port))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.sendall(StartupMessage({"user": "materialize", "database": "materialize"}).encode())
    found.sendall(Query(statement).encode())
    return found


# The disk ---------------------------------------------------------------------------------

MOUNT = 'mount -t tmpfs -o size=640m,mode=711 tmpfs "$0" && exec "$@"'
"""Twice what the test writes: the rows, their temporary copies, and the log that PostgreSQL keeps for the next writes (256 MB)."""


def small_disk(directory: Path) -> list[str]:
    """A command that runs another one with a small disk of its own at a directory; skips where that is not allowed."""
    directory.mkdir(parents=True)
    shell = ["sh", "-c", MOUNT, str(directory)]
    for unshare in (["unshare", "--mount"], ["unshare", "--mount", "--map-current-user", "--keep-caps"]):
        if shutil.which("unshare") and subprocess.run([*unshare, *shell, "true"], capture_output=True).returncode == 0:
            return [*unshare, *shell]
    pytest.skip("a small disk cannot be mounted here")


def test_a_full_disk(stack: FaultyStack, tmp_path: Path) -> None:
    brokers = stack.broker.bootstrap_servers
    topic = create_topic(brokers)
    server = MzliteServer(tmp_path, wrapper=small_disk(tmp_path / "data")).start()
    data = Path(f"/proc/{server.process.pid}/root") / str(tmp_path / "data").lstrip("/")
    try:
        with server.connect() as client:
            run(
                client,
                f"create connection kc to kafka (broker '{brokers}', security protocol = plaintext)",
                source("words", topic),
                "create materialized view said as select text from words",
                "create table t (a int)",
            )
            produce(brokers, topic, [(None, b"before")])
            wait_for(lambda: rows(client, "table said") == [("before",)])
        _fill(data / "ballast")
        for part in range(10):
            produce(
                brokers,
                topic,
                [(None, b"%d-%d-" % (part, number) + os.urandom(500).hex().encode()) for number in range(4000)],
            )
        # A tick fails and is tried again; or PostgreSQL cannot write its log, and mzlite waits for room to start it.
        wait_for(
            lambda: any(words in text for text in told(server).problems for words in ("No space left", "not answer"))
        )
        assert server.process.poll() is None
        (data / "ballast").unlink()
        wait_for(lambda: _count(server) == (40_001, 40_001))
        wait_for(lambda: told(server).problems == [])
        with server.connect() as client:
            run(client, "insert into t values (1)")
            status = "select status, error from mz_internal.mz_source_statuses where name = 'words'"
            wait_for(lambda: rows(client, status) == [("running", None)])
        assert [row[4] for row in server.administer("mzlite verify")] == ["equal"]
    finally:
        server.stop()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    assert shutil.disk_usage(path.parent).free == 0


def _count(server: MzliteServer) -> tuple[Any, ...] | None:
    try:
        with server.connect() as client:
            return rows(client, "select count(*), count(distinct text) from said")[0]
    except psycopg.OperationalError:
        return None
