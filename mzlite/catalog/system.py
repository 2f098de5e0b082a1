"""ALTER SYSTEM, ALTER ROLE .. SET, and network policies.

In: the statements. Out: rows in the registry; what new sessions begin with changes when the statement commits.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import psycopg

from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.privileges import apply_default_privileges
from mzlite.catalog.registry import role_id
from mzlite.catalog.schemas import does_not_exist
from mzlite.dialect.defaults import DEFAULTS, check_system_value
from mzlite.dialect.definitions import AlterNetworkPolicy, AlterRole, AlterSystem, CreateNetworkPolicy, NetworkRule
from mzlite.dialect.variables import VARIABLES
from mzlite.errors import MzError
from mzlite.long_names import whole
from mzlite.session import Session

_MODIFIABLE = frozenset({"enable_rbac_checks", "network_policy"})
"""Variables of the system that every superuser may set; the others are for mz_system."""
MAX_RULES = 25


def alter_system(statement: AlterSystem, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Set or reset a variable of the system.

    Raises:
        MzError: the user may not, there is no such variable, or it cannot have that value.
    """
    name = statement.name.lower()
    _check_allowed(tx, session, name)
    if name == "all" and statement.value is None:
        tx.execute("delete from mzlite.system_parameters")
    elif statement.value is None:
        check_system_value(name, VARIABLES[name].default if name in VARIABLES else "off")
        tx.execute("delete from mzlite.system_parameters where name = %s", (name,))
    else:
        tx.execute(
            """
            insert into mzlite.system_parameters (name, value) values (%s, %s)
            on conflict (name) do update set value = excluded.value
            """,
            (name, check_system_value(name, statement.value)),
        )
    _publish(tx)
    return ExecuteResult("ALTER SYSTEM")


def _check_allowed(tx: EngineTransaction, session: Session, name: str) -> None:
    if session.user == "mz_system":
        return
    row = tx.execute("select superuser from mzlite.roles where name = %s", (session.user,)).fetchone()
    modifiable = name in _MODIFIABLE or (name in VARIABLES and not VARIABLES[name].is_system)
    if not modifiable:
        raise MzError("permission denied to alter system", sqlstate="42501", detail="You must be the 'mz_system' role")
    if row is None or not row[0]:
        raise MzError(
            f"permission denied to toggle the '{name}' system configuration parameter",
            sqlstate="42501",
            detail="You must be a superuser",
        )


