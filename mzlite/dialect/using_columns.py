"""The columns of JOIN .. USING and NATURAL JOIN where integers with and without sign meet.

In: a query as PostgreSQL is sent it, which it has refused because it finds no common type of such a column. Out: its
joins, and the query with the columns of a join's right side cast to the type that Materialize takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mzlite.dialect import ast
from mzlite.dialect.common_types import cast_columns, larger, roots
from mzlite.dialect.stream import quote_identifier

_REFUSED = re.compile(r"^failed to find conversion function from (?:mz_catalog\.)?(\w+) to (?:mz_catalog\.)?(\w+)$")

_NOTHING_COMMON = re.compile(
    "^(?:JOIN/USING types (?P<left>.+) and (?P<right>.+) cannot be matched"
    "|operator does not exist: (?P<one>.+) = (?P<other>.+))$"
)
_CATEGORIES = {
    "number": (
        "smallint",
        "integer",
        "bigint",
        "uint2",
        "uint4",
        "uint8",
        "numeric",
        "real",
        "double precision",
        "oid",
    ),
    "text": ("text", "varchar", "char", "character", "character varying", "name"),
    "moment": ("date", "time", "timestamp without time zone", "timestamp with time zone"),
    "interval": ("interval",),
    "boolean": ("boolean",),
}


@dataclass(frozen=True)
class NamedJoin:
    """A join by columns of equal names.

    Attributes:
        left, right: queries for all columns of the two sides, each to be analysed alone.
        names: the columns after USING; None for NATURAL JOIN.
        start, end: where the right side stands.
        alias: what it is called in the query.
    """

    left: str
    right: str
    names: tuple[str, ...] | None
    start: int
    end: int
    alias: str

    def targets(self, lefts: Mapping[str, str], names: Sequence[str], rights: Sequence[str]) -> dict[int, str]:
        """The columns of the right side that need a cast, by their places, with the type they are cast to."""
        found = {}
        for index, (name, kind) in enumerate(zip(names, rights, strict=True)):
            joined = name in lefts and (self.names is None or name in self.names)
            if joined and (target := larger(lefts[name], kind)) is not None:
                found[index] = target
        return found

    def mended(self, sql: str, names: Sequence[str], targets: Mapping[int, str]) -> str:
        """The query with these columns cast."""
        side = cast_columns(f"select * from {sql[self.start : self.end]}", names, targets)
        return f"{sql[: self.start]}({side}) as {quote_identifier(self.alias)}{sql[self.end :]}"


def is_refused(message: str) -> bool:
    """Whether PostgreSQL has found no common type of a signed and an unsigned column.

    >>> is_refused("failed to find conversion function from mz_catalog.uint4 to integer")
    True
    """
    found = _REFUSED.match(message)
    return found is not None and larger(*found.groups()) is not None


def named_joins(sql: str) -> Iterator[NamedJoin]:
    """The joins by names of a query, in the order in which PostgreSQL reads them.

    >>> [(join.left, join.right, join.alias) for join in named_joins("select * from a join s.b using (k)")]
    [('select * from a ', 'select * from s.b', 'b')]
    """
    for root in roots(sql):
        yield from _joins(sql, root, ())


def _joins(sql: str, node: ast.Node, queries: tuple[ast.Query, ...]) -> Iterator[NamedJoin]:
    if isinstance(node, ast.Query):
        queries = (*queries, node)
    for child in ast.children(node):
        yield from _joins(sql, child, queries)
    if not isinstance(node, ast.TableWithJoins):
        return
    for join in node.joins:
        alias = _alias(join.relation)
        if alias is not None and (join.natural or join.using is not None):
            yield NamedJoin(
                columns_from(sql, node.relation.start, join.start, queries),
                columns_from(sql, join.relation.start, join.relation.end, queries),
                None if join.natural else join.using,
                join.relation.start,
                join.relation.end,
                alias,
            )


def _alias(relation: ast.TableFactor) -> str | None:
    if relation.alias is not None:
        return relation.alias.name
    return relation.name[-1] if isinstance(relation, ast.TableName) else None


def columns_from(sql: str, start: int, end: int, queries: Sequence[ast.Query], columns: str = "*") -> str:
    """A query for columns of a part of FROM, to be analysed alone.

    Args:
        sql: the whole.
        start, end: where the part stands.
        queries: those around it, from the outermost: it may read what they define.
        columns: what is selected.
    """
    text = f"select {columns} from {sql[start:end]}"
    for query in reversed(queries):
        if query.ctes:
            ctes = ", ".join(sql[cte.start : cte.end] for cte in query.ctes)
            text = f"with {ctes} select * from ({text}) as mz_side"
    return text


def refused_column(message: str, sql: str) -> str | None:
    """What Materialize says of a column of JOIN .. USING whose two types have nothing in common; None of anything else.

    >>> refused_column("operator does not exist: integer = text", "select from a join b using (k)")
    'NATURAL/USING join column "k" types integer and text cannot be matched'
    """
    found = _NOTHING_COMMON.match(message)
    names = {name for join in named_joins(sql) for name in join.names or ("",)} if found is not None else set()
    if found is None or len(names) != 1 or "" in names:
        return None
    left, right = found["left"] or found["one"], found["right"] or found["other"]
    if _category(left) == _category(right):
        return None
    return f'NATURAL/USING join column "{names.pop()}" types {left} and {right} cannot be matched'


def _category(kind: str) -> str:
    return next((category for category, kinds in _CATEGORIES.items() if kind in kinds), "other")
