"""The wire under many malformed conversations and five hundred clients, for longer than in the usual tests."""

from __future__ import annotations

from contextlib import ExitStack

import psutil
import pytest

from mzlite.wire.options import WireOptions
from pytests.wire.conftest import Wire, postgres  # noqa: F401  (the fixture)
from pytests.wire.fuzzing import Traces, fuzz, serves

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("seed", range(10))
def test_mutated_conversations(postgres, seed: int) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    wire = Wire(postgres)
    fuzz(wire, 500, seed=seed)
    memory = psutil.Process().memory_info().rss
    fuzz(wire, 1500, seed=seed + 1000)
    assert psutil.Process().memory_info().rss - memory < 32 << 20
    wire.close()


def test_five_hundred_clients_again_and_again(postgres) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    wire = Wire(postgres, WireOptions(port=0, max_connections=500, reserved_connections=0))
    serves(wire)
    traces = Traces(wire)
    for _ in range(3):
        with ExitStack() as stack:
            clients = [stack.enter_context(wire.connect()) for _ in range(500)]
            for client in clients:
                assert client.execute("select 1").fetchone() == (1,)
        traces.gone()
    wire.close()
