"""The names that a query gives to its columns.

In: expression nodes. Out: the column name that Materialize invents where no alias is written. A
name is of high or low quality: a cast keeps a high one and replaces a low one by its type's name.
"""

from __future__ import annotations

from mzlite.dialect import ast
from mzlite.dialect.lists import is_builtin
from mzlite.dialect.maps import map_type

UNKNOWN = "?column?"


def column_name(item: ast.SelectItem) -> str | None:
    """The name of one item of a SELECT list; None for `*` and `t.*`."""
    if item.alias is not None:
        return item.alias
    expression = item.expression
    if expression is None or isinstance(expression, (ast.QualifiedWildcard, ast.WildcardAccess)):
        return None
    found = _invent(expression)
    return UNKNOWN if found is None else found[0]


def query_columns(query: ast.QueryBody) -> list[str] | None:
    """The names of a query's columns; None when a wildcard or a table hides them."""
    match query:
        case ast.Query():
            return query_columns(query.body)
        case ast.SetOperation():
            return query_columns(query.left)
        case ast.Values():
            return [f"column{number}" for number in range(1, len(query.rows[0]) + 1)]
        case ast.Select():
            names = [column_name(item) for item in query.items]
            known = [name for name in names if name is not None]
            return known if len(known) == len(names) else None
        case _:
            return None


def _invent(node: ast.Expression) -> tuple[str, bool] | None:
    """(name, whether it is of high quality)."""
    match node:
        case ast.Identifier():
            return node.parts[-1], True
        case ast.Value(kind="boolean"):
            return "bool", True
        case ast.IntervalValue():
            return "interval", True
        case ast.Function():
            if len(node.name) > 1 and node.name[-2] in ("mz_internal", "mz_unsafe"):
                return None
            return node.name[-1], True
        case ast.Homogenizing():
            return node.function, True
        case ast.NullIf():
            return "nullif", True
        case ast.Sequence():
            return node.kind, True
        case ast.MapLiteral() | ast.SequenceSubquery(kind="map"):
            return "map", True
        case ast.Cast():
            inner = _invent(node.expression)
            if inner is not None and inner[1]:
                return inner
            name = type_name(node.data_type)
            return None if name is None else (name, False)
        case ast.Case():
            inner = _invent(node.otherwise) if node.otherwise is not None else None
            return inner if inner is not None and inner[1] else ("case", False)
        case ast.FieldAccess():
            return node.name, True
        case ast.Exists():
            return "exists", True
        case ast.Subscript() | ast.Nested():
            return _invent(node.expression)
        case ast.Subquery() | ast.SequenceSubquery():
            columns = query_columns(node.query)
            return (columns[0], True) if columns else None
        case ast.Row():
            return "row", True
        case _:
            return None


def type_name(data_type: ast.DataType) -> str | None:
    """The bare name of a type as Materialize's catalog has it: `_int4` for an array, `list`, `map`."""
    if data_type.kind == "named":
        return data_type.name[-1]
    if data_type.kind in ("list", "map"):
        return data_type.kind
    inner = None if data_type.element is None else type_name(data_type.element)
    return None if inner is None else "_" + inner


def postgres_column_name(expression: ast.Expression) -> str:
    """The name that PostgreSQL invents for a column that is sent to it without one."""
    found = _postgres_name(expression)
    return UNKNOWN if found is None else found[0]


def _postgres_name(node: ast.Expression) -> tuple[str, bool] | None:
    match node:
        case ast.Value() | ast.Parameter():
            return None
        case ast.IntervalValue():
            return "interval", False
        case ast.Cast():
            inner = _postgres_name(node.expression)
            return inner if inner is not None and inner[1] else (_postgres_type_name(node.data_type), False)
        case ast.Case():
            inner = _postgres_name(node.otherwise) if node.otherwise is not None else None
            return inner if inner is not None and inner[1] else ("case", False)
        case ast.Function():
            return node.name[-1], True
        case ast.Sequence(kind="list", items=[]):
            return None
        case ast.SequenceSubquery(kind="map"):
            return "coalesce", True
        case ast.Sequence() | ast.SequenceSubquery():
            return node.kind, True
        case ast.MapLiteral():
            return ("map", True) if node.keys else None
        case ast.Nested() | ast.Collate():
            return _postgres_name(node.expression)
        case ast.Subscript():
            return ("item", True) if node.called else _postgres_name(node.expression)
        case _:
            return _invent(node)


def _postgres_type_name(data_type: ast.DataType) -> str:
    if data_type.kind == "map" and data_type.element is not None:
        shown = map_type(data_type.element, _postgres_type_name(data_type.element))
        return shown.rpartition(".")[2].strip('"')
    if data_type.kind == "list" and data_type.element is not None:
        inner = _postgres_type_name(data_type.element)
        return (
            "list_" + inner if inner.startswith(("list_", "map_")) or is_builtin(data_type.element) else inner + " list"
        )
    if data_type.element is not None:
        return _postgres_type_name(data_type.element)
    return data_type.name[-1]
