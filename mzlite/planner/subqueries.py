"""Subqueries in expressions.

In: a stage and expressions in whose text `resolve` left references to subqueries. Out: the stage
joined with what they read, and the expressions over it. As an operand of the topmost AND of a
condition, EXISTS, IN and their kind are semi and anti joins; anywhere else a subquery becomes a
left join whose result the expression reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mzlite.errors import unsupported
from mzlite.planner.correlation import Dependent, depend, join_inner, join_left
from mzlite.planner.expressions import (
    SET_RETURNING,
    Node,
    aliases,
    column,
    conjunction,
    conjuncts,
    contains_aggregate,
    contains_function,
    contains_window,
    equality,
    expression,
    function_name,
    quote,
    reference,
    references,
    rewrite,
    sql,
    walk,
)
from mzlite.planner.operators import Input, OuterJoin, Output, PerKey, Select, SetOperation
from mzlite.planner.scope import (
    PENDING,
    Context,
    Scope,
    Stage,
    Visible,
    free_references,
    is_local,
    mentions_of,
    rebase,
    resolve,
    unique,
)
from mzlite.planner.syntax import ast, enums
from mzlite.planner.temporal import filter_by_clock

Kind = Literal["semi", "anti"]
TESTED = "mz_test"
"""The alias of expressions that a subquery is compared with."""


def has_subquery(node: Node) -> bool:
    """Whether a subquery occurs in a text that is not resolved, other than one that is a function of the row."""
    return any(isinstance(item, ast.SubLink) and not is_local(item) for item in walk(node))


def has_pending(node: Node) -> bool:
    """Whether a resolved expression waits for a subquery."""
    return any(alias == PENDING for alias, _ in references(node))


# Conditions ------------------------------------------------------------------


def apply_pending(context: Context, stage: Stage) -> None:
    """Puts the stage's conditions that have subqueries into effect."""
    waiting = [part for part in stage.where if has_pending(part)]
    stage.where = [part for part in stage.where if not has_pending(part)]
    for part in waiting:
        apply_condition(context, stage, stage.current(part))


def apply_condition(context: Context, stage: Stage, condition: Node) -> None:
    """Filters the stage by one conjunct that has a subquery."""
    core, negated = condition, False
    while isinstance(core, ast.BoolExpr) and core.boolop == enums.BoolExprType.NOT_EXPR:
        core, negated = core.args[0], not negated
    node, tests = pending_node(stage, core)
    kinds = enums.SubLinkType
    if node is not None and node.subLinkType == kinds.EXISTS_SUBLINK:
        filter_by_existence(context, stage, node.subselect, (), "anti" if negated else "semi")
    elif node is not None and node.subLinkType in (kinds.ANY_SUBLINK, kinds.ALL_SUBLINK):
        filter_by_comparison(context, stage, node, tested(context, stage, tests), negated=negated)
    else:
        condition = attach(context, stage, condition)
        stage.where.append(condition)


def pending_node(stage: Stage, node: Node) -> tuple[Node | None, Sequence[Node]]:
    """The subquery that a part of an expression stands for, and what it is compared with; None for any other part."""
    tests: Sequence[Node] = ()
    if function_name(node) == PENDING:
        node, *tests = node.args
    found = reference(node)
    if found is None or found[0] != PENDING:
        return None, ()
    return stage.scope.pending[found[1]], tests


def filter_by_comparison(context: Context, stage: Stage, node: Node, tests: Sequence[Node], *, negated: bool) -> None:
    """`x operator ANY (..)` or ALL as a condition, which only true passes."""
    operator, is_all = operator_of(node), node.subLinkType == enums.SubLinkType.ALL_SUBLINK
    if operator == "=" and not is_all and not negated:
        filter_by_existence(context, stage, node.subselect, tests, "semi")
        return
    if (operator, is_all, negated) in (("=", False, True), ("<>", True, False)):
        filter_not_in(context, stage, node, tests)
        return
    # ALL fails by a row for which the comparison is not true; its negation holds by one for which it is false.
    missing = {(False, False): "{}", (True, False): "({}) is not true"}
    missing |= {(False, True): "({}) is not false", (True, True): "({}) is false"}
    test = compared(operator, tests, columns_of(node))
    query = over_rows(node.subselect, len(tests), expression(missing[is_all, negated].format(test)))
    filter_by_existence(context, stage, query, (), "anti" if is_all != negated else "semi")


