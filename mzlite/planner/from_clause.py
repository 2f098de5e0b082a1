"""FROM: relations, subqueries, table functions and joins become the inputs of a stage.

In: the FROM clause of one query level. Out: a `Stage` with its inputs, the conditions of its
inner joins, its table functions and its scope. Outer joins become one input each. An item that
reads those before it, or the level around, is lowered by `correlation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from mzlite.errors import unsupported
from mzlite.planner.correlation import depend, join_inner, join_left, read_outside
from mzlite.planner.expressions import (
    Node,
    column,
    conjunction,
    conjuncts,
    contains_function,
    default_name,
    equality,
    quote,
    same,
    sql,
)
from mzlite.planner.operators import Get, Input, Operator, OuterJoin, Output, Recursion, TableFunction
from mzlite.planner.scope import (
    Context,
    Scope,
    Stage,
    Visible,
    free_references,
    is_local,
    is_recursion,
    resolve,
    resolve_local,
    unique,
)
from mzlite.planner.subqueries import apply_pending, has_pending, has_subquery
from mzlite.planner.syntax import ast, enums
from mzlite.planner.temporal import filters


def lower_from(
    context: Context, items: tuple[Node, ...], outer: Scope | None, mentions: set[tuple[str | None, str]] | None = None
) -> Stage:
    """The FROM list of one level: its items, joined without a condition; the domain comes first."""
    stage = Stage(scope=Scope(outer=outer), mentions=mentions or set())
    add_domain(stage)
    for item in items:
        add_item(context, stage, item)
    return stage


def add_domain(stage: Stage) -> None:
    """The values that the level is lowered for as its first input."""
    domain = stage.scope.outer.domain if stage.scope.outer is not None else None
    if domain is not None:
        stage.sources.append(Input(domain.alias, domain.operator))
        columns = dict(zip(domain.names, domain.columns(), strict=True))
        stage.scope.visible.append(Visible(domain.alias, columns))


def add_item(context: Context, stage: Stage, item: Node) -> None:
    """Adds one FROM item to the stage."""
    if is_recursion(item):
        merge(stage, lower_recursion(context, item))
        return
    if isinstance(item, ast.RangeFunction):
        add_table_function(context, stage, item)
    elif isinstance(item, ast.RangeVar):
        merge(stage, lower_relation(context, stage, item))
    elif isinstance(item, ast.RangeSubselect):
        add_subquery(context, stage, item)
    elif isinstance(item, ast.JoinExpr):
        add_join(context, stage, item)
    else:
        raise unsupported(f"{type(item).__name__} in FROM is not supported")


def merge(stage: Stage, other: Stage) -> None:
    """Adds another stage's parts to this one (an inner join without a condition)."""
    stage.sources += other.sources
    stage.where += other.where
    stage.tables += other.tables
    stage.scope.visible += other.scope.visible
    stage.scope.pending |= other.scope.pending


def lower_relation(context: Context, stage: Stage, item: Node) -> Stage:
    """A relation or a CTE by name."""
    if item.schemaname is None and item.relname in context.ctes:
        alias = item.alias or ast.Alias(aliasname=item.relname)
        return correlated_cte(context, stage, item.relname, named(context, context.ctes[item.relname], alias))
    info = context.relations.relation(item.schemaname, item.relname)
    operator = Get(info.oid, info.name, info.columns)
    return named(context, operator, item.alias or ast.Alias(aliasname=item.relname))


def correlated_cte(context: Context, stage: Stage, name: str, cte: Stage) -> Stage:
    """The rows of a correlated CTE that belong to the values which this level is lowered for."""
    domain = context.correlated.get(name)
    if domain is None:
        return cte
    source = cte.sources[0]
    for own, key in zip(domain.columns(), source.operator.columns()[-len(domain.names) :], strict=True):
        cte.where.append(same(resolve(own, stage.scope), column(source.alias, key)))
    return cte


def named(context: Context, operator: Operator, alias: Node | None) -> Stage:
    """A stage of one input, visible under its alias and column aliases."""
    source = Input(context.alias(), operator)
    columns = [(name, column(source.alias, name)) for name in operator.columns()]
    return Stage([source], scope=Scope([shown(alias, columns)]))


