"""Which relations a query names: what it needs privileges on.

In: a parsed statement. Out: names, as they were written. Names of WITH queries in scope are no relations.
"""

from __future__ import annotations

from collections.abc import Iterable

from mzlite.dialect import ast
from mzlite.dialect.functions import UNMATERIALIZABLE, VALUE_FUNCTIONS


def relations(nodes: Iterable[ast.Node]) -> tuple[ast.Name, ...]:
    """The names of relations below the nodes, each once, in the order of the text.

    >>> from mzlite.dialect.parser import StatementParser
    >>> from mzlite.dialect.tokens import tokenize
    >>> def of(sql):
    ...     return relations(StatementParser(tokenize(sql)).parse()[0].queries)
    >>> of("with a as (select * from t) select * from a, s.b where exists (table c)")
    (('t',), ('s', 'b'), ('c',))
    >>> of("select * from (with t as (select 1) select * from t) as q, t")
    (('t',),)
    >>> of("with mutually recursive a (n int) as (select n from a union select n from b) select * from a")
    (('b',),)
    """
    found: dict[ast.Name, None] = {}
    for node in nodes:
        _collect(node, frozenset(), found)
    return tuple(found)


def _collect(node: ast.Node, local: frozenset[str], found: dict[ast.Name, None]) -> None:
    if isinstance(node, ast.TableName | ast.TableBody):
        if len(node.name) > 1 or node.name[0] not in local:
            found.setdefault(node.name)
        return
    if not isinstance(node, ast.Query):
        for child in ast.children(node):
            _collect(child, local, found)
        return
    if node.recursive is not None:
        local |= {cte.name for cte in node.recursive}
        for recursive in node.recursive:
            _collect(recursive.query, local, found)
    for cte in node.ctes:
        _collect(cte.query, local, found)
        local |= {cte.name}
    for child in ast.children(node):
        if not isinstance(child, ast.Cte | ast.RecursiveCte):
            _collect(child, local, found)


def names_columns(nodes: Iterable[ast.Node]) -> bool:
    """Whether an expression names a column."""
    columns = ast.Identifier | ast.QualifiedWildcard | ast.WildcardAccess
    return any(isinstance(part, columns) for node in nodes for part in ast.walk(node))


def is_plain(query: ast.Query) -> bool:
    """Whether a query has nothing but literals and functions about the session or the moment in its list.

    >>> from mzlite.dialect.parser import StatementParser
    >>> from mzlite.dialect.tokens import tokenize
    >>> def plain(sql):
    ...     return is_plain(StatementParser(tokenize(sql)).parse()[0].queries[0])
    >>> plain("select 1, version(), current_user"), plain("select 1 + 1"), plain("select 1 from t")
    (True, False, False)
    """
    body = query.body
    if not isinstance(body, ast.Select) or body.from_ or body.where is not None or query.ctes or query.recursive:
        return False
    return all(_is_plain_item(item.expression) for item in body.items)


def _is_plain_item(expression: ast.Expression | None) -> bool:
    if isinstance(expression, ast.Function):
        return expression.name[-1] in UNMATERIALIZABLE and not expression.arguments
    if isinstance(expression, ast.Identifier):
        return expression.parts[-1] in VALUE_FUNCTIONS
    return isinstance(expression, ast.Value)
