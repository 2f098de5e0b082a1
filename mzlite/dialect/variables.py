"""The session variables: their names, defaults and the values they take.

In: data/settings.tsv (name, default, description). Out: `VARIABLES` by lower-case name; each checks
a value and says how SHOW prints it. Raises MzError: 22023 for a value that is not allowed, 55P02
for a variable that cannot be changed, 42704 for a system variable, which a session cannot set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from mzlite.errors import MzError

_INVALID = "22023"
_TRUE = frozenset({"on", "true", "t", "yes", "y", "1"})
_FALSE = frozenset({"off", "false", "f", "no", "n", "0"})
_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_SIZES = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}

_BOOLEAN = frozenset(
    [
        "auto_route_catalog_queries",
        "current_object_missing_warnings",
        "emit_introspection_query_notice",
        "emit_plan_insights_notice",
        "emit_timestamp_notice",
        "emit_trace_id_notice",
        "enable_consolidate_after_union_negate",
        "enable_reduce_reduction",
        "enable_session_rbac_checks",
        "sql_safe_updates",
        "welcome_message",
    ]
)
_DURATION = frozenset({"statement_timeout", "idle_in_transaction_session_timeout"})
_SIZE = frozenset({"max_query_result_size"})
_INTEGER = frozenset({"extra_float_digits"})
_NUMBER = frozenset({"statement_logging_sample_rate"})
_TEXT = frozenset(
    [
        "application_name",
        "cluster",
        "cluster_replica",
        "database",
        "failpoints",
        "search_path",
        "unsafe_new_transaction_wall_time",
    ]
)
_FIXED = frozenset(
    {"client_encoding", "datestyle", "integer_datetimes", "intervalstyle", "standard_conforming_strings"}
)
_READ_ONLY = frozenset({"is_superuser", "max_identifier_length", "mz_version", "server_version", "server_version_num"})
_CHOICES: dict[str, tuple[str, ...]] = {
    "transaction_isolation": (
        "read uncommitted",
        "read committed",
        "repeatable read",
        "serializable",
        "strict serializable",
    ),
    "client_min_messages": (
        "debug5",
        "debug4",
        "debug3",
        "debug2",
        "debug1",
        "log",
        "notice",
        "warning",
        "error",
    ),
}
_ALSO_TAKEN = {
    "transaction_isolation": {"strong session serializable": "strong session serializable"},
    "client_min_messages": {"debug": "debug2", "info": "info"},
}
_OFFSET = re.compile(r"[+-]?(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?$")


@dataclass(frozen=True)
class Variable:
    """One variable.

    Attributes:
        name: as SHOW ALL spells it.
        default: the value as SHOW prints it.
        description: what SHOW ALL says of it.
    """

    name: str
    default: str
    description: str

    @property
    def is_system(self) -> bool:
        """Whether only ALTER SYSTEM may set it."""
        key = self.name.lower()
        return not (
            key in _BOOLEAN | _DURATION | _SIZE | _INTEGER | _NUMBER | _TEXT | _FIXED | _READ_ONLY
            or key in _CHOICES
            or key == "timezone"
        )

    def check(self, value: str) -> str:
        """`value` as SHOW prints it.

        Raises:
            MzError: the variable cannot have that value, or cannot be set by a session.
        """
        key = self.name.lower()
        if key in _READ_ONLY:
            raise MzError(f'parameter "{self.name}" cannot be changed', sqlstate="55P02")
        if self.is_system:
            raise MzError(f'unrecognized configuration parameter "{self.name}"', sqlstate="42704")
        if key in _BOOLEAN:
            return self._boolean(value)
        if key in _DURATION:
            return self._duration(value)
        if key in _CHOICES:
            return self._choice(value, _CHOICES[key], _ALSO_TAKEN[key])
        if key in _FIXED:
            return self._fixed(value)
        if key == "timezone":
            return self._time_zone(value)
        if key in _SIZE:
            return self._size(value)
        if key in _INTEGER:
            return self._number(value, r"-?\d+$", "integer")
        if key in _NUMBER:
            return self._number(value, r"\d+(\.\d*)?$|\.\d+$", "numeric")
        return value

    def _type_error(self, required: str) -> MzError:
        return MzError(f'parameter "{self.name}" requires a "{required}" value', sqlstate=_INVALID)

    def _boolean(self, value: str) -> str:
        lowered = value.lower()
        if lowered not in _TRUE | _FALSE:
            raise self._type_error("boolean")
        return "on" if lowered in _TRUE else "off"

    def _choice(self, value: str, choices: tuple[str, ...], others: dict[str, str]) -> str:
        lowered = value.lower()
        if lowered in choices:
            return lowered
        if lowered in others:
            return others[lowered]
        raise MzError(
            f'invalid value for parameter "{self.name}": "{value}"',
            sqlstate=_INVALID,
            hint=f"Available values: {', '.join(choices)}.",
        )

    def _fixed(self, value: str) -> str:
        def parts(text: str) -> set[str]:
            return {part.strip().lower().replace("-", "") for part in text.split(",")}

        wanted = parts(self.default)
        given = parts(value)
        if given == wanted or (self.name == "DateStyle" and given <= wanted) or (wanted == {"on"} and given <= _TRUE):
            return self.default
        raise MzError(f'parameter "{self.name}" can only be set to "{self.default}"', sqlstate=_INVALID)

    def _time_zone(self, value: str) -> str:
        lowered = value.strip().lower()
        if lowered in ("utc", "gmt"):
            return lowered.upper()
        found = _OFFSET.match(lowered)
        if found is not None and int(found.group(1)) <= 15 and int(found.group(2) or 0) < 60:
            return value
        raise MzError(f'invalid value for parameter "{self.name}": "{value}"', sqlstate=_INVALID)

    def _duration(self, value: str) -> str:
        found = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", value)
        if found is None or (found.group(2) or "ms") not in _UNITS:
            raise self._type_error("duration")
        micros = int(found.group(1)) * _UNITS[found.group(2) or "ms"]
        if micros == 0:
            return "0"
        for unit, size in reversed(_UNITS.items()):
            if micros % size == 0:
                return f"{micros // size} {unit}"
        raise AssertionError("microseconds divide every duration")

    def _size(self, value: str) -> str:
        found = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", value.lower())
        if found is None or (found.group(2) or "b") not in _SIZES:
            raise self._type_error("byte size")
        number = int(found.group(1)) * _SIZES[found.group(2) or "b"]
        for unit, size in reversed(_SIZES.items()):
            if number >= size and number % size == 0:
                return f"{number // size}{unit.upper()}"
        return f"{number}B"

    def _number(self, value: str, pattern: str, required: str) -> str:
        if re.match(pattern, value.strip()) is None:
            raise self._type_error(required)
        return value.strip()


def _load() -> Mapping[str, Variable]:
    text = resources.files("mzlite.dialect").joinpath("data/settings.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line)
    return MappingProxyType({name.lower(): Variable(name, default, about) for name, default, about in rows})


VARIABLES: Mapping[str, Variable] = _load()
"""All variables by lower-case name, in the order of SHOW ALL."""