def filter_not_in(context: Context, stage: Stage, node: Node, tests: Sequence[Node]) -> None:
    """NOT IN: no row is equal, and none is unknown."""
    names = columns_of(node)
    if len(tests) > 1:
        unknown = expression(f"({compared('=', tests, names)}) is not false")
        filter_by_existence(context, stage, over_rows(node.subselect, len(tests), unknown), (), "anti")
        return
    filter_by_existence(context, stage, node.subselect, tests, "anti")
    null = expression(f"{names[0]} is null")
    filter_by_existence(context, stage, over_rows(node.subselect, 1, null), (), "anti")
    if free_references(node.subselect):
        condition = resolve(expression(f"not ({null_tested(node, tests[0])})"), stage.scope)
        condition = attach(context, stage, condition)
        stage.where.append(condition)
    else:
        query = expression(null_tested(node, tests[0])).subselect
        filter_by_existence(context, stage, query, (), "anti")


def filter_by_existence(context: Context, stage: Stage, query: Node, tests: Sequence[Node], kind: Kind) -> None:
    """Keeps the rows for which the query has a row (semi) or none (anti) whose columns equal the tests."""
    if can_pull(context, query):
        inner, values, on = pulled(context, stage, query, with_values=bool(tests))
    else:
        dependent = depend(context, stage, query if tests else without_columns(query))
        inner, on = dependent.source, dependent.on
        values = [node for _, node in dependent.columns]
        if not tests and dependent.keys:
            # Nothing else of it is read.
            alias = context.alias()
            taken: set[str] = set()
            keys = [(unique("key", taken), key) for key in dependent.keys]
            move = {ref: column(alias, name) for name, key in keys for ref in references(key)}
            inner, on = Input(alias, Select((inner,), (), tuple(keys))), [rebase(part, move) for part in on]
    on = [*on, *(equality(resolve(test, stage.scope), value) for test, value in zip(tests, values, strict=False))]
    left = stage.collapse(context, [*stage.kept(), *on])
    on = [stage.current(part) for part in on]
    alias = context.alias()
    outputs = tuple((name, column(left.alias, name)) for name in left.operator.columns())
    move = {(left.alias, name): column(alias, name) for name in left.operator.columns()}
    stage.replace(Input(alias, OuterJoin(kind, left, inner, tuple(on), outputs)), move)


def can_pull(context: Context, query: Node) -> bool:
    """Whether what ties a query to the row around it is nothing but plain conditions of its WHERE."""
    if not is_plain(query) or free_references(*(query.fromClause or ()), *(query.targetList or ())):
        return False
    if any(isinstance(item, ast.RangeVar) and item.relname in context.correlated for item in walk(query)):
        return False
    free = {id(node) for node in free_references(query)}
    return not any(
        (has_subquery(part) or contains_function(part, "mz_now")) and any(id(node) in free for node in walk(part))
        for part in conjuncts(query.whereClause)
    )


