"""The Refund Manager's work on the command line: what is recommended, what was decided, by whom.

In: settings of a running stack and what a person types. Out: tables on the terminal, and rows in
`input.refund_decisions`. The queue is a view: a decision leaves it the moment it is inserted.
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import psycopg
from rich.console import Console
from rich.table import Table

from stack.engine import connect, is_silent, no_answer
from stack.errors import StackError
from stack.settings import Settings

DECISIONS = ("none", "partial", "full")
QUEUE = """
    select order_id, location, gk_id, refund_class, suggested_amount, revenue, score, delivered_at, reason
    from refunds.refund_queue order by suggested_amount desc, order_id asc
"""
RECOMMENDATION = """
    select refund_class, suggested_amount, revenue, score, reason, location, gk_id, delivered_at
    from refunds.refund_recommendations where order_id = %s
"""
STAGES = """
    select created_at, started_at, finished_at, ready_at, picked_up_at, delivered_at,
        queue_minutes, cooking_minutes, packing_minutes, pickup_minutes, drive_minutes, total_minutes
    from silver.silver_order_timeline where order_id = %s
"""
ITEMS = """
    select item_name, brand_name, qty, price, extended_price
    from silver.silver_order_items where order_id = %s order by line
"""
HISTORY = """
    select decided_at, order_id, decision, amount, decided_by, note
    from input.refund_decisions order by decided_at desc, order_id asc
"""
DECIDE = """
    insert into input.refund_decisions (order_id, decision, amount, decided_by, decided_at, note)
    values (%s, %s, %s, %s, now() at time zone 'utc', %s)
"""


class RefundDesk:
    """One connection to the engine, for as long as one command takes."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console

    def queue(self, limit: int) -> None:
        """Show the queue, the dearest first."""
        rows = self._query(QUEUE)
        columns = ("order", "location", "kitchen", "class", "amount", "of", "score", "delivered", "reason")
        self._show(f"{len(rows):,} refunds await a decision", columns, rows[:limit])

    def show(self, order_id: UUID) -> None:
        """Show one order: what is recommended, its timeline, its items, what was decided.

        Raises:
            StackError: nothing is known of such an order.
        """
        stages = self._query(STAGES, order_id)
        if not stages:
            raise StackError(f"there is no order {order_id} in silver_order_timeline")
        for kind, amount, revenue, score, reason, location, kitchen, delivered in self._query(RECOMMENDATION, order_id):
            self._console.print(f"[bold]{kind}[/]: {amount} of {revenue}, score {score}: {reason}", soft_wrap=True)
            self._console.print(f"{location}, {kitchen}, delivered {delivered:%Y-%m-%d %H:%M:%S}")
        times, minutes = stages[0][:6], ("", *stages[0][6:11])
        names = ("ordered", "started", "cooked", "ready", "picked up", "delivered")
        self._show("timeline", ("stage", "at", "minutes before"), list(zip(names, times, minutes, strict=True)))
        self._show("items", ("item", "brand", "quantity", "price", "together"), self._query(ITEMS, order_id))
        decisions = [row for row in self._query(HISTORY) if row[1] == order_id]
        self._show("decisions", ("at", "order", "decision", "amount", "by", "note"), decisions)

    def decide(self, order_id: UUID, decision: str, amount: str | None, by: str | None, note: str | None) -> None:
        """Write a decision; without an amount, what the class recommends.

        Raises:
            StackError: no such decision, no such order, or an amount that is none or more than was paid.
        """
        if decision not in DECISIONS:
            raise StackError(f"a decision is one of {', '.join(DECISIONS)}, not {decision}")
        rows = self._query(RECOMMENDATION, order_id)
        if not rows:
            raise StackError(f"there is no delivered order {order_id} with a recommendation")
        recommended, suggested, revenue = rows[0][:3]
        if amount is not None:
            paid_back = _money(amount)
        elif decision == "none":
            paid_back = Decimal(0)
        elif decision == "full":
            paid_back = revenue
        elif recommended == "partial":
            paid_back = suggested
        else:
            raise StackError("a partial refund that the policy does not recommend needs --amount")
        if not 0 <= paid_back <= revenue:
            raise StackError(f"the order cost {revenue}; {paid_back} cannot be paid back")
        self._execute(DECIDE, order_id, decision, paid_back, by or getpass.getuser(), note)
        self._console.print(f"{decision}: {paid_back} of {revenue} (recommended: {recommended}, {suggested})")

    def history(self, limit: int) -> None:
        """Show the decisions, the newest first."""
        rows = self._query(HISTORY)
        self._show(f"{len(rows):,} decisions", ("at", "order", "decision", "amount", "by", "note"), rows[:limit])

    def _query(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        try:
            with connect(self._settings, connect_timeout=10) as connection:
                return connection.execute(query.encode(), parameters or None).fetchall()
        except psycopg.Error as error:
            raise _unusable(error, self._settings) from error

    def _execute(self, statement: str, *parameters: object) -> None:
        try:
            with connect(self._settings, connect_timeout=10) as connection:
                connection.execute(statement.encode(), parameters)
        except psycopg.Error as error:
            raise _unusable(error, self._settings) from error

    def _show(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        table = Table(title=title, title_justify="left")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(_text(value) for value in row))
        self._console.print(table)


def _money(text: str) -> Decimal:
    try:
        amount = Decimal(text)
        if amount == amount.quantize(Decimal("0.01")):
            return amount
    except InvalidOperation:
        pass
    raise StackError(f"{text} is no amount with two decimal places")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.strftime("%Y-%m-%d %H:%M:%S") if hasattr(value, "strftime") else str(value)


def _unusable(error: psycopg.Error, settings: Settings) -> StackError:
    if is_silent(error):
        return no_answer(settings)
    reason = str(error).strip().splitlines()[0]
    return StackError(f"mzlite cannot tell: {reason}; are the kitchens deployed?")
