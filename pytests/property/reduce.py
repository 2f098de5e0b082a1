"""Makes a failing case small: what can go without the failure changing goes.

In: a case and how it fails. Out: the smallest case found. Steps, views, writes and rows are left out one after the
other; then parts of the queries' syntax trees. Quicker here than hypothesis' own search, since every try takes some
tens of milliseconds of a real database.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pglast.parser import ParseError

from mzlite.planner.syntax import RawStream, ast, parse_sql
from pytests.property.cases import Case, Step

Fails = Callable[[Case], BaseException | None]
SECONDS = 40.0


def signature(error: BaseException) -> str:
    """What two failures have in common when they are the same one."""
    text = str(error)
    if "cannot be made" in text:
        # PostgreSQL's words without names and numbers.
        return re.sub(r"\"[^\"]*\"|\d+|\S+\.\S+", "", text.split("cannot be made", 1)[1].split("\n")[0])
    if isinstance(error, AssertionError):
        return f"rows {re.findall(r': (too many|missing|no error|in error)', text)[:1]}"
    return type(error).__name__


def reduced(case: Case, error: BaseException, fails: Fails) -> Case:
    """A smaller case that fails in the same way."""
    wanted = signature(error)
    until = time.monotonic() + SECONDS

    def same(candidate: Case) -> bool:
        found = fails(candidate)
        return found is not None and signature(found) == wanted

    going = True
    while going and time.monotonic() < until:
        going = False
        for make in (_without_views, _without_steps, _without_rows, _simpler_queries):
            again = True
            while again and time.monotonic() < until:
                again = False
                for candidate in make(case):
                    if time.monotonic() > until:
                        break
                    if same(candidate):
                        case, again, going = candidate, True, True
                        break
    return case


def _without_views(case: Case) -> Iterator[Case]:
    if case.long:
        yield replace(case, long=False)
    for place in reversed(range(len(case.views))):
        yield replace(case, views=(*case.views[:place], *case.views[place + 1 :]))
    for kind in ("tables", "sources"):
        items = getattr(case, kind)
        for place in reversed(range(len(items))):
            name = items[place][0]
            steps = tuple(
                replace(step, writes=tuple(text for text in step.writes if f" {name} " not in text))
                for step in case.steps
            )
            left = (*items[:place], *items[place + 1 :])
            yield (
                replace(case, steps=steps, tables=left)
                if kind == "tables"
                else replace(case, steps=steps, sources=left)
            )


def _without_steps(case: Case) -> Iterator[Case]:
    for place in reversed(range(len(case.steps))):
        views = tuple(replace(view, at=view.at - 1) if view.at > place else view for view in case.views)
        if len(case.steps) > 1:
            last = len(case.steps) - 2
            views = tuple(replace(view, at=min(view.at, last)) for view in views)
            yield replace(case, steps=(*case.steps[:place], *case.steps[place + 1 :]), views=views)
        step = case.steps[place]
        for candidate in _simpler_steps(step):
            yield replace(case, steps=(*case.steps[:place], candidate, *case.steps[place + 1 :]))


def _simpler_steps(step: Step) -> Iterator[Step]:
    if step.restart:
        yield replace(step, restart=False)
    if step.advance:
        yield replace(step, advance=0)
    if step.transaction:
        yield replace(step, transaction=False)
    for place in range(len(step.writes)):
        yield replace(step, writes=(*step.writes[:place], *step.writes[place + 1 :]))


def _without_rows(case: Case) -> Iterator[Case]:
    for place, step in enumerate(case.steps):
        for number, text in enumerate(step.writes):
            head, _, tail = text.partition(" values ")
            rows = re.findall(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", tail)
            for row in range(len(rows)):
                if len(rows) > 1:
                    shorter = f"{head} values {', '.join(rows[:row] + rows[row + 1 :])}"
                    writes = (*step.writes[:number], shorter, *step.writes[number + 1 :])
                    yield replace(
                        case, steps=(*case.steps[:place], replace(step, writes=writes), *case.steps[place + 1 :])
                    )


# Queries ---------------------------------------------------------------------------


def _simpler_queries(case: Case) -> Iterator[Case]:
    for place, view in enumerate(case.views):
        # A moment is a call while it is a tree.
        text = re.sub(r"@(-?\d+)@", r"moment(\1)", view.query)
        try:
            statements = parse_sql(text)
        except ParseError:
            # WITH MUTUALLY RECURSIVE, or no query at all.
            continue
        for tree in _smaller(statements[0].stmt):
            try:
                query = re.sub(
                    r"moment\((-? ?\d+)\)", lambda found: f"@{found[1].replace(' ', '')}@", str(RawStream()(tree))
                )
            except (AttributeError, TypeError, ValueError, NotImplementedError):
                continue
            if len(query) < len(view.query):
                yield replace(case, views=(*case.views[:place], replace(view, query=query), *case.views[place + 1 :]))


def _smaller(node: Any) -> Iterator[Any]:
    """Copies of a tree with one part gone, or one part in the place of what holds it."""
    if isinstance(node, tuple):
        for place, item in enumerate(node):
            if len(node) > 1:
                yield (*node[:place], *node[place + 1 :])
            for smaller in _smaller(item):
                yield (*node[:place], smaller, *node[place + 1 :])
        return
    if not isinstance(node, ast.Node):
        return
    if isinstance(node, ast.SelectStmt) and node.larg is not None:
        yield node.larg
        yield node.rarg
    if isinstance(node, ast.JoinExpr):
        yield node.larg
        yield node.rarg
    if isinstance(node, ast.BoolExpr):
        yield from node.args
    fields = {name: getattr(node, name) for name in node}
    for name, value in fields.items():
        # A column without its table may be another one.
        if isinstance(value, (ast.Node, tuple)) and value != () and name != "fields":
            if name in (
                "whereClause",
                "havingClause",
                "groupClause",
                "agg_filter",
                "withClause",
                "sortClause",
                "distinctClause",
            ):
                yield type(node)(**{**fields, name: None})
            if name in ("lexpr", "arg", "defresult") and not isinstance(value, tuple):
                yield value
            if (
                name == "args"
                and isinstance(value, tuple)
                and isinstance(node, (ast.FuncCall, ast.CoalesceExpr, ast.MinMaxExpr))
            ):
                yield from (item for item in value if isinstance(item, ast.Node))
            for smaller in _smaller(value):
                yield type(node)(**{**fields, name: smaller})
