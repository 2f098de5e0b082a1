"""The relations of PostgreSQL behind objects: by name and oid, and the texts that define them.

In: names, oids, queries. Out: what the catalog says of them, or SQL to define more.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.rel import Column
from mzlite.dataflow.transaction import ENGINE_PATH, EngineTransaction
from mzlite.planner.expressions import Node as Syntax
from mzlite.planner.expressions import quote, walk
from mzlite.planner.syntax import ast, enums, parse_sql
from mzlite.storage.printed import readable


def relation_oid(tx: EngineTransaction, schema: str, name: str) -> int:
    """The oid of a relation that exists."""
    row = tx.execute(
        "select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s and c.relname = %s",
        (schema, name),
    ).fetchone()
    assert row is not None
    return int(row[0])


def regclass(tx: EngineTransaction, oid: int) -> str:
    """The qualified, quoted name of a relation."""
    row = tx.execute(
        "select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = %s",
        (oid,),
    ).fetchone()
    assert row is not None
    return str(row[0])


def definition_text(tx: EngineTransaction, oid: int) -> str:
    """A view's query with every name qualified and every star expanded."""
    tx.execute("select set_config('search_path', '', true)")
    row = tx.execute("select pg_catalog.pg_get_viewdef(%s::oid)", (oid,)).fetchone()
    tx.execute("select set_config('search_path', %s, true)", (ENGINE_PATH,))
    assert row is not None
    return readable(tx.connection, str(row[0]).rstrip().rstrip(";"))


def column_list(columns: Sequence[str]) -> str:
    """Column names of CREATE VIEW, if any were given."""
    return f" ({', '.join(quote(name) for name in columns)})" if columns else ""


def empty_query(columns: Sequence[Column]) -> str:
    """A SELECT of no rows with these columns."""
    outputs = ", ".join(f"null::{column.type} as {quote(column.name)}" for column in columns)
    return f"select {outputs} where false"


def computes(query: str) -> bool:
    """Whether a query's columns take work to compute (and are not computed once anyway, as in a grouped query)."""
    statement = parse_sql(query)[0].stmt
    if statement.op != enums.SetOperation.SETOP_NONE or statement.groupClause or statement.distinctClause:
        return False
    ctes = [cte.ctequery for cte in (statement.withClause.ctes if statement.withClause else ())]
    return any(computes_inside(part) for part in (statement, *ctes))


def computes_inside(statement: Syntax) -> bool:
    """The same for one select list: the query's, or that of a CTE, which PostgreSQL folds into its only reader."""
    return any(
        isinstance(node, (ast.CaseExpr, ast.FuncCall))
        for target in getattr(statement, "targetList", None) or ()
        for node in walk(target)
    )
