"""The planner: definitions and the operator trees they are lowered to.

`plans/` has a file for each family of operators, with cases of this form; the definition is as
PostgreSQL prints a view's, the tree as `Operator.explain` does:

    -- title: what the case shows
    SELECT id
       FROM public.orders;
    -- Map q1: q1.id
    --   Get public.orders

A case that must be refused has `-- error: the message` in the place of the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from mzlite.errors import MzError
from mzlite.planner.scope import RelationInfo
from mzlite.planner.select import plan
from pytests.postgres import bootstrapped

PLANS = Path(__file__).parent / "plans"
TABLES = {
    "customers": "id integer, name text, city text",
    "orders": "id integer, customer_id integer, amount numeric, placed_at timestamp, tags text[], body jsonb",
    "events": "order_id integer, kind text, at timestamp",
    "refunds": "id integer, amount numeric, city text",
}
CASE = re.compile(r"^-- title: (?P<title>.+)\n(?P<definition>(?:(?!--).*\n)+)(?P<expected>(?:--.*\n?)+)", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One definition and what becomes of it."""

    family: str
    title: str
    definition: str
    expected: str


class Catalog:
    """The relations that the definitions read."""

    def relation(self, schema: str | None, name: str) -> RelationInfo:
        if schema != "public" or name not in TABLES:
            raise MzError(f"unknown catalog item '{name}'")
        columns = tuple(column.split()[0] for column in TABLES[name].split(", "))
        return RelationInfo(list(TABLES).index(name) + 1, f"public.{name}", columns)


def cases() -> Iterator[Case]:
    for path in sorted(PLANS.glob("*.sql")):
        for match in CASE.finditer(path.read_text()):
            expected = "\n".join(line[3:] for line in match["expected"].rstrip().splitlines())
            yield Case(path.stem, match["title"], match["definition"].strip().rstrip(";"), expected)


CASES = list(cases())


def planned(definition: str) -> str:
    try:
        return plan(definition, Catalog()).explain()
    except MzError as error:
        return f"error: {error}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.family}-{case.title}".replace(" ", "_"))
def test_plan(case: Case) -> None:
    assert planned(case.definition) == case.expected


def test_every_case_is_read() -> None:
    titles = sum(path.read_text().count("-- title: ") for path in PLANS.glob("*.sql"))
    assert len(CASES) == titles
    assert len({(case.family, case.title) for case in CASES}) == titles


def test_cases_titled_refused_are_those_that_are() -> None:
    for case in CASES:
        assert case.title.startswith("refused: ") == case.expected.startswith("error: "), case.title


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    with bootstrapped(tmp_path_factory.mktemp("plans")) as server, server.connect() as made:
        for name, columns in TABLES.items():
            made.execute(f"create table public.{name} ({columns})".encode())
        made.execute("set search_path = ''")
        yield made


def test_definitions_are_as_postgres_prints_them(connection: psycopg.Connection) -> None:
    for case in CASES:
        connection.execute(f"create temporary view defined as {case.definition}".encode())
        row = connection.execute("select pg_get_viewdef('pg_temp.defined'::regclass)").fetchone()
        connection.execute("drop view pg_temp.defined")
        assert row is not None
        assert row[0].split() == f"{case.definition};".split(), case.title
