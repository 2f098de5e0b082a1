"""Turns milliseconds since 1970 into the one time format that the topics carry.

In: integers. Out: `YYYY-MM-DDThh:mm:ss.sssZ`, the form that Materialize's
`try_parse_monotonic_iso8601_timestamp` takes.
"""

from __future__ import annotations

from datetime import UTC, datetime


class TimestampFormatter:
    """Formats times; keeps the text of the last one and of its second, because neighbours share them.

    >>> TimestampFormatter()(1767225600123)
    '2026-01-01T00:00:00.123Z'
    """

    def __init__(self) -> None:
        self._millisecond = self._second = -1
        self._text = self._start = ""

    def __call__(self, milliseconds: int) -> str:
        """The text of one time."""
        if milliseconds != self._millisecond:
            second, rest = divmod(milliseconds, 1000)
            if second != self._second:
                self._second = second
                self._start = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._millisecond = milliseconds
            self._text = f"{self._start}.{rest:03d}Z"
        return self._text
