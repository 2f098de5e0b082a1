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
from mzlite.dialect import statements as s
from mzlite.errors import unsupported
from mzlite.session import Session

Executor = Callable[[Any, Session, EngineTransaction], ExecuteResult]

EXECUTORS: dict[type[s.Statement], Executor] = {
    s.CreateDatabase: schemas.create_database,
    s.CreateSchema: schemas.create_schema,
    s.CreateCluster: clusters.create_cluster,
    s.CreateClusterReplica: clusters.create_replica,
    s.CreateSecret: connections.create_secret,
    s.CreateConnection: connections.create_connection,
    s.CreateSource: sources.create_source,
    s.CreateTableFromSource: sources.create_table_from_source,
    s.CreateTable: relations.create_table,
    s.CreateView: relations.create_view,
    s.CreateMaterializedView: relations.create_materialized_view,
    s.CreateIndex: relations.create_index,
    s.CreateSink: sinks.create_sink,
    s.CreateRole: roles.create_role,
    s.CreateType: types.create_type,
    s.AlterRename: alter.rename,
    s.AlterSwap: alter.swap,
    s.AlterOwner: alter.change_owner,
    s.AlterSetCluster: alter.move_to_cluster,
    s.AlterSinkFrom: sinks.alter_sink_from,
    s.AlterSecret: connections.alter_secret,
    s.AlterRole: roles.alter_role,
    s.Drop: drop.drop,
    s.Comment: alter.comment,
    s.Grant: roles.grant,
    s.Explain: explain.explain,
    s.AlterSystem: system.alter_system,
    s.CreateNetworkPolicy: system.create_network_policy,
    s.AlterNetworkPolicy: system.alter_network_policy,
    s.ValidateConnection: connections.validate_connection,
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
    if isinstance(statement, s.AlterSet) and statement.object_type == "connection":
        return connections.alter_connection(statement, session, tx)
    if isinstance(statement, s.AlterSet):
        return alter.set_options(statement, session, tx)
    executor = EXECUTORS.get(type(statement))
    if executor is None:
        raise unsupported(f"{statement.sql.split(None, 2)[0].upper()} is not supported")
    return executor(statement, session, tx)
