"""What a group's row carries for each aggregate, and how the result is read from it.

In: an aggregate call. Out: its accumulator columns (how a change is added) and the SQL of its
result. Sums of floating point numbers are kept in fixed point with 24 binary digits after the
point, as Materialize does, so that what was added can be taken away exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from mzlite.dataflow.rel import total
from mzlite.dataflow.rules.counted import Place, Values
from mzlite.planner.expressions import quote

Reader = Callable[[str], str]
"""Gives the SQL that reads a column of a group's row."""

FLOATS = frozenset({"real", "double precision"})
FIXED_POINT = "16777216"
"""2^24."""
TIMES = "\x00"
"""Stands for a row's multiplicity in the SQL of its contribution; no SQL has this character, unlike braces."""


@dataclass(frozen=True)
class Call:
    """An aggregate call.

    Attributes:
        name: of its output column.
        function: count, sum, avg, min, max, bool_and, bool_or, every.
        argument: SQL over the input's alias; None for count(*).
        condition: SQL of its FILTER; None without.
        type: PostgreSQL type of the result.
        argument_type: of the argument; empty for count(*).
    """

    name: str
    function: str
    argument: str | None
    condition: str | None
    distinct: bool
    type: str
    argument_type: str

    @property
    def is_extreme(self) -> bool:
        """MIN or MAX."""
        return self.function in ("min", "max")

    @property
    def value(self) -> str:
        """SQL of the value that counts for a row, null where the FILTER keeps the row out."""
        argument = self.argument if self.argument is not None else "1"
        return f"case when {self.condition} then {argument} end" if self.condition is not None else argument

    def column(self, part: str) -> str:
        """The name of one of its accumulators."""
        return f"{self.name}_{part}"

    def result(self, read: Reader) -> str:
        """SQL of the aggregate's value."""
        count = read(self.column("n"))
        if self.function == "count":
            return count
        if self.is_extreme:
            return read(self.column("value"))
        if self.function in ("bool_and", "every"):
            return f"case when {count} > 0 then {read(self.column('false'))} = 0 end"
        if self.function == "bool_or":
            return f"case when {count} > 0 then {read(self.column('true'))} > 0 end"
        summed = self.float_total(read) if self.argument_type in FLOATS else read(self.column("sum"))
        if self.function == "sum":
            return f"case when {count} > 0 then ({summed})::{self.type} end"
        if self.argument_type not in (*FLOATS, "interval"):
            # The scale that retracted values left behind must not show in the quotient. The dialect writes quotients of sums in
            # place of avg(); what still calls PostgreSQL's gets its digits.
            return f"case when {count} > 0 then numeric_div(trim_scale({summed}::numeric), {count})::{self.type} end"
        return f"case when {count} > 0 then ({summed} / {count})::{self.type} end"

    def float_total(self, read: Reader) -> str:
        """SQL of a floating point sum from its fixed point part and the counts of what is not finite."""
        nan, plus, minus = (read(self.column(part)) for part in ("nan", "plus", "minus"))
        finite = f"numeric_div({read(self.column('sum'))}, {FIXED_POINT})::double precision"
        return (
            f"case when {nan} > 0 or ({plus} > 0 and {minus} > 0) then 'NaN'::double precision"
            f" when {plus} > 0 then 'Infinity'::double precision when {minus} > 0 then '-Infinity'::double precision"
            f" else {finite} end"
        )


@dataclass(frozen=True)
class Accumulator:
    """One column of a group's row.

    Attributes:
        change: SQL of a row's contribution, given the SQL of its multiplicity.
        zero: SQL of no contribution.
        combine: "sum", "least" or "greatest": how contributions come together.
        values: where it comes from values per group instead of rows.
        lookup: for an extreme over values: the subquery that finds it, given the SQL of the group's keys.
        gone: for an extreme over values: the accumulator of the values that left.
        passing: only looked at while the change is added, and never set in a group that is there.
    """

    name: str
    type: str
    change: Callable[[str], str]
    zero: str
    combine: str = "sum"
    values: Values | None = None
    lookup: Callable[[Sequence[str]], str] | None = None
    gone: str | None = None
    passing: bool = False

    def total(self, column: str) -> str:
        """SQL that brings the contributions to one group together."""
        if self.combine == "sum":
            return total(column) if self.type == "bigint" else f"sum({column})::{self.type}"
        return f"{'min' if self.combine == 'least' else 'max'}({column})"

    def combined(self, keys: Sequence[str]) -> str:
        """SQL of the new value of a group `g` to which `d` is added."""
        name = quote(self.name)
        if self.combine == "sum" and self.type == "numeric":
            # A sum keeps all its digits, the operator + does not.
            return f"numeric_add(g.{name}, d.{name})"
        if self.combine == "sum":
            return f"g.{name} + d.{name}"
        best = f"{self.combine}(g.{name}, d.{name})"
        if self.lookup is None or self.gone is None:
            return best
        # Unless the extreme itself, or one that equals it, has left, the next one need not be looked for.
        gone = f"d.{quote(self.gone)}"
        harmless = f"{gone} {'>' if self.combine == 'least' else '<'} g.{name}"
        return (
            f"case when {gone} is null or {harmless} then {best} else {self.lookup([f'g.{key}' for key in keys])} end"
        )

    def assign(self, keys: Sequence[str]) -> str | None:
        """The SET item of the update."""
        return None if self.passing else f"{quote(self.name)} = {self.combined(keys)}"

    def unchanged(self, keys: Sequence[str]) -> str | None:
        """A condition of the update: the change leaves it as it is."""
        if self.passing:
            return None
        if self.combine == "sum":
            return f"d.{quote(self.name)} = {self.zero}"
        return f"{self.combined(keys)} is not distinct from g.{quote(self.name)}"


