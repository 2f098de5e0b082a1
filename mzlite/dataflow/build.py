"""Turns the operators of a view into nodes.

In: an operator tree and the relations of other objects. Out: the view's nodes, each with its
tables made, and the relation that reads the result. PostgreSQL is asked for every type, so the
planner need not know any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mzlite.dataflow.indexes import hash_index, key_index, order_index, removed_index
from mzlite.dataflow.lookups import Lookups, lookups
from mzlite.dataflow.nodes import Nodes, computed_by, looked_up, readable_before
from mzlite.dataflow.rel import Column, ConstantRel, MapRel, NodeRel, Rel, UnionRel, is_stored
from mzlite.dataflow.rules.accumulators import Call
from mzlite.dataflow.rules.aggregate import Aggregate, Key, plan_call
from mzlite.dataflow.rules.counted import Counted, Place, Values
from mzlite.dataflow.rules.expiring_first import UNTIL, ExpiringFirst
from mzlite.dataflow.rules.first import First
from mzlite.dataflow.rules.join import Join, JoinInput
from mzlite.dataflow.rules.outer_join import OuterJoin
from mzlite.dataflow.rules.per_key import PerKey
from mzlite.dataflow.rules.recompute import Recompute
from mzlite.dataflow.rules.store import Store
from mzlite.dataflow.rules.temporal import Temporal
from mzlite.errors import unsupported
from mzlite.planner import operators as op
from mzlite.planner.expressions import Node as Expression
from mzlite.planner.expressions import (
    function_name,
    quote,
    reference,
    references,
    sql,
)

MOMENT = "(mz_internal.milliseconds(({})::mz_catalog.mz_timestamp) + {})"
"""A bound of a temporal filter and its distance, as SQL of ms."""


@dataclass
class Builder(Nodes):
    """Builds the nodes of one object out of operators.

    Attributes:
        relation: gives the readable relation of another object by the oid of its visible relation.
        ask: told of each object, by its id, that computes rows which this one needs in a store; may raise.
    """

    relation: Callable[[int], Rel] = field(kw_only=True)
    ask: Callable[[str], None] = field(kw_only=True)
    built: dict[int, Rel] = field(default_factory=dict)

    def build(self, operator: op.Operator) -> Rel:
        """The relation of an operator; an operator that occurs twice is built once."""
        known = self.built.get(id(operator))
        if known is None:
            known = self.build_new(operator)
            self.built[id(operator)] = known
        return known

    def build_new(self, operator: op.Operator) -> Rel:
        """Dispatch by operator."""
        match operator:
            case op.Get():
                return self.relation(operator.relation)
            case op.Constant():
                return ConstantRel(operator.query, tuple(self.describe(operator.query)))
            case op.Select():
                return self.select(operator)
            case op.OuterJoin():
                return self.outer_join(operator)
            case op.Union():
                return self.union(operator)
            case op.Temporal():
                return self.temporal(operator)
            case op.Aggregate():
                return self.aggregate(operator)
            case op.Recursion():
                return self.recursion(operator)
            case op.SetOperation():
                return self.set_operation(operator)
            case op.First():
                return self.first(operator)
            case op.PerKey():
                return self.per_key(operator)
        raise unsupported(f"{operator.label()} cannot be maintained")

    # Stateless -------------------------------------------------------------------

    def select(self, operator: op.Select) -> Rel:
        """Filter and projection of one input, or an inner join."""
        tables = tuple(table_text(table) for table in operator.tables)
        if len(operator.sources) == 1:
            source = operator.sources[0]
            return self.map(self.build(source.operator), source.alias, operator.outputs, operator.where, tables)
        found = self.lookups(operator.sources, operator.where)
        inputs = self.join_inputs(operator.sources, found)
        outputs = [sql(node) for _, node in operator.outputs]
        where = [sql(part) for part in found.conditions]
        names = [name for name, _ in operator.outputs]
        draft = Join(0, self.owner, tuple(Column(name, "") for name in names), inputs, outputs, where, tables)
        columns = tuple(self.describe(draft.state_query()))
        return self.add(Join(self.number(), self.owner, columns, inputs, outputs, where, tables, found.hashes))

    def map(
        self,
        source: Rel,
        alias: str,
        outputs: Sequence[op.Output],
        where: Sequence[Expression] = (),
        tables: tuple[str, ...] = (),
    ) -> Rel:
        """A filter and projection over a relation."""
        plain = []
        for _, node in outputs:
            found = reference(node)
            plain.append(found[1] if found is not None and found[0] == alias else None)
        names = [name for name, _ in outputs]
        if not where and not tables and names == plain == [column.name for column in source.columns]:
            return source
        texts = tuple(sql(node) for _, node in outputs)
        conditions = tuple(sql(part) for part in where)
        draft = MapRel(
            source, alias, tuple(Column(name, "") for name in names), texts, tuple(plain), conditions, tables
        )
        return replace(draft, columns=tuple(self.describe(draft.state())))

    def union(self, operator: op.Union) -> Rel:
        """UNION ALL."""
        sources = tuple(self.build(item) for item in operator.operators)
        return UnionRel(sources, self.common_columns(sources, operator.names))

    def common_columns(self, sources: Sequence[Rel], names: Sequence[str]) -> tuple[Column, ...]:
        """The columns that a set operation over the sources has."""
        text = " union all ".join(f"select * from ({source.state()}) as u" for source in sources)
        return tuple(Column(name, column.type) for name, column in zip(names, self.describe(text), strict=True))

    # Joins -------------------------------------------------------------------------

    def join_inputs(self, sources: Sequence[op.Input], found: Lookups) -> list[JoinInput]:
        """The inputs of a join, stored and indexed where the conditions look rows up."""
        return [
            JoinInput(source.alias, self.looked_up(self.build(source.operator), source.alias, found))
            for source in sources
        ]

    def lookups(self, sources: Sequence[op.Input], on: Sequence[Expression]) -> Lookups:
        """How the inputs of a join meet."""
        return lookups(on, {source.alias: self.build(source.operator) for source in sources}, self.describe)

    def looked_up(self, rel: Rel, alias: str, found: Lookups) -> Rel:
        """The relation, readable before and after a tick, with an index for each set of keys."""
        keys = found.keys_of(alias)
        read = {name for group in keys for key in group for _, name in references(key)}
        computed = not all(found.is_of_columns(key) for group in keys for key in group)
        stores = {rel.stored(name) is not None for name in read}
        if not readable_before(rel) or computed or (keys and stores != {True}):
            rel = self.stored(rel)
        for group in keys:
            self.index(key_index(rel, alias, group))
        return rel

    def stored(self, rel: Rel) -> NodeRel:
        """The relation's rows in a store of their own, unless an object that computes them is asked to store them."""
        if (owner := computed_by(rel)) is not None:
            self.ask(owner)
        return self.keep(rel)

    def partners(self, item: JoinInput, found: Lookups) -> Rel:
        """A side of an outer join, which is read several times.

        Computed columns are stored: a fence that keeps them from being computed again would keep the keys from
        being looked up.
        """
        keys = found.keys_of(item.alias)
        if not keys or isinstance(item.rel, NodeRel) or all(item.rel.stored(c.name) for c in item.rel.columns):
            return self.once(item.rel)
        rel = self.stored(item.rel)
        for group in keys:
            self.index(key_index(rel, item.alias, group))
        return rel

    def outer_join(self, operator: op.OuterJoin) -> Rel:
        """Left, full, semi and anti joins."""
        found = self.lookups((operator.left, operator.right), operator.on)
        left, right = (
            JoinInput(item.alias, self.partners(item, found))
            for item in self.join_inputs((operator.left, operator.right), found)
        )
        for side in (left, right):
            for group in found.keys_of(side.alias):
                # Made in each session of the engine, as the table is.
                if statement := removed_index(side.rel, side.alias, group):
                    self.execute(statement)
        reads = {operator.left.alias: left.rel, operator.right.alias: right.rel}
        columns, left_only, right_only = [], [], []
        places: dict[str, tuple[str, str]] = {}
        for name, node in operator.outputs:
            output = reference(node)
            assert output is not None
            places[name] = output
            type_ = reads[output[0]].type_of(output[1])
            columns.append(Column(name, type_))
            left_only.append(sql(node) if output[0] == left.alias else f"null::{type_}")
            right_only.append(sql(node) if output[0] == right.alias else f"null::{type_}")
        node = OuterJoin(
            self.number(),
            self.owner,
            operator.kind,
            tuple(columns),
            left,
            right,
            [sql(node) for _, node in operator.outputs],
            left_only,
            right_only,
            [sql(part) for part in found.conditions],
            found.pairs(left.alias, right.alias),
            places,
            found.hashes,
        )
        return self.add(node)

    # Stateful ----------------------------------------------------------------------

    def temporal(self, operator: op.Temporal) -> Rel:
        """A temporal filter."""
        source = self.build(operator.source.operator)
        # Where only the number of rows counts, one column stands for them.
        columns = tuple(column for column in source.columns if column.name in operator.names) or source.columns[:1]
        lower, upper = (
            [MOMENT.format(sql(bound.expression), bound.plus) for bound in operator.bounds if bound.kind == kind]
            for kind in ("from", "until")
        )
        # Asks PostgreSQL whether each bound can be a moment at all.
        checks = ", ".join([*lower, *upper])
        self.describe(f"select {checks} from ({source.state()}) as {quote(operator.source.alias)}")
        node = Temporal(self.number(), self.owner, columns, source, operator.source.alias, lower, upper)
        return self.add(node)

    def aggregate(self, operator: op.Aggregate) -> Rel:
        """Accumulating aggregates."""
        alias = operator.source.alias
        source = self.build(operator.source.operator)
        types = self.aggregate_types(source, operator)
        keys = [Key(Column(name, types[name]), sql(node)) for name, node in operator.keys]
        calls = [self.call(source, alias, name, node, types[name]) for name, node in operator.calls]
        by_value = [call for call in calls if call.distinct or (call.is_extreme and not source.append_only)]
        if by_value:
            source = self.once(source)
        places: dict[str, Place] = {}
        for group in by_node(by_value):
            places |= self.values(source, alias, keys, group)
        plans = [
            plan_call(call, places.get(call.value) if call in by_value else None, source.append_only) for call in calls
        ]
        return self.add(Aggregate(self.number(), self.owner, keys, plans, source, alias))

    def aggregate_types(self, source: Rel, operator: op.Aggregate) -> dict[str, str]:
        """The types of keys and calls, as PostgreSQL gives them."""
        outputs = [f"{sql(node)} as {quote(name)}" for name, node in (*operator.keys, *operator.calls)]
        text = f"select {', '.join(outputs)} from ({source.state()}) as {quote(operator.source.alias)}"
        if operator.keys:
            text += " group by " + ", ".join(sql(node) for _, node in operator.keys)
        return {column.name: column.type for column in self.describe(text)}

    def call(self, source: Rel, alias: str, name: str, node: Expression, type_: str) -> Call:
        """An aggregate call with its types."""
        function = str(function_name(node))
        argument = sql(node.args[0]) if node.args else None
        condition = sql(node.agg_filter) if node.agg_filter is not None else None
        argument_type = ""
        if argument is not None:
            text = f"select {argument} as a from ({source.state()}) as {quote(alias)}"
            argument_type = self.describe(text)[0].type
        # DISTINCT makes no difference to these.
        distinct = bool(node.agg_distinct) and function in ("count", "sum", "avg")
        return Call(name, function, argument, condition, distinct, type_, argument_type)

    def values(self, source: Rel, alias: str, keys: Sequence[Key], calls: Sequence[Call]) -> dict[str, Place]:
        """The node that keeps the distinct values of some calls per group; gives each value's place in it."""
        types = {call.value: call.argument_type for call in calls}
        names = {value: "mz_value" if position == 0 else f"mz_value{position}" for position, value in enumerate(types)}
        columns = [*(key.column for key in keys), *(Column(names[value], type_) for value, type_ in types.items())]
        texts = (*(key.sql for key in keys), *types)
        counts = " or ".join(f"({value}) is not null" for value in types)
        rows = MapRel(source, alias, tuple(columns), texts, (None,) * len(texts), (counts,))
        extremes = any(call.is_extreme for call in calls)
        node = Values(self.number(), self.owner, tuple(columns), len(keys), rows, with_extremes=extremes)
        self.add(node)
        return {value: Place(node, name) for value, name in names.items()}

    def recursion(self, operator: op.Recursion) -> Rel:
        """WITH MUTUALLY RECURSIVE."""
        names = ", ".join(quote(name) for name in operator.names)
        query = f"select * from {operator.call} as r ({names})"
        sources = [self.relation(oid) for oid in operator.reads]
        return self.add(Recompute(self.number(), self.owner, tuple(self.describe(query)), sources, query))

    def set_operation(self, operator: op.SetOperation) -> Rel:
        """DISTINCT, UNION, EXCEPT, INTERSECT."""
        sources = [self.build(item) for item in operator.operators]
        columns = self.common_columns(sources, operator.names)
        return self.add(Counted(self.number(), self.owner, operator.kind, columns, sources))

    def first(self, operator: op.First) -> Rel:
        """DISTINCT ON."""
        expiring = self.expiring(operator.source.operator)
        if expiring is not None:
            source = operator.source.alias
            return self.add(ExpiringFirst(self.number(), self.owner, expiring, source, operator.keys, operator.order))
        alias = operator.source.alias
        rel = self.once(self.build(operator.source.operator))
        if not rel.append_only:
            # A winner that leaves is followed by another row of its key, found by index.
            found = looked_up(rel, operator.keys)
            if found is None or (not is_stored(rel) and self.was_stored()):
                rel = self.stored(rel)
                found = rel, list(operator.keys)
            self.lookup_index(found[0], alias, found[1])
        return self.add(First(self.number(), self.owner, rel, alias, operator.keys, operator.order))

    def expiring(self, operator: op.Operator) -> Rel | None:
        """What is under a temporal filter, each row with the moment at which it expires; None if rows can leave otherwise, or come by the clock."""
        choice = [(name, name) for name in operator.columns()]
        if (
            isinstance(operator, op.Select)
            and len(operator.sources) == 1
            and not operator.where
            and not operator.tables
        ):
            found = [(name, reference(node)) for name, node in operator.outputs]
            choice = [(name, ref[1]) for name, ref in found if ref is not None]
            if len(choice) < len(found):
                return None
            operator = operator.sources[0].operator
        if not isinstance(operator, op.Temporal) or any(bound.kind != "until" for bound in operator.bounds):
            return None
        source = self.build(operator.source.operator)
        if not source.append_only:
            return None
        alias = operator.source.alias
        ends = [MOMENT.format(sql(bound.expression), bound.plus) for bound in operator.bounds]
        # least skips nulls, but a null bound means that the condition never holds.
        known = " and ".join(f"({end}) is not null" for end in ends)
        outputs = [f"{quote(alias)}.{quote(column)}" for _, column in choice]
        until = f"case when {known} then least({', '.join(ends)}) end"
        types = {column.name: column for column in source.columns}
        columns = [Column(name, types[column].type) for name, column in choice]
        rel = MapRel(
            source,
            alias,
            (*columns, UNTIL),
            (*outputs, until),
            (*(column for _, column in choice), None),
            (),
        )
        # Asks PostgreSQL whether each bound can be a moment at all.
        self.describe(rel.state())
        return rel

    def per_key(self, operator: op.PerKey) -> Rel:
        """Whatever is recomputed per key."""
        alias = operator.source.alias
        rel = self.build(operator.source.operator)
        keys = [node for _, node in operator.keys]
        if not is_stored(rel) or any(reference(key) is None for key in keys):
            rel = self.stored(rel)
        if any(rel.stored(name) is None for key in keys for _, name in references(key)):
            # What a group's row yields is computed from its sums when it is read.
            rel = self.add(Store(self.number(), self.owner, rel))
        if keys:
            self.index(hash_index(rel, alias, keys))
        if operator.order:
            self.index(order_index(rel, alias, operator.order, self.describe))
        described = self.describe(operator.query.replace("{input}", f"({rel.state()})"))
        columns = tuple(Column(name, column.type) for name, column in zip(operator.names, described, strict=True))
        names = [name for name, _ in operator.keys]
        texts = [sql(key) for key in keys]
        return self.add(PerKey(self.number(), self.owner, columns, rel, alias, texts, names, operator.query))


def table_text(table: op.TableFunction) -> str:
    """A table function as a FROM item behind others."""
    if table.outer:
        return f" left join lateral {table.call} on {table.condition or 'true'}"
    return f" cross join lateral {table.call}"


def by_node(calls: Sequence[Call]) -> list[list[Call]]:
    """The calls over values that one node keeps: those of each DISTINCT one for itself, and all others together."""
    distinct = {call.value for call in calls if call.distinct}
    alone = [[call for call in calls if call.value == value] for value in sorted(distinct)]
    together = [call for call in calls if call.value not in distinct]
    return [*alone, *([together] if together else [])]
