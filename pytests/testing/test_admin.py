"""The administrator's statements: who may say them, what they answer, and that a comparison finds what is wrong."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mzlite.testing import Mzlite, MzliteServer

ADMIN = "mz_system"


def failure(connection: psycopg.Connection[Any], sql: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(sql.encode())
    return caught.value


def inner(server: MzliteServer) -> psycopg.Connection[Any]:
    """The PostgreSQL behind a server, past everything that keeps it right."""
    (state,) = Path(server.directory / "data").rglob("postmaster.pid")
    lines = state.read_text().splitlines()
    return psycopg.connect(host=lines[4], port=int(lines[3]), dbname="materialize", user=ADMIN, autocommit=True)


def test_the_statements_are_the_administrators_alone(mzlite: Mzlite) -> None:
    for statement in ("mzlite show clock", "mzlite verify"):
        error = failure(mzlite.connect(), statement)
        assert error.sqlstate == "42601"
        assert error.diag.message_primary == (
            'Expected a keyword at the beginning of a statement, found identifier "mzlite"'
        )
    administrator = mzlite.connect(user=ADMIN)
    assert failure(administrator, "mzlite show time").sqlstate == "42601"
    administrator.execute("begin")
    assert failure(administrator, "mzlite show clock").sqlstate == "25001"
    administrator.execute("rollback")
    assert administrator.execute("select 1").fetchone() == (1,)


@pytest.mark.mzlite(clock="2040-01-01 12:00")
def test_the_clock_by_sql(mzlite: Mzlite) -> None:
    administrator = mzlite.connect(user=ADMIN)

    def answer(statement: str) -> tuple[Any, ...] | None:
        return administrator.execute(statement.encode()).fetchone()

    assert answer("MZLITE SHOW CLOCK;") == ("2209032000000", "2040-01-01 12:00:00.000", "held")
    assert answer("mzlite set clock to '2040-01-01 12:29:59.999'") == (
        "2209033799999",
        "2040-01-01 12:29:59.999",
        "held",
    )
    assert answer("mzlite advance clock by '1 ms'") == ("2209033800000", "2040-01-01 12:30:00.000", "held")
    assert answer("mzlite set clock to 2209033800000") == ("2209033800000", "2040-01-01 12:30:00.000", "held")
    assert answer("mzlite advance clock by '1 month'") == ("2211712200000", "2040-02-01 12:30:00.000", "held")
    error = failure(administrator, "mzlite set clock to '2040-01-01'")
    assert (error.sqlstate, error.diag.message_primary) == (
        "22023",
        "the clock stands at 2211712200000 and cannot go back to 2208988800000",
    )
    assert "invalid input syntax for type interval" in str(failure(administrator, "mzlite advance clock by 'long'"))
    with administrator.cursor(binary=False) as cursor:
        assert cursor.execute("mzlite show clock", prepare=True).fetchone() == answer("mzlite show clock")


def test_a_clock_that_may_not_be_held(tmp_path: Path) -> None:
    server = MzliteServer(tmp_path).start()
    try:
        with server.connect(user=ADMIN) as administrator:
            for statement in ("set clock to '2040-01-01'", "advance clock by '1 s'", "release clock"):
                error = failure(administrator, f"mzlite {statement}")
                assert (error.sqlstate, error.diag.message_primary) == (
                    "55000",
                    "the clock of this server cannot be held",
                )
            shown = administrator.execute("mzlite show clock").fetchone()
            assert shown is not None
            assert shown[2] == "running"
        server.stop()
        server.options = ("--test-clock",)
        server.start()
        assert server.administer("mzlite set clock to '2040-01-01 00:00'")[0][2] == "held"
        assert server.administer("mzlite release clock")[0][2] == "running"
    finally:
        server.stop()


@pytest.fixture
def shop(mzlite: Mzlite) -> Mzlite:
    mzlite.execute("create table orders (id int, amount numeric, at timestamp)")
    mzlite.execute("create materialized view totals as select count(*) as n, sum(amount) as total from orders")
    mzlite.execute(
        "create materialized view \"Recent\" as select * from orders where mz_now() < at + interval '1 minute'"
    )
    mzlite.execute("create view doubled as select id, amount * 2 as twice from orders")
    mzlite.execute("create view unkept as select id from doubled")
    mzlite.execute("create default index on doubled")
    mzlite.insert("orders", [(1, 10, mzlite.clock.now), (2, 20, mzlite.clock.now)])
    return mzlite


def reports(mzlite: Mzlite, *name: str) -> dict[str, tuple[Any, ...]]:
    rows = mzlite.server.administer(f"mzlite verify {'.'.join(name)}")
    return {row[0].removeprefix(f"{mzlite.name}.public."): (row[1], int(row[2]), *row[4:]) for row in rows}


def test_all_that_is_kept_is_compared(shop: Mzlite) -> None:
    equal = {
        "totals": ("materialized-view", 1, "equal", None),
        "Recent": ("materialized-view", 2, "equal", None),
        "doubled": ("view", 2, "equal", None),
    }
    assert reports(shop) == equal
    assert reports(shop, shop.name, "public", "totals") == {"totals": equal["totals"]}
    assert reports(shop, '"Recent"') == {"Recent": equal["Recent"]}
    assert "no maintained object is named 'recent'" in str(failure(shop.connect(user=ADMIN), "mzlite verify Recent"))
    shop.clock.advance(minutes=1)
    assert reports(shop)["Recent"] == ("materialized-view", 0, "equal", None)


def test_a_comparison_names_the_difference(shop: Mzlite) -> None:
    shop.execute("create materialized view doubles as select id, 2 * amount as twice from orders")
    with inner(shop.server) as connection:
        connection.execute("set search_path = pg_catalog")
        (shown,) = connection.execute("select pg_get_viewdef(oid) from pg_class where relname = 'doubles'").fetchall()
        store = re.search(r"mzlite_data\.n_\d+", shown[0])
        assert store is not None
        connection.execute(f"delete from {store.group()} where id = 2".encode())
    assert reports(shop) == {
        "totals": ("materialized-view", 1, "equal", None),
        "Recent": ("materialized-view", 2, "equal", None),
        "doubled": ("view", 2, "equal", None),
        "doubles": ("materialized-view", 1, "different", "0 rows too many, 1 missing; first: missing (2,40)"),
    }


def test_what_is_in_error_is_told(shop: Mzlite) -> None:
    shop.execute("create materialized view shares as select 100 / amount as share from orders")
    shop.insert("orders", [(3, 0, shop.clock.now)])
    assert reports(shop, "shares") == {
        "shares": ("materialized-view", 0, "in error", "Evaluation error: division by zero")
    }
    (told,) = (
        json.loads(values)
        for kind, name, values in shop.server.administer("mzlite show status")
        if (kind, name) == ("view", f"{shop.name}.public.shares")
    )
    assert (told["rows"], told["error"]) == (None, "Evaluation error: division by zero")
    shop.execute("delete from orders where id = 3")
    shop.eventually(lambda: reports(shop, "shares"), {"shares": ("materialized-view", 2, "equal", None)})


@pytest.fixture
def writing(shop: Mzlite) -> Iterator[Mzlite]:
    """The shop while a client writes as fast as it can."""
    stop = threading.Event()

    def write() -> None:
        with shop.server.connect(dbname=shop.name) as connection:
            number = 10
            while not stop.is_set():
                number += 1
                connection.execute(f"insert into orders values ({number}, {number}, null)".encode())
                connection.execute(f"delete from orders where id = {number - 5}".encode())

    writer = threading.Thread(target=write)
    writer.start()
    yield shop
    stop.set()
    writer.join()


def test_a_comparison_while_others_write(writing: Mzlite) -> None:
    for _ in range(5):
        assert {report[2] for report in reports(writing).values()} == {"equal"}
