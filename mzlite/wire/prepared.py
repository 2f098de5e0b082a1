"""What PREPARE has given names in a session.

In: PREPARE, EXECUTE and DEALLOCATE as they pass. Out: the statement that an EXECUTE stands for. The backend knows a
query as it was sent with PREPARE, with the limit of its result in it: where another one holds at EXECUTE, it is told
the query anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mzlite.dialect.statements import Deallocate, Execute, Prepare, Relayed, Statement
from mzlite.dialect.stream import quote_identifier
from mzlite.wire.relay import FAILED

if TYPE_CHECKING:
    from mzlite.wire.session import ClientSession


class PreparedQueries:
    """The prepared statements of a session that SQL knows by name."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._sent: dict[str, tuple[Prepare, str | None]] = {}

    def get(self, name: str) -> Relayed | None:
        """What was prepared under a name."""
        found = self._sent.get(name)
        return None if found is None else found[0].prepared

    async def follow(self, statement: Statement) -> None:
        """Note what a statement that is about to run does to them."""
        if isinstance(statement, Prepare):
            # Of two with one name one has failed, and which is not known here: it stays as the backend has it.
            text = self._session.relayed_text(statement) if statement.name not in self._sent else None
            self._sent[statement.name] = statement, text
        elif isinstance(statement, Deallocate) and statement.name is None:
            self._sent.clear()
        elif isinstance(statement, Deallocate):
            self._sent.pop(statement.name or "", None)
        elif isinstance(statement, Execute) and statement.name in self._sent:
            await self._keep_to_limit(statement.name)

    async def _keep_to_limit(self, name: str) -> None:
        prepare, sent = self._sent[name]
        text = self._session.relayed_text(prepare)
        if sent is not None and text != sent and self._session.relay.status != FAILED:
            await self._session.attached.silently(f"deallocate {quote_identifier(name)}")
            await self._session.attached.silently(text)
            self._sent[name] = prepare, text
