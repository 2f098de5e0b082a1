"""ALTER DEFAULT PRIVILEGES: what is granted on objects that are yet to be made.

In: the statement. Out: rows of `mzlite.default_privileges`; `privileges.apply_default_privileges` reads them.
"""

from __future__ import annotations

from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.privileges import ALL, LETTERS
from mzlite.catalog.registry import database_id, resolve_schema, role_id
from mzlite.dialect.definitions import Grant
from mzlite.errors import MzError
from mzlite.session import Session

_ORDER = "arwdUCRBNP"


def alter_default_privileges(statement: Grant, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Add or take away default privileges.

    Raises:
        MzError: a role, a database or a schema does not exist, or the privileges do not fit the type.
    """
    object_type = statement.object_type
    letters = default_letters(statement.privileges, object_type)
    owners = [role_id(tx, name[-1]) for name in statement.names] or ["p"]
    places: list[tuple[str | None, str | None]] = [(None, None)]
    if statement.scope_type == "schema":
        schemas = [resolve_schema(tx, session, name) for name in statement.scope]
        if object_type in ("schema", "database", "cluster"):
            raise MzError(f"{object_type.upper()} default privileges cannot be in a schema", sqlstate="0LP01")
        places = [(schema.database_id, schema.id) for schema in schemas]
    elif statement.scope_type == "database":
        places = [(database_id(tx, name[-1]), None) for name in statement.scope]
    for owner in owners:
        for place in places:
            for name in statement.roles:
                _change(tx, (owner, *place, object_type, role_id(tx, name)), letters, revoking=statement.revoking)
    return ExecuteResult("ALTER DEFAULT PRIVILEGES")


def default_letters(privileges: tuple[str, ...], object_type: str) -> str:
    """The letters of privileges on a type of object.

    Raises:
        MzError: the type does not have one of them.
    """
    possible = ALL.get(object_type, "")
    if privileges[0] == "ALL":
        return possible
    invalid = [word for word in privileges if LETTERS[word] not in possible]
    if invalid:
        raise MzError(f"invalid privilege types {', '.join(invalid)} for {object_type.upper()}S")
    return "".join(LETTERS[word] for word in privileges)


def _change(
    tx: EngineTransaction, key: tuple[str, str | None, str | None, str, str], letters: str, *, revoking: bool
) -> None:
    where = """
        role_id = %s and database_id is not distinct from %s and schema_id is not distinct from %s
        and object_type = %s and grantee_id = %s
    """
    row = tx.execute(f"select privileges from mzlite.default_privileges where {where}", key).fetchone()
    present = set(row[0]) if row is not None else set()
    changed = present - set(letters) if revoking else present | set(letters)
    tx.execute(f"delete from mzlite.default_privileges where {where}", key)
    if changed:
        tx.execute(
            """
            insert into mzlite.default_privileges (role_id, database_id, schema_id, object_type, grantee_id, privileges)
            values (%s, %s, %s, %s, %s, %s)
            """,
            (*key, "".join(sorted(changed, key=_ORDER.index))),
        )
