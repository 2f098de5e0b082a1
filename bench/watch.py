"""What a stack costs while it works: processor time, memory, and what it leaves on disk.

In: the processes that it consists of (each with all that it starts). Out: seconds of processor time, the highest sum
of proportional set sizes (memory that several processes share counts once), samples of both. Linux: from /proc.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

SAMPLE_SECONDS = 0.5
MEMORY_EVERY = 4
"""Memory is summed at each fourth sample: the kernel walks every page for it."""


class Meter:
    """Measures trees of processes from `start` to `stop`; use it as a context manager.

    Args:
        roots: process ids by the part that they are shown as, such as stack and broker.
    """

    def __init__(self, roots: Mapping[str, int]) -> None:
        self.roots = dict(roots)
        self.peak_mib: dict[str, int] = dict.fromkeys(roots, 0)
        self.samples: list[dict[str, Any]] = []
        self._cpu: dict[str, dict[int, float]] = {part: {} for part in roots}
        self._before: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._sample(with_memory=True)
        self._before = {part: sum(known.values()) for part, known in self._cpu.items()}
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._sample(with_memory=True)

    def cpu_seconds(self, part: str, *, since_birth: bool = False) -> float:
        """Processor time since the start (or of the processes' whole lives), also of those that ended meanwhile."""
        return sum(self._cpu[part].values()) - (0.0 if since_birth else self._before.get(part, 0.0))

    def _run(self) -> None:
        count = 0
        while not self._stopping.wait(SAMPLE_SECONDS):
            count += 1
            self._sample(with_memory=count % MEMORY_EVERY == 0)

    def _sample(self, *, with_memory: bool) -> None:
        sample: dict[str, Any] = {"second": round(time.monotonic() - self._began, 2)}
        for part, root in self.roots.items():
            memory = 0
            for process in processes(root):
                try:
                    times = process.cpu_times()
                    self._cpu[part][process.pid] = times.user + times.system
                    if with_memory:
                        memory += process.memory_full_info().pss >> 20
                except psutil.Error:
                    continue
            self.peak_mib[part] = max(self.peak_mib[part], memory)
            sample[part] = {"cpu": round(self.cpu_seconds(part), 2), **({"mib": memory} if with_memory else {})}
        if with_memory:
            self.samples.append(sample)


def processes(root: int) -> list[psutil.Process]:
    """A process and all that it started; none if it has gone."""
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def disk_mib(*directories: Path) -> float:
    """What the files below take on disk, in MiB; files that go meanwhile do not count."""
    total = 0
    for directory in directories:
        for path, _names, files in os.walk(directory):
            for file in files:
                try:
                    total += (Path(path) / file).lstat().st_blocks * 512
                except OSError:
                    continue
    return round(total / 2**20, 1)
