"""The subcommands of `hotplate refunds`.

In: the command line. Out: the work of `stack.refunds`.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from stack import options as opt
from stack.options import console
from stack.refunds import RefundDesk
from stack.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Refunds of the kitchens: what is recommended, what people decide.")
Order = Annotated[UUID, typer.Argument(help="The order's id.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many rows.")]


@app.command(name="list")
def list_queue(limit: Limit = 20, state_dir: opt.StateDir = None, sql_port: opt.SqlPort = None) -> None:
    """Show the recommendations that await a decision, the dearest first."""
    _desk(state_dir, sql_port).queue(limit)


@app.command()
def show(order: Order, state_dir: opt.StateDir = None, sql_port: opt.SqlPort = None) -> None:
    """Show an order: recommendation, timeline, items, decisions."""
    _desk(state_dir, sql_port).show(order)


@app.command()
def decide(
    order: Order,
    decision: Annotated[str, typer.Argument(help="none, partial or full.")],
    amount: Annotated[str | None, typer.Option("--amount", help="What to pay back, if not what is usual.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who decides. [default: the user's name]")] = None,
    note: Annotated[str | None, typer.Option("--note", help="Why.")] = None,
    state_dir: opt.StateDir = None,
    sql_port: opt.SqlPort = None,
) -> None:
    """Write a decision; the order leaves the queue at once."""
    _desk(state_dir, sql_port).decide(order, decision, amount, by, note)


@app.command()
def history(limit: Limit = 50, state_dir: opt.StateDir = None, sql_port: opt.SqlPort = None) -> None:
    """Show what was decided, the newest first."""
    _desk(state_dir, sql_port).history(limit)


def _desk(state_dir: opt.StateDir, sql_port: opt.SqlPort) -> RefundDesk:
    return RefundDesk(Settings.load(state_dir=state_dir, sql_port=sql_port), console)
