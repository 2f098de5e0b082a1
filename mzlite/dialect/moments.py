"""Texts of moments, times, intervals and UUIDs: what Materialize says of one that is none, and a moment's milliseconds.

In: the name of a type as errors have it, and the text. Out: the reason, or None where none is known.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime
from decimal import Decimal

_DATE = re.compile(r"\s*-?(\d+)-(\d+)-(\d+)(?:[\sT]+(.*))?", re.DOTALL)
_COMPACT_DATE = re.compile(r"\s*(\d{4})(\d\d)(\d\d)()\s*$")
_TIME = re.compile(r"\s*(\d+):(\d*)(?::(\d*))?")
_WORD = re.compile(r"[A-Za-z]+")
_FIELDS = re.compile(
    r"(?i)(years?|yrs?|y|months?|mons?|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|milliseconds?|millisecon|"
    r"mseconds?|msecs?|ms|microseconds?|useconds?|usecs?|us|decades?|decs?|century|centuries|cent|c|millenniums?|"
    r"millennia|mils?)"
)
_OTHER_UNITS = re.compile(r"(?i)(weeks?|w|quarters?|qtr|epoch|dow|doy|isodow|isodoy|isoyear|timezone(_[hm])?|t)")
"""What EXTRACT takes, and no interval has."""
_NO_FORMAT = (
    "Cannot determine format of all parts. Add explicit time components, e.g. INTERVAL '1 day' or INTERVAL '1' DAY"
)
_FRACTION_OF_YEARS = re.compile(r"(?i)(?<![\d.])(\d*)\.(\d+)(\s*(?:years?|yrs?|y)\b)")
_DELIM = r"[^\w:.+\-]"
_FORM = re.compile(
    rf"\s*(?:(\d{{6,8}})|(\d+)(?:-(?=\d+-)|{_DELIM}+(?=\d+(?:-|{_DELIM})))(\d+)(?:-|{_DELIM}+)(\d+))"
    rf"(?:(?:[Tt]|{_DELIM}){_DELIM}*(?P<time>\d+:\d*(?::\d*(?:\.\d*)?)?)\s*(?P<offset>[+-][\d: ]+)?)?"
    r"(?P<apart>\s+[+-][\d: ]+)?\s*"
)
"""How a moment's text begins: a date with the year first, then perhaps a time and an offset."""
_ZONE = re.compile(r"(?:(?P<name>[Zz]|[A-Za-z][A-Za-z_]+[\w/+-]*)\s*)?(?:BC|AD)?\s*", re.IGNORECASE)
_NO_ZONE = re.compile(
    "(?i)[ap]m|now|today|tomorrow|yesterday|allballs|infinity|at|on|dst|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?"
    "|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?|(sun|mon|tues?|wed(nes)?|thu(rs?)?|fri|sat(ur)?)(day)?"
)
"""Words that PostgreSQL reads in a moment's text, and that are no time zones."""
_TIME_FORM = re.compile(r"\s*\d+:\d*(?::\d*(?:\.\d*)?|\.\d+)?\s*")
_GROUP_STARTS = (0, 9, 14, 19, 24)


def reason(type_name: str, text: str) -> str | None:
    """Why `text` is no value of the type.

    >>> reason("date", "2001-13-01"), reason("timestamp", "bad")
    ('MONTH must be [1, 12], got 13', 'YEAR, MONTH, DAY are all required')
    >>> reason("time", "26:01"), reason("interval", "1 foo")
    ('HOUR must be [0, 23], got 26', 'unknown units foo')
    """
    match type_name:
        case "date" | "timestamp" | "timestamp with time zone":
            return unread(type_name, text) or _moment(text)
        case "time":
            return _time(text) or unread(type_name, text)
        case "interval":
            return unread(type_name, text)
        case "uuid":
            return _uuid(text)
        case _:
            return None


def unread(type_name: str, text: str) -> str | None:
    """Why Materialize does not read a text that PostgreSQL may read; None where it reads it.

    >>> unread("date", "1/8/1999"), unread("date", "January 8, 1999"), unread("date", "2024/01/08")
    ('DAY must be [1, 31], got 1999', 'YEAR, MONTH, DAY are all required', None)
    >>> unread("timestamp", "1999-01-01 01:23:34.555 +25:45"), unread("date", "1999-01-01 01:23+1445")
    ('Invalid timezone string (+25:45): timezone hour invalid 25', None)
    >>> unread("timestamp", "2024-01-01 10:00 PM")
    "Invalid timezone string (PM): 'PM' is not a valid timezone. Failed to parse PM at token index 0"
    >>> unread("time", "10:00 PM"), unread("time", "10:00"), unread("interval", "P1D"), unread("interval", "1h30m")
    ('unknown units PM', None, 'unknown units P', None)
    """
    if type_name == "interval":
        return _unknown_units(text)
    if type_name == "time":
        if _TIME_FORM.fullmatch(text) is not None:
            return None
        return _time(text) or _unknown_units(text) or f"have unprocessed tokens {text.strip()}"
    if text == "epoch":
        return None
    found = _FORM.match(text)
    if found is None:
        return "YEAR, MONTH, DAY are all required"
    compact = found[1]
    month, day = (compact[-4:-2], compact[-2:]) if compact else (found[3], found[4])
    if not 1 <= int(month) <= 12:
        return f"MONTH must be [1, 12], got {int(month)}"
    if not 1 <= int(day) <= 31:
        return f"DAY must be [1, 31], got {int(day)}"
    if (why := _offset((found["offset"] or found["apart"] or "").strip())) is not None:
        return why
    rest = text[found.end() :]
    zone = _ZONE.fullmatch(rest)
    if zone is None:
        return f"have unprocessed tokens {rest.strip()}"
    if (name := zone["name"]) is not None and _NO_ZONE.fullmatch(name) is not None:
        why = f"'{name}' is not a valid timezone. Failed to parse {name} at token index 0"
        return f"Invalid timezone string ({name}): {why}"
    return None


