"""Runs cases: after each step, every maintained view must hold what its definition gives at that moment.

In: a `Case` and an engine over a real PostgreSQL with a held clock. Out: nothing, or an AssertionError that names
the first rows that differ. Views that are refused by name are left out, with those that read them, and counted.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import psycopg

from mzlite.dataflow.engine import Engine
from mzlite.dialect.definitions import ColumnDefinition
from mzlite.errors import MzError
from mzlite.kafka.ingest import Batch
from mzlite.kafka.pack import COPY_HEADER, COPY_TRAILER
from mzlite.storage.postgres import Postgres
from pytests.property.cases import Case, Step, View, moments
from pytests.unit.dataflow.conftest import DEADLINE, PATH, Harness

DAY = 86_400_000


class Feed:
    """An append-only relation's rows, given by hand where a topic would be read."""

    def __init__(self, source_id: str, columns: tuple[str, ...]) -> None:
        self.spec = FeedSpec(source_id, columns)
        self.batches: list[Batch] = []

    def take(self, max_rows: int, max_bytes: int) -> Batch | None:
        """What the engine asks for in each tick."""
        return self.batches.pop(0) if self.batches else None

    def give_back(self, batch: Batch) -> None:
        """A batch whose tick did not commit."""
        self.batches.insert(0, batch)

    def waiting(self) -> list[tuple[int, int]]:
        """What there is to take."""
        return [(0, batch.rows) for batch in self.batches[:1]]

    def stop(self, *, wait: bool = True) -> None:
        """Nothing runs here."""


@dataclass(frozen=True)
class FeedSpec:
    """What the engine reads of an `IngestSpec`."""

    source_id: str
    staged_columns: tuple[str, ...]


PATIENCE = 900.0
"""Seconds for what a case that has grown too large still computes."""


class TooLargeError(Exception):
    """The engine computes for longer than a case may take: products of products, which say nothing about rows."""


@dataclass
class Tally:
    """What was tried: views maintained and compared, comparisons, histories ended early, and views refused by reason."""

    cases: int = 0
    too_large: int = 0
    views: int = 0
    comparisons: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """A line, and one for each kind of refusal."""
        refused = sum(self.refused.values())
        share = 100 * refused / max(1, refused + self.views)
        lines = [
            f"{self.cases} histories, {self.views} views maintained, {self.comparisons} comparisons,"
            f" {refused} views refused ({share:.1f} %)"
            + (f", {self.too_large} histories ended early as too large" if self.too_large else "")
        ]
        lines += [f"  {count:6} {reason}" for reason, count in self.refused.most_common()]
        return "\n".join(lines)


