"""Logging a client in.

In: a session that has only a stream, and the startup message. Out: a session with its variables and its backend; the
client has been told that it may begin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from mzlite.dialect.admin import ADMINISTRATOR
from mzlite.errors import MzError
from mzlite.long_names import short, whole
from mzlite.scram import Verifier
from mzlite.wire.authentication import authenticate
from mzlite.wire.errors import notice_response
from mzlite.wire.interface import Role
from mzlite.wire.messages import AUTHENTICATION_OK, StartupMessage
from mzlite.wire.startup import PROTOCOL_OPTION_PREFIX, split_options

if TYPE_CHECKING:
    from mzlite.wire.session import ClientSession

log = structlog.get_logger(__name__)

RESERVED_PREFIXES = ("mz_", "pg_", "external_")
"""Beginnings of the names of roles that belong to the system."""
MOCK_ITERATIONS = 600_000
"""What a role without a password claims: as many as a password gets by default."""

_NO_VARIABLES = {"user", "database", "options", "replication"}


async def log_in(session: ClientSession, message: StartupMessage) -> None:
    """Take the startup message's parameters over, connect the session's backend, and greet the client.

    Raises:
        MzError: the database refuses the session.
    """
    parameters = message.parameters
    role = await _authenticated(session, parameters["user"])
    session.session.user, session.session.superuser = role.name, role.superuser
    session.server.admit(session)
    session.variables.begin()
    session.variables.set_database(parameters.get("database") or whole(session.session.user))
    notices = _set_variables(session, parameters)
    await session.attached.connect()
    client = session.client
    client.send(AUTHENTICATION_OK)
    session.send_changes()
    client.send(session.key.encode())
    for notice in notices:
        client.send(notice_response(notice))
    if "welcome_message" in session.variables.known and session.variables.show("welcome_message") == "on":
        client.send(notice_response(_welcome(session)))
    session.ready()
    await client.flush()


async def _authenticated(session: ClientSession, user: str) -> Role:
    """The role that the client is.

    Raises:
        MzError: nobody may be that role, or the client has not proved that it is.
    """
    options, coordinator = session.server.options, session.coordinator
    if user != ADMINISTRATOR and (user.startswith(RESERVED_PREFIXES) or user.lower() == "public"):
        raise MzError(f"unauthorized login to user '{user}'", sqlstate="42501")
    user = short(user)
    await coordinator.keep_names()
    role = await coordinator.role(user)
    if options.authentication == "none":
        return role or await coordinator.ensure_role(user)
    known = role is not None and role.login and role.verifier is not None
    if role is not None and known:
        verifier = Verifier.parse(role.verifier or "")
    else:
        verifier = Verifier.mock(user, session.server.mock_key, MOCK_ITERATIONS)
    tls = options.tls
    binding = tls.binding if tls is not None and session.client.encrypted else None
    try:
        await authenticate(session.client, verifier, binding)
    except MzError as error:
        log.warning("a client failed to log in", user=user, address=session.client.peer, error=error.message)
        raise
    assert role is not None
    return role


def _set_variables(session: ClientSession, parameters: dict[str, str]) -> list[str]:
    """Set what the startup message asks for; what cannot be set is only a notice."""
    notices: list[str] = []
    settings = [
        (name, value)
        for name, value in parameters.items()
        if name not in _NO_VARIABLES and not name.startswith(PROTOCOL_OPTION_PREFIX)
    ]
    try:
        settings += split_options(parameters.get("options", ""))
    except ValueError:
        notices.append("startup setting options not set: could not parse")
    for name, value in settings:
        try:
            session.variables.set_at_startup(name, value)
        except MzError as error:
            notices.append(f"startup setting {name} not set: {error.message}")
    return notices


def _welcome(client: ClientSession) -> str:
    session, variables = client.session, client.variables
    version = variables.show("mz_version") if "mz_version" in variables.known else ""
    return (
        f"connected to mzlite, a stand-in for Materialize {version}\n"
        f"  User: {whole(session.user)}\n"
        f"  Cluster: {whole(session.cluster)}\n"
        f"  Database: {whole(session.database)}\n"
        f"  Search path: {', '.join(map(whole, session.search_path))}"
    )
