"""One error type for everything that mzlite refuses, carrying what the wire sends to the client.

In: a message with the words of real Materialize and its SQLSTATE. Out: an exception
that any layer may raise and that the wire turns into an ErrorResponse.
"""

from __future__ import annotations

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
