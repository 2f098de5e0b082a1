"""Roles, privileges and their defaults.

In: the statements. Out: rows in the registry. They are enforced by `rbac`.
"""

from __future__ import annotations

from mzlite.catalog.default_privileges import alter_default_privileges
from mzlite.catalog.drop import described, drop_owned
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.limits import check_table
from mzlite.catalog.privileges import ALL, LETTERS, valid_letters
from mzlite.catalog.registry import (
    database_id,
    find_item,
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


def create_role(statement: CreateRole, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a role.

    Raises:
        MzError: it exists, or its name is reserved.
    """
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
            drop_owned(tx, statement.roles)
            return ExecuteResult("DROP OWNED")
        case "reassign owned":
            _reassign(tx, [name[-1] for name in statement.names], statement.roles[-1])
            return ExecuteResult("REASSIGN OWNED")
        case "alter default privileges":
            return alter_default_privileges(statement, session, tx)
    if statement.object_type in ("", "role"):
        _grant_membership(statement, session, tx)
    else:
        _grant_privileges(statement, session, tx)
    return ExecuteResult(statement.verb.upper())


def _reassign(tx: EngineTransaction, old: list[str], new: str) -> None:
    owners = [role_id(tx, name) for name in old]
    for table in ("objects", "schemas", "databases", "clusters", "cluster_replicas"):
        tx.execute(f"update mzlite.{table} set owner_id = %s where owner_id = any (%s)", (role_id(tx, new), owners))


def _grant_membership(statement: Grant, session: Session, tx: EngineTransaction) -> None:
    for group in (name[-1] for name in statement.names):
        for member in statement.roles:
            role, receiver = role_id(tx, group), role_id(tx, member)
            if statement.verb == "grant":
                if role == receiver:
                    raise MzError(f'role "{group}" is a member of role "{member}"', sqlstate="0LP01")
                tx.execute(
                    "insert into mzlite.role_members values (%s, %s, %s) on conflict do nothing",
                    (role, receiver, role_id(tx, session.user)),
                )
            else:
                tx.execute("delete from mzlite.role_members where role_id = %s and member_id = %s", (role, receiver))


def _grant_privileges(statement: Grant, session: Session, tx: EngineTransaction) -> None:
    grantor = role_id(tx, session.user)
    for object_type, identity in granted_objects(statement, session, tx):
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
        return "schema", resolve_schema(tx, session, name).id
    if kind == "cluster":
        return "cluster", resolve_cluster(tx, name[-1]).id
    if kind == "database":
        return "database", database_id(tx, name[-1])
    if kind == "network policy":
        return "network-policy", network_policy_id(tx, name[-1])
    item = find_item(tx, session, name, is_type=kind == "type")
    if item is None:
        raise unknown_item(name)
    return item.type, item.id
