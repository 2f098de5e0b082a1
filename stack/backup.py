"""Backups of a stack's mzlite, and their restoration.

In: settings or a stack, and a directory. Out: a copy of mzlite's data, or mzlite's data from such a copy.
"""

from __future__ import annotations

from pathlib import Path

from mzlite.storage import backup
from stack.errors import StackError
from stack.local import Stack
from stack.settings import Settings


def back_up(settings: Settings, target: Path) -> backup.Backup:
    """Copy mzlite's data as they are at one moment.

    Raises:
        StackError: there are none, or the target is in use.
    """
    try:
        return backup.back_up(settings.mzlite_dir, target)
    except backup.BackupError as error:
        raise StackError(str(error)) from error


def restore_backup(stack: Stack, source: Path) -> str:
    """Make mzlite's data from a backup; when that was made.

    Raises:
        StackError: mzlite runs or has data, or the backup cannot be used.
    """
    if stack.engine.process is not None:
        raise StackError("mzlite runs; stop it first with hotplate down")
    try:
        return backup.restore(source, stack.settings.mzlite_dir)
    except backup.BackupError as error:
        raise StackError(str(error)) from error
