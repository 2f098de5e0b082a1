"""The inner PostgreSQL as mzlite has it: types, functions and catalog over an empty database, and no engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mzlite.storage.bootstrap import bootstrap
from mzlite.storage.postgres import Postgres


@contextmanager
def bootstrapped(directory: Path, shared_buffers_mb: int = 32) -> Iterator[Postgres]:
    """A server that runs over a fresh directory until the block ends."""
    with Postgres(directory, shared_buffers_mb=shared_buffers_mb) as server:
        bootstrap(server)
        yield server
