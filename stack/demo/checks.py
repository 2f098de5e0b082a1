"""Judges a demo when it has ended: is anything empty, does anything disagree?

In: the engine's address, what the generator says it sent, what the alert topic replayed to. Out:
a list of checks, each with what was found.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg

from generator.counts import decimal_text
from stack.demo.alerts import AlertReader
from stack.demo.state import Generator
from stack.engine import connect
from stack.settings import Settings
from stack.topics import message_counts

CLOCK_MS = 2_000
"""So long an order that has passed the mark may take to appear."""
COMPARED_MS = 20 * 3_600_000
"""Only orders younger than this are compared one by one."""
LAYERS = ("bronze", "silver", "gold", "alerts", "refunds", "monitoring")
RARE = {
    "bronze_santa_quarantine",
    "silver_rejected_order_lines",
    "refund_queue",
    "santa_alerts",
    "silver_route_anomalies",
}
"""Views that may well be empty at the end of a short demo."""
VIEWS = """
    select schemas.name, objects.name, objects.type
    from mz_objects as objects
    inner join mz_schemas as schemas on objects.schema_id = schemas.id
    where objects.id like 'u%' and objects.type in ('view', 'materialized-view')
"""

READ = """
    select sum(statistics.offset_committed)::bigint
    from mz_internal.mz_source_statistics as statistics
    inner join mz_sources as sources on statistics.id = sources.id
    where sources.name = any (%s)
"""


@dataclass(frozen=True)
class Check:
    """One finding."""

    name: str
    is_good: bool
    found: str


def incomparable(generator_status: int, generator: Generator) -> Check | None:
    """Why the views cannot be compared with what was sent, if they cannot."""
    if generator_status != 0 or generator.truth is None:
        return Check("generator", False, f"ended with status {generator_status}; see hotplate logs")
    if not generator.is_alone:
        return Check("gold counts what was sent", True, "not compared: the topics held other events")
    return None


def wait_until(condition: Callable[[], bool], timeout: float, interval: float = 0.1) -> bool:
    """True as soon as the condition holds; False after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def models_of(settings: Settings, systems: Sequence[str]) -> set[str]:
    """The names of the systems' models, which are those of their files."""
    return {file.stem for system in systems for file in (settings.project_dir / "models" / system).rglob("*.sql")}


def views_have_rows(settings: Settings, systems: Sequence[str]) -> list[Check]:
    """One check per view of the systems: it has rows and can be read."""
    checks = []
    names = models_of(settings, systems)
    with connect(settings, connect_timeout=10) as connection:
        relations = [row for row in connection.execute(VIEWS).fetchall() if row[1] in names and row[0] in LAYERS]
        relations.sort(key=lambda row: (LAYERS.index(row[0]), row[1]))
        for schema, name, kind in relations:
            try:
                if kind == "view":
                    # A plain view over the raw messages: counting would decode them all.
                    row = connection.execute(f'select 1 from "{schema}"."{name}" limit 1'.encode()).fetchone()
                    is_good = row is not None or name in RARE
                    checks.append(Check(f"{schema}.{name}", is_good, "has rows" if row else "empty"))
                else:
                    row = connection.execute(f'select count(*) from "{schema}"."{name}"'.encode()).fetchone()
                    count = row[0] if row else 0
                    checks.append(Check(f"{schema}.{name}", count > 0 or name in RARE, f"{count:,} rows"))
            except psycopg.Error as error:
                checks.append(Check(f"{schema}.{name}", False, str(error).strip().splitlines()[0]))
    if not checks:
        checks.append(Check("views", False, "there are none"))
    return checks


def all_is_read(settings: Settings, topics: Sequence[str], timeout: float) -> Check:
    """The sources have read every message of their topics: only then can the views agree with what was sent."""
    began = time.monotonic()
    counts = message_counts(settings.brokers)
    wanted = sum(counts.get(topic, 0) for topic in topics)
    names = [f"kafka_{topic.replace('-', '_')}" for topic in topics]
    read = 0

    def agrees() -> bool:
        nonlocal read
        with connect(settings, connect_timeout=10) as connection:
            row = connection.execute(READ, (names,)).fetchone()
        read = int(row[0] or 0) if row else 0
        return read >= wanted

    name = "every message was read"
    if wait_until(agrees, timeout, interval=0.25):
        return Check(name, True, f"{wanted:,} messages, {time.monotonic() - began:.1f} s after the last was sent")
    return Check(name, False, f"{wanted - read:,} of {wanted:,} messages are still to be read after {timeout:.0f} s")


def orders_by_window(settings: Settings) -> dict[str, tuple[int, str]]:
    """What gold_system_health says: orders and revenue by start of the window, as the generator writes times."""
    with connect(settings, connect_timeout=10) as connection:
        rows = connection.execute(
            "select window_start, total_orders, total_revenue from gold.gold_system_health"
        ).fetchall()
    return {iso(start): (int(orders), f"{revenue:.2f}") for start, orders, revenue in rows}


def iso(time_of_row: datetime) -> str:
    """A time as the topics carry it."""
    return time_of_row.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time_of_row.microsecond // 1000:03d}Z"


