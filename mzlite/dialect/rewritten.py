"""Calls that PostgreSQL is given in another form, because its function of that name computes another value.

In: a function's name and the texts of its parts. Out: the text of the form that computes Materialize's value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

WRAPPED_ARGUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "concat": "mz_internal.as_text",
        "concat_ws": "mz_internal.as_text",
        "jsonb_agg": "mz_internal.in_json",
        "jsonb_build_array": "mz_internal.in_json",
        "jsonb_build_object": "mz_internal.in_json",
        "jsonb_object_agg": "mz_internal.in_json",
        "to_jsonb": "mz_internal.in_json",
    }
)
"""Functions of arguments of any type, with the function that gives each argument's text or JSON."""

WITHOUT_NULL_KEYS = frozenset(["jsonb_object_agg", "map_agg"])
"""Aggregates of keys and values that leave out what has no key."""

EMPTY_WITHOUT_VALUES = frozenset(["array_agg", "jsonb_agg", "jsonb_object_agg", "list_agg", "map_agg"])
"""Aggregates that are empty, not null, where there are rows and FILTER (or null keys) leaves out all of them;
mz_internal has a function of each name that says so."""

ORDERED_BY_VALUE = frozenset(["array_agg", "jsonb_agg", "jsonb_object_agg", "list_agg", "map_agg", "string_agg"])
"""Aggregates whose value depends on the order of the rows, which is that of their arguments where it is left open."""

QUOTIENTS_OF_SUMS = frozenset(["avg", "stddev", "stddev_pop", "stddev_samp", "var_pop", "var_samp", "variance"])
"""Aggregates that Materialize computes from sums and a count; mz_internal has a function of each name that divides."""


ROWS_BY_WIDTH = frozenset(["csv_extract", "regexp_extract"])
"""Table functions whose first argument says how many columns they have."""
_WIDEST = 40
_GROUP = re.compile(r"\\.|\[[^]]*\]|\((?!\?)|\(\?P?<[a-zA-Z]")


def width_of_rows(name: str, argument: str) -> int | None:
    """How many columns csv_extract(number, ..) or regexp_extract(pattern, ..) yields; None if that cannot be said.

    >>> width_of_rows("csv_extract", "3"), width_of_rows("regexp_extract", "(a)[(](?:b)(c)")
    (3, 2)
    """
    if name == "csv_extract":
        width = int(argument) if argument.isdigit() else 0
    else:
        width = sum(found.startswith("(") for found in _GROUP.findall(argument))
    return width if 0 < width <= _WIDEST else None


def quotient_of_sums(name: str, value: str, order: str, rest: str, *, distinct: bool) -> str:
    """The call that gives an aggregate's value.

    Args:
        name: the aggregate.
        value: its argument.
        order: what stands after ORDER BY among the arguments.
        rest: what follows its parentheses: FILTER and OVER.
        distinct: only different values count.

    >>> quotient_of_sums("avg", "v", "", " filter (where b)", distinct=False)
    'mz_internal.avg(sum(v) filter (where b), count(v) filter (where b))'
    """
    before = "distinct " if distinct else ""
    after = (f" order by {order}" if order and not distinct else "") + ")" + rest
    if name == "avg":
        return f"mz_internal.avg(sum({before}{value}{after}, count({before}{value}{after})"
    promoted = f"mz_unsafe.mz_avg_promotion({value})"
    sums = (f"sum({before}{promoted} * {promoted}{after}", f"sum({before}{promoted}{after}")
    return f"mz_internal.{name}({', '.join(sums)}, count({before}{value}{after})"


ROW_ORDER = frozenset(["<", "<=", ">", ">="])
"""Comparisons of rows that go column by column."""


def row_comparison(operator: str, left: list[str], right: list[str]) -> str:
    """Two rows compared column by column, each with the operator of its type.

    PostgreSQL shows the comparison of rows in a view with the first column's operator for all, and cannot read that.

    >>> row_comparison("<=", ["a", "b"], ["c", "d"])
    '((a) < (c) or ((a) = (c) and (b) <= (d)))'
    """
    first, other = f"({left[0]})", f"({right[0]})"
    if len(left) == 1:
        return f"{first} {operator} {other}"
    return f"({first} {operator[0]} {other} or ({first} = {other} and {row_comparison(operator, left[1:], right[1:])}))"


SHIFTS = frozenset(["lag", "lead"])
"""Window functions that can look past nulls, which PostgreSQL's cannot."""


def shift_over_values(name: str, arguments: list[str], window: str) -> str | None:
    """LAG or LEAD .. IGNORE NULLS as aggregates over the rows before or behind; None if the offset is no number.

    Args:
        name: which of the two.
        arguments: the value, and perhaps the offset and the default.
        window: what stands between the parentheses after OVER.

    >>> shift_over_values("lag", ["v"], "order by k").removeprefix("mz_internal.lag(")
    'mz_internal.last_value_of(v) over (order by k rows between unbounded preceding and 1 preceding))'
    """
    value, offset, *default = [*arguments, "1"] if len(arguments) == 1 else arguments
    if not offset.strip().isdigit() or int(offset) == 0:
        return None
    bounds = "unbounded preceding and 1 preceding" if name == "lag" else "1 following and unbounded following"
    over = f"over ({window} rows between {bounds})"
    if int(offset) == 1:
        shifted = f"mz_internal.{'last' if name == 'lag' else 'first'}_value_of({value}) {over}"
    else:
        values = f"array_agg({value}) filter (where {value} is not null) {over}"
        shifted = f"mz_internal.{'from_end' if name == 'lag' else 'from_start'}({values}, {int(offset)})"
    return f"mz_internal.{name}({', '.join([shifted, *default])})"
