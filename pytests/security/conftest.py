"""Servers as they are started from the command line, for tests of who gets in and how far."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytests.security.running import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("security")) as running:
        yield running
