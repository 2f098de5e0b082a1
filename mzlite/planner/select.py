"""SELECT: one query level becomes a tree of operators.

In: a SELECT statement as PostgreSQL prints a view's definition (names qualified, stars
expanded), and a catalog. Out: an operator whose columns are those of the statement, and behind
them, for a correlated query, those of its domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mzlite.errors import unsupported
from mzlite.planner.correlation import Dependent, drop_domain, filled, join_left
from mzlite.planner.expressions import (
    SET_RETURNING,
    Node,
    column,
    conjuncts,
    contains_aggregate,
    contains_window,
    default_name,
    function_name,
    is_aggregate,
    quote,
    references,
    rewrite,
    same,
    sql,
    walk,
)
from mzlite.planner.from_clause import add_domain, lower_from
from mzlite.planner.grouping import Grouped, group
from mzlite.planner.limits import Limit, finish, first_of_each, replace_sort, top_k, windowed
from mzlite.planner.operators import (
    Bound,
    Constant,
    Input,
    Operator,
    Output,
    Select,
    SetOperation,
    TableFunction,
    Temporal,
    Union,
)
from mzlite.planner.scope import (
    PENDING,
    Context,
    Domain,
    Relations,
    Scope,
    Stage,
    Visible,
    free_references,
    mentions_of,
    resolve,
    unique,
)
from mzlite.planner.subqueries import TESTED, apply_pending, attach, changed, has_pending, has_subquery
from mzlite.planner.syntax import ast, enums, parse_sql
from mzlite.planner.temporal import bounds, filter_by_clock, filters, is_temporal


def plan(definition: str, relations: Relations) -> Operator:
    """The operators of a view's definition as `pg_get_viewdef` prints it.

    Raises:
        MzError: a clause has no rule; the message names it.
    """
    statement = parse_sql(definition)[0].stmt
    refuse_outer_aggregates(statement)
    return lower_query(Context(relations, lower_query, lower_from), statement, None)


def lower_query(context: Context, statement: Node, outer: Scope | None) -> Operator:
    """A query of any form: SELECT, VALUES, a set operation, each possibly with CTEs."""
    domain = outer.domain if outer is not None else None
    if statement.withClause is not None:
        context = context.nested()
        add_ctes(context, statement.withClause, outer)
    if statement.valuesLists:
        return lower_values(context, statement, outer)
    if statement.op != enums.SetOperation.SETOP_NONE:
        if domain is not None:
            domain.may_drop = domain.may_open = False
        operator = lower_set_operation(context, statement, outer)
        return limit_above(context, statement, operator, domain) if is_limited(statement) else operator
    return lower_select(context, statement, outer)


def is_limited(statement: Node) -> bool:
    """LIMIT or OFFSET."""
    return statement.limitCount is not None or statement.limitOffset is not None


def add_ctes(context: Context, clause: Node, outer: Scope | None) -> None:
    """Lowers the CTEs, each visible to those after it."""
    if clause.recursive:
        raise unsupported("WITH RECURSIVE is not supported; Materialize has WITH MUTUALLY RECURSIVE")
    for cte in clause.ctes:
        domain = outer.domain if outer is not None and is_correlated(context, cte.ctequery) else None
        if domain is not None:
            domain.may_drop = domain.may_open = False
        operator = context.lower_query(context.nested(), cte.ctequery, outer if domain is not None else None)
        if cte.aliascolnames:
            renamed = [name.sval for name in cte.aliascolnames]
            renamed += operator.columns()[len(renamed) :]
            operator = rename(context, operator, renamed)
        context.ctes[cte.ctename] = operator
        context.correlated.pop(cte.ctename, None)
        if domain is not None:
            context.correlated[cte.ctename] = domain


def is_correlated(context: Context, query: Node) -> bool:
    """Whether a query reads columns from around it, itself or by a CTE."""
    names = {item.relname for item in walk(query) if isinstance(item, ast.RangeVar)}
    return bool(free_references(query)) or not names.isdisjoint(context.correlated)


def rename(context: Context, operator: Operator, names: list[str] | tuple[str, ...]) -> Operator:
    """The same rows under other column names."""
    if tuple(names) == operator.columns():
        return operator
    alias = context.alias()
    outputs = [(name, column(alias, own)) for name, own in zip(names, operator.columns(), strict=True)]
    return Select((Input(alias, operator),), (), tuple(outputs))


def lower_values(context: Context, statement: Node, outer: Scope | None) -> Operator:
    """VALUES lists."""
    names = tuple(f"column{number}" for number in range(1, len(statement.valuesLists[0]) + 1))
    domain = outer.domain if outer is not None else None
    if domain is not None or free_references(statement) or any(map(has_subquery, statement.valuesLists)):
        if domain is not None:
            domain.may_drop = domain.may_open = False
        rows = [lower_row(context, row, names, outer) for row in statement.valuesLists]
        operator: Operator = Union(tuple(rows), rows[0].columns())
    else:
        lists = ", ".join("(" + ", ".join(sql(value) for value in row) + ")" for row in statement.valuesLists)
        columns = ", ".join(quote(name) for name in names)
        operator = Constant(f"select * from (values {lists}) as v ({columns})", names)
    return limit_above(context, statement, operator, domain) if is_limited(statement) else operator


def lower_row(context: Context, row: tuple[Node, ...], names: tuple[str, ...], outer: Scope | None) -> Operator:
    """A row of VALUES that reads something, as a SELECT without FROM."""
    targets = tuple(ast.ResTarget(name=name, val=value) for name, value in zip(names, row, strict=True))
    none, limit = enums.SetOperation.SETOP_NONE, enums.LimitOption.LIMIT_OPTION_DEFAULT
    return lower_select(context, ast.SelectStmt(targetList=targets, op=none, limitOption=limit), outer)


SET_KINDS = {
    enums.SetOperation.SETOP_UNION: "union",
    enums.SetOperation.SETOP_EXCEPT: "except",
    enums.SetOperation.SETOP_INTERSECT: "intersect",
}


def lower_set_operation(context: Context, statement: Node, outer: Scope | None) -> Operator:
    """UNION, EXCEPT and INTERSECT, with and without ALL."""
    left = context.lower_query(context, statement.larg, outer)
    right = rename(context, context.lower_query(context, statement.rarg, outer), left.columns())
    kind = SET_KINDS[statement.op]
    if kind == "union" and statement.all:
        flat = [*left.operators] if isinstance(left, Union) else [left]
        return Union((*flat, right), left.columns())
    name = f"{kind} all" if statement.all else kind
    return SetOperation(name, (left, right), left.columns())  # type: ignore[arg-type]


# One level ---------------------------------------------------------------------


def lower_select(context: Context, statement: Node, outer: Scope | None) -> Operator:
    """One SELECT level."""
    domain = outer.domain if outer is not None else None
    stage = lower_from(context, statement.fromClause or (), outer, mentions_of(statement))
    statement = with_sets(context, stage, statement)
    taken: set[str] = set()
    targets = [
        (unique(item.name or default_name(item.val), taken), resolve(item.val, stage.scope))
        for item in statement.targetList or ()
    ]
    keys = [resolve(key, stage.scope) for key in statement.groupClause or ()]
    having = [resolve(part, stage.scope) for part in filters(statement.havingClause)]
    distinct_on = [resolve(node, stage.scope) for node in statement.distinctClause or () if node is not None]
    order = [resolve_sort(part, stage.scope, targets) for part in statement.sortClause or ()]
    count, offset = (
        resolve(node, stage.scope) if node is not None else None
        for node in (statement.limitCount, statement.limitOffset)
    )
    everything = [*(node for _, node in targets), *having, *distinct_on, *(part.node for part in order)]
    is_grouped = bool(keys) or bool(having) or any(contains_aggregate(node) for node in everything)
    is_global = is_grouped and not keys
    opens = is_global and domain is not None and domain.may_open and is_simple(stage, statement, targets)
    stage.where += [resolve(part, stage.scope) for part in filters(statement.whereClause)]
    has_correlated = any(
        isinstance(item, ast.RangeVar) and item.relname in context.correlated for item in walk(statement)
    )
    drop_domain(stage, statement, keep=has_correlated or (is_global and not opens))
    forget(stage, statement)
    stage.above = [*everything, *keys, *stage.domain()]
    apply_pending(context, stage)

    has_windows = any(contains_window(node) for node in everything)
    is_plain = not is_grouped and not is_limited(statement) and not has_windows
    if is_plain and statement.distinctClause is None:
        targets = [(name, attach(context, stage, node)) for name, node in targets]
        targets += [(unique(f"of_{default_name(node)}", taken), node) for node in stage.domain()]
        return finish_by_clock(context, stage, targets)

    if is_grouped:
        for node in everything:
            for call in (item for item in walk(node, into_subqueries=False) if is_aggregate(item)):
                stage.above.append(attach(context, stage, call))
        everything = [attach_calls(context, stage, node) for node in everything]
        read = [attach(context, stage, key) for key in keys]
        stage.above += [*everything, *read, *stage.domain()]
        filter_by_clock(context, stage)
        grouped = group(context, stage, [*read, *stage.domain()], everything)
        for key, node in zip(keys, read, strict=True):
            grouped.replacements.setdefault(sql(key), grouped.replacements[sql(stage.current(node))])
        if opens and domain is not None:
            own = [grouped.above(node) for node in stage.domain()]
            above_targets = [grouped.above(stage.current(node)) for node in everything[: len(targets)]]
            domain.opened = (
                grouped.source,
                [(name, node) for (name, _), node in zip(targets, above_targets, strict=True)],
                own,
            )
            return grouped.source.operator
        below, stage = stage, above_group(context, stage, grouped, outer, is_global=is_global)

        def above(node: Node) -> Node:
            return stage.current(grouped.above(below.current(attach_calls(context, below, node))))

        targets = [(name, above(node)) for name, node in targets]
        distinct_on = [above(node) for node in distinct_on]
        order = [replace_sort(part, above(part.node)) for part in order]
        stage.where += [above(part) for part in having]
        stage.above = [*(node for _, node in targets), *distinct_on, *(part.node for part in order)]
        apply_pending(context, stage)

    targets = [(name, attach(context, stage, node)) for name, node in targets]
    targets += [(unique(f"of_{default_name(node)}", taken), node) for node in stage.domain()]
    distinct_on = [attach(context, stage, node) for node in distinct_on]
    order = [replace_sort(part, attach(context, stage, part.node)) for part in order]
    limit = Limit(*(attach(context, stage, node) if node is not None else None for node in (count, offset)))
    stage.above = [*(node for _, node in targets), *distinct_on, *(part.node for part in order)]
    filter_by_clock(context, stage, [limit.row()])
    return shape(context, stage, Shape(statement, targets, distinct_on, order, limit))


def forget(stage: Stage, statement: Node) -> None:
    """Leaves out of the stage's mentions what only its plain conditions mention, which are in effect."""
    waiting = [part for part in conjuncts(statement.whereClause) if has_subquery(part)]
    above = (statement.targetList, statement.groupClause, statement.havingClause, statement.distinctClause)
    needed = mentions_of(*above, statement.sortClause, statement.limitCount, statement.limitOffset, *waiting)
    stage.mentions = {found for found in stage.mentions if found in needed or found[0] in (PENDING, TESTED)}


