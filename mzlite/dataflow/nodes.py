"""The nodes of one object while it is built: their tables, their indexes, and what makes a relation readable.

In: nodes, and relations that a rule wants to read in a way that they do not offer. Out: the nodes with their tables, and
relations whose rows are stored or whose changes are written down.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from mzlite.dataflow.indexes import Describe, hash_index
from mzlite.dataflow.node import Node
from mzlite.dataflow.rel import MapRel, NodeRel, Rel, UnionRel, is_plain, is_stored, node_of
from mzlite.dataflow.rules.counted import Counted
from mzlite.dataflow.rules.join import Join
from mzlite.dataflow.rules.outer_join import OuterJoin
from mzlite.dataflow.rules.share import Share
from mzlite.dataflow.rules.store import Store, row_index
from mzlite.errors import MzError
from mzlite.planner.expressions import column

Execute = Callable[[str], None]
"""Runs a DDL statement."""
Stores = Mapping[str, AbstractSet[str]]
"""The names of the columns of each store, by the store's qualified name."""


@dataclass
class Nodes:
    """The nodes of one object, as they are made.

    Attributes:
        owner: the object's id.
        numbers: where node numbers come from: fresh ones, or those of an existing object in their order.
        stores: those that exist, where the object is attached again after a restart; None where it is made.
        indexes: the statements of those that `finish` makes.
    """

    owner: str
    numbers: Iterator[int]
    describe: Describe
    execute: Execute
    stores: Stores | None
    nodes: list[Node] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        """Whether stores and indexes are to be made."""
        return self.stores is None

    def add(self, node: Node) -> NodeRel:
        """Takes a node in and makes its tables.

        Raises:
            MzError: the store of an existing one was made by a version that kept something else in it.
        """
        if node.has_store and self.stores is not None:
            stored = self.stores.get(node.store)
            if stored is None:
                raise MzError(f"the store of its {node.title.lower()} is missing")
            node.adopt(stored)
            if stored != {column.name for column in node.state_columns()}:
                raise MzError(f"the store of its {node.title.lower()} has other columns")
        statements = [*(node.store_statements() if self.is_new else ()), *node.session_statements()]
        for statement in statements:
            self.execute(statement)
        if self.is_new:
            self.indexes += node.index_statements()
        self.nodes.append(node)
        return NodeRel(node, foreign=False)

    def number(self) -> int:
        """The next node's number.

        Raises:
            MzError: an existing object has fewer nodes than its definition needs now.
        """
        number = next(self.numbers, None)
        if number is None:
            raise MzError("its definition needs more nodes than it has")
        return number

    def was_stored(self) -> bool:
        """Whether an earlier version made a bag's store at this place of an existing object: it goes on being kept."""
        number = next(self.numbers, None) if self.stores is not None else None
        if number is None:
            return False
        self.numbers = itertools.chain([number], self.numbers)
        assert self.stores is not None
        return "mz_hash" in self.stores.get(f"mzlite_data.n_{number}", ())

    def index(self, statement: str | None) -> None:
        """Makes an index, if there is anything to index and this object is new."""
        if statement is not None and self.is_new:
            self.indexes.append(statement)

    def lookup_index(self, rel: Rel, alias: str, keys: Sequence[str]) -> None:
        """Makes an index by the hash of columns; by the same one a store without another such index finds the rows that leave it."""
        node = node_of(rel)
        places = [rel.stored(name) for name in keys]
        columns = tuple(place[1] for place in places if place is not None)
        if not isinstance(node, Store) or node.append_only or node.found_by not in ((), columns):
            self.index(hash_index(rel, alias, [column(alias, name) for name in keys]))
            return
        node.found_by = columns
        if self.is_new:
            if (own := row_index(node)) in self.indexes:
                self.indexes.remove(own)
            self.indexes += [node.shared_index(columns), f"drop index if exists mzlite_data.n_{node.number}_hash"]

    def finish(self) -> None:
        """Makes the indexes, when the stores are filled."""
        for statement in self.indexes:
            self.execute(statement)
        self.indexes.clear()

    def keep(self, rel: Rel) -> NodeRel:
        """The relation's rows in a store of their own."""
        if isinstance(rel, NodeRel) and rel.node.has_store and readable_before(rel) and not rel.foreign:
            return rel
        source = rel if is_plain(rel) else self.written(rel)
        return self.add(Store(self.number(), self.owner, source))

    def written(self, rel: Rel) -> NodeRel:
        """The relation with its delta written down."""
        if isinstance(rel, NodeRel):
            return rel
        return self.add(Share(self.number(), self.owner, rel))

    def once(self, rel: Rel) -> Rel:
        """The relation, written down if it is read more than once and not free to read."""
        return rel if isinstance(rel, NodeRel) or is_plain(rel) else self.written(rel)


def readable_before(rel: Rel) -> bool:
    """Whether the rows before a tick can be read apart from those after it."""
    match rel:
        case NodeRel():
            node = rel.node
            if isinstance(node, Share):
                return readable_before(node.source)
            return not isinstance(node, (Join, OuterJoin, Counted))
        case MapRel():
            return readable_before(rel.source)
        case UnionRel():
            return all(readable_before(source) for source in rel.sources)
    return True


def computed_by(rel: Rel) -> str | None:
    """The id of the object that computes a relation's rows whenever they are read, although it could store them."""
    while isinstance(rel, MapRel):
        rel = rel.source
    if not isinstance(rel, NodeRel):
        return None
    if isinstance(rel.node, Share):
        return computed_by(rel.node.source)
    is_computed = rel.foreign and isinstance(rel.node, OuterJoin) and rel.node.is_cheap_to_read
    return rel.node.owner if is_computed else None


def looked_up(rel: Rel, names: Sequence[str]) -> tuple[Rel, list[str]] | None:
    """The relation by whose store, and by which columns of it, rows with certain values are found; None if there is none."""
    if is_stored(rel):
        return rel, list(names)
    plain = list(names)
    if is_plain(rel):
        assert isinstance(rel, MapRel)
        source_of = {column.name: source for column, source in zip(rel.columns, rel.plain, strict=True)}
        plain = [source_of[name] or "" for name in names]
    node = node_of(rel)
    found = node.looked_up(plain) if isinstance(node, OuterJoin) else None
    return found if found is not None and is_stored(found[0]) else None


def as_foreign(rel: Rel) -> Rel:
    """The relation as other objects read it."""
    match rel:
        case NodeRel():
            return NodeRel(rel.node, foreign=True)
        case MapRel():
            return replace(rel, source=as_foreign(rel.source))
        case UnionRel():
            return UnionRel(tuple(as_foreign(source) for source in rel.sources), rel.columns)
    return rel
