"""How many objects of a kind there may be.

In: what is to be made. Out: nothing, or Materialize's error that a limit of the system would be exceeded.
"""

from __future__ import annotations

from mzlite.catalog.interface import EngineTransaction
from mzlite.dialect.defaults import DEFAULTS
from mzlite.dialect.variables import VARIABLES
from mzlite.errors import MzError

_ITEMS = {
    "table": ("table", "max_tables"),
    "source": ("source", "max_sources"),
    "sink": ("sink", "max_sinks"),
    "materialized-view": ("materialized view", "max_materialized_views"),
    "secret": ("secret", "max_secrets"),
}


def check_limit(resource: str, variable: str, current: int, added: int = 1) -> None:
    """Refuse what would be too many.

    Raises:
        MzError: the limit would be exceeded (53000).
    """
    limit = int(DEFAULTS.system.get(variable, VARIABLES[variable].default))
    if added > 0 and current + added > limit:
        raise MzError(
            f"creating {resource} would violate {variable} limit (desired: {current + added}, limit: {limit}, "
            f"current: {current})",
            sqlstate="53000",
            hint=f"Drop an existing {resource} or contact support to request a limit increase.",
        )


def check_table(tx: EngineTransaction, resource: str, variable: str, table: str) -> None:
    """The same for one more row of a table of the registry, of which the users' count."""
    row = tx.execute(f"select count(*) from mzlite.{table} where id like 'u%%'", ()).fetchone()
    assert row is not None
    check_limit(resource, variable, int(row[0]))


def check_item(tx: EngineTransaction, item_type: str, namespace: int) -> None:
    """The same for one more object in a schema."""
    row = tx.execute(
        """
        select
            count(*) filter (where o.type = %s and coalesce(o.details ->> 'source_type', '') <> 'progress'),
            count(*) filter (where o.namespace = %s::bigint::oid)
        from mzlite.objects as o
        """,
        (item_type, namespace),
    ).fetchone()
    assert row is not None
    if item_type in _ITEMS:
        resource, variable = _ITEMS[item_type]
        check_limit(resource, variable, int(row[0]))
    check_limit("object", "max_objects_per_schema", int(row[1]))
