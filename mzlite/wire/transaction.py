"""What may follow what within one transaction.

In: each statement of a session before it runs. Out: nothing, or the error that Materialize gives; or that the
statement waits for COMMIT, because definitions inside an explicit transaction are carried out when it ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mzlite.dialect.admin import AdminStatement
from mzlite.dialect.definitions import AlterRename, AlterSwap
from mzlite.dialect.statements import (
    BeginTransaction,
    CloseCursor,
    Explain,
    Fetch,
    Relayed,
    ResetVariable,
    SetVariable,
    ShowVariable,
    Statement,
    Subscribe,
)
from mzlite.errors import MzError
from mzlite.wire.errors import ACTIVE_TRANSACTION, INVALID_TRANSACTION_STATE, READ_ONLY_TRANSACTION


class Mode(Enum):
    """What a transaction has turned out to be by its first statement that matters."""

    CONSTANT = "constant"
    """Queries so far that read nothing: reads or writes may follow."""
    READ = "read"
    WRITE = "write"
    SUBSCRIBE = "subscribe"
    RENAME = "rename"
    SINGLE = "single"


_QUERIES = (Mode.CONSTANT, Mode.READ, Mode.SUBSCRIBE)
_NEUTRAL = (Explain, Fetch, CloseCursor, ShowVariable, SetVariable, ResetVariable)
_LEADING_COMMENTS = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.S)
_WORD = re.compile(r"[A-Za-z_]+")


def first_word(sql: str) -> str:
    """The first word of a statement in lower case, behind comments.

    >>> first_word("/* app */ COMMIT AND CHAIN")
    'commit'
    """
    start = _LEADING_COMMENTS.match(sql)
    word = _WORD.match(sql, start.end() if start is not None else 0)
    return word.group().lower() if word is not None else ""


def mode_of(statement: Statement) -> Mode | None:
    """The mode that a statement asks for; None when it fits into any."""
    if isinstance(statement, Relayed | Subscribe) and statement.as_of is not None:
        return None  # it sees another moment than the rest
    match statement:
        case Subscribe(output="cursor"):
            return None  # until something is fetched
        case Relayed(kind="select") if not statement.access.reads and first_word(statement.sql) != "show":
            return Mode.CONSTANT
        case Relayed(kind="select"):
            return Mode.READ
        case Relayed(kind="write"):
            return Mode.WRITE
        case Relayed():
            return Mode.WRITE if statement.writes else None
        case Subscribe():
            return Mode.SUBSCRIBE
        case AlterRename() | AlterSwap():
            return Mode.RENAME
        case _ if isinstance(statement, _NEUTRAL):
            return None
        case _:
            return Mode.SINGLE


_READ_ONLY = MzError(
    "transaction in read-only mode",
    sqlstate=READ_ONLY_TRANSACTION,
    detail="SELECT queries cannot be combined with other query types, including SUBSCRIBE.",
)
_REFUSALS = {
    Mode.READ: _READ_ONLY,
    Mode.CONSTANT: _READ_ONLY,
    Mode.WRITE: MzError("transaction in write-only mode", sqlstate=INVALID_TRANSACTION_STATE),
    Mode.SUBSCRIBE: MzError(
        "SUBSCRIBE in transactions must be the only read statement", sqlstate=INVALID_TRANSACTION_STATE
    ),
    Mode.RENAME: MzError(
        "transactions which modify objects are restricted to just modifying objects",
        sqlstate=INVALID_TRANSACTION_STATE,
    ),
    Mode.SINGLE: MzError("this transaction can only execute a single statement", sqlstate=INVALID_TRANSACTION_STATE),
}


@dataclass
class Transaction:
    """The rules of one session's current transaction.

    Attributes:
        explicit: it was begun by BEGIN.
        several: it is the implicit one around a query of more than one statement.
        mode: what it has turned out to be.
        deferred: definitions that wait for COMMIT.
        access: "read only" or "read write", as the last BEGIN that named it says.
        revision: the catalog's when the first of them was tried.
        domain: what may be read in it, once something was.
    """

    explicit: bool = False
    several: bool = False
    mode: Mode | None = None
    deferred: list[Statement] = field(default_factory=list)
    access: str | None = None
    revision: int | None = None
    domain: Any = None

    def reset(self) -> None:
        """The transaction has ended; a query of several statements may go on with the next."""
        self.explicit = False
        self.mode = None
        self.access = None
        self.revision = None
        self.domain = None
        self.deferred.clear()

    @property
    def is_block(self) -> bool:
        """It goes on after a statement: BEGIN has begun it, or there are several statements in a query."""
        return self.explicit or self.several

    def start_subscription(self, statement: Subscribe) -> None:
        """Check a subscription that begins with the first FETCH from its cursor.

        Raises:
            MzError: it does not fit.
        """
        if statement.as_of is None:
            self._enter(Mode.SUBSCRIBE)

    def admit(self, statement: Statement) -> bool:
        """Check a statement against what came before it.

        Returns:
            whether it runs now; otherwise it has been put off to COMMIT.

        Raises:
            MzError: it does not fit.
        """
        if isinstance(statement, Relayed) and statement.kind == "transaction":
            self._control(statement)
            return True
        if not self.explicit and not self.several:
            return True
        if isinstance(statement, AdminStatement):
            raise prohibited(statement)
        mode = mode_of(statement)
        if mode is None or (mode is Mode.CONSTANT and self.mode in (Mode.READ, Mode.WRITE)):
            return True
        if self.mode is Mode.CONSTANT and mode in (Mode.READ, Mode.WRITE):
            self.mode = mode
        single = mode is Mode.SINGLE
        if (single and not self.explicit) or (isinstance(statement, Relayed) and statement.reads_then_writes):
            raise prohibited(statement)
        self._enter(mode)
        if single or mode is Mode.RENAME:
            if not self.explicit:
                return True
            self.deferred.append(statement)
            return False
        return True

    def _enter(self, mode: Mode) -> None:
        alone = mode in (Mode.SINGLE, Mode.SUBSCRIBE)
        if self.mode is not None and (self.mode is not mode or alone):
            refusal = _REFUSALS[self.mode]
            raise MzError(refusal.message, sqlstate=refusal.sqlstate, detail=refusal.detail)
        self.mode = mode

    def _control(self, statement: Relayed) -> None:
        match first_word(statement.sql):
            case "begin" | "start":
                self._begin(statement)
            case "rollback" | "abort":
                self.reset()
            case "commit" | "end":
                # What was deferred is still to be carried out; the session takes it from here.
                self.explicit = False
                self.mode = None
                self.access = None
                self.domain = None

    def _begin(self, statement: Relayed) -> None:
        """BEGIN, also within a transaction, of which it may change the access mode as long as nothing was read."""
        access = statement.access_mode if isinstance(statement, BeginTransaction) else None
        if access == "read write" and self.access == "read only" and self.mode in _QUERIES:
            raise MzError(
                "transaction read-write mode must be set before any query", sqlstate=INVALID_TRANSACTION_STATE
            )
        self.explicit = True
        self.access = access or self.access


def ends_transaction(statement: Statement) -> bool:
    """Whether a statement is COMMIT."""
    return (
        isinstance(statement, Relayed)
        and statement.kind == "transaction"
        and first_word(statement.sql) in ("commit", "end")
    )


def closes_transaction(statement: Statement) -> bool:
    """Whether a statement is COMMIT or ROLLBACK."""
    return ends_transaction(statement) or (
        isinstance(statement, Relayed)
        and statement.kind == "transaction"
        and first_word(statement.sql) in ("rollback", "abort")
    )


def prohibited(statement: Statement) -> MzError:
    """The error for a statement that has to be alone."""
    return MzError(
        f"{' '.join(statement.sql.split())} cannot be run inside a transaction block", sqlstate=ACTIVE_TRANSACTION
    )


_DEFERRED_TAGS = {
    "CreateTableFromSource": "CREATE TABLE",
    "CreateMaterializedView": "CREATE MATERIALIZED VIEW",
}


def deferred_tag(statement: Statement) -> str:
    """The command tag that a definition is announced with before it is carried out.

    >>> from mzlite.dialect.definitions import CreateSchema, Drop
    >>> deferred_tag(CreateSchema("..", ("s",))), deferred_tag(Drop("..", "materialized view", (("v",),)))
    ('CREATE SCHEMA', 'DROP MATERIALIZED VIEW')
    """
    name = type(statement).__name__
    if name in _DEFERRED_TAGS:
        return _DEFERRED_TAGS[name]
    object_type = getattr(statement, "object_type", "").upper()
    if name == "Drop":
        return f"DROP {object_type}"
    if name == "Grant":
        return str(getattr(statement, "verb", "grant")).upper()
    if name.startswith("Alter"):
        return f"ALTER {object_type or name.removeprefix('Alter').upper()}"
    words = re.findall("[A-Z][a-z]*", name)
    return " ".join(words).upper()
