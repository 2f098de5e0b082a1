"""The measured work in PySpark Structured Streaming; runs in the peers' environment, as a program of its own.

In: a JSON object on the command line (brokers, checkpoint directory, as_of_ms, settings). Out: the output topics, and
lines of JSON on standard output: ready, progress, done.

One query for each output, with the medallion's topics between them, because a query cannot hold more than this:
- A join of two streams exists in append mode only, and an aggregate after it would show a window only when the
  watermark has closed it, two and a half hours later. So the join has a query of its own, which writes the topic
  silver-order-status, and the aggregates read that in update mode.
- count(distinct ..) does not exist on streams. size(collect_set(..)) is exact and is used here; usual pipelines take
  approx_count_distinct instead.
- Nothing is ever taken back. An order's latest status may be followed upwards (max by time), but a sum over latest
  statuses would need retractions, and an aggregate over an aggregate is not allowed in update mode. It works out
  here because `delivered` is final and counts by itself, and because delayed orders can be had from two sets per
  restaurant: those that were prepared, less those whose preparation ended in time.
- The clock makes nothing happen. An order that passes its mark without a further event is delayed only with the next
  one. All marks of the drained topics are past, so `as_of`, the moment of the measurement, stands for the clock.
- An order without a status comes out of the left join when the watermark has passed its two hours.
- The Kafka sink writes at least once: a failure may write again what the last batch wrote.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.streaming import StreamingQuery

AMOUNT = "decimal(14, 2)"
ORDER = (
    f"order_id string, user_key string, restaurant_key string, driver_key string, payment_id string,"
    f" total_amount {AMOUNT}, order_date timestamp, dt_current_timestamp timestamp"
)
STATUS = (
    "status_id string, order_identifier string, status struct<status_name: string, timestamp: timestamp>,"
    " dt_current_timestamp timestamp"
)
SILVER = (
    f"order_id string, restaurant_key string, driver_key string, user_key string, total_amount {AMOUNT},"
    " order_date timestamp, status_id string, status_name string, status_time timestamp"
)
NAMES = ("placed", "accepted", "rejected", "preparing", "ready", "picked_up", "delivered", "cancelled")
ENDS = ("ready", "picked_up", "delivered", "cancelled")
UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
ISO = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX"}


class Job:
    """The queries over one broker."""

    def __init__(self, spark: SparkSession, given: dict[str, Any]) -> None:
        self.spark = spark
        self.given = given
        self.settings = given["settings"]
        self.as_of = f.timestamp_millis(f.lit(given["as_of_ms"]))
        self.queries: list[StreamingQuery] = []

    def read(self, topic: str) -> DataFrame:
        """A topic from its beginning."""
        reader = self.spark.readStream.format("kafka").option("kafka.bootstrap.servers", self.given["brokers"])
        reader = reader.option("subscribe", topic).option("startingOffsets", "earliest")
        return reader.option("maxOffsetsPerTrigger", self.settings["max_offsets_per_trigger"]).load()

    def typed(self, topic: str, schema: str) -> DataFrame:
        """The fields of a topic's messages; null where one does not fit."""
        text = f.decode("value", "UTF-8")
        # from_json would take the first element of an array for the object, and bytes that are no UTF-8 for U+FFFD.
        return (
            self.read(topic)
            .where(text.startswith("{") & ~text.contains("\ufffd"))
            .select(f.from_json(text, schema, ISO).alias("m"), f.col("timestamp").alias("arrived"))
            .select("m.*", "arrived")
        )

    def orders(self) -> DataFrame:
        """Valid orders that are in time, each once."""
        return (
            self.typed("orders", ORDER)
            .where(f.col("order_id").rlike(UUID) & f.col("order_date").isNotNull() & (f.col("total_amount") > 0))
            .where(is_timely("order_date"))
            .withWatermark("order_date", self.settings["watermark"])
            .dropDuplicatesWithinWatermark(["order_id"])
        )

    def status(self) -> DataFrame:
        """Valid status events that are in time, each once."""
        return (
            self.typed("status", STATUS)
            .select(
                "status_id",
                f.col("order_identifier").alias("status_order_id"),
                f.col("status.status_name").alias("status_name"),
                f.col("status.timestamp").alias("status_time"),
                "arrived",
            )
            .where(f.col("status_id").isNotNull() & f.col("status_order_id").rlike(UUID))
            .where(f.col("status_time").isNotNull() & f.col("status_name").isin(*NAMES))
            .where(is_timely("status_time"))
            .withWatermark("status_time", self.settings["watermark"])
            .dropDuplicatesWithinWatermark(["status_id"])
        )

    def silver(self, topic: str) -> DataFrame:
        """What a silver topic holds, for the aggregates."""
        typed = self.typed(topic, SILVER).drop("arrived")
        return typed.withWatermark("order_date", self.settings["gold_watermark"])

    def write(self, rows: DataFrame, topic: str, key: Column, value: Column, mode: str = "update") -> None:
        """Starts the query that writes rows to a topic."""
        # A pool of its own for each query: they take turns.
        self.spark.sparkContext.setLocalProperty("spark.scheduler.pool", topic)
        writer = rows.select(key.cast("string").alias("key"), value.alias("value")).writeStream
        writer = writer.format("kafka").option("kafka.bootstrap.servers", self.given["brokers"]).option("topic", topic)
        writer = writer.option("checkpointLocation", f"{self.given['checkpoints']}/{topic}").outputMode(mode)
        self.queries.append(writer.queryName(topic).start())

    def start(self) -> None:
        """All queries, each after those whose topic it reads."""
        self.silver_orders()
        self.silver_order_status()
        self.system_health()
        self.restaurants()
        self.drivers()
        self.delivery_times()
        self.alerts()

    def silver_orders(self) -> None:
        """The orders, for the aggregates that need no status."""
        columns = ["order_id", "restaurant_key", "driver_key", "user_key", "total_amount", "order_date"]
        self.write(self.orders(), "silver-orders", f.col("order_id"), as_json(columns), mode="append")

    def silver_order_status(self) -> None:
        """Orders left join status within two hours."""
        reach = f.expr("interval 2 hours")
        joined = self.orders().join(
            self.status(),
            (f.col("order_id") == f.col("status_order_id"))
            & (f.col("status_time") >= f.col("order_date") - reach)
            & (f.col("status_time") <= f.col("order_date") + reach),
            "left_outer",
        )
        columns = ["order_id", "restaurant_key", "driver_key", "user_key", "total_amount", "order_date", "status_id"]
        columns += ["status_name", "status_time"]
        self.write(joined, "silver-order-status", f.col("order_id"), as_json(columns), mode="append")

    def system_health(self) -> None:
        """gold_system_health."""
        rows = (
            self.silver("silver-orders")
            .groupBy(window())
            .agg(
                f.count("*").alias("total_orders"),
                f.sum("total_amount").alias("total_revenue"),
                distinct("user_key").alias("unique_users"),
                distinct("restaurant_key").alias("unique_restaurants"),
                distinct("driver_key").alias("unique_drivers"),
            )
            .select(
                start(), "total_orders", "total_revenue", "unique_users", "unique_restaurants", "unique_drivers",
                f.round(f.col("total_revenue") / f.col("total_orders"), 2).alias("avg_order_value"),
                f.round(f.col("total_orders").cast("decimal(20, 0)") / 10, 2).alias("orders_per_minute"),
                f.round(f.col("total_revenue") / 10, 2).alias("revenue_per_minute"),
            )
        )  # fmt: skip
        self.write(rows, "gold_system_health", f.col("window_start"), as_json(rows.columns))

    def restaurants(self) -> None:
        """gold_restaurant_performance."""
        mark = f.col("order_date") + f.expr("interval 30 minutes")
        after = f.col("status_time") > mark
        orders = self.silver("silver-orders")
        events = self.silver("silver-order-status").where(f.col("status_name").isin("preparing", *ENDS))
        is_end = f.col("status_name").isin(*ENDS)
        is_preparing = f.col("status_name") == "preparing"
        order_id = f.col("order_id")
        nothing = f.lit(None).cast("string")
        both = orders.select(
            "restaurant_key", "order_date", "driver_key", "total_amount", f.lit(1).alias("orders"),
            nothing.alias("prepared"), nothing.alias("waiting"), nothing.alias("in_time"), nothing.alias("too_late"),
        ).unionByName(
            events.select(
                "restaurant_key", "order_date", nothing.alias("driver_key"),
                f.lit(None).cast(AMOUNT).alias("total_amount"), f.lit(0).alias("orders"),
                f.when(is_preparing, order_id).alias("prepared"),
                f.when(is_preparing & (after | (mark < self.as_of)), order_id).alias("waiting"),
                f.when(is_end & ~after, order_id).alias("in_time"),
                f.when(is_end & after, order_id).alias("too_late"),
            )
        )  # fmt: skip
        delayed = f.array_union(f.array_intersect("prepared", "too_late"), "waiting")
        rows = (
            both.where(f.col("restaurant_key").isNotNull())
            .groupBy(window(), "restaurant_key")
            .agg(
                f.sum("orders").alias("total_orders"),
                distinct("driver_key").alias("unique_drivers"),
                f.sum("total_amount").alias("total_revenue"),
                *(f.collect_set(name).alias(name) for name in ("prepared", "waiting", "in_time", "too_late")),
            )
            .withColumn("delayed_orders", f.size(f.array_except(delayed, "in_time")))
            .select(
                start(), "restaurant_key", "total_orders", "unique_drivers", "total_revenue",
                share("total_revenue", "total_orders", 2).alias("avg_order_value"), "delayed_orders",
                share("delayed_orders", "total_orders", 4).alias("delay_rate"),
            )
        )  # fmt: skip
        key = f.concat_ws("|", "window_start", "restaurant_key")
        self.write(rows, "gold_restaurant_performance", key, as_json(rows.columns))

    def drivers(self) -> None:
        """gold_driver_performance."""
        orders = self.silver("silver-orders")
        events = self.silver("silver-order-status").where("status_name = 'delivered'")
        both = orders.select(
            "driver_key", "order_date", "restaurant_key", "total_amount", f.lit(1).alias("orders"),
            f.lit(0).alias("done"),
        ).unionByName(
            events.select(
                "driver_key", "order_date", f.lit(None).cast("string").alias("restaurant_key"),
                f.lit(None).cast(AMOUNT).alias("total_amount"), f.lit(0).alias("orders"), f.lit(1).alias("done"),
            )
        )  # fmt: skip
        rows = (
            both.where(f.col("driver_key").isNotNull())
            .groupBy(window(), "driver_key")
            .agg(
                f.sum("orders").alias("total_deliveries"),
                distinct("restaurant_key").alias("unique_restaurants"),
                f.sum("total_amount").alias("amount"),
                f.sum("done").alias("completed_deliveries"),
            )
            .select(
                start(), "driver_key", "total_deliveries", "unique_restaurants",
                (f.col("amount") * f.lit("0.15").cast("decimal(3, 2)")).alias("total_earnings"),
                share("amount", "total_deliveries", 2).alias("avg_delivery_value"), "completed_deliveries",
                share("completed_deliveries", "total_deliveries", 4).alias("completion_rate"),
            )
        )  # fmt: skip
        key = f.concat_ws("|", "window_start", "driver_key")
        self.write(rows, "gold_driver_performance", key, as_json(rows.columns))

    def delivery_times(self) -> None:
        """gold_delivery_time_distribution: all buckets of a window in one row, because each is a share of them all."""
        taken = f.unix_millis("status_time") - f.unix_millis("order_date")
        minute = 60_000
        buckets = {
            "fast": taken < 30 * minute,
            "normal": (taken >= 30 * minute) & (taken <= 60 * minute),
            "slow": (taken > 60 * minute) & (taken <= 90 * minute),
            "very_slow": taken > 90 * minute,
        }
        counts = [f.count(f.when(condition, 1)).alias(f"{name}_count") for name, condition in buckets.items()]
        sums = [f.sum(f.when(condition, taken)).alias(f"{name}_taken") for name, condition in buckets.items()]
        shapes = [
            f.struct(
                f.lit(name).alias("bucket"), f.col(f"{name}_count").alias("n"), f.col(f"{name}_taken").alias("taken")
            )
            for name in buckets
        ]
        rows = (
            self.silver("silver-order-status")
            .where("status_name = 'delivered'")
            .groupBy(window())
            .agg(f.count("*").alias("deliveries"), *counts, *sums)
            .select(start(), "deliveries", f.explode(f.array(*shapes)).alias("b"))
            .where("b.n > 0")
            .select(
                "window_start", f.col("b.bucket").alias("bucket"), f.col("b.n").alias("order_count"),
                share(f.col("b.n") * 100, f.col("deliveries"), 2).alias("percentage"),
                share(f.col("b.taken"), f.col("b.n") * minute, 2).alias("avg_delivery_minutes"),
            )
        )  # fmt: skip
        key = f.concat_ws("|", "window_start", "bucket")
        self.write(rows, "gold_delivery_time_distribution", key, as_json(rows.columns))

    def alerts(self) -> None:
        """delivery-alerts: the order's latest status decides; a tombstone when it is no longer delayed."""
        mark = f.col("order_date") + f.expr("interval 30 minutes")
        status_time = f.col("latest.status_time")
        since = f.greatest(status_time, mark)
        is_delayed = (f.col("latest.status_name") == "preparing") & ((status_time > mark) | (mark < self.as_of))
        minutes = f.floor((f.unix_millis(since) - f.unix_millis("order_date")) / 60_000).cast("int")
        latest = (
            self.silver("silver-order-status")
            .where(f.col("status_id").isNotNull())
            .groupBy("order_id", "restaurant_key", "driver_key", "order_date")
            .agg(
                f.max(f.struct("status_time", "status_id", "status_name")).alias("latest"),
                f.max(f.col("status_name") == "preparing").alias("was_preparing"),
            )
            .where("was_preparing")
            .select(
                "order_id", is_delayed.alias("is_delayed"), "restaurant_key", "driver_key",
                minutes.alias("delay_minutes"), f.lit("DELAYED_ORDER").alias("alert_type"),
                f.unix_millis(since).alias("timestamp"),
            )
        )  # fmt: skip
        columns = ["order_id", "restaurant_key", "driver_key", "delay_minutes", "alert_type", "timestamp"]
        value = f.when(f.col("is_delayed"), as_json(columns))
        self.write(latest, "delivery-alerts", f.col("order_id"), value)


