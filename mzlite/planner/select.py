"""SELECT: one query level becomes a tree of operators.

In: a SELECT statement as PostgreSQL prints a view's definition (names qualified, stars
expanded), and a catalog. Out: an operator whose columns are those of the statement.
"""

from __future__ import annotations

from collections.abc import Callable

from mzlite.errors import unsupported
from mzlite.planner.expressions import (
    Node,
    column,
    conjuncts,
    contains_aggregate,
    contains_window,
    function_name,
    quote,
    reference,
    references,
    sql,
    walk,
)
from mzlite.planner.from_clause import lower_from
from mzlite.planner.grouping import group
from mzlite.planner.operators import (
    Bound,
    Constant,
    First,
    Input,
    Operator,
    Output,
    PerKey,
    Select,
    SetOperation,
    TableFunction,
    Temporal,
    Union,
)
from mzlite.planner.scope import Context, Relations, Scope, Stage, Visible, rebase, resolve, unique
from mzlite.planner.subqueries import apply_condition, has_subquery
from mzlite.planner.syntax import ast, enums, parse_sql
from mzlite.planner.temporal import bounds, is_temporal

SET_RETURNING = frozenset(
    [
        "unnest",
        "generate_series",
        "generate_subscripts",
        "jsonb_array_elements",
        "jsonb_array_elements_text",
        "jsonb_each",
        "jsonb_each_text",
        "jsonb_object_keys",
        "regexp_matches",
        "regexp_split_to_table",
        "string_to_table",
        "csv_extract",
    ]
)


def plan(definition: str, relations: Relations) -> Operator:
    """The operators of a view's definition as `pg_get_viewdef` prints it.

    Raises:
        MzError: a clause has no rule; the message names it.
    """
    statement = parse_sql(definition)[0].stmt
    return lower_query(Context(relations, lower_query), statement, None)


def lower_query(context: Context, statement: Node, outer: Scope | None) -> Operator:
    """A query of any form: SELECT, VALUES, a set operation, each possibly with CTEs."""
    if statement.withClause is not None:
        context = context.nested()
        add_ctes(context, statement.withClause, outer)
    if statement.valuesLists:
        return lower_values(context, statement)
    if statement.op != enums.SetOperation.SETOP_NONE:
        operator = lower_set_operation(context, statement, outer)
        is_limited = statement.limitCount is not None or statement.limitOffset is not None
        return limit_above(context, statement, operator) if is_limited else operator
    return lower_select(context, statement, outer)


def add_ctes(context: Context, clause: Node, outer: Scope | None) -> None:
    """Lowers the CTEs, each visible to those after it."""
    if clause.recursive:
        raise unsupported("WITH RECURSIVE is not supported; Materialize has WITH MUTUALLY RECURSIVE")
    for cte in clause.ctes:
        operator = context.lower_query(context.nested(), cte.ctequery, outer)
        if cte.aliascolnames:
            renamed = [name.sval for name in cte.aliascolnames]
            renamed += operator.columns()[len(renamed) :]
            operator = rename(context, operator, renamed)
        context.ctes[cte.ctename] = operator


def rename(context: Context, operator: Operator, names: list[str] | tuple[str, ...]) -> Operator:
    """The same rows under other column names."""
    if tuple(names) == operator.columns():
        return operator
    alias = context.alias()
    outputs = [(name, column(alias, own)) for name, own in zip(names, operator.columns(), strict=True)]
    return Select((Input(alias, operator),), (), tuple(outputs))


def lower_values(context: Context, statement: Node) -> Operator:
    """VALUES lists of constants."""
    names = tuple(f"column{number}" for number in range(1, len(statement.valuesLists[0]) + 1))
    for row in statement.valuesLists:
        for value in row:
            if references(value) or any(isinstance(node, (ast.ColumnRef, ast.SubLink)) for node in walk(value)):
                raise unsupported("VALUES that read columns or subqueries are not supported in a maintained view")
    rows = ", ".join("(" + ", ".join(sql(value) for value in row) + ")" for row in statement.valuesLists)
    columns = ", ".join(quote(name) for name in names)
    return Constant(f"select * from (values {rows}) as v ({columns})", names)


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


