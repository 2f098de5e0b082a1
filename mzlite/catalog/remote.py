"""What statements ask of other systems, such as the brokers of a connection: never while the engine waits.

In: a question with a key that says what it depends on. Out: its answer if it has been asked before in this
statement; else the statement is abandoned by `Question`. Whoever carries the statement out then asks, at
leisure and on a thread of its own, and begins the statement anew with the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar, cast

from mzlite.catalog.interface import EngineTransaction

T = TypeVar("T")


class Question(Exception):  # noqa: N818  (not an error: the statement goes on with the answer)
    """Something that has to be asked first; nothing of the statement has been done."""

    def __init__(self, key: Hashable, ask: Callable[[], Any]) -> None:
        super().__init__(str(key))
        self.key = key
        self.ask = ask


def remote(tx: EngineTransaction, key: Hashable, ask: Callable[[], T]) -> T:
    """The answer to a question to another system; an error of the answer is the statement's.

    Raises:
        Question: it has not been asked yet.
    """
    answers = tx.answers
    if answers is None:
        return ask()
    if key not in answers:
        raise Question(key, ask)
    return cast("T", answers[key])


def config_key(config: Mapping[str, str]) -> Hashable:
    """A client's configuration as part of a key."""
    return tuple(sorted(config.items()))
