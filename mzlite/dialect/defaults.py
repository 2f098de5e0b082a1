"""What ALTER SYSTEM SET and ALTER ROLE .. SET have changed, for the whole server.

In: names and values from the catalog, at start and as statements commit. Out: `DEFAULTS`: the values of the system's
variables, and those with which a role's sessions begin.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mzlite.dialect.features import FEATURES, FLAGS
from mzlite.dialect.variables import VARIABLES
from mzlite.errors import MzError

_TRUE = frozenset({"on", "true", "t", "yes", "y", "1"})
_FALSE = frozenset({"off", "false", "f", "no", "n", "0"})


@dataclass
class Defaults:
    """Values by the variable's lower-case name; of roles, by their names first."""

    system: dict[str, str] = field(default_factory=dict)
    roles: dict[str, dict[str, str]] = field(default_factory=dict)

    def session(self, user: str) -> dict[str, str]:
        """With what a new session of that user begins, apart from the variables' own defaults."""
        found = {name: value for name, value in self.system.items() if not VARIABLES[name].is_system}
        return found | self.roles.get(user, {})

    def load(self, system: dict[str, str], roles: dict[str, dict[str, str]]) -> None:
        """Take over everything; the flags of features are among the system's."""
        FLAGS.enabled = {name for name, value in system.items() if name in FEATURES and value == "on"}
        self.system = {name: value for name, value in system.items() if name in VARIABLES}
        self.roles = roles


DEFAULTS = Defaults()


def system_value(name: str) -> str:
    """The current value of a variable of the system, by its lower-case name."""
    return DEFAULTS.system.get(name, VARIABLES[name].default)


def check_system_value(name: str, value: str) -> str:
    """The value as it is kept.

    Raises:
        MzError: there is no such variable, or it cannot have that value.
    """
    key = name.lower()
    if key in FEATURES:
        return _boolean(key, value)
    variable = VARIABLES.get(key)
    if variable is None:
        raise MzError(f'unrecognized configuration parameter "{name}"', sqlstate="42704")
    if not variable.is_system:
        return variable.check(value)
    if variable.default in ("on", "off"):
        return _boolean(variable.name, value)
    if variable.default.isdigit() and not value.strip().isdigit():
        raise MzError(f'parameter "{variable.name}" requires a "unsigned integer" value', sqlstate="22023")
    return value.strip()


def _boolean(name: str, value: str) -> str:
    lowered = value.lower()
    if lowered not in _TRUE | _FALSE:
        raise MzError(f'parameter "{name}" requires a "boolean" value', sqlstate="22023")
    return "on" if lowered in _TRUE else "off"
