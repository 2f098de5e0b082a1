"""The outputs of the measured work in one form, so that those of every stack can be compared.

In: rows of SQL, or the JSON messages that a peer has written. Out: for each output a mapping of its key (the window's
start in ms, then what else it is per; an alert's order) to its values in the order of COLUMNS; and the differences.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from bench.reading import compacted

Rows: TypeAlias = dict[tuple[Any, ...], tuple[Any, ...]]
Outputs: TypeAlias = dict[str, Rows]

KEYS = {
    "gold_restaurant_performance": ("window_start", "restaurant_key"),
    "gold_driver_performance": ("window_start", "driver_key"),
    "gold_delivery_time_distribution": ("window_start", "bucket"),
    "gold_system_health": ("window_start",),
    "alerts": ("order_id",),
}
COLUMNS = {
    "gold_restaurant_performance": (
        "total_orders", "unique_drivers", "total_revenue", "avg_order_value", "delayed_orders", "delay_rate",
    ),
    "gold_driver_performance": (
        "total_deliveries", "unique_restaurants", "total_earnings", "avg_delivery_value", "completed_deliveries",
        "completion_rate",
    ),
    "gold_delivery_time_distribution": ("order_count", "percentage", "avg_delivery_minutes"),
    "gold_system_health": (
        "total_orders", "total_revenue", "unique_users", "unique_restaurants", "unique_drivers", "avg_order_value",
        "orders_per_minute", "revenue_per_minute",
    ),
    "alerts": ("restaurant_key", "driver_key", "delay_minutes", "timestamp"),
}  # fmt: skip
GOLD = tuple(name for name in KEYS if name != "alerts")
TOLERANCE = Decimal("0.01")
"""Of averages of minutes, which are no finite decimals: stacks may round the last place differently."""


@dataclass(frozen=True)
class Check:
    """One comparison of a stack's output with the truth."""

    name: str
    is_good: bool
    found: str


def compare(found: Outputs, truth: Outputs) -> list[Check]:
    """One check for each output."""
    checks = []
    for name, wanted in truth.items():
        rows = found.get(name, {})
        missing, extra = wanted.keys() - rows.keys(), rows.keys() - wanted.keys()
        differ = [key for key in wanted.keys() & rows.keys() if not _equal(rows[key], wanted[key])]
        if missing or extra or differ:
            text = f"{len(missing):,} rows missing, {len(extra):,} too many, {len(differ):,} differ, of {len(wanted):,}"
            if differ:
                key = min(differ, key=repr)
                text += f"; {key}: {_shown(rows[key])}, not {_shown(wanted[key])}"
            checks.append(Check(name, False, text))
        else:
            checks.append(Check(name, True, f"{len(wanted):,} rows equal"))
    return checks


def _equal(row: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    if len(row) == 3:
        return row[:2] == wanted[:2] and abs(row[2] - wanted[2]) <= TOLERANCE
    return row == wanted


def _shown(row: tuple[Any, ...]) -> str:
    return "(" + ", ".join(str(value) for value in row) + ")"


def canonical(name: str, fields: Mapping[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Key and values of one row, out of a mapping of column names."""
    values = [_value(fields.get(column)) for column in COLUMNS[name]]
    if name == "alerts":
        values[-1] = _ms(fields["timestamp"])
    key = [_ms(fields[column]) if column == "window_start" else str(fields[column]) for column in KEYS[name]]
    return tuple(key), tuple(values)


def read_outputs(brokers: str, topics: Mapping[str, str]) -> tuple[Outputs, dict[str, int]]:
    """What a stack has written: for each output the topic of JSON messages to read; and the messages in each."""
    outputs: Outputs = {}
    written: dict[str, int] = {}
    for name, topic in topics.items():
        last, messages, tombstones = compacted(brokers, topic)
        rows = (canonical(name, json.loads(value, parse_float=Decimal)) for value in last.values())
        outputs[name] = dict(rows)
        written[name] = messages
        if name == "alerts":
            written["tombstones"] = tombstones
    return outputs, written


def _value(value: Any) -> Any:
    """Numbers compare as decimals whatever they came as; a text that is a number stays a text."""
    return Decimal(value) if isinstance(value, int | Decimal) else value


def _ms(value: Any) -> int:
    """A time as ms since 1970, from ms (also as text) or from an ISO text in UTC."""
    if isinstance(value, datetime):
        value = value.isoformat()
    text = str(value)
    if text.replace(".", "", 1).isdigit():
        return int(Decimal(text))
    moment = datetime.fromisoformat(text.rstrip("Z").replace(" ", "T")).replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