def is_timely(event_time: str) -> Column:
    """The project's rule: by the record's own times."""
    arrived, at = f.col("arrived"), f.col(event_time)
    return (arrived <= at + f.expr("interval 10 minutes")) & (arrived >= at - f.expr("interval 60 minutes"))


def window() -> Column:
    """The ten-minute window of order_date."""
    return f.window("order_date", "10 minutes")


def start() -> Column:
    """Its start in ms."""
    return f.unix_millis("window.start").alias("window_start")


def distinct(column: str) -> Column:
    """An exact distinct count: the set itself is the state."""
    return f.size(f.collect_set(column))


def share(part: str | Column, whole: str | Column, places: int) -> Column:
    """An exact quotient; null without a whole."""
    part, whole = (f.col(c) if isinstance(c, str) else c for c in (part, whole))
    return f.round(part.cast("decimal(24, 4)") / f.nullif(whole.cast("decimal(13, 0)"), f.lit(0)), places)


def as_json(columns: list[str]) -> Column:
    """A message's value."""
    return f.to_json(f.struct(*columns), {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX", "ignoreNullFields": "false"})


def tell(event: str, **fields: Any) -> None:
    """A line for whoever started this."""
    sys.stdout.write(json.dumps({"event": event, "at": time.time(), **fields}) + "\n")
    sys.stdout.flush()


def read_so_far(query: StreamingQuery) -> int:
    """Messages of the raw topics that the query has taken."""
    return sum(progress["numInputRows"] for progress in query.recentProgress)


def main() -> None:
    """Drains what the topics hold and ends."""
    given = json.loads(sys.argv[1])
    builder = SparkSession.builder.appName("delivery")
    for name, value in {**given["settings"]["conf"], **given["conf"]}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    job = Job(spark, given)
    tell("session")
    job.start()
    tell("ready", queries=len(job.queries))
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(2.0):
            tell("progress", read=read_so_far(job.queries[1]))

    threading.Thread(target=follow, daemon=True).start()
    # Each after those whose topics it reads.
    for query in job.queries:
        query.processAllAvailable()
    ended.set()
    tell("drained", read=read_so_far(job.queries[1]))
    for query in job.queries:
        batches = [p for p in query.recentProgress if p["numInputRows"]]
        states = [operator for p in query.recentProgress for operator in p["stateOperators"]]
        last = query.lastProgress["stateOperators"] if query.lastProgress else []
        tell(
            "query",
            name=query.name,
            batches=len(batches),
            rows=sum(p["numInputRows"] for p in batches),
            seconds=round(sum(p["durationMs"]["triggerExecution"] for p in batches) / 1000, 1),
            dropped=sum(operator["numRowsDroppedByWatermark"] for operator in states),
            state_rows=sum(operator["numRowsTotal"] for operator in last),
        )
    for query in job.queries:
        query.stop()
    spark.stop()


if __name__ == "__main__":
    main()
