"""The maintained objects and their nodes, in dependency order.

In: objects as they are made, attached again or dropped. Out: look-ups by id and oid, the
counters' places, and who depends on whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import psycopg

from mzlite.dataflow.node import Node
from mzlite.dataflow.program import deltas_of, inputs_of
from mzlite.dataflow.rel import Column, Rel
from mzlite.dataflow.rules.base import Base

Kind = Literal["table", "source", "generated", "view", "materialized-view", "subscription"]


@dataclass
class MaintainedObject:
    """An object whose rows are kept up to date.

    Attributes:
        id: as in the catalog ("u7"); of its own for subscriptions and shared views.
        relation: oid of the relation that clients see; 0 for a subscription.
        definition: oid of the view that recomputes it; 0 for a table or source.
        nodes: its nodes in order.
        rel: how it is read.
        reads: ids of the maintained objects that it reads directly.
        error: SQLSTATE and message while its rows cannot be computed.
        function: name of its function in the tick.
        inputs: the nodes of others, and its bases, whose changes give it something to do.
        numbers: these and its own nodes: whose changed rows it works through.
        passed_on: for each of its nodes with further temporary tables, the nodes whose changed rows go through them.
    """

    id: str
    kind: Kind
    relation: int
    definition: int
    nodes: list[Node]
    rel: Rel
    reads: frozenset[str] = frozenset()
    error: tuple[str, str] | None = None
    function: str = field(init=False)
    inputs: frozenset[int] = field(init=False, default=frozenset())
    deltas: frozenset[int] = field(init=False, default=frozenset())
    numbers: frozenset[int] = field(init=False, default=frozenset())
    passed_on: dict[int, frozenset[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.function = f"tick_{self.id}"
        self.refresh()

    def refresh(self) -> None:
        """Recomputes what is derived from the nodes."""
        self.inputs = inputs_of(self.nodes)
        self.deltas = deltas_of(self.nodes)
        self.numbers = self.inputs.union(node.number for node in self.nodes)
        self.passed_on = {node.number: numbers for node in self.nodes if (numbers := node.passes_on())}

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns with their types."""
        return self.rel.columns

    @property
    def has_inbox(self) -> bool:
        """Its rows are written into an inbox, by clients or by a load generator."""
        return self.kind in ("table", "generated")

    @property
    def base(self) -> Base:
        """The node of a table or source."""
        node = self.nodes[0]
        assert isinstance(node, Base)
        return node


def evaluation_error(message: str) -> tuple[str, str]:
    """SQLSTATE and message of an object whose rows cannot be computed, from PostgreSQL's message."""
    return "XX000", f"Evaluation error: {message.removeprefix('Evaluation error: ')}"


def is_of_rows(error: psycopg.Error) -> bool:
    """Whether an expression has failed for a row: not a statement that is wrong, and not the machine."""
    sqlstate = error.sqlstate or ""
    # Functions raise what PostgreSQL has no SQLSTATE for; its own XX000 would be a defect.
    raised = sqlstate == "XX000" and error.diag.source_function == "exec_stmt_raise"
    # Not a feature that is missing, though PostgreSQL calls it so.
    binned = sqlstate == "0A000" and (error.diag.message_primary or "").startswith("timestamps cannot be binned")
    return raised or binned or sqlstate[:2] in ("21", "22", "P0")


class Graph:
    """All maintained objects of a database."""

    def __init__(self) -> None:
        self._objects: dict[str, MaintainedObject] = {}
        self._slots: dict[int, int] = {}

    def copy(self) -> Graph:
        """A copy that shares the objects, to go back to when a transaction fails."""
        other = Graph()
        other._objects = dict(self._objects)
        other._slots = dict(self._slots)
        return other

    def __iter__(self) -> Iterator[MaintainedObject]:
        """The objects, each after those it reads."""
        return iter(list(self._objects.values()))

    def __contains__(self, object_id: str) -> bool:
        return object_id in self._objects

    def __getitem__(self, object_id: str) -> MaintainedObject:
        return self._objects[object_id]

    def get(self, object_id: str) -> MaintainedObject | None:
        """The object of that id, if it is maintained."""
        return self._objects.get(object_id)

    def by_relation(self, relation: int) -> MaintainedObject | None:
        """The object whose visible relation has that oid."""
        return next((item for item in self._objects.values() if item.relation == relation), None)

    def add(self, item: MaintainedObject) -> None:
        """Takes an object in, or in again after its nodes changed."""
        item.refresh()
        self._objects[item.id] = item
        for node in item.nodes:
            self._slots.setdefault(node.number, len(self._slots) + 1)

    def remove(self, object_id: str) -> MaintainedObject:
        """Takes an object out; its counters' places stay unused until the next start."""
        return self._objects.pop(object_id)

    @property
    def slots(self) -> dict[int, int]:
        """Node number -> place of its counters."""
        return self._slots

    def nodes(self) -> dict[int, Node]:
        """All nodes by number."""
        return {node.number: node for item in self._objects.values() for node in item.nodes}

    def readers(self, object_id: str) -> list[MaintainedObject]:
        """All objects that read the given one, directly or not, in dependency order."""
        found = {object_id}
        result = []
        for item in self._objects.values():
            if item.reads & found:
                found.add(item.id)
                result.append(item)
        return result
