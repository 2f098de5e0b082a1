"""What has been found out about queries that come again and again, until the catalog changes.

In: a query with the names and the types that it is read with, the revision of the catalog, and what was found. Out: the
same, as long as the revision is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from mzlite.session import Session

_QUERIES = 1000
_LONGEST = 10_000
"""Characters of a query that is remembered; longer ones are mostly INSERTs, and do not come twice."""
Found = TypeVar("Found")


class Key(NamedTuple):
    """A query, and all that it may mean something else with."""

    query: str
    path: tuple[str, ...]
    database: str
    parameters: tuple[int, ...]
    session: int | None


def key_of(session: Session, query: str, parameters: Sequence[int], *, has_temporary: bool) -> Key:
    """The key of a session's query with the oids of its parameters' types; its temporary objects are its own."""
    own = session.id if has_temporary else None
    return Key(query, tuple(session.search_path), session.database, tuple(parameters), own)


class Remembered(Generic[Found]):
    """The findings of one kind.

    >>> known, key = Remembered[str](), Key("select 1", (), "materialize", (), None)
    >>> known.keep(key, 7, "select 1")
    >>> known.get(key, 7), known.get(key, 8)
    ('select 1', None)
    """

    def __init__(self) -> None:
        self._found: dict[Key, tuple[int, Found]] = {}

    def get(self, key: Key, revision: int) -> Found | None:
        """What is known of a query; None if that is nothing, or the catalog has changed."""
        known = self._found.get(key)
        return known[1] if known is not None and known[0] == revision else None

    def keep(self, key: Key, revision: int, found: Found) -> None:
        """Remembers what was found when the catalog had that revision; all others go when there are too many."""
        if len(key.query) > _LONGEST:
            return
        if len(self._found) >= _QUERIES:
            self._found.clear()
        self._found[key] = revision, found