def is_simple(stage: Stage, statement: Node, targets: list[Output]) -> bool:
    """Whether a global aggregate is all that a level does, so that its columns can be computed further up."""
    return (
        not statement.havingClause
        and statement.distinctClause is None
        and not is_limited(statement)
        and not stage.tables
        and not any(contains_window(node) or has_waiting(node) for _, node in targets)
    )


def has_waiting(node: Node) -> bool:
    """Whether an expression has a subquery outside of its aggregates."""
    return has_pending(rewrite(node, lambda item: column("", "") if is_aggregate(item) else None))


def attach_calls(context: Context, stage: Stage, node: Node) -> Node:
    """The expression with the subqueries in its aggregates attached to the rows that are aggregated."""
    return rewrite(node, lambda item: attach(context, stage, item) if is_aggregate(item) else None)


def above_group(context: Context, stage: Stage, grouped: Grouped, outer: Scope | None, *, is_global: bool) -> Stage:
    """The level above its groups: what is visible of it are the keys."""
    source, pending = grouped.source, stage.scope.pending
    if not is_global or outer is None or outer.domain is None:
        visible = [
            Visible(
                item.alias,
                {
                    name: grouped.replacements[sql(node)]
                    for name, node in item.columns.items()
                    if sql(node) in grouped.replacements
                },
            )
            for item in stage.scope.visible
        ]
        return Stage([source], scope=Scope(visible, outer, pending=pending), mentions=stage.mentions)
    # One row for each value of the domain, also for those without rows.
    result = Stage(scope=Scope(outer=outer, pending=pending), mentions=stage.mentions)
    add_domain(result)
    keys = [grouped.replacements[sql(node)] for node in stage.domain()]
    columns = [(name, filled(column(source.alias, name), source)) for name in source.operator.columns()]
    on = [same(own, key) for own, key in zip(result.domain(), keys, strict=True)]
    found = join_left(context, result, Dependent(source, columns, on, keys))
    mapping = {(source.alias, name): node for name, node in found}
    for key, own in zip(keys, result.domain(), strict=True):
        mapping |= dict.fromkeys(references(key), own)
    result.moves = [mapping]
    return result


