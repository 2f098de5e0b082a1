"""What every world counts about its messages, and how a world says what the views must show.

In: the simulators' calls as messages go out. Out: exact counts, and expectations about views that a
reader compares with what they show.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


@dataclass
class MessageCounts:
    """Exact counts of the messages that were sent.

    Attributes:
        sent: messages by topic, everything included.
        late: late messages by topic, duplicates of late ones included.
        duplicates: messages sent a second time, by topic.
        malformed: messages that cannot be decoded or typed, by (topic, kind).
        invalid: decodable events that break one rule, by the rule's name.
        null_values: messages without a value, by topic; sources skip them.
    """

    sent: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    malformed: Counter[tuple[str, str]] = field(default_factory=Counter)
    invalid: Counter[str] = field(default_factory=Counter)
    null_values: Counter[str] = field(default_factory=Counter)

    def message_report(self) -> dict[str, object]:
        """The counts as plain values, ready for JSON."""
        return {
            "sent": {"total": self.sent.total(), **self.sent},
            "late": dict(self.late),
            "duplicates": dict(self.duplicates),
            "malformed": {f"{topic}/{kind}": count for (topic, kind), count in sorted(self.malformed.items())},
            "invalid": dict(self.invalid),
            "null_values": dict(self.null_values),
        }


@dataclass(frozen=True)
class Expected:
    """What a query must give when the views have caught up.

    Attributes:
        name: what is compared.
        query: SQL over the views.
        rows: the exact rows, in any order: integers, texts, None; decimals as `decimal_text` writes them and times
            as `YYYY-MM-DD hh:mm:ss`.
        retained_ms: where the first column is a time, rows older than this (before the moment of looking) may be
            gone; None where every row must be there.
    """

    name: str
    query: str
    rows: list[list[Any]]
    retained_ms: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "query": self.query, "rows": self.rows, "retained_ms": self.retained_ms}


def decimal_text(value: Decimal) -> str:
    """A decimal without trailing zeros and without an exponent.

    >>> decimal_text(Decimal("12.50")), decimal_text(Decimal("100")), decimal_text(Decimal(0))
    ('12.5', '100', '0')
    """
    return format(value.normalize(), "f") if value else "0"


def cents_text(cents: int) -> str:
    """Cents as units, the same way.

    >>> cents_text(1250)
    '12.5'
    """
    return decimal_text(Decimal(cents) / 100)


def time_text(at_ms: int) -> str:
    """A time in ms since 1970 as a reader of views sees it, without the fraction.

    >>> time_text(1767225600000)
    '2026-01-01 00:00:00'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
