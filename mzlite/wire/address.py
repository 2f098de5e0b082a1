"""Takes the address of a server before anything behind it is started.

In: a host and a port. Out: sockets that have the address; clients are refused until a server listens on them.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from mzlite.errors import cannot_listen

NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
"""What a name says for its IPv6 address on a machine without IPv6."""


def bind(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the host; port 0 takes a free one, the same for all of them.

    Raises:
        OSError: an address is taken, or none of them is this machine's.
    """
    bound: list[socket.socket] = []
    missing: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, protocol, _, address in dict.fromkeys(found):
            try:
                bound.append(_bound(family, protocol, (address[0], port, *address[2:])))
            except OSError as error:
                if error.errno not in NOT_HERE:
                    raise
                missing = error
            else:
                port = int(bound[0].getsockname()[1])
        if missing is not None and not bound:
            raise missing
    except OSError as error:
        for taken in bound:
            taken.close()
        raise cannot_listen(host, port, error) from error
    return bound


def _bound(family: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
