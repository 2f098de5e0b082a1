"""What a running Materialize answered, statement by statement, against what mzlite answers.

In: unit/dialect/recorded/*.jsonl, a session a file: each statement with its tag, columns (name, type's oid) and rows, or
its SQLSTATE and message. Out: whether mzlite does the same. Where it does not, docs/differences.tsv says so and why; the list
and the behaviour must not differ in either direction.
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mzlite.kafka.client import ensure_topic
from pytests.end_to_end.running import RunningServer
from stack.broker import Broker

ROOT = Path(__file__).parent.parent.parent
RECORDED = ROOT / "pytests" / "unit" / "dialect" / "recorded"
DIFFERENCES = ROOT / "docs" / "differences.tsv"
GROUPS = ("statements", "sessions", "expressions")
SETTLES_WITHIN = 30.0
VALUES_EQUAL = 0.9  # of each session; 0.95 of all together

_BEFORE = {
    # What the recorded session had made before the statements that were kept.
    "create table u (id int, name text)": (
        "create table t (id int, k text, v numeric, ts timestamp, tz timestamptz, d jsonb, f double precision)",
    ),
    "create materialized view m2 as select * from t where mz_now() <= ts + interval '1 day' or id = 1": (
        "create materialized view m1 as select * from t where mz_now() <= ts + interval '1 day'",
        "create materialized view m25 as select distinct on (k) * from t order by k, ts desc",
    ),
}
_MOMENT = re.compile(r"\b\d{13}\b")
_BROKER = re.compile(r"127\.0\.0\.1:\d+")


@dataclass(frozen=True)
class Answer:
    """What came back: an error, or a tag and rows."""

    error: tuple[str, str] | None
    tag: str | None = None
    columns: tuple[str, ...] | None = None
    rows: tuple[tuple[str | None, ...], ...] | None = None

    @property
    def accepted(self) -> bool:
        return self.error is None


def _steady(text: str | None) -> str | None:
    """Without moments and addresses, which no two servers share."""
    return None if text is None else _BROKER.sub("<broker>", _MOMENT.sub("<moment>", text))


def _rows(rows: Any) -> tuple[tuple[str | None, ...], ...]:
    return tuple(tuple(map(_steady, row)) for row in rows)


def recorded(entry: dict[str, Any]) -> Answer:
    if "ok" not in entry:
        return Answer((entry["state"], _steady(entry["message"]) or ""))
    columns = tuple(f"{name}:{oid}" for name, oid in entry["columns"]) if "columns" in entry else None
    return Answer(None, entry["ok"], columns, _rows(entry["rows"]) if "rows" in entry else None)


def answered(connection: psycopg.Connection[Any], sql: str) -> Answer:
    result = connection.pgconn.exec_(sql.encode())
    if result.error_message:
        state, message = result.error_field(67) or b"", result.error_field(77) or b""
        return Answer((state.decode(), _steady(message.decode()) or ""))
    fields = range(result.nfields)
    columns = tuple(f"{(result.fname(field) or b'').decode()}:{result.ftype(field)}" for field in fields)
    values = [[result.get_value(row, field) for field in fields] for row in range(result.ntuples)]
    rows = _rows([[None if value is None else value.decode() for value in row] for row in values])
    return Answer(None, (result.command_status or b"").decode(), columns, rows)


def differences(before: Answer, now: Answer) -> list[str]:
    """In what an answer differs from the recorded one: "outcome" if one was refused, else "value" and details."""
    if before.accepted != now.accepted:
        return ["outcome", str(now.error or now.tag)]
    if not before.accepted:
        return [] if before.error == now.error else ["value", str(now.error)]
    if before.columns is None:
        return [] if before.tag == now.tag else ["value", str(now.tag)]
    if before.columns != now.columns:
        return ["value", str(now.columns)]
    if before.rows is not None and (before.rows != now.rows or before.tag != now.tag):
        return ["value", str(now.rows)]
    return []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, kafka: Broker) -> Iterator[RunningServer]:
    ensure_topic({"bootstrap.servers": kafka.bootstrap_servers}, "orders")
    running = RunningServer(tmp_path_factory.mktemp("recorded"))
    with running.connect() as connection:
        connection.execute(
            f"create connection materialize.public.kafka_connection to kafka"
            f" (broker '{kafka.bootstrap_servers}', security protocol plaintext)"
        )
    try:
        yield running
    finally:
        running.stop()


def listed() -> dict[tuple[str, str], str]:
    with DIFFERENCES.open(newline="") as file:
        return {(row["group"], row["statement"]): row["reason"] for row in csv.DictReader(file, delimiter="\t")}


@pytest.mark.parametrize("group", GROUPS)
def test_answers_as_recorded(server: RunningServer, group: str) -> None:
    entries = [json.loads(line) for line in (RECORDED / f"{group}.jsonl").read_text().splitlines()]
    outcomes: dict[str, list[str]] = {}
    values = equal = 0
    with server.connect() as connection:
        for entry in entries:
            sql = entry["sql"]
            for statement in _BEFORE.get(sql, ()):
                connection.execute(statement.encode())
            found = differences(recorded(entry), answered(connection, sql))
            deadline = time.monotonic() + SETTLES_WITHIN
            while found and "mz_source_statuses" in sql and time.monotonic() < deadline:
                # A source is starting for a moment; the recorded one had been running for a while.
                time.sleep(0.1)
                found = differences(recorded(entry), answered(connection, sql))
            values += 1
            equal += not found
            if found:
                outcomes[sql] = found
    known = {sql for name, sql in listed() if name == group}
    assert set(outcomes) == known, (
        f"{group}: {equal} of {values} agree; the list and the behaviour differ: "
        + json.dumps({sql: outcomes.get(sql, "agrees now") for sql in set(outcomes) ^ known}, indent=1)
    )
    assert equal >= VALUES_EQUAL * values, f"{group}: only {equal} of {values} values agree"


def test_at_most_one_answer_in_twenty_differs() -> None:
    recorded_count = sum(len((RECORDED / f"{group}.jsonl").read_text().splitlines()) for group in GROUPS)
    assert len(listed()) <= recorded_count * 0.05