@dataclass
class Shape:
    """What a level does with its rows at last, over its stage."""

    statement: Node
    targets: list[Output]
    distinct_on: list[Node]
    order: list[Node]
    limit: Limit


def shape(context: Context, stage: Stage, level: Shape) -> Operator:
    """Window functions, DISTINCT and LIMIT, each over the one before."""
    limited, distinct = is_limited(level.statement), level.statement.distinctClause is not None
    read = [*(node for _, node in level.targets), *level.distinct_on, *(part.node for part in level.order)]
    if any(contains_window(node) for node in read):
        if not limited and not distinct:
            return windowed(context, stage, level.targets, stage.domain())
        outputs = extended(level)
        stage, level = over(context, stage, level, outputs, windowed(context, stage, outputs, stage.domain()))
    if distinct:
        if level.distinct_on:
            keys = [*level.distinct_on, *stage.domain()]
            outputs = extended(level) if limited else level.targets
            operator = first_of_each(context, stage, outputs, keys, level.order)
        else:
            outputs = level.targets
            projected = finish(context, stage, outputs)
            operator = SetOperation("distinct", (projected,), projected.columns())
        if not limited:
            return operator
        stage, level = over(context, stage, level, outputs, operator)
    if limited:
        return top_k(context, stage, level.targets, level.order, level.limit, stage.domain())
    return finish(context, stage, level.targets)


