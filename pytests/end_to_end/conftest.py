"""Fixtures of the tests of a whole server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytests.end_to_end.running import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("mzlite"))
    try:
        yield running
    finally:
        running.stop()
