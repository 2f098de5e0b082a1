"""Stands between the sessions and the engine: own statements, writes, subscriptions.

In: calls of the wire, on the event loop. Out: jobs for the engine's thread, awaited. Nothing here
blocks the loop.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from typing import Any, TypeVar

import psycopg
import structlog

from mzlite.admin import Administration
from mzlite.as_of import AsOf
from mzlite.catalog.drop import drop_temporary
from mzlite.catalog.execute import execute
from mzlite.catalog.interface import ExecuteResult
from mzlite.catalog.rbac import is_enforced
from mzlite.catalog.registry import find_item, quote_name, refuse_as_input, search_path
from mzlite.catalog.remote import Question
from mzlite.catalog.timedomain import TimeDomain
from mzlite.dataflow.engine import Engine
from mzlite.dataflow.refusals import may_be_refused
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.dialect.admin import AdminStatement
from mzlite.dialect.common_types import mixes, names_unsigned, query_in, with_query
from mzlite.dialect.definitions import CreateSource, CreateTableFromSource, ValidateConnection
from mzlite.dialect.moment_operands import may_have_operands
from mzlite.dialect.pg_errors import from_psycopg
from mzlite.dialect.quantified_arrays import compares_elements
from mzlite.dialect.reading import relations
from mzlite.dialect.statements import Access, Explain, Name, Relayed, Statement, Subscribe
from mzlite.errors import MzError
from mzlite.long_names import whole
from mzlite.remembered import Key, Remembered, key_of
from mzlite.roster import Roster
from mzlite.session import Session
from mzlite.storage.postgres import Postgres
from mzlite.subscription import WAITING_BYTES, Subscription, refuse_unavailable, subscribed_query
from mzlite.wire.interface import Role

log = structlog.get_logger(__name__)
T = TypeVar("T")

_UNKNOWN_COLUMN = re.compile(r'column "(.*)" of relation ".*" does not exist')


class Coordinator:
    """Implements what the wire needs, over one engine.

    Args:
        engine: the engine.
        postgres: the inner PostgreSQL, for the sessions' own backends.
        test_clock: the administrator may hold the clock.
        subscription_limit: bytes that may wait for one subscriber.
    """

    def __init__(
        self,
        engine: Engine,
        postgres: Postgres,
        *,
        test_clock: bool = False,
        subscription_limit: int = WAITING_BYTES,
    ) -> None:
        self._subscription_limit = subscription_limit
        self.engine = engine
        self.postgres = postgres
        self.roster = Roster(postgres)
        self._administration = Administration(engine, postgres, may_hold_clock=test_clock)
        self.write_lock = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._with_temporary: set[int] = set()
        self._revision = 0
        self._judged = Remembered[bool]()
        self._mended = Remembered[str]()
        self._unsigned: tuple[int, frozenset[str]] = (-1, frozenset())

    async def execute(self, session: Session, statement: Statement) -> ExecuteResult:
        """Carries out an own statement.

        Raises:
            MzError: it is refused; nothing has changed.
        """
        (result,) = await self.execute_together(session, [statement])
        return result

    async def execute_together(
        self, session: Session, statements: Sequence[Statement], revision: int | None = None
    ) -> list[ExecuteResult]:
        """Carries out several own statements at one moment, or none of them.

        Args:
            revision: what `rehearse` gave when the first of them was written; None if it does not matter.

        Raises:
            MzError: one is refused, or the catalog has changed since; nothing has changed.
        """

        def job(tx: EngineTransaction) -> list[ExecuteResult]:
            self._require_revision(revision)
            results = [execute(statement, session, tx) for statement in statements]
            self.roster.keep_derived_names(tx)
            if not all(isinstance(statement, Explain | ValidateConnection) for statement in statements):
                tx.after_commit.append(self._changed)
            return results

        results = await self._on_engine(job)
        if any(isinstance(statement, CreateSource | CreateTableFromSource) for statement in statements):
            # What a load generator has at once is there when the statement returns, as it is for the next read there.
            for ready in self.engine.connectors.unready():
                await asyncio.wrap_future(ready)
        if any(getattr(statement, "temporary", False) for statement in statements):
            self._with_temporary.add(session.id)
        return results

    async def rehearse(self, session: Session, statements: Sequence[Statement], revision: int | None = None) -> int:
        """Tries what `execute_together` would do and takes it back.

        Returns:
            the catalog's revision.

        Raises:
            MzError: one is refused, or the catalog has changed since `revision`.
        """

        def job(tx: EngineTransaction) -> None:
            self._require_revision(revision)
            for statement in statements:
                execute(statement, session, tx)
            raise _RehearsedError(self._revision)

        try:
            await self._on_engine(job)
        except _RehearsedError as rehearsed:
            return rehearsed.revision
        raise AssertionError("a rehearsal always ends with an exception")

    async def _on_engine(self, job: Callable[[EngineTransaction], T]) -> T:
        """What a statement's job gives on the engine's thread; what it asks other systems is asked away from there.

        Raises:
            MzError: the statement is refused, or has failed.
        """
        answers: dict[Hashable, Any] = {}

        def answered(tx: EngineTransaction) -> T:
            tx.answers = answers
            return job(tx)

        try:
            while True:
                try:
                    return await asyncio.wrap_future(self.engine.submit(answered))
                except Question as question:
                    # A broker may take seconds to answer; meanwhile the engine ticks.
                    answers[question.key] = await asyncio.to_thread(question.ask)
        except (MzError, _RehearsedError):
            raise
        except Exception as error:
            raise as_mz_error(error) from error

    def _changed(self) -> None:
        self._revision += 1

    def _require_revision(self, revision: int | None) -> None:
        """On the engine's thread: nobody else changes the catalog meanwhile."""
        if revision is not None and revision != self._revision:
            raise MzError(
                "another session modified the catalog while this DDL transaction was open",
                sqlstate="40001",
            )

    async def role(self, name: str) -> Role | None:
        """The role of that name, if there is one."""
        return await asyncio.to_thread(self.roster.role, name)

    async def ensure_role(self, name: str) -> Role:
        """The role of that name, which is made if there is none."""
        return await asyncio.to_thread(self.roster.ensure, name)

    async def keep_names(self) -> None:
        """Returns when the database knows every long name of which a statement has been read."""
        if self.roster.lacks_names:
            await asyncio.to_thread(self.roster.keep_names)

    async def authorize(self, session: Session, access: Access) -> None:
        """Judge a statement that PostgreSQL carries out.

        Raises:
            MzError: the session's role may not, or its cluster cannot.
        """
        if is_enforced(session) or (access.reads and session.cluster != Session.cluster):
            await asyncio.to_thread(self.roster.authorize, session, access)

    async def refuse_by_types(self, session: Session, statement: Relayed, parameters: Sequence[int] = ()) -> None:
        """Judge a statement by the types and the columns of what it reads.

        Args:
            session: whose names it has.
            statement: as the dialect gives it.
            parameters: oids of the types of its parameters in the inner PostgreSQL.

        Raises:
            MzError: Materialize refuses it.
        """
        query = query_in(statement)
        key, revision = self._key(session, query, parameters), self._revision
        if self._judged.get(key, revision):
            return
        if may_be_refused(query):
            await asyncio.to_thread(self.roster.refuse_by_types, session, query, parameters)
        self._judged.keep(key, revision, found=True)

    async def with_common_types(self, session: Session, statement: Relayed, parameters: Sequence[int] = ()) -> Relayed:
        """The statement with a cast wherever Materialize finds a common type that PostgreSQL does not.

        Args:
            session: whose names it has.
            statement: as the dialect gives it.
            parameters: oids of the types of its parameters in the inner PostgreSQL.
        """
        query = query_in(statement)
        looked_at = may_have_operands(query) or compares_elements(query)
        if not mixes(query) and not looked_at:
            return statement
        if not looked_at and not names_unsigned(query):
            revision, names = self._unsigned
            if revision != self._revision:
                revision = self._revision
                names = await asyncio.to_thread(self.roster.unsigned_relations)
                self._unsigned = revision, names
            named = (*statement.access.reads, statement.access.target)
            if names.isdisjoint(name[-1] for name in named if name):
                return statement
        key, revision = self._key(session, query, parameters), self._revision
        mended = self._mended.get(key, revision)
        if mended is None:
            mended = await asyncio.to_thread(self.roster.with_common_types, session, query, parameters)
            self._mended.keep(key, revision, mended)
        return statement if mended == query else with_query(statement, query, mended)

    def _key(self, session: Session, query: str, parameters: Sequence[int]) -> Key:
        return key_of(session, query, parameters, has_temporary=session.id in self._with_temporary)

    async def end_session(self, session: Session) -> None:
        """Drops what a session that has ended made for itself; harmless when that is nothing."""
        if session.id not in self._with_temporary:
            return
        self._with_temporary.discard(session.id)

        def job(tx: EngineTransaction) -> None:
            drop_temporary(tx, session)

        await asyncio.wrap_future(self.engine.submit(job))

    def administer(self, statement: AdminStatement) -> AsyncGenerator[tuple[str | None, ...], None]:
        """Carries out a statement of the administrator; its rows as they are known."""
        return self._administration.rows(statement)

    async def absorb_writes(self) -> None:
        """Returns when every write committed before the call can be read."""
        await asyncio.wrap_future(self.engine.absorb_writes())

    def backend_address(self, session: Session) -> tuple[str, dict[str, str]]:
        """Where a session's own backend is reached, and how it starts."""
        path = ", ".join(quote_name(name) for name in search_path(session))
        parameters = {
            "user": "materialize",
            "database": "materialize",
            "search_path": path,
            "mzlite.path": json.dumps([whole(name) for name in session.search_path]),
            "mzlite.database": whole(session.database),
            "mzlite.user": whole(session.user),
            "mzlite.superuser": "on" if session.superuser else "off",
        }
        return str(self.postgres.socket_dir / f".s.PGSQL.{self.postgres.port}"), parameters

    def read_error(self, session: Session, names: Sequence[Name], error: MzError) -> MzError:
        """The error of a query that PostgreSQL has refused because it has no such relation."""
        named = next((name for name in names if error.message == f"unknown catalog item '{'.'.join(name)}'"), None)
        if named is None:
            return error
        with self.postgres.connect() as connection:
            tx: Any = connection
            try:
                item = find_item(tx, session, named)
            except MzError:
                return error
        try:
            refuse_as_input(item)
        except MzError as found:
            return found
        return error

    def write_error(self, session: Session, name: Name, error: MzError, *, inserts: bool) -> MzError:
        """The error of a write that PostgreSQL has refused, with what Materialize says of the relation."""
        with self.postgres.connect() as connection:
            tx: Any = connection
            try:
                item = find_item(tx, session, name)
            except MzError as unknown:
                return unknown
        if item is None:
            return error
        unknown_column = _UNKNOWN_COLUMN.fullmatch(error.message)
        if unknown_column is not None:
            column = unknown_column[1]
            text = f'column "{column}" of relation "{item.full_name}" does not exist'
            return MzError(text if inserts else f"unknown column {column}")
        if item.type == "table" and not item.is_system:
            return error
        words = "system table" if item.is_system else item.words
        return MzError(f"cannot {'insert into' if inserts else 'mutate'} {words} '{item.full_name}'")

    async def subscribe(self, session: Session, statement: Subscribe) -> Subscription:
        """Starts a subscription.

        Raises:
            MzError: the query is refused.
        """
        refuse_unavailable(statement)
        if statement.as_of is not None:
            await self._reached(session, AsOf(statement.as_of, statement.as_of_at_least, _names(statement)))
        loop = asyncio.get_running_loop()
        subscription = Subscription(self.engine, next(self._numbers), loop, self._subscription_limit)

        def job(tx: EngineTransaction) -> None:
            subscription.open(tx, session, statement)

        await self._on_engine(job)
        return subscription

    async def check_subscribe(self, session: Session, statement: Subscribe) -> None:
        """Judges a SUBSCRIBE that is to be started later: its query, its options are judged at the start.

        Raises:
            MzError: the query is refused.
        """
        await self._on_engine(lambda tx: subscribed_query(tx, session, statement))

    async def moment(self, session: Session, statement: Relayed) -> int | None:
        """Returns when the moment that a query is to be read at has come: that moment, or None for the present.

        Raises:
            MzError: it has passed, and is no lower bound.
        """
        assert statement.as_of is not None
        return await self._reached(session, AsOf(statement.as_of, statement.as_of_at_least, statement.access.reads))

    async def _reached(self, session: Session, as_of: AsOf) -> int | None:
        moment = await self._on_engine(lambda tx: as_of.judged(tx, session))
        return await moment.reached(self.engine)

    async def enter_domain(
        self, session: Session, reads: Sequence[Name], domain: TimeDomain | None, *, catalog: bool
    ) -> TimeDomain | None:
        """Judge what a query of a transaction reads beside the queries before it; what they have settled by now.

        Raises:
            MzError: they may not be read together.
        """
        return await asyncio.to_thread(self.roster.enter_domain, session, reads, domain, catalog=catalog)


def _names(statement: Subscribe) -> tuple[Name, ...]:
    """The relations that a SUBSCRIBE names."""
    if statement.relation is not None:
        return (statement.relation,)
    return relations((statement.syntax,)) if statement.syntax is not None else ()


class _RehearsedError(Exception):
    """Ends the engine's transaction of a rehearsal."""

    def __init__(self, revision: int) -> None:
        super().__init__()
        self.revision = revision


def as_mz_error(error: Exception) -> MzError:
    """What went wrong on the engine's thread while it carried out a statement, in Materialize's words."""
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return MzError(
            "another session's transaction uses what the statement changes",
            sqlstate="55P03",
            hint="End the transactions that have read it, then try again.",
        )
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return MzError("the inner PostgreSQL has gone", sqlstate="57P01")
    if isinstance(error, psycopg.Error):
        return from_psycopg(error)
    log.error("an own statement failed", error=str(error), exc_info=error)
    return MzError(f"internal error: {error}")
