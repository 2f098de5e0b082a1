"""Texts of numbers, moments and UUIDs that PostgreSQL reads and Materialize refuses: '0x1F', '1_000', 'today'.

In: a type by the name that errors give it, and the text of a literal; or a query as PostgreSQL is sent it. Out: what
Materialize says of the text; or the literals in the query that are worth asking PostgreSQL for their types.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mzlite.dialect import moments
from mzlite.dialect.tokens import tokenize
from mzlite.errors import MzError

PROBE = "mz-probe"
"""How a text begins that is of no type but text."""
_SIGNED = {"smallint": 15, "integer": 31, "bigint": 63, "oid": 31}
_UNSIGNED = {"uint2": 16, "uint4": 32, "uint8": 64}
_FLOATS = ("real", "double precision")
_MOMENTS = ("date", "interval", "time", "timestamp", "timestamp with time zone")
_NUMERIC = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[nN][aA][nN]")
_HYPHENATED = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_UUID = re.compile(rf"\s*(?:[0-9a-fA-F]{{32}}|{_HYPHENATED}|\{{{_HYPHENATED}\}}|urn:uuid:{_HYPHENATED})\s*")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_TRACE = re.compile(
    r"\b0[xob][0-9a-f]|\d_\d|\d{40}|\de\+?\d\d|\binf(?:inity)?\b"  # numbers
    r"|\b(?:now|today|tomorrow|yesterday|allballs|ago)\b(?!\()|\d\s*[ap]m\b"  # moments
    r"|\d\s*w(?:eeks?)?\b|\bpt?\d+[ymwdhs]\b"  # intervals
    rf"|\b{_MONTH}[-. ,]+\d|\d[-. ]*{_MONTH}|\b\d\d?[-/.]\d\d?[-/.]\d{{4}}\b"
    rf"|'(?!\{{?{_HYPHENATED}|[0-9a-f]{{32}}')\{{?(?:[0-9a-f]{{4}}-?){{8}}\}}?'",  # UUIDs
    re.IGNORECASE,
)
"""What the texts have in common; that other texts have it, too, costs time only."""
_COMPLAINT = re.compile(r'^invalid input syntax for type ([a-z0-9 ]+): "(.*)"$', re.DOTALL)


def refused_text(kind: str, text: str) -> MzError | None:
    """What Materialize says of a text that is cast to a type; None where it reads it, or PostgreSQL says it.

    >>> print(refused_text("integer", "0x1F").message)
    invalid input syntax for type integer: invalid digit found in string: "0x1F"
    >>> refused_text("integer", " +12 "), refused_text("text", "0x1F"), refused_text("date", "2024-01-08")
    (None, None, None)
    """
    why: str | None
    if kind in _SIGNED or kind in _UNSIGNED:
        why = _why_no_integer(kind, text.strip())
    elif kind == "numeric":
        return _refused_numeric(text)
    elif kind in _FLOATS:
        why = "" if re.search(r"[xX(]", text) is not None else None
    elif kind == "uuid":
        why = None if _UUID.fullmatch(text) is not None else moments.reason("uuid", text.strip()) or ""
    elif kind in _MOMENTS:
        why = moments.unread(kind, text)
        why = moments.out_of_range(kind, text) if why is None else why
    else:
        return None
    if why is None:
        return None
    return MzError(f'invalid input syntax for type {kind}: {why and why + ": "}"{text}"')


def out_of_digits(number: Decimal, text: str) -> MzError | None:
    """The error for a number that has no place in 39 digits, if it is one."""
    if number and number.is_finite() and not -39 <= number.adjusted() < 39:
        return MzError(f'"{text}" is out of range for type numeric: exceeds maximum precision 39')
    return None


@dataclass(frozen=True)
class Suspect:
    """A literal of a query.

    Attributes:
        start, end: where it stands.
        text: what it says.
        probe: a text of its form that no type reads.
    """

    start: int
    end: int
    text: str
    probe: str


def may_have_suspects(sql: str) -> bool:
    """Whether a query may have such literals: cheap, and seldom true."""
    return _TRACE.search(sql) is not None


def suspects(sql: str) -> list[Suspect]:
    """The literals whose types are worth knowing.

    >>> [suspect.text for suspect in suspects("select * from t where a = '0x1' and b = 'x' and c = '{1_0}'")]
    ['0x1', '{1_0}']
    """
    if not may_have_suspects(sql):
        return []
    tokens = tokenize(sql)
    found: list[Suspect] = []
    for kind, text, start, end in zip(tokens.kinds, tokens.values, tokens.starts, tokens.ends, strict=True):
        if kind == "string literal" and _TRACE.search(f"'{text}'") is not None:
            probe = f"{PROBE}-{len(found)}"
            found.append(Suspect(start, end, text, f"{{{probe}}}" if text.lstrip().startswith("{") else probe))
    return found


def probed(sql: str, literals: Sequence[Suspect]) -> str:
    """The query with a probe in the place of each of the literals."""
    for literal in sorted(literals, key=lambda literal: literal.start, reverse=True):
        sql = f"{sql[: literal.start]}'{literal.probe}'{sql[literal.end :]}"
    return sql


def complaint(message: str, literals: Sequence[Suspect]) -> tuple[Suspect, MzError | None] | None:
    """Which literal an error of PostgreSQL is about, and what Materialize says of it; None for other errors.

    Args:
        message: what PostgreSQL says of the probed query.
        literals: those that are probed.
    """
    found = _COMPLAINT.match(message)
    if found is None:
        return None
    kind, said = found.group(1).replace("xid8", "uint8"), found.group(2)
    for literal in literals:
        if said == literal.probe:
            return literal, refused_text(kind, literal.text)
        if f"{{{said}}}" == literal.probe:
            items = (item.strip().strip('"') for item in literal.text.strip().strip("{}").split(","))
            refused = (refused_text(kind, item.strip("{}")) for item in items if item.upper() != "NULL")
            return literal, next((error for error in refused if error is not None), None)
    return None


def _why_no_integer(kind: str, text: str) -> str | None:
    if re.fullmatch(r"[+-]?[0-9]+" if kind in _SIGNED else r"\+?[0-9]+", text) is None:
        return "invalid digit found in string" if text else "cannot parse integer from empty string"
    bits = _SIGNED.get(kind)
    low, high = (0, 2 ** _UNSIGNED[kind]) if bits is None else (-(2**bits), 2**bits)
    number = Decimal(text)
    return None if low <= number < high else f"number too {'small' if number < low else 'large'} to fit in target type"


def _refused_numeric(text: str) -> MzError | None:
    """PostgreSQL takes infinities, more digits, and numbers to other bases."""
    number = text.strip()
    if _NUMERIC.fullmatch(number) is None:
        return MzError(f'invalid input syntax for type numeric: "{text}"')
    return out_of_digits(Decimal(number), text)
