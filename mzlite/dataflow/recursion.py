"""WITH MUTUALLY RECURSIVE in what is kept: the blocks of a definition as functions of its own.

In: a definition's query with the calls that the dialect made of its blocks (`dialect.recursion`). Out: the query with
calls of functions in mzlite_def in their place. The functions' bodies are parsed when they are made, so that
PostgreSQL knows what they read and renames change nothing. For the binding i of the block b of the object u7:

* the type `r_u7_b_i` is its row, `r_u7_b_i[]` its bag;
* the function `q_u7_b_i` is its query, with the bags of all bindings in reach as parameters;
* the function `f_u7_b_i` evaluates the bindings in turn until nothing changes, and gives the rows of binding i.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mzlite.dataflow.common_types import with_common_types
from mzlite.dataflow.row_types import with_row_types
from mzlite.dataflow.transaction import ENGINE_PATH, EngineTransaction
from mzlite.dialect.recursion import CALL, Block
from mzlite.errors import MzError, unsupported
from mzlite.planner.expressions import literal, quote

SCHEMA = "mzlite_def"
PLANS = "set enable_hashjoin = on set enable_mergejoin = on set enable_seqscan = on set enable_nestloop = on"
"""A tick forbids what small changes do not need; a fixed point is computed from everything."""


@dataclass(frozen=True)
class Bag:
    """A binding's bag as a parameter: `name AS (..)` of the CTE that reads it, its parameter and its row type."""

    binding: str
    columns: tuple[str, ...]
    parameter: str
    row: str

    def cte(self, bag: str | None = None) -> str:
        """The CTE, over the parameter or over another bag."""
        columns = ", ".join(quote(name) for name in self.columns)
        return f"{quote(self.binding)} ({columns}) as (select * from unnest({bag or self.parameter}))"


@dataclass
class Anchor:
    """Makes the functions of one object."""

    tx: EngineTransaction
    owner: str
    made: dict[tuple[Block, tuple[Bag, ...]], str] = field(default_factory=dict)

    def query(self, text: str, around: tuple[Bag, ...] = ()) -> str:
        """The text with its calls replaced; `around` are the bindings of the blocks that it lies in."""
        parts, position = [], 0
        for found in CALL.finditer(text):
            block, wanted = Block.read(found[1])
            place = next(place for place, binding in enumerate(block.bindings) if binding.name == wanted)
            seen = around if found[2] == "$1" else ()
            arguments = ", ".join(bag.parameter for bag in seen)
            parts += [text[position : found.start()], f"{SCHEMA}.f_{self.block(block, seen)}_{place}({arguments})"]
            columns = ", ".join(quote(name) for name in block.bindings[place].columns)
            parts.append(f" as mz_recursion ({columns})")
            position = found.end()
        return "".join([*parts, text[position:]])

    def block(self, block: Block, around: tuple[Bag, ...]) -> str:
        """Makes a block's types and functions once; what their names end with."""
        known = self.made.get((block, around))
        if known is not None:
            return known
        name = f"{self.owner}_{len(self.made)}"
        self.made[block, around] = name
        own = tuple(
            Bag(binding.name, binding.columns, f"mz_{name}_{place}", f"{SCHEMA}.r_{name}_{place}")
            for place, binding in enumerate(block.bindings)
        )
        for bag, binding in zip(own, block.bindings, strict=True):
            pairs = zip(binding.columns, binding.types, strict=True)
            columns = ", ".join(f"{quote(column)} {type_}" for column, type_ in pairs)
            self.tx.execute(f"create type {bag.row} as ({columns})")
        bags = (*around, *own)
        parameters = ", ".join(f"{bag.parameter} {bag.row}[]" for bag in bags)
        for place, (bag, binding) in enumerate(zip(own, block.bindings, strict=True)):
            query = self.in_reach(block, bags, self.query(binding.query, bags))
            query = self.checked(binding.name, binding.types, query, bags)
            names = ", ".join(f"mz_{number}" for number in range(len(binding.columns)))
            casts = ", ".join(f"mz_{number}::{type_}" for number, type_ in enumerate(binding.types))
            self.tx.execute(
                f"create function {SCHEMA}.q_{name}_{place}({parameters}) returns setof {bag.row} language sql stable"
                f" begin atomic select {casts} from ({query}) as mz_q ({names}); end"
            )
        for place in range(len(own)):
            self.tx.execute(self.fixed_point(name, place, block, around, own))
        return name

    def in_reach(self, block: Block, bags: Sequence[Bag], query: str) -> str:
        """A binding's query with the CTEs that it may read before it."""
        latest = {bag.binding: bag.cte() for bag in bags}
        latest |= {name: self.query(text, tuple(bags)) for name, text in block.reach if name not in latest}
        return f"with {', '.join(latest.values())} select * from ({query}) as mz_p"

    def checked(self, name: str, types: Sequence[str], query: str, bags: Sequence[Bag]) -> str:
        """The query with common types where Materialize finds some; raises when it does not give the declared columns."""
        for bag in bags:
            query = re.sub(rf"\b{bag.parameter}\b", f"'{{}}'::{bag.row}[]", query)
        query = with_common_types(self.tx.connection, query)
        given = [column.type for column in self.tx.describe(query)]
        self.tx.execute(
            "select mz_internal.recursion_check(%s, %s::text[], array(select mz_t::regtype::text"
            " from unnest(%s::text[]) with ordinality as t (mz_t, mz_n) order by mz_n))",
            (name, list(types), given),
        )
        for bag in bags:
            query = query.replace(f"'{{}}'::{bag.row}[]", bag.parameter)
        return query

    def fixed_point(self, name: str, place: int, block: Block, around: Sequence[Bag], own: Sequence[Bag]) -> str:
        """DDL of the function that gives the rows of one binding at the fixed point."""
        arguments = ", ".join(bag.parameter for bag in (*around, *own))
        parameters = ", ".join(f"{bag.parameter} {bag.row}[]" for bag in around)
        variables = "\n".join(
            f"{bag.parameter} {bag.row}[] := '{{}}'; fresh_{number} {bag.row}[];" for number, bag in enumerate(own)
        )
        turns = "\n".join(
            f"fresh_{number} := array(select mz_q from {SCHEMA}.q_{name}_{number}({arguments}) as mz_q order by mz_q);\n"
            f"if fresh_{number} is distinct from {bag.parameter} then\n"
            f"  changed := true; {bag.parameter} := fresh_{number};\nend if;"
            for number, bag in enumerate(own)
        )
        size = f"greatest({', '.join(f'cardinality({bag.parameter})' for bag in own)})"
        limit = "null" if block.limit is None else str(block.limit)
        return (
            f"create function {SCHEMA}.f_{name}_{place}({parameters}) returns setof {own[place].row}\n"
            f"language plpgsql stable security definer rows 1000 set search_path = {ENGINE_PATH} {PLANS} as $mzlite$\n"
            f"declare\niteration integer := 0; changed boolean;\n{variables}\nbegin\nloop\n"
            f"iteration := iteration + 1; changed := false;\n{turns}\nexit when not changed;\n"
            f"exit when mz_internal.recursion_limit(iteration, {size}, {limit}, {str(block.returns).lower()});\nend loop;\n"
            f"return query select * from unnest({own[place].parameter});\nend\n$mzlite$"
        )


