"""What the inner PostgreSQL fails with.

In: a sentence that says what and why. Out: an exception.
"""

from __future__ import annotations


class PostgresError(RuntimeError):
    """The inner PostgreSQL could not be created, started or stopped."""
