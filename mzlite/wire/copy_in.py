"""COPY .. FROM STDIN: the client's data on its way to the backend.

In: a session whose backend waits for data. Out: nothing; CopyData messages are passed on as they come, many at a time,
until the client ends the copy or the backend has refused it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mzlite.wire.fields import frame
from mzlite.wire.messages import CopyFail
from mzlite.wire.relay import BackendClosedError
from mzlite.wire.rows import COPY_DATA
from mzlite.wire.stream import ConnectionClosedError

if TYPE_CHECKING:
    from mzlite.wire.session import ClientSession


async def copy_in(session: ClientSession) -> None:
    """Pass the client's data on until the copy is over on either side."""
    client, relay = session.client, session.relay
    backend = relay.backend
    await client.flush()
    while relay.copying_in:
        run = client.take_run(COPY_DATA)
        if run:
            backend.send(run)
            await _write(session)
            continue
        kind, body = await client.read_message()
        match chr(kind):
            case "d":
                backend.send(frame(b"d", body))
                if not client.has_data:
                    await _write(session)
            case "c":
                relay.copying_in = False
                backend.send(frame(b"c"))
            case "f":
                relay.copying_in = False
                backend.send(frame(b"f", body))
            case "H" | "S":
                pass
            case "X":
                raise ConnectionClosedError
            case _:
                relay.copying_in = False
                backend.send(CopyFail(f"unexpected message type 0x{kind:02X} during COPY from stdin").encode())


async def _write(session: ClientSession) -> None:
    """Hand data to the backend no faster than it takes it, and hear it when it refuses."""
    relay = session.relay
    try:
        await relay.backend.flush()
    except ConnectionClosedError as error:
        raise BackendClosedError from error
    if relay.backend.has_data:
        relay.feed(relay.backend.take())
