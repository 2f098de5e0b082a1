"""Byte streams that no well-behaved client sends, and what a server must be like after them."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

from mzlite.wire.fields import UINT32, frame
from mzlite.wire.messages import (
    SYNC,
    TERMINATE,
    Bind,
    CancelRequest,
    Close,
    CopyData,
    CopyFail,
    Describe,
    Execute,
    Parse,
    Query,
    StartupMessage,
)
from pytests.wire.conftest import Wire
from pytests.wire.eventually import eventually

STARTUP = StartupMessage({"user": "materialize", "database": "materialize"}).encode()
MESSAGES = (
    Query("select 1").encode(),
    Query("select * from t; insert into t values (1, 'a'); select nosuch").encode(),
    Query("begin").encode(),
    Query("copy t from stdin").encode(),
    Query("copy (select * from t) to stdout").encode(),
    Query("declare c cursor for select * from t").encode(),
    Parse("", "select $1::int4").encode(),
    Parse("p", "insert into t (id) values ($1)").encode(),
    Bind("", "", (), (b"1",)).encode(),
    Bind("x", "p", (1,), (b"\0\0\0\1",), (1,)).encode(),
    Describe(b"S", "p").encode(),
    Describe(b"P", "").encode(),
    Execute("").encode(),
    Execute("x", 1).encode(),
    Close(b"S", "p").encode(),
    CopyData(b"1\ta\t\\N\t\\N\n").encode(),
    CopyFail("no").encode(),
    frame(b"c"),
    frame(b"H"),
    frame(b"F", b"\0\0\0\1\0\0\0\0\0\0"),
    SYNC,
    TERMINATE,
)


def mutated(data: bytes, random: random.Random) -> bytes:
    """The same with something wrong in it."""
    kind = random.randrange(6)
    position = random.randrange(len(data))
    if kind == 0:  # another byte
        return data[:position] + bytes((random.randrange(256),)) + data[position + 1 :]
    if kind == 1:  # truncated
        return data[:position]
    if kind == 2:  # longer than it says
        return data[:position] + random.randbytes(random.randrange(1, 20)) + data[position:]
    if kind == 3:  # another length
        length = random.choice((0, 1, 3, 4, 5, 2**31 - 1, 2**31, 2**32 - 1, len(data), random.randrange(1000)))
        return data[:1] + UINT32.pack(length) + data[5:]
    if kind == 4:  # another type
        return bytes((random.randrange(256),)) + data[1:]
    return random.randbytes(random.randrange(1, 200))


def conversation(random: random.Random) -> bytes:
    """What one client sends, from its first byte on."""
    if random.random() < 0.15:
        return mutated(STARTUP, random)
    if random.random() < 0.05:
        return CancelRequest(random.randrange(50), random.randbytes(random.choice((0, 3, 4, 32)))).encode()
    messages = [random.choice(MESSAGES) for _ in range(random.randrange(1, 8))]
    wrong = random.randrange(len(messages))
    messages[wrong] = mutated(messages[wrong], random)
    return STARTUP + b"".join(messages)


def send(wire: Wire, data: bytes, random: random.Random) -> None:
    """Send it, perhaps in pieces, read a little of the answer or nothing, and go, in order or not."""
    with socket.create_connection((wire.host, wire.port), timeout=10) as client:
        with contextlib.suppress(OSError):
            # A mutation may have left nothing at all.
            cut = random.randrange(len(data)) if data else 0
            client.sendall(data[:cut])
            client.sendall(data[cut:])
            if random.random() < 0.5:
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            elif random.random() < 0.5:
                client.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    client.recv(100)
        if random.random() < 0.3:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset in place of an end


class Traces:
    """What a server has open, to compare before and after."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.before = self.now()

    def now(self) -> tuple[int, int, int]:
        """Sessions, inner backends, file descriptors."""
        with self._wire.postgres.connect("postgres") as connection:
            row = connection.execute(
                "select count(*) from pg_stat_activity where backend_type = 'client backend' and usename = 'materialize'"
            ).fetchone()
        assert row is not None
        return self._wire.server.session_count, int(row[0]), len(list(Path("/proc/self/fd").iterdir()))

    def gone(self) -> None:
        """Nothing is left of what came since."""
        found = self.now()

        def is_less() -> bool:
            nonlocal found
            found = self.now()
            return all(now <= before for now, before in zip(found, self.before, strict=True))

        try:
            eventually(is_less)
        except AssertionError as error:
            raise AssertionError(f"sessions, backends and files are {found}, and were {self.before}") from error


def serves(wire: Wire) -> None:
    """A well-behaved client gets its answer."""
    with wire.connect() as client:
        assert client.execute("select 42").fetchone() == (42,)


def fuzz(wire: Wire, rounds: int, seed: int) -> None:
    """So many conversations, with a check in between that others are served."""
    serves(wire)
    traces = Traces(wire)
    source = random.Random(seed)
    for number in range(rounds):
        send(wire, conversation(source), source)
        if number % 50 == 49:
            serves(wire)
    traces.gone()
    serves(wire)
