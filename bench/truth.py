"""What the outputs must be, by a batch computation in DuckDB (truth.sql) over the messages in the topics.

In: a broker with the prepared topics. Out: the four gold tables and the alerts as canonical rows (see outputs.py),
and how many messages are late or invalid. Ratios are made of exact integers in Python: DuckDB divides in floats.
"""

from __future__ import annotations

import tempfile
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import orjson

from bench.outputs import Outputs
from bench.reading import read_topic
from generator.delivery import TOPICS

SQL = Path(__file__).with_name("truth.sql")
DRIVER_SHARE = Decimal("0.15")
MESSAGES = """
    create table messages as select * from read_json($file, format = 'newline_delimited',
    maximum_object_size = 33554432,
    columns = {topic: 'varchar', p: 'integer', o: 'bigint', ts: 'bigint', value: 'varchar'})
"""
RESTAURANTS = """
    select w, restaurant_key, count(*), count(distinct driver_key), sum(total_amount), any_value(coalesce(late, 0))
    from orders
    left join (select w, restaurant_key, count(*) as late from delays group by all) using (w, restaurant_key)
    where restaurant_key is not null group by w, restaurant_key
"""
DRIVERS = """
    select w, driver_key, count(*), count(distinct restaurant_key), sum(total_amount),
        count(*) filter (where status_name = 'delivered')
    from current_orders where driver_key is not null group by w, driver_key
"""
DELIVERIES = """
    with times as (
        select w, epoch_ms(status_time) - epoch_ms(order_date) as taken
        from current_orders where status_name = 'delivered'
    )
    select
        w, case when taken < 1800000 then 'fast' when taken <= 3600000 then 'normal' when taken <= 5400000 then 'slow'
        else 'very_slow' end as bucket, count(*), sum(taken)
    from times group by all
"""
HEALTH = """
    select w, count(*), sum(total_amount), count(distinct user_key), count(distinct restaurant_key),
        count(distinct driver_key)
    from orders group by w
"""
ALERTS = """
    select order_id, restaurant_key, driver_key, (epoch_ms(since) - epoch_ms(order_date)) // 60000, epoch_ms(since)
    from delayed
"""
COUNTS = """
    select
        (select count(*) from messages), (select count(*) from typed_orders), (select count(*) from typed_status),
        (select count(*) from valid_orders where not is_in_time),
        (select count(*) from valid_status where not is_in_time),
        (select count(*) from orders), (select count(*) from status), (select count(*) from delays)
"""
COUNTED = (
    "messages", "typed orders", "typed status events", "late orders", "late status events", "orders that count",
    "status events that count", "orders ever delayed",
)  # fmt: skip


def compute(brokers: str, as_of_ms: int) -> tuple[Outputs, dict[str, int]]:
    """The outputs as they must be, and the counts of what came and what was dropped."""
    with tempfile.TemporaryDirectory(prefix="hotplate-truth-") as directory, duckdb.connect() as database:
        database.execute("set memory_limit = '6GB'")
        database.execute(f"set temp_directory = '{directory}/spill'")
        file = Path(directory) / "messages.json"
        _dump(brokers, file)
        database.execute(MESSAGES, {"file": str(file)})
        for statement in database.extract_statements(SQL.read_text()):
            database.execute(statement, {"as_of": as_of_ms} if "$as_of" in statement.query else {})
        counts = dict(zip(COUNTED, database.execute(COUNTS).fetchall()[0], strict=True))
        return _outputs(database), counts


def _dump(brokers: str, file: Path) -> None:
    """Every message as a line of JSON; a value that is no UTF-8 is null, and so not decodable."""
    with file.open("wb") as out:
        for topic in TOPICS:
            for batch in read_topic(brokers, topic):
                for message in batch:
                    value = message.value()
                    try:
                        text = None if value is None else value.decode()
                    except UnicodeDecodeError:
                        text = None
                    row = {"topic": topic, "p": message.partition(), "o": message.offset(), "value": text}
                    out.write(orjson.dumps({**row, "ts": message.timestamp()[1]}, option=orjson.OPT_APPEND_NEWLINE))


def ratio(part: Any, whole: Any, places: int) -> Decimal | None:
    """A quotient rounded half away from zero, as SQL's numeric does; null where there is nothing to divide by."""
    if not whole or part is None:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _outputs(database: duckdb.DuckDBPyConnection) -> Outputs:
    outputs: Outputs = {"gold_restaurant_performance": {}, "gold_driver_performance": {}}
    for window, key, orders, drivers, revenue, late in database.execute(RESTAURANTS).fetchall():
        row = (orders, drivers, revenue, ratio(revenue, orders, 2), late, ratio(late, orders, 4))
        outputs["gold_restaurant_performance"][window, key] = row
    for window, key, count, restaurants, amount, done in database.execute(DRIVERS).fetchall():
        row = (count, restaurants, amount * DRIVER_SHARE, ratio(amount, count, 2), done, ratio(done, count, 4))
        outputs["gold_driver_performance"][window, key] = row
    deliveries = database.execute(DELIVERIES).fetchall()
    in_window: dict[int, int] = {}
    for window, _bucket, count, _taken in deliveries:
        in_window[window] = in_window.get(window, 0) + count
    outputs["gold_delivery_time_distribution"] = {
        (window, bucket): (count, ratio(100 * count, in_window[window], 2), ratio(taken, 60_000 * count, 2))
        for window, bucket, count, taken in deliveries
    }
    outputs["gold_system_health"] = {
        (window,): (orders, revenue, users, restaurants, drivers, ratio(revenue, orders, 2), ratio(orders, 10, 2),
                    ratio(revenue, 10, 2))
        for window, orders, revenue, users, restaurants, drivers in database.execute(HEALTH).fetchall()
    }  # fmt: skip
    outputs["alerts"] = {(order,): tuple(rest) for order, *rest in database.execute(ALERTS).fetchall()}
    return outputs
