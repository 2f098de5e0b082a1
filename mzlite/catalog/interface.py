"""What the statement executors work with and what they give back.

In: nothing. Out: the result types, and the engine's transaction under the name by which the
executors know it; they know nothing else about how collections are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mzlite.dataflow.dataflow import Dataflow
from mzlite.dataflow.transaction import EngineTransaction

__all__ = ["Dataflow", "EngineTransaction", "ExecuteResult", "Notice"]


@dataclass(frozen=True)
class Notice:
    """A message beside the result."""

    message: str
    severity: str = "NOTICE"
    sqlstate: str = "00000"
    detail: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class ExecuteResult:
    """The command tag of a statement and its notices; with `columns`, also rows of text."""

    tag: str
    notices: list[Notice] = field(default_factory=list)
    columns: Sequence[str] = ()
    rows: Sequence[tuple[str, ...]] = ()
