"""What goes wrong on the way: messages that are broken, and events that break a rule.

In: a random generator and a good message. Out: a bad one, with the name of its kind. Bad
messages are sent beside the good ones, never in place of them, so they change no other count.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import orjson

Change: TypeAlias = tuple[tuple[str, ...], Sequence[Any]]
"""The path of a field and the values of which one takes its place."""

UNDECODABLE_KINDS = ("truncated", "not_json", "invalid_utf8", "not_an_object", "empty")
UNTYPABLE_KINDS = ("wrong_type", "bad_time", "bad_id")
MALFORMED_KINDS = UNDECODABLE_KINDS + UNTYPABLE_KINDS
"""Messages that cannot be decoded or typed; each is one row of the quarantine."""

UNTYPABLE: Mapping[str, Mapping[str, Change]] = {
    "orders": {
        "wrong_type": (("total_amount",), ("twelve",)),
        "bad_time": (("order_date",), ("2026-02-30 25:61",)),
        "bad_id": (("order_id",), ("no-such-id",)),
    },
    "status": {
        "wrong_type": (("status",), ("preparing",)),
        "bad_time": (("status", "timestamp"), ("yesterday",)),
        "bad_id": (("order_identifier",), ("no-such-id",)),
    },
    "payments": {
        "wrong_type": (("amount",), ("twelve", 12.345)),
        "bad_time": (("dt_current_timestamp",), ("2026-02-30 25:61", 1_767_225_600)),
        "bad_id": (("payment_id",), ("no-such-id",)),
    },
    "reviews": {
        "wrong_type": (("rating",), ("five", 4.5)),
        "bad_time": (("dt_current_timestamp",), ("yesterday",)),
        "bad_id": (("review_id",), ("no-such-id",)),
    },
    "dispatch": {
        "wrong_type": (("driver_key",), ("",)),
        "bad_time": (("dt_current_timestamp",), ("2026-02-30 25:61",)),
        "bad_id": (("order_id",), ("no-such-id",)),
    },
    "gps": {
        "wrong_type": (("latitude",), ("north", "52,5")),
        "bad_time": (("dt_current_timestamp",), ("yesterday",)),
        "bad_id": (("driver_key",), ("", "x" * 65)),
    },
    "kitchen-events": {
        "wrong_type": (("body",), ("none", 7)),
        "bad_time": (("ts",), ("2026-02-30 25:61", 1_767_225_600)),
        "bad_id": (("event_id",), ("no-such-id",)),
    },
    "web-events": {
        "wrong_type": (("quantity",), ("two", 1.5)),
        "bad_time": (("ts",), ("2026-02-30 25:61", "yesterday")),
        "bad_id": (("event_id",), ("", "x" * 65)),
    },
    "santa-deliveries": {
        "wrong_type": (("gift_count",), ("many", 2.5)),
        "bad_time": (("timestamp",), ("tonight",)),
        "bad_id": (("delivery_id",), ("no-such-id",)),
    },
}
"""For each topic valid JSON with one field that no column type takes."""

INVALID: Mapping[str, Mapping[str, Change]] = {
    "orders": {
        "valid_order_id": (("order_id",), (None,)),
        "valid_order_date": (("order_date",), (None,)),
        "valid_total_amount": (("total_amount",), (0, -12.5, -0.01)),
    },
    "status": {
        "valid_status_id": (("status_id",), (None,)),
        "valid_order_identifier": (("order_identifier",), (None,)),
        "valid_status_time": (("status", "timestamp"), (None,)),
        "known_status_name": (("status", "status_name"), ("teleported",)),
    },
    "payments": {
        "valid_payment_id": (("payment_id",), (None,)),
        "valid_payment_order": (("order_id",), (None,)),
        "valid_payment_time": (("dt_current_timestamp",), (None,)),
        "valid_payment_amount": (("amount",), (0, -9.99, None)),
        "valid_payment_method": (("method",), (None,)),
        "known_payment_currency": (("currency",), ("USD", "eur", None)),
        "known_payment_status": (("payment_status",), ("lost", None)),
    },
    "reviews": {
        "valid_review_id": (("review_id",), (None,)),
        "valid_review_order": (("order_id",), (None,)),
        "valid_review_time": (("dt_current_timestamp",), (None,)),
        "valid_rating": (("rating",), (0, 6, -1, None)),
    },
    "dispatch": {
        "valid_dispatch_order": (("order_id",), (None,)),
        "valid_dispatch_driver": (("driver_key",), (None,)),
        "valid_dispatch_time": (("dt_current_timestamp",), (None,)),
        "valid_dispatch_dropoff": (("dropoff_latitude",), (90.5, -91)),
        "known_dispatch_action": (("action",), ("ignored",)),
    },
    "gps": {
        "valid_gps_driver": (("driver_key",), (None,)),
        "valid_gps_time": (("dt_current_timestamp",), (None,)),
        "valid_gps_position": (("latitude",), (90.5, -91, None)),
        "valid_gps_speed": (("speed_kph",), (-1, None)),
    },
    "kitchen-events": {
        "valid_event_id": (("event_id",), (None,)),
        "valid_order_id": (("order_id",), (None,)),
        "valid_ts": (("ts",), (None,)),
        "known_event_type": (("event_type",), ("teleported",)),
    },
    "web-events": {
        "valid_event_id": (("event_id",), (None,)),
        "valid_user_id": (("user_id",), (None,)),
        "valid_ts": (("ts",), (None,)),
        "known_event_type": (("event_type",), ("scroll", "hover")),
    },
    "santa-deliveries": {
        "valid_delivery_id": (("delivery_id",), (None,)),
        "valid_timestamp": (("timestamp",), (None,)),
        "known_status": (("status",), ("lost",)),
        "valid_coordinates": (("latitude",), (90.5, -91, None)),
        "valid_gift_count": (("gift_count",), (0, -1, None)),
    },
}
"""The expectations on each topic, and how one event breaks exactly that one."""

INVALID_RULES = {topic: tuple(rules) for topic, rules in INVALID.items()}


def malformed(rng: random.Random, topic: str, good: str) -> tuple[str, bytes]:
    """A broken copy of a good JSON message of this topic: (kind, value)."""
    kind = rng.choice(MALFORMED_KINDS)
    if kind == "truncated":
        return kind, good[: rng.randrange(1, len(good) - 1)].encode()
    if kind == "not_json":
        return kind, b"<html><body>502 Bad Gateway</body></html>"
    if kind == "invalid_utf8":
        position = rng.randrange(1, len(good) - 1)
        return kind, good[:position].encode() + b"\xff\xfe" + good[position:].encode()
    if kind == "not_an_object":
        return kind, b"[" + good.encode() + b"]"
    if kind == "empty":
        return kind, b""
    return kind, _changed(rng, good, UNTYPABLE[topic][kind])


def invalid(rng: random.Random, topic: str, good: str) -> tuple[str, str]:
    """A copy of a good event that breaks one expectation: (rule, value)."""
    rule = rng.choice(INVALID_RULES[topic])
    return rule, _changed(rng, good, INVALID[topic][rule]).decode()


def _changed(rng: random.Random, good: str, change: Change) -> bytes:
    """The message with one of the values in the place of the field's own."""
    (*way, name), values = change
    document = fields = orjson.loads(good)
    for step in way:
        fields = fields[step]
    fields[name] = rng.choice(values)
    return orjson.dumps(document)
