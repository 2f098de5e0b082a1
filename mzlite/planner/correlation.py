"""Correlated queries: lowered once for all rows of the level around them.

In: a level and a query (or FROM item) that reads its columns. Out: an input that has the query's
rows for each of the distinct values that are read, the domain, and the conditions that tie them
to the level's rows. The way is that of Neumann and Kemper, "Unnesting Arbitrary Queries" (BTW
2015): the domain is joined into the query, whatever the query groups, sorts or limits it does so
for each value of the domain, and the result is joined back. Where an equality ties each value to
a column of the query, that column takes the domain's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mzlite.planner.expressions import (
    Node,
    aliases,
    column,
    equality,
    equality_sides,
    function_name,
    reference,
    references,
    rewrite,
    same,
    walk,
)
from mzlite.planner.operators import Input, Operator, OuterJoin, Output, Select, SetOperation
from mzlite.planner.scope import Context, Domain, Scope, Stage, free_references, rebase, resolve, unique
from mzlite.planner.syntax import ast
from mzlite.planner.temporal import is_temporal


@dataclass
class Dependent:
    """A query as an input beside a level's own.

    Attributes:
        columns: the query's columns, over `source` and, where a count has nothing to count, over the level's.
        on: what ties its rows to the level's.
        keys: the columns of `source` among the conditions.
        lacking: whether a level's row that it has no row for is still one of the query's, with these `columns`.
    """

    source: Input
    columns: list[Output]
    on: list[Node]
    keys: list[Node]
    lacking: bool = False


def depend(context: Context, stage: Stage, query: Node, *, may_open: bool = False) -> Dependent:
    """A query that may read the stage's columns, as an input beside the stage's.

    Args:
        may_open: the caller keeps the level's rows without a partner.
    """
    refs = read_outside(context, stage, query)
    if not refs:
        operator = context.lower_query(context.nested(), query, None)
        alias = context.alias()
        return Dependent(Input(alias, operator), [(name, column(alias, name)) for name in operator.columns()], [], [])
    if any(is_temporal(part) for part in stage.where):
        refs = [ref for node in refs if (ref := reference(shared(context, stage, refs, node))) is not None]
    counted = context.counter[0]
    domain, outer = domain_of(context, stage, refs, may_open=may_open)
    operator = context.lower_query(context.nested(), query, outer)
    if not domain.dropped and is_complex(stage):
        # The level's join then serves the domain and what joins its result: it is better made once.
        context.counter[0] = counted
        refs = [ref for node in refs if (ref := reference(shared(context, stage, refs, node))) is not None]
        domain, outer = domain_of(context, stage, refs, may_open=may_open)
        operator = context.lower_query(context.nested(), query, outer)
    return tied(context, domain, refs, operator)


def tied(context: Context, domain: Domain, refs: Sequence[tuple[str, str]], operator: Operator) -> Dependent:
    """The lowered query with the conditions that tie it to the columns that it read."""
    compare = equality if domain.dropped else same
    if domain.opened is not None:
        source, targets, keys = domain.opened
        on = [compare(column(*ref), key) for ref, key in zip(refs, keys, strict=True)]
        own = {found: column(*ref) for ref, key in zip(refs, keys, strict=True) if (found := reference(key))}
        return Dependent(
            source, [(name, rebase(filled(node, source), own)) for name, node in targets], on, keys, lacking=True
        )
    source = Input(context.alias(), operator)
    names = operator.columns()
    count = len(names) - len(domain.names)
    keys = [column(source.alias, name) for name in names[count:]]
    on = [compare(column(*ref), key) for ref, key in zip(refs, keys, strict=True)]
    return Dependent(source, [(name, column(source.alias, name)) for name in names[:count]], on, keys)


def filled(node: Node, source: Input) -> Node:
    """The expression over a group's row with counts that are zero where there is no row."""
    calls = dict(getattr(source.operator, "calls", ()))

    def change(item: Node) -> Node | None:
        found = reference(item)
        if found is not None and found[0] == source.alias and is_count(source.operator, found[1], calls):
            return ast.CoalesceExpr(args=(item, ast.A_Const(val=ast.Integer(ival=0))))
        return None

    return rewrite(node, change)


def is_count(operator: Operator, name: str, calls: dict[str, Node]) -> bool:
    """Whether a column of a grouped operator is a count."""
    if name in calls:
        return function_name(calls[name]) == "count"
    return name in getattr(operator, "counts", ())


def read_outside(context: Context, stage: Stage, *nodes: Node) -> list[tuple[str, str]]:
    """The stage's columns that queries or FROM items read."""
    free = free_references(*nodes)
    for item in (item for node in nodes if node is not None for item in walk(node)):
        if isinstance(item, ast.RangeVar) and item.schemaname is None and item.relname in context.correlated:
            free += context.correlated[item.relname].columns()
    return sorted({ref for node in free for ref in references(resolve(node, stage.scope))})


