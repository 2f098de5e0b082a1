"""The values of options by their types, and options that are given twice.

In: what the parser has read. Out: booleans and numbers; raises MzError in the planner's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from mzlite.dialect.statements import OptionValue
from mzlite.errors import MzError

_Value = TypeVar("_Value")


def distinct(options: Iterable[tuple[str, _Value]]) -> dict[str, _Value]:
    """The options by name.

    Raises:
        MzError: one is given twice.
    """
    found: dict[str, _Value] = {}
    for name, value in options:
        if name in found:
            raise MzError(f"{name} specified more than once")
        found[name] = value
    return found


def boolean_option(options: Mapping[str, OptionValue], name: str) -> bool | None:
    """A boolean; None where there is no such option.

    Raises:
        MzError: it is something else.

    >>> boolean_option({"SNAPSHOT": False}, "SNAPSHOT"), boolean_option({}, "SNAPSHOT")
    (False, None)
    """
    value = options.get(name)
    if value is not None and not isinstance(value, bool):
        raise MzError(f"invalid {name}: cannot use value as boolean")
    return value


def integer_option(options: Mapping[str, OptionValue], name: str, *, unsigned: bool = False) -> int | None:
    """An integer; None where there is no such option.

    Raises:
        MzError: it is something else.

    >>> integer_option({"SIZE": 5}, "SIZE")
    5
    """
    value = options.get(name)
    if value is True:
        raise MzError(f"invalid {name}: must provide an integer value")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise MzError(f"invalid {name}: cannot use value as number")
    if isinstance(value, float) or (unsigned and value is not None and value < 0):
        raise MzError(f"invalid {name}: invalid numeric value: invalid digit found in string")
    return value


def count_option(options: Mapping[str, object], name: str) -> int | None:
    """A number that is not negative; None where there is no such option.

    Raises:
        MzError: it is something else.

    >>> count_option({"LIMIT INPUT GROUP SIZE": 5}, "LIMIT INPUT GROUP SIZE")
    5
    """
    value = options.get(name)
    if value is True:
        raise MzError(f"invalid {name}: must provide an unsigned numeric value")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise MzError(f"invalid {name}: invalid unsigned numeric value: invalid digit found in string")
    raise MzError(f"invalid {name}: cannot use value as number")
