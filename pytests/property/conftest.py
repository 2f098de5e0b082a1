"""A system that random cases run on, one for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mzlite.storage.bootstrap import bootstrap
from mzlite.storage.postgres import Postgres
from pytests.property.system import System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    server = Postgres(tmp_path_factory.mktemp("mzlite"), shared_buffers_mb=64)
    server.start()
    try:
        bootstrap(server)
        made = System(server)
        try:
            yield made
        finally:
            made.close()
    finally:
        server.stop()