def _offset(offset: str) -> str | None:
    """Why an offset is none: its hours end at 15, its minutes at 59."""
    digits = offset.lstrip("+- ")
    hour, _, rest = (
        digits.partition(":") if ":" in digits else (digits[:-2] or digits, "", digits[-2:] * (len(digits) > 2))
    )
    minute = rest.partition(":")[0].strip()
    if hour.strip().isdigit() and int(hour) > 15:
        return f"Invalid timezone string ({offset}): timezone hour invalid {int(hour)}"
    if minute.isdigit() and int(minute) > 59:
        return f"Invalid timezone string ({offset}): timezone minute invalid {int(minute)}"
    return None


def out_of_range(type_name: str, text: str) -> str | None:
    """The reason if a field of the text is out of its range, which PostgreSQL tells without the type.

    >>> out_of_range("timestamp", "2026-02-30 10:00"), out_of_range("timestamp", "2026-02-28 10:00")
    ('invalid or out-of-range date', None)
    """
    found = _DATE.fullmatch(text)
    if found is None or type_name not in ("date", "timestamp", "timestamp with time zone"):
        return None
    why = _moment(text)
    year, month, day = (int(part) for part in found.groups()[:3])
    if why.startswith("invalid") and not (1 <= year <= 9999 and day > monthrange(year, month)[1]):
        return None
    return None if why.startswith("have") else why


def kind_of(text: str) -> str:
    """The type that a text out of range was most likely read as."""
    found = _DATE.match(text) or _COMPACT_DATE.match(text)
    if found is None:
        return "time"
    rest = found.group(4)
    if not rest:
        return "date"
    return "timestamp with time zone" if re.search(r"[+\-Zz]", rest) else "timestamp"


def whole_months(text: str) -> str:
    """An interval's text in which fractions of years are whole months: what is left of them does not count.

    >>> whole_months("10.333 years"), whole_months("-1.5y 2 days"), whole_months("1 year 0.5 mon")
    ('10.250000000 years', '-1.500000000y 2 days', '1 year 0.5 mon')
    """

    def shown(found: re.Match[str]) -> str:
        months = int(Decimal("0." + found[2]) * 12)
        return f"{found[1]}.{months * 10**9 // 12:09}{found[3]}"

    return _FRACTION_OF_YEARS.sub(shown, text)


def milliseconds(text: str) -> int | None:
    """The moment that the text of an mz_timestamp means, where it is no number.

    >>> milliseconds("2030-01-01"), milliseconds("1970-01-01 01:00:00.5+01"), milliseconds("x")
    (1893456000000, 500, None)
    """
    text = re.sub(r"([+-]\d\d)$", r"\1:00", text.strip())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _moment(text: str) -> str:
    found = _DATE.match(text) or _COMPACT_DATE.match(text)
    if found is None:
        return "YEAR, MONTH, DAY are all required"
    year, month, day = (int(part) for part in found.groups()[:3])
    if not 1 <= month <= 12:
        return f"MONTH must be [1, 12], got {month}"
    if not 1 <= day <= 31:
        return f"DAY must be [1, 31], got {day}"
    time = _time(found.group(4) or "")
    if time is not None:
        return time
    if 1 <= year <= 9999 and day > monthrange(year, month)[1]:
        return "invalid or out-of-range date"
    rest = (found.group(4) or "").strip()
    if rest.isdigit():
        return f"have unprocessed tokens {int(rest)}"
    return "invalid or out-of-range date"


def _time(text: str) -> str | None:
    found = _TIME.match(text)
    if found is None:
        return None
    for value, unit, most in zip(found.groups(), ("HOUR", "MINUTE", "SECOND"), (23, 59, 60), strict=True):
        if value and int(value) > most:
            return f"{unit} must be [0, {most}], got {int(value)}"
    return None


def _unknown_units(text: str) -> str | None:
    for word in _WORD.findall(text):
        if _OTHER_UNITS.fullmatch(word) is not None:
            return _NO_FORMAT
        if _FIELDS.fullmatch(word) is None:
            return f"unknown units {word}"
    return None


def _uuid(text: str) -> str | None:
    """The reasons of the parser that Materialize uses: characters first, then the lengths of the groups."""
    body, offset, simple = text, 0, True
    if text.startswith("{") and text.endswith("}"):
        body, offset, simple = text[1:-1], 1, False
    for index, character in enumerate(body):
        if character != "-" and re.fullmatch(r"[0-9a-fA-F]", character) is None:
            return (
                "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-],"
                f" found `{character}` at {index + offset + 1}"
            )
    groups = body.split("-")
    if len(groups) == 1 and simple:
        return f"invalid length: expected length 32 for simple format, found {len(text)}"
    if len(groups) != len(_GROUP_STARTS):
        return f"invalid group count: expected 5, found {len(groups)}"
    for index, (group, size) in enumerate(zip(groups, (8, 4, 4, 4, 12), strict=True)):
        if len(group) != size:
            return f"invalid group length in group {index}: expected {size}, found {len(group)}"
    return None