def extended(level: Shape) -> list[Output]:
    """The targets and whatever else is read further up."""
    outputs = list(level.targets)
    taken = {name for name, _ in outputs}
    texts = {sql(node) for _, node in outputs}
    for node in (
        *level.distinct_on,
        *(part.node for part in level.order),
        *(each for _, each in level.limit.columns()),
    ):
        if sql(node) not in texts and (references(node) or contains_window(node)):
            texts.add(sql(node))
            outputs.append((unique("sort", taken), node))
    return outputs


def over(
    context: Context, stage: Stage, level: Shape, outputs: list[Output], operator: Operator
) -> tuple[Stage, Shape]:
    """The stage above an operator that yields the outputs, and what is left to do there."""
    alias = context.alias()
    places = {sql(stage.current(node)): column(alias, name) for name, node in outputs}
    places |= {sql(node): column(alias, name) for name, node in outputs}

    def moved(node: Node) -> Node:
        return rewrite(node, lambda item: places.get(sql(item)) if isinstance(item, ast.Node) else None)

    visible = [
        Visible(item.alias, {name: moved(node) for name, node in item.columns.items() if sql(node) in places})
        for item in stage.scope.visible
    ]
    result = Stage([Input(alias, operator)], scope=Scope(visible, stage.scope.outer), mentions=stage.mentions)
    limit = Limit(*(moved(node) if node is not None else None for node in (level.limit.count, level.limit.offset)))
    order = [replace_sort(part, moved(part.node)) for part in level.order]
    targets = [(name, column(alias, name)) for name, _ in level.targets]
    return result, Shape(level.statement, targets, [moved(node) for node in level.distinct_on], order, limit)


def limit_above(context: Context, statement: Node, operator: Operator, domain: Domain | None) -> Operator:
    """LIMIT over a set operation, whose ORDER BY can only name its output columns."""
    alias = context.alias()
    stage = Stage([Input(alias, operator)])
    targets: list[Output] = [(name, column(alias, name)) for name in operator.columns()]
    stage.scope = Scope([Visible(None, dict(targets))])
    order = [resolve_sort(part, stage.scope, targets) for part in statement.sortClause or ()]
    keys = [node for _, node in targets[len(targets) - len(domain.names) :]] if domain is not None else []
    return top_k(context, stage, targets, order, Limit(statement.limitCount, statement.limitOffset), keys)


