"""The demo's bookkeeping: latencies from counts, rows that come and go, alerts, and what is drawn."""

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stack.demo.alerts import AlertReader, parse_alert
from stack.demo.checks import incomparable
from stack.demo.deploy import selection
from stack.demo.feeds import parse_line
from stack.demo.latency import GoldLatency, Histogram
from stack.demo.state import DemoState, Generator, parse_time
from stack.demo.view import View

MINUTE = 60_000
WINDOW = 1_767_225_600_000
HEALTH = {
    name: place
    for place, name in enumerate(
        [
            "window_start",
            "window_end",
            "total_orders",
            "total_revenue",
            "unique_users",
            "unique_restaurants",
            "unique_drivers",
            "avg_order_value",
            "orders_per_minute",
            "revenue_per_minute",
        ]
    )
}


def health_row(orders, start="2026-01-01 00:00:00"):
    return (start, "2026-01-01 00:10:00", str(orders), "12.5", "1", "1", "1", "12.5", "0.1", "1.25")


def test_percentiles_of_nothing_are_none():
    assert Histogram().percentile(99) is None


@given(st.lists(st.integers(0, 5_000), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_that_enough_do_not_exceed(latencies, percent):
    histogram = Histogram()
    for latency in latencies:
        histogram.add(latency)
    found = histogram.percentile(percent)
    assert sum(latency <= found for latency in latencies) * 100 >= percent * len(latencies)
    assert sum(latency < found for latency in latencies) * 100 < percent * len(latencies)


def test_latency_is_from_the_oldest_event_of_a_step_to_the_row_that_counts_it():
    gold = GoldLatency()
    gold.measure_from_ms = 0
    gold.sent(WINDOW + 1_000, {WINDOW: 10}, WINDOW + 1_000)
    gold.sent(WINDOW + 1_020, {WINDOW: 14}, WINDOW + 1_020)
    gold.sent(WINDOW + 1_040, {WINDOW: 20}, WINDOW + 1_040)
    gold.seen(WINDOW, 9, WINDOW + 1_100)
    assert gold.histogram.total == 0
    assert gold.lag_ms(WINDOW + 1_100) == 100
    gold.seen(WINDOW, 15, WINDOW + 1_300)
    assert gold.histogram.total == 14
    assert gold.histogram.percentile(50) == 300
    gold.seen(WINDOW, 20, WINDOW + 1_320)
    assert gold.histogram.total == 20
    assert gold.lag_ms(WINDOW + 9_000) == 0


def test_orders_sent_before_the_measuring_began_do_not_count():
    gold = GoldLatency()
    gold.sent(WINDOW + 1_000, {WINDOW: 10}, WINDOW + 1_000)
    gold.sent(WINDOW + 1_020, {WINDOW: 14}, WINDOW + 1_020)
    gold.measure_from_ms = WINDOW + 1_020
    gold.sent(WINDOW + 1_040, {WINDOW: 20}, WINDOW + 1_040)
    gold.seen(WINDOW, 20, WINDOW + 1_300)
    assert (gold.histogram.total, gold.histogram.percentile(50)) == (6, 280)


def test_orders_of_others_are_not_ours():
    gold = GoldLatency()
    gold.measure_from_ms = 0
    gold.existing(WINDOW, 100)
    gold.sent(WINDOW + 1_000, {WINDOW: 5}, WINDOW + 1_000)
    gold.seen(WINDOW, 104, WINDOW + 1_100)
    assert gold.histogram.total == 0
    gold.seen(WINDOW, 105, WINDOW + 1_200)
    assert gold.histogram.total == 5


def test_a_row_that_was_there_before_the_word_is_seen():
    gold = GoldLatency()
    gold.existing(WINDOW, 5)
    gold.nothing_existing()
    gold.sent(WINDOW + 1_000, {WINDOW: 5}, WINDOW + 1_000)
    assert gold.lag_ms(WINDOW + 60_000) == 0


def test_windows_past_their_retention_are_not_waited_for():
    gold = GoldLatency()
    gold.sent(WINDOW, {WINDOW - 25 * 60 * MINUTE: 5}, WINDOW)
    assert gold.lag_ms(WINDOW + 1_000) == 1_000
    gold.sent(WINDOW + 10, {WINDOW: 5}, WINDOW)
    gold.seen(WINDOW, 5, WINDOW + 20)
    assert gold.lag_ms(WINDOW + 1_000) == 0


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("1\t2\n", ("1", "2")),
        ("\\N\t\n", (None, "")),
        ("a\\tb\\\\n\\n\t\\N", ("a\tb\\n\n", None)),
    ],
)
def test_copy_lines(line, row):
    assert parse_line(line) == row


def test_an_update_leaves_the_new_row_in_either_order():
    state = DemoState()
    state.on_health(1, HEALTH, health_row(1), 0)
    state.on_health(-1, HEALTH, health_row(1), 0)
    state.on_health(1, HEALTH, health_row(2), 0)
    assert state.newest_health().total_orders == 2
    state.on_health(1, HEALTH, health_row(3), 0)
    state.on_health(-1, HEALTH, health_row(2), 0)
    assert state.newest_health().total_orders == 3
    state.on_health(-1, HEALTH, health_row(3), 0)
    assert state.newest_health() is None


