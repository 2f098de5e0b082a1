"""Waiting that somebody else can end.

In: something to wait for. Out: its result, or the error that a cancel request brings, or that the client is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from mzlite.errors import MzError
from mzlite.wire.stream import ConnectionClosedError, Stream

T = TypeVar("T")


class Interruptible:
    """One session's waits, one at a time.

    Args:
        client: when it has gone there is nobody to wait for.
    """

    def __init__(self, client: Stream) -> None:
        self._client = client
        self._interrupt: asyncio.Future[MzError | None] | None = None

    def interrupt(self, error: MzError | None) -> bool:
        """End the current wait with an error; None says that the client has gone. False when there is no wait."""
        if self._interrupt is None:
            return False
        if not self._interrupt.done():
            self._interrupt.set_result(error)
        return True

    async def wait(self, work: Awaitable[T]) -> T:
        """Wait for `work`, which is cancelled when the wait is interrupted.

        Raises:
            MzError: the wait was interrupted with it.
            ConnectionClosedError: the client has gone.
        """
        if self._client.closed:
            if asyncio.iscoroutine(work):
                work.close()
            raise ConnectionClosedError
        task = asyncio.ensure_future(work)
        interrupt = self._interrupt = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait({task, interrupt}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._interrupt = None
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if not task.cancelled():
            return task.result()
        error = interrupt.result()
        if error is None:
            raise ConnectionClosedError
        raise error
