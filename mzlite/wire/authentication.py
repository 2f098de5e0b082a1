"""Asking a client for its password: the SASL messages of the protocol around a SCRAM exchange.

In: a client's stream and the verifier of the role that it wants to be. Out: nothing; the client has proved itself, or
the error that ends the connection.
"""

from __future__ import annotations

from mzlite.errors import MzError
from mzlite.scram import BOUND_MECHANISM, MECHANISM, ScramError, ScramServer, Verifier
from mzlite.wire.fields import UINT32, ProtocolViolationError, Reader, frame, string
from mzlite.wire.stream import MessageStream

INVALID_PASSWORD = "28P01"
INVALID_AUTHORIZATION = "28000"
PASSWORD_MESSAGE = ord("p")
LONGEST_MESSAGE = 4096
_SASL, _SASL_CONTINUE, _SASL_FINAL = 10, 11, 12


async def authenticate(client: MessageStream, verifier: Verifier, binding: bytes | None) -> None:
    """Have the client prove that it knows the password.

    Args:
        binding: what the connection's TLS binds to, if it has any.

    Raises:
        MzError: it does not, or cannot say so.
    """
    mechanisms = ([BOUND_MECHANISM] if binding is not None else []) + [MECHANISM]
    _send(client, _SASL, b"".join(map(string, mechanisms)) + b"\0")
    await client.flush()
    reader = Reader(await _response(client, "SASLInitialResponse"))
    try:
        mechanism = reader.string()
        message = reader.value()
        reader.end()
    except ProtocolViolationError as error:
        raise _expected("SASLInitialResponse") from error
    if mechanism not in mechanisms:
        raise MzError("unsupported SASL mechanism", sqlstate=INVALID_AUTHORIZATION)
    exchange = ScramServer(verifier, mechanism, binding)
    try:
        _send(client, _SASL_CONTINUE, exchange.first(message or b""))
        await client.flush()
        _send(client, _SASL_FINAL, exchange.final(await _response(client, "SASLResponse")))
    except ScramError as error:
        raise MzError("invalid password", sqlstate=INVALID_PASSWORD) from error


async def _response(client: MessageStream, name: str) -> bytes:
    kind, body = await client.read_message(LONGEST_MESSAGE)
    if kind != PASSWORD_MESSAGE:
        raise _expected(name)
    return body


def _expected(name: str) -> MzError:
    return MzError(f"expected {name} message", sqlstate=INVALID_AUTHORIZATION)


def _send(client: MessageStream, step: int, data: bytes) -> None:
    client.send(frame(b"R", UINT32.pack(step) + data))