def is_complex(stage: Stage) -> bool:
    """Whether reading the stage costs more than reading one input."""
    return len(stage.sources) > 1 or bool(stage.tables)


def shared(context: Context, stage: Stage, refs: Sequence[tuple[str, str]], ref: tuple[str, str]) -> Node:
    """Where a column is after the stage was made one input."""
    if is_complex(stage) or stage.where:
        stage.collapse(context, [*stage.kept(), *(column(*each) for each in refs)])
    return stage.current(column(*ref))


def domain_of(
    context: Context, stage: Stage, refs: Sequence[tuple[str, str]], *, may_open: bool
) -> tuple[Domain, Scope]:
    """The distinct values of the stage's columns, and the stage's scope as a query sees it that is lowered for them."""
    taken: set[str] = set()
    names = tuple(unique(f"of_{name}", taken) for _, name in refs)
    outputs = tuple((name, column(*ref)) for name, ref in zip(names, refs, strict=True))
    values = Select(tuple(stage.sources), tuple(stage.where), outputs, tuple(stage.tables))
    operator = SetOperation("distinct", (values,), names)
    domain = Domain(context.alias(), operator, names, may_drop=True, may_open=may_open)
    own = {found: node for item in (stage.scope,) for found, node in domain_now(item).items()}
    mapping = dict(zip(refs, domain.columns(), strict=True))
    outer = Scope(stage.scope.visible, stage.scope.outer).mapped(own).mapped(mapping)
    outer.domain = domain
    return domain, outer


def domain_now(scope: Scope) -> dict[tuple[str, str], Node]:
    """Where the columns of the domain that a level is itself lowered for are now."""
    domain = scope.outer.domain if scope.outer is not None else None
    if domain is None:
        return {}
    found = {(domain.alias, name): scope.find((domain.alias, name)) for name in domain.names}
    return {ref: node for ref, node in found.items() if node is not None}


def join_inner(stage: Stage, dependent: Dependent) -> list[Output]:
    """Takes a query's rows into the stage; gives its columns."""
    stage.sources.append(dependent.source)
    stage.where += dependent.on
    return dependent.columns


def join_left(context: Context, stage: Stage, dependent: Dependent, on: Sequence[Node] = ()) -> list[Output]:
    """The stage's rows, each with the query's rows that it has, else with nulls; gives the query's columns.

    Args:
        on: further conditions over both.
    """
    conditions = [*dependent.on, *on]
    left = stage.collapse(context, [*stage.kept(), *conditions, *(node for _, node in dependent.columns)])
    conditions = [stage.current(part) for part in conditions]
    columns = [(name, stage.current(node)) for name, node in dependent.columns]
    alias = context.alias()
    taken: set[str] = set()
    outputs: list[Output] = []
    move: dict[tuple[str, str], Node] = {}
    right = dependent.source
    read = {ref for _, node in columns for ref in references(node)}
    for source, names in (
        (left, left.operator.columns()),
        (right, [name for name in right.operator.columns() if (right.alias, name) in read]),
    ):
        for name in names:
            output = unique(name, taken)
            outputs.append((output, column(source.alias, name)))
            move[(source.alias, name)] = column(alias, output)
    stage.replace(Input(alias, OuterJoin("left", left, right, tuple(conditions), tuple(outputs))), move)
    return [(name, rebase(node, move)) for name, node in columns]


def drop_domain(stage: Stage, *nodes: Node | None, keep: bool = False) -> None:
    """Takes the domain out of a level in which equalities tie each of its columns to another input's.

    Args:
        nodes: all the level's text.
        keep: the level needs the domain itself.
    """
    domain = stage.scope.outer.domain if stage.scope.outer is not None else None
    if domain is None or keep or not domain.may_drop or stage.tables:
        return
    if all(source.alias != domain.alias for source in stage.sources):
        return
    others = {source.alias for source in stage.sources} - {domain.alias}
    tied: dict[str, Node] = {}
    equalities = []
    for part in stage.where:
        sides = equality_sides(part)
        for own, other in (sides, sides[::-1]) if sides is not None else ():
            found = reference(own)
            if found is None or found[0] != domain.alias or found[1] in tied:
                continue
            if aliases(other) and aliases(other) <= others:
                tied[found[1]] = other
                equalities.append(part)
                break
    mentioned = [
        node
        for node in free_references(*nodes)
        if any(alias == domain.alias for alias, _ in references(resolve(node, stage.scope)))
    ]
    if len(tied) < len(domain.names) or len(mentioned) > len(equalities):
        return
    domain.dropped = True
    stage.sources = [source for source in stage.sources if source.alias != domain.alias]
    stage.where = [part for part in stage.where if part not in equalities]
    move = {(domain.alias, name): node for name, node in tied.items()}
    stage.moves.append(move)
    for item in stage.scope.visible:
        item.columns = {name: rebase(node, move) for name, node in item.columns.items()}
