"""A wire server in front of a bare PostgreSQL, with a coordinator that knows just enough for the tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg
import pytest

from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect.parse import parse
from mzlite.errors import MzError
from mzlite.session import Session
from mzlite.storage.postgres import Postgres
from mzlite.wire.interface import Column, Role, SubscriptionEvent
from mzlite.wire.options import Dialect, WireOptions
from mzlite.wire.server import WireServer, serve

T = TypeVar("T")

DEADLINE = 20.0
SETUP = """
create role materialize login;
grant create on schema public to materialize;
alter default privileges in schema public grant select on tables to materialize;
create schema mz_catalog;
create type mz_catalog.mz_timestamp;
{functions}
create type mz_catalog.mz_timestamp (input = mz_catalog.mz_timestamp_in, output = mz_catalog.mz_timestamp_out,
    receive = mz_catalog.mz_timestamp_recv, send = mz_catalog.mz_timestamp_send, like = bigint);
create schema mz_internal;
create function mz_internal.current_setting(text) returns text language sql stable
return pg_catalog.current_setting($1);
grant usage on schema mz_catalog, mz_internal to materialize;
create view public.slow as select pg_sleep(30) is null as slept;
create view public.slowish as select pg_sleep(1) is null as slept;
create view public.suicide as select pg_terminate_backend(pg_backend_pid()) as done;
create table public.t (id int not null, name text, amount numeric(10, 2), j jsonb);
alter table public.t owner to materialize;
""".format(
    functions="".join(
        f"create function mz_catalog.mz_timestamp_{name}({taken}) returns {given} "
        f"language internal immutable strict as 'int8{name}';\n"
        for name, taken, given in (
            ("in", "cstring", "mz_catalog.mz_timestamp"),
            ("out", "mz_catalog.mz_timestamp", "cstring"),
            ("recv", "internal", "mz_catalog.mz_timestamp"),
            ("send", "mz_catalog.mz_timestamp", "bytea"),
        )
    )
)


@dataclass(frozen=True)
class Variable:
    """One known variable; `allowed` are its values, any if empty."""

    name: str
    default: str
    description: str = ""
    allowed: tuple[str, ...] = ()

    def check(self, value: str) -> str:
        if self.allowed and value.lower() not in self.allowed:
            raise MzError(f'invalid value for parameter "{self.name}": "{value}"', sqlstate="22023")
        return value


VARIABLES = (
    Variable("application_name", ""),
    Variable("auto_route_catalog_queries", "on"),
    Variable("client_encoding", "UTF8", allowed=("utf8", "utf-8")),
    Variable("cluster", "quickstart"),
    Variable("cluster_replica", ""),
    Variable("database", "materialize"),
    Variable("DateStyle", "ISO, MDY"),
    Variable("default_cluster_replication_factor", "1"),
    Variable("extra_float_digits", "3"),
    Variable("idle_in_transaction_session_timeout", "2 min"),
    Variable("integer_datetimes", "on"),
    Variable("IntervalStyle", "postgres"),
    Variable("mz_version", "v26.6.0-dev.0 (16c444b61)"),
    Variable("search_path", "public"),
    Variable("server_version", "9.5.0"),
    Variable("standard_conforming_strings", "on"),
    Variable("statement_timeout", "1 min"),
    Variable("TimeZone", "UTC"),
    Variable("transaction_isolation", "strict serializable", allowed=("serializable", "strict serializable")),
    Variable("welcome_message", "on", allowed=("on", "off")),
)


def translate(fields: Mapping[str, str], sql: str | None = None) -> MzError:
    """Enough to see that errors of PostgreSQL are translated."""
    if fields["C"] == "42P01":
        return MzError(fields["M"].replace("relation", "unknown item"))
    return MzError(fields["M"], sqlstate=fields["C"], detail=fields.get("D"), hint=fields.get("H"))


DIALECT = Dialect(parse, translate, {variable.name.lower(): variable for variable in VARIABLES})


@dataclass(frozen=True)
class Notice:
    message: str


@dataclass(frozen=True)
class Result:
    tag: str
    notices: list[Notice] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class ScriptedSubscription:
    """Gives the events that a test puts in."""

    def __init__(self, columns: list[Column], timestamp: int) -> None:
        self.columns = columns
        self.timestamp = timestamp
        self.events: asyncio.Queue[SubscriptionEvent] = asyncio.Queue()
        self.closed = False

    async def next(self, timeout: float | None) -> SubscriptionEvent | None:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout):
                return await self.events.get()
        except TimeoutError:
            return None

    async def close(self) -> None:
        self.closed = True


class TestCoordinator:
    """Carries out definitions as PostgreSQL's superuser and records what it is asked."""

    __test__ = False

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.write_lock = asyncio.Lock()
        self.executed: list[s.Statement] = []
        self.absorbed = 0
        self.ended: list[int] = []
        self.absorbing = asyncio.Event()
        self.absorbing.set()
        self.subscriptions: list[ScriptedSubscription] = []
        self.script: list[SubscriptionEvent] = []
        self.columns = [Column("id", 23, 4, -1), Column("amount", 1700, -1, -1)]

    async def execute(self, session: Session, statement: s.Statement) -> Result:
        self.executed.append(statement)
        match statement:
            case d.CreateView() | d.Drop() | d.CreateSchema() | d.AlterRename():
                await asyncio.to_thread(self._run, session, statement.sql)
                return Result(" ".join(statement.sql.split()[:2]).upper(), [Notice("carried out")])
            case d.CreateRole():
                raise ZeroDivisionError("a mistake")
            case s.Explain():
                return Result("SELECT 1", [], ("Physical Plan",), (("a plan",),))
            case _:
                raise MzError(f"not known here: {type(statement).__name__}", hint="a hint", detail="a detail")

    def _run(self, session: Session, sql: str) -> None:
        with self.postgres.connect(session.database) as connection:
            try:
                connection.execute(sql)  # type: ignore[call-overload]
            except psycopg.Error as error:
                raise MzError(str(error.diag.message_primary)) from error

    def read_error(self, session: Session, names: Sequence[tuple[str, ...]], error: MzError) -> MzError:
        return error

    def write_error(self, session: Session, name: tuple[str, ...], error: MzError, *, inserts: bool) -> MzError:
        return error

    async def execute_together(
        self, session: Session, statements: list[s.Statement], revision: int | None = None
    ) -> list[Result]:
        return [await self.execute(session, statement) for statement in statements]

    async def rehearse(self, session: Session, statements: list[s.Statement], revision: int | None = None) -> int:
        return 0

    async def end_session(self, session: Session) -> None:
        self.ended.append(session.id)

    async def role(self, name: str) -> Role | None:
        return Role(name, superuser=name == "boss", login=True)

    async def authorize(self, session: Session, access: s.Access) -> None:
        pass

    async def moment(self, session: Session, statement: s.Relayed) -> int | None:
        return None

    async def enter_domain(self, session: Session, reads: object, domain: object, *, catalog: bool) -> object:
        return domain

    async def refuse_by_types(self, session: Session, statement: s.Relayed, parameters: Sequence[int] = ()) -> None:
        pass

    async def with_common_types(
        self, session: Session, statement: s.Relayed, parameters: Sequence[int] = ()
    ) -> s.Relayed:
        return statement

    async def keep_names(self) -> None:
        pass

    async def ensure_role(self, name: str) -> Role:
        raise AssertionError("every role is known")

    async def absorb_writes(self) -> None:
        await self.absorbing.wait()
        self.absorbed += 1

    async def check_subscribe(self, session: Session, statement: s.Subscribe) -> None:
        if statement.relation == ("nosuch",):
            raise MzError("unknown catalog item 'nosuch'")

    async def subscribe(self, session: Session, statement: s.Subscribe) -> ScriptedSubscription:
        await self.check_subscribe(session, statement)
        subscription = ScriptedSubscription(self.columns, 1000)
        for event in self.script:
            subscription.events.put_nowait(event)
        self.subscriptions.append(subscription)
        return subscription

    def backend_address(self, session: Session) -> tuple[str, dict[str, str]]:
        path = ", ".join('"' + schema.replace('"', '""') + '"' for schema in (*session.search_path, "mz_catalog"))
        settings = {"user": "materialize", "database": session.database, "search_path": path}
        return str(self.postgres.socket_dir), settings


