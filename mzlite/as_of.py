"""AS OF: at which moment a query is read, and waiting until that has come.

In: a statement's AS OF and the names that it reads. Out: the moment in milliseconds, once everything before it is
complete. What reads no relation with rows of its own can be read at any moment; of everything else only the present is
kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mzlite.catalog.inputs import collections, named_items, not_valid
from mzlite.dataflow.engine import Engine
from mzlite.dataflow.transaction import EngineTransaction, as_client
from mzlite.dialect.statements import Name
from mzlite.session import Session

_LOOK_AGAIN_SECONDS = 0.02


@dataclass(frozen=True)
class Moment:
    """When a query is to be read.

    Attributes:
        wanted: that moment; None for the present.
        waits: it has to come first.
    """

    wanted: int | None
    waits: bool = False

    async def reached(self, engine: Engine) -> int | None:
        """Wait until it has come; None is the present."""
        while self.waits and self.wanted is not None and engine.frontier() <= self.wanted:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)  # the engine is another thread
        return self.wanted


@dataclass(frozen=True)
class AsOf:
    """`AS OF [AT LEAST] expression` of a query that names the relations `reads`."""

    expression: str
    at_least: bool
    reads: tuple[Name, ...]

    def judged(self, tx: EngineTransaction, session: Session) -> Moment:
        """The moment that it means.

        Raises:
            MzError: it has passed, and is no lower bound.
        """
        moments = (
            f"select mz_internal.milliseconds(({self.expression})::mz_catalog.mz_timestamp),"
            " mz_internal.milliseconds(mz_catalog.mz_now())"
        )
        row = as_client(tx, moments).fetchone()
        assert row is not None
        wanted, now = int(row[0]), int(row[1])
        items = named_items(tx, session, self.reads) or ()
        if any(item.is_system for item in items):
            inputs = [item.id for item in items]
        else:
            inputs = list(collections(tx, (item.id for item in items)))
        if inputs and wanted < now:
            if self.at_least:
                return Moment(None)
            raise not_valid(wanted, now, inputs)
        return Moment(wanted, bool(inputs))