def anchored(tx: EngineTransaction, owner: str, query: str) -> str:
    """The query with its recursive blocks as functions of the object `owner`; the search path is the client's.

    Where integers with and without sign meet, their common type is written into it, and columns that are rows get a type.

    Raises:
        MzError: a binding's query does not give the declared columns.
    """
    text = Anchor(tx, owner).query(query) if CALL.search(query) else query
    return with_row_types(tx, owner, with_common_types(tx.connection, text))


def recursive_reads(tx: EngineTransaction, owner: str) -> tuple[int, ...]:
    """The oids of the relations that an object's blocks read.

    Raises:
        MzError: they read what no change is known of: the clock, a system relation.
    """
    clock = tx.execute(
        f"select from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = any ({functions_of(owner)})"
        " and d.refobjid in ('mz_catalog.mz_now()'::regprocedure, 'mz_catalog.mz_logical_timestamp()'::regprocedure)"
    ).fetchone()
    if clock is not None:
        raise unsupported(
            "mz_now() inside WITH MUTUALLY RECURSIVE is not supported by mzlite in a maintained view",
            hint="Filter by mz_now() in a view that the recursive query reads, or in a view above it.",
        )
    rows = tx.execute(
        "select distinct c.oid::bigint, n.nspname, c.relname from pg_depend as d"
        " join pg_class as c on c.oid = d.refobjid and c.relkind <> 'c' join pg_namespace as n on n.oid = c.relnamespace"
        " where d.classid = 'pg_proc'::regclass and d.refclassid = 'pg_class'::regclass"
        f" and d.objid = any ({functions_of(owner)}) order by 1"
    ).fetchall()
    for _, schema, name in rows:
        if schema.startswith(("mz_", "pg_", "information_schema")):
            raise unsupported(f"a maintained view over the system relation {schema}.{name} is not supported")
    return tuple(int(row[0]) for row in rows)


def functions_of(owner: str) -> str:
    """SQL of an array of the oids of an object's queries of bindings."""
    return (
        f"array(select oid from pg_proc where pronamespace = '{SCHEMA}'::regnamespace"
        f" and starts_with(proname, {literal(f'q_{owner}_')}))"
    )


def drop_blocks(tx: EngineTransaction, owner: str) -> None:
    """Drops the types and functions of an object, which nothing reads any more."""
    rows = tx.execute(
        f"select string_agg(format('{SCHEMA}.%%I', typname), ', ') from pg_type"
        f" where typnamespace = '{SCHEMA}'::regnamespace and starts_with(typname, %s) and typtype = 'c'",
        (f"r_{owner}_",),
    ).fetchone()
    if rows is not None and rows[0] is not None:
        tx.execute(f"drop type {rows[0]} cascade")


def owner_of(function: str) -> str:
    """The object whose function `f_u7_0_1` is."""
    found = re.fullmatch(r"f_(.+)_\d+_\d+", function)
    if found is None:
        raise MzError(f'function "{function}" does not exist')
    return found[1]
