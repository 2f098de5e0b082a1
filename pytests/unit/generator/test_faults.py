"""Each kind of broken message is broken in the way that its name says."""

import json
import random

import pytest

from generator.faults import INVALID_RULES, MALFORMED_KINDS, invalid, malformed

ORDER = (
    '{"order_id":"6f1c2b34-0000-4000-a000-000000000001","user_key":"u","restaurant_key":"r","driver_key":null,'
    '"payment_id":"6f1c2b34-0000-4000-a000-000000000002","total_amount":12.50,'
    '"order_date":"2026-01-01T00:00:00.000Z","dt_current_timestamp":"2026-01-01T00:00:00.000Z"}'
)
STATUS = (
    '{"status_id":"6f1c2b34-0000-4000-a000-000000000000","order_identifier":"6f1c2b34-0000-4000-a000-000000000001",'
    '"status":{"status_name":"placed","timestamp":"2026-01-01T00:00:01.000Z"},'
    '"dt_current_timestamp":"2026-01-01T00:00:01.000Z"}'
)


def kinds(topic, good):
    rng = random.Random(1)
    found = {}
    while set(found) != set(MALFORMED_KINDS):
        kind, value = malformed(rng, topic, good)
        found.setdefault(kind, value)
    return found


@pytest.mark.parametrize(("topic", "good"), [("orders", ORDER), ("status", STATUS)])
def test_undecodable_kinds(topic, good):
    found = kinds(topic, good)
    for kind in ("truncated", "not_json", "empty"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(found[kind].decode())
    with pytest.raises(UnicodeDecodeError):
        found["invalid_utf8"].decode()
    assert isinstance(json.loads(found["not_an_object"]), list)


@pytest.mark.parametrize(("topic", "good"), [("orders", ORDER), ("status", STATUS)])
def test_untypable_kinds_change_one_field(topic, good):
    original = json.loads(good)
    found = kinds(topic, good)
    expected = {
        "orders": {"wrong_type": "total_amount", "bad_time": "order_date", "bad_id": "order_id"},
        "status": {"wrong_type": "status", "bad_time": "status", "bad_id": "order_identifier"},
    }[topic]
    for kind, field in expected.items():
        changed = json.loads(found[kind])
        assert changed.keys() == original.keys()
        assert {name for name in original if original[name] != changed[name]} == {field}


@pytest.mark.parametrize(("topic", "good"), [("orders", ORDER), ("status", STATUS)])
def test_invalid_events_are_good_but_for_the_rule(topic, good):
    rng = random.Random(1)
    fields = {
        "valid_order_id": "order_id",
        "valid_order_date": "order_date",
        "valid_total_amount": "total_amount",
        "valid_status_id": "status_id",
        "valid_order_identifier": "order_identifier",
        "valid_status_time": "status",
        "known_status_name": "status",
    }
    seen = set()
    while seen != set(INVALID_RULES[topic]):
        rule, value = invalid(rng, topic, good)
        changed, original = json.loads(value), json.loads(good)
        assert {name for name in original if original[name] != changed[name]} == {fields[rule]}
        seen.add(rule)
