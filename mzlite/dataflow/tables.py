"""How clients write to a table: into its inbox, from where the next tick takes it.

In: a table's node and columns. Out: the inbox and the triggers on the relation that clients see, so
that INSERT, UPDATE, DELETE, COPY, RETURNING and transactions are PostgreSQL's own. A write can be
seen only when a tick has absorbed it, by all readers at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.rules.base import Base
from mzlite.dialect.definitions import ColumnDefinition
from mzlite.planner.expressions import quote


def inbox_statement(node: Base, columns: Sequence[ColumnDefinition]) -> str:
    """DDL of an inbox."""
    definitions = ", ".join(
        f"{quote(column.name)} {column.type}{' not null' if column.not_null else ''}{_one_layer(column)}"
        for column in columns
    )
    return f"create table {node.inbox} ({definitions}{', ' if columns else ''}mz_diff bigint not null)"


def inbox_statements(node: Base, relation: str, columns: Sequence[ColumnDefinition]) -> list[str]:
    """DDL of a table's inbox and its trigger function (run with the owner's rights)."""
    comma = ", " if columns else ""
    own = ", ".join(quote(column.name) for column in columns)
    new, old = (", ".join(f"{row}.{quote(column.name)}" for column in columns) for row in ("new", "old"))
    head = f"insert into {node.inbox} ({own}{comma}mz_diff) values"
    function = f"mzlite_inbox.write_{node.number}"
    return [
        inbox_statement(node, columns),
        f"create function {function}() returns trigger language plpgsql security definer set search_path = pg_catalog as $$\n"
        "begin\n"
        "  if tg_op = 'INSERT' then\n"
        f"    {head} ({new}{comma}1);\n    return new;\n"
        "  elsif tg_op = 'UPDATE' then\n"
        f"    {head} ({old}{comma}-1), ({new}{comma}1);\n    return new;\n"
        "  end if;\n"
        f"  {head} ({old}{comma}-1);\n  return old;\nend\n$$",
        f"create trigger write instead of insert or update or delete on {relation}"
        f" for each row execute function {function}()",
    ]


def _one_layer(column: ColumnDefinition) -> str:
    """In binary format PostgreSQL takes an array of several dimensions."""
    if not column.type.startswith("mz_catalog.list_"):
        return ""
    return f" check (mz_internal.one_layer(array_ndims(mz_internal.items({quote(column.name)}))))"
