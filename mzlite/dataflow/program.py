"""The statements of a tick as PL/pgSQL functions of the engine's session.

In: the objects with their nodes. Out: one function for each object, and one that runs them in
dependency order, each in a subtransaction of its own so that an error stays with its object.
Functions and delta tables are temporary: they belong to the session that ticks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import NOW, TICK, Mode

Slots = Mapping[int, int]
"""Node number -> position of its counters: `mz_c[2 * slot]` changed rows, `mz_c[2 * slot + 1]` removed rows."""
READ_DELTA = re.compile(r"\bpg_temp\.d_(\d+)\b")
AHEAD = 0
"""Index among the counters, from 0, of what says that steps which can be ahead of a tick were; slots begin behind it."""

RETRIED_CLASSES = "('53', '57', '58', '40')"
"""SQLSTATE classes that are not a view's own fault: no disk, shutdown, input and output."""
RETRIED_STATES = "('XX001', 'XX002')"
"""Damaged files are not either; any other internal error is one of the view that met it."""


def changed(slots: Slots, numbers: frozenset[int], *, removed: bool = False) -> str:
    """A condition: one of the nodes has changed (or lost) rows in this tick."""
    offset = 1 if removed else 0
    parts = [f"mz_c[{2 * slots[number] + offset}] > 0" for number in sorted(numbers) if number in slots]
    return "(" + " or ".join(parts) + ")" if parts else "false"


def removal_condition(slots: Slots, nodes: Mapping[int, Node], numbers: frozenset[int]) -> str:
    """A condition: one of the nodes may have lost rows."""
    parts = []
    for number in sorted(numbers):
        node = nodes.get(number)
        if node is not None:
            parts.append(changed(slots, frozenset({number}), removed=node.extra_counters()))
    return "(" + " or ".join(parts) + ")" if parts else "false"


def step_text(step: Step, node: Node, slots: Slots, nodes: Mapping[int, Node], profile: int | None = None) -> str:
    """A statement with its guard, its planner setting and its counting; with `profile`, its time under that number."""
    statement = step.sql.replace(NOW, "mz_now_ms").replace(TICK, "mz_tick_number")
    lines = []
    if step.hash_join:
        lines.append("perform set_config('enable_hashjoin', 'on', true);")
    if profile is not None:
        lines.append("mz_t := clock_timestamp();")
    lines.append(statement + ";")
    if step.counts is not None or profile is not None:
        lines.append("get diagnostics mz_k = row_count;")
    if profile is not None:
        lines.append(f"insert into pg_temp.profile values ({node.number}, {profile}, clock_timestamp() - mz_t, mz_k);")
    if step.counts is not None:
        slot = 2 * slots[node.number]
        for what, offset in (("delta", 0), ("removed", 1)):
            if what in step.counts:
                lines.append(f"mz_c[{slot + offset}] := mz_c[{slot + offset}] + mz_k;")
    if step.hash_join:
        lines.append("perform set_config('enable_hashjoin', 'off', true);")
    conditions = [f"mz_c[{AHEAD + 1}] = 0"] if step.ahead else []
    conditions += [changed(slots, numbers) for numbers in step.when]
    conditions += [removal_condition(slots, nodes, numbers) for numbers in step.when_removed]
    conditions += [f"not {removal_condition(slots, nodes, numbers)}" for numbers in step.unless_removed]
    body = "\n  ".join(lines)
    return f"if {' and '.join(conditions)} then\n  {body}\nend if;" if conditions else body


def object_function(
    name: str, own: Sequence[Node], slots: Slots, nodes: Mapping[int, Node], *, profile: bool = False
) -> str:
    """The function that brings one object up to date.

    It takes and returns the counters, and gives the moment at which the object next changes by the clock.
    """
    return _function(name, own, slots, nodes, [], [node.steps(Mode.TICK) for node in own], profile=profile)


def careful_function(name: str, own: Sequence[Node], slots: Slots, nodes: Mapping[int, Node]) -> str:
    """The same for when that one failed: nothing is computed from rows that come and go in the same tick.

    Deltas are not consolidated as long as nothing depends on it. But an expression may fail for a row that
    no reader could ever see; in Materialize such an error is taken back together with its row.
    """
    read = [nodes[number] for number in sorted(inputs_of(own)) if number in nodes]
    before = [
        Step(node.consolidate(), when=(frozenset({node.number}),))
        for node in read
        if node.has_delta and not node.append_only
    ]
    return _function(name, own, slots, nodes, before, [node.careful_steps() for node in own])


def careful(name: str) -> str:
    """The name of an object's second function."""
    return f"{name}_careful"


def _function(
    name: str,
    own: Sequence[Node],
    slots: Slots,
    nodes: Mapping[int, Node],
    before: Sequence[Step],
    steps: Sequence[Sequence[Step]],
    *,
    profile: bool = False,
) -> str:
    body = [step_text(step, own[0], slots, nodes) for step in before]
    for node, statements in zip(own, steps, strict=True):
        body.append(f"-- {node.number}: {node.title}")
        for position, step in enumerate(statements):
            body.append(step_text(step, node, slots, nodes, position if profile else None))
    dues = [query for node in own if (query := node.due_query()) is not None]
    due = f"least({', '.join(dues)})" if dues else "null"
    text = "\n".join(body)
    return (
        f"create or replace function pg_temp.{name}(inout mz_c bigint[], mz_now_ms bigint, mz_tick_number bigint, out mz_due bigint)\n"
        "language plpgsql as $mzlite$\n#variable_conflict use_column\ndeclare mz_k bigint; mz_t timestamptz;\nbegin\n"
        f"{text}\nmz_due := {due};\nend\n$mzlite$"
    )


