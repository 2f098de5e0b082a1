"""By what the rows of a join's inputs are found.

In: the conditions of a join and its inputs. Out: for each input the keys that an index is made of, and conditions that
lead to such an index. PostgreSQL refuses to index a value of more than 2,704 bytes, and a text may be longer: values of
such types are found by their hash. So are values that IS NOT DISTINCT FROM compares, which no index serves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mzlite.dataflow.indexes import Describe
from mzlite.dataflow.rel import Rel, node_of
from mzlite.dataflow.rules.keys import hash_of, is_narrow
from mzlite.dataflow.rules.winners import Winners
from mzlite.planner.expressions import (
    Node,
    aliases,
    equality_sides,
    expression,
    quote,
    reference,
    same_sides,
    sql,
)

Groups = dict[tuple[str, str], list[tuple[str, str]]]
"""For each two inputs the SQL of what is equal on both sides."""


@dataclass(frozen=True)
class Lookups:
    """How the inputs of a join meet.

    Attributes:
        conditions: those of the join, with the equality of hashes that goes with each IS NOT DISTINCT FROM.
        keyed: the same, with an equality of hashes in place of an equality of values that may be too wide for an index.
        hashes: SQL of these. They follow from the conditions; a tick needs them to choose the index. Elsewhere they
            only mislead: PostgreSQL would take them for independent of the equalities.
        wide: SQL of their sides.
    """

    conditions: Sequence[Node]
    keyed: Sequence[Node]
    hashes: Sequence[str]
    wide: frozenset[str]

    def keys_of(self, alias: str) -> list[list[Node]]:
        """For each other input: the expressions of this one that conditions equate with it."""
        groups: dict[str, list[Node]] = {}
        for part in self.keyed:
            sides = equality_sides(part)
            if sides is None:
                continue
            for own, other in (sides, sides[::-1]):
                others = aliases(other)
                if aliases(own) == {alias} and len(others) == 1 and alias not in others:
                    groups.setdefault(others.pop(), []).append(own)
        distinct = {tuple(sorted(sql(key) for key in group)): group for group in groups.values()}
        return list(distinct.values())

    def pairs(self, left: str, right: str) -> list[tuple[str, str]]:
        """(left SQL, right SQL) of each equality between two inputs."""
        found = []
        for part in self.keyed:
            sides = equality_sides(part)
            for own, other in (sides, sides[::-1]) if sides is not None else ():
                if aliases(own) == {left} and aliases(other) == {right}:
                    found.append((sql(own), sql(other)))
                    break
        return found

    def is_of_columns(self, key: Node) -> bool:
        """Whether a key is a column, or the hash of columns whose values may be wide."""
        if reference(key) is not None:
            return True
        return sql(key) in self.wide and all(reference(item) is not None for item in key.args[0].args)


def lookups(on: Sequence[Node], inputs: Mapping[str, Rel], describe: Describe) -> Lookups:
    """How inputs, by their aliases, meet under these conditions."""
    same: Groups = {}
    wide: Groups = {}
    narrow: Groups = {}
    others = []
    for part in on:
        nullable = same_sides(part)
        pair = _between(nullable or equality_sides(part), inputs)
        types = {_type_of(side, inputs, describe) for side in pair or ()}
        is_wide = nullable is None and len(types) == 1 and not is_narrow(min(types))
        if pair is not None and is_wide:
            _add(wide, pair)
        else:
            others.append(part)
        # What is computed is stored first, where such a condition reads it.
        if pair is not None and not is_wide and len(types) == 1 and None not in map(reference, pair):
            _add(narrow if nullable is None else same, pair)
    for met, pairs in narrow.items():
        ordered = _by_winners(met, pairs, inputs) if met not in wide else None
        if ordered is not None:
            wide[met] = ordered
            others = [part for part in others if _texts(part, inputs) not in pairs]
    always, hashes = ([_equality(texts) for texts in groups.values()] for groups in (same, wide))
    nodes = [expression(text) for text in always]
    added = [expression(text) for text in hashes]
    sides_of = [side for node in added if (side := equality_sides(node)) is not None]
    return Lookups(
        [*on, *nodes],
        [*others, *nodes, *added],
        hashes,
        frozenset(sql(side) for pair in sides_of for side in pair),
    )


def _by_winners(
    met: tuple[str, str], pairs: Sequence[tuple[str, str]], inputs: Mapping[str, Rel]
) -> list[tuple[str, str]] | None:
    """The pairs in the order of the keys of winners (DISTINCT ON), if one of both inputs has a row for each of these keys.

    Winners are found by the hash of their keys: by the same index then.
    """
    for side, alias in enumerate(met):
        rel, node = inputs[alias], node_of(inputs[alias])
        if isinstance(node, Winners):
            texts = {rel.stored(column.name): f"{quote(alias)}.{quote(column.name)}" for column in rel.columns}
            keys = [texts.get((node.store, key.name), "") for key in node.keys]
            if sorted(keys) == sorted(pair[side] for pair in pairs):
                return sorted(pairs, key=lambda pair: keys.index(pair[side]))
    return None


def _between(sides: tuple[Node, Node] | None, inputs: Mapping[str, Rel]) -> tuple[Node, Node] | None:
    """Both sides in the order of their aliases, if each reads one input. What a table function yields is looked up nowhere."""
    if sides is None:
        return None
    read = [aliases(side) for side in sides]
    if any(len(found) != 1 or not found <= inputs.keys() for found in read) or read[0] == read[1]:
        return None
    return sides if min(read[0]) < min(read[1]) else (sides[1], sides[0])


def _type_of(side: Node, inputs: Mapping[str, Rel], describe: Describe) -> str:
    """The type of one side, without its modifier; strings of any length are compared as texts."""
    found = reference(side)
    if found is not None:
        name = inputs[found[0]].type_of(found[1])
    else:
        alias = next(iter(aliases(side)))
        name = describe(f"select {sql(side)} as a from ({inputs[alias].state()}) as {quote(alias)}")[0].type
    name = name.partition("(")[0]
    return "text" if name == "character varying" else name


def _add(groups: Groups, pair: tuple[Node, Node]) -> None:
    first, second = (min(aliases(side)) for side in pair)
    groups.setdefault((first, second), []).append((_text(pair[0]), _text(pair[1])))


def _texts(part: Node, inputs: Mapping[str, Rel]) -> tuple[str, str] | None:
    """An equality as it stands in a group."""
    pair = _between(equality_sides(part), inputs)
    return None if pair is None else (_text(pair[0]), _text(pair[1]))


def _text(side: Node) -> str:
    found = reference(side)
    return sql(side) if found is None else f"{quote(found[0])}.{quote(found[1])}"


def _equality(pairs: Sequence[tuple[str, str]]) -> str:
    """The hashes of two rows of values are equal."""
    return " = ".join(hash_of(side) for side in zip(*pairs, strict=True))
