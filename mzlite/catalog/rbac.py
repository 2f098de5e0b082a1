"""Who may do what: roles, memberships, ownership and privileges, enforced as Materialize enforces them.

In: a session, and a statement or the names that a relayed statement uses. Out: nothing; raises MzError (42501) with
Materialize's words. Enforced is only where `enable_rbac_checks` or the session's `enable_session_rbac_checks` is on,
which neither is by default, and never for superusers. A name that means nothing is not judged here: whoever carries
the statement out says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.privileges import ALL
from mzlite.catalog.registry import (
    Item,
    Schema,
    find_item,
    find_schema,
    groups,
    item_by_id,
    resolve_cluster,
    role_id,
)
from mzlite.catalog.roles import granted_objects
from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect.defaults import system_value
from mzlite.errors import MzError
from mzlite.session import Session

DENIED = "42501"
_NAMES = {
    "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "U": "USAGE", "C": "CREATE", "R": "CREATEROLE",
    "B": "CREATEDB", "N": "CREATECLUSTER", "P": "CREATENETWORKPOLICY",
}  # fmt: skip
_LETTERS = {name: letter for letter, name in _NAMES.items()}
_IN_SCHEMAS = frozenset(
    {"table", "view", "materialized view", "source", "sink", "index", "connection", "secret", "type", "column"}
)


_TABLES = {"schema": "named_schemas", "database": "databases", "cluster": "clusters"}


@dataclass(frozen=True)
class Target:
    """Something with an owner and privileges; `name` as errors have it."""

    kind: str
    name: str
    id: str
    owner_id: str

    def __str__(self) -> str:
        return "SYSTEM" if self.kind == "system" else f'{self.words} "{self.name}"'

    @property
    def words(self) -> str:
        """Its kind as errors have it."""
        return self.kind.replace("-", " ").upper()


SYSTEM = Target("system", "system", "system", "s1")


@dataclass
class Needs:
    """What a statement asks of a role; `privileges` are a target, a letter and whose it has to be."""

    owned: list[Target] = field(default_factory=list)
    privileges: list[tuple[Target, str, str]] = field(default_factory=list)
    member_of: list[str] = field(default_factory=list)
    superuser: str | None = None


def is_enforced(session: Session) -> bool:
    """Whether the session's statements are judged."""
    if session.superuser:
        return False
    return "on" in (system_value("enable_rbac_checks"), session.variables.get("enable_session_rbac_checks"))


def authorize(tx: EngineTransaction, session: Session, statement: s.Statement) -> None:
    """Judge an own statement.

    Raises:
        MzError: the session's role may not.
    """
    if is_enforced(session):
        try:
            needs = _Judge(tx, session).of(statement)
        except _UnknownError:
            return
        check(tx, session, needs)


def authorize_reads(tx: EngineTransaction, session: Session, object_ids: Sequence[str]) -> None:
    """Judge a query that keeps running.

    Raises:
        MzError: the session's role may not read the objects, or use the cluster.
    """
    if is_enforced(session):
        judge = _Judge(tx, session)
        needs = Needs()
        judge.read(needs, [item_by_id(tx, object_id) for object_id in object_ids])
        needs.privileges.append((judge.cluster(session.cluster), "U", judge.role))
        check(tx, session, needs)


def authorize_relayed(tx: EngineTransaction, session: Session, access: s.Access) -> None:
    """Judge a statement that PostgreSQL carries out.

    Raises:
        MzError: the session's role may not.
    """
    judge = _Judge(tx, session)
    needs = Needs()
    try:
        read = [judge.item(name) for name in access.reads]
        if access.target:
            target = judge.item(access.target)
            needs.privileges.append((judge.container(target), "U", judge.role))
            needs.privileges.append((judge.target(target), _LETTERS[access.privilege], judge.role))
            if access.reads_target:
                read.append(target)
        judge.read(needs, read)
        if any(not item.is_system for item in read):
            needs.privileges.append((judge.cluster(session.cluster), "U", judge.role))
    except _UnknownError:
        return
    check(tx, session, needs)


