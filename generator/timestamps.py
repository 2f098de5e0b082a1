"""Turns milliseconds since 1970 into the one time format that the topics carry.

In: integers. Out: `YYYY-MM-DDThh:mm:ss.sssZ`, the form that Materialize's
`try_parse_monotonic_iso8601_timestamp` takes.
"""

from __future__ import annotations

from datetime import UTC, datetime


class TimestampFormatter:
    """Formats times; keeps the text of the last second, because neighbours share it.

    >>> TimestampFormatter()(1767225600123)
    '2026-01-01T00:00:00.123Z'
    """

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def __call__(self, milliseconds: int) -> str:
        """The text of one time."""
        second, rest = divmod(milliseconds, 1000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{rest:03d}Z"
