"""A system that random cases run on, one for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytests.postgres import bootstrapped
from pytests.property.system import System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with bootstrapped(tmp_path_factory.mktemp("mzlite"), shared_buffers_mb=64) as server:
        made = System(server)
        try:
            yield made
        finally:
            made.close()
