"""mz_audit_events: who made and dropped what.

In: what has happened to an object. Out: a row of `mzlite.audit_events`, in the statement's own transaction.
"""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from mzlite.catalog.interface import EngineTransaction
from mzlite.long_names import whole


def begin(tx: EngineTransaction, user: str) -> None:
    """Note on whose behalf the transaction runs."""
    tx.execute("select set_config('mzlite.audit_user', %s, true)", (whole(user),))


def record(tx: EngineTransaction, event: str, object_type: str, details: dict[str, Any]) -> None:
    """Note one event: "create", "drop" .."""
    tx.execute(
        """
        insert into mzlite.audit_events (event_type, object_type, details, user_name)
        values (%s, %s, %s, nullif(current_setting('mzlite.audit_user', true), ''))
        """,
        (event, object_type, Jsonb(_whole_names(details))),
    )


def _whole_names(details: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in details.items():
        if isinstance(value, dict):
            shown[key] = _whole_names(value)
        else:
            shown[key] = whole(value) if isinstance(value, str) else value
    return shown


def record_item(tx: EngineTransaction, event: str, object_id: str) -> None:
    """Note what happened to an object in a schema, which is registered at this moment."""
    row = tx.execute(
        """
        select o.type, o.name, s.name, s.database_name, o.cluster_id, o.details ->> 'source_type', o.session_id
        from mzlite.objects as o left join mzlite.named_schemas as s on s.namespace = o.namespace where o.id = %s
        """,
        (object_id,),
    ).fetchone()
    if row is None or row[6] is not None:
        return
    kind, item, schema, database, cluster_id, source_type, _ = row
    name = {"database": database, "schema": schema, "item": item}
    details: dict[str, Any] = {"id": object_id}
    if event == "create" and kind in ("materialized-view", "index", "source", "sink"):
        details |= {"name": name, "cluster_id": cluster_id}
        if kind in ("source", "sink"):
            details["type"] = source_type or "kafka"
    else:
        details |= name
    record(tx, event, kind, details)