def lower_select(context: Context, statement: Node, outer: Scope | None) -> Operator:
    """One SELECT level."""
    stage = lower_from(context, statement.fromClause or (), outer)
    targets = lower_targets(context, stage, statement.targetList or ())
    keys = [resolve(key, stage.scope) for key in statement.groupClause or ()]
    having = [resolve(part, stage.scope) for part in conjuncts(statement.havingClause)]
    distinct_on = [resolve(node, stage.scope) for node in statement.distinctClause or () if node is not None]
    order = [resolve_sort(part, stage.scope, targets) for part in statement.sortClause or ()]
    everything = [*(node for _, node in targets), *having, *distinct_on, *(part.node for part in order)]
    stage.above = [*everything, *keys]
    add_where(context, stage, conjuncts(statement.whereClause))
    is_grouped = bool(keys) or any(contains_aggregate(node) for node in everything)
    is_limited = statement.limitCount is not None or statement.limitOffset is not None
    is_plain = not is_grouped and not is_limited and not any(contains_window(node) for _, node in targets)
    if is_plain and statement.distinctClause is None:
        return finish_by_clock(context, stage, targets)
    filter_by_clock(context, stage)

    if is_grouped:
        grouped = group(context, stage, keys, everything)

        def above(node: Node) -> Node:
            return grouped.above(stage.current(node))

        targets = [(name, above(node)) for name, node in targets]
        distinct_on = [above(node) for node in distinct_on]
        order = [replace_sort(part, above(part.node)) for part in order]
        conditions = [above(part) for part in having]
        stage = Stage([grouped.source], conditions, scope=Scope(outer=outer))
        stage.above = [*(node for _, node in targets), *distinct_on, *(part.node for part in order)]
        filter_by_clock(context, stage)

    if any(contains_window(node) for _, node in targets):
        return windowed(context, stage, statement, targets, order)
    if distinct_on:
        if is_limited:
            raise unsupported(
                "LIMIT together with DISTINCT ON in one query level is not supported in a maintained view"
            )
        return first_of_each(context, stage, targets, distinct_on, order)
    if is_limited and statement.distinctClause is None:
        return top_k(context, stage, statement, targets, order)
    operator: Operator = finish(context, stage, targets)
    if statement.distinctClause is not None:
        operator = SetOperation("distinct", (operator,), operator.columns())
        return limit_above(context, statement, operator) if is_limited else operator
    return operator


def finish(context: Context, stage: Stage, targets: list[Output]) -> Operator:
    """The stage projected to the targets."""
    targets = [(name, stage.current(node)) for name, node in targets]
    if not stage.sources:
        query = "select " + ", ".join(f"{sql(node)} as {quote(name)}" for name, node in targets)
        if not stage.tables and not stage.where:
            return Constant(query, tuple(name for name, _ in targets))
        stage.sources = [Input(context.alias(), Constant("select 1 as one", ("one",)))]
    return Select(tuple(stage.sources), tuple(stage.where), tuple(targets), tuple(stage.tables))


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


def lower_targets(context: Context, stage: Stage, items: tuple[Node, ...]) -> list[Output]:
    """The select list; set-returning functions in it become table functions of the stage."""
    taken: set[str] = set()
    targets: list[Output] = []
    alias = context.alias() if any(function_name(item.val) in SET_RETURNING for item in items) else ""
    calls: dict[str, str] = {}
    for item in items:
        name = unique(item.name or default_name(item.val), taken)
        if function_name(item.val) in SET_RETURNING:
            calls[name] = sql(resolve(item.val, stage.scope))
            targets.append((name, column(alias, name)))
        else:
            targets.append((name, resolve(item.val, stage.scope)))
    if calls:
        # Several of them advance together; the shorter ones are filled up with nulls.
        rows = f"ROWS FROM ({', '.join(calls.values())})" if len(calls) > 1 else next(iter(calls.values()))
        names = ", ".join(quote(name) for name in calls)
        stage.tables.append(TableFunction(alias, f"{rows} as {quote(alias)} ({names})", tuple(calls)))
    return targets


