"""FROM: relations, subqueries, table functions and joins become the inputs of a stage.

In: the FROM clause of one query level. Out: a `Stage` with its inputs, the conditions of its
inner joins, its table functions and its scope. Outer joins become one input each.
"""

from __future__ import annotations

from typing import Literal

from mzlite.errors import unsupported
from mzlite.planner.expressions import Node, column, conjuncts, contains_function, quote, sql
from mzlite.planner.operators import Get, Input, Operator, OuterJoin, TableFunction
from mzlite.planner.scope import Context, Scope, Stage, Visible, rebase, resolve, unique
from mzlite.planner.syntax import ast, enums


def lower_from(context: Context, items: tuple[Node, ...], outer: Scope | None) -> Stage:
    """The FROM list of one level: its items, joined without a condition."""
    stage = Stage(scope=Scope(outer=outer))
    for item in items:
        add_item(context, stage, item)
    return stage


def add_item(context: Context, stage: Stage, item: Node) -> None:
    """Adds one FROM item to the stage."""
    if isinstance(item, ast.RangeFunction):
        add_table_function(context, stage, item, condition=None, keep=False)
        return
    if isinstance(item, ast.JoinExpr) and is_table_function_join(item):
        add_item(context, stage, item.larg)
        keep = item.jointype == enums.JoinType.JOIN_LEFT
        add_table_function(context, stage, item.rarg, condition=item.quals, keep=keep)
        return
    merge(stage, lower_item(context, item, stage.scope))


def merge(stage: Stage, other: Stage) -> None:
    """Adds another stage's parts to this one (an inner join without a condition)."""
    stage.sources += other.sources
    stage.where += other.where
    stage.tables += other.tables
    stage.scope.visible += other.scope.visible


def lower_item(context: Context, item: Node, around: Scope) -> Stage:
    """One FROM item as a stage of its own."""
    if isinstance(item, ast.RangeVar):
        return lower_relation(context, item)
    if isinstance(item, ast.RangeSubselect):
        # LATERAL sees the items before it; without it only the levels around.
        scope = Scope(visible=around.visible, outer=around.outer) if item.lateral else around.outer
        operator = context.lower_query(context.nested(), item.subquery, scope)
        return named(context, operator, item.alias)
    if isinstance(item, ast.JoinExpr):
        return lower_join(context, item, around)
    raise unsupported(f"{type(item).__name__} in FROM is not supported")


def lower_relation(context: Context, item: Node) -> Stage:
    """A relation or a CTE by name."""
    if item.schemaname is None and item.relname in context.ctes:
        alias = item.alias or ast.Alias(aliasname=item.relname)
        return named(context, context.ctes[item.relname], alias)
    info = context.relations.relation(item.schemaname, item.relname)
    operator = Get(info.oid, info.name, info.columns)
    return named(context, operator, item.alias or ast.Alias(aliasname=item.relname))


def named(context: Context, operator: Operator, alias: Node | None) -> Stage:
    """A stage of one input, visible under its alias and column aliases."""
    source = Input(context.alias(), operator)
    names = list(operator.columns())
    if alias is not None and alias.colnames:
        for position, name in enumerate(alias.colnames):
            names[position] = name.sval
    columns = {name: column(source.alias, own) for name, own in zip(names, operator.columns(), strict=True)}
    return Stage([source], scope=Scope([Visible(alias.aliasname if alias else None, columns)]))


# Table functions -------------------------------------------------------------


def is_table_function_join(item: Node) -> bool:
    """An inner or left join whose right side is a function of the left side's rows."""
    return isinstance(item.rarg, ast.RangeFunction) and item.jointype in (
        enums.JoinType.JOIN_INNER,
        enums.JoinType.JOIN_LEFT,
    )


def add_table_function(context: Context, stage: Stage, item: Node, *, condition: Node | None, keep: bool) -> None:
    """A function in FROM, evaluated for each row of what stands before it."""
    alias = context.alias()
    call = resolve(item, stage.scope)
    names = function_columns(item)
    definitions = ", ".join(quote(name) for name in names)
    text = sql(ast.RangeFunction(functions=call.functions, ordinality=item.ordinality, is_rowsfrom=item.is_rowsfrom))
    stage.tables.append(TableFunction(alias, f"{text} as {quote(alias)} ({definitions})", tuple(names), keep))
    shown = item.alias.aliasname if item.alias else names[0]
    stage.scope.visible.append(Visible(shown, {name: column(alias, name) for name in names}))
    on = [resolve(part, stage.scope) for part in conjuncts(condition) if sql(part).lower() != "true"]
    if keep and on:
        raise unsupported("LEFT JOIN of a table function with a condition other than true is not supported")
    stage.where += on


