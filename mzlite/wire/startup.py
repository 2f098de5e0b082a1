"""The beginning of a connection: what a client says before it may send statements.

In: the first packets of a connection. Out: the startup parameters, or a request to cancel another session's
statement; and the settings inside the `options` parameter.
"""

from __future__ import annotations

import re

from mzlite.errors import MzError
from mzlite.wire.errors import PROTOCOL_VIOLATION
from mzlite.wire.fields import ProtocolViolationError
from mzlite.wire.messages import (
    CANCEL_REQUEST_CODE,
    GSSENC_REQUEST_CODE,
    PROTOCOL_VERSION,
    SSL_REQUEST_CODE,
    CancelRequest,
    NegotiateProtocolVersion,
    StartupMessage,
)
from mzlite.wire.stream import MessageStream
from mzlite.wire.tls import Tls

PROTOCOL_OPTION_PREFIX = "_pq_."
"""Parameters with such names are about the protocol, not about the session."""


MOST_REQUESTS = 4
"""So often a client may ask for encryption before it says who it is."""


async def negotiate(stream: MessageStream, tls: Tls | None = None) -> StartupMessage | CancelRequest:
    """Encrypt the connection or refuse to, as the client asks, and return the message that opens the session.

    Raises:
        MzError: the client speaks another protocol, or not encrypted where that is required.
    """
    for _ in range(MOST_REQUESTS):
        body = await stream.read_startup()
        code = int.from_bytes(body[:4], "big")
        if code == SSL_REQUEST_CODE and tls is not None and not stream.encrypted:
            await stream.start_tls(tls.context)
            continue
        if code in (SSL_REQUEST_CODE, GSSENC_REQUEST_CODE):
            stream.send(b"N")
            await stream.flush()
            continue
        if code == CANCEL_REQUEST_CODE:
            return CancelRequest.decode(body)
        if code >> 16 != PROTOCOL_VERSION >> 16:
            raise MzError("server does not support the client's requested protocol version", sqlstate="08004")
        message = StartupMessage.decode(body)
        extensions = tuple(name for name in message.parameters if name.startswith(PROTOCOL_OPTION_PREFIX))
        if code > PROTOCOL_VERSION or extensions:
            stream.send(NegotiateProtocolVersion(0, extensions).encode())
        if tls is not None and tls.required and not stream.encrypted:
            raise MzError("TLS encryption is required", sqlstate="08004")
        if not message.parameters.get("user"):
            raise MzError("no user name specified in startup packet", sqlstate=PROTOCOL_VIOLATION)
        return message
    raise ProtocolViolationError("too many requests for encryption")


_OPTION = re.compile(r"(?:\\.|\S)+", re.S)


def split_options(options: str) -> list[tuple[str, str]]:
    r"""The settings in an `options` parameter: `--name=value`, `-c name=value` or `-cname=value`.

    A backslash takes the next character as it is.

    >>> split_options(r"--welcome_message=off -c cluster=serve --search_path=a,\ b")
    [('welcome_message', 'off'), ('cluster', 'serve'), ('search_path', 'a, b')]

    Raises:
        ValueError: they cannot be read.
    """
    settings: list[tuple[str, str]] = []
    after_c = False
    for match in _OPTION.finditer(options):
        word = re.sub(r"\\(.)", r"\1", match.group(), flags=re.S)
        if after_c:
            after_c = False
        elif word == "-c":
            after_c = True
            continue
        elif word.startswith(("--", "-c")):
            word = word[2:]
        else:
            raise ValueError(f"unknown option {word}")
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"option {word} has no value")
        settings.append((name.replace("-", "_"), value))
    if after_c:
        raise ValueError("-c without a setting")
    return settings