def set_role_variable(statement: AlterRole, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """ALTER ROLE .. SET and RESET: with what the role's next sessions begin.

    Raises:
        MzError: there is no such role or variable, or it cannot have that value.
    """
    assert statement.variable is not None
    identity = role_id(tx, statement.name)
    variable = VARIABLES.get(statement.variable.lower())
    if variable is None or variable.is_system:
        raise MzError(f'unrecognized configuration parameter "{statement.variable}"', sqlstate="42704")
    name = variable.name.lower()
    tx.execute("delete from mzlite.role_parameters where role_id = %s and name = %s", (identity, name))
    if statement.value is not None:
        tx.execute(
            "insert into mzlite.role_parameters (role_id, name, value) values (%s, %s, %s)",
            (identity, name, variable.check(statement.value)),
        )
    _publish(tx)
    return ExecuteResult("ALTER ROLE")


def _publish(tx: EngineTransaction) -> None:
    system = dict(tx.execute("select name, value from mzlite.system_parameters").fetchall())
    roles = _by_role(tx.execute(_ROLE_PARAMETERS).fetchall())
    tx.after_commit.append(lambda: DEFAULTS.load(system, roles))


_ROLE_PARAMETERS = (
    "select r.name, p.name, p.value from mzlite.role_parameters as p inner join mzlite.roles as r on r.id = p.role_id"
)


def _by_role(rows: list[Any]) -> dict[str, dict[str, str]]:
    roles: dict[str, dict[str, str]] = {}
    for role, name, value in rows:
        roles.setdefault(str(role), {})[str(name)] = str(value)
    return roles


def load_defaults(connection: psycopg.Connection[Any]) -> None:
    """Take over, at the server's start, what was set before."""
    system = dict(connection.execute("select name, value from mzlite.system_parameters").fetchall())
    DEFAULTS.load(system, _by_role(connection.execute(_ROLE_PARAMETERS).fetchall()))


# Network policies ------------------------------------------------------------------


def create_network_policy(statement: CreateNetworkPolicy, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Note a network policy; nobody from outside of this machine is let in, with it or without.

    Raises:
        MzError: it exists, or a rule is not one.
    """
    if whole(statement.name).startswith(("mz_", "pg_", "external_")):
        raise MzError(f'network policy name "{statement.name}" is reserved', sqlstate="42939")
    if tx.execute("select 1 from mzlite.network_policies where name = %s", (statement.name,)).fetchone() is not None:
        raise MzError(f"network policy '{statement.name}' already exists", sqlstate="42710")
    owner = role_id(tx, session.user)
    row = tx.execute(
        """
        insert into mzlite.network_policies (id, name, owner_id)
        values ('u' || nextval('mzlite.network_policy_ids'), %s, %s) returning id
        """,
        (statement.name, owner),
    ).fetchone()
    assert row is not None
    _set_rules(tx, str(row[0]), statement.rules)
    apply_default_privileges(tx, "network-policy", str(row[0]), owner)
    return ExecuteResult("CREATE NETWORK POLICY")


def alter_network_policy(statement: AlterNetworkPolicy, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Give a network policy other rules.

    Raises:
        MzError: there is none of that name, or a rule is not one.
    """
    _set_rules(tx, network_policy_id(tx, statement.name), statement.rules)
    return ExecuteResult("ALTER NETWORK POLICY")


def network_policy_id(tx: EngineTransaction, name: str) -> str:
    """The id of a network policy.

    Raises:
        MzError: there is none of that name.
    """
    row = tx.execute("select id from mzlite.network_policies where name = %s", (name,)).fetchone()
    if row is None:
        raise MzError(f"unknown network policy '{name}'")
    return str(row[0])


def drop_network_policy(name: str, if_exists: bool, tx: EngineTransaction) -> ExecuteResult:
    """Forget a network policy.

    Raises:
        MzError: there is none of that name, or it is in use.
    """
    try:
        identity = network_policy_id(tx, name)
    except MzError:
        if not if_exists:
            raise
        return ExecuteResult("DROP NETWORK POLICY", [does_not_exist("network policy", name)])
    if DEFAULTS.system.get("network_policy", "default") == name:
        raise MzError(f"network policy {name} is the default and cannot be dropped")
    tx.execute("delete from mzlite.comments where id = %s and object_type = 'network-policy'", (identity,))
    tx.execute("delete from mzlite.privileges where object_id = %s and object_type = 'network-policy'", (identity,))
    tx.execute("delete from mzlite.network_policies where id = %s", (identity,))
    return ExecuteResult("DROP NETWORK POLICY")


def _set_rules(tx: EngineTransaction, identity: str, rules: tuple[NetworkRule, ...]) -> None:
    if len(rules) > MAX_RULES:
        raise MzError("RULES exceed the limit of max_rules_per_network_policy")
    tx.execute("delete from mzlite.network_policy_rules where policy_id = %s", (identity,))
    for position, rule in enumerate(rules, start=1):
        tx.execute(
            """
            insert into mzlite.network_policy_rules (policy_id, position, name, action, direction, address)
            values (%s, %s, %s, %s, %s, %s)
            """,
            (identity, position, rule.name, *_checked(rule)),
        )


def _checked(rule: NetworkRule) -> tuple[str, str, str]:
    for option, value in (("ACTION", rule.action), ("DIRECTION", rule.direction), ("ADDRESS", rule.address)):
        if value is None:
            raise MzError(f"{option} must be specified for network policy rule {rule.name}")
    action, direction, address = str(rule.action).lower(), str(rule.direction).lower(), str(rule.address)
    if action != "allow":
        raise MzError("Allow is the only valid option")
    if direction != "ingress":
        raise MzError("Ingress is the only valid option")
    try:
        network = ipaddress.ip_network(address, strict=False)
    except ValueError as error:
        raise MzError(f"invalid ADDRESS: {error}") from error
    if network.version != 4:
        raise MzError("invalid ADDRESS: only IPv4 is supported")
    return action, direction, address
