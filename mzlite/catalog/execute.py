"""Carries out the statements that are Materialize's own.

In: a statement, its session and the engine's transaction. Out: the command tag and notices; what the statement
changes is in that transaction, so an error or a crash leaves nothing half made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mzlite.catalog import (
    alter,
    audit,
    clusters,
    connections,
    drop,
    explain,
    rbac,
    relations,
    roles,
    schemas,
    sinks,
    sources,
    system,
    types,
)
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.errors import unsupported
from mzlite.session import Session

Executor = Callable[[Any, Session, EngineTransaction], ExecuteResult]

EXECUTORS: dict[type[s.Statement], Executor] = {
    d.CreateDatabase: schemas.create_database,
    d.CreateSchema: schemas.create_schema,
    d.CreateCluster: clusters.create_cluster,
    d.CreateClusterReplica: clusters.create_replica,
    d.CreateSecret: connections.create_secret,
    d.CreateConnection: connections.create_connection,
    d.CreateSource: sources.create_source,
    d.CreateTableFromSource: sources.create_table_from_source,
    d.CreateTable: relations.create_table,
    d.CreateView: relations.create_view,
    d.CreateMaterializedView: relations.create_materialized_view,
    d.CreateIndex: relations.create_index,
    d.CreateSink: sinks.create_sink,
    d.CreateRole: roles.create_role,
    d.CreateType: types.create_type,
    d.AlterRename: alter.rename,
    d.AlterSwap: alter.swap,
    d.AlterOwner: alter.change_owner,
    d.AlterSetCluster: alter.move_to_cluster,
    d.AlterSinkFrom: sinks.alter_sink_from,
    d.AlterSecret: connections.alter_secret,
    d.AlterRole: roles.alter_role,
    d.Drop: drop.drop,
    d.Comment: alter.comment,
    d.Grant: roles.grant,
    s.Explain: explain.explain,
    d.AlterSystem: system.alter_system,
    d.CreateNetworkPolicy: system.create_network_policy,
    d.AlterNetworkPolicy: system.alter_network_policy,
    d.ValidateConnection: connections.validate_connection,
}


def execute(statement: s.Statement, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Carry out one statement.

    Raises:
        MzError: it is refused.
        psycopg.Error: PostgreSQL refuses a definition; the caller says it in Materialize's words.
    """
    roles.ensure_role(tx, session.user)
    rbac.authorize(tx, session, statement)
    audit.begin(tx, session.user)
    if isinstance(statement, d.AlterSet) and statement.object_type == "connection":
        return connections.alter_connection(statement, session, tx)
    if isinstance(statement, d.AlterSet):
        return alter.set_options(statement, session, tx)
    executor = EXECUTORS.get(type(statement))
    if executor is None:
        raise unsupported(f"{statement.sql.split(None, 2)[0].upper()} is not supported")
    return executor(statement, session, tx)
