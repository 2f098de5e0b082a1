"""What a view may read of the system's own relations.

In: a view's query as it was parsed. Out: nothing, or Materialize's refusals: what may change from one version to the
next is not to change what a view shows, nor to break it.
"""

from __future__ import annotations

from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.registry import find_item
from mzlite.dialect import ast
from mzlite.dialect.reading import relations
from mzlite.errors import MzError
from mzlite.session import Session

_UNSTABLE = frozenset({"mz_internal", "mz_introspection", "mz_unsafe"})


def check_system_inputs(
    tx: EngineTransaction, session: Session, query: ast.Query | None, object_type: str, *, temporary: bool = False
) -> None:
    """Check the relations that a query names itself, not those behind other views.

    Raises:
        MzError: it reads system relations by `*` or a natural join, or ones that are not stable.
    """
    if query is None:
        return
    found = [find_item(tx, session, name) for name in relations((query,))]
    system = [item for item in found if item is not None and item.is_system]
    if system and _names_columns_vaguely(query):
        raise MzError(
            "cannot use wildcard expansions or NATURAL JOINs in a view that depends on system objects",
            sqlstate="0A000",
            detail="This is a current limitation in Materialize",
        )
    unstable = [item.name for item in system if item.schema in _UNSTABLE]
    if unstable and not temporary:
        raise MzError(
            f"cannot create {object_type} with unstable dependencies",
            detail="The object depends on the following unstable objects:\n    " + "\n    ".join(unstable),
        )


def _names_columns_vaguely(query: ast.Query) -> bool:
    return any(
        (
            isinstance(node, ast.SelectItem)
            and (node.expression is None or isinstance(node.expression, ast.QualifiedWildcard))
        )
        or (isinstance(node, ast.Join) and node.natural)
        for node in ast.walk(query)
    )
