"""dbt-materialize, unmodified, with a project that uses everything it has: materializations, macros, operations."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from mzlite.testing import DbtResult, Mzlite, Topic
from mzlite.testing.plugin import Servers
from pytests.end_to_end.kafka_tools import read_committed, wait_for

PROJECT = Path(__file__).parent / "project"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ORDERS = [
    {"id": 1, "shop": 1, "amount": 9.5},
    {"id": 2, "shop": 1, "amount": 20},
    {"id": 3, "shop": 2, "amount": 12.25},
]


def operation(name: str, **arguments: Any) -> list[str]:
    return ["run-operation", name, "--args", str(arguments)]


class Deployed(NamedTuple):
    mzlite: Mzlite
    topic: Topic
    sink_topic: str
    environment: dict[str, str]
    result: DbtResult

    def dbt(self, *commands: str | list[str], **options: Any) -> DbtResult:
        return self.mzlite.dbt(
            *commands, project=PROJECT, environment=self.environment, cluster="serve", schema="base", **options
        )


@pytest.fixture(scope="module")
def deployed(mzlite_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with mzlite_servers.database(tmp_path_factory.mktemp("adapter"), clock="running") as mzlite:
        topic = mzlite.topic("orders")
        topic.write(ORDERS)
        mzlite.execute(f"create connection kafka to kafka (broker '{mzlite.brokers}', security protocol plaintext)")
        environment = {
            "CONNECTION": f"{mzlite.name}.public.kafka",
            "TOPIC": topic.name,
            "SINK_TOPIC": f"{mzlite.name}-totals",
        }
        found = Deployed(mzlite, topic, environment["SINK_TOPIC"], environment, DbtResult(0, "", Path()))
        clusters = [operation("create_cluster", cluster_name=name, size="25cc") for name in ("serve", "ingest", "out")]
        result = found.dbt(*clusters, "seed", "build", "docs generate")
        yield found._replace(result=result)


def test_every_materialization_makes_what_it_should(deployed: Deployed) -> None:
    rows = deployed.mzlite.query(
        "select s.name, o.name, o.type, c.name from mz_objects o join mz_schemas s on s.id = o.schema_id"
        " join mz_databases d on d.id = s.database_id left join mz_clusters c on c.id = o.cluster_id"
        " where d.name = current_database() and s.name <> 'public' and o.name not like '%_progress'"
    )
    assert sorted(rows, key=str) == sorted(
        [
            ("ingest", "orders_source", "source", "team_ingest"),
            ("ingest", "orders_stream", "source", "team_ingest"),
            ("ingest", "orders_table", "table", None),
            ("ingest", "orders_table_primary_idx", "index", "team_ingest"),
            ("seeds", "shops", "table", None),
            ("seeds", "shops_primary_idx", "index", "team_serve"),
            ("shop", "orders", "view", None),
            ("shop", "totals", "materialized-view", "team_serve"),
            ("shop", "totals_by_name", "index", "team_serve"),
            ("shop", "totals_primary_idx", "index", "team_serve"),
            ("shop", "version", "materialized-view", "team_serve"),
            ("reports", "best", "materialized-view", "team_serve"),
            ("reports", "version_again", "view", None),
            ("reports", "version_again_primary_idx", "index", "team_serve"),
            ("out", "totals_sink", "sink", "team_out"),
            ("failures", "unique_orders_id", "view", None),
            ("failures", "unique_totals_shop_id", "materialized-view", "team_serve"),
            ("failures", "relationships_orders_shop_id__id__ref_shops_", "materialized-view", "team_serve"),
        ],
        key=str,
    )


def test_the_rows_are_right(deployed: Deployed) -> None:
    mzlite = deployed.mzlite
    mzlite.assert_rows(
        "seeds.shops", [{"id": 1, "name": "Corner"}, {"id": 2, "name": "Market"}, {"id": 3, "name": None}]
    )
    mzlite.assert_rows("ingest.orders_table", [(order,) for order in ORDERS], within=20)
    mzlite.assert_rows("shop.totals", [(1, "Corner", 1, Decimal(20)), (2, "Market", 1, Decimal("12.25"))], within=20)
    mzlite.assert_rows("reports.best", [("Corner", Decimal(20))])
    wait_for(lambda: len(read_committed(mzlite.brokers, deployed.sink_topic)) == 2)
    assert {(read.key, read.value) for read in read_committed(mzlite.brokers, deployed.sink_topic)} == {
        (b'{"shop_id":1}', b'{"shop_id":1,"shop_name":"Corner","orders":1,"revenue":"20"}'),
        (b'{"shop_id":2}', b'{"shop_id":2,"shop_name":"Market","orders":1,"revenue":"12.25"}'),
    }


def test_contracts_become_constraints(deployed: Deployed) -> None:
    ((_, text),) = deployed.mzlite.query("show create materialized view shop.totals")
    assert "ASSERT NOT NULL = " in text
    assert deployed.mzlite.query(
        "select c.name, c.nullable from mz_columns c join mz_objects o on o.id = c.id join mz_schemas s on s.id = o.schema_id"
        " join mz_databases d on d.id = s.database_id where d.name = current_database() and s.name = 'shop'"
        " and o.name = 'totals' order by c.position"
    ) == [("shop_id", False), ("shop_name", True), ("orders", False), ("revenue", True)]


def test_descriptions_are_kept(deployed: Deployed) -> None:
    rows = deployed.mzlite.query(
        "select o.name, m.object_sub_id, m.comment from mz_internal.mz_comments m join mz_objects o on o.id = m.id"
        " join mz_schemas s on s.id = o.schema_id join mz_databases d on d.id = s.database_id"
        " where d.name = current_database() and m.comment <> '' order by 1, 2 nulls first"
    )
    assert rows == [
        ("shops", None, "Shops; one row a shop."),
        ("shops", 2, "May be missing: it's not known."),
        ("totals", None, "What shops earn; one row a shop."),
        ("totals", 1, "The shop's number."),
        ("totals", 2, 'It\'s "quoted"; 100 %.'),
    ]


def test_the_documentation_knows_columns_and_types(deployed: Deployed) -> None:
    nodes = deployed.result.artifact("catalog")["nodes"]
    totals = nodes["model.scratch.totals"]
    assert totals["metadata"]["type"] == "materialized_view"
    assert totals["metadata"]["comment"] == "What shops earn; one row a shop."
    assert [(name, column["type"]) for name, column in totals["columns"].items()] == [
        ("shop_id", "integer"),
        ("shop_name", "text"),
        ("orders", "bigint"),
        ("revenue", "numeric"),
    ]
    assert nodes["model.scratch.orders_table"]["metadata"]["type"] == "table"


def test_what_the_adapter_refuses_stays_refused(deployed: Deployed) -> None:
    variables = ["--vars", "{refused: true}"]
    result = deployed.dbt(
        ["run", "--select", "refused", *variables],
        ["source", "freshness", *variables],
        ["snapshot", *variables],
        check=False,
        keep_going=True,
    )
    assert result.status == 1
    for words in (
        "Compilation Error in model step",
        "This model has an enforced contract that failed",
        "dbt-materialize does not implement source freshness checks",
    ):
        assert words in result.output
    # The adapter has no snapshots of its own; PostgreSQL's begin with CREATE TABLE .. AS.
    assert "Expected a list of columns in parentheses, found AS" in result.output.rpartition("$ dbt snapshot")[2]


def test_a_deployment_beside_the_running_one(deployed: Deployed) -> None:
    mzlite = deployed.mzlite
    found: set[Any] = set()
    stop = threading.Event()

    def read() -> None:
        with mzlite.server.connect(dbname=mzlite.name) as connection:
            while not stop.is_set():
                try:
                    found.update(
                        connection.execute(
                            "select a.version, b.version from shop.version a, reports.version_again b"
                        ).fetchall()
                    )
                except psycopg.Error as error:
                    found.add(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    new = ["--vars", "{deploy: true, least: 5}"]
    try:
        deployed.dbt(
            operation("deploy_init"),
            ["run", "--exclude", "ingest", "out", *new],
            operation("deploy_await", poll_interval=1, lag_threshold="60s") + new,
            operation("deploy_promote", dry_run=True),
            operation("deploy_promote", wait=True, poll_interval=1, lag_threshold="60s"),
            operation("deploy_cleanup"),
        )
    finally:
        stop.set()
        reader.join()
    assert found == {(10, 10), (5, 5)}
    mzlite.assert_rows("shop.totals", [(1, "Corner", 2, Decimal("29.5")), (2, "Market", 1, Decimal("12.25"))])
    mzlite.assert_rows("select name from mz_schemas where name like '%dbt_deploy'", [])
    mzlite.assert_rows("select name from mz_clusters where name like '%dbt_deploy'", [])
    mzlite.assert_rows(
        "select distinct c.name from mz_materialized_views v join mz_schemas s on s.id = v.schema_id"
        " join mz_databases d on d.id = s.database_id join mz_clusters c on c.id = v.cluster_id"
        " where d.name = current_database() and s.name in ('shop', 'reports')",
        [("team_serve",)],
    )
    ((comment,),) = mzlite.query(
        "select m.comment from mz_internal.mz_comments m join mz_schemas s on s.id = m.id"
        " join mz_databases d on d.id = s.database_id where d.name = current_database() and s.name = 'shop'"
    )
    assert comment.strip().startswith("Deployment by materialize on ")
    # The sink follows the view of the new deployment.
    deployed.topic.write([{"id": 4, "shop": 2, "amount": 7}])
    wait_for(
        lambda: any(b'"19.25"' in (read.value or b"") for read in read_committed(mzlite.brokers, deployed.sink_topic))
    )
    deployed.dbt(operation("drop_cluster", cluster_name="team_serve"))
    mzlite.assert_rows("select name from mz_clusters where name = 'team_serve'", [])
