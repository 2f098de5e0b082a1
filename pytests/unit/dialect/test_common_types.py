"""Where unsigned and signed integers meet: the cast that is tried next."""

from __future__ import annotations

import pytest

from mzlite.dialect.common_types import mixes, query_in, widened, with_query
from mzlite.dialect.parse import parse
from mzlite.dialect.statements import Relayed


@pytest.mark.parametrize(
    ("marked", "message", "mended"),
    [
        ("coalesce(n, ^0)", "COALESCE could not convert type integer to uint4", "coalesce(n, (0)::pg_catalog.int8)"),
        ("coalesce(s, ^n)", "COALESCE could not convert type uint2 to smallint", "coalesce(s, (n)::pg_catalog.int4)"),
        ("case when b then n else (^a + 1) * 2 end", "CASE/WHEN could not convert type bigint to uint8",
         "case when b then n else ((a + 1) * 2)::pg_catalog.numeric end"),
        ("array[n, ^-1]", "ARRAY could not convert type integer to mz_catalog.uint8",
         "array[n, (-1)::pg_catalog.numeric]"),
        ("greatest(n, ^coalesce(i, n) + i)", "GREATEST could not convert type integer to uint4",
         "greatest(n, (coalesce(i, n) + i)::pg_catalog.int8)"),
        ("n union select ^0", "UNION could not convert type integer to uint4",
         'n union select (0)::pg_catalog.int8 as "?column?"'),
        ("^0 as x except (select n)", "EXCEPT could not convert type integer to uint4",
         "(0)::pg_catalog.int8 as x except (select n)"),
        # Nothing that a cast would help, or no place for one.
        ("coalesce(n, ^0)", "COALESCE could not convert type integer to text", None),
        ("coalesce(n, ^u)", "COALESCE could not convert type uint2 to uint4", None),
        ("n union select ^* from t", "UNION could not convert type integer to uint4", None),
        ("^n + 1", "COALESCE could not convert type integer to uint4", None),
    ],
)  # fmt: skip
def test_the_expression_in_the_way_is_cast(marked: str, message: str, mended: str | None) -> None:
    sql = "select " + marked
    found = widened(sql.replace("^", ""), message, sql.index("^"))
    assert found == (None if mended is None else f"select {mended}")


@pytest.mark.parametrize(
    "sql",
    [
        "select coalesce(a, 0) from t",
        "prepare p as select coalesce(a, 0) from t",
        'declare "for x" cursor for select coalesce(a, 0) from t',
        "copy (select coalesce(a, 0) from t) to stdout",
        "insert into u select coalesce(a, 0) from t",
    ],
)
def test_the_query_of_a_statement_is_found_and_replaced(sql: str) -> None:
    (statement,) = parse(sql)
    assert isinstance(statement, Relayed)
    query = query_in(statement)
    assert query.startswith(("select", "insert"))
    assert mixes(query)
    assert with_query(statement, query, "values (7)").relay_sql == statement.relay_sql.replace(query, "values (7)")
