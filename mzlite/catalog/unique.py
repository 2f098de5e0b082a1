"""Proves that columns are a unique key of a relation, as an upsert sink needs it.

In: an object and columns. Out: whether its definition makes them unique whatever the data. The proof knows
DISTINCT ON, DISTINCT, GROUP BY, filters, projections and inner reads of one relation, and follows views.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import SetOperation
from pglast.stream import RawStream

from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.registry import Item, items_where
from mzlite.planner.expressions import contains_aggregate

Keys = list[frozenset[str]]


def unique_keys(tx: EngineTransaction, item: Item) -> Keys:
    """Sets of columns that are known to be unique in the object."""
    if item.type in ("table", "source"):
        envelope = str(item.details.get("envelope_type", ""))
        key = item.details.get("key_columns")
        return [frozenset(key)] if envelope.startswith("upsert") and key else []
    # What a materialized view computes is the view of its definition; a plain view is its own.
    row = tx.execute(
        "select pg_catalog.pg_get_viewdef(coalesce(to_regclass('mzlite_def.d_' || %s)::oid, %s::bigint::oid))",
        (item.id, item.relation),
    ).fetchone()
    return [] if row is None or row[0] is None else _query_keys(tx, parse_sql(str(row[0]))[0].stmt, {})


def _query_keys(tx: EngineTransaction, select: Any, outer: dict[str, Keys]) -> Keys:
    """The unique keys of a SELECT, by the names of its columns."""
    tables = dict(outer)
    with_clause = select.withClause
    for cte in with_clause.ctes if with_clause is not None else ():
        tables[cte.ctename] = [] if with_clause.recursive else _query_keys(tx, cte.ctequery, tables)
    if select.op != SetOperation.SETOP_NONE:
        # Without ALL the whole row is unique.
        return [] if select.all else [frozenset(_output_names(select.larg))]
    if select.valuesLists:
        return []
    outputs = _outputs(select)
    keys: Keys = []
    if select.distinctClause is not None:
        distinct = [target for target in select.distinctClause if target is not None]
        expressions = [_expression(select, target) for target in distinct] if distinct else list(outputs.values())
        keys += _as_outputs(expressions, outputs)
    if select.groupClause:
        if not any(isinstance(target, ast.GroupingSet) for target in select.groupClause):
            keys += _as_outputs([_expression(select, target) for target in select.groupClause], outputs)
    elif _has_aggregate(select):
        keys.append(frozenset())
    elif select.fromClause and len(select.fromClause) == 1:
        alias, inner = _from_keys(tx, select.fromClause[0], tables)
        # Where only one relation is read, PostgreSQL prints its columns without its name.
        plain = {name: text.removeprefix(f"{alias}.") for name, text in outputs.items()}
        for key in inner:
            keys += _as_outputs(sorted(key), plain)
    if _limit_is_one(select):
        keys.append(frozenset())
    return keys


def _from_keys(tx: EngineTransaction, node: Any, tables: dict[str, Keys]) -> tuple[str, Keys]:
    """The alias and the keys of the only relation that is read."""
    alias: str
    kind = type(node)
    if kind is ast.RangeVar:
        alias = node.alias.aliasname if node.alias is not None else node.relname
        if node.alias is not None and node.alias.colnames:
            return alias, []
        if node.schemaname is None and node.relname in tables:
            return alias, tables[node.relname]
        found = items_where(
            tx,
            "o.name = %s and o.namespace = (select n.oid from pg_catalog.pg_namespace as n where n.nspname = %s)",
            (node.relname, node.schemaname),
        )
        return alias, unique_keys(tx, found[0]) if found else []
    if kind is ast.RangeSubselect and node.alias is not None:
        alias = node.alias.aliasname
        keys = _query_keys(tx, node.subquery, tables)
        given = [name.sval for name in node.alias.colnames or ()]
        renamed = dict(zip(_output_names(node.subquery), given, strict=False))
        return alias, [frozenset(renamed.get(name, name) for name in key) for key in keys]
    return "", []


def _outputs(select: Any) -> dict[str, str]:
    """What each column of the result is, by its name."""
    found: dict[str, str] = {}
    for target in select.targetList or ():
        name = target.name
        if name is None and type(target.val) is ast.ColumnRef:
            name = _text(target.val).rpartition(".")[2]
        if name is not None:
            found[name] = _text(_without_assertion(target.val))
    return found


def _without_assertion(node: Any) -> Any:
    """What ASSERT NOT NULL has wrapped up: an assertion changes no value."""
    is_assertion = type(node) is ast.FuncCall and _text(ast.ColumnRef(fields=node.funcname)) == "mzlite.not_null"
    return node.args[0] if is_assertion and node.args else node


def _output_names(select: Any) -> list[str]:
    while select.op != SetOperation.SETOP_NONE:
        select = select.larg
    return list(_outputs(select))


def _expression(select: Any, target: Any) -> str:
    """A GROUP BY or DISTINCT ON item as text; a number is the column at that position."""
    position = _integer(target)
    if position is not None:
        return _text(select.targetList[position - 1].val)
    text = _text(target)
    return _outputs(select).get(text, text)


def _integer(node: Any) -> int | None:
    value = node.val if type(node) is ast.A_Const else None
    return int(value.ival or 0) if type(value) is ast.Integer else None


def _as_outputs(expressions: Sequence[str], outputs: dict[str, str]) -> Keys:
    """The key in terms of result columns, if each of its expressions is one."""
    by_text = {text: name for name, text in outputs.items()}
    names = [by_text.get(expression) for expression in expressions]
    return [] if any(name is None for name in names) else [frozenset(name for name in names if name is not None)]


def _text(node: Any) -> str:
    if type(node) is ast.ColumnRef:
        fields: Sequence[Any] = node.fields or ()
        return ".".join(str(field.sval) for field in fields if type(field) is ast.String)
    return str(RawStream()(node))


def _has_aggregate(select: Any) -> bool:
    having = [select.havingClause] if select.havingClause is not None else []
    return any(contains_aggregate(node) for node in [*(target.val for target in select.targetList or ()), *having])


def _limit_is_one(select: Any) -> bool:
    return select.limitCount is not None and _integer(select.limitCount) == 1