class Closable(Protocol):
    def close(self) -> None: ...


class Wire:
    """A server on a loop of its own, in a thread, for blocking clients."""

    def __init__(
        self,
        postgres: Postgres,
        options: WireOptions | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.loop = loop or asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.postgres = postgres
        self.raw_clients: list[Closable] = []
        self.coordinator = TestCoordinator(postgres)
        self.server: WireServer = self.run(serve(self.coordinator, options or WireOptions(port=0), DIALECT))
        self.host, self.port = self.server.address

    def _serve(self) -> None:
        """The loop ends in the thread it runs in: uvloop's sometimes waits for ever when another one closes it."""
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the server's loop."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(DEADLINE)

    def call(self, function: Callable[[], T]) -> T:
        """Call something on the server's loop."""

        async def work() -> T:
            return function()

        return self.run(work())

    def connect(self, **parameters: Any) -> psycopg.Connection[Any]:
        """A psycopg 3 connection, in autocommit mode unless told otherwise."""
        return psycopg.connect(**{**self.parameters, "autocommit": True, **parameters})

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "user": "materialize",
            "dbname": "materialize",
            "options": "--welcome_message=off",
            "connect_timeout": 10,
        }

    def emit(self, event: SubscriptionEvent, index: int = -1) -> None:
        """Give a running subscription an event."""
        self.loop.call_soon_threadsafe(lambda: self.coordinator.subscriptions[index].events.put_nowait(event))

    def stop(self) -> None:
        """Stop the server; clients may still read what it has said."""
        if self.loop.is_closed():
            return
        self.run(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE)

    def close(self) -> None:
        for client in self.raw_clients:
            client.close()
        self.stop()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    directory: Path = tmp_path_factory.mktemp("wire")
    with Postgres(directory / "data", shared_buffers_mb=32) as server:
        with server.connect("postgres") as connection:
            connection.execute("create database materialize")
        with server.connect("materialize") as connection:
            connection.execute(SETUP)  # type: ignore[call-overload]
        yield server


@pytest.fixture
def wire(postgres: Postgres) -> Iterator[Wire]:
    with postgres.connect("materialize") as connection:
        connection.execute("truncate public.t")
    server = Wire(postgres)
    yield server
    server.close()
