"""The parts of queries and expressions as Materialize's grammar sees them.

In: nothing. Out: small node classes that the parser builds, that `check.py` judges and that
`display.py` prints. Every node knows the span `start:end` of the text it was read from. Names
are tuples of unquoted, folded parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Literal

Name = tuple[str, ...]


@dataclass(slots=True)
class Node:
    """A part of the text."""

    start: int
    end: int


# Types -----------------------------------------------------------------------


@dataclass(slots=True)
class DataType(Node):
    """A type: `kind` named (with `name` and `modifiers`), array or list (of `element`), map (`key` to `element`)."""

    kind: Literal["named", "array", "list", "map"]
    name: Name = ()
    modifiers: tuple[int, ...] = ()
    element: DataType | None = None
    key: DataType | None = None


# Expressions -----------------------------------------------------------------


@dataclass(slots=True)
class Identifier(Node):
    """A column, a row, or a function without parentheses."""

    parts: Name


@dataclass(slots=True)
class QualifiedWildcard(Node):
    """`t.*`."""

    parts: Name


@dataclass(slots=True)
class FieldAccess(Node):
    """`(row).field`."""

    expression: Expression
    name: str


@dataclass(slots=True)
class WildcardAccess(Node):
    """`(row).*`."""

    expression: Expression


@dataclass(slots=True)
class Parameter(Node):
    """`$1`."""

    number: int


@dataclass(slots=True)
class Value(Node):
    """A literal: string, number, boolean, null or hex."""

    kind: Literal["string", "number", "boolean", "null", "hex"]
    value: str


@dataclass(slots=True)
class IntervalValue(Node):
    """An INTERVAL literal with the fields written after it."""

    value: str
    high: str | None = None
    low: str | None = None
    precision: int | None = None


@dataclass(slots=True)
class Not(Node):
    """NOT."""

    expression: Expression


@dataclass(slots=True)
class And(Node):
    """AND."""

    left: Expression
    right: Expression


@dataclass(slots=True)
class Or(Node):
    """OR."""

    left: Expression
    right: Expression


@dataclass(slots=True)
class Is(Node):
    """IS [NOT] NULL | TRUE | FALSE | UNKNOWN | DISTINCT FROM `other`."""

    expression: Expression
    negated: bool
    construct: str
    other: Expression | None = None


@dataclass(slots=True)
class InList(Node):
    """[NOT] IN (values)."""

    expression: Expression
    items: list[Expression]
    negated: bool


@dataclass(slots=True)
class InSubquery(Node):
    """[NOT] IN (query)."""

    expression: Expression
    query: Query
    negated: bool


@dataclass(slots=True)
class Like(Node):
    """[NOT] LIKE or ILIKE."""

    expression: Expression
    pattern: Expression
    escape: Expression | None
    case_insensitive: bool
    negated: bool


@dataclass(slots=True)
class Between(Node):
    """[NOT] BETWEEN."""

    expression: Expression
    negated: bool
    low: Expression
    high: Expression


@dataclass(slots=True)
class Operation(Node):
    """A unary (`right` only, `left` None) or binary operator; `namespace` is None unless written OPERATOR(..)."""

    operator: str
    namespace: Name | None
    left: Expression | None
    right: Expression


@dataclass(slots=True)
class Cast(Node):
    """A cast; `prefix` when it is written as `type 'literal'`."""

    expression: Expression
    data_type: DataType
    prefix: bool = False


@dataclass(slots=True)
class Collate(Node):
    """COLLATE."""

    expression: Expression
    collation: Name


@dataclass(slots=True)
class Homogenizing(Node):
    """COALESCE, GREATEST, LEAST."""

    function: str
    arguments: list[Expression]


@dataclass(slots=True)
class NullIf(Node):
    """NULLIF."""

    left: Expression
    right: Expression


@dataclass(slots=True)
class Nested(Node):
    """An expression in parentheses."""

    expression: Expression


@dataclass(slots=True)
class Row(Node):
    """ROW(..), or several expressions in parentheses."""

    items: list[Expression]


@dataclass(slots=True)
class WindowFrame(Node):
    """ROWS, RANGE or GROUPS with its bounds: (direction, offset), offset None for UNBOUNDED."""

    units: str
    first: tuple[str, int | None]
    last: tuple[str, int | None] | None


@dataclass(slots=True)
class Window(Node):
    """OVER (..)."""

    partition_by: list[Expression]
    order_by: list[OrderBy]
    frame: WindowFrame | None
    ignore_nulls: bool = False
    is_rewritten: bool = False  # PostgreSQL is shown a form without IGNORE NULLS
    respect_nulls: bool = False


@dataclass(slots=True)
class Function(Node):
    """A call. `arguments` is None for `f(*)`. `special` marks the forms with their own syntax (EXTRACT, TRIM ..)."""

    name: Name
    arguments: list[Expression] | None
    order_by: list[OrderBy] = field(default_factory=list)
    filter: Expression | None = None
    over: Window | None = None
    distinct: bool = False
    special: str | None = None
    arguments_end: int = 0
    """Where the closing parenthesis ends; FILTER and OVER follow."""


@dataclass(slots=True)
class Case(Node):
    """CASE."""

    operand: Expression | None
    conditions: list[Expression]
    results: list[Expression]
    otherwise: Expression | None


@dataclass(slots=True)
class Exists(Node):
    """EXISTS (query)."""

    query: Query


@dataclass(slots=True)
class Subquery(Node):
    """A query as a value."""

    query: Query


@dataclass(slots=True)
class Quantified(Node):
    """left op ANY|ALL (array expression)."""

    left: Expression
    operator: str
    quantifier: Literal["ANY", "ALL"]
    right: Expression


@dataclass(slots=True)
class QuantifiedSubquery(Node):
    """left op ANY|ALL (query)."""

    left: Expression
    operator: str
    quantifier: Literal["ANY", "ALL"]
    query: Query


@dataclass(slots=True)
class Sequence(Node):
    """ARRAY[..] or LIST[..]."""

    kind: Literal["array", "list"]
    items: list[Expression]


@dataclass(slots=True)
class SequenceSubquery(Node):
    """ARRAY(query), LIST(query), MAP(query)."""

    kind: Literal["array", "list", "map"]
    query: Query


@dataclass(slots=True)
class MapLiteral(Node):
    """MAP[key => value]."""

    keys: list[Expression]
    values: list[Expression]


@dataclass(slots=True)
class SubscriptPosition(Node):
    """What stands in one pair of square brackets."""

    first: Expression | None
    last: Expression | None
    is_slice: bool


@dataclass(slots=True)
class Subscript(Node):
    """`a[1]`, `a[1:2]`; `called` if PostgreSQL is shown the call of a function."""

    expression: Expression
    positions: list[SubscriptPosition]
    called: bool = False


Expression = (
    Identifier | QualifiedWildcard | FieldAccess | WildcardAccess | Parameter | Value | IntervalValue | Not | And | Or
    | Is | InList | InSubquery | Like | Between | Operation | Cast | Collate | Homogenizing | NullIf | Nested | Row
    | Function | Case | Exists | Subquery | Quantified | QuantifiedSubquery | Sequence | SequenceSubquery | MapLiteral
    | Subscript
)  # fmt: skip


# Queries ---------------------------------------------------------------------


@dataclass(slots=True)
class OrderBy(Node):
    """One item of ORDER BY."""

    expression: Expression
    ascending: bool | None = None
    nulls_last: bool | None = None


@dataclass(slots=True)
class SelectItem(Node):
    """`expression` is None for a bare `*`."""

    expression: Expression | None
    alias: str | None = None


@dataclass(slots=True)
class TableAlias(Node):
    """AS name (columns)."""

    name: str
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class TableName(Node):
    """A relation."""

    name: Name
    alias: TableAlias | None = None


@dataclass(slots=True)
class TableFunction(Node):
    """A function in FROM."""

    function: Function
    alias: TableAlias | None = None
    with_ordinality: bool = False
    lateral: bool = False


@dataclass(slots=True)
class RowsFrom(Node):
    """ROWS FROM (..)."""

    functions: list[Function]
    alias: TableAlias | None = None
    with_ordinality: bool = False
    lateral: bool = False


@dataclass(slots=True)
class Derived(Node):
    """A query in FROM."""

    query: Query
    alias: TableAlias | None = None
    lateral: bool = False


@dataclass(slots=True)
class NestedJoin(Node):
    """A join in parentheses."""

    join: TableWithJoins
    alias: TableAlias | None = None


TableFactor = TableName | TableFunction | RowsFrom | Derived | NestedJoin


@dataclass(slots=True)
class Join(Node):
    """`kind` inner, left, right, full, cross; the constraint is `on`, `using` or `natural`."""

    kind: Literal["inner", "left", "right", "full", "cross"]
    relation: TableFactor
    on: Expression | None = None
    using: tuple[str, ...] | None = None
    using_alias: str | None = None
    natural: bool = False


@dataclass(slots=True)
class TableWithJoins(Node):
    """One item of FROM."""

    relation: TableFactor
    joins: list[Join]


@dataclass(slots=True)
class Select(Node):
    """`distinct`: None, "row" (SELECT DISTINCT) or the expressions of DISTINCT ON."""

    distinct: Literal["row"] | list[Expression] | None
    items: list[SelectItem]
    from_: list[TableWithJoins]
    where: Expression | None = None
    group_by: list[Expression] = field(default_factory=list)
    having: Expression | None = None
    qualify: Expression | None = None
    options: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Values(Node):
    """VALUES."""

    rows: list[list[Expression]]


@dataclass(slots=True)
class TableBody(Node):
    """TABLE name."""

    name: Name


@dataclass(slots=True)
class ShowBody(Node):
    """SHOW .. where a query may stand; `sql` is the query over the catalog that answers it."""

    sql: str


@dataclass(slots=True)
class SetOperation(Node):
    """UNION, EXCEPT or INTERSECT."""

    operator: Literal["UNION", "EXCEPT", "INTERSECT"]
    all: bool
    left: QueryBody
    right: QueryBody


@dataclass(slots=True)
class Cte(Node):
    """One item of WITH."""

    name: str
    columns: tuple[str, ...]
    query: Query


@dataclass(slots=True)
class RecursiveCte(Node):
    """One item of WITH MUTUALLY RECURSIVE."""

    name: str
    columns: list[tuple[str, DataType]]
    query: Query


@dataclass(slots=True)
class Query(Node):
    """A query expression. `recursive` is set for WITH MUTUALLY RECURSIVE, with its `recursion_options`."""

    ctes: list[Cte]
    recursive: list[RecursiveCte] | None
    recursion_options: dict[str, object]
    body: QueryBody
    order_by: list[OrderBy]
    limit: Expression | None
    with_ties: bool
    offset: Expression | None


QueryBody = Select | Values | TableBody | ShowBody | SetOperation | Query


_PLAIN = re.compile(r"(int|str|bool|Name|None|tuple\[[^A-Z]*|dict\[.*|Literal\[[^\]]*\])( \| None)?$")
_CHILD_FIELDS: dict[type, tuple[str, ...]] = {}


def _child_fields(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a node class that may hold nodes; remembered, as every walk asks."""
    found = _CHILD_FIELDS.get(kind)
    if found is None:
        found = tuple(each.name for each in fields(kind) if not _PLAIN.match(str(each.type)))
        _CHILD_FIELDS[kind] = found
    return found


def children(node: Node) -> list[Node]:
    """The nodes directly below `node`, in the order of the text as far as the fields follow it."""
    result: list[Node] = []
    for name in _child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            result.append(value)
        elif value.__class__ is list:
            _collect(value, result)
    return result


def _collect(items: Iterable[object], result: list[Node]) -> None:
    for item in items:
        if isinstance(item, Node):
            result.append(item)
        elif isinstance(item, list | tuple):
            _collect(item, result)


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))