def default_name(node: Node) -> str:
    """The name PostgreSQL gives an unnamed column."""
    if isinstance(node, ast.ColumnRef):
        return str(node.fields[-1].sval)
    return function_name(node) or "?column?"


# WHERE -----------------------------------------------------------------------


def add_where(context: Context, stage: Stage, parts: list[Node]) -> None:
    """Adds the conditions of WHERE: plain ones to the stage, subqueries as semi and anti joins."""
    with_subquery = [part for part in parts if has_subquery(part)]
    for part in parts:
        if part not in with_subquery:
            stage.where.append(resolve(part, stage.scope))
    for part in with_subquery:
        apply_condition(context, stage, part)


def filter_by_clock(context: Context, stage: Stage) -> None:
    """Moves the stage's temporal conditions into a temporal filter above its join."""
    clock = [part for part in stage.where if is_temporal(part)]
    if not clock:
        return
    found = [bound for part in clock for bound in bounds(part)]
    stage.where = [part for part in stage.where if not is_temporal(part)]
    source = stage.collapse(context, [bound.expression for bound in found])
    found = [Bound(bound.kind, stage.current(bound.expression), bound.plus) for bound in found]
    kept = {name for node in stage.above for alias, name in references(stage.current(node)) if alias == source.alias}
    names = tuple(name for name in source.operator.columns() if name in kept)
    alias = context.alias()
    move = {(source.alias, name): column(alias, name) for name in names}
    stage.replace(Input(alias, Temporal(source, tuple(found), names)), move)


# Whatever is a function of a key's rows: windows, DISTINCT ON, top-k --------------


def resolve_sort(part: Node, scope: Scope, targets: list[Output]) -> Node:
    """An ORDER BY item with its expression resolved; it may name an output column or its position."""
    if isinstance(part.node, ast.A_Const) and isinstance(part.node.val, ast.Integer):
        return replace_sort(part, targets[part.node.val.ival - 1][1])
    if isinstance(part.node, ast.ColumnRef) and len(part.node.fields) == 1:
        for name, node in targets:
            if name == part.node.fields[0].sval:
                return replace_sort(part, node)
    return replace_sort(part, resolve(part.node, scope))


def replace_sort(part: Node, node: Node) -> Node:
    """The item with another expression."""
    return ast.SortBy(node=node, sortby_dir=part.sortby_dir, sortby_nulls=part.sortby_nulls, useOp=part.useOp)


def orders(node: Node) -> bool:
    """Whether an expression tells rows apart; a constant in ORDER BY would be a position to PostgreSQL, or an error."""
    return bool(references(node))


def per_key(
    context: Context,
    stage: Stage,
    targets: list[Output],
    keys: list[Node],
    query: Callable[[str, str], str],
    title: str,
) -> Operator:
    """Rows recomputed for each touched key. `query` makes its SQL from the select list and the FROM item."""
    source = stage.collapse(context, [*(node for _, node in targets), *keys])
    taken = {name for name, _ in targets}
    key_outputs = [(unique("key", taken), stage.current(key)) for key in keys]
    outputs = [*((name, stage.current(node)) for name, node in targets), *key_outputs]
    select_list = ", ".join(f"{sql(node)} as {quote(name)}" for name, node in outputs)
    text = query(select_list, f"{{input}} as {quote(source.alias)}")
    names = tuple(name for name, _ in outputs)
    operator = PerKey(source, tuple(key_outputs), text, names, title)
    if not keys:
        return operator
    alias = context.alias()
    return Select((Input(alias, operator),), (), tuple((name, column(alias, name)) for name, _ in targets))


