"""Finds the columns of a query that can never be null, as SHOW COLUMNS reports them.

In: a query as PostgreSQL prints it, names qualified. Out: names of columns. What is not understood counts as
nullable, so the answer errs on one side only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import JoinType, SetOperation

from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.registry import items_where

Tables = dict[str, frozenset[str]]
"""By alias, the columns that are never null."""

_STRICT = frozenset({"+", "-", "*", "/", "%", "||", "=", "<>", "<", ">", "<=", ">="})
"""Operators that give null for null operands only (a JSON path, for one, gives null for what is not there)."""
_NEVER_NULL = frozenset({"count", "row_number", "rank", "dense_rank"})


def never_null(tx: EngineTransaction, query: str) -> list[str]:
    """The columns of `query` without nulls, in order."""
    return [name for name, sure in _columns(tx, parse_sql(query)[0].stmt, {}) if sure]


def _columns(tx: EngineTransaction, select: Any, outer: Tables) -> list[tuple[str, bool]]:
    """The columns of a SELECT: name, and whether it is never null."""
    tables = dict(outer)
    with_clause = select.withClause
    for cte in with_clause.ctes if with_clause is not None else ():
        names = [] if with_clause.recursive else _columns(tx, cte.ctequery, tables)
        tables[cte.ctename] = frozenset(name for name, sure in names if sure)
    if select.op != SetOperation.SETOP_NONE:
        left, right = _columns(tx, select.larg, tables), _columns(tx, select.rarg, tables)
        if select.op != SetOperation.SETOP_UNION:
            return left
        return [(name, sure and other) for (name, sure), (_, other) in zip(left, right, strict=False)]
    if select.valuesLists:
        return []
    scope: Tables = {}
    for item in select.fromClause or ():
        scope |= _sources(tx, item, tables, nullable=False)
    found: list[tuple[str, bool]] = []
    for target in select.targetList or ():
        name = target.name
        if name is None and type(target.val) is ast.ColumnRef:
            name = _parts(target.val)[-1]
        found.append((name or "?column?", _is_sure(target.val, scope)))
    return found


def _sources(tx: EngineTransaction, node: Any, tables: Tables, *, nullable: bool) -> Tables:
    """What a FROM item contributes; `nullable` below the optional side of an outer join."""
    kind = type(node)
    if kind is ast.JoinExpr:
        if node.alias is not None:
            return {}
        left = node.jointype in (JoinType.JOIN_RIGHT, JoinType.JOIN_FULL)
        right = node.jointype in (JoinType.JOIN_LEFT, JoinType.JOIN_FULL)
        return _sources(tx, node.larg, tables, nullable=nullable or left) | _sources(
            tx, node.rarg, tables, nullable=nullable or right
        )
    alias = node.alias.aliasname if getattr(node, "alias", None) is not None else getattr(node, "relname", "")
    if nullable or (node.alias is not None and node.alias.colnames):
        return {alias: frozenset()}
    if kind is ast.RangeVar:
        if node.schemaname is None and node.relname in tables:
            return {alias: tables[node.relname]}
        found = items_where(
            tx,
            "o.name = %s and o.namespace = (select n.oid from pg_catalog.pg_namespace as n where n.nspname = %s)",
            (node.relname, node.schemaname),
        )
        return {alias: frozenset(found[0].details.get("not_null", [])) if found else frozenset()}
    if kind is ast.RangeSubselect:
        return {alias: frozenset(name for name, sure in _columns(tx, node.subquery, tables) if sure)}
    return {alias: frozenset()}


def _parts(node: Any) -> list[str]:
    fields: Sequence[Any] = node.fields or ()
    return [str(field.sval) for field in fields if type(field) is ast.String] or [""]


def _is_sure(node: Any, scope: Tables) -> bool:
    kind = type(node)
    if kind is ast.ColumnRef:
        *qualifier, name = _parts(node)
        if qualifier:
            return name in scope.get(qualifier[-1], frozenset())
        return len(scope) == 1 and name in next(iter(scope.values()))
    if kind is ast.A_Const:
        return not node.isnull
    if kind is ast.TypeCast:
        return _is_sure(node.arg, scope)
    if kind is ast.FuncCall:
        return str(node.funcname[-1].sval) in _NEVER_NULL
    if kind is ast.CoalesceExpr:
        return any(_is_sure(argument, scope) for argument in node.args)
    if kind is ast.BoolExpr:
        return all(_is_sure(argument, scope) for argument in node.args)
    if kind is ast.NullTest:
        return True
    if kind is ast.A_Expr:
        operands = [operand for operand in (node.lexpr, node.rexpr) if operand is not None]
        plain = all(not isinstance(operand, tuple) for operand in operands)
        return plain and str(node.name[-1].sval) in _STRICT and all(_is_sure(operand, scope) for operand in operands)
    if kind is ast.CaseExpr:
        results = [*(when.result for when in node.args), node.defresult]
        return all(result is not None and _is_sure(result, scope) for result in results)
    return False
