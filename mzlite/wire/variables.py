"""The variables of one session: what SET, RESET and SHOW do, and what the client and the backend are told of it.

In: names and values from statements and from the startup message; the known variables of the dialect. Out: the
session's state, values for SHOW, ParameterStatus messages for what has changed, and the settings that the session's
backend has to follow.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mzlite.dialect.defaults import DEFAULTS
from mzlite.errors import MzError
from mzlite.long_names import restored, short, whole
from mzlite.session import Session
from mzlite.wire.durations import seconds
from mzlite.wire.messages import ParameterStatus

REPORTED = (
    "application_name", "client_encoding", "DateStyle", "integer_datetimes", "server_version",
    "standard_conforming_strings", "TimeZone", "IntervalStyle", "cluster", "cluster_replica",
    "default_cluster_replication_factor", "database", "search_path", "mz_version",
)  # fmt: skip
"""Variables whose values a client is told at the start and at each change."""

FOLLOWED = (
    "application_name", "timezone", "statement_timeout", "extra_float_digits",
)  # fmt: skip
"""Variables that PostgreSQL has too and that the backend has to follow once they are set."""


class Known(Protocol):
    """A variable that Materialize has."""

    @property
    def name(self) -> str:
        """Its name as SHOW ALL spells it."""

    @property
    def default(self) -> str:
        """Its value when it is not set."""

    @property
    def description(self) -> str:
        """What SHOW ALL says about it."""

    def check(self, value: str) -> str:
        """The value as SHOW prints it; raises MzError when it is not allowed."""


@dataclass
class Saved:
    """The values of a session's variables at one moment."""

    database: str
    search_path: list[str]
    cluster: str
    variables: dict[str, str]


class SessionVariables:
    """Reads and changes a session's variables.

    Args:
        session: whose variables these are.
        known: the variables there are, by lower-case name.
    """

    def __init__(self, session: Session, known: Mapping[str, Known]) -> None:
        self.session = session
        self.known = known
        self._before: Saved | None = None  # at the start of the transaction, once something is changed in it
        self._kept: Saved | None = None  # the same without what was set only for the transaction
        self._startup: dict[str, str] = {}
        self._reported: dict[str, str] = {}
        self._unreported = True

    def lookup(self, name: str) -> Known:
        """The variable of that name.

        Raises:
            MzError: there is none.
        """
        known = self.known.get(name.lower())
        if known is None:
            raise MzError(f'unrecognized configuration parameter "{name}"', sqlstate="42704")
        return known

    def show(self, name: str) -> str:
        """The current value."""
        known = self.lookup(name)
        match known.name.lower():
            case "database":
                return whole(self.session.database)
            case "search_path":
                return ", ".join(_identifier(whole(schema)) for schema in self.session.search_path)
            case "cluster":
                return whole(self.session.cluster)
            case key:
                return restored(self.session.variables.get(key, self.initial(key)))

    def show_all(self) -> list[tuple[str, str, str]]:
        """Name, value and description of each variable."""
        return [(known.name, self.show(known.name), known.description) for known in self.known.values()]

    def set(self, name: str, value: str | None, *, local: bool = False, in_transaction: bool = False) -> None:
        """Give a variable a value, or with None its default.

        Args:
            local: only until the transaction ends.
            in_transaction: a rollback takes it back.

        Raises:
            MzError: there is no such variable, or it cannot have that value.
        """
        known = self.lookup(name)
        key = known.name.lower()
        if value is None:
            value = self._startup.get(key, self.initial(key))
            explicit = key in self._startup
        else:
            value = known.check(value)
            explicit = True
        if local and not in_transaction:
            return
        if in_transaction and self._before is None:
            self._before = self.save()
            self._kept = self.save()
        self._unreported = True
        self._assign(self.session, key, value, explicit)
        if in_transaction and not local and self._kept is not None:
            self._assign(self._kept, key, value, explicit)

    def initial(self, key: str) -> str:
        """The value that a variable has when nothing in the session says otherwise."""
        changed = DEFAULTS.roles.get(self.session.user, {}).get(key, DEFAULTS.system.get(key))
        return self.known[key].default if changed is None else changed

    def begin(self) -> None:
        """Take over what the system and the user's role give to new sessions."""
        for name, value in DEFAULTS.session(self.session.user).items():
            if name in self.known:
                self._assign(self.session, name, value, explicit=True)

    def set_at_startup(self, name: str, value: str) -> None:
        """Give a variable the value that RESET goes back to."""
        self.set(name, value)
        known = self.lookup(name)
        self._startup[known.name.lower()] = self.show(name)

    def set_database(self, name: str) -> None:
        """Begin in that database."""
        self.session.database = short(name)
        self._startup["database"] = name

    @property
    def changed(self) -> bool:
        """Whether anything was set in the transaction."""
        return self._before is not None

    def end_transaction(self, committed: bool) -> bool:
        """Take back what was set for the transaction only, and when it was rolled back everything set in it.

        Returns:
            whether anything was set in it.
        """
        saved = self._kept if committed else self._before
        self._before = self._kept = None
        if saved is not None:
            self.restore(saved)
        return saved is not None

    def reset_all(self, *, in_transaction: bool = False) -> None:
        """Give every variable the value it had at the start."""
        for known in self.known.values():
            self.set(known.name, None, in_transaction=in_transaction)

    def changes(self) -> list[bytes]:
        """A ParameterStatus for each reported variable whose value the client does not know yet."""
        messages: list[bytes] = []
        if not self._unreported:
            return messages
        self._unreported = False
        for name in REPORTED:
            if name.lower() not in self.known:
                continue
            value = self.show(name)
            if self._reported.get(name) != value:
                self._reported[name] = value
                messages.append(ParameterStatus(name, value).encode())
        return messages

    def followed(self) -> dict[str, str]:
        """The settings that the backend has to have because they were set."""
        variables = self.session.variables
        settings = {name: variables[name] for name in FOLLOWED if name in variables}
        if "timezone" in settings:
            settings["timezone"] = _posix_zone(settings["timezone"])
        return settings

    def as_json(self) -> str:
        """All values by lower-case name, for current_setting()."""
        return json.dumps({name: self.show(name) for name in self.known}, ensure_ascii=False)

    def seconds(self, name: str) -> float | None:
        """A duration; None where it is 0, which means without end, or where there is no such variable."""
        if name not in self.known:
            return None
        return seconds(self.show(name)) or None

    def limited(self, query: str) -> str:
        """A query that fails instead of giving more bytes than `max_query_result_size` says, if that was set.

        A row counts as many bytes as its values have as text, and one more for each, which is about what they take in
        Materialize.
        """
        maximum = self.session.variables.get("max_query_result_size")
        if maximum is None or maximum == self.known["max_query_result_size"].default:
            return query
        size = byte_size(maximum)
        return (
            f"with mzlite_result as ({query}\n) select * from mzlite_result where mz_internal.within_result_size("
            f"(select sum(octet_length(r::text) - 1) from mzlite_result as r), {size}, '{shown_size(size)}')"
        )

    def save(self) -> Saved:
        """The current values, for `restore`."""
        session = self.session
        return Saved(session.database, list(session.search_path), session.cluster, dict(session.variables))

    def restore(self, saved: Saved) -> None:
        """Go back to values that were saved."""
        self._unreported = True
        session = self.session
        session.database = saved.database
        session.search_path = saved.search_path
        session.cluster = saved.cluster
        session.variables = saved.variables

    @staticmethod
    def _assign(target: Session | Saved, key: str, value: str, explicit: bool) -> None:
        value = restored(value)  # a name in a statement is a short one, one in a string is whole
        match key:
            case "database":
                target.database = short(value)
            case "search_path":
                target.search_path = [short(name) for name in split_identifiers(value)]
            case "cluster":
                target.cluster = short(value)
            case _ if explicit:
                target.variables[key] = value
            case _:
                target.variables.pop(key, None)