def check(tx: EngineTransaction, session: Session, needs: Needs) -> None:
    """Compare what is needed with what the roles have.

    Raises:
        MzError: something is missing.
    """
    role = role_id(tx, session.user)
    memberships: dict[str, frozenset[str]] = {}

    def groups(of: str) -> frozenset[str]:
        if of not in memberships:
            memberships[of] = membership(tx, of)
        return memberships[of]

    missing = [name for name in needs.member_of if role_id(tx, name) not in groups(role)]
    if missing:
        raise MzError("must be a member of " + ", ".join(f'"{name}"' for name in missing), sqlstate=DENIED)
    foreign = [target for target in needs.owned if target.owner_id not in groups(role)]
    if foreign:
        listed = ", ".join(f"{target.words} {target.name}" for target in foreign)
        raise MzError(f"must be owner of {listed}", sqlstate=DENIED)
    for target, letter, owner in needs.privileges:
        if letter not in held(tx, target, groups(owner)):
            row = tx.execute("select name from mzlite.roles where id = %s", (owner,)).fetchone()
            assert row is not None
            raise MzError(
                f"permission denied for {target}",
                sqlstate=DENIED,
                detail=f"The '{row[0]}' role needs {_NAMES[letter]} privileges on {target}",
            )
    if needs.superuser is not None:
        raise MzError(
            f"permission denied to {needs.superuser}",
            sqlstate=DENIED,
            detail=f"You must be a superuser to {needs.superuser}",
        )


def membership(tx: EngineTransaction, role: str) -> frozenset[str]:
    """The role, the roles that it is a member of, directly or not, and PUBLIC."""
    return groups(tx, role) | {"p"}


def held(tx: EngineTransaction, target: Target, roles: Iterable[str]) -> str:
    """The letters of the privileges that the roles have on the target."""
    row = tx.execute(
        "select mz_internal.privileges(%s, %s, %s)::text[]", (target.kind, target.id, target.owner_id)
    ).fetchone()
    letters = ""
    for entry in (row[0] or ()) if row is not None else ():
        grantee, _, rest = str(entry).partition("=")
        if (grantee or "p") in roles:
            letters += rest.partition("/")[0]
    return letters


class _UnknownError(Exception):
    """A name means nothing."""


