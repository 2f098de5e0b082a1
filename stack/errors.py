"""The one error that the `hotplate` command shows as a sentence instead of a traceback."""

from __future__ import annotations


class StackError(Exception):
    """Something that a person can put right; the text says what and how."""
