"""DROP OWNED BY: what roles own goes, and what was granted to them.

In: names of roles. Out: the registry without their objects and privileges, or the refusal to take from other owners.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.catalog.drop import CASCADE_HINT, belonging, direct_dependents, remove
from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.registry import Item, find_schema, items_where, role_id
from mzlite.catalog.schemas import drop_schema
from mzlite.errors import MzError
from mzlite.session import Session


def drop_owned(tx: EngineTransaction, roles: Sequence[str], *, cascade: bool) -> None:
    """Drop what the roles own, with what depends on it, and revoke what they were granted.

    Raises:
        MzError: a role is the system's; or, without CASCADE, something of another owner would go too.
    """
    ids = [role_id(tx, name) for name in roles]
    for name, identity in zip(roles, ids, strict=True):
        if identity.startswith("s"):
            raise MzError(
                f'cannot drop objects owned by role "{name}" because they are required by the database system'
            )
    if not cascade:
        _refuse_others(tx, ids)
    remove(tx, items_where(tx, "o.owner_id = any (%s)", (ids,)))
    for database, schema_name in _schemas(tx, "owner_id = any (%s) and database_id is not null", ids):
        schema = find_schema(tx, Session(0), (database, schema_name))
        if schema is not None:
            remove(tx, items_where(tx, "o.namespace = %s::bigint::oid", (schema.namespace,)))
            drop_schema(tx, schema)
    for (cluster_id,) in tx.execute("select id from mzlite.clusters where owner_id = any (%s)", (ids,)).fetchall():
        remove(tx, items_where(tx, "o.cluster_id = %s", (cluster_id,)))
        tx.execute("delete from mzlite.clusters where id = %s", (cluster_id,))
    tx.execute("delete from mzlite.privileges where grantee_id = any (%s)", (ids,))
    tx.execute("delete from mzlite.default_privileges where role_id = any (%s) or grantee_id = any (%s)", (ids, ids))


def _schemas(tx: EngineTransaction, condition: str, ids: list[str]) -> list[tuple[str, str]]:
    rows = tx.execute(f"select database_name, name from mzlite.named_schemas where {condition}", (ids,)).fetchall()
    return [(str(database), str(name)) for database, name in rows]


def _refuse_others(tx: EngineTransaction, ids: list[str]) -> None:
    """Refuse to drop what depends on the roles' objects, or lies in their clusters and schemas, and is not theirs."""

    def others(items: Sequence[Item]) -> list[Item]:
        return [item for item in items if item.owner_id not in ids and item.type != "index"]

    clusters = tx.execute("select id, name from mzlite.clusters where owner_id = any (%s)", (ids,)).fetchall()
    for cluster_id, name in clusters:
        inside = items_where(tx, "o.cluster_id = %s", (cluster_id,))
        _refuse("cluster", str(name), [item for item in inside if item.owner_id not in ids])
    for item in items_where(tx, "o.owner_id = any (%s)", (ids,)):
        for own in (item, *belonging(tx, item)):
            _refuse(item.words, item.full_name, others(direct_dependents(tx, own.id)))
    for database, name in _schemas(tx, "owner_id = any (%s) and database_id is not null", ids):
        schema = find_schema(tx, Session(0), (database, name))
        if schema is not None and others(items_where(tx, "o.namespace = %s::bigint::oid", (schema.namespace,))):
            raise MzError(
                f'schema "{schema.full_name}" cannot be dropped without CASCADE while it contains non-owned objects'
            )


def _refuse(words: str, name: str, dependents: Sequence[Item]) -> None:
    if dependents:
        needed = ", ".join(f'{item.words} "{item.full_name}"' for item in dependents)
        raise MzError(f'cannot drop {words} "{name}": still depended upon by {needed}', hint=CASCADE_HINT)