def inputs_of(own: Sequence[Node]) -> frozenset[int]:
    """The nodes whose changes give an object something to do: those outside it, its bases, and what may come ahead of a tick."""
    numbers = {node.number for node in own}
    found: set[int] = set()
    ahead: set[int] = set()
    for node in own:
        for step in node.steps(Mode.TICK):
            for group in (*step.when, *step.when_removed, *step.unless_removed):
                found |= group
            if step.ahead:
                ahead.add(node.number)
    from mzlite.dataflow.rules.base import Base

    bases = {node.number for node in own if isinstance(node, Base)}
    return frozenset((found - numbers) | bases | ahead)


def deltas_of(own: Sequence[Node]) -> frozenset[int]:
    """The nodes whose delta tables an object reads in a tick for which messages were decoded ahead."""
    from mzlite.dataflow.rules.base import Base

    # A source's base copies its changes into its store; where nobody else reads them they go there at once.
    readers = [node for node in own if not (isinstance(node, Base) and node.append_only)]
    steps = [step for node in readers for step in node.steps(Mode.TICK) if not step.ahead]
    return frozenset(int(number) for step in steps for number in READ_DELTA.findall(step.sql))


def driver_function(objects: Sequence[tuple[str, str, frozenset[int]]], slots: Slots) -> str:
    """The function that runs a tick.

    Args:
        objects: (object id, function name, its inputs) in dependency order; position i has its due moment in `mz_dues[i + 1]`.
    """
    body = []
    retried = (
        "get stacked diagnostics mz_state = returned_sqlstate, mz_message = message_text; "
        f"if left(mz_state, 2) in {RETRIED_CLASSES} or mz_state in {RETRIED_STATES} then raise; end if;"
    )
    for position, (object_id, name, inputs) in enumerate(objects, start=1):
        body.append(
            f"if mz_dues[{position}] <= mz_now_ms or {changed(slots, inputs)} then\n"
            "  begin\n"
            f"    select r.mz_c, r.mz_due into mz_c, mz_due from pg_temp.{name}(mz_c, mz_now_ms, mz_tick_number) as r;\n"
            f"    mz_dues[{position}] := mz_due;\n"
            "  exception when others then\n"
            f"    {retried}\n"
            "    begin\n"
            f"      select r.mz_c, r.mz_due into mz_c, mz_due"
            f" from pg_temp.{careful(name)}(mz_c, mz_now_ms, mz_tick_number) as r;\n"
            f"      mz_dues[{position}] := mz_due;\n"
            "    exception when others then\n"
            f"      {retried}\n"
            f"      mz_failed := mz_failed || array['{object_id}', mz_state, mz_message];\n"
            "    end;\n"
            "  end;\n"
            "end if;"
        )
    text = "\n".join(body)
    return (
        "create or replace function pg_temp.tick(inout mz_c bigint[], inout mz_dues bigint[], mz_now_ms bigint,"
        " mz_tick_number bigint, out mz_failed text[])\n"
        "language plpgsql as $mzlite$\n#variable_conflict use_column\n"
        "declare mz_due bigint; mz_state text; mz_message text;\nbegin\n"
        f"mz_failed := '{{}}';\n{text}\nend\n$mzlite$"
    )


def clean_function(nodes: Sequence[Node], slots: Slots) -> str:
    """The function that empties the delta tables which the tick filled."""
    body = []
    for node in nodes:
        slot = 2 * slots[node.number]
        # TRUNCATE would have every statement that reads the table planned anew.
        tables = [(node.delta_table, 0)] * node.has_delta + [(node.removed_table, 1)] * node.has_removed
        body += [f"if mz_c[{slot + offset}] > 0 then delete from {table}; end if;" for table, offset in tables]
    text = "\n".join(body)
    return (
        "create or replace function pg_temp.clean(mz_c bigint[]) returns void\n"
        f"language plpgsql as $mzlite$\nbegin\n{text}\nend\n$mzlite$"
    )


def hydrate(own: Sequence[Node], run: Callable[[str], int], now: int, tick: int) -> dict[int, int]:
    """Fills new nodes from all rows of what they read; returns the number of rows each one's delta got.

    Args:
        run: executes a statement and returns its row count.
        now: the transaction's timestamp, ms.
        tick: its number.
    """
    counts: dict[int, int] = {}
    for node in own:
        counts[node.number] = 0
        for step in node.steps(Mode.HYDRATE):
            affected = run(step.sql.replace(NOW, str(now)).replace(TICK, str(tick)))
            if step.counts is not None and "delta" in step.counts:
                counts[node.number] += affected
        if node.has_delta and counts[node.number]:
            run(f"analyze {node.delta_table}")
        if node.has_store and counts[node.number] > 1000:
            run(f"analyze {node.store}")
    return counts