def pulled(context: Context, stage: Stage, query: Node, *, with_values: bool) -> tuple[Input, list[Node], list[Node]]:
    """A plain subquery as an input, its columns, and the conditions that tie it to the stage's row."""
    around = Scope(stage.scope.visible, stage.scope.outer)
    inner = context.lower_from(context, query.fromClause or (), around, mentions_of(query))
    own = {source.alias for source in inner.sources} | {table.alias for table in inner.tables} | {PENDING}
    on: list[Node] = []
    for part in conjuncts(query.whereClause):
        resolved = resolve(part, inner.scope)
        (inner.where if aliases(resolved) <= own else on).append(resolved)
    targets = [resolve(item.val, inner.scope) for item in query.targetList or () if with_values]
    apply_pending(context, inner)
    inner.above = [*on, *targets]
    filter_by_clock(context, inner)
    on = [inner.current(part) for part in on]
    own = {source.alias for source in inner.sources} | {table.alias for table in inner.tables}
    alias = context.alias()
    taken: set[str] = set()
    outputs: list[Output] = [(unique("value", taken), inner.current(target)) for target in targets]
    values = [column(alias, name) for name, _ in outputs]
    move: dict[tuple[str, str], Node] = {}
    for source, name in sorted({ref for part in on for ref in references(part)}):
        if source in own:
            output = unique(name, taken)
            outputs.append((output, column(source, name)))
            move[(source, name)] = column(alias, output)
    if not outputs:
        outputs = [("one", ast.A_Const(val=ast.Integer(ival=1)))]
    operator = Select(tuple(inner.sources), tuple(inner.where), tuple(outputs), tuple(inner.tables))
    return Input(alias, operator), values, [rebase(part, move) for part in on]


def is_plain(query: Node) -> bool:
    """A SELECT that only joins, filters and projects."""
    return (
        query.op == enums.SetOperation.SETOP_NONE
        and bool(query.fromClause)
        and not query.valuesLists
        and not query.groupClause
        and not query.havingClause
        and not query.distinctClause
        and query.limitCount is None
        and query.limitOffset is None
        and query.withClause is None
        and not any(is_more(item.val) for item in query.targetList or ())
    )


def is_more(target: Node) -> bool:
    """Whether a column of a select list is more than a function of the row beside it."""
    return (
        contains_aggregate(target)
        or contains_window(target)
        or has_subquery(target)
        or any(function_name(node) in SET_RETURNING for node in walk(target, into_subqueries=False))
    )


def without_columns(query: Node) -> Node:
    """A query of which only the existence of rows is asked: its columns are not computed."""
    if not is_plain(query):
        return query
    one = ast.ResTarget(name="one", val=ast.A_Const(val=ast.Integer(ival=1)))
    return changed(query, targetList=(one,), sortClause=None)


def changed(node: Node, **fields: Node) -> Node:
    """A copy of a node with other fields."""
    return type(node)(**{**{name: getattr(node, name) for name in node}, **fields})


# Comparisons with the rows of a subquery ---------------------------------------


def operator_of(node: Node) -> str:
    """The operator of ANY or ALL."""
    return str(node.operName[-1].sval) if node.operName else "="


def tested(context: Context, stage: Stage, tests: Sequence[Node]) -> list[Node]:
    """What stands before ANY or ALL, as names that the subquery sees whatever its own are."""
    found = []
    for test in tests:
        name = context.alias()
        stage.scope.visible.append(Visible(TESTED, {name: attach(context, stage, test)}))
        stage.mentions.add((TESTED, name))
        found.append(ast.ColumnRef(fields=(ast.String(sval=TESTED), ast.String(sval=name))))
    return found


def columns_of(node: Node) -> list[str]:
    """The names of the subquery's columns in `over_rows`."""
    count = len(node.testexpr.args) if isinstance(node.testexpr, ast.RowExpr) else 1
    return [f"mz_rows.mz_{position}" for position in range(1, count + 1)]


def compared(operator: str, tests: Sequence[Node], names: Sequence[str]) -> str:
    """The comparison of the tests with one row."""
    if len(tests) == 1:
        return f"{sql(tests[0])} {operator} {names[0]}"
    if operator not in ("=", "<>"):
        return f"({', '.join(map(sql, tests))}) {operator} ({', '.join(names)})"
    parts = [f"{sql(test)} {operator} {name}" for test, name in zip(tests, names, strict=True)]
    return (" and " if operator == "=" else " or ").join(parts)


def null_tested(node: Node, test: Node) -> str:
    """A condition: what stands before ANY or ALL is null, and the subquery has rows."""
    if free_references(node.subselect):
        return f"({sql(test)} is null and exists ({sql(over_rows(node.subselect, 1, None))}))"
    # The existence of rows concerns those for which the test is null, and they are found by it.
    some = f"(select distinct true from ({sql(node.subselect)}) as mz_all) as mz_rows (mz_1)"
    return f"exists (select 1 from {some} where mz_rows.mz_1 = ({sql(test)} is null))"


