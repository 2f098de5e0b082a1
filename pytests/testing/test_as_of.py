"""A query AS OF a moment to come answers when that moment has come, and sees it as the present."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from mzlite.testing import Mzlite
from mzlite.testing.clock import milliseconds


class Asking(threading.Thread):
    """A query in a session of its own."""

    def __init__(self, connection: psycopg.Connection[Any], sql: str, parameters: tuple[Any, ...] | None) -> None:
        super().__init__(daemon=True)
        self.connection, self.sql, self.parameters = connection, sql, parameters
        self.rows: list[tuple[Any, ...]] = []
        self.error: psycopg.Error | None = None
        self.start()

    def run(self) -> None:
        try:
            self.rows = self.connection.execute(self.sql.encode(), self.parameters).fetchall()
        except psycopg.Error as error:
            self.error = error


@pytest.mark.parametrize("parameters", [None, (7,)], ids=["simple", "extended"])
def test_a_query_waits_for_its_moment(mzlite: Mzlite, parameters: tuple[int, ...] | None) -> None:
    mzlite.execute("create table due (at timestamp)")
    mzlite.execute("create materialized view late as select * from due where mz_now() >= at")
    mzlite.execute("create view seen as select count(*) as n from late")
    moment = milliseconds(mzlite.clock.moment("00:10:00"))
    connection = mzlite.connect()  # closed with the database, also while it waits
    shown = "7" if parameters is None else "%s"
    asking = Asking(connection, f"select n, mz_now()::text, {shown}::int from seen as of {moment}", parameters)
    mzlite.execute(f"insert into due values ('{mzlite.clock.moment('00:09:00'):%Y-%m-%d %H:%M:%S}')")
    mzlite.clock.at("00:09:59.999")
    asking.join(0.5)
    assert asking.is_alive()
    mzlite.clock.at("00:10:30")
    asking.join(10)
    assert asking.rows == [(1, str(moment), 7)]
    # The session goes on in the present.
    now = connection.execute("select mz_now()::text").fetchall()
    assert now == [(str(milliseconds(mzlite.clock.moment("00:10:30"))),)]


def test_the_wait_can_be_cancelled(mzlite: Mzlite) -> None:
    mzlite.execute("create table t (a int)")
    connection = mzlite.connect()  # closed with the database, also while it waits
    asking = Asking(connection, f"select * from t as of {milliseconds(mzlite.clock.moment('23:00:00'))}", None)
    while asking.is_alive():
        connection.cancel()
        asking.join(0.05)
    assert asking.error is not None
    assert asking.error.sqlstate == "57014"
    assert connection.execute("select count(*) from t").fetchall() == [(0,)]
