"""Continuous tests: what breaks a rule is a row at once, and what reads it outlives the next `dbt test`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mzlite.testing.plugin import Servers

REPOSITORY = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FILES = {
    "dbt_project.yml": """
name: rules
profile: rules
models: {rules: {+materialized: materialized_view}}
data_tests:
  rules: {continuous: {+store_failures_as: materialized_view, +schema: failures, +severity: warn}}
""",
    "models/sources.yml": "sources: [{name: shop, schema: public, tables: [{name: lines}, {name: orders}]}]",
    "models/per_line.sql": "select at, sum(amount) as amount from {{ source('shop', 'lines') }} group by at",
    "models/per_order.sql": "select at, sum(amount) as amount from {{ source('shop', 'orders') }} group by at",
    "models/broken.sql": """
-- depends_on: {{ ref('per_line') }} {{ ref('per_order') }}
{{ failures_of(continuous_tests()) }}
""",
    "tests/continuous/shop/lines_are_orders.sql": (
        "{{ difference_by_window(ref('per_line'), ref('per_order'), 'amount', window='at') }}"
    ),
}
OBJECTS = """
    select o.name, o.id from mz_objects o join mz_schemas s on s.id = o.schema_id join mz_databases d on d.id = s.database_id
    where d.name = current_database() and o.name in ('lines_are_orders', 'broken')
"""


def test_a_broken_rule_is_a_row_at_once(mzlite_servers: Servers, tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    (project / "macros").mkdir()
    for file in ("materializations/test.sql", "macros/monitoring/continuous_tests.sql"):
        shutil.copy(REPOSITORY / file, project / "macros")
    with mzlite_servers.database(tmp_path, clock="running") as mzlite:
        mzlite.execute("create table lines (at timestamp, amount int)")
        mzlite.execute("create table orders (at timestamp, amount int)")
        mzlite.dbt("build", project=project)
        broken = f"select system, rule, window_start::text, difference::int from {mzlite.name}.public.broken"
        assert mzlite.query(broken) == []
        mzlite.execute("insert into lines values ('2026-01-01 10:00', 5), ('2026-01-01 10:00', 2)")
        wrong = [("shop", "lines_are_orders", "2026-01-01 10:00:00", 7)]
        assert mzlite.query(broken) == wrong
        # A warning, so that what tells of the broken rule is built; and what is as it was stays.
        before = dict(mzlite.query(OBJECTS))
        assert set(before) == {"lines_are_orders", "broken"}
        assert "Got 1 result" in mzlite.dbt("test", project=project).output
        assert dict(mzlite.query(OBJECTS)) == before
        assert mzlite.query(broken) == wrong
        mzlite.execute("insert into orders values ('2026-01-01 10:00', 7)")
        assert mzlite.query(broken) == []
        # Another rule under the same name: it is made anew, what reads it goes with it, and a build makes that again.
        test = project / "tests/continuous/shop/lines_are_orders.sql"
        test.write_text(test.read_text().replace("'at')", "'at', broken_if='= 0')"))
        assert "lines_are_orders has changed" in mzlite.dbt("test", "build", project=project).output.replace('"', "")
        assert mzlite.query(broken) == [("shop", "lines_are_orders", "2026-01-01 10:00:00", 0)]
        # A run makes gold anew and takes the tests' views with it: that is said, and a build makes them again.
        assert "leaves the continuous test lines_are_orders out" in " ".join(
            mzlite.dbt("run", project=project).output.split()
        )
        assert mzlite.query(broken) == []
        mzlite.dbt("build", project=project)
        assert mzlite.query(broken) == [("shop", "lines_are_orders", "2026-01-01 10:00:00", 0)]