def over_rows(query: Node, count: int, condition: Node | None) -> Node:
    """A SELECT over the rows of a query."""
    names = tuple(ast.String(sval=f"mz_{position}") for position in range(1, count + 1))
    rows = ast.RangeSubselect(lateral=False, subquery=query, alias=ast.Alias(aliasname="mz_rows", colnames=names))
    one = ast.ResTarget(name="one", val=ast.A_Const(val=ast.Integer(ival=1)))
    return ast.SelectStmt(
        targetList=(one,),
        fromClause=(rows,),
        whereClause=conjunction([condition] if condition is not None else []),
        op=enums.SetOperation.SETOP_NONE,
        limitOption=enums.LimitOption.LIMIT_OPTION_DEFAULT,
    )


# Values ------------------------------------------------------------------------


def attach(context: Context, stage: Stage, node: Node) -> Node:
    """The expression with the values of its subqueries, which the stage has then been joined with."""

    def placed(item: Node) -> Node | None:
        query, tests = pending_node(stage, item)
        if query is None:
            return None
        text = sql(item)
        if stage.scope.find((PENDING, text)) is None:
            value = value_of(context, stage, query, tests)
            stage.scope.visible.append(Visible(PENDING, {text: value}))
            stage.mentions.add((PENDING, text))
        return column(PENDING, text)

    if not has_pending(node):
        return stage.current(node)
    node = rewrite(node, placed)
    values = {ref: stage.scope.find(ref) for ref in references(node) if ref[0] == PENDING}
    return rebase(stage.current(node), {ref: value for ref, value in values.items() if value is not None})


def value_of(context: Context, stage: Stage, node: Node, tests: Sequence[Node]) -> Node:
    """The value of one subquery."""
    kinds = enums.SubLinkType
    match node.subLinkType:
        case kinds.EXISTS_SUBLINK:
            return existence(context, stage, node.subselect)
        case kinds.EXPR_SUBLINK:
            return scalar(context, stage, node.subselect)
        case kinds.ARRAY_SUBLINK:
            return attach(context, stage, resolve(collected(node.subselect), stage.scope))
        case kinds.ANY_SUBLINK | kinds.ALL_SUBLINK:
            names = tested(context, stage, tests)
            return attach(context, stage, resolve(comparison(node, names), stage.scope))
    raise unsupported("a comparison of a row with a subquery is not supported in a maintained view")


def existence(context: Context, stage: Stage, query: Node) -> Node:
    """EXISTS: whether the values that the query reads are among those for which it has rows."""
    dependent = depend(context, stage, without_columns(query))
    there = ("there", ast.TypeCast(arg=expression("true"), typeName=boolean()))
    taken = {"there"}
    keys = [(unique("key", taken), key) for key in dependent.keys]
    found = Select((dependent.source,), (), (there, *keys))
    alias = context.alias()
    names = tuple(name for name, _ in found.outputs)
    source = Input(alias, SetOperation("distinct", (found,), names))
    move = {ref: column(alias, name) for name, key in keys for ref in references(key)}
    on = [rebase(part, move) for part in dependent.on]
    dependent = Dependent(source, [("there", column(alias, "there"))], on, [column(alias, name) for name, _ in keys])
    [(_, node)] = join_left(context, stage, dependent)
    return ast.NullTest(arg=node, nulltesttype=enums.NullTestType.IS_NOT_NULL, argisrow=False)


def boolean() -> Node:
    """The type boolean."""
    return expression("null::boolean").typeName


def scalar(context: Context, stage: Stage, query: Node) -> Node:
    """A subquery as a value: null without a row, an error with more than one."""
    dependent = depend(context, stage, query, may_open=True)
    if dependent.lacking:
        return join_left(context, stage, dependent)[0][1]
    if not dependent.keys and is_one_row(query):
        return join_inner(stage, dependent)[0][1]
    if is_one_row(query) or is_limited_to_one(query):
        return join_left(context, stage, dependent)[0][1]
    return join_left(context, stage, one_of_each(context, dependent))[0][1]


