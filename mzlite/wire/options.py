"""What can be set about the wire, with its defaults.

In: nothing. Out: `WireOptions`, and the parts of the dialect that a server uses, which tests may replace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mzlite.dialect.statements import Statement
from mzlite.wire.errors import Translate, untranslated
from mzlite.wire.tls import Tls
from mzlite.wire.variables import Known

Parse = Callable[[str, str], Sequence[Statement]]
"""From a text, and the database of its session."""


@dataclass(frozen=True)
class WireOptions:
    """
    Attributes:
        host: the address to listen on.
        port: 0 takes a free one.
        login_timeout: seconds within which a client has to have logged in.
        message_limit: bytes that one message of a client may have.
        max_connections: sessions at the same time.
        reserved_connections: how many of them are kept for superusers.
        stop_timeout: seconds that sessions get to end when the server stops.
        authentication: "password" has every client prove that it knows its role's; "none" believes them all.
        tls: how connections are encrypted; None if they cannot be.
    """

    host: str = "127.0.0.1"
    port: int = 6875
    login_timeout: float = 60.0
    message_limit: int = 256 * 1024 * 1024
    max_connections: int = 500
    reserved_connections: int = 3
    stop_timeout: float = 5.0
    authentication: Literal["none", "password"] = "none"
    tls: Tls | None = None


@dataclass(frozen=True)
class Dialect:
    """What the wire uses of the dialect: the parser, the translation of errors, the variables by lower-case name."""

    parse: Parse
    translate: Translate = untranslated
    variables: Mapping[str, Known] = field(default_factory=dict)
