"""One error type for everything that mzlite refuses, carrying what the wire sends to the client.

In: a message with the words of real Materialize and its SQLSTATE. Out: an exception
that any layer may raise and that the wire turns into an ErrorResponse.
"""

from __future__ import annotations

import os

INTERNAL = "XX000"
"""Materialize answers most planning errors with `XX000`, not with PostgreSQL's finer codes."""
SYNTAX_ERROR = "42601"
FEATURE_NOT_SUPPORTED = "0A000"


class MzError(Exception):
    """An error that the client sees.

    Args:
        message: the primary text, in Materialize's words.
        sqlstate: five characters; `XX000` unless the recorded behaviour differs.
        detail: the DETAIL field, if any.
        hint: the HINT field, if any.
    """

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str = INTERNAL,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.detail = detail
        self.hint = hint


def syntax_error(message: str) -> MzError:
    """A statement that Materialize's grammar does not take."""
    return MzError(message, sqlstate=SYNTAX_ERROR)


def unsupported(message: str, *, detail: str | None = None, hint: str | None = None) -> MzError:
    """A statement that parses, but that Materialize (or a rule of mzlite) cannot do."""
    return MzError(message, sqlstate=FEATURE_NOT_SUPPORTED, detail=detail, hint=hint)


def cannot_listen(host: str, port: int, error: OSError) -> OSError:
    """The error that names the address."""
    # asyncio puts words of its own before the reason; names that cannot be resolved have numbers of their own.
    why = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else error.strerror
    return OSError(error.errno, f"cannot listen on {host}:{port}: {why}")


def reason(error: Exception) -> str:
    """What an error tells a person at the command line: without numbers, with the file or the hint."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    hint = error.hint if isinstance(error, MzError) else None
    return str(error) if hint is None else f"{error}\n{hint}"