class System:
    """An engine that cases run on, one after the other."""

    def __init__(self, postgres: Postgres) -> None:
        self.harness = Harness(postgres)
        self.harness.engine.stop()
        # Nothing here outlives the test, and definitions write many small files.
        self.harness.system.execute("alter system set fsync = off")
        self.harness.system.execute("select pg_reload_conf()")
        self.tally = Tally()
        self._numbers = itertools.count(1)
        self._feeds: dict[str, Feed] = {}
        self._feed_ids: dict[str, str] = {}
        self._start()

    def close(self) -> None:
        """Stops the engine."""
        self.harness.close()

    def _start(self) -> None:
        self.harness.engine = Engine(lambda: self.harness.postgres.connect(), self.harness.clock)
        self.harness.engine.ingests.update(self._feeds)  # type: ignore[arg-type]
        self.harness.engine.start()

    # Cases -------------------------------------------------------------------------

    def run(self, case: Case) -> None:
        """Runs a case and takes away what it made."""
        made: list[str] = []
        held = self.harness.clock.held
        assert held is not None
        self.harness.clock.hold((held // DAY + 1) * DAY)
        self._result(self.harness.engine.absorb_writes())
        try:
            self._run(case, made)
        except TooLargeError:
            self.tally.too_large += 1
        finally:
            self._drop(made)
        self.tally.cases += 1

    def _run(self, case: Case, made: list[str]) -> None:
        begin = self.harness.clock.held or 0
        for name, columns in case.tables:
            self._base(made, name, columns, "table")
        for name, columns in case.sources:
            self._base(made, name, columns, "source")
        missing: set[str] = set()
        views: list[View] = []
        for place, step in enumerate(case.steps):
            for view in case.views:
                if view.at == place and self._view(made, view, begin, missing):
                    views.append(view)
            self._compare(views)
            self._step(step, begin)
            self._compare(views)

    def _id(self, made: list[str], name: str) -> str:
        object_id = f"u{next(self._numbers)}"
        self.harness.ids[name] = object_id
        made.append(object_id)
        return object_id

    def _base(self, made: list[str], name: str, columns: str, kind: str) -> None:
        object_id = self._id(made, name)
        pairs = [column.split(" ", 1) for column in re.split(r", (?=\w+ [a-z])", columns)]
        definitions = [ColumnDefinition(column, type_) for column, type_ in pairs]
        create = "create_table" if kind == "table" else "create_source"
        self._submit(lambda tx: getattr(tx.dataflow, create)(tx, object_id, "public", name, definitions))
        if kind == "source":
            feed = Feed(object_id, tuple(column for column, _ in pairs))
            self._feeds[object_id], self._feed_ids[name] = feed, object_id
            self.harness.engine.ingests[object_id] = feed  # type: ignore[assignment]

    def _submit(self, job: Any) -> Any:
        return self._result(self.harness.engine.submit(job))

    def _result(self, future: Future[Any]) -> Any:
        """What the engine answers; TooLargeError where it works for too long. An engine that only waits is a failure."""
        try:
            return future.result(DEADLINE)
        except TimeoutError:
            if not self._is_computing():
                raise
        future.exception(PATIENCE)
        raise TooLargeError

    def _is_computing(self) -> bool:
        row = self.harness.system.execute(
            "select exists (select from pg_stat_activity where state = 'active' and backend_type = 'client backend'"
            " and wait_event_type is distinct from 'Lock' and pid <> pg_backend_pid())"
        ).fetchone()
        return row is not None and bool(row[0])

    def _view(self, made: list[str], view: View, begin: int, missing: set[str]) -> bool:
        """Makes a view; False when it is refused by name, or reads one that was."""
        query = moments(view.query, begin)
        if missing & set(re.findall(r"\bv\d+\b", query)):
            missing.add(view.name)
            return False
        object_id = self._id(made, view.name)
        before = made[:-1]

        def job(tx: Any) -> None:
            dataflow = tx.dataflow
            if view.kind == "materialized":
                dataflow.create_materialized_view(tx, object_id, "public", view.name, (), query, PATH)
                return
            oid = dataflow.create_view(tx, object_id, "public", view.name, (), query, PATH)
            # The registry tells the engine which relation an object is.
            tx.execute(
                "insert into mzlite.objects (id, oid, type, relation, namespace, name, owner_id)"
                " values (%s, %s, 'view', %s, 'public'::regnamespace, %s, 'u1')",
                (object_id, oid, oid, view.name),
            )
            if view.kind == "indexed":
                dataflow.create_index(tx, f"{object_id}i", oid, None)

        try:
            self._submit(job)
        except MzError as error:
            if "not supported" not in str(error) and "cannot be maintained" not in str(error):
                raise AssertionError(f"{view.name}: {error}\n{query}") from error
            self.tally.refused[re.sub(r'"[^"]*"', '".."', str(error))] += 1
            made[:] = before
            missing.add(view.name)
            return False
        except psycopg.Error as error:
            made[:] = before
            raise AssertionError(f"{view.name} cannot be made: {error}\n{query}") from error
        self.tally.views += 1
        return True

    def _drop(self, made: list[str]) -> None:
        """Drops everything, what was made last first."""

        def job(tx: Any) -> None:
            for object_id in reversed(made):
                tx.dataflow.drop(tx, object_id)
            tx.execute("delete from mzlite.objects where id = any (%s)", (made,))

        self._submit(job)
        for object_id in made:
            self._feeds.pop(object_id, None)
            self.harness.engine.ingests.pop(object_id, None)
        made.clear()

    def _step(self, step: Step, begin: int) -> None:
        harness = self.harness
        if step.advance:
            harness.clock.hold((harness.clock.held or 0) + step.advance)
        writes = [moments(text, begin) for text in step.writes]
        if step.transaction:
            with harness.client.transaction():
                self._write(writes)
        else:
            self._write(writes)
        self._result(harness.engine.absorb_writes())
        if step.restart:
            harness.engine.stop()
            self._start()

    def _write(self, writes: list[str]) -> None:
        for text in writes:
            if text.startswith("feed "):
                _, name, rows = text.split(" ", 2)
                self._feeds[self._feed_ids[name]].batches.append(self._packed(rows))
            else:
                self.harness.client.execute(text.encode())

    def _packed(self, rows: str) -> Batch:
        """Rows in the binary format in which sources hand them over."""
        data = b""
        with self.harness.client.cursor() as cursor:
            with cursor.copy(f"copy ({rows}) to stdout (format binary)".encode()) as copy:
                data = b"".join(bytes(part) for part in copy)
            count = cursor.rowcount
        return Batch(count, data[len(COPY_HEADER) : -len(COPY_TRAILER)], {}, messages=count)

    # Comparison ----------------------------------------------------------------------

    def _compare(self, views: list[View]) -> None:
        """Every maintained view against its definition, in one statement; the differing rows only if there are any."""
        parts = []
        for view in views:
            if view.kind == "materialized":
                shown, defined = f"public.{view.name}", f"mzlite_def.d_{self.harness.ids[view.name]}"
                for name, first, second in (("extra", shown, defined), ("missing", defined, shown)):
                    rows = f"select r::text from (table {first} except all table {second}) as r limit 3"
                    parts.append(f"select '{view.name}', '{name}', array({rows})")
                self.tally.comparisons += 1
        if not parts:
            return
        rows = self.harness.system.execute(" union all ".join(parts).encode()).fetchall()
        found = [f"{name}: {kind} {values}" for name, kind, values in rows if values]
        assert not found, "\n".join(found)
