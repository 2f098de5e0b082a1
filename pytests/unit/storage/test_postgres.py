"""The inner PostgreSQL: its life, who may start it, and what bootstrap makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mzlite.storage.bootstrap import FORMAT_VERSION, FormatError, bootstrap, scripts
from mzlite.storage.errors import PostgresError
from mzlite.storage.postgres import Postgres

HOLDER = """
import sys, time
from pathlib import Path
from mzlite.storage.postgres import Postgres
server = Postgres(Path(sys.argv[1]), shared_buffers_mb=32)
server.start()
with server.connect("postgres") as connection:
    connection.execute("create table kept (a int)")
    connection.execute("insert into kept values (1)")
    connection.execute("checkpoint")
print("postgres", server.pid, flush=True)
time.sleep(300)
"""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(pid: int, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    found = Postgres(tmp_path / "data", shared_buffers_mb=32)
    yield found
    found.stop()


def test_listens_on_its_socket_only(server: Postgres) -> None:
    server.start()
    with server.connect("postgres") as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        assert connection.execute("show server_version_num").fetchone()[0].startswith("18")  # type: ignore[index]
    assert server.socket_dir.stat().st_mode & 0o077 == 0


def test_what_is_committed_survives_a_restart(server: Postgres) -> None:
    server.start()
    with server.connect("postgres") as connection:
        connection.execute("create table kept (a int)")
    first = server.pid
    server.stop()
    assert server.pid is None
    assert first is not None
    assert not is_running(first)
    server.start()
    with server.connect("postgres") as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_a_data_directory_belongs_to_one(server: Postgres) -> None:
    server.start()
    second = Postgres(server.data_dir, shared_buffers_mb=32)
    with pytest.raises(PostgresError, match="is in use"):
        second.start()
    assert server.pid is not None


def test_postgres_ends_with_its_parent_and_the_next_one_takes_over(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(data)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pid = next(int(line.split()[1]) for line in holder.stdout if line.startswith("postgres "))
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        # At once: the orphan may still be shutting down.
        server = Postgres(data, shared_buffers_mb=32)
        server.start()
        try:
            wait_until_gone(pid)
            with server.connect("postgres") as connection:
                assert connection.execute("select a from kept").fetchall() == [(1,)]
        finally:
            server.stop()


def test_a_stale_pid_file_of_another_process_is_ignored(server: Postgres) -> None:
    server.start()
    server.stop()
    pid_file = server.cluster_dir / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{server.cluster_dir}\n0\n5432\n\n\n\n")
    server.start()
    assert is_running(os.getpid())
    with server.connect("postgres") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 20)
    server = Postgres(deep, shared_buffers_mb=32)
    server.start()
    short = server.socket_dir
    try:
        assert not short.is_relative_to(deep)
        with server.connect("postgres") as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        server.stop()
    assert not short.exists()


def test_the_reason_why_it_does_not_start_is_told(server: Postgres) -> None:
    server.start()
    server.stop()
    (server.cluster_dir / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(PostgresError, match=r"(?s)ended while starting.*pg_control") as caught:
        server.start()
    assert "is ready to accept connections" not in str(caught.value), "what an earlier start said is no reason"
    (server.cluster_dir / "PG_VERSION").write_text("9.4\n")
    with pytest.raises(PostgresError, match=r"is of PostgreSQL 9\.4, and this mzlite has 18"):
        server.start()


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PostgresError, match=r"/file cannot be the data directory: it is no directory"):
        Postgres(tmp_path / "file").start()


def test_scripts_run_in_a_fixed_order() -> None:
    names = [script.name for script in scripts()]
    assert names[0] == "schemas.sql"
    assert names[-3:] == ["catalog_introspection.sql", "only_in_postgres.sql", "array_conversions.sql"]
    assert len(names) == len(set(names))


def test_bootstrap_is_done_once(server: Postgres) -> None:
    server.start()
    bootstrap(server)
    with server.connect() as connection:
        environment = connection.execute("select mz_environment_id()").fetchone()
    bootstrap(server)
    with server.connect() as connection:
        assert connection.execute("select mz_environment_id()").fetchone() == environment
        assert connection.execute("select version from mzlite.format").fetchall() == [(FORMAT_VERSION,)]


def test_a_newer_format_is_refused(server: Postgres) -> None:
    server.start()
    bootstrap(server)
    with server.connect() as connection:
        connection.execute("update mzlite.format set version = version + 1")
    with pytest.raises(FormatError, match="format"):
        bootstrap(server)


def test_a_half_made_database_is_finished(server: Postgres) -> None:
    server.start()
    with server.connect("postgres") as connection:
        # As if mzlite had been killed between the two steps.
        connection.execute("create database materialize")
        connection.execute("create role materialize login")
    bootstrap(server)
    with server.connect(user="materialize") as connection:
        assert connection.execute("select name from mz_databases").fetchall() == [("materialize",)]


def test_clients_cannot_reach_the_registry(server: Postgres) -> None:
    server.start()
    bootstrap(server)
    with server.connect(user="materialize") as connection:
        for sql in (
            "select * from mzlite.objects",
            "select * from mzlite.secrets",
            "update mzlite.clock set held = 0",
            "create table public.mine (a int)",
            "create schema mine",
            "select pg_read_file('/etc/passwd')",
            "copy (select 1) to program 'true'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql)  # type: ignore[call-overload]


def test_backends_that_outlived_their_postmaster_are_ended_first(server: Postgres) -> None:
    server.start()
    connection = server.connect("postgres")
    row = connection.execute("select pg_backend_pid()").fetchone()
    assert row is not None
    # At work, and so blind for what happens to its postmaster.
    connection.pgconn.send_query(b"do $$ begin loop perform 1; end loop; end $$")
    postmaster = server.pid
    assert postmaster is not None
    os.kill(postmaster, signal.SIGKILL)
    wait_until_gone(postmaster)
    server.stop()
    assert is_running(row[0])
    server.start()
    assert not is_running(row[0])
    connection.close()
