"""Creates what mzlite needs inside a fresh PostgreSQL, and checks the format of an existing one.

In: a running `Postgres`. Out: the database `materialize` with its schemas, roles, types, functions,
catalog views and the registry. The files of `sql/` run in one transaction in the order of `SCRIPTS`,
so a crash leaves either nothing or everything.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg
import structlog
from psycopg import sql

from mzlite.storage.migrate import MigrationError, migrate
from mzlite.storage.postgres import Postgres

log = structlog.get_logger(__name__)

FORMAT_VERSION = 2
"""What this program writes. A directory with a higher number was written by a newer mzlite and is refused."""
DATABASE = "materialize"
SCRIPTS_DIR = Path(__file__).parent / "sql"
FIRST_SCRIPTS = (
    "schemas.sql",
    "fixed_settings.sql",
    "types.sql",
    "uints.sql",
    "kafka.sql",
    "functions.sql",
    "more_functions.sql",
    "registry.sql",
    "system_columns.sql",
    "catalog_functions.sql",
    "catalog_mz_catalog.sql",
    "catalog_types.sql",
    "catalog_mz_internal.sql",
    "catalog_show.sql",
    "catalog_information_schema.sql",
    "catalog_unused.sql",
)
LAST_SCRIPTS = (
    "lists.sql",
    "maps.sql",
    "dataflow.sql",
    "catalog_introspection.sql",
    "only_in_postgres.sql",
    "array_conversions.sql",
)


class FormatError(RuntimeError):
    """The data directory was written by a version of mzlite that this one cannot read."""


def scripts(directory: Path = SCRIPTS_DIR) -> list[Path]:
    """The SQL files in the order in which they run: the base, the others by name, last what the others must not see."""
    names = {path.name for path in directory.glob("*.sql")}
    middle = sorted(names.difference(FIRST_SCRIPTS, LAST_SCRIPTS))
    ordered = [*FIRST_SCRIPTS, *middle, *LAST_SCRIPTS]
    return [directory / name for name in ordered if name in names]


def bootstrap(postgres: Postgres) -> None:
    """Make the database ready for this version of mzlite; does nothing when it already is.

    What an older version made is brought in line with the scripts of this one.

    Raises:
        FormatError: the directory belongs to a newer or unknown format, or cannot be brought in line.
    """
    with postgres.connect("postgres") as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
        if found is None:
            # CREATE DATABASE cannot run in a transaction; an empty one left by a crash is filled below.
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    with postgres.connect(DATABASE, autocommit=False) as connection:
        version = format_version(connection)
        if version is None:
            _create(connection)
            log.info("created the database", format=FORMAT_VERSION)
        elif version > FORMAT_VERSION:
            raise FormatError(f"the data directory has format {version}, this mzlite reads format {FORMAT_VERSION}")
        elif version < FORMAT_VERSION or written_fingerprint(connection) != fingerprint():
            _migrate(connection, version)


def format_version(connection: psycopg.Connection) -> int | None:
    """The format recorded in the database, or None for an empty one."""
    exists = connection.execute("select to_regclass('mzlite.format') is not null").fetchone()
    if exists is None or not exists[0]:
        return None
    row = connection.execute("select version from mzlite.format").fetchone()
    return None if row is None else int(row[0])


def fingerprint() -> str:
    """What tells the scripts of one version from those of another."""
    digest = hashlib.sha256()
    for script in scripts():
        digest.update(f"{script.name}\n{script.read_text()}\n".encode())
    return digest.hexdigest()


def written_fingerprint(connection: psycopg.Connection) -> str | None:
    """The fingerprint of the scripts that ran last over the database."""
    row = connection.execute("select to_jsonb(f) ->> 'fingerprint' from mzlite.format as f").fetchone()
    return None if row is None or row[0] is None else str(row[0])


def _create(connection: psycopg.Connection) -> None:
    for script in scripts():
        log.debug("running a bootstrap script", script=script.name)
        connection.execute(sql.SQL(script.read_text()))
    connection.execute(
        "insert into mzlite.format (version, fingerprint) values (%s, %s)", (FORMAT_VERSION, fingerprint())
    )
    connection.commit()


def _migrate(connection: psycopg.Connection, version: int) -> None:
    try:
        migrate(connection, [script.read_text() for script in scripts()])
        connection.execute("update mzlite.format set version = %s, fingerprint = %s", (FORMAT_VERSION, fingerprint()))
        connection.commit()
    except (MigrationError, psycopg.Error) as error:
        connection.rollback()
        raise FormatError(
            f"the data directory was written by an older mzlite (format {version}) and cannot be brought to"
            f" format {FORMAT_VERSION}: {error}"
        ) from error
    log.info("brought the data directory in line with this version", format=FORMAT_VERSION)