def shown(alias: Node | None, columns: Sequence[Output]) -> Visible:
    """Columns under an alias and the names that it gives them."""
    names = [name for name, _ in columns]
    if alias is not None and alias.colnames:
        for position, name in enumerate(alias.colnames):
            names[position] = name.sval
    nodes = [node for _, node in columns]
    return Visible(alias.aliasname if alias is not None else None, dict(zip(names, nodes, strict=True)))


# Subqueries ------------------------------------------------------------------


def add_subquery(context: Context, stage: Stage, item: Node) -> None:
    """A subquery in FROM, which may read the items before it (LATERAL) or the level around."""
    if is_function_of_row(item):
        add_row_query(context, stage, item)
        return
    if not item.lateral and not read_outside(context, stage, item.subquery):
        # Reads nothing of this level nor of those around it.
        merge(stage, named(context, context.lower_query(context.nested(), item.subquery, None), item.alias))
        return
    dependent = depend(context, stage, item.subquery, may_open=True)
    columns = join_left(context, stage, dependent) if dependent.lacking else join_inner(stage, dependent)
    stage.scope.visible.append(shown(item.alias, columns))


def is_function_of_row(item: Node) -> bool:
    """Whether a subquery in FROM reads nothing but the row beside it."""
    return isinstance(item, ast.RangeSubselect) and bool(free_references(item.subquery)) and is_local(item.subquery)


def add_row_query(context: Context, stage: Stage, item: Node, *, keep: bool = False) -> None:
    """A subquery that reads no relation, evaluated like a table function for each row of what stands before it."""
    alias = context.alias()
    query = resolve_local(item.subquery, stage.scope)
    names = [name.sval for name in item.alias.colnames or ()] if item.alias is not None else []
    names += output_names(item.subquery)[len(names) :]
    # The fence keeps PostgreSQL from computing a column again at each of its uses.
    definitions = ", ".join(quote(name) for name in names)
    call = f"(select * from ({sql(query)}) as s offset 0) as {quote(alias)} ({definitions})"
    add_table(stage, TableFunction(alias, call, tuple(names), keep), item.alias)


def output_names(query: Node) -> list[str]:
    """The names of a query's columns; PostgreSQL prints one for each that is not a plain column."""
    if query.op != enums.SetOperation.SETOP_NONE:
        return output_names(query.larg)
    if query.valuesLists:
        return [f"column{number}" for number in range(1, len(query.valuesLists[0]) + 1)]
    taken: set[str] = set()
    return [unique(item.name or default_name(item.val), taken) for item in query.targetList]


# Recursion ---------------------------------------------------------------------


def lower_recursion(context: Context, item: Node) -> Stage:
    """A binding of a recursive block as an input."""
    call = item.functions[0][0]
    reads = context.relations.recursive_reads(call.funcname[-1].sval)
    return named(context, Recursion(sql(call), reads, tuple(function_columns(item))), item.alias)


# Table functions -------------------------------------------------------------


def add_table_function(context: Context, stage: Stage, item: Node, *, keep: bool = False) -> None:
    """A function in FROM, evaluated for each row of what stands before it."""
    alias = context.alias()
    call = resolve(item, stage.scope)
    names = function_columns(item)
    definitions = ", ".join(quote(name) for name in names)
    text = sql(ast.RangeFunction(functions=call.functions, ordinality=item.ordinality, is_rowsfrom=item.is_rowsfrom))
    table = TableFunction(alias, f"{text} as {quote(alias)} ({definitions})", tuple(names), keep)
    add_table(stage, table, item.alias or ast.Alias(aliasname=names[0]))


def add_table(stage: Stage, table: TableFunction, alias: Node | None) -> None:
    """A table function of the stage."""
    visible = {name: column(table.alias, name) for name in table.names}
    stage.scope.visible.append(Visible(alias.aliasname if alias is not None else None, visible))
    stage.tables.append(table)