class _Judge:
    """Works out what a statement needs."""

    def __init__(self, tx: EngineTransaction, session: Session) -> None:
        self.tx = tx
        self.session = session
        self.role = role_id(tx, session.user)

    # Names -------------------------------------------------------------------

    def item(self, name: s.Name, *, is_type: bool = False) -> Item:
        try:
            found = find_item(self.tx, self.session, name, is_type=is_type)
        except MzError as error:
            raise _UnknownError from error
        if found is None:
            raise _UnknownError
        return found

    def target(self, item: Item) -> Target:
        return Target(item.type, item.full_name, item.id, item.owner_id)

    def schema(self, schema: Schema | None) -> Target:
        if schema is None:
            raise _UnknownError
        row = self.tx.execute("select owner_id from mzlite.schemas where id = %s", (schema.id,)).fetchone()
        if row is None:
            raise _UnknownError
        return Target("schema", schema.full_name, schema.id, str(row[0]))

    def schema_named(self, name: s.Name) -> Target:
        try:
            return self.schema(find_schema(self.tx, self.session, name))
        except MzError as error:
            raise _UnknownError from error

    def container(self, item: Item) -> Target:
        """The schema that an object is in."""
        row = self.tx.execute(
            "select s.id, s.owner_id from mzlite.schemas as s where s.namespace = %s::bigint::oid", (item.namespace,)
        ).fetchone()
        if row is None:  # temporary: the session's own
            return Target("schema", item.schema, "0", self.role)
        name = ".".join(part for part in (item.database, item.schema) if part)
        return Target("schema", name, str(row[0]), str(row[1]))

    def place(self, name: s.Name) -> Target:
        """The schema in which a new object of that name is made."""
        if len(name) > 1:
            return self.schema_named(name[:-1])
        for candidate in self.session.search_path:
            schema = find_schema(self.tx, self.session, (candidate,))
            if schema is not None:
                return self.schema(schema)
        raise _UnknownError

    def named(self, table: str, kind: str, name: str) -> Target:
        row = self.tx.execute(f"select id, owner_id from mzlite.{table} where name = %s", (name,)).fetchone()
        if row is None:
            raise _UnknownError
        return Target(kind, name, str(row[0]), str(row[1]))

    def database(self, name: str) -> Target:
        return self.named("databases", "database", name)

    def database_of(self, name: s.Name) -> Target:
        return self.database(name[0] if len(name) > 1 else self.session.database)

    def cluster(self, name: str | None) -> Target:
        try:
            cluster = resolve_cluster(self.tx, name or self.session.cluster)
        except MzError as error:
            raise _UnknownError from error
        return self.named("clusters", "cluster", cluster.name)

    def replica(self, name: s.Name) -> Target:
        row = self.tx.execute(
            """
            select r.id, r.owner_id from mzlite.cluster_replicas as r
            inner join mzlite.clusters as c on c.id = r.cluster_id where c.name = %s and r.name = %s
            """,
            (name[0], name[-1]),
        ).fetchone()
        if row is None:
            raise _UnknownError
        return Target("cluster-replica", ".".join(name), str(row[0]), str(row[1]))

    def objects(self, object_type: str, name: s.Name) -> tuple[Target, list[tuple[Target, str, str]]]:
        """What a statement names by its type, and what is needed to reach it."""
        match object_type:
            case "schema":
                return self.schema_named(name), [(self.database_of(name), "U", self.role)]
            case "database":
                return self.database(name[-1]), []
            case "cluster":
                return self.cluster(name[-1]), []
            case "cluster replica":
                return self.replica(name), [(self.cluster(name[0]), "U", self.role)]
            case _:
                item = self.item(name[:-1] if object_type == "column" else name, is_type=object_type == "type")
                return self.target(item), [(self.container(item), "U", self.role)]

    # Reading -----------------------------------------------------------------

    def read(self, needs: Needs, items: Iterable[Item]) -> None:
        """To read a view takes its owner's privileges on what it reads, too."""
        self._read(needs, list(items), self.role, set())

    def _read(self, needs: Needs, items: list[Item], role: str, seen: set[tuple[str, str]]) -> None:
        views: list[Item] = []
        for item in items:
            if item.is_system or (item.id, role) in seen:
                continue
            seen.add((item.id, role))
            needs.privileges.append((self.container(item), "U", role))
            if item.type in ("connection", "secret", "type"):
                needs.privileges.append((self.target(item), "U", role))
            elif ALL.get(item.type):
                needs.privileges.append((self.target(item), "r", role))
            if item.type in ("view", "materialized-view"):
                views.append(item)
        for view in views:
            rows = self.tx.execute(
                "select referenced_id from mzlite.dependencies where object_id = %s", (view.id,)
            ).fetchall()
            self._read(needs, [item_by_id(self.tx, str(row[0])) for row in rows], view.owner_id, seen)

    def _uses(self, needs: Needs, *names: s.Name | None) -> None:
        """Connections, secrets and types that a statement names."""
        self.read(needs, [self.item(name) for name in names if name])

    # Statements --------------------------------------------------------------

    def of(self, statement: s.Statement) -> Needs:
        """What the statement needs."""
        needs = Needs()

        def needed(target: Target, letter: str) -> None:
            needs.privileges.append((target, letter, self.role))

        match statement:
            case d.CreateDatabase():
                needed(SYSTEM, "B")
            case d.CreateSchema():
                needed(self.database_of(statement.name), "C")
            case d.CreateRole() if "SUPERUSER" in statement.options:
                needs.superuser = "create superuser role"
            case d.AlterRole() if "SUPERUSER" in statement.options:
                needs.superuser = "alter superuser role"
            case d.AlterRole() if statement.variable is not None and statement.name == self.session.user:
                pass
            case d.CreateRole() | d.AlterRole():
                needed(SYSTEM, "R")
            case d.CreateNetworkPolicy():
                needed(SYSTEM, "P")
            case d.CreateCluster():
                needed(SYSTEM, "N")
            case d.CreateClusterReplica():
                needs.owned.append(self.cluster(statement.cluster))
            case d.CreateTable() | d.CreateView() | d.CreateMaterializedView():
                if not getattr(statement, "temporary", False):
                    needed(self.place(statement.name), "C")
                self._replaced(needs, statement)
                if isinstance(statement, d.CreateMaterializedView):
                    needed(self.cluster(statement.cluster), "C")
            case d.CreateSecret() | d.CreateType() | d.CreateConnection():
                needed(self.place(statement.name), "C")
                if isinstance(statement, d.CreateConnection):
                    secrets = [
                        str(value)[7:] for value in statement.options.values() if str(value).startswith("SECRET ")
                    ]
                    self._uses(needs, *(tuple(secret.strip().split(".")) for secret in secrets))
            case d.CreateSource():
                needed(self.place(statement.name), "C")
                needed(self.cluster(statement.cluster), "C")
                self._uses(needs, statement.connection)
            case d.CreateTableFromSource():
                needed(self.place(statement.name), "C")
                self._uses(needs, statement.source)
            case d.CreateSink():
                needed(self.place(statement.name), "C")
                self.read(needs, [self.item(statement.source)])
                needed(self.cluster(statement.cluster), "C")
                self._uses(needs, statement.connection)
            case d.CreateIndex():
                item = self.item(statement.on)
                needs.owned.append(self.target(item))
                needed(self.container(item), "C")
                needed(self.cluster(statement.cluster), "C")
            case d.Drop(object_type="role"):
                needed(SYSTEM, "R")
            case d.Drop():
                for name in statement.names:
                    self._owned(needs, statement.object_type, name)
            case d.Comment(object_type="role"):
                needed(SYSTEM, "R")
            case d.Comment():
                needs.owned.append(self.objects(statement.object_type, statement.name)[0])
            case d.AlterRename(object_type="schema"):
                needs.owned.append(self.schema_named(statement.name))
                needed(self.database_of(statement.name), "C")
            case d.AlterSwap():
                other = (*statement.name[:-1], statement.with_name)
                needs.owned += [self.objects(statement.object_type, name)[0] for name in (statement.name, other)]
                if statement.object_type == "schema":
                    needed(self.database_of(statement.name), "C")
            case d.AlterOwner():
                target, _ = self.objects(statement.object_type, statement.name)
                needs.owned.append(target)
                needs.member_of.append(statement.owner)
                if statement.object_type in _IN_SCHEMAS:
                    needed(self.container(self.item(statement.name, is_type=statement.object_type == "type")), "C")
                elif statement.object_type == "schema":
                    needed(self.database_of(statement.name), "C")
            case d.AlterSetCluster():
                needs.owned.append(self.objects(statement.object_type, statement.name)[0])
                needed(self.cluster(statement.cluster), "C")
            case d.AlterSinkFrom():
                needs.owned.append(self.target(self.item(statement.name)))
                self.read(needs, [self.item(statement.source)])
            case d.AlterRename() | d.AlterSet():
                needs.owned.append(self.objects(statement.object_type, statement.name)[0])
            case d.AlterSecret():
                needs.owned.append(self.target(self.item(statement.name)))
            case d.ValidateConnection():
                item = self.item(statement.name)
                needed(self.container(item), "U")
                needed(self.target(item), "U")
            case d.Grant():
                self._grant(needs, statement)
        return needs

    def _owned(self, needs: Needs, object_type: str, name: s.Name) -> None:
        target, ways = self.objects(object_type, name)
        needs.owned.append(target)
        needs.privileges += ways

    def _replaced(self, needs: Needs, statement: s.Statement) -> None:
        if getattr(statement, "or_replace", False):
            try:
                needs.owned.append(self.target(self.item(statement.name)))  # type: ignore[attr-defined]
            except _UnknownError:
                return

    def _grant(self, needs: Needs, statement: d.Grant) -> None:
        kind = statement.object_type.lower()
        match statement.verb:
            case "drop owned":
                needs.member_of += statement.roles
            case "reassign owned":
                needs.member_of += [*(name[-1] for name in statement.names), *statement.roles]
            case "alter default privileges":
                if not statement.names:
                    needs.superuser = "ALTER DEFAULT PRIVILEGES FOR ALL ROLES"
                needs.member_of += [name[-1] for name in statement.names]
            case _ if kind in ("", "role"):
                needs.privileges.append((SYSTEM, "R", self.role))
            case _ if kind == "system":
                needs.superuser = "GRANT/REVOKE SYSTEM PRIVILEGES"
            case _ if kind.startswith("all "):
                needs.owned += [self._by_id(*each) for each in granted_objects(statement, self.session, self.tx)]
            case _:
                for name in statement.names:
                    self._owned(needs, kind, name)

    def _by_id(self, kind: str, identity: str) -> Target:
        if kind in ("schema", "database", "cluster"):
            row = self.tx.execute(
                f"select name, owner_id from mzlite.{_TABLES[kind]} where id = %s", (identity,)
            ).fetchone()
            if row is None:
                raise _UnknownError
            return Target(kind, str(row[0]), identity, str(row[1]))
        return self.target(item_by_id(self.tx, identity))