def function_columns(item: Node) -> list[str]:
    """The column names of a table function; PostgreSQL prints them with the alias in a view's definition."""
    if item.alias is not None and item.alias.colnames:
        return [name.sval for name in item.alias.colnames]
    names = [item.alias.aliasname if item.alias else str(item.functions[0][0].funcname[-1].sval)]
    return [*names, "ordinality"] if item.ordinality else names


# Joins -----------------------------------------------------------------------


def lower_join(context: Context, item: Node, around: Scope) -> Stage:
    """JOIN in all its kinds."""
    left = Stage(scope=Scope(outer=around.outer))
    add_item(context, left, item.larg)
    right_around = Scope(visible=[*around.visible, *left.scope.visible], outer=around.outer)
    right = lower_item(context, item.rarg, right_around)
    both = Scope([*left.scope.visible, *right.scope.visible], outer=around.outer)
    on = [resolve(part, both) for part in conjuncts(item.quals)]
    using = [name.sval for name in item.usingClause or ()]
    for name in using:
        on.append(equality(left.scope.find((name,)), right.scope.find((name,))))
    if any(contains_function(part, "mz_now") for part in on) and item.jointype != enums.JoinType.JOIN_INNER:
        raise unsupported("mz_now() in the condition of an outer join is not supported")
    if item.jointype == enums.JoinType.JOIN_INNER:
        joined = left
        merge(joined, right)
        joined.where += on
    elif item.jointype == enums.JoinType.JOIN_RIGHT:
        joined = outer_join(context, "left", right, left, on)
    else:
        kind: Literal["left", "full"] = "left" if item.jointype == enums.JoinType.JOIN_LEFT else "full"
        joined = outer_join(context, kind, left, right, on)
    merged = {name: merged_column(item.jointype, joined.scope, both, name) for name in using}
    if merged:
        joined.scope.visible.append(Visible(None, merged))
    if item.alias is not None:
        flat = {name: node for part in joined.scope.visible for name, node in part.columns.items()}
        joined.scope.visible = [Visible(item.alias.aliasname, flat)]
    return joined


def equality(left: Node | None, right: Node | None) -> Node:
    """`left = right`."""
    name = (ast.String(sval="="),)
    return ast.A_Expr(kind=enums.A_Expr_Kind.AEXPR_OP, name=name, lexpr=left, rexpr=right)


def merged_column(kind: Node, joined: Scope, before: Scope, name: str) -> Node:
    """The one column that USING shows for both sides."""
    found = [item.columns[name] for item in joined.visible if name in item.columns]
    if kind == enums.JoinType.JOIN_FULL:
        return ast.CoalesceExpr(args=tuple(found[:2]))
    return found[1] if kind == enums.JoinType.JOIN_RIGHT else found[0]


def single(context: Context, stage: Stage, on: list[Node]) -> tuple[Input, list[Node]]:
    """The stage as one input with all its visible columns; `on` follows the columns to where they went."""
    visible = [node for item in stage.scope.visible for node in item.columns.values()]
    source = stage.collapse(context, visible)
    return source, [stage.current(part) for part in on]


def outer_join(context: Context, kind: Literal["left", "full"], left: Stage, right: Stage, on: list[Node]) -> Stage:
    """LEFT or FULL JOIN as one input whose columns are those of both sides."""
    left_input, on = single(context, left, on)
    right_input, on = single(context, right, on)
    taken: set[str] = set()
    outputs: list[tuple[str, Node]] = []
    alias = context.alias()
    mapping: dict[tuple[str, str], Node] = {}
    for source in (left_input, right_input):
        for name in source.operator.columns():
            output = unique(name, taken)
            outputs.append((output, column(source.alias, name)))
            mapping[(source.alias, name)] = column(alias, output)
    operator = OuterJoin(kind, left_input, right_input, tuple(on), tuple(outputs))
    visible = [
        Visible(item.alias, {name: rebase(node, mapping) for name, node in item.columns.items()})
        for item in (*left.scope.visible, *right.scope.visible)
    ]
    return Stage([Input(alias, operator)], scope=Scope(visible, outer=left.scope.outer))
