"""The statements of mzlite's own administrator: the clock, the state of things, views against their definitions.

In: the text of a query in a session of the role `mz_system`. Out: a statement, or None for all other SQL. Each
begins with the word MZLITE, which begins no statement of Materialize; in the sessions of other roles they are what
they are there, syntax errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from mzlite.dialect.statements import Name, Statement
from mzlite.errors import syntax_error

ADMINISTRATOR = "mz_system"
"""The role whose sessions have these statements."""

CLOCK_COLUMNS = ("milliseconds", "moment", "state")
STATUS_COLUMNS = ("kind", "name", "values")
VERIFY_COLUMNS = ("object", "type", "rows", "milliseconds", "outcome", "difference")


@dataclass(frozen=True)
class AdminStatement(Statement):
    """A statement of the administrator; `columns` are those of its rows, all text."""

    columns: ClassVar[tuple[str, ...]] = CLOCK_COLUMNS


@dataclass(frozen=True)
class ShowClock(AdminStatement):
    """MZLITE SHOW CLOCK."""


@dataclass(frozen=True)
class SetClock(AdminStatement):
    """MZLITE SET CLOCK TO '..': hold it at a moment, a timestamp (UTC) or milliseconds since 1970."""

    moment: str


@dataclass(frozen=True)
class AdvanceClock(AdminStatement):
    """MZLITE ADVANCE CLOCK BY '..': hold it at a moment so much later, an interval."""

    by: str


@dataclass(frozen=True)
class ReleaseClock(AdminStatement):
    """MZLITE RELEASE CLOCK: let it run."""


@dataclass(frozen=True)
class ShowStatus(AdminStatement):
    """MZLITE SHOW STATUS: ticks, sources, views and sinks, each with its values as JSON."""

    columns: ClassVar[tuple[str, ...]] = STATUS_COLUMNS


@dataclass(frozen=True)
class Verify(AdminStatement):
    """MZLITE VERIFY [name]: recompute maintained objects and compare."""

    columns: ClassVar[tuple[str, ...]] = VERIFY_COLUMNS
    name: Name = ()


_TEXT = r"(?:'((?:[^']|'')*)'|(\d+))"
_NAME = r'(?:"(?:[^"]|"")+"|[a-zA-Z_]\w*)'
_FORMS: tuple[tuple[type[AdminStatement], str], ...] = (
    (ShowClock, "show clock"),
    (SetClock, f"set clock to {_TEXT}"),
    (AdvanceClock, f"advance clock by {_TEXT}"),
    (ReleaseClock, "release clock"),
    (ShowStatus, "show status"),
    (Verify, rf"verify( {_NAME}(?: ?\. ?{_NAME}){{0,2}})?"),
)
_PATTERNS = tuple(
    (made, re.compile(r"\s*mzlite\s+" + form.replace(" ", r"\s+").replace(r"\s+?", r"\s*") + r"\s*;?\s*", re.I))
    for made, form in _FORMS
)
_START = re.compile(r"\s*mzlite\b", re.I)
_PART = re.compile(_NAME)


def parse_admin(sql: str) -> AdminStatement | None:
    """The administrator's statement in a text; None if it is none.

    Raises:
        MzError: it begins like one and is not.

    >>> parse_admin("mzlite advance clock by '1 hour';").by
    '1 hour'
    >>> parse_admin('MZLITE VERIFY gold."Orders"').name
    ('gold', 'Orders')
    >>> parse_admin("select 1") is None
    True
    """
    if _START.match(sql) is None:
        return None
    text = sql.strip().removesuffix(";").rstrip()
    for made, pattern in _PATTERNS:
        found = pattern.fullmatch(sql)
        if found is None:
            continue
        if made is Verify:
            return Verify(text, tuple(_folded(part) for part in _PART.findall(found[1] or "")))
        if made is SetClock:
            return SetClock(text, _given(found))
        if made is AdvanceClock:
            return AdvanceClock(text, _given(found))
        return made(text)
    raise syntax_error(
        "Expected MZLITE SHOW CLOCK, SET CLOCK TO '..', ADVANCE CLOCK BY '..', RELEASE CLOCK, SHOW STATUS"
        " or VERIFY [name]"
    )


def _given(found: re.Match[str]) -> str:
    return found[2] or found[1].replace("''", "'")


def _folded(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()
