"""The clock that a test holds.

In: moments and steps. Out: a server whose mz_now() is that moment, with every view brought up to it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from mzlite.testing.server import MzliteServer

EPOCH = datetime(1970, 1, 1)  # naive, as the values of a column of type timestamp are
MILLISECOND = timedelta(milliseconds=1)


class HeldClock:
    """The clock of one server. It never goes back; all moments are UTC and without a time zone.

    Args:
        day: the day that belongs to the test, for `at`.
    """

    def __init__(self, server: MzliteServer, day: date) -> None:
        self._server = server
        self.day = day

    @property
    def now(self) -> datetime:
        """The present moment: what mz_now() is."""
        return _moment(int(self._server.administer("mzlite show clock")[0][0]))

    def moment(self, text: str) -> datetime:
        """A moment of the test's day, from a time such as "12:29:59.999"; the clock stays."""
        return datetime.combine(self.day, time.fromisoformat(text))

    def at(self, text: str) -> datetime:
        """Move to a time of the test's day, such as "12:30"; returns that moment."""
        return self.set(self.moment(text))

    def set(self, moment: datetime | str | int) -> datetime:
        """Move to a moment, a text such as "2026-01-01 12:30", or ms since 1970; every view is there on return.

        Raises:
            psycopg.Error: it lies before the present one.
        """
        given = milliseconds(moment) if isinstance(moment, datetime) else moment
        text = str(given).replace("'", "''")
        return _moment(int(self._server.administer(f"mzlite set clock to '{text}'")[0][0]))

    def advance(self, step: timedelta | str | None = None, **parts: float) -> datetime:
        """Move by a timedelta, a text such as "30 minutes", or parts such as minutes=30. Every view is there on return.

        Returns:
            the new moment.
        """
        if not isinstance(step, str):
            step = f"{((step or timedelta()) + timedelta(**parts)) // MILLISECOND} milliseconds"
        text = step.replace("'", "''")
        return _moment(int(self._server.administer(f"mzlite advance clock by '{text}'")[0][0]))


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of a moment; without a time zone it is UTC."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - EPOCH) // MILLISECOND


def _moment(number: int) -> datetime:
    return EPOCH + number * MILLISECOND
