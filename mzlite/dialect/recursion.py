"""WITH MUTUALLY RECURSIVE as PostgreSQL is given it.

In: the bindings of one block in PostgreSQL's spelling, and the CTEs that are in reach of them. Out: ordinary CTEs, one
for each binding, that call `mz_internal.recursive` with a description of the whole block. PostgreSQL's own WITH
RECURSIVE cannot stand in: it knows no mutual recursion and no aggregates, and adds to a result instead of computing
it anew. Whoever keeps such a query (`dataflow.recursion`) finds the calls again by `CALL` and replaces them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mzlite.dialect.stream import quote_identifier

CALL = re.compile(r"mz_internal\.recursive\('([^']*)', (null|\$1)\) AS mz_recursion \([^\n]*?\) /\*recursive\*/")
"""A call in a query's text; the groups are the description and what it is told of the bindings around it."""
_STATE = {False: "null", True: "$1"}


@dataclass(frozen=True)
class Binding:
    """One binding: its name, the declared columns with their types, and its query."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    query: str


@dataclass(frozen=True)
class Block:
    """One WITH MUTUALLY RECURSIVE.

    Attributes:
        reach: the CTEs around it, name and `name AS (..)`, which its queries may read.
        limit: of the number of iterations; None for none.
        returns: whether the state at the limit is the result, and not an error.
    """

    bindings: tuple[Binding, ...]
    reach: tuple[tuple[str, str], ...]
    limit: int | None
    returns: bool

    @classmethod
    def read(cls, description: str) -> tuple[Block, str]:
        """The block, and the name of the binding that is wanted, from the description in a call."""
        data: dict[str, Any] = json.loads(description)
        bindings = tuple(
            Binding(item["name"], tuple(item["columns"]), tuple(item["types"]), item["query"])
            for item in data["bindings"]
        )
        reach = tuple((name, text) for name, text in data["reach"])
        return cls(bindings, reach, data["limit"], data["returns"]), data["wanted"]

    def ctes(self, *, inside: bool) -> list[tuple[str, str]]:
        """The CTEs that stand for the bindings, each with its name; `inside` a binding of another block or not."""
        found = []
        for binding in self.bindings:
            description = json.dumps({"wanted": binding.name, **asdict(self)}).replace("'", "\\u0027")
            names = [quote_identifier(name) for name in binding.columns]
            typed = ", ".join(f"{name} {type_}" for name, type_ in zip(names, binding.types, strict=True))
            call = f"mz_internal.recursive('{description}', {_STATE[inside]}) AS mz_recursion ({typed}) /*recursive*/"
            name = quote_identifier(binding.name)
            found.append((binding.name, f"{name} ({', '.join(names)}) AS (SELECT * FROM {call})"))
        return found


def limit_of(options: Mapping[str, object]) -> tuple[int | None, bool]:
    """The limit that the options state, and whether the result is returned there."""
    for name, value in options.items():
        return (value if isinstance(value, int) else int(str(value))), name.startswith("RETURN")
    return None, False


def in_reach(ctes: Sequence[tuple[str, str]], hidden: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Those CTEs that no inner name hides, each once."""
    latest = {name: text for name, text in ctes if name not in hidden}
    return tuple(latest.items())