def test_restaurants_are_ranked_by_delayed_orders():
    state = DemoState()
    columns = {"window_start": 0, "restaurant_key": 1, "total_orders": 2, "delayed_orders": 3}
    for row in [("w1", "a", "10", "2"), ("w2", "a", "5", "1"), ("w1", "b", "4", "3"), ("w1", "c", "9", "0")]:
        state.on_restaurant(1, columns, row, 0)
    assert state.worst_restaurants(5) == [("b", 3, 4), ("a", 3, 15)]
    state.on_restaurant(-1, columns, ("w1", "b", "4", "3"), 0)
    assert state.worst_restaurants(1) == [("a", 3, 15)]


def test_delayed_orders_come_and_go():
    state = DemoState()
    columns = {"order_id": 0, "restaurant_key": 1, "delay_minutes": 2, "delayed_since": 3}
    row = ("o1", "r", "30", "2026-01-01 00:30:00")
    state.on_delayed(1, columns, row, 1_000)
    assert state.delayed["o1"].delay_minutes == "30"
    state.on_delayed(-1, columns, row, 2_000)
    assert (len(state.delayed), state.delayed_seen, state.delayed_gone) == (0, 1, 1)


def progress(now_ms, orders, phase="present"):
    return {
        "kind": "progress",
        "phase": phase,
        "events": orders,
        "done": None,
        "behind": 0.0,
        "now_ms": now_ms,
        "windows": {str(WINDOW): orders},
    }


def test_measuring_begins_when_the_views_have_caught_up_with_the_history():
    state = DemoState(is_collecting_base=False)
    now = time.time() * 1000
    state.on_generator({"kind": "start", "resumed": False, "seed": 1})
    state.on_generator(progress(now - 60_000, 1_000, "past"))
    state.on_generator(progress(now - 50_000, 1_001))
    assert state.measuring_since is None
    state.on_health(1, HEALTH, health_row(1_001), now)
    state.on_generator(progress(now - 20, 1_001))
    state.on_generator(progress(now, 1_002))
    assert state.measuring_since is not None


def test_a_resumed_world_counts_what_is_there_as_its_own():
    state = DemoState()
    state.on_health(1, HEALTH, health_row(50), 0)
    state.is_collecting_base = False
    state.on_generator({"kind": "start", "resumed": True, "seed": 1})
    state.gold.measure_from_ms = 0
    state.on_generator(progress(WINDOW, 51))
    state.on_health(1, HEALTH, health_row(51), WINDOW + 5)
    assert state.gold.histogram.total == 51
    assert state.generator.is_alone


def test_a_new_world_beside_old_events_is_not_alone():
    state = DemoState()
    state.on_health(1, HEALTH, health_row(50), 0)
    state.on_generator({"kind": "start", "resumed": False, "seed": 1})
    assert not state.generator.is_alone


def test_alerts_are_parsed_as_the_sink_writes_them():
    value = json.dumps(
        {
            "order_id": "o1",
            "restaurant_key": None,
            "delay_minutes": "31",
            "alert_type": "DELAYED_ORDER",
            "timestamp": "1795240217486.000",
        }
    ).encode()
    alert = parse_alert("o1", value, 1_795_240_218_000)
    assert (alert.delay_minutes, alert.since_ms, alert.restaurant_key) == (31, 1_795_240_217_486, "")
    with pytest.raises(KeyError):
        parse_alert("o1", b"{}", 0)


def test_times_without_a_zone_are_utc():
    assert parse_time("2026-01-01 00:00:00").timestamp() * 1000 == WINDOW
    assert parse_time("2026-01-01 00:00:00+00").timestamp() * 1000 == WINDOW
    with pytest.raises(ValueError, match="without a start"):
        parse_time(None)


def drawn(state, width=100):
    reader = AlertReader("127.0.0.1:1", "delivery-alerts", state.on_alert)
    console = Console(width=width, height=40, force_terminal=True, color_system=None, file=io.StringIO())
    view = View(state, reader, "psql -h 127.0.0.1", 60)
    view.errors = ["gold.x: gone"]
    console.print(view.render(console.height))
    return console.file.getvalue(), view.line()


def test_the_picture_shows_what_is_known():
    state = DemoState()
    text, line = drawn(state)
    assert "psql -h 127.0.0.1" in text
    assert "gold.x: gone" in text
    assert "the generator starts" in line
    state.is_collecting_base = False
    state.on_generator({"kind": "start", "resumed": False, "seed": 1})
    state.on_generator(progress(WINDOW + 1_000, 41_000))
    state.on_health(1, HEALTH, health_row(12_345), WINDOW + 1_500)
    text, line = drawn(state)
    assert "12,345" in text
    assert "window from 00:00" in text
    assert "41,000 sent" in line


def test_all_systems_without_the_second_stage_are_not_monitored_with_it():
    assert selection("all", second_stage=True) == []
    assert selection("all", second_stage=False) == ["--exclude", "tag:second_stage", "--vars", "{second_stage: false}"]
    assert selection("santa", second_stage=False) == selection("santa", second_stage=True) == ["--selector", "santa"]


@pytest.mark.parametrize(
    ("status", "truth", "is_alone", "found"),
    [
        (0, {"orders": 1}, True, None),
        (0, {"orders": 1}, False, (True, "not compared: the topics held other events")),
        (0, None, True, (False, "ended with status 0; see hotplate logs")),
        (1, {"orders": 1}, True, (False, "ended with status 1; see hotplate logs")),
    ],
)
def test_what_cannot_be_compared_is_told(status, truth, is_alone, found):
    check = incomparable(status, Generator(truth=truth, is_alone=is_alone))
    assert found == (None if check is None else (check.is_good, check.found))
