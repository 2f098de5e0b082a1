"""What the queries of one transaction may read together.

In: the names that a query reads, and what the transaction's queries before it have settled. Out: what they settle now,
or the refusal.

Materialize holds back the history of what a transaction may read, so that all its queries see one moment: everything in
the schemas that its first query names, and what the views there read. A transaction also stays on the cluster of its
first query, and queries over system relations alone, or over nothing, are sent to `mz_catalog_server`, where no user's
relation can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mzlite.catalog.inputs import collections, named_items
from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.registry import Item, resolve_cluster
from mzlite.dialect.statements import Name
from mzlite.errors import FEATURE_NOT_SUPPORTED, MzError
from mzlite.session import Session

CATALOG_SERVER = "mz_catalog_server"
_SCALE_UP = (
    "Use ALTER CLUSTER to adjust the replication factor of the cluster. "
    "Example:`ALTER CLUSTER <cluster-name> SET (REPLICATION FACTOR 1)`"
)
_BASE_TABLES = frozenset(
    f"mz_catalog.mz_{name}"
    for name in (
        "array_types", "base_types", "columns", "connections", "databases", "functions", "index_columns", "indexes",
        "list_types", "map_types", "materialized_views", "operators", "pseudo_types", "role_auth", "role_members",
        "role_parameters", "roles", "schemas", "secrets", "sinks", "sources", "system_privileges", "tables", "types",
        "views",
    )
) | frozenset(
    f"mz_internal.mz_{name}" for name in ("aggregates", "comments", "object_dependencies", "type_pg_metadata")
)  # fmt: skip
"""What the views of pg_catalog read, which belong to every transaction."""


@dataclass(frozen=True)
class TimeDomain:
    """What a transaction may read from its first query on.

    Attributes:
        cluster: where it runs.
        readable: ids and full names of users' relations; None as long as nothing was read.
        system: all system relations may be read, too.
    """

    cluster: str
    readable: dict[str, str] | None = None
    system: bool = False


def enter(
    tx: EngineTransaction, session: Session, reads: Sequence[Name], domain: TimeDomain | None, *, catalog: bool
) -> TimeDomain | None:
    """Judge one query of a transaction.

    Args:
        reads: the relations that it names.
        domain: what the queries before it have settled.
        catalog: without relations, it runs where the catalog's queries do.

    Raises:
        MzError: the transaction may not read what the query reads.
    """
    items = named_items(tx, session, reads)
    if items is None:
        return domain
    system = [item for item in items if item.is_system]
    users = [item for item in items if not item.is_system]
    if domain is None:
        routed = not users and (catalog or _is_catalog(system)) and _routes(session)
        domain = TimeDomain(CATALOG_SERVER if routed else session.cluster)
    if domain.cluster == CATALOG_SERVER and users:
        raise MzError(
            f'querying the following items {_quoted(users)} is not allowed from the "{CATALOG_SERVER}" cluster',
            sqlstate="2F003",
            detail=f"The transaction is executing on the {CATALOG_SERVER} cluster, "
            "maybe having been routed there by the first statement in the transaction.",
        )
    if not items:
        return domain
    if domain.readable is None:
        readable = collections(tx, _neighbours(tx, users))
        return TimeDomain(domain.cluster, readable, bool(system))
    outside = {
        name
        for object_id, name in collections(tx, (item.id for item in users)).items()
        if object_id not in domain.readable
    }
    if not domain.system:
        outside |= {item.full_name for item in system if _has_rows(item) and item.full_name not in _BASE_TABLES}
    if outside:
        raise _outside(outside, {*domain.readable.values(), *_BASE_TABLES})
    return domain


def check_cluster(tx: EngineTransaction, session: Session, reads: Sequence[Name]) -> None:
    """Refuse a query where its cluster could not answer; those over system relations have one of their own.

    Args:
        reads: the relations that it names.

    Raises:
        MzError: the session's cluster does not exist, or has no replicas.
    """
    items = named_items(tx, session, reads)
    if not items or all(item.is_system for item in items):
        return
    cluster = resolve_cluster(tx, session.cluster)
    if tx.execute("select 1 from mzlite.cluster_replicas where cluster_id = %s limit 1", (cluster.id,)).fetchone():
        return
    raise MzError(
        f'CLUSTER "{cluster.name}" has no replicas available to service request',
        sqlstate=FEATURE_NOT_SUPPORTED,
        hint=_SCALE_UP if cluster.managed else "Use CREATE CLUSTER REPLICA to attach cluster replicas to the cluster",
    )


def _routes(session: Session) -> bool:
    return session.variables.get("auto_route_catalog_queries", "on") == "on"


def _is_catalog(system: Sequence[Item]) -> bool:
    """Whether there is something, and nothing that each replica has its own of."""
    return bool(system) and all(item.schema != "mz_introspection" for item in system)


def _has_rows(item: Item) -> bool:
    """A system relation whose rows no view makes of others'."""
    return item.type != "view" and item.schema in ("mz_catalog", "mz_internal")


def _neighbours(tx: EngineTransaction, items: Sequence[Item]) -> list[str]:
    """Everything in the schemas of some objects."""
    rows = tx.execute(
        "select id from mzlite.objects where namespace = any(%s::bigint[]::oid[])",
        ([item.namespace for item in items],),
    ).fetchall()
    return [str(row[0]) for row in rows]


def _quoted(items: Sequence[Item]) -> str:
    return ", ".join(f'"{item.full_name}"' for item in items)


def _outside(outside: set[str], readable: set[str]) -> MzError:
    relations = "\n".join(f'"{name}"' for name in sorted(outside))
    names = "\n".join(f'"{name}"' for name in sorted(readable))
    return MzError(
        "Transactions can only reference objects in the same timedomain. See "
        "https://materialize.com/docs/sql/begin/#same-timedomain-error",
        sqlstate="25000",
        detail="The following relations in the query are outside the transaction's time domain:\n"
        f"{relations}\nOnly the following relations are available:\n{names}",
    )
