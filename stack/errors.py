"""The errors that the `hotplate` command shows as a sentence instead of a traceback."""

from __future__ import annotations


class StackError(Exception):
    """Something that a person can put right; the text says what and how."""

    status = 1


class OptionError(StackError):
    """An option or a variable of the environment has a value that does not fit."""

    status = 2
