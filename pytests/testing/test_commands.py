"""`hotplate test-clock` and `hotplate verify` against a running engine."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from mzlite.testing import Mzlite
from stack.cli import app
from stack.errors import StackError


@pytest.fixture
def hotplate(mzlite, monkeypatch, tmp_path):
    monkeypatch.setenv("HOTPLATE_SQL_PORT", str(mzlite.server.port))
    monkeypatch.setenv("HOTPLATE_STATE_DIR", str(tmp_path / "state"))

    def run(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(app, arguments)
        if isinstance(result.exception, StackError):
            raise result.exception
        assert result.exit_code == status, result.output
        return result.output

    return run


@pytest.mark.mzlite(clock="2041-01-01 12:00")
def test_the_clock_from_the_command_line(mzlite: Mzlite, hotplate) -> None:
    mzlite.execute("create table t (at timestamp)")
    mzlite.execute("create materialized view due as select at from t where mz_now() >= at")
    mzlite.execute("insert into t values ('2041-01-01 12:30')")
    assert hotplate("test-clock", "show") == "2041-01-01 12:00:00.000 UTC (2240654400000 ms), held\n"
    assert "12:29:59.999" in hotplate("test-clock", "set", "2041-01-01 12:29:59.999")
    mzlite.assert_rows("due", [])
    assert "12:30:00.000" in hotplate("test-clock", "advance", "1 ms")
    assert len(mzlite.query("table due")) == 1
    with pytest.raises(StackError, match="cannot go back"):
        hotplate("test-clock", "set", "2041-01-01")


def test_verify_from_the_command_line(mzlite: Mzlite, hotplate) -> None:
    mzlite.execute("create table t (a int)")
    mzlite.execute("create materialized view sums as select sum(a) from t")
    mzlite.execute("create materialized view inverse as select 1 / a as x from t")
    lines = hotplate("verify").splitlines()
    assert [line.split()[:3] for line in lines[1:-1]] == [
        [f"{mzlite.name}.public.sums", "materialized-view", "1"],
        [f"{mzlite.name}.public.inverse", "materialized-view", "0"],
    ]
    assert lines[-1] == "2 objects, 1 rows: 2 equal"
    mzlite.execute("insert into t values (0)")
    assert "Evaluation error: division by zero" in hotplate("verify", "--object", "inverse")
    with pytest.raises(StackError, match="no maintained object is named 'nosuch'"):
        hotplate("verify", "--object", "nosuch")


def test_an_engine_that_does_not_answer(hotplate, monkeypatch) -> None:
    monkeypatch.setenv("HOTPLATE_SQL_PORT", "1")
    for command in (("verify",), ("test-clock", "show")):
        with pytest.raises(StackError, match="does not answer"):
            hotplate(*command)
