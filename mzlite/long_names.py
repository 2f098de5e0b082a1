"""Names longer than PostgreSQL keeps: Materialize's have up to 255 bytes, PostgreSQL's up to 63.

In: a name as clients write and read it. Out: the *short* name that stands for it everywhere inside, and back. The
parser puts short names into the text of a statement before anything else reads it, so that planner, catalog and
PostgreSQL know no others; the wire, the views of the system catalog and the functions that write rows as JSON give the
whole ones.

A short name is a digest of the whole one, so that two names are one inside only if they are one outside. It is of a
form that no other name has: a client's own name of that form is shortened, too. A name that can be written without
double quotes has a short one that can, and only then, so that whoever prints a short name quotes as the whole one needs
it.

What the digests stand for is kept in the table `mzlite.long_names` (before a statement runs that has a new one) and
here, by the whole process: it is the same for every session, and what is true of a digest is so for ever. A start
forgets those that nothing has any more.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from collections.abc import Iterable

from mzlite.errors import syntax_error

MAX_BYTES = 255
"""Materialize's limit."""
POSTGRES_BYTES = 63
LONGEST_UNCHECKED = POSTGRES_BYTES // 4
"""Names of no more characters are not long, whatever they are."""
SHORT_LENGTH = 30

_FORM = re.compile(r"long[_~][0-9a-f]{25}")
_IN_TEXT = re.compile(r'(")?(long[_~][0-9a-f]{25})(?(1)("?))')
_PARTS = re.compile(r'"(?:[^"]|"")*"|[^".]+')
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")

_whole: dict[str, str] = {}  # in the order in which they became known; nothing ever leaves
_lock = threading.Lock()


def is_long(name: str) -> bool:
    """Whether a name cannot stand for itself inside."""
    length = len(name)
    if length <= LONGEST_UNCHECKED:
        return False
    return len(name.encode()) > POSTGRES_BYTES or (length == SHORT_LENGTH and _FORM.fullmatch(name) is not None)


def check_length(name: str) -> None:
    """Refuse a name that Materialize does not take.

    Raises:
        MzError: it is too long.
    """
    if len(name) > MAX_BYTES // 4 and len(name.encode()) > MAX_BYTES:
        raise syntax_error(f"identifier length exceeds {MAX_BYTES} bytes")


def digest(name: str) -> str:
    """The short form of a name, whatever its length; it is not remembered.

    >>> digest("a"), digest("A")
    ('long_ca978112ca1bbdcafac231b39', 'long~559aead08264d5795d3909718')
    """
    mark = "_" if _PLAIN.fullmatch(name) else "~"
    return f"long{mark}{hashlib.sha256(name.encode()).hexdigest()[:25]}"


def inner_name(name: str) -> str:
    """The name that stands for one which nobody is ever shown, such as a portal's; it is not remembered."""
    return digest(name) if is_long(name) else name


def short(name: str) -> str:
    """The name that stands for `name` inside: itself, unless it is long."""
    if not is_long(name):
        return name
    found = digest(name)
    with _lock:
        if _whole.setdefault(found, name) != name:
            raise AssertionError(f"two names have the digest {found}")
    return found


def whole(name: str) -> str:
    """The name that `name` stands for."""
    return _whole.get(name, name)


def restored(text: str) -> str:
    """A text in which names may stand, such as an error's, with the whole ones."""
    if not _whole or "long" not in text:
        return text
    return _IN_TEXT.sub(_whole_in_text, text)


def _whole_in_text(found: re.Match[str]) -> str:
    name = _whole.get(found[2])
    if name is None:
        return found[0]
    if not _FORM.fullmatch(name):
        name = _IN_TEXT.sub(_whole_in_text, name)  # that of a schema has its database's in it
    if found[1] and found[3]:
        name = name.replace('"', '""')
    return f"{found[1] or ''}{name}{found[3] or ''}"


def short_in_string(text: str) -> str:
    """A string that PostgreSQL reads as a name with dots, such as that of a regclass, without long names.

    >>> short_in_string('public."T"')
    'public."T"'
    """
    if len(text.encode()) <= POSTGRES_BYTES:
        return text
    parts = _PARTS.findall(text)
    if ".".join(parts) != text:
        return text
    names = [part[1:-1].replace('""', '"') if part.startswith('"') else part.lower() for part in parts]
    if not any(map(is_long, names)):
        return text
    return ".".join('"' + short(name).replace('"', '""') + '"' for name in names)


def joined(stem: str, suffix: str) -> str:
    """A name made of another one, of which a short one may be given, and of what follows it, cut as Materialize does.

    >>> joined("t", "_progress")
    't_progress'
    """
    kept = whole(stem).encode()[: MAX_BYTES - len(suffix.encode())].decode(errors="ignore")
    return short(kept + suffix)


def known() -> int:
    """How many long names there are."""
    return len(_whole)


def known_since(count: int) -> list[tuple[str, str]]:
    """Short and whole names, without the first `count` that became known."""
    with _lock:
        return list(itertools.islice(_whole.items(), count, None))


def load(names: Iterable[tuple[str, str]]) -> None:
    """Take short and whole names over from the table."""
    with _lock:
        _whole.update(names)
