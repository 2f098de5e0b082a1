"""What the demo shows of each system: panels over its views, and the view by which latency is measured.

In: nothing. Out: boards, which `stack.demo.board_screen` follows and draws.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """A list of a view's rows.

    Attributes:
        title: what it says.
        relation: schema and name.
        columns: which of its columns, in the order in which they are drawn.
        order_by: the column that decides what stands on top, the greatest first.
    """

    title: str
    relation: str
    columns: tuple[str, ...]
    order_by: str


@dataclass(frozen=True)
class Board:
    """One system's panels, and where its events are counted: (relation, column of the window, column of the count)."""

    panels: tuple[Panel, ...]
    counted: tuple[str, str, str]


BOARDS: dict[str, Board] = {
    "delivery": Board(
        panels=(
            Panel(
                "platform by window",
                "gold.gold_system_health",
                ("window_start", "total_orders", "total_revenue", "unique_users"),
                "window_start",
            ),
            Panel(
                "delayed orders",
                "silver.silver_delayed_orders",
                ("delayed_since", "restaurant_key", "delay_minutes"),
                "delayed_since",
            ),
        ),
        counted=("gold.gold_system_health", "window_start", "total_orders"),
    ),
    "kitchens": Board(
        panels=(
            Panel(
                "sales by hour",
                "gold.gold_location_sales_hourly",
                ("window_start", "location", "orders", "revenue"),
                "window_start",
            ),
            Panel(
                "brands by day",
                "gold.gold_brand_sales_day",
                ("order_day", "brand_name", "orders", "items", "revenue"),
                "revenue",
            ),
            Panel(
                "refunds that await a decision",
                "refunds.refund_queue",
                ("delivered_at", "location", "refund_class", "suggested_amount", "reason"),
                "delivered_at",
            ),
        ),
        counted=("gold.gold_location_sales_hourly", "window_start", "orders"),
    ),
    "clickstream": Board(
        panels=(
            Panel(
                "shop by minute",
                "gold.gold_kpis",
                ("window_start", "orders", "gmv", "active_users", "conversion_rate"),
                "window_start",
            ),
            Panel(
                "quality by minute",
                "monitoring.monitor_data_quality",
                ("window_start", "messages", "schema_compliance_rate", "duplicate_rate", "late_rate"),
                "window_start",
            ),
        ),
        counted=("gold.gold_kpis", "window_start", "orders"),
    ),
    "santa": Board(
        panels=(
            Panel(
                "night by minute",
                "gold.gold_delivery_summary_realtime",
                ("window_start", "events", "gifts", "delivered", "delayed"),
                "window_start",
            ),
            Panel(
                "cities by quarter of an hour",
                "gold.gold_top_cities",
                ("window_start", "rank", "city", "gifts"),
                "window_start",
            ),
            Panel(
                "regions with many delays",
                "alerts.santa_alerts",
                ("window_start", "region", "delivered", "delayed", "delay_rate"),
                "window_start",
            ),
        ),
        counted=("gold.gold_delivery_summary_realtime", "window_start", "events"),
    ),
}
