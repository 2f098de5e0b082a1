"""Waiting for a condition with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from pytests.wire.conftest import DEADLINE


def eventually(condition: Callable[[], bool], deadline: float = DEADLINE) -> None:
    """Return once the condition holds; fail when it does not within `deadline` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.01)
