"""Backups of a data directory, taken while its server runs, and their restoration.

In: a data directory, and a directory for the backup. Out: a copy of the inner PostgreSQL's files as they were at one
moment, with a manifest of their hashes; or a new data directory made from such a copy.

A backup is what a crash would leave behind at that moment: offsets, views, outbox and clock of the last commit, and
PostgreSQL's log to recover it from. Most of it is copied while PostgreSQL works; then PostgreSQL stands still while
what has changed meanwhile is copied again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
import structlog

from mzlite.storage.bootstrap import DATABASE, FORMAT_VERSION, format_version
from mzlite.storage.errors import PostgresError
from mzlite.storage.freeze import FreezeError, frozen
from mzlite.storage.owner import lock_directory, running_postmaster
from mzlite.storage.postgres import MAJOR_VERSION, SUPERUSER, service_account

log = structlog.get_logger(__name__)

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1
FILES = "postgres"
RESTORED = "restored"
"""In a data directory that was restored and has not been started since: an identity of the restoration."""
PASSES = 5
SMALL_PASS = 32 << 20
YOUNG_SECONDS = 2.0
"""A file that was written so shortly before it was copied is copied again: times of files are not exact."""
CHUNK = 1 << 20
_LEFT_OUT = re.compile(r"postmaster\.(pid|opts)|(.*/)?pgsql_tmp.*|(base|global)/.*/?t\d+_\d+(_\w+)?(\.\d+)?")
"""What belongs to the running server alone: its pid, temporary files, temporary tables."""
_SEGMENT = re.compile(r"pg_wal/([0-9A-F]{24})")


class BackupError(RuntimeError):
    """A backup could not be made or restored; the text says why."""


@dataclass(frozen=True)
class Backup:
    """What was copied.

    Attributes:
        pause: for how many seconds PostgreSQL stood still.
        made_at: when, in ISO 8601.
    """

    files: int
    size: int
    pause: float
    made_at: str


@dataclass
class _Copy:
    """A copy that is brought up to date pass by pass."""

    source: Path
    target: Path
    first_segment: str = ""
    last_segment: str = ""
    began: float = field(default_factory=time.time)
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def bring_up_to_date(self) -> int:
        """Copies what has changed since the last call; the number of bytes."""
        copied = 0
        for name, entry in _walk(self.source):
            if entry.is_dir(follow_symlinks=False):
                (self.target / name).mkdir(mode=0o700, exist_ok=True)
                continue
            with suppress(FileNotFoundError):
                found = (self.source / name).stat()
                if self._is_left_out(name, found.st_mtime) or self.seen.get(name) == (found.st_mtime_ns, found.st_size):
                    continue
                copied += _copy_file(self.source / name, self.target / name)
                is_young = found.st_mtime > time.time() - YOUNG_SECONDS
                self.seen[name] = (-1, -1) if is_young else (found.st_mtime_ns, found.st_size)
        return copied

    def remove_what_has_gone(self) -> None:
        """Removes copies of files that are not there any more."""
        present = {name for name, _ in _walk(self.source)}
        for name in self.seen.keys() - present:
            (self.target / name).unlink()
            del self.seen[name]

    def _is_left_out(self, name: str, written: float) -> bool:
        if _LEFT_OUT.fullmatch(name):
            return True
        segment = _SEGMENT.fullmatch(name)
        if segment is None or not self.first_segment:
            return False
        # Segments before are of no use; those behind wait to be used, unless that has happened meanwhile.
        is_needed = self.first_segment <= segment[1] <= self.last_segment
        return not is_needed and written < self.began - YOUNG_SECONDS


def back_up(data_dir: Path, target: Path) -> Backup:
    """Copy a data directory to a directory that does not exist or is empty; its server may run.

    Raises:
        BackupError: there is nothing to copy, no place for it, or PostgreSQL does not stand still.
    """
    data_dir, target = data_dir.expanduser().resolve(), target.expanduser().resolve()
    cluster = data_dir / "postgres"
    if not (cluster / "PG_VERSION").exists():
        raise BackupError(f"{data_dir} is no data directory of mzlite")
    if target.is_relative_to(cluster):
        raise BackupError("a backup cannot lie within what it is a backup of")
    _make_empty(target)
    postmaster = running_postmaster(cluster)
    lock: IO[str] | None = None
    try:
        if postmaster is None:
            # Nobody starts it meanwhile.
            lock = lock_directory(data_dir)
        return _back_up(cluster, target, postmaster)
    except (OSError, psycopg.Error, FreezeError, PostgresError) as error:
        shutil.rmtree(target / FILES, ignore_errors=True)
        raise BackupError(f"the backup was not made: {error}") from error
    finally:
        if lock is not None:
            lock.close()


def _back_up(cluster: Path, target: Path, postmaster: int | None) -> Backup:
    files = target / FILES
    files.mkdir(mode=0o700)
    copy = _Copy(cluster, files)
    version = FORMAT_VERSION
    if postmaster is not None:
        version = _prepare(cluster, copy)
        for _ in range(PASSES):
            if copy.bring_up_to_date() < SMALL_PASS:
                break
    with frozen(postmaster) if postmaster is not None else nullcontext():
        began = time.monotonic()
        copy.bring_up_to_date()
        made_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        copy.remove_what_has_gone()
        pause = time.monotonic() - began if postmaster is not None else 0.0
    hashes = {name: _described(files / name) for name in sorted(copy.seen)}
    manifest = {
        "version": MANIFEST_VERSION, "format": version, "postgres": MAJOR_VERSION, "made_at": made_at, "files": hashes,
    }  # fmt: skip
    _write(target / MANIFEST, json.dumps(manifest, indent=1))
    return Backup(len(hashes), sum(entry["size"] for entry in hashes.values()), pause, made_at)


def _prepare(cluster: Path, copy: _Copy) -> int:
    """A checkpoint, so that there is little to recover; which part of the log is needed; the format."""
    socket = (cluster / "postmaster.pid").read_text().splitlines()
    with psycopg.connect(
        host=socket[4], port=int(socket[3]), dbname=DATABASE, user=SUPERUSER, autocommit=True
    ) as open_:
        open_.execute("checkpoint")
        row = open_.execute(
            "select redo_wal_file, pg_walfile_name(pg_current_wal_insert_lsn()) from pg_control_checkpoint()"
        ).fetchone()
        assert row is not None
        copy.first_segment, copy.last_segment = row
        version = format_version(open_)
    if version is None:
        raise BackupError("the server has not made its database yet; try again")
    return version


def restore(source: Path, data_dir: Path) -> str:
    """Make a data directory from a backup; when the backup was made.

    Raises:
        BackupError: the directory is not empty, or the backup is not one that this mzlite can use, or is damaged.
    """
    source, data_dir = source.expanduser().resolve(), data_dir.expanduser().resolve()
    manifest = _manifest(source)
    if data_dir.exists() and any(data_dir.iterdir()):
        raise BackupError(f"{data_dir} is not empty; a backup is restored into an empty directory, or a new one")
    account = service_account()
    # Passing through is all that PostgreSQL's own account needs.
    data_dir.mkdir(mode=0o700 if account is None else 0o711, parents=True, exist_ok=True)
    fresh = data_dir / "postgres.new"
    try:
        _restore_files(source / FILES, fresh, manifest["files"])
        if account is not None:
            for path in (fresh, *fresh.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid)
        _write(data_dir / RESTORED, uuid.uuid4().hex)
        fresh.rename(data_dir / "postgres")
    except BaseException as error:
        shutil.rmtree(fresh, ignore_errors=True)
        (data_dir / RESTORED).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BackupError(f"the backup was not restored: {error}") from error
        raise
    return str(manifest["made_at"])


def _manifest(source: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((source / MANIFEST).read_text())
        version, made_by, postgres = manifest["version"], manifest["format"], manifest["postgres"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{source} is no complete backup: {error}") from error
    if version != MANIFEST_VERSION or made_by > FORMAT_VERSION or postgres != MAJOR_VERSION:
        raise BackupError(
            f"{source} was made by another mzlite: manifest {version}, format {made_by}, PostgreSQL {postgres}; this"
            f" one reads manifest {MANIFEST_VERSION}, formats up to {FORMAT_VERSION}, PostgreSQL {MAJOR_VERSION}"
        )
    return dict(manifest)


def _restore_files(source: Path, target: Path, files: dict[str, dict[str, Any]]) -> None:
    target.mkdir(mode=0o700)
    present = set()
    for name, entry in _walk(source):
        if entry.is_dir(follow_symlinks=False):
            (target / name).mkdir(mode=0o700)
        elif name in files:
            present.add(name)
            _copy_file(source / name, target / name)
            if _described(target / name) != files[name]:
                raise BackupError(f"the backup is damaged: {name} is not what was written")
    if missing := files.keys() - present:
        raise BackupError(f"the backup is damaged: {min(missing)} is missing")


def _make_empty(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupError(f"{directory} is there already and not empty")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)


def _walk(directory: Path, prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file and directory, directories before what is in them; what goes meanwhile is passed over."""
    with suppress(FileNotFoundError), os.scandir(directory / prefix) as entries:
        for entry in entries:
            name = prefix + entry.name
            yield name, entry
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(directory, name + "/")


def _copy_file(source: Path, target: Path) -> int:
    with source.open("rb") as read, open(target, "wb", opener=_private) as written:
        shutil.copyfileobj(read, written, CHUNK)
        return written.tell()


def _described(path: Path) -> dict[str, Any]:
    """Size and hash of a file, which is on the disk then."""
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            digest.update(data)
        os.fsync(file.fileno())
        return {"size": file.tell(), "blake2b": digest.hexdigest()}


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    with open(fresh, "w", opener=_private) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def _private(path: str, flags: int) -> int:
    """Opens a file that only its owner can read."""
    return os.open(path, flags, 0o600)
