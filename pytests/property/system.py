"""Runs cases: after each step, every maintained view must hold what its definition gives at that moment.

In: a `Case` and an engine over a real PostgreSQL with a held clock. Out: nothing, or an AssertionError that names
the first rows that differ. Views that are refused by name are left out, with those that read them, and counted.
"""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import psycopg

from mzlite.catalog.relations import resolved_column
from mzlite.dataflow import litter, tick
from mzlite.dataflow.relations import regclass
from mzlite.dataflow.verify import Subject, comparison
from mzlite.dialect.definitions import CreateMaterializedView, CreateTable
from mzlite.dialect.parse import parse
from mzlite.dialect.statements import Relayed
from mzlite.errors import MzError
from mzlite.session import Session
from mzlite.storage.postgres import Postgres
from pytests.property.cases import LONG, Case, Step, View, inner_name, readers, reads, with_long_names
from pytests.property.kinds import spelled
from pytests.unit.dataflow.conftest import DEADLINE, PATH, Harness
from pytests.unit.dataflow.feeds import Feed, packed

DAY = 86_400_000


PATIENCE = 900.0
"""Seconds for what a case that has grown too large still computes."""


class TooLargeError(Exception):
    """The engine computes for longer than a case may take: products of products, which say nothing about rows."""


HEALING = 30.0
"""Seconds within which a view that can be computed again is."""
SESSION = Session(1)


@dataclass(frozen=True)
class Made:
    """A view that there is.

    Attributes:
        id: of the object.
        subject: what is maintained, to be compared; None for a plain view without an index.
    """

    view: View
    id: str
    subject: Subject | None = None


@dataclass
class Tally:
    """What was tried: views maintained and compared, comparisons, histories ended early, and views refused by reason."""

    cases: int = 0
    too_large: int = 0
    views: int = 0
    comparisons: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """A line, and one for each kind of refusal."""
        refused = sum(self.refused.values())
        share = 100 * refused / max(1, refused + self.views)
        lines = [
            f"{self.cases} histories, {self.views} views maintained, {self.comparisons} comparisons"
            f" ({self.errors.total()} of views in error),"
            f" {refused} views refused ({share:.1f} %)"
            + (f", {self.too_large} histories ended early as too large" if self.too_large else "")
        ]
        lines += [f"  {count:6} {reason}" for reason, count in self.refused.most_common()]
        lines += [f"  {count:6} in error: {reason}" for reason, count in self.errors.most_common()]
        return "\n".join(lines)


