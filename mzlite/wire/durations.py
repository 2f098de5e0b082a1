"""Lengths of time as a client writes them.

In: a text such as '2s', '500ms', '1 minute', '00:00:01.5'. Out: seconds.
"""

from __future__ import annotations

import re

from mzlite.errors import MzError

_UNITS = {
    "us": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6,
    "ms": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
    "": 1.0, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0,
}  # fmt: skip
_PART = re.compile(r"\s*(?:(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?|(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*))\s*", re.I)


def seconds(text: str) -> float:
    """The length of time that a text stands for, in seconds.

    >>> seconds("2s"), seconds("1 minute 500ms"), seconds("00:00:01.5"), seconds("3")
    (2.0, 60.5, 1.5, 3.0)

    Raises:
        MzError: the text is no length of time.
    """
    total, position = 0.0, 0
    while position < len(text) or not position:
        part = _PART.match(text, position)
        if part is None or part.end() == position:
            raise MzError(f'invalid input syntax for type interval: "{text}"')
        hours, minutes, rest, number, unit = part.groups()
        if number is None:
            total += int(hours) * 3600 + int(minutes) * 60 + float(rest or 0)
        elif unit.lower() in _UNITS:
            total += float(number) * _UNITS[unit.lower()]
        else:
            raise MzError(f'invalid input syntax for type interval: unknown unit {unit}: "{text}"')
        position = part.end()
    return total
