"""What must not be told is not: in logs, the catalog, errors, the process table and the modes of files.

Also what may be told, and is: metrics and structured logs; and that who does not listen is cut off.
"""

from __future__ import annotations

import json
import re
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from mzlite.wire.messages import Query, StartupMessage
from pytests.security.running import DEADLINE, RunningServer

SECRET = "tiefgeheim"
STATEMENTS = (
    f"create secret one as '{SECRET}'",
    f"create secret one as '{SECRET}'",
    f"create secret if not exists one as '{SECRET}'",
    f"create secret two as '{SECRET}'::bytea || 1 / 0",
    f"create secret three as nosuch('{SECRET}')",
    f"create secret \"{'x' * 300}\" as '{SECRET}'",
    f"alter secret one as '{SECRET}'",
    f"alter secret nosuch as '{SECRET}'",
    f"create role ann with login password '{SECRET}'",
    f"create role ann with login password '{SECRET}'",
    f"alter role ann with password '{SECRET}'",
    f"alter role nosuch with password '{SECRET}'",
    "create connection k to kafka (broker 'localhost:1', security protocol = 'SASL_PLAINTEXT', sasl mechanisms = 'PLAIN',"
    " sasl username = 'me', sasl password = secret one) with (validate = false)",
    "create connection k2 to kafka (broker 'localhost:1', security protocol = 'SASL_PLAINTEXT', sasl mechanisms = 'PLAIN',"
    " sasl username = 'me', sasl password = secret one)",
    "validate connection k",
)
CATALOG = """
select c.oid::regclass::text from pg_catalog.pg_class as c
where c.relkind in ('r', 'v', 'm') and has_table_privilege('materialize', c.oid, 'select')
    and has_schema_privilege('materialize', c.relnamespace, 'usage')
    and c.relnamespace::regnamespace::text in
        ('mz_catalog', 'mz_internal', 'pg_catalog', 'mzlite_pg', 'information_schema', 'public')
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    directory = tmp_path_factory.mktemp("secrets")
    options = (
        "--log-level",
        "debug",
        "--log-format",
        "json",
        "--metrics-listen",
        "127.0.0.1:0",
        "--subscription-limit",
        "4",
    )
    with RunningServer(directory, *options) as running:
        yield running


@pytest.fixture(scope="module")
def told(server: RunningServer) -> str:
    """All that clients were told while they said the secret in every way."""
    answers: list[str] = []
    with server.connect() as client:
        for statement in STATEMENTS:
            for parameters in (None, ()):
                try:
                    answers.append(str(client.execute(statement, parameters).statusmessage))  # type: ignore[call-overload]
                except psycopg.Error as error:
                    answers += [str(value) for value in vars(type(error.diag)) if value]
                    answers.append(f"{error} {error.diag.message_detail} {error.diag.message_hint}")
        for shown in (
            "show create connection k",
            "show secrets",
            "show connections",
            "show roles",
            "select * from mz_secrets",
        ):
            answers.append(str(client.execute(shown).fetchall()))  # type: ignore[call-overload]
    return "\n".join(answers)


def test_answers_do_not_repeat_it(told: str) -> None:
    assert "CREATE SECRET" in told
    assert SECRET not in told


def test_the_catalog_does_not_show_it(server: RunningServer, told: str) -> None:
    inner = psycopg.connect(host=str(server.data / "socket"), dbname="materialize", user="materialize", autocommit=True)
    with inner:
        for (relation,) in inner.execute(CATALOG).fetchall():
            try:
                rows = inner.execute(f"select * from {relation}").fetchall()
            except psycopg.Error:
                continue
            text = repr(rows)
            assert SECRET not in text, relation
            assert SECRET.encode().hex() not in text, relation


def test_logs_do_not_have_it(server: RunningServer, told: str) -> None:
    for path in (server.log, server.data / "postgres.log"):
        text = path.read_text()
        assert SECRET not in text, path
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {"event", "level", "timestamp"} <= lines[0].keys()


def test_the_process_table_does_not_have_it(server: RunningServer, told: str) -> None:
    with server.connect() as client:
        client.execute(STATEMENTS[6])  # type: ignore[call-overload]
        process = psutil.Process(server.process.pid)
        for each in (process, *process.children(recursive=True)):
            assert SECRET not in " ".join(each.cmdline())


def test_files_are_for_their_owner_only(server: RunningServer, told: str) -> None:
    for path in (server.data / "postgres.log", server.data / "lock", server.data / "postgres" / "pg_hba.conf"):
        assert path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) == 0, path
    for path in (server.data / "postgres", server.data / "socket"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


def metrics(server: RunningServer) -> str:
    found = re.search(r'"port": (\d+), "event": "metrics"', server.log.read_text())
    assert found is not None
    with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/metrics", timeout=DEADLINE) as answer:
        return str(answer.read().decode())


def test_metrics(server: RunningServer) -> None:
    def value(name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", metrics(server), re.M)
        assert found is not None, name
        return float(found[1])

    before = value("mzlite_tick_seconds_count")
    with server.connect() as client:
        client.execute("create table counted (a int)")
        client.execute("insert into counted select generate_series(1, 10)")
        assert value("mzlite_sessions") == 1
    assert value("mzlite_tick_seconds_count") > before
    assert value("mzlite_tick_seconds_sum") > 0
    assert value("mzlite_objects_in_error") == 0


def test_who_does_not_read_is_cut_off_and_nobody_waits(server: RunningServer) -> None:
    with server.connect() as client:
        client.execute("create table big (a text)")
        deaf = socket.create_connection(("127.0.0.1", server.port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(StartupMessage({"user": "materialize", "database": "materialize"}).encode())
        deaf.sendall(Query("copy (subscribe big) to stdout").encode())
        line = "a client does not read its subscription"
        for _ in range(200):
            client.execute("insert into big select repeat('x', 1000) || g from generate_series(1, 1000) as g")
            if line in server.log.read_text():
                break
        else:
            pytest.fail("it was not cut off")
        assert client.execute("select count(*) > 0 from big").fetchone() == (True,)
        deaf.close()
        client.execute("drop table big")
    assert psutil.Process(server.process.pid).memory_info().rss < 600 << 20


def test_metrics_are_for_this_machine_only(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "mzlite", "serve", "--data", str(tmp_path / "d"), "--metrics-listen", "0.0.0.0:0")
    done: Any = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 2
    assert "loopback" in done.stderr