class System:
    """An engine that cases run on, one after the other."""

    def __init__(self, postgres: Postgres) -> None:
        self.harness = Harness(postgres)
        self.harness.engine.stop()
        self.harness.client.execute(f"set search_path = {', '.join(PATH)}".encode())
        # Nothing here outlives the test, and definitions write many small files.
        self.harness.system.execute("alter system set fsync = off")
        self.harness.system.execute("select pg_reload_conf()")
        # What takes thousands of rows otherwise.
        self._limits = litter.VACUUM_AFTER, litter.LOADED, tick.REPLAN_ROWS
        litter.VACUUM_AFTER, litter.LOADED, tick.REPLAN_ROWS = 60, 15, 120
        self.tally = Tally()
        self._numbers = itertools.count(1)
        self._long = False
        self._feeds: dict[str, Feed] = {}
        self._feed_ids: dict[str, str] = {}
        self._start()

    def close(self) -> None:
        """Stops the engine."""
        litter.VACUUM_AFTER, litter.LOADED, tick.REPLAN_ROWS = self._limits
        self.harness.close()

    def _start(self) -> None:
        self.harness.make_engine()
        self.harness.engine.connectors.ingests.update(self._feeds)  # type: ignore[arg-type]
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
        self._long = case.long
        bases = [(name, columns, "table") for name, columns in case.tables]
        self._bases(made, bases + [(name, columns, "source") for name, columns in case.sources])
        missing: set[str] = set()
        views: dict[str, Made] = {}
        for place, step in enumerate(case.steps):
            coming = [view for view in case.views if view.at == place]
            for view in coming:
                self._happens(made, views, view, begin, missing)
            if coming:
                self._compare(views)
            self._step(step, begin)
            self._compare(views)

    def _text(self, text: str, begin: int) -> str:
        """Text of a case as Materialize reads it."""
        text = spelled(text, begin)
        return with_long_names(text) if self._long else text

    def _name(self, name: str) -> str:
        """A name of a case as PostgreSQL has it."""
        return inner_name(with_long_names(name)) if self._long else name

    def _id(self, made: list[str], name: str) -> str:
        object_id = f"u{next(self._numbers)}"
        self.harness.ids[name] = object_id
        made.append(object_id)
        return object_id

    def _bases(self, made: list[str], bases: list[tuple[str, str, str]]) -> None:
        """Makes tables and sources."""

        def job(tx: Any) -> None:
            for name, columns, kind in bases:
                object_id = self._id(made, name)
                statement = parse(self._text(f"create table {name} ({columns})", 0))[0]
                assert isinstance(statement, CreateTable)
                definitions = [resolved_column(tx, SESSION, column) for column in statement.columns]
                create = tx.dataflow.create_table if kind == "table" else tx.dataflow.create_source
                create(tx, object_id, "public", self._name(name), definitions)
                if kind == "source":
                    feed = Feed(object_id, tuple(column.name for column in definitions))
                    self._feeds[object_id], self._feed_ids[name] = feed, object_id
                    self.harness.engine.connectors.ingests[object_id] = feed  # type: ignore[assignment]

        self._submit(job)

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

    def _happens(self, made: list[str], views: dict[str, Made], view: View, begin: int, missing: set[str]) -> None:
        """Makes a view, or what else a `View` stands for; refused ones are missing, and what reads them."""
        there = readers(view.name, [each.view for each in views.values()]) if view.name in views else []
        if view.kind == "index":
            if there:
                self._submit(lambda tx: self._index(tx, views, view))
            return
        gone = [views.pop(name) for name in there]

        def take_away(tx: Any) -> None:
            for each in reversed(gone):
                tx.dataflow.drop(tx, each.id)
            tx.execute("delete from mzlite.objects where id = any (%s)", ([each.id for each in gone],))

        if view.kind == "dropped":
            self._submit(take_away)
        elif any(reads(name, view.query) for name in missing):
            self._submit(take_away)
            missing.add(view.name)
        elif not self._view(made, views, view, begin, take_away):
            missing.add(view.name)
            if gone:
                # The refusal has undone that, too.
                self._submit(take_away)
        for each in gone:
            made.remove(each.id)

    def _index(self, tx: Any, views: dict[str, Made], view: View) -> None:
        """An index on a view, which is maintained from then on."""
        there = views[view.name]
        oid = int(tx.execute("select %s::regclass::oid", (f"public.{self._name(view.name)}",)).fetchone()[0])
        keys = [self._name(key) for key in view.query.split(", ")] if view.query else None
        tx.dataflow.create_index(tx, f"i{next(self._numbers)}", oid, keys)
        views[view.name] = self._made(tx, there.view, there.id, oid)

    def _made(self, tx: Any, view: View, object_id: str, oid: int) -> Made:
        item = tx.dataflow.graph.by_relation(oid)
        kept = f"table public.{self._name(view.name)}" if view.kind == "materialized" else item.rel.state()
        definition = regclass(tx, item.definition)
        subject = Subject(item.id, view.name, view.kind, kept, definition, len(item.columns))
        return Made(view, object_id, subject)

    def _view(
        self, made: list[str], views: dict[str, Made], view: View, begin: int, take_away: Callable[[Any], None]
    ) -> bool:
        """Makes a view; False when it is refused by name."""
        text, name = self._text(view.query, begin), self._name(view.name)
        before = list(made)
        object_id = self._id(made, view.name)

        def job(tx: Any) -> Made:
            take_away(tx)
            dataflow = tx.dataflow
            statement = parse(f"create materialized view v as {text}")[0]
            assert isinstance(statement, CreateMaterializedView)
            if view.kind == "materialized":
                oid = dataflow.create_materialized_view(tx, object_id, "public", name, (), statement.query, PATH)
                return self._made(tx, view, object_id, oid)
            oid = dataflow.create_view(tx, object_id, "public", name, (), statement.query, PATH)
            # The registry tells the engine which relation an object is.
            tx.execute(
                "insert into mzlite.objects (id, oid, type, relation, namespace, name, owner_id)"
                " values (%s, %s, 'view', %s, 'public'::regnamespace, %s, 'u1')",
                (object_id, oid, oid, name),
            )
            if view.kind == "indexed":
                dataflow.create_index(tx, f"{object_id}i", oid, None)
                return self._made(tx, view, object_id, oid)
            return Made(view, object_id)

        try:
            views[view.name] = self._submit(job)
        except MzError as error:
            made[:] = before
            if "not supported" not in str(error) and "cannot be maintained" not in str(error):
                raise AssertionError(f"{view.name} cannot be made: {error}\n{text}") from error
            self.tally.refused[re.sub(r'"[^"]*"', '".."', str(error))] += 1
            return False
        except psycopg.Error as error:
            made[:] = before
            raise AssertionError(f"{view.name} cannot be made: {error}\n{text}") from error
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
            self.harness.engine.connectors.ingests.pop(object_id, None)
        made.clear()

    def _step(self, step: Step, begin: int) -> None:
        harness = self.harness
        if step.advance:
            harness.clock.hold((harness.clock.held or 0) + step.advance)
        writes = [self._text(text, begin) for text in step.writes]
        if step.transaction:
            with harness.client.transaction():
                self._write(writes)
        else:
            self._write(writes)
        if len(writes) % 2:
            # Every second time the messages come while a tick runs.
            harness.decode_ahead()
        self._result(harness.engine.absorb_writes())
        if step.restart:
            harness.engine.stop()
            self._start()

    def _write(self, writes: list[str]) -> None:
        for text in writes:
            if text.startswith("feed "):
                _, name, rows = text.split(" ", 2)
                name = name.removeprefix(LONG)
                statement = parse(rows)[0]
                assert isinstance(statement, Relayed)
                rows = (statement.relay_sql or rows).rstrip("; ")
                self._feeds[self._feed_ids[name]].batches.append(packed(self.harness.client, rows))
            else:
                statement = parse(text)[0]
                assert isinstance(statement, Relayed)
                self.harness.client.execute((statement.relay_sql or text).encode())

    # Comparison ----------------------------------------------------------------------

    def _compare(self, views: dict[str, Made]) -> None:
        """Every maintained view against its definition, in one statement."""
        subjects = [each.subject for each in views.values() if each.subject is not None]
        if not subjects:
            return
        self.tally.comparisons += len(subjects)
        row = self.harness.system.execute("select exists (select from mzlite.errors)").fetchone()
        in_error = row is not None and bool(row[0])
        if not in_error:
            try:
                self._equal(subjects)
            except (psycopg.errors.DataError, psycopg.errors.InternalError_):
                in_error = True
        if in_error:
            self._compare_each(views)

    def _equal(self, subjects: list[Subject]) -> None:
        text = " union all ".join(f"select '{each.name}', * from ({comparison(each)}) as c" for each in subjects)
        rows = self.harness.system.execute(text.encode()).fetchall()
        found = [f"{name}: {first}" for name, _, extra, missing, first in rows if extra or missing]
        assert not found, "\n".join(found)

    def _compare_each(self, views: dict[str, Made]) -> None:
        """One by one: what cannot be recomputed is in error, and what reads it; all else is not, or heals in time."""
        failing: set[str] = set()
        for name, each in views.items():
            above = any(reads(other, each.view.query) for other in failing)
            if each.subject is None:
                if above:
                    failing.add(name)
                continue
            reason = "it reads what is in error" if above else self._reason(each.subject)
            if reason is not None:
                failing.add(name)
                self.tally.errors[reason] += 1
                assert self._is_in_error(each.subject), f"{name}: no error, but it cannot be recomputed: {reason}"
                continue
            until = time.monotonic() + HEALING
            while self._is_in_error(each.subject):
                assert time.monotonic() < until, f"{name}: in error, but it can be recomputed"
                self._result(self.harness.engine.absorb_writes())
            self._equal([each.subject])

    def _is_in_error(self, subject: Subject) -> bool:
        row = self.harness.system.execute(
            "select exists (select from mzlite.errors where object_id = %s)", (subject.id,)
        ).fetchone()
        return row is not None and bool(row[0])

    def _reason(self, subject: Subject) -> str | None:
        """Why a view's definition cannot be computed."""
        try:
            self.harness.system.execute(f"select count(r::text) from (table {subject.definition}) as r".encode())
        except (psycopg.errors.DataError, psycopg.errors.InternalError_) as error:
            return error.diag.message_primary
        return None
