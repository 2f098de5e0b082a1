"""What goes wrong on the way: messages that are broken, and events that break a rule.

In: a random generator and a good message. Out: a bad one, with the name of its kind. Bad
messages are sent beside the good ones, never in place of them, so they change no other count.
"""

from __future__ import annotations

import random

MALFORMED_KINDS = (
    "truncated",
    "not_json",
    "invalid_utf8",
    "not_an_object",
    "empty",
    "wrong_type",
    "bad_time",
    "bad_id",
)
"""Messages that cannot be decoded or typed; each is one row of the quarantine."""

INVALID_RULES = {
    "orders": ("valid_order_id", "valid_order_date", "valid_total_amount"),
    "status": ("valid_status_id", "valid_order_identifier", "valid_status_time", "known_status_name"),
}
"""The expectations on each topic; an invalid event breaks exactly one."""


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
    return kind, _mistyped(kind, topic, good).encode()


def _mistyped(kind: str, topic: str, good: str) -> str:
    """Valid JSON with one field that no column type takes."""
    if kind == "wrong_type":
        if topic == "orders":
            return _replace(good, '"total_amount":', ',"order_date"', '"twelve"')
        return _replace(good, '"status":', ',"dt_current_timestamp"', '"preparing"')
    if kind == "bad_time":
        if topic == "orders":
            return _replace(good, '"order_date":', ',"dt_current_timestamp"', '"2026-02-30 25:61"')
        return _replace(good, '"timestamp":', '},"dt_current_timestamp"', '"yesterday"')
    name = '"order_id":' if topic == "orders" else '"order_identifier":'
    return _replace(good, name, ',"', '"no-such-id"')


def _replace(good: str, name: str, following: str, value: str) -> str:
    """Put `value` in the place of the field's own, which ends where `following` begins."""
    start = good.index(name) + len(name)
    return good[:start] + value + good[good.index(following, start) :]


def invalid(rng: random.Random, topic: str, good: str) -> tuple[str, str]:
    """A copy of a good event that breaks one expectation: (rule, value)."""
    rule = rng.choice(INVALID_RULES[topic])
    if rule == "valid_total_amount":
        return rule, _replace(good, '"total_amount":', ',"order_date"', rng.choice(("0.00", "-12.50", "-0.01")))
    if rule == "known_status_name":
        return rule, _replace(good, '"status_name":', ',"timestamp"', '"teleported"')
    if rule == "valid_status_time":
        return rule, _replace(good, '"timestamp":', '},"dt_current_timestamp"', "null")
    return rule, _replace(good, f'"{rule.removeprefix("valid_")}":', ',"', "null")