def accumulators_of(call: Call, place: Place | None, append_only: bool) -> tuple[Accumulator, ...]:
    """The accumulators of a call; `place` where it aggregates the distinct values per group."""
    if call.is_extreme:
        return extreme(call, place, append_only)
    value = call.value if place is None else place.value
    present = f"({value}) is not null"
    counted: list[tuple[str, str, str]] = [("n", "bigint", f"case when {present} then {TIMES} else 0 end")]
    if call.function == "count" and call.argument is None and call.condition is None:
        counted = [("n", "bigint", TIMES)]
    if call.function in ("bool_and", "every"):
        counted.append(("false", "bigint", f"case when not ({value}) then {TIMES} else 0 end"))
    if call.function == "bool_or":
        counted.append(("true", "bigint", f"case when {value} then {TIMES} else 0 end"))
    if call.function in ("sum", "avg"):
        counted += sums(call, value)
    values = place.values if place is not None else None
    return tuple(
        Accumulator(call.column(part), type_, partial(text.replace, TIMES), zero(type_), values=values)
        for part, type_, text in counted
    )


def zero(type_: str) -> str:
    """Nothing, in a type."""
    return "interval '0'" if type_ == "interval" else f"0::{type_}"


def sums(call: Call, value: str) -> list[tuple[str, str, str]]:
    """The accumulators of a sum: (part, type, SQL with TIMES for the multiplicity)."""
    if call.argument_type == "interval":
        return [("sum", "interval", f"coalesce(({value}) * {TIMES}, interval '0')")]
    if call.argument_type not in FLOATS:
        return [("sum", "numeric", f"coalesce(numeric_mul(({value})::numeric, {TIMES}), 0)")]
    real = f"({value})::double precision"
    finite = f"{real} not in ('NaN', 'Infinity', '-Infinity')"
    # A bigint holds the scaled value exactly; a cast from double precision to numeric would keep 15 digits only.
    scaled = f"trunc({real} * {FIXED_POINT})"
    exact = f"case when abs({real}) < 5e11 then {scaled}::bigint::numeric else {scaled}::numeric end"
    parts = [("sum", "numeric", f"case when {finite} then numeric_mul({exact}, {TIMES}) else 0 end")]
    for part, special in (("nan", "NaN"), ("plus", "Infinity"), ("minus", "-Infinity")):
        parts.append((part, "bigint", f"case when {real} = '{special}' then {TIMES} else 0 end"))
    return parts


def extreme(call: Call, place: Place | None, append_only: bool) -> tuple[Accumulator, ...]:
    """MIN and MAX: the best so far where rows only come; else of the group's values, found by index when the best one leaves."""
    largest = call.function == "max"
    name, none = call.column("value"), f"null::{call.type}"
    combine = "greatest" if largest else "least"
    if place is None:
        assert append_only
        return (Accumulator(name, call.type, lambda _: call.value, none, combine),)
    values, value, gone = place.values, place.value, call.column("gone")

    def came(times: str) -> str:
        return f"case when {times} > 0 then {value} end"

    def left(times: str) -> str:
        return f"case when {times} < 0 then {value} end"

    def lookup(keys: Sequence[str]) -> str:
        return values.extreme(place.column, keys, largest=largest)

    return (
        Accumulator(name, call.type, came, none, combine, values, lookup, gone),
        Accumulator(gone, call.type, left, none, combine, values, passing=True),
    )
