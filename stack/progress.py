"""Progress bars of the set-up.

In: a console. Out: a callback that shows what is being done, and leaves a line for what is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from stack.local import Progress as Tell


@contextmanager
def steps(console: Console) -> Iterator[Tell]:
    """A progress callback that shows a bar, and leaves a line for each finished task."""
    with new_bar(console) as bar:
        task = bar.add_task("looking around", total=None)
        shown = ""

        def tell(text: str, done: int, total: int) -> None:
            nonlocal shown
            bar.update(task, description=text[:60], completed=done, total=total)
            if text != shown and (done in (0, total) or (not console.is_terminal and done % 10 == 0)):
                console.print(f"[dim]{text}[/]" if done < total else f"[green]{text}[/]")
            shown = text

        yield tell


def new_bar(console: Console) -> Progress:
    """A bar that goes away when it is done."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