def function_columns(item: Node) -> list[str]:
    """The column names of a table function; PostgreSQL prints them with the alias in a view's definition."""
    if item.alias is not None and item.alias.colnames:
        return [name.sval for name in item.alias.colnames]
    names = [item.alias.aliasname if item.alias else str(item.functions[0][0].funcname[-1].sval)]
    return [*names, "ordinality"] if item.ordinality else names


# Joins -----------------------------------------------------------------------


def add_join(context: Context, stage: Stage, item: Node) -> None:
    """JOIN in all its kinds; its items and what they show are added to the stage."""
    kind = item.jointype
    is_inner = kind == enums.JoinType.JOIN_INNER
    # What reads the items before the join, or the level around, is joined to these.
    reads = not is_inner and bool(read_outside(context, stage, item))
    if kind == enums.JoinType.JOIN_FULL and reads:
        raise unsupported("FULL JOIN that reads columns of what is around it is not supported in a maintained view")
    part = stage if is_inner or reads else Stage(mentions=stage.mentions)
    first, second = (item.rarg, item.larg) if kind == enums.JoinType.JOIN_RIGHT else (item.larg, item.rarg)
    start = len(part.scope.visible)
    add_item(context, part, first)
    middle = len(part.scope.visible)
    if is_inner:
        add_item(context, part, second)
        on = conditions(part, item, start, middle)
        part.where += on
        apply_pending(context, part)
    elif kind != enums.JoinType.JOIN_FULL and add_rows(context, part, item, second, start):
        pass
    elif kind != enums.JoinType.JOIN_FULL and needs_domain(context, part, item, second):
        join_dependent(context, part, item, second, start)
    else:
        other = Stage(mentions=stage.mentions)
        add_item(context, other, second)
        outer_join(context, "full" if kind == enums.JoinType.JOIN_FULL else "left", part, other, item, start)
    show_join(part, item, start, middle)
    if part is not stage:
        merge(stage, part)


def show_join(stage: Stage, item: Node, start: int, middle: int) -> None:
    """What a join shows beside its items, or in their place: the columns that USING merged, and an alias."""
    visible = stage.scope.visible
    left, right = Scope(visible[start:middle]), Scope(visible[middle:])
    if item.jointype == enums.JoinType.JOIN_RIGHT:
        left, right = right, left
    merged = {}
    for name in (part.sval for part in item.usingClause or ()):
        both = left.find((name,)), right.find((name,))
        if item.jointype == enums.JoinType.JOIN_FULL:
            merged[name] = ast.CoalesceExpr(args=both)
        else:
            merged[name] = both[1] if item.jointype == enums.JoinType.JOIN_RIGHT else both[0]
    if merged:
        visible.append(Visible(None, merged))
    if item.alias is not None:
        flat = {name: node for part in visible[start:] for name, node in part.columns.items()}
        visible[start:] = [Visible(item.alias.aliasname, flat)]


def conditions(stage: Stage, item: Node, start: int, middle: int) -> list[Node]:
    """The conditions of a join both of whose sides the stage shows."""
    on = [resolve(part, stage.scope) for part in filters(item.quals) if sql(part).lower() != "true"]
    left, right = Scope(stage.scope.visible[start:middle]), Scope(stage.scope.visible[middle:])
    return on + [equality(left.find((name.sval,)), right.find((name.sval,))) for name in item.usingClause or ()]


def add_rows(context: Context, stage: Stage, item: Node, second: Node, start: int) -> bool:
    """The kept side of a left join is the stage; the other one is a function of its rows, or nothing is done."""
    if is_recursion(second) or not (isinstance(second, ast.RangeFunction) or is_function_of_row(second)):
        return False
    if any(has_subquery(part) and not is_local(part) for part in conjuncts(item.quals)):
        return False
    middle = len(stage.scope.visible)
    if isinstance(second, ast.RangeFunction):
        add_table_function(context, stage, second, keep=True)
    else:
        add_row_query(context, stage, second, keep=True)
    on = conditions(stage, item, start, middle)
    stage.tables[-1] = replace(stage.tables[-1], condition=" and ".join(f"({sql(part)})" for part in on))
    return True


def needs_domain(context: Context, stage: Stage, item: Node, second: Node) -> bool:
    """Whether the other side of a left join cannot be lowered without its rows."""
    return bool(read_outside(context, stage, second)) or any(
        has_subquery(part) or contains_function(part, "mz_now") for part in conjuncts(item.quals)
    )