_OFFSET = re.compile(r"([+-]?)(\d{1,2})(?::?(\d{2}))?$")


def _posix_zone(zone: str) -> str:
    """A time zone for PostgreSQL, which counts bare offsets westward; the prefix is only a name.

    >>> _posix_zone("+05:30"), _posix_zone("UTC")
    ('<+05:30>-5:30', 'UTC')
    """
    offset = _OFFSET.match(zone)
    if offset is None:
        return zone
    sign, hours, minutes = offset.groups()
    return f"<{zone}>{'' if sign == '-' else '-'}{int(hours)}:{minutes or '00'}"


_SIZE = re.compile(r"(\d+)([KMGT]?B)$")


def byte_size(text: str) -> int:
    """The bytes of a size as SHOW says it.

    >>> byte_size("100B"), byte_size("1MB")
    (100, 1048576)
    """
    found = _SIZE.match(text)
    assert found is not None, "values are checked when they are set"
    power: int = 1024 ** ["B", "KB", "MB", "GB", "TB"].index(found[2])
    return int(found[1]) * power


def shown_size(size: int) -> str:
    """A size as Materialize's errors say it: in units of a thousand, each from 1024 of the one before on.

    >>> shown_size(128), shown_size(320000), shown_size(1048576)
    ('128 B', '320.0 KB', '1048.6 KB')
    """
    if size < 1000:
        return f"{size} B"
    exponent = max(int(math.log(size) / 6.931471806), 1)
    return f"{size / 1000**exponent:.1f} {'KMGTPE'[exponent - 1]}B"


_ITEM = re.compile(r'\s*(?:"((?:[^"]|"")*)"|\'((?:[^\']|\'\')*)\'|([^,"\']*?))\s*(,|$)')


def split_identifiers(text: str) -> list[str]:
    """The names in a comma-separated list, unquoted; unquoted ones in lower case.

    >>> split_identifiers('a, "B c", "d""e"'), split_identifiers("")
    (['a', 'B c', 'd"e'], [])
    """
    names: list[str] = []
    position = 0
    while position < len(text):
        item = _ITEM.match(text, position)
        if item is None:
            raise MzError(f'invalid value for parameter "search_path": "{text}"', sqlstate="22023")
        quoted, literal, plain, _ = item.groups()
        if quoted is not None:
            names.append(quoted.replace('""', '"'))
        elif literal is not None:
            names.append(literal.replace("''", "'"))
        elif plain:
            names.append(plain.lower())
        position = item.end()
    return names


def _identifier(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'
