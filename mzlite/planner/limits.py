"""Whatever is a function of all rows of a key: ORDER BY with LIMIT, DISTINCT ON, window functions.

In: a stage and what is read of it, in expressions. Out: an operator that yields the named outputs. In a
correlated query the columns of its domain are keys of each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mzlite.planner.expressions import (
    Node,
    column,
    default_name,
    quote,
    reference,
    references,
    rewrite,
    sql,
    walk,
)
from mzlite.planner.operators import Constant, First, Input, Operator, OrderItem, Output, PerKey, Select
from mzlite.planner.scope import Context, Stage, rebase, unique
from mzlite.planner.syntax import ast, enums


def finish(context: Context, stage: Stage, targets: list[Output]) -> Operator:
    """The stage projected to the targets."""
    targets = [(name, stage.current(node)) for name, node in targets]
    if not stage.sources:
        query = "select " + ", ".join(f"{sql(node)} as {quote(name)}" for name, node in targets)
        if not stage.tables and not stage.where:
            return Constant(query, tuple(name for name, _ in targets))
        stage.ensure_source(context)
    return Select(tuple(stage.sources), tuple(stage.where), tuple(targets), tuple(stage.tables))


def replace_sort(part: Node, node: Node) -> Node:
    """The item with another expression."""
    return ast.SortBy(node=node, sortby_dir=part.sortby_dir, sortby_nulls=part.sortby_nulls, useOp=part.useOp)


def order_item(part: Node) -> OrderItem:
    """The item as it is, with what it says about order and nulls."""
    descending = part.sortby_dir == enums.SortByDir.SORTBY_DESC
    by_default = part.sortby_nulls == enums.SortByNulls.SORTBY_NULLS_DEFAULT
    nulls_first = descending if by_default else part.sortby_nulls == enums.SortByNulls.SORTBY_NULLS_FIRST
    return OrderItem(sql(part), sql(part.node), descending, nulls_first)


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
    read: Sequence[Node] = (),
) -> Operator:
    """Rows recomputed for each touched key.

    Args:
        query: makes its SQL from the select list and the FROM item; `{names}` in it stands for the outputs' names.
        read: what it reads beside targets and keys.
    """
    source = stage.collapse(context, [*(node for _, node in targets), *keys, *read])
    taken = {name for name, _ in targets}
    key_outputs = [(unique("key", taken), stage.current(key)) for key in keys]
    outputs = [*((name, stage.current(node)) for name, node in targets), *key_outputs]
    select_list = ", ".join(f"{sql(node)} as {quote(name)}" for name, node in outputs)
    text = query(select_list, f"{{input}} as {quote(source.alias)}")
    names = tuple(name for name, _ in outputs)
    text = text.replace("{names}", ", ".join(map(quote, names)))
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
    sorts = [order_item(replace_sort(part, moved(part.node))) for part in order]
    names = [places[sql(stage.current(key))] for key in keys]
    behind = [
        item
        for part, item in zip(order, sorts, strict=True)
        if sql(stage.current(part.node)) not in {sql(stage.current(key)) for key in keys}
    ]
    tied = [sql(moved(node)) for _, node in targets if orders(moved(node))]
    ties = [OrderItem(text, text) for text in tied]
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


def top_k(
    context: Context, stage: Stage, targets: list[Output], order: list[Node], limit: Limit, keys: list[Node]
) -> Operator:
    """ORDER BY .. LIMIT over all rows of the level, or of each key; ties are broken by the whole row."""
    if keys and limit.is_one():
        return first_of_each(context, stage, targets, keys, order)
    is_plain = not keys and not references(limit.row())

    def sorting() -> str:
        sorts = [replace_sort(part, stage.current(part.node)) for part in order]
        parts = [sql(part) for part in sorts if orders(part.node)]
        parts += [sql(current) for _, node in targets if orders(current := stage.current(node))]
        return f" order by {', '.join(parts)}" if parts else ""

    def query(select_list: str, source: str) -> str:
        if is_plain:
            return f"select {select_list} from {source}{sorting()}{limit.text()}"
        partition = "partition by " + ", ".join(sql(stage.current(key)) for key in keys) if keys else ""
        rank = f"row_number() over ({partition}{sorting()})"
        bounds = [f"({sql(stage.current(node))}) as {name}" for name, node in limit.columns()]
        inner = f"select {', '.join([select_list, f'{rank} as mz_rank', *bounds])} from {source}"
        return f"select {{names}} from ({inner}) as mz_ranked where {limit.test()}"

    operator = per_key(context, stage, targets, keys, query, "Top k", [*(part.node for part in order), limit.row()])
    if is_plain and isinstance(operator, PerKey):
        current = (replace_sort(part, stage.current(part.node)) for part in order)
        return replace(operator, order=tuple(part for part in current if orders(part.node)))
    return operator


class Limit:
    """LIMIT and OFFSET.

    Args:
        count, offset: resolved expressions, None where they are not written.
    """

    def __init__(self, count: Node | None, offset: Node | None) -> None:
        self.count, self.offset = count, offset

    def is_one(self) -> bool:
        """LIMIT 1 without OFFSET."""
        is_number = isinstance(self.count, ast.A_Const) and isinstance(self.count.val, ast.Integer)
        return self.offset is None and is_number and self.count.val.ival == 1  # type: ignore[union-attr]

    def columns(self) -> list[Output]:
        """The expressions by the names that `test` gives them."""
        both = (("mz_limit", self.count), ("mz_offset", self.offset))
        return [(name, node) for name, node in both if node is not None]

    def row(self) -> Node:
        """Both as one expression, for what they read."""
        return ast.RowExpr(
            args=tuple(node for _, node in self.columns()), row_format=enums.CoercionForm.COERCE_EXPLICIT_CALL
        )

    def text(self) -> str:
        """The clauses."""
        count = f" limit {sql(self.count)}" if self.count is not None else ""
        return count + (f" offset {sql(self.offset)}" if self.offset is not None else "")

    def test(self) -> str:
        """The same as a condition on the rank of a row; null is no bound."""
        skipped = "coalesce(mz_offset, 0)" if self.offset is not None else "0"
        parts = [f"mz_rank > {skipped}"]
        if self.count is not None:
            parts.append(f"coalesce(mz_rank <= {skipped} + mz_limit, true)")
        return " and ".join(parts)


def windowed(context: Context, stage: Stage, targets: list[Output], keys: list[Node]) -> Operator:
    """Window functions: recomputed for each touched partition, which must be the same for all of them to be narrow."""

    def partitioned(node: Node) -> Node | None:
        if not isinstance(node, ast.FuncCall) or node.over is None or not keys:
            return None
        over = {name: getattr(node.over, name) for name in node.over}
        over["partitionClause"] = (*(node.over.partitionClause or ()), *keys)
        return ast.FuncCall(**{**{name: getattr(node, name) for name in node}, "over": ast.WindowDef(**over)})

    targets = [(name, rewrite(node, partitioned)) for name, node in targets]
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
