"""What the wire needs from the layer below it, as protocols.

In: nothing. Out: the `Coordinator` that a server is given, and the shapes that pass between the two:
results, notices, subscriptions and their events. The wire never asks what stands behind them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mzlite.dialect.admin import AdminStatement
from mzlite.dialect.statements import Access, Name, Relayed, Statement, Subscribe
from mzlite.errors import MzError
from mzlite.session import Session

END_OF_TIME = 2**63 - 1
"""The frontier of an event after which nothing can change any more: the subscription ends by itself."""


class Notice(Protocol):
    """A message beside the result.

    A `hint` and a `detail` may be None; `sqlstate` is five characters, `severity` one of NOTICE, WARNING, INFO.
    """

    @property
    def message(self) -> str:
        """The text."""


class ExecuteResult(Protocol):
    """What carrying out an own statement gives: the command tag and its notices.

    An implementation may have the attributes `columns` (names) and `rows` (text values) too; they are sent
    as a result of text columns then.
    """

    @property
    def tag(self) -> str:
        """What CommandComplete says."""

    @property
    def notices(self) -> Sequence[Notice]:
        """Sent before it."""


@dataclass
class Column:
    """One column of a subscribed query: its name and its type as the inner PostgreSQL describes it."""

    name: str
    type_oid: int
    type_size: int
    type_modifier: int


@dataclass
class SubscriptionEvent:
    """What changed at one moment.

    Attributes:
        timestamp: the moment, in milliseconds since 1970.
        rows: each change at it: the difference in count and the values as PostgreSQL prints them.
        frontier: everything before it is complete, in milliseconds; `END_OF_TIME` when nothing can follow.
    """

    timestamp: int
    rows: Sequence[tuple[int, tuple[bytes | None, ...]]]
    frontier: int


class Subscription(Protocol):
    """A live query: first its state at `timestamp`, then its changes.

    `overflowed` is called when more waits than may, with the error that `next` gives from then on.
    """

    overflowed: Callable[[MzError], None] | None
    columns: Sequence[Column]
    timestamp: int

    async def next(self, timeout: float | None) -> SubscriptionEvent | None:  # noqa: ASYNC109  (None is no error)
        """The next event, or None when none came within `timeout` seconds."""

    async def close(self) -> None:
        """Let go of everything held; harmless when already closed."""


@dataclass(frozen=True)
class Role:
    """A role as far as logging in is concerned; `verifier` is None when it has no password."""

    name: str
    superuser: bool
    login: bool
    verifier: str | None = field(default=None, repr=False)


class Coordinator(Protocol):
    """Carries out what is Materialize's own."""

    write_lock: asyncio.Lock

    async def execute(self, session: Session, statement: Statement) -> ExecuteResult:
        """Carry out an own statement.

        Raises:
            MzError: it is refused; nothing has changed.
        """

    async def execute_together(
        self, session: Session, statements: Sequence[Statement], revision: int | None = None
    ) -> Sequence[ExecuteResult]:
        """Carry out several own statements at one moment, or none; `revision` is what `rehearse` gave.

        Raises:
            MzError: one is refused, or the catalog has changed since; nothing has changed.
        """

    async def rehearse(self, session: Session, statements: Sequence[Statement], revision: int | None = None) -> int:
        """Try them, and take them back; the catalog's revision.

        Raises:
            MzError: one is refused, or the catalog has changed since `revision`.
        """

    def administer(self, statement: AdminStatement) -> AsyncGenerator[tuple[str | None, ...], None]:
        """Carry out a statement of the administrator; its rows as they are known.

        Raises:
            MzError: it is refused.
        """

    async def moment(self, session: Session, statement: Relayed) -> int | None:
        """Return when the moment that a query is to be read at has come: that moment, or None for the present.

        Raises:
            MzError: it has passed, and is no lower bound.
        """

    async def enter_domain(
        self, session: Session, reads: Sequence[Name], domain: Any, *, catalog: bool
    ) -> Any:  # what that is only the coordinator knows
        """Judge what a query of a transaction reads beside the queries before it; what they have settled by now.

        Raises:
            MzError: they may not be read together.
        """

    async def absorb_writes(self) -> None:
        """Return when every write that was committed before the call can be read."""

    async def check_subscribe(self, session: Session, statement: Subscribe) -> None:
        """Judge a subscription that is to be started later.

        Raises:
            MzError: it is refused.
        """

    async def subscribe(self, session: Session, statement: Subscribe) -> Subscription:
        """Start a subscription.

        Raises:
            MzError: it is refused.
        """

    async def role(self, name: str) -> Role | None:
        """The role of that name, if there is one."""

    async def ensure_role(self, name: str) -> Role:
        """The role of that name, which is made if there is none."""

    async def keep_names(self) -> None:
        """Return when the database knows every long name of which a statement has been read."""

    async def authorize(self, session: Session, access: Access) -> None:
        """Judge a relayed statement.

        Raises:
            MzError: the session's role may not.
        """

    async def refuse_by_types(self, session: Session, statement: Relayed, parameters: Sequence[int] = ()) -> None:
        """Raises for what only the types and the columns of relations tell that Materialize refuses."""

    async def with_common_types(self, session: Session, statement: Relayed, parameters: Sequence[int] = ()) -> Relayed:
        """The statement with casts where values of several types become one in another way than PostgreSQL's.

        `parameters` are oids of the types of its parameters in the inner PostgreSQL.
        """

    async def end_session(self, session: Session) -> None:
        """Drop what a session has made for itself alone. Called once its backend has gone, and not more than once."""

    def read_error(self, session: Session, names: Sequence[tuple[str, ...]], error: MzError) -> MzError:
        """The error of a query that names these relations, of which PostgreSQL has not found one."""

    def write_error(self, session: Session, name: tuple[str, ...], error: MzError, *, inserts: bool) -> MzError:
        """The error of a write to the relation of that name, which PostgreSQL has refused."""

    def backend_address(self, session: Session) -> tuple[str, dict[str, str]]:
        """The inner PostgreSQL's socket and the startup parameters (user, database, search_path, ..) of a session."""