def gold_agrees(settings: Settings, truth: dict[str, Any], timeout: float) -> Check:
    """Gold shows exactly the orders and the revenue that were sent, in every window that it keeps."""
    wanted = {start: (w["orders"], w["revenue"]) for start, w in truth["windows"].items()}
    shown: dict[str, tuple[int, str]] = {}

    def agrees() -> bool:
        nonlocal shown
        shown = orders_by_window(settings)
        return bool(shown) and all(wanted.get(start) == found for start, found in shown.items()) and newest in shown

    newest = max(wanted, default="")
    name = "gold counts what was sent"
    if wait_until(agrees, timeout, interval=0.25):
        return Check(name, True, f"{sum(orders for orders, _ in shown.values()):,} orders in {len(shown)} windows")
    wrong = [start for start in sorted({*shown, newest}) if shown.get(start) != wanted.get(start)]
    example = wrong[-1] if wrong else newest
    return Check(
        name, False, f"{len(wrong)} windows differ, {example}: {shown.get(example)}, not {wanted.get(example)}"
    )


def delays_agree(settings: Settings, truth: dict[str, Any], timeout: float) -> Check:
    """The delayed orders are those that are delayed in the generator's world, no more and no fewer."""
    missing: set[str] = set()
    extra: set[str] = set()
    count = 0

    def agrees() -> bool:
        nonlocal missing, extra, count
        with connect(settings, connect_timeout=10) as connection:
            before_ms = time.time() * 1000
            rows = connection.execute("select order_id::text, order_date from silver.silver_delayed_orders").fetchall()
            after_ms = time.time() * 1000
        oldest_ms = after_ms - COMPARED_MS
        # Silver lets orders go at the end of their retention; the generator knows nothing of that.
        shown = {order for order, date in rows if date.replace(tzinfo=UTC).timestamp() * 1000 > oldest_ms}
        wanted = {order: since for order, (since, placed) in truth["delayed_by_then"].items() if placed > oldest_ms}
        missing = {order for order, since in wanted.items() if since < before_ms - CLOCK_MS} - shown
        extra = shown - {order for order, since in wanted.items() if since <= after_ms}
        count = len(shown)
        return not missing and not extra

    name = "silver shows the orders that are delayed"
    if wait_until(agrees, timeout, interval=0.25):
        return Check(name, True, f"{count:,} now")
    return Check(name, False, f"{len(missing)} are missing, {len(extra)} are too many, of {count}")


def alerts_agree(settings: Settings, alerts: AlertReader, timeout: float) -> Check:
    """The topic, read to its end, replays to exactly the delayed orders of this moment."""
    missing: set[str] = set()
    extra: set[str] = set()
    count = 0

    def agrees() -> bool:
        nonlocal missing, extra, count
        with connect(settings, connect_timeout=10) as connection:
            rows = connection.execute("select order_id::text from silver.silver_delayed_orders").fetchall()
        delayed = {order_id for (order_id,) in rows}
        told = set(alerts.open)
        missing, extra, count = delayed - told, told - delayed, len(delayed)
        return not missing and not extra

    name = "delivery-alerts replays to the delayed orders"
    if wait_until(agrees, timeout):
        return Check(name, True, f"{count:,} delayed now")
    return Check(name, False, f"{len(missing)} delayed orders without an alert, {len(extra)} alerts too many")


def plain(value: Any) -> Any:
    """A value of a row as the worlds write it: integers, texts, None; decimals and times as text."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    return value


def differences(shown: list[list[Any]], expected: dict[str, Any], now: datetime) -> list[str]:
    """Rows that one side has and the other has not, as text; those that may be gone by now are not missed."""
    # As text: a sum is a decimal in one place and an integer in another.
    wanted, found = (
        Counter(tuple(None if value is None else str(value) for value in row) for row in rows)
        for rows in (expected["rows"], shown)
    )
    retained_ms = expected["retained_ms"]
    oldest = "" if retained_ms is None else (now - timedelta(milliseconds=retained_ms)).strftime("%Y-%m-%d %H:%M:%S")
    missing = [row for row in (wanted - found).elements() if retained_ms is None or str(row[0]) > oldest]
    return [f"missing {list(row)}" for row in missing] + [
        f"not sent {list(row)}" for row in (found - wanted).elements()
    ]


def expected_agrees(settings: Settings, system: str, expected: dict[str, Any], timeout: float) -> Check:
    """A query gives exactly the rows that a world says it must."""
    wrong: list[str] = ["nothing was read"]
    count = 0

    def agrees() -> bool:
        nonlocal wrong, count
        with connect(settings, connect_timeout=10) as connection:
            rows = connection.execute(expected["query"].encode()).fetchall()
        shown = [[plain(value) for value in row] for row in rows]
        wrong, count = differences(shown, expected, datetime.now(UTC)), len(shown)
        return not wrong

    name = f"{system}: {expected['name']}"
    if wait_until(agrees, timeout, interval=0.25):
        return Check(name, True, f"{count:,} rows as expected")
    return Check(name, False, f"{len(wrong)} rows differ: {'; '.join(wrong[:3])}")
