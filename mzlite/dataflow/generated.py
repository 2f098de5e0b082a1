"""Which load generators there are and what they fill, in the database.

In: specifications from CREATE SOURCE .. FROM LOAD GENERATOR, relations that come and go. Out: running generators, once
the transaction has committed and again after each restart.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg.types.json import Jsonb

from mzlite.dataflow.specs import Connectors
from mzlite.dataflow.transaction import EngineTransaction
from mzlite.generators.spec import GeneratorSpec, from_json, to_json


class Generated:
    """The load generators of one database."""

    def __init__(self, connectors: Connectors | None) -> None:
        self._connectors = connectors

    def start(self, tx: EngineTransaction, spec: GeneratorSpec) -> None:
        """Lets a generator run; one that runs already goes on with this specification."""
        tx.execute(
            "insert into mzlite.generators (source_id, spec) values (%s, %s)"
            " on conflict (source_id) do update set spec = excluded.spec",
            (spec.source_id, Jsonb(to_json(spec))),
        )
        connectors = self._connectors
        if connectors is not None:
            tx.after_commit.append(lambda: connectors.stop_connector(spec.source_id))
            tx.after_commit.append(lambda: connectors.start_generator(spec))

    def spec(self, tx: EngineTransaction, source_id: str) -> GeneratorSpec:
        """What the generator of a source does."""
        row = tx.execute("select spec from mzlite.generators where source_id = %s", (source_id,)).fetchone()
        assert row is not None
        return from_json(row[0])

    def resume(self, tx: EngineTransaction) -> None:
        """After a start of the server: each goes on where it stood, at the moment that it is now."""
        for spec, place in tx.execute(
            "select g.spec, o.next_offset from mzlite.generators as g"
            " left join mzlite.offsets as o on o.source_id = g.source_id"
        ).fetchall():
            found = from_json(spec)
            self.start(tx, found if place is None else found.resumed(place, tx.timestamp))

    def leave(self, tx: EngineTransaction, object_id: str) -> None:
        """An object is dropped: a generator ends, or goes on without one of its relations."""
        tx.execute("delete from mzlite.generators where source_id = %s", (object_id,))
        for (spec,) in tx.execute(
            "select spec from mzlite.generators where spec -> 'targets' @> %s", (Jsonb([{"table_id": object_id}]),)
        ).fetchall():
            found = from_json(spec)
            kept = tuple(target for target in found.targets if target.table_id != object_id)
            self.start(tx, replace(found, targets=kept))
