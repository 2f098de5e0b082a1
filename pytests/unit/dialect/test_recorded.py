"""Replays the statements recorded on a running Materialize, as far as parsing and checking decide them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mzlite.dialect.parse import parse
from mzlite.dialect.statements import SetVariable
from mzlite.dialect.variables import VARIABLES
from mzlite.errors import MzError

RECORDED = Path(__file__).parent / "recorded"

DECIDED_LATER = (
    "already exists",
    "cannot drop",
    "cannot be dropped",
    "cannot insert into",
    "does not exist",
    "division by zero",
    "is a view, which cannot be exported",
    "is not a view",
    "must appear in the GROUP BY clause",
    "numeric field overflow",
    "transaction in",
    "unknown catalog item",
    "unknown cluster",
    "uint4 out of range",
    "violates not-null",
    "Broker transport failure",
    "DECLARE CURSOR can only",
    "Topic does not exist",
    "invalid byte sequence",
    "invalid input syntax",
    "is not available",  # of a subscription, when its cursor is read
)
"""What needs the catalog, the data, the session or the broker."""


def entries(name: str) -> list[dict[str, object]]:
    lines = (RECORDED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def refusal(sql: str) -> MzError | None:
    try:
        for statement in parse(sql):
            if isinstance(statement, SetVariable) and statement.value is not None:
                known = VARIABLES.get(statement.name)
                if known is None:
                    return MzError(f'unrecognized configuration parameter "{statement.name}"', sqlstate="42704")
                known.check(statement.value)
    except MzError as error:
        return error
    return None


@pytest.mark.parametrize(
    "entry",
    [*entries("statements"), *entries("sessions"), *entries("expressions")],
    ids=lambda entry: entry["sql"][:60],
)
def test_refused_and_accepted_as_recorded(entry: dict[str, object]) -> None:
    error = refusal(str(entry["sql"]))
    message = entry.get("message")
    if message is None:
        assert error is None, error
        return
    if error is None:
        assert any(words in str(message) for words in DECIDED_LATER) or " on v1 " in str(entry["sql"])
        return
    assert error.sqlstate == entry["state"]
    if "Expression found" in str(message):
        # The expression is printed with column numbers that only the planner knows.
        assert error.message.split("Expression found")[0] == str(message).split("Expression found")[0]
        return
    assert error.message == message
    if "hint" in entry:
        assert error.hint == entry["hint"]
    if "detail" in entry:
        assert error.detail == entry["detail"]


def test_most_refusals_are_decided_here() -> None:
    """Guards against a test that passes because nothing is refused."""
    refused = [entry for entry in entries("statements") if "state" in entry]
    assert sum(refusal(str(entry["sql"])) is not None for entry in refused) >= 35
