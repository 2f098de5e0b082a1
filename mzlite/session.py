"""What a client's session knows: who it is, where unqualified names resolve, and its variables.

The wire creates one per connection; the dialect and the statement executors read it. It
holds no connection and no protocol state.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Session:
    """The state of one client session.

    Attributes:
        id: the connection id, also reported as the backend's process id.
        user: the role that logged in.
        superuser: whether the role may do everything.
        database: the current database (a database of the inner PostgreSQL).
        search_path: schemas as the user set them, without the system schemas that are always searched.
        cluster: the current cluster.
        variables: session variables by lower-case name, as text; only those that differ from the default.
    """

    id: int
    user: str = "materialize"
    superuser: bool = False
    database: str = "materialize"
    search_path: list[str] = field(default_factory=lambda: ["public"])
    cluster: str = "quickstart"
    variables: dict[str, str] = field(default_factory=dict)
