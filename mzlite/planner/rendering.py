"""Plans as people read them: a tree of operators in the notation of Materialize's EXPLAIN.

In: an operator, and what is known of the relations that it reads. Out: `Plan` trees, and their text for a physical plan
(arrows) or a logical one. Columns appear as #position{name}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mzlite.planner import operators as ops
from mzlite.planner.expressions import (
    Node,
    equality_sides,
    function_name,
    references,
    rewrite,
    sql,
)
from mzlite.planner.syntax import ast

_NUMBERED = re.compile(r'"(#\d+(?:\{(?:[^"]|"")*\})?)"')
_INPUT = re.compile(r'\s+from \{input\} as "?\w+"?')
_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w#{.])\d+(?:\.\d+)?(?![\w}])")
_CROSS = "\u00d7"
_MERGING = frozenset({"min", "max"})


@dataclass
class Plan:
    """One operator: its title in both notations, what it does line by line, its inputs."""

    physical: str
    logical: str
    lines: list[str] = field(default_factory=list)
    inputs: list[Plan] = field(default_factory=list)
    is_map: bool = False

    def text(self, *, logical: bool, depth: int = 1) -> list[str]:
        """The lines of the tree below."""
        pad = "  " * depth
        if logical:
            if self.is_map:
                texts = [line for line in self.lines if line]
                shown = ["  " * (depth + index) + _logical(line) for index, line in enumerate(texts)]
                depth += len(texts) - 1
            else:
                shown = [pad + self.logical]
        else:
            shown = [f"{pad}→{self.physical}", *(f"{pad}  {line}" for line in self.lines)]
            depth += self.is_map and bool(self.lines)
        for each in self.inputs:
            shown += each.text(logical=logical, depth=depth + 1)
        return shown

    def tree(self) -> dict[str, object]:
        """The same for AS JSON."""
        return {"operator": self.physical, "details": self.lines, "inputs": [each.tree() for each in self.inputs]}


def _logical(line: str) -> str:
    name, _, rest = line.partition(": ")
    return f"{name} ({rest.removeprefix('()')})" if name in ("Project", "Map") else f"{name} {rest}"


@dataclass(frozen=True)
class Known:
    """What is known of relations: how they are called, and which index keeps their rows in memory."""

    name: Callable[[int], str]
    index: Callable[[int], str | None]


class Renderer:
    """Turns operators into plans.

    Attributes:
        reads: the oids of the relations read, in the order in which they are met.
    """

    def __init__(self, known: Known, *, redacted: bool = False) -> None:
        self._known = known
        self._redacted = redacted
        self.reads: list[int] = []

    def plan(self, operator: ops.Operator) -> Plan:
        """The plan of one operator and all below it."""
        match operator:
            case ops.Get():
                return self._get(operator)
            case ops.Constant():
                return Plan("Constant", f"Constant {operator.query}", [f"Rows: {self._hide(operator.query)}"])
            case ops.Select():
                return self._select(operator)
            case ops.OuterJoin():
                return self._outer_join(operator)
            case ops.Union():
                return Plan("Union", "Union", [], self._plans(operator.operators))
            case ops.Temporal():
                return self._temporal(operator)
            case ops.Aggregate():
                return self._aggregate(operator)
            case ops.SetOperation():
                return self._set_operation(operator)
            case ops.First():
                keys = self._columns(operator.keys, operator)
                order = ", ".join(self._written(item.text, operator.source) for item in operator.order)
                return Plan(
                    "Non-monotonic Top1",
                    f"TopK group_by=[{', '.join(keys)}] order_by=[{order}] limit=1",
                    [f"Group By {', '.join(keys)}", f"Order By {order}"],
                    self._plans(operator.inputs()),
                )
            case ops.PerKey():
                keys = [self._expression(node, [operator.source]) for _, node in operator.keys]
                query = self._written(_INPUT.sub("", operator.query), operator.source)
                return Plan(
                    "Non-incremental GroupAggregate",
                    f"Reduce group_by=[{', '.join(keys)}] aggregates=[{query}]",
                    [f"Aggregation: {query}", "Key:", f"  Project: {', '.join(keys) or '()'}"],
                    self._plans(operator.inputs()),
                )
            case _:
                label = self._hide(operator.label())
                return Plan(label, label, [], self._plans(operator.inputs()))

    def _plans(self, operators: Sequence[ops.Operator]) -> list[Plan]:
        return [self.plan(each) for each in operators]

    def _get(self, operator: ops.Get) -> Plan:
        if operator.relation not in self.reads:
            self.reads.append(operator.relation)
        name, index = self._known.name(operator.relation), self._known.index(operator.relation)
        if index is None:
            return Plan(f"Stream {name}", f"ReadStorage {name}")
        return Plan(f"Arranged {name}", f"ReadIndex on={name} {index}=[*** full scan ***]")

    # Filters, maps, joins --------------------------------------------------------

    def _select(self, operator: ops.Select) -> Plan:
        sources = list(operator.sources)
        below = self._plans(operator.inputs())
        conditions = list(operator.where)
        if len(sources) > 1:
            joined, conditions = self._join(sources, below, conditions)
            below = [joined]
        for table in operator.tables:
            call = self._hide(table.call)
            below = [
                Plan(
                    f"Table Function {call}",
                    f"FlatMap {call}",
                    ["(rows without a result are kept)"] * table.outer,
                    below,
                )
            ]
        lines = self._map_lines(sources, operator.outputs, conditions, operator.tables)
        if not lines:
            return below[0] if below else Plan("Constant (1 row)", "Constant", ["- ()"])
        fused = "Fused with Child " if below and below[0].physical.startswith(("Arranged", "Table Function")) else ""
        return Plan(f"{fused}Map/Filter/Project", "Map", lines, below, is_map=True)

    def _map_lines(
        self,
        sources: list[ops.Input],
        outputs: Sequence[ops.Output],
        conditions: list[Node],
        functions: Sequence[ops.TableFunction] = (),
    ) -> list[str]:
        width = sum(len(source.operator.columns()) for source in sources)
        width += sum(len(function.names) for function in functions)
        projected: list[str] = []
        computed: list[str] = []
        for _, node in outputs:
            text = self._expression(node, sources, functions)
            if re.fullmatch(r"#\d+(\{.*\})?", text):
                projected.append(text)
            else:
                projected.append(f"#{width + len(computed)}")
                computed.append(text)
        same = [text.partition("{")[0] for text in projected] == [f"#{number}" for number in range(width)]
        lines = [] if same else [f"Project: {', '.join(projected) or '()'}"]
        if conditions:
            lines.append(
                f"Filter: {' AND '.join(f'({self._expression(part, sources, functions)})' for part in conditions)}"
            )
        if computed:
            lines.append(f"Map: {', '.join(computed)}")
        return lines

    def _join(self, sources: list[ops.Input], below: list[Plan], conditions: list[Node]) -> tuple[Plan, list[Node]]:
        keys: dict[str, list[str]] = {source.alias: [] for source in sources}
        rest: list[Node] = []
        for condition in conditions:
            sides = equality_sides(condition)
            found = [{alias for alias, _ in references(side)} for side in sides] if sides else []
            if sides and len(found) == 2 and all(len(each) == 1 for each in found) and found[0] != found[1]:
                for side, aliases in zip(sides, found, strict=True):
                    (alias,) = aliases
                    if alias in keys:
                        keys[alias].append(
                            self._expression(side, [source for source in sources if source.alias == alias])
                        )
            else:
                rest.append(condition)
        path = " » ".join(
            f"%{number}:{_short(source)}[{', '.join(dict.fromkeys(keys[source.alias])) or _CROSS}]"
            for number, source in enumerate(sources)
        )
        cross = "Cross " if any(not texts for texts in keys.values()) else ""
        on = " AND ".join(self._expression(part, sources) for part in conditions if part not in rest)
        return (
            Plan(
                f"Differential {cross}Join {path}",
                f"Join on=({on}) type=differential" if on else "CrossJoin type=differential",
                [],
                [_arranged(plan, keys[source.alias]) for plan, source in zip(below, sources, strict=True)],
            ),
            rest,
        )

    def _outer_join(self, operator: ops.OuterJoin) -> Plan:
        sources = [operator.left, operator.right]
        joined, rest = self._join(sources, self._plans(operator.inputs()), list(operator.on))
        kind = operator.kind.title() + (" Outer" if operator.kind in ("left", "full") else "")
        joined.physical = joined.physical.replace("Differential", f"Differential {kind}", 1)
        joined.logical = f"{kind.replace(' ', '')}{joined.logical}"
        joined.lines = [f"Filter: {self._expression(part, sources)}" for part in rest]
        lines = self._map_lines(sources, operator.outputs, [])
        return Plan("Map/Filter/Project", "Map", lines, [joined], is_map=True) if lines else joined

    def _temporal(self, operator: ops.Temporal) -> Plan:
        parts = []
        for bound in operator.bounds:
            text = self._expression(bound.expression, [operator.source])
            plus = f" + {bound.plus}" if bound.plus else ""
            parts.append(f"(mz_now() {'>=' if bound.kind == 'from' else '<'} ({text}{plus}))")
        below = self.plan(operator.source.operator)
        names = operator.source.operator.columns()
        lines = []
        if tuple(operator.names) != tuple(names):
            lines.append(f"Project: {', '.join(self._columns(operator.names, operator.source.operator))}")
        return Plan("Map/Filter/Project", "Map", [*lines, f"Filter: {' AND '.join(parts)}"], [below], is_map=True)

    # Groups and sets ---------------------------------------------------------------

    def _aggregate(self, operator: ops.Aggregate) -> Plan:
        source = [operator.source]
        keys = [self._expression(node, source) for _, node in operator.keys]
        calls = [self._expression(node, source) for _, node in operator.calls]
        below = [self.plan(operator.source.operator)]
        if not calls:
            return Plan("Distinct GroupAggregate", f"Distinct project=[{', '.join(keys)}]", _key(keys), below)
        names = {function_name(node) for _, node in operator.calls}
        if names <= _MERGING:
            title, lines = "Bucketed Hierarchical GroupAggregate", [f"Aggregations: {', '.join(calls)}"]
        else:
            distinct = [call for call in calls if "(DISTINCT " in call.upper()]
            extreme = [
                call for call, (_, node) in zip(calls, operator.calls, strict=True) if function_name(node) in _MERGING
            ]
            simple = [call for call in calls if call not in distinct and call not in extreme]
            title = "Collated Multi-GroupAggregate" if extreme else "Accumulable GroupAggregate"
            lines = [
                f"{label}: {', '.join(found)}"
                for label, found in (
                    ("Simple aggregates", simple),
                    ("Distinct aggregates", distinct),
                    ("Hierarchical aggregates", extreme),
                )
                if found
            ]
        grouping = f"group_by=[{', '.join(keys)}] " if keys else ""
        return Plan(title, f"Reduce {grouping}aggregates=[{', '.join(calls)}]", [*lines, *_key(keys)], below)

    def _set_operation(self, operator: ops.SetOperation) -> Plan:
        below = self._plans(operator.operators)
        columns = ", ".join(f"#{number}" for number in range(len(operator.names)))

        def distinct(plan: Plan) -> Plan:
            return Plan("Distinct GroupAggregate", f"Distinct project=[{columns}]", [], [plan])

        match operator.kind:
            case "distinct":
                return distinct(below[0])
            case "union":
                return distinct(Plan("Union", "Union", [], below))
            case "except" | "except all":
                left, right = (distinct(each) for each in below) if operator.kind == "except" else below
                union = Plan("Consolidating Union", "Union", [], [left, Plan("Negate Diffs", "Negate", [], [right])])
                return Plan(f"Threshold Diffs {columns}", "Threshold", [], [union])
            case _:
                return Plan(f"{operator.kind.title()} {columns}", operator.kind.title(), [], below)

    # Expressions -------------------------------------------------------------------

    def _columns(self, names: Sequence[str], operator: ops.Operator) -> list[str]:
        columns = operator.columns()
        return [f"#{columns.index(name)}{{{name}}}" if name in columns else name for name in names]

    def _expression(self, node: Node, sources: Sequence[ops.Input], functions: Sequence[ops.TableFunction] = ()) -> str:
        """The text of an expression over the concatenated columns of the inputs, then of table functions."""
        positions: dict[tuple[str, str], int] = {}
        for source in sources:
            for name in source.operator.columns():
                positions[source.alias, name] = len(positions)
        for function in functions:
            for name in function.names:
                positions[function.alias, name] = len(positions)

        def numbered(part: Node) -> Node | None:
            for found in references(part) if isinstance(part, ast.ColumnRef) else ():
                if found in positions:
                    return ast.ColumnRef(fields=(ast.String(sval=f"#{positions[found]}{{{found[1]}}}"),))
            return None

        text = _NUMBERED.sub(lambda match: match[1].replace('""', '"'), sql(rewrite(node, numbered)))
        return self._hide(text)

    def _written(self, text: str, source: ops.Input) -> str:
        """SQL text over one input, with its columns by number."""
        columns = source.operator.columns()
        alias = re.escape(source.alias)

        def numbered(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            return f"#{columns.index(name)}{{{name}}}" if name in columns else match[0]

        return self._hide(re.sub(rf'"?\b{alias}\b"?\.(?:"([^"]+)"|(\w+))', numbered, text))

    def _hide(self, text: str) -> str:
        return _LITERAL.sub("█", text) if self._redacted else text


def _short(source: ops.Input) -> str:
    operator = source.operator
    return operator.name.rpartition(".")[2].strip('"') if isinstance(operator, ops.Get) else ""


def _arranged(plan: Plan, keys: list[str]) -> Plan:
    if plan.physical.startswith("Arranged"):
        return plan
    shown = ", ".join(dict.fromkeys(keys))
    return Plan(f"Arrange ({shown or 'empty key'})", f"ArrangeBy keys=[[{shown}]]", [], [plan])


def _key(keys: list[str]) -> list[str]:
    return ["Key:", f"  Project: {', '.join(keys) or '()'}"]
