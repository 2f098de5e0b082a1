"""Errors and notices as the client gets them.

In: an `MzError`, or the fields of an error of the inner PostgreSQL. Out: the bytes of an ErrorResponse or a
NoticeResponse.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping

import structlog

from mzlite.errors import MzError
from mzlite.wire.messages import ErrorResponse, NoticeResponse

log = structlog.get_logger(__name__)

Translate = Callable[[Mapping[str, str], str | None], MzError]
"""A PostgreSQL error's fields (by their one-letter codes) and the text that was sent, in Materialize's words."""

PROTOCOL_VIOLATION = "08P01"
FEATURE_NOT_SUPPORTED = "0A000"
INVALID_CURSOR_NAME = "34000"
ACTIVE_TRANSACTION = "25001"
READ_ONLY_TRANSACTION = "25006"
INVALID_TRANSACTION_STATE = "25000"
NO_ACTIVE_TRANSACTION = "25P01"
FAILED_TRANSACTION = "25P02"
INVALID_STATEMENT_NAME = "26000"
DUPLICATE_STATEMENT = "42P05"
DUPLICATE_CURSOR = "42P03"
TOO_MANY_CONNECTIONS = "53300"
ADMIN_SHUTDOWN = "57P01"
CANNOT_CONNECT_NOW = "57P03"
QUERY_CANCELED = "57014"
INTERNAL_ERROR = "XX000"
WARNING = "01000"
SUCCESS = "00000"

_SENSITIVE = re.compile(r"\b(secret|password|role|user|connection|token|key)\b", re.I)
LONGEST_LOGGED = 2000
"""Characters of a statement that go into the log."""


def canceled() -> MzError:
    """What a statement ends with when its client asked for that."""
    return MzError("canceling statement due to user request", sqlstate=QUERY_CANCELED)


def failed_transaction() -> MzError:
    """What every statement gets in a transaction in which one has failed."""
    return MzError(
        "current transaction is aborted, commands ignored until end of transaction block", sqlstate=FAILED_TRANSACTION
    )


class ConnectionLostError(Exception):
    """A peer is gone, so that nobody can be answered any more."""


@contextlib.contextmanager
def internal_errors(sql: str) -> Iterator[None]:
    """Turn what should not happen into an error of the statement alone; the session goes on.

    Raises:
        MzError: what happened, in place of any other exception; it is logged.
    """
    try:
        yield
    except (MzError, ConnectionLostError):
        raise
    except Exception as error:
        log.exception("statement failed with an internal error", sql=loggable(sql))
        raise MzError(f"internal error: {error}", sqlstate=INTERNAL_ERROR) from error


def loggable(sql: str) -> str:
    """A statement as it may stand in a log: not if a secret or a password could be in it."""
    return "<redacted>" if _SENSITIVE.search(sql) else sql[:LONGEST_LOGGED]


def error_response(error: MzError, severity: str = "ERROR") -> bytes:
    """`severity` is ERROR, or FATAL when the session ends with it."""
    fields = {"S": severity, "V": severity, "C": error.sqlstate, "M": error.message}
    if error.detail:
        fields["D"] = error.detail
    if error.hint:
        fields["H"] = error.hint
    return ErrorResponse(fields).encode()


def notice_response(
    message: str,
    *,
    severity: str = "NOTICE",
    sqlstate: str = SUCCESS,
    detail: str | None = None,
    hint: str | None = None,
) -> bytes:
    """`severity` is one of WARNING, NOTICE, INFO, LOG, DEBUG."""
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": message}
    if detail:
        fields["D"] = detail
    if hint:
        fields["H"] = hint
    return NoticeResponse(fields).encode()


def untranslated(fields: Mapping[str, str], sql: str | None = None) -> MzError:
    """PostgreSQL's own words."""
    return MzError(
        fields.get("M", "unknown error"),
        sqlstate=fields.get("C", INTERNAL_ERROR),
        detail=fields.get("D"),
        hint=fields.get("H"),
    )
