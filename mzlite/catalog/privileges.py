"""Which privileges a kind of object has, and what ALTER DEFAULT PRIVILEGES gives to new ones.

In: types of objects as mz_objects has them, ids of roles, databases and schemas. Out: letters of access control items,
and rows of `mzlite.privileges`.
"""

from __future__ import annotations

from mzlite.catalog.interface import EngineTransaction

LETTERS = {
    "SELECT": "r",
    "INSERT": "a",
    "UPDATE": "w",
    "DELETE": "d",
    "USAGE": "U",
    "CREATE": "C",
    "CREATEROLE": "R",
    "CREATEDB": "B",
    "CREATECLUSTER": "N",
    "CREATENETWORKPOLICY": "P",
}
ALL = {
    "table": "arwd", "source": "r", "view": "r", "materialized-view": "r", "connection": "U", "secret": "U",
    "type": "U", "schema": "UC", "database": "UC", "cluster": "UC", "network-policy": "U", "system": "RBNP",
}  # fmt: skip
RELATIONS = frozenset({"table", "source", "view", "materialized-view"})
"""What TABLE means where privileges are spoken of."""


def valid_letters(object_type: str) -> str:
    """The privileges that a GRANT may name for such an object: of a relation, all that a table has."""
    return ALL.get("table" if object_type in RELATIONS else object_type, "")


def apply_default_privileges(
    tx: EngineTransaction,
    object_type: str,
    identity: str,
    owner_id: str,
    database_id: str | None = None,
    schema_id: str | None = None,
) -> None:
    """Grant on a new object what is due to it."""
    rows = tx.execute(
        """
        select p.grantee_id, p.privileges from mzlite.default_privileges as p
        where p.object_type = %s and p.role_id in ('p', %s)
            and (p.database_id is null or p.database_id = %s) and (p.schema_id is null or p.schema_id = %s)
        """,
        ("table" if object_type in RELATIONS else object_type, owner_id, database_id, schema_id),
    ).fetchall()
    for grantee, letters in rows:
        if grantee == owner_id:
            continue
        for letter in letters:
            if letter in ALL.get(object_type, ""):
                tx.execute(
                    "insert into mzlite.privileges values (%s, %s, %s, %s, %s) on conflict do nothing",
                    (object_type, identity, owner_id, grantee, letter),
                )
