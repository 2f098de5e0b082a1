"""The relay: whatever the chunks, the client gets the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mzlite.errors import MzError
from mzlite.wire import messages as m
from mzlite.wire.descriptions import Descriptions
from mzlite.wire.errors import error_response, untranslated
from mzlite.wire.fields import frame
from mzlite.wire.relay import Expected, Portal, Prepared, Relay
from mzlite.wire.stream import ChunkStream, MessageStream
from mzlite.wire.types import TypeMap

INNER_UINT8 = 50_000
NUMERIC_AND_TEXT = m.RowDescription((m.FieldDescription("n", 1700), m.FieldDescription("t", 25)))
TEXT_ONLY = m.RowDescription((m.FieldDescription("t", 25), m.FieldDescription("u", INNER_UINT8, 8)))


class Collected(MessageStream):
    """A client that only remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__(1 << 20)

    @property
    def data(self) -> bytes:
        return b"".join(self._output)


def relay() -> tuple[Relay, Collected]:
    client = Collected()
    types = TypeMap([(INNER_UINT8, "uint8")])
    return Relay(client, ChunkStream(), Descriptions(types), untranslated), client


def feed(target: Relay, data: bytes, cuts: list[int]) -> None:
    edges = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for start, end in pairwise(edges):
        target.feed(data[start:end])


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
NUMERIC_ROWS = st.lists(st.tuples(st.none() | NUMBERS.map(lambda n: str(n).encode()), st.binary(max_size=30)))
CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(NUMERIC_ROWS, CUTS)
def test_adapted_rows(rows: list[tuple[bytes | None, bytes]], cuts: list[int]) -> None:
    target, client = relay()
    target.expected.append(Expected("query"))
    end = [m.CommandComplete("SELECT"), m.ReadyForQuery(b"I")]
    sent = [NUMERIC_AND_TEXT, *(m.DataRow(row) for row in rows), *end]
    feed(target, b"".join(message.encode() for message in sent), cuts)
    adapted = [(None if n is None else n.rstrip(b"0").rstrip(b"."), t) for n, t in rows]
    received = [NUMERIC_AND_TEXT, *(m.DataRow(row) for row in adapted), end[0]]
    assert client.data == b"".join(message.encode() for message in received)
    assert not target.expected
    assert target.status == b"I"


@given(st.lists(st.tuples(st.none() | st.binary(max_size=300), st.binary(max_size=5))), CUTS)
def test_rows_that_pass(rows: list[tuple[bytes | None, bytes]], cuts: list[int]) -> None:
    target, client = relay()
    target.expected.append(Expected("query"))
    body = [*(m.DataRow(row) for row in rows), m.CommandComplete("SELECT")]
    sent = [TEXT_ONLY, *body, m.ReadyForQuery(b"T")]
    feed(target, b"".join(message.encode() for message in sent), cuts)
    fields = (m.FieldDescription("t", 25), m.FieldDescription("u", 16464, 8))
    assert client.data == m.RowDescription(fields).encode() + b"".join(message.encode() for message in body)
    assert target.status == b"T"


@given(st.lists(st.binary(max_size=300)), CUTS)
def test_copied_data(parts: list[bytes], cuts: list[int]) -> None:
    target, client = relay()
    target.expected.append(Expected("query"))
    sent = [m.CopyOutResponse(0, (0,)), *(m.CopyData(part) for part in parts)]
    data = b"".join(message.encode() for message in sent) + m.COPY_DONE + m.CommandComplete("COPY 1").encode()
    feed(target, data + m.ReadyForQuery(b"I").encode(), cuts)
    assert client.data == data
    assert not target.dirty


def message_kinds(data: bytes) -> str:
    kinds = ""
    while data:
        kinds += chr(data[0])
        data = data[1 + int.from_bytes(data[1:5], "big") :]
    return kinds


def test_silent_answers_are_left_out() -> None:
    target, client = relay()
    portal = Portal(Prepared(None))
    target.expected.extend(
        [
            Expected("parse"),
            Expected("bind"),
            Expected("describe", silent=True, portal=portal),
            Expected("execute", portal=portal),
            Expected("sync"),
        ]
    )
    target.feed(m.PARSE_COMPLETE + m.BIND_COMPLETE + NUMERIC_AND_TEXT.encode())
    target.feed(m.DataRow((b"1.50", b"")).encode() + m.CommandComplete("SELECT 1").encode())
    target.feed(m.ReadyForQuery(b"I").encode())
    assert message_kinds(client.data) == "12DC"
    assert m.DataRow((b"1.5", b"")).encode() in client.data


def test_error_takes_everything_up_to_sync_with_it() -> None:
    target, client = relay()
    called: list[str] = []

    def remember(name: str) -> Callable[[], None]:
        return lambda: called.append(name)

    target.expected.extend(
        [Expected("parse", on_error=remember("a")), Expected("bind", on_error=remember("b")), Expected("sync")]
    )
    target.feed(m.ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "42601", "M": "no"}).encode())
    assert called == ["a", "b"]
    assert [expected.kind for expected in target.expected] == ["sync"]
    assert target.failed
    assert not target.skipping
    target.feed(m.ReadyForQuery(b"I").encode())
    assert client.data == error_response(MzError("no", sqlstate="42601"))


def test_error_of_ours_replaces_only_the_one_it_stands_for() -> None:
    ours = MzError("ours", sqlstate="25000")
    theirs = m.ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "22012", "M": "theirs"}).encode()
    for completed, expected_message in ((0, b"theirs"), (1, b"ours")):
        target, client = relay()
        target.expected.append(Expected("query", error=ours, error_after=1))
        target.feed(m.CommandComplete("INSERT 0 1").encode() * completed + theirs + m.ReadyForQuery(b"I").encode())
        assert expected_message in client.data


@pytest.mark.parametrize(
    ("tag", "dirty"),
    [("INSERT 0 1", True), ("UPDATE 3", True), ("DELETE 0", True), ("SELECT 3", False), ("COPY 5", False)],
)
def test_what_has_been_written(tag: str, dirty: bool) -> None:
    target, _ = relay()
    target.expected.append(Expected("query"))
    target.feed(m.CommandComplete(tag).encode())
    assert target.dirty == dirty
    assert target.hold == dirty


def test_sync_before_copy_data_is_forgotten() -> None:
    target, _ = relay()
    target.expected.extend([Expected("execute", portal=Portal(Prepared(None))), Expected("sync")])
    target.feed(frame(b"G", b"\0\0\0"))
    assert target.copying_in
    assert [expected.kind for expected in target.expected] == ["execute"]
    target.copying_in = False
    target.feed(m.CommandComplete("COPY 2").encode())
    assert target.dirty
    assert not target.expected