def finish_by_clock(context: Context, stage: Stage, targets: list[Output]) -> Operator:
    """The stage projected, then filtered by its temporal conditions: what the filter keeps is the result itself."""
    found = [bound for part in stage.where if is_temporal(part) for bound in bounds(part)]
    stage.where = [part for part in stage.where if not is_temporal(part)]
    if not found:
        return finish(context, stage, targets)
    taken = {name for name, _ in targets}
    moments = [(unique(bound.kind, taken), bound.expression) for bound in found]
    alias = context.alias()
    source = Input(alias, finish(context, stage, [*targets, *moments]))
    limits = tuple(
        Bound(bound.kind, column(alias, name), bound.plus) for bound, (name, _) in zip(found, moments, strict=True)
    )
    return Temporal(source, limits, tuple(name for name, _ in targets))


def with_sets(context: Context, stage: Stage, statement: Node) -> Node:
    """The statement with columns for the set-returning functions in its expressions, which the stage then yields."""
    clauses = ("targetList", "groupClause", "sortClause", "distinctClause")
    items = statement.targetList or ()
    if not any(returns_set(node) for item in items for node in walk_level(item.val)):
        return statement
    alias, taken = context.alias(), {item.name or default_name(item.val) for item in items}
    # Columns of the only item in FROM are named without it.
    shown = {name for part in stage.scope.visible for name in part.columns}
    taken |= shown
    calls: dict[str, tuple[str, str]] = {}

    def advance(name: str | None) -> Callable[[Node], Node | None]:
        def change(node: Node) -> Node | None:
            if isinstance(node, ast.SubLink) or not returns_set(node):
                return node if isinstance(node, ast.SubLink) else None
            text = sql(node)
            if text not in calls:
                call = resolve(node, stage.scope)
                if has_pending(call):
                    raise unsupported("a subquery within a table function of the select list is not supported")
                used = shown.union(own for own, _ in calls.values())
                own = name if name is not None and name not in used else unique(default_name(node), taken)
                calls[text] = (own, sql(call))
            return ast.ColumnRef(fields=(ast.String(sval=alias), ast.String(sval=calls[text][0])))

        return change

    outputs = []
    for item in items:
        name = item.name or default_name(item.val)
        outputs.append(ast.ResTarget(name=name, val=rewrite(item.val, advance(name))))
    fields = {clause: rewrite(getattr(statement, clause), advance(None)) for clause in clauses}
    # Several of them advance together; the shorter ones are filled up with nulls.
    texts = [text for _, text in calls.values()]
    rows = f"ROWS FROM ({', '.join(texts)})" if len(texts) > 1 else texts[0]
    names = tuple(name for name, _ in calls.values())
    listed = ", ".join(map(quote, names))
    stage.tables.append(TableFunction(alias, f"{rows} as {quote(alias)} ({listed})", names))
    stage.scope.visible.append(Visible(alias, {name: column(alias, name) for name in names}))
    stage.mentions |= {(alias, name) for name in names}
    return changed(statement, **{**fields, "targetList": tuple(outputs)})


def walk_level(node: Node) -> Iterator[Node]:
    """The nodes of an expression outside of its subqueries."""
    return walk(node, into_subqueries=False)


def returns_set(node: Node) -> bool:
    """A call of a set-returning function."""
    return function_name(node) in SET_RETURNING


def resolve_sort(part: Node, scope: Scope, targets: list[Output]) -> Node:
    """An ORDER BY item with its expression resolved; it may name an output column or its position."""
    if isinstance(part.node, ast.A_Const) and isinstance(part.node.val, ast.Integer):
        return replace_sort(part, targets[part.node.val.ival - 1][1])
    if isinstance(part.node, ast.ColumnRef) and len(part.node.fields) == 1:
        for name, node in targets:
            if name == part.node.fields[0].sval:
                return replace_sort(part, node)
    return replace_sort(part, resolve(part.node, scope))


def refuse_outer_aggregates(statement: Node) -> None:
    """Raises for an aggregate in a subquery that only reads columns from around it, which Materialize does not take."""
    for query in (node for node in walk(statement) if isinstance(node, ast.SelectStmt) and node is not statement):
        free = {id(node) for node in free_references(query)}
        for call in (node for node in walk(query) if is_aggregate(node)):
            read = [node for node in walk((*(call.args or ()), call.agg_filter)) if isinstance(node, ast.ColumnRef)]
            if read and all(id(node) in free for node in read):
                raise unsupported("aggregate functions that refer exclusively to outer columns not yet supported")
