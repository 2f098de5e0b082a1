"""What the administrator asks of the stack's engine: its clock, and whether its views are right.

In: settings and what was asked. Out: a table on the terminal, and whether all is well.
"""

from __future__ import annotations

import psycopg
from rich.console import Console
from rich.markup import escape

from mzlite.dialect.admin import ADMINISTRATOR
from stack.engine import connect, is_silent, no_answer
from stack.errors import StackError
from stack.settings import Settings

COLOURS = {"equal": "green", "in error": "yellow"}


def run_clock(settings: Settings, statement: str, console: Console, *values: str) -> None:
    """Show, set, advance or release the clock; the moment it shows then is printed.

    Args:
        statement: such as "SET CLOCK TO {}".
        values: texts for its places.

    Raises:
        StackError: the engine does not answer, or refuses.
    """
    quoted = ["'" + value.replace("'", "''") + "'" for value in values]
    try:
        with connect(settings, user=ADMINISTRATOR, connect_timeout=5) as connection:
            row = connection.execute(f"mzlite {statement.format(*quoted)}".encode()).fetchone()
    except psycopg.Error as error:
        raise as_stack_error(error, settings) from error
    assert row is not None
    milliseconds, moment, state = row
    console.print(f"{moment} UTC ({milliseconds} ms), {state}")


def run_verify(settings: Settings, name: str | None, console: Console) -> bool:
    """Recompute and compare every maintained object, or those of one name; each is printed as it is done.

    Returns:
        whether none differs.

    Raises:
        StackError: the engine does not answer, or no object has the name.
    """
    first = None
    counts = {"equal": 0, "different": 0, "in error": 0}
    rows_in_all = 0
    try:
        with connect(settings, user=ADMINISTRATOR, connect_timeout=5) as connection, connection.cursor() as cursor:
            console.print(_line("object", "type", "rows", "ms", "outcome"), style="bold", soft_wrap=True)
            statement = f"mzlite verify {name or ''}"
            for shown, kind, rows, milliseconds, outcome, difference in cursor.stream(statement.encode()):
                line = _line(shown, kind, f"{int(rows):,}", f"{int(milliseconds):,}", outcome)
                console.print(line, style=COLOURS.get(outcome, "bold red"), markup=False, soft_wrap=True)
                if difference is not None:
                    console.print(f"    {difference}", markup=False, soft_wrap=True)
                    if outcome == "different":
                        first = first or f"{shown}: {difference}"
                counts[outcome] += 1
                rows_in_all += int(rows)
    except psycopg.Error as error:
        raise as_stack_error(error, settings) from error
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    console.print(f"{sum(counts.values())} objects, {rows_in_all:,} rows: {summary or 'nothing is maintained'}")
    if first is not None:
        console.print(f"[bold red]first difference:[/] {escape(first)}", soft_wrap=True)
    return first is None


def _line(name: str, kind: str, rows: str, milliseconds: str, outcome: str) -> str:
    return f"{name:<44}  {kind:<18} {rows:>12} {milliseconds:>8}  {outcome}"


def as_stack_error(error: psycopg.Error, settings: Settings) -> StackError:
    """The sentence that a person gets for an error of the engine."""
    if is_silent(error):
        return no_answer(settings)
    hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
    return StackError(f"{error.diag.message_primary or error}.{hint}")
