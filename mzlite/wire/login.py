"""Logging a client in.

In: a session that has only a stream, and the startup message. Out: a session with its variables and its backend; the
client has been told that it may begin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mzlite.errors import MzError
from mzlite.wire.errors import notice_response
from mzlite.wire.messages import AUTHENTICATION_OK, StartupMessage
from mzlite.wire.startup import PROTOCOL_OPTION_PREFIX, split_options

if TYPE_CHECKING:
    from mzlite.wire.session import ClientSession

_NO_VARIABLES = {"user", "database", "options", "replication"}


async def log_in(session: ClientSession, message: StartupMessage) -> None:
    """Take the startup message's parameters over, connect the session's backend, and greet the client.

    Raises:
        MzError: the database refuses the session.
    """
    parameters = message.parameters
    session.session.user = parameters["user"]
    session.variables.begin()
    session.variables.set_database(parameters.get("database") or session.session.user)
    notices = _set_variables(session, parameters)
    await session.connect_backend()
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
        f"  User: {session.user}\n"
        f"  Cluster: {session.cluster}\n"
        f"  Database: {session.database}\n"
        f"  Search path: {', '.join(session.search_path)}"
    )
