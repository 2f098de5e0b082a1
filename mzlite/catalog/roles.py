"""Roles, privileges and their defaults.

In: the statements. Out: rows in the registry. They are enforced by `rbac`.
"""

from __future__ import annotations

from mzlite.catalog.default_privileges import alter_default_privileges
from mzlite.catalog.drop import described
from mzlite.catalog.interface import EngineTransaction, ExecuteResult, Notice
from mzlite.catalog.limits import check_table
from mzlite.catalog.owned import drop_owned
from mzlite.catalog.privileges import ALL, LETTERS, valid_letters
from mzlite.catalog.registry import (
    database_id,
    find_item,
    groups,
    items_where,
    resolve_cluster,
    resolve_schema,
    role_id,
    unknown_item,
)
from mzlite.catalog.system import network_policy_id, set_role_variable
from mzlite.dataflow.transaction import Executes
from mzlite.dialect.defaults import system_value
from mzlite.dialect.definitions import AlterRole, CreateRole, Grant
from mzlite.dialect.statements import Name
from mzlite.errors import MzError
from mzlite.long_names import whole
from mzlite.scram import Verifier
from mzlite.session import Session

MODIFIES_SYSTEM = "42501"
_SYSTEM = "s1"
"""The role mz_system, who grants what nobody owns."""
_AS_PRIVILEGES = ("CREATECLUSTER", "CREATEDB", "CREATEROLE")
_ONCE = ("SUPERUSER", "LOGIN", "INHERIT", "PASSWORD")


def _check_attributes(attributes: tuple[str, ...]) -> None:
    """Refuse what Materialize has as privileges only, and what is said twice.

    Raises:
        MzError: for the first such attribute, or for NOINHERIT.
    """
    seen: set[str] = set()
    for attribute in attributes:
        name = attribute if attribute in (*_ONCE, *_AS_PRIVILEGES) else attribute.removeprefix("NO")
        if name in _AS_PRIVILEGES:
            raise MzError(
                f"{name} attribute is not supported, for more information consult the documentation at "
                "https://materialize.com/docs/sql/create-role/#details",
                detail="Use system privileges instead.",
            )
        if name in seen:
            raise MzError("conflicting or redundant options")
        seen.add(name)
    if "NOINHERIT" in attributes:
        raise MzError("non inherit roles not yet supported")