def join_dependent(context: Context, stage: Stage, item: Node, second: Node, start: int) -> None:
    """A left join with what reads the stage's rows, or whose condition is more than PostgreSQL can evaluate."""
    middle = len(stage.scope.visible)
    is_plain = not any(has_subquery(part) or contains_function(part, "mz_now") for part in conjuncts(item.quals))
    if is_plain and isinstance(second, ast.RangeSubselect):
        always = not item.usingClause and all(sql(part).lower() == "true" for part in conjuncts(item.quals))
        dependent = depend(context, stage, second.subquery, may_open=always)
        stage.scope.visible.append(shown(second.alias, dependent.columns))
        on = conditions(stage, item, start, middle)
        stage.scope.visible.pop()
        stage.scope.visible.append(shown(second.alias, join_left(context, stage, dependent, on)))
        return
    # The condition becomes the WHERE of a query over the other side.
    counted = context.counter[0]
    seen = Stage(scope=Scope(outer=Scope(stage.scope.visible, stage.scope.outer)), mentions=stage.mentions)
    add_item(context, seen, second)
    context.counter[0] = counted
    names = [(part.alias, name) for part in seen.scope.visible for name in part.columns]
    outputs = tuple(
        ast.ResTarget(name=f"column{position}", val=raw_column(alias, name))
        for position, (alias, name) in enumerate(names)
    )
    where = list(conjuncts(item.quals))
    kept_side = {name.sval: Scope(stage.scope.visible[start:]).find((name.sval,)) for name in item.usingClause or ()}
    for name in kept_side:
        other = next(alias for alias, known in names if known == name)
        where.append(equality(raw_column("mz_using", name), raw_column(other, name)))
    stage.scope.visible.append(Visible("mz_using", kept_side))
    query = ast.SelectStmt(
        targetList=outputs,
        fromClause=(second,),
        whereClause=conjunction(where),
        op=enums.SetOperation.SETOP_NONE,
        limitOption=enums.LimitOption.LIMIT_OPTION_DEFAULT,
    )
    dependent = depend(context, stage, query)
    stage.scope.visible.pop()
    columns = [node for _, node in join_left(context, stage, dependent)]
    by_name = dict(zip(names, columns, strict=True))
    for part in seen.scope.visible:
        stage.scope.visible.append(Visible(part.alias, {name: by_name[part.alias, name] for name in part.columns}))


def raw_column(alias: str | None, name: str) -> Node:
    """A reference as a definition has it."""
    fields = (ast.String(sval=alias), ast.String(sval=name)) if alias is not None else (ast.String(sval=name),)
    return ast.ColumnRef(fields=fields)


def outer_join(
    context: Context, kind: Literal["left", "full"], stage: Stage, other: Stage, item: Node, start: int
) -> None:
    """LEFT or FULL JOIN with another stage; the stage becomes one input whose columns are those of both sides."""
    middle = len(stage.scope.visible)
    stage.scope.visible += other.scope.visible
    on = conditions(stage, item, start, middle)
    del stage.scope.visible[middle:]
    if any(contains_function(part, "mz_now") or has_pending(part) for part in on):
        raise unsupported(
            "a subquery or mz_now() in the condition of a FULL JOIN is not supported in a maintained view"
        )
    left = stage.collapse(context, [*stage.kept(), *on])
    right = other.collapse(context, [*other.kept(), *on])
    on = [other.current(stage.current(part)) for part in on]
    taken: set[str] = set()
    outputs: list[Output] = []
    alias = context.alias()
    mapping: dict[tuple[str, str], Node] = {}
    for source in (left, right):
        for name in source.operator.columns():
            output = unique(name, taken)
            outputs.append((output, column(source.alias, name)))
            mapping[(source.alias, name)] = column(alias, output)
    joined = Input(alias, OuterJoin(kind, left, right, tuple(on), tuple(outputs)))
    stage.replace(joined, mapping)
    other.replace(joined, mapping)
    stage.scope.visible += other.scope.visible
