"""What queries read in the end: tables, sources and materialized views, behind the plain views that they name.

In: names as a query has them, or ids of objects. Out: the objects with rows of their own, and the refusal of a moment
at which these can no longer be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.registry import Item, find_item
from mzlite.dialect.statements import Name
from mzlite.errors import MzError
from mzlite.session import Session

_COLLECTIONS = """
with recursive reached (id) as (
    select unnest(%s::text[])
    union
    select d.referenced_id from reached as r
    inner join mzlite.objects as o on o.id = r.id and o.type = 'view'
    inner join mzlite.dependencies as d on d.object_id = r.id
)
select o.id, concat_ws('.', s.database_name, s.name, o.name)
from reached as r inner join mzlite.objects as o on o.id = r.id
left join mzlite.named_schemas as s on s.namespace = o.namespace
where o.type in ('table', 'source', 'materialized-view') order by length(o.id), o.id
"""


def named_items(tx: EngineTransaction, session: Session, names: Sequence[Name]) -> list[Item] | None:
    """The objects of these names; None if one is not there, which is for others to say."""
    try:
        found = [find_item(tx, session, name) for name in names]
    except MzError:
        return None
    items = [item for item in found if item is not None]
    return items if len(items) == len(found) else None


def collections(tx: EngineTransaction, object_ids: Iterable[str]) -> dict[str, str]:
    """Ids and full names of what the objects read, through plain views."""
    rows = tx.execute(_COLLECTIONS, (list(object_ids),)).fetchall()
    return {str(object_id): str(name) for object_id, name in rows}


def not_valid(wanted: int, now: int, inputs: Sequence[str]) -> MzError:
    """The refusal of a moment of which nothing is kept."""
    kept = ", ".join(f"({_debug(object_id)}, Antichain {{ elements: [{now}] }})" for object_id in inputs)
    return MzError(f"Timestamp ({wanted}) is not valid for all inputs: [{kept}]")


def _debug(object_id: str) -> str:
    """An id as Materialize writes it in such messages: `User(5)`."""
    return f"{'System' if object_id.startswith('s') else 'User'}({object_id[1:]})"
