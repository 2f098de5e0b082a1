"""An mzlite of its own for a measurement, in a temporary directory.

In: nothing. Out: a running server with a running clock, which ends with the measurement.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mzlite.testing.server import MzliteServer


@contextmanager
def fresh_server() -> Iterator[MzliteServer]:
    """Starts one, and removes it with its data at the end."""
    with tempfile.TemporaryDirectory(prefix="mzlite-bench-") as directory:
        server = MzliteServer(Path(directory)).start()
        try:
            yield server
        finally:
            server.stop()


def quantiles(values: list[float]) -> str:
    """Median, 90th and 99th percentile and the largest, for a line of a report."""
    ordered = sorted(values)
    shown = [(name, ordered[min(len(ordered) - 1, int(len(ordered) * share))]) for name, share in QUANTILES]
    return ", ".join(f"{name} {value:,.1f}" for name, value in shown)


QUANTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
