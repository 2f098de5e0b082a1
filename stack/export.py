"""Snapshots of views as Parquet files: all of them at one moment, with a manifest, all or nothing.

In: settings of a running stack, systems or layers, a directory. Out: a new directory below it, named by
the moment, with one file per view and `manifest.json`; the link `latest` then points to it. A reader
never sees half a snapshot: it is written beside and renamed when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from stack.demo.checks import models_of
from stack.engine import connect, is_silent, no_answer
from stack.errors import StackError
from stack.settings import Settings

MANIFEST = "manifest.json"
LATEST = "latest"
FORMAT = 1
LAYERS = ("silver", "gold")
RELATIONS = """
    select schemas.name, objects.name, columns.name, columns.type
    from mz_objects as objects
    inner join mz_schemas as schemas on objects.schema_id = schemas.id
    inner join mz_columns as columns on objects.id = columns.id
    where objects.id like 'u%' and objects.type in ('materialized-view', 'table')
    order by schemas.name, objects.name, columns.position
"""
TYPES = {
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "uint2": "USMALLINT",
    "uint4": "UINTEGER",
    "uint8": "UBIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
    "uuid": "UUID",
}
"""Parquet's side of each type; numeric gets the scale that its values need, everything else is text."""


@dataclass(frozen=True)
class Relation:
    """A view and its columns: (name, type)."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def file(self) -> str:
        """The file that holds it."""
        return f"{self.schema}.{self.name}.parquet"


@dataclass(frozen=True)
class Entry:
    """What the manifest says of one file."""

    relation: str
    file: str
    rows: int
    bytes: int
    sha256: str


def relations_of(settings: Settings, systems: Sequence[str], layers: Sequence[str]) -> list[Relation]:
    """The deployed views of these systems in these layers.

    Raises:
        StackError: the engine does not answer, or there are none.
    """
    names = models_of(settings, systems)
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    try:
        with connect(settings, connect_timeout=10) as connection:
            for schema, name, column, kind in connection.execute(RELATIONS).fetchall():
                if schema in layers and name in names:
                    found.setdefault((schema, name), []).append((column, kind))
    except psycopg.Error as error:
        if is_silent(error):
            raise no_answer(settings) from error
        raise StackError(f"mzlite cannot tell what there is: {str(error).strip()}") from error
    if not found:
        raise StackError(f"nothing of {', '.join(systems)} is deployed in {', '.join(layers)}")
    return [Relation(schema, name, tuple(columns)) for (schema, name), columns in found.items()]


def export(
    settings: Settings, systems: Sequence[str], layers: Sequence[str], directory: Path
) -> tuple[Path, list[Entry]]:
    """Write a snapshot; where it is, and what is in it.

    Raises:
        StackError: nothing to export, or the engine or the disk refused.
    """
    relations = relations_of(settings, systems, layers)
    directory.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=directory))
    try:
        at_ms, entries = _write(settings, relations, scratch)
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        manifest = {
            "format": FORMAT,
            "timestamp_ms": at_ms,
            "at": at.isoformat(timespec="milliseconds"),
            "systems": list(systems),
            "files": [asdict(entry) for entry in entries],
        }
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        for file in scratch.iterdir():
            _sync(file)
        _sync(scratch)
        scratch.chmod(0o755)
        target = directory / at.strftime("%Y%m%dT%H%M%S.%fZ")
        scratch.rename(target)
        _point_to(directory / LATEST, target.name)
        _sync(directory)
    except (psycopg.Error, duckdb.Error, OSError) as error:
        raise StackError(f"the snapshot was not written: {str(error).strip()}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target, entries


def _write(settings: Settings, relations: Sequence[Relation], scratch: Path) -> tuple[int, list[Entry]]:
    """Read everything in one transaction, which is one moment; that moment in ms, and the files."""
    entries = []
    with connect(settings, connect_timeout=10) as connection, tempfile.TemporaryDirectory(dir=scratch) as texts:
        connection.autocommit = False
        # The first statement decides which schemas the transaction may read: it names one view of each.
        firsts = {relation.schema: relation for relation in relations}.values()
        opening = sql.SQL(" union all ").join(
            sql.SQL("(select 1 from {} limit 0)").format(sql.Identifier(relation.schema, relation.name))
            for relation in firsts
        )
        connection.execute(opening)
        row = connection.execute("select mz_now()::text").fetchone()
        assert row is not None
        for relation in relations:
            text = Path(texts) / "rows.csv"
            query = sql.SQL("copy (select * from {}) to stdout with (format csv)").format(
                sql.Identifier(relation.schema, relation.name)
            )
            with connection.cursor() as cursor, cursor.copy(query) as copy, text.open("wb") as file:
                for data in copy:
                    file.write(data)
            entries.append(_parquet(relation, text, scratch / relation.file))
        connection.rollback()
    return int(row[0]), entries


def _parquet(relation: Relation, text: Path, target: Path) -> Entry:
    """One Parquet file out of the rows as CSV: NULL is nothing, an empty text is quoted."""
    with duckdb.connect() as database:
        names = [name for name, _ in relation.columns]
        columns = "{" + ", ".join(f"{_quoted(name, chr(39))}: 'VARCHAR'" for name in names) + "}"
        database.execute(
            f"create table rows as select * from read_csv({_quoted(str(text), chr(39))}, columns = {columns},"
            " header = false, auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
            " allow_quoted_nulls = false, max_line_size = 100000000)"
        )
        casts = ", ".join(_cast(database, name, kind) for name, kind in relation.columns)
        path = _quoted(str(target), chr(39))
        database.execute(f"copy (select {casts} from rows) to {path} (format parquet, compression zstd)")
        counted: Any = database.execute("select count(*) from rows").fetchone()
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    return Entry(f"{relation.schema}.{relation.name}", target.name, int(counted[0]), target.stat().st_size, digest)


def _cast(database: duckdb.DuckDBPyConnection, name: str, kind: str) -> str:
    column = _quoted(name, '"')
    wanted = TYPES.get(kind)
    if kind == "numeric":
        row: Any = database.execute(
            f"select coalesce(max(length(split_part({column}, '.', 2))), 0) from rows"
        ).fetchone()
        wanted = f"DECIMAL(38, {min(int(row[0]), 37)})"
    return column if wanted is None else f"cast({column} as {wanted}) as {column}"


def _quoted(name: str, quote: str) -> str:
    return quote + name.replace(quote, quote * 2) + quote


def _point_to(link: Path, name: str) -> None:
    """Replace the link in one step."""
    scratch = link.with_name(f".{link.name}-{os.getpid()}")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(name)
    scratch.replace(link)


def _sync(path: Path) -> None:
    """Make sure that the disk has it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