def first_of_each(
    context: Context, stage: Stage, targets: list[Output], keys: list[Node], order: list[Node]
) -> Operator:
    """DISTINCT ON: the first row of each key; the whole row breaks ties, so the result is a function of the rows."""
    # The input is made to have a plain column for each key and each part of the order.
    taken: set[str] = set()
    outputs: list[Output] = []
    places: dict[str, str] = {}
    for node in [*(node for _, node in targets), *keys, *(part.node for part in order)]:
        for part in [node] if node in keys else sorted_references(stage.current(node)):
            text = sql(stage.current(part))
            if text not in places:
                places[text] = unique(output_name(part), taken)
                outputs.append((places[text], part))
    source = Input(context.alias(), finish(context, stage, outputs))
    current = [stage.current(node) for _, node in outputs]
    move = {ref: column(source.alias, places[sql(node)]) for node in current if (ref := reference(node))}

    def moved(node: Node) -> Node:
        current = stage.current(node)
        place = places.get(sql(current))
        return column(source.alias, place) if place is not None else rebase(current, move)

    order = [part for part in order if orders(stage.current(part.node))]
    sorts = [sql(replace_sort(part, moved(part.node))) for part in order]
    names = [places[sql(stage.current(key))] for key in keys]
    behind = [
        text
        for part, text in zip(order, sorts, strict=True)
        if sql(stage.current(part.node)) not in {sql(stage.current(key)) for key in keys}
    ]
    ties = [sql(moved(node)) for _, node in targets if orders(moved(node))]
    first = First(source, tuple(names), (*behind, *ties))
    alias = context.alias()
    again = {(source.alias, name): column(alias, name) for name, _ in outputs}
    return Select((Input(alias, first),), (), tuple((name, rebase(moved(node), again)) for name, node in targets))


def sorted_references(node: Node) -> list[Node]:
    """The columns that an expression reads, as nodes, in a stable order."""
    return [column(alias, name) for alias, name in sorted(references(node))]


def output_name(node: Node) -> str:
    """A readable name for a column that an expression yields."""
    found = reference(node)
    return found[1] if found is not None else default_name(node)


def top_k(context: Context, stage: Stage, statement: Node, targets: list[Output], order: list[Node]) -> Operator:
    """ORDER BY .. LIMIT over all rows of the level."""

    def query(select_list: str, source: str) -> str:
        sorts = [replace_sort(part, stage.current(part.node)) for part in order]
        ties = [sql(current) for _, node in targets if orders(current := stage.current(node))]
        parts = [*(sql(part) for part in sorts if orders(part.node)), *ties]
        sorting = f" order by {', '.join(parts)}" if parts else ""
        return f"select {select_list} from {source}{sorting}{limit_clause(statement)}"

    return per_key(context, stage, targets, [], query, "Top k")


def limit_clause(statement: Node) -> str:
    """LIMIT and OFFSET as SQL text."""
    text = f" limit {sql(statement.limitCount)}" if statement.limitCount is not None else ""
    return text + (f" offset {sql(statement.limitOffset)}" if statement.limitOffset is not None else "")


def limit_above(context: Context, statement: Node, operator: Operator) -> Operator:
    """LIMIT over a set operation or DISTINCT, whose ORDER BY can only name its output columns."""
    alias = context.alias()
    stage = Stage([Input(alias, operator)])
    targets: list[Output] = [(name, column(alias, name)) for name in operator.columns()]
    stage.scope = Scope([Visible(None, dict(targets))])
    order = [resolve_sort(part, stage.scope, targets) for part in statement.sortClause or ()]
    return top_k(context, stage, statement, targets, order)


def windowed(context: Context, stage: Stage, statement: Node, targets: list[Output], order: list[Node]) -> Operator:
    """Window functions: recomputed for each touched partition, which must be the same for all of them to be narrow."""
    if statement.distinctClause is not None or statement.limitCount is not None:
        raise unsupported(
            "DISTINCT or LIMIT beside window functions in one query level is not supported: use a subquery"
        )
    shared: list[Node] | None = None
    for _, node in targets:
        for item in walk(node, into_subqueries=False):
            if isinstance(item, ast.FuncCall) and item.over is not None:
                partition = list(item.over.partitionClause or ())
                texts = {sql(part) for part in partition}
                shared = partition if shared is None else [part for part in shared if sql(part) in texts]

    def query(select_list: str, source: str) -> str:
        return f"select {select_list} from {source}"

    return per_key(context, stage, targets, shared or [], query, "Window")
