"""CREATE CLUSTER, CREATE CLUSTER REPLICA, ALTER CLUSTER .. SET and RESET.

In: the statements. Out: rows in the registry. A cluster is a name here: all objects are kept by one engine,
but sizes, replicas and schedules are accepted, checked and shown as the real ones are.
"""

from __future__ import annotations

import json

from mzlite.catalog.audit import record
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.limits import check_limit, check_table
from mzlite.catalog.privileges import apply_default_privileges
from mzlite.catalog.registry import Cluster, resolve_cluster, role_id
from mzlite.catalog.schemas import already_exists
from mzlite.dialect.definitions import AlterSet, CreateCluster, CreateClusterReplica
from mzlite.dialect.features import FLAGS
from mzlite.dialect.option_values import boolean_option, integer_option
from mzlite.dialect.statements import OptionValue
from mzlite.errors import MzError
from mzlite.long_names import whole
from mzlite.session import Session

_ONLY_MANAGED = ("SIZE", "REPLICATION FACTOR", "AVAILABILITY ZONES", "SCHEDULE")


def create_cluster(statement: CreateCluster, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a managed cluster with its replicas, or an unmanaged one with the replicas named.

    Raises:
        MzError: it exists, or its options contradict each other.
    """
    options = dict(statement.options)
    managed = boolean_option(options, "MANAGED")
    is_managed = managed if managed is not None else "REPLICAS" not in options and not statement.replicas
    if is_managed and "SIZE" not in options:
        raise MzError("SIZE must be specified for managed clusters")
    if is_managed and (statement.replicas or "REPLICAS" in options):
        raise MzError("REPLICAS not supported for managed clusters")
    if not is_managed:
        for name in _ONLY_MANAGED:
            if name in options:
                raise MzError(f"{name} not supported for unmanaged clusters")
    if is_managed:
        check_size(tx, str(options["SIZE"]))
    row = tx.execute("select 1 from mzlite.clusters where name = %s", (statement.name,)).fetchone()
    if row is not None:
        if statement.if_not_exists:
            return ExecuteResult("CREATE CLUSTER", [already_exists("cluster", statement.name)])
        raise MzError(f"cluster '{statement.name}' already exists", sqlstate="42710")
    if whole(statement.name).startswith(("mz_", "pg_")):
        raise MzError(
            f"unacceptable cluster name '{statement.name}'",
            sqlstate="42939",
            detail='The prefixes "mz_" and "pg_" are reserved for system clusters.',
        )
    check_table(tx, "cluster", "max_clusters", "clusters")
    schedule, estimate = _schedule(options.get("SCHEDULE"))
    factor = _replication_factor(options)
    owner = role_id(tx, session.user)
    created = tx.execute(
        """
        insert into mzlite.clusters (
            id, name, owner_id, managed, size, replication_factor, introspection_debugging, introspection_interval,
            schedule, hydration_time_estimate, workload_class, options
        )
        values (
            'u' || nextval('mzlite.cluster_ids'), %s, %s, %s, %s, %s, %s, %s::interval, %s, %s::interval, %s, %s::jsonb
        )
        returning id, name, managed, size, replication_factor
        """,
        (
            statement.name,
            owner,
            is_managed,
            str(options["SIZE"]) if is_managed else None,
            factor if is_managed else None,
            bool(options.get("INTROSPECTION DEBUGGING", False)) if is_managed else None,
            str(options.get("INTROSPECTION INTERVAL", "00:00:01")) if is_managed else None,
            schedule,
            estimate,
            options.get("WORKLOAD CLASS"),
            json.dumps(options),
        ),
    ).fetchone()
    assert created is not None
    cluster = Cluster(*created)
    apply_default_privileges(tx, "cluster", cluster.id, owner)
    record(tx, "create", "cluster", {"id": cluster.id, "name": cluster.name})
    if is_managed:
        _set_managed_replicas(tx, cluster, owner)
    for name, replica_options in statement.replicas:
        _add_replica(tx, cluster, name, replica_options, owner)
    return ExecuteResult("CREATE CLUSTER")


def create_replica(statement: CreateClusterReplica, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Add a replica to an unmanaged cluster.

    Raises:
        MzError: the cluster is managed, or the replica exists.
    """
    cluster = resolve_cluster(tx, statement.cluster)
    refuse_system(cluster)
    if cluster.managed and not statement.options.get("INTERNAL"):
        raise MzError(f"cannot modify managed cluster {cluster.name}")
    _add_replica(tx, cluster, statement.name, statement.options, role_id(tx, session.user))
    return ExecuteResult("CREATE CLUSTER REPLICA")


def alter_cluster(statement: AlterSet, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Change the options of a cluster.

    Raises:
        MzError: it does not exist, or an option is refused.
    """
    cluster = resolve_cluster(tx, statement.name[-1])
    refuse_system(cluster)
    options = statement.options
    wanted = boolean_option(options, "MANAGED")
    managed = cluster.managed if wanted is None else wanted
    if not managed:
        for name in _ONLY_MANAGED:
            if options.get(name) is not None:
                raise MzError(f"{name} not supported for unmanaged clusters")
    size = cluster.size
    if options.get("SIZE") is not None:
        size = str(options["SIZE"])
        check_size(tx, size)
    factor = cluster.replication_factor
    if "REPLICATION FACTOR" in options:
        factor = _replication_factor(options)
    if managed and size is None:
        raise MzError("SIZE must be specified for managed clusters")
    if "SCHEDULE" in options:
        schedule, estimate = _schedule(options["SCHEDULE"])
        tx.execute(
            "update mzlite.clusters set schedule = %s, hydration_time_estimate = %s::interval where id = %s",
            (schedule, estimate, cluster.id),
        )
    if "WORKLOAD CLASS" in options:
        tx.execute(
            "update mzlite.clusters set workload_class = %s where id = %s", (options["WORKLOAD CLASS"], cluster.id)
        )
    for name, column in (
        ("INTROSPECTION DEBUGGING", "introspection_debugging"),
        ("INTROSPECTION INTERVAL", "introspection_interval"),
    ):
        if name in options:
            default: OptionValue = False if name.endswith("DEBUGGING") else "00:00:01"
            value = default if options[name] is None else options[name]
            cast = "boolean" if name.endswith("DEBUGGING") else "interval"
            tx.execute(f"update mzlite.clusters set {column} = %s::{cast} where id = %s", (str(value), cluster.id))
    changed = tx.execute(
        """
        update mzlite.clusters set managed = %s, size = %s, replication_factor = %s, options = options || %s::jsonb
        where id = %s returning id, name, managed, size, replication_factor
        """,
        (
            managed,
            size if managed else None,
            (factor if factor is not None else 1) if managed else None,
            json.dumps({name: value for name, value in options.items() if value is not None}),
            cluster.id,
        ),
    ).fetchone()
    assert changed is not None
    if managed:
        _set_managed_replicas(tx, Cluster(*changed), role_id(tx, session.user))
    return ExecuteResult("ALTER CLUSTER")


def refuse_system(cluster: Cluster) -> None:
    """Refuse to change one of the system's clusters.

    Raises:
        MzError: it is one.
    """
    if cluster.id.startswith("s"):
        raise MzError(f"system cluster '{cluster.name}' cannot be modified", sqlstate="42501")


def check_size(tx: EngineTransaction, size: str) -> None:
    """Refuse a size that no replica can have.

    Raises:
        MzError: it is unknown.
    """
    sizes = [
        str(row[0]) for row in tx.execute('select size from mzlite.cluster_replica_sizes order by size collate "C"')
    ]
    if size not in sizes:
        raise MzError(
            f"unknown cluster replica size {size}", hint=f"Valid cluster replica sizes are: {', '.join(sizes)}"
        )


def _replication_factor(options: dict[str, OptionValue]) -> int:
    value = integer_option(options, "REPLICATION FACTOR", unsigned=True)
    return 1 if value is None else value


def _schedule(value: OptionValue) -> tuple[str, str | None]:
    text = str(value or "MANUAL")
    if not text.upper().startswith("ON REFRESH"):
        return "manual", None
    FLAGS.require("enable_cluster_schedule_refresh")
    _, quote, rest = text.partition("'")
    return "on-refresh", rest.partition("'")[0] if quote else None


def _set_managed_replicas(tx: EngineTransaction, cluster: Cluster, owner: str) -> None:
    """Give a managed cluster the replicas r1 to rN of its size."""
    check_limit("cluster replica", "max_replicas_per_cluster", 0, cluster.replication_factor or 0)
    wanted = [f"r{number}" for number in range(1, (cluster.replication_factor or 0) + 1)]
    tx.execute(
        "delete from mzlite.cluster_replicas where cluster_id = %s and not name = any (%s)", (cluster.id, wanted)
    )
    tx.execute("update mzlite.cluster_replicas set size = %s where cluster_id = %s", (cluster.size, cluster.id))
    for name in wanted:
        tx.execute(
            """
            insert into mzlite.cluster_replicas (id, name, cluster_id, size, owner_id)
            values ('u' || nextval('mzlite.replica_ids'), %s, %s, %s, %s) on conflict (cluster_id, name) do nothing
            """,
            (name, cluster.id, cluster.size, owner),
        )


def _add_replica(
    tx: EngineTransaction, cluster: Cluster, name: str, options: dict[str, OptionValue], owner: str
) -> None:
    size = options.get("SIZE")
    if size is None:
        raise MzError("SIZE option must be specified")
    check_size(tx, str(size))
    row = tx.execute(
        "select 1 from mzlite.cluster_replicas where cluster_id = %s and name = %s", (cluster.id, name)
    ).fetchone()
    if row is not None:
        raise MzError(f"CLUSTER REPLICA {cluster.name}.{name} already exists", sqlstate="42710")
    tx.execute(
        """
        insert into mzlite.cluster_replicas (id, name, cluster_id, size, availability_zone, owner_id)
        values ('u' || nextval('mzlite.replica_ids'), %s, %s, %s, %s, %s)
        """,
        (name, cluster.id, str(size), options.get("AVAILABILITY ZONE"), owner),
    )