def create_role(statement: CreateRole, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a role.

    Raises:
        MzError: it exists, or its name is reserved.
    """
    _check_attributes(statement.options)
    if whole(statement.name).startswith(("mz_", "pg_")) or statement.name.lower() == "public":
        raise MzError(f'role name "{statement.name}" is reserved', sqlstate="42939")
    if tx.execute("select 1 from mzlite.roles where name = %s", (statement.name,)).fetchone() is not None:
        raise MzError(f"role '{statement.name}' already exists", sqlstate="42710")
    check_table(tx, "role", "max_roles", "roles")
    tx.execute(
        "insert into mzlite.roles (id, name, login, superuser) values ('u' || nextval('mzlite.role_ids'), %s, %s, %s)",
        (statement.name, "LOGIN" in statement.options or None, "SUPERUSER" in statement.options or None),
    )
    if statement.password is not None:
        _keep_password(tx, role_id(tx, statement.name), statement.password)
    return ExecuteResult("CREATE ROLE")


def _keep_password(tx: EngineTransaction, identity: str, password: str) -> None:
    """Keep a verifier, and nothing else, of a role's password."""
    verifier = Verifier.of(password, int(system_value("scram_iterations")))
    tx.execute(
        """
        insert into mzlite.passwords (role_id, verifier) values (%s, %s)
        on conflict (role_id) do update set verifier = excluded.verifier
        """,
        (identity, str(verifier)),
    )


def ensure_role(tx: Executes, name: str) -> None:
    """A role for a user who logs in for the first time."""
    tx.execute(
        """
        insert into mzlite.roles (id, name, login)
        select 'u' || nextval('mzlite.role_ids'), %s, true where not exists (select from mzlite.roles where name = %s)
        """,
        (name, name),
    )


def alter_role(statement: AlterRole, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Change the attributes of a role.

    Raises:
        MzError: it does not exist.
    """
    if statement.variable is not None:
        return set_role_variable(statement, session, tx)
    _check_attributes(statement.options)
    identity = role_id(tx, statement.name)
    for option, column, value in (
        ("SUPERUSER", "superuser", True),
        ("NOSUPERUSER", "superuser", False),
        ("LOGIN", "login", True),
        ("NOLOGIN", "login", False),
    ):
        if option in statement.options:
            tx.execute(f"update mzlite.roles set {column} = %s where id = %s", (value, identity))
    if statement.password is not None:
        _keep_password(tx, identity, statement.password)
    elif "PASSWORD" in statement.options:
        tx.execute("delete from mzlite.passwords where role_id = %s", (identity,))
    return ExecuteResult("ALTER ROLE")


def grant(statement: Grant, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """GRANT, REVOKE, DROP OWNED, REASSIGN OWNED and ALTER DEFAULT PRIVILEGES.

    Raises:
        MzError: a role or an object does not exist.
    """
    match statement.verb:
        case "drop owned":
            drop_owned(tx, statement.roles, cascade="CASCADE" in statement.privileges)
            return ExecuteResult("DROP OWNED")
        case "reassign owned":
            _reassign(tx, [name[-1] for name in statement.names], statement.roles[-1])
            return ExecuteResult("REASSIGN OWNED")
        case "alter default privileges":
            return alter_default_privileges(statement, session, tx)
    notices: list[Notice] = []
    if statement.object_type in ("", "role"):
        notices = _grant_membership(statement, tx)
    else:
        _grant_privileges(statement, session, tx)
    return ExecuteResult(statement.verb.upper(), notices)


_OWNED = ("objects", "schemas", "databases", "clusters", "cluster_replicas")


def _reassign(tx: EngineTransaction, old: list[str], new: str) -> None:
    owners = [role_id(tx, name) for name in old]
    for name, owner in zip(old, owners, strict=True):
        if owner.startswith("s"):
            raise MzError(
                f'cannot reassign objects owned by role "{name}" because they are required by the database system'
            )
    for table in _OWNED:
        tx.execute(f"update mzlite.{table} set owner_id = %s where owner_id = any (%s)", (role_id(tx, new), owners))


def _grant_membership(statement: Grant, tx: EngineTransaction) -> list[Notice]:
    """Let roles be members of others, or no longer; tells of memberships that are as wanted already."""
    notices: list[Notice] = []
    for group in (name[-1] for name in statement.names):
        for member in statement.roles:
            role, receiver = role_id(tx, group), role_id(tx, member)
            _check_membership(role, group, receiver, member)
            if statement.verb == "grant":
                if receiver in groups(tx, role):
                    raise MzError(f'role "{group}" is a member of role "{member}"', sqlstate="0LP01")
                changed = tx.execute(
                    "insert into mzlite.role_members values (%s, %s, %s) on conflict do nothing",
                    (role, receiver, _SYSTEM),
                )
                if changed.rowcount == 0:
                    notices.append(Notice(f'role "{member}" is already a member of role "{group}"'))
            else:
                changed = tx.execute(
                    "delete from mzlite.role_members where role_id = %s and member_id = %s", (role, receiver)
                )
                if changed.rowcount == 0:
                    notices.append(Notice(f'role "{member}" is not a member of role "{group}"'))
    return notices


def _check_membership(role: str, group: str, receiver: str, member: str) -> None:
    """Refuse the system's roles, and PUBLIC, on either side."""
    if not receiver.startswith("u"):
        raise MzError(f'role name "{_upper_public(member)}" is reserved', sqlstate="42939")
    if role[0] in "sp":
        raise MzError(f'role name "{_upper_public(group)}" cannot be granted')


def _upper_public(name: str) -> str:
    return "PUBLIC" if name.upper() == "PUBLIC" else name


def _owner(tx: EngineTransaction, object_type: str, identity: str) -> str:
    """The owner of an object, in whose name privileges on it are granted."""
    if object_type in ("system", "network-policy"):
        return _SYSTEM
    table = f"{object_type}s" if object_type in ("schema", "database", "cluster") else "objects"
    row = tx.execute(f"select owner_id from mzlite.{table} where id = %s", (identity,)).fetchone()
    return _SYSTEM if row is None or row[0] is None else str(row[0])


def _grant_privileges(statement: Grant, session: Session, tx: EngineTransaction) -> None:
    try:
        objects = granted_objects(statement, session, tx)
    except MzError as error:
        if error.sqlstate == MODIFIES_SYSTEM:
            for name in statement.roles:  # a role that is not there is said before
                role_id(tx, name)
        raise
    for object_type, identity in objects:
        grantor = _owner(tx, object_type, identity)
        letters = _letters(tx, statement.privileges, object_type, identity)
        for name in statement.roles:
            grantee = role_id(tx, name)
            for letter in letters:
                if statement.verb == "grant":
                    tx.execute(
                        "insert into mzlite.privileges values (%s, %s, %s, %s, %s) on conflict do nothing",
                        (object_type, identity, grantor, grantee, letter),
                    )
                else:
                    tx.execute(
                        """
                        delete from mzlite.privileges
                        where object_type = %s and object_id = %s and grantee_id = %s and privilege = %s
                        """,
                        (object_type, identity, grantee, letter),
                    )


def _letters(tx: EngineTransaction, privileges: tuple[str, ...], object_type: str, identity: str) -> str:
    words = [word.upper() for word in privileges]
    if not words or words[0].startswith("ALL"):
        return ALL.get(object_type, "")
    possible = valid_letters(object_type)
    invalid = [word for word in words if LETTERS[word] not in possible]
    if invalid:
        raise MzError(f"invalid privilege types {', '.join(invalid)} for {described(tx, object_type, identity)}")
    return "".join(LETTERS[word] for word in words)


def granted_objects(statement: Grant, session: Session, tx: EngineTransaction) -> list[tuple[str, str]]:
    """The objects that a GRANT is about, by type and id."""
    kind = statement.object_type.lower()
    if kind == "system":
        return [("system", "system")]
    if kind.startswith("all "):
        return _all_objects(kind, statement.names, session, tx)
    return [_object(kind, name, session, tx) for name in statement.names]


def _all_objects(kind: str, names: tuple[Name, ...], session: Session, tx: EngineTransaction) -> list[tuple[str, str]]:
    """What ALL TABLES [IN SCHEMA ..|IN DATABASE ..] and the like mean."""
    _, what, *place = kind.split()
    if what in ("database", "cluster", "schema"):
        rows = tx.execute(f"select id from mzlite.{what}s where id like 'u%%'", ()).fetchall()
        return [(what, str(row[0])) for row in rows]
    types = ["table", "view", "materialized-view", "source"] if what == "table" else [what]
    if not place:
        return [(item.type, item.id) for item in items_where(tx, "o.type = any (%s)", (types,))]
    found: list[tuple[str, str]] = []
    for name in names:
        if place[-1] == "schema":
            namespaces = [resolve_schema(tx, session, name).namespace]
        else:
            condition = "select namespace::bigint from mzlite.schemas where database_id = %s"
            namespaces = [int(row[0]) for row in tx.execute(condition, (database_id(tx, name[-1]),)).fetchall()]
        condition = "o.namespace::bigint = any (%s) and o.type = any (%s)"
        found += [(item.type, item.id) for item in items_where(tx, condition, (namespaces, types))]
    return found


def _object(kind: str, name: Name, session: Session, tx: EngineTransaction) -> tuple[str, str]:
    if kind == "schema":
        schema = resolve_schema(tx, session, name)
        if schema.is_system:
            raise MzError(f"system schema '{schema.name}' cannot be modified", sqlstate=MODIFIES_SYSTEM)
        return "schema", schema.id
    if kind == "cluster":
        return "cluster", resolve_cluster(tx, name[-1]).id
    if kind == "database":
        return "database", database_id(tx, name[-1])
    if kind == "network policy":
        return "network-policy", network_policy_id(tx, name[-1])
    item = find_item(tx, session, name, is_type=kind == "type")
    if item is None:
        raise unknown_item(name)
    if item.is_system:
        raise MzError(f"system item '{item.full_name}' cannot be modified", sqlstate=MODIFIES_SYSTEM)
    return item.type, item.id