def is_one_row(query: Node) -> bool:
    """Whether a query yields one row, whatever it reads."""
    return (
        query.op == enums.SetOperation.SETOP_NONE
        and not query.valuesLists
        and not query.groupClause
        and not query.havingClause
        and query.limitCount is None
        and query.limitOffset is None
        and not any(function_name(node) in SET_RETURNING for item in query.targetList for node in walk(item.val))
        and (
            any(contains_aggregate(item.val) for item in query.targetList)
            or (not query.fromClause and query.whereClause is None)
        )
    )


def is_limited_to_one(query: Node) -> bool:
    """LIMIT 1."""
    limit = query.limitCount
    return isinstance(limit, ast.A_Const) and isinstance(limit.val, ast.Integer) and limit.val.ival == 1


def one_of_each(context: Context, dependent: Dependent) -> Dependent:
    """The only row of each key; reading that of a key with several is an error."""
    source = dependent.source
    taken = {"records", "value"}
    keys = tuple((unique("key", taken), key) for key in dependent.keys)
    outputs = [f"{sql(key)} as {quote(name)}" for name, key in keys]
    outputs += ["count(*) as records", f"any_value({sql(dependent.columns[0][1])}) as value"]
    query = f"select {', '.join(outputs)} from {{input}} as {quote(source.alias)}"
    if keys:
        query += " group by " + ", ".join(sql(key) for _, key in keys)
    names = (*(name for name, _ in keys), "records", "value")
    alias = context.alias()
    found = Input(alias, PerKey(source, keys, query, names, "One of each"))
    move = {ref: column(alias, name) for name, key in keys for ref in references(key)}
    value = f"case when {alias}.records > 1 then mzlite.many_records({alias}.value) else {alias}.value end"
    return Dependent(
        found,
        [(dependent.columns[0][0], expression(value))],
        [rebase(part, move) for part in dependent.on],
        [column(alias, name) for name, _ in keys],
    )


def collected(query: Node) -> Node:
    """ARRAY(..) as an aggregate over the subquery's rows in their order."""
    one = query.targetList[0] if query.targetList and is_plain(query) else None
    if one is not None:
        order = tuple(query.sortClause or ())
        text = ast.FuncCall(funcname=(ast.String(sval="array_agg"),), args=(one.val,), agg_order=order or None)
        target = ast.ResTarget(name="array", val=text)
        inner = changed(query, targetList=(target,), sortClause=None)
    else:
        inner = expression(f"(select array_agg(mz_rows.mz_1) from ({sql(query)}) as mz_rows (mz_1))").subselect
    return expression(f"coalesce(({sql(inner)}), '{{}}')")


def comparison(node: Node, tests: Sequence[Node]) -> Node:
    """ANY or ALL as an expression of EXISTS, true, false or unknown as SQL has it."""
    operator, is_all = operator_of(node), node.subLinkType == enums.SubLinkType.ALL_SUBLINK
    names = columns_of(node)
    test = compared(operator, tests, names)
    decided = test if not is_all else f"({test}) is false"
    if operator in ("=", "<>") and len(tests) == 1 and (operator == "<>") == is_all:
        # Equality is looked up; what is unknown, is so by a null on one of the sides.
        decided = compared("=", tests, names)
        null = sql(over_rows(node.subselect, 1, expression(f"{names[0]} is null")))
        unknown = f"exists ({null}) or {null_tested(node, tests[0])}"
    else:
        unknown = f"exists ({sql(over_rows(node.subselect, len(tests), expression(f'({test}) is null')))})"
    found = sql(over_rows(node.subselect, len(tests), expression(decided)))
    first, last = ("false", "true") if is_all else ("true", "false")
    return expression(f"case when exists ({found}) then {first} when {unknown} then null else {last} end")
