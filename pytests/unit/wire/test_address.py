"""The address is taken before anything is started, and refuses clients until all is up."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mzlite.server import Server, ServerOptions
from mzlite.wire.address import bind
from mzlite.wire.options import WireOptions


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_clients_are_refused_until_somebody_listens() -> None:
    (bound,) = bind("127.0.0.1", 0)
    with bound, socket.socket() as client:
        assert client.connect_ex(bound.getsockname()) != 0
        bound.listen()
        client.connect(bound.getsockname())


def test_all_addresses_of_a_name_have_the_same_port() -> None:
    bound = bind("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in bound}) == 1
        assert bound[0].getsockname()[1] > 0
    finally:
        for each in bound:
            each.close()


@pytest.mark.parametrize(
    ("host", "said"),
    [("127.0.0.1", "Address already in use"), ("192.0.2.1", "Cannot assign"), ("nosuch.invalid", "")],
)
def test_an_address_that_cannot_be_had_is_named(taken: int, host: str, said: str) -> None:
    with pytest.raises(OSError, match=f"cannot listen on {host}:{taken}: .*{said}"):
        bind(host, taken)


@pytest.mark.parametrize("what", ["listen", "metrics"])
def test_a_taken_port_is_noticed_before_postgres_is_started(tmp_path: Path, taken: int, what: str) -> None:
    wire = WireOptions(port=taken if what == "listen" else 0)
    metrics = ("127.0.0.1", taken) if what == "metrics" else None
    server = Server(ServerOptions(tmp_path / "data", wire=wire, metrics=metrics))
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{taken}: Address already in use"):
        asyncio.run(server.start())
    assert not (tmp_path / "data").exists()
