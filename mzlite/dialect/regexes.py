r"""Regular expressions as Materialize reads them, written as PostgreSQL does.

In: the text of a pattern or of a replacement that stands in a statement. Out: what PostgreSQL is shown. Both have
most of the syntax in common; here is what differs: `\b`, `\z`, `\pL` and code points by number, groups with names,
`$1` in replacements. What Materialize does not have (look-around, back references), or what is no pattern, becomes a
call that fails when it is evaluated, in its words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

PATTERN_OPERATORS = frozenset(["~", "~*", "!~", "!~*"])
PATTERN_ARGUMENT: Mapping[str, int] = MappingProxyType(
    {
        "regexp_extract": 0,
        "regexp_match": 1,
        "regexp_matches": 1,
        "regexp_replace": 1,
        "regexp_split_to_array": 1,
        "regexp_split_to_table": 1,
    }
)
"""Functions of a pattern, with its place among the arguments."""

_ESCAPES = {"b": r"\y", "B": r"\Y", "z": r"\Z", "<": r"\m", ">": r"\M"}
_BOUNDARIES = {"{start}": r"\m", "{end}": r"\M"}
_SAME = frozenset("AdDsSwWtnrfva")
_PROPERTIES = {
    "L": "alpha", "Letter": "alpha", "Alphabetic": "alpha", "Lu": "upper", "Uppercase": "upper", "Ll": "lower",
    "Lowercase": "lower", "N": "digit", "Nd": "digit", "P": "punct", "Punctuation": "punct", "Z": "space",
    "Zs": "space", "White_Space": "space",
}  # fmt: skip
_NAMED_GROUP = re.compile(r"\(\?P?<([A-Za-z_][\w.\[\]]*)>")
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_LEADING_FLAGS = re.compile(r"\(\?([imsx]+)\)")
_POSTGRES_FLAGS = {"i": "i", "m": "w", "s": "", "x": "x"}
_PROPERTY = re.compile(r"\\([pP])(?:\{(\^?)([^}]*)\}|(\w))")
_CODE_POINT = re.compile(r"\\(?:[xuU]\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?P?<([A-Za-z_][\w.\[\]]*)>", re.DOTALL)
"""Where groups begin, and what may look so: an escape, a class."""
_REFERENCE = re.compile(r"\$(?:\$|\{([^}]*)\}|([0-9A-Za-z_]+))")
_MAX_GROUP = 9
"""PostgreSQL's replacements refer to the first nine groups."""


class _NoPatternError(Exception):
    """Why a text is no pattern, and where."""

    def __init__(self, why: str, start: int, end: int) -> None:
        super().__init__(why)
        self.why, self.start, self.end = why, start, end


def quote_text(text: str) -> str:
    """A text as a literal.

    >>> quote_text("it's"), quote_text("[a]b")
    ("'it''s'", "'[a]b'")
    """
    return "'" + text.replace("'", "''") + "'"


def pattern_for_postgres(pattern: str) -> str:
    r"""An expression whose value is the pattern in PostgreSQL's words.

    >>> pattern_for_postgres(r"\bfoo\z"), pattern_for_postgres("(?P<year>[0-9]+)-(?:a|b)")
    ("'\\yfoo\\Z'", "'([0-9]+)-(?:a|b)'")
    >>> print(pattern_for_postgres("x(?=y)").replace("\\n", "|"))
    mz_internal.raise_error(E'invalid regular expression: regex parse error:|    x(?=y)|     ^^^|error: look-around, including look-ahead and look-behind, is not supported')
    """  # noqa: E501
    try:
        return quote_text(_translated(pattern))
    except _NoPatternError as error:
        shown = _shown(pattern, error)
        return "mz_internal.raise_error(E" + quote_text(shown.replace("\\", "\\\\")).replace("\n", "\\n") + ")"


def replacement_for_postgres(replacement: str, pattern: str | None) -> str:
    r"""A replacement in PostgreSQL's words; a group is named by its number or by the name it has in the pattern.

    >>> replacement_for_postgres(r"[$1-${name}] $$ \1 $0", "(a)(?P<name>b)"), replacement_for_postgres("$1x", "(a)")
    ('[\\1-\\2] $ \\\\1 \\&', '')
    """
    groups = _groups(pattern) if pattern is not None else None
    parts: list[str] = []
    position = 0
    for found in _REFERENCE.finditer(replacement):
        parts.append(replacement[position : found.start()].replace("\\", "\\\\"))
        position = found.end()
        if found.group() == "$$":
            parts.append("$")
            continue
        name = found.group(1) if found.group(1) is not None else found.group(2)
        number = int(name) if name.isdigit() else groups.index(name) + 1 if groups and name in groups else None
        if number == 0:
            parts.append("\\&")
        elif number is not None and number <= _MAX_GROUP and (groups is None or number <= len(groups)):
            parts.append(f"\\{number}")
    parts.append(replacement[position:].replace("\\", "\\\\"))
    return "".join(parts)


def _groups(pattern: str) -> list[str | None]:
    """The names of the groups of a pattern in their order, None for one without."""
    found: list[str | None] = []
    for each in _PART.finditer(pattern):
        if each.group().startswith("("):
            found.append(each.group(1))
    return found


def _shown(pattern: str, error: _NoPatternError) -> str:
    """The error with the pattern and a mark below the place."""
    prefix = "invalid regular expression: regex parse error:\n"
    if "\n" in pattern:
        return f"{prefix}error: {error.why}"
    mark = " " * error.start + "^" * max(error.end - error.start, 1)
    return f"{prefix}    {pattern}\n    {mark}\nerror: {error.why}"


def _translated(pattern: str) -> str:
    parts: list[str] = []
    position = 0
    flags = _LEADING_FLAGS.match(pattern)
    if flags is not None:
        position = flags.end()
        wanted = "".join(_POSTGRES_FLAGS[flag] for flag in flags.group(1))
        parts.append(f"(?{wanted})" if wanted else "")
    open_groups: list[int] = []
    while position < len(pattern):
        symbol = pattern[position]
        if symbol == "\\":
            text, position = _escape(pattern, position)
        elif symbol == "[":
            text, position = _class(pattern, position)
        elif symbol == "(":
            open_groups.append(position)
            text, position = _group(pattern, position)
        elif symbol == ")":
            if not open_groups:
                raise _NoPatternError("unopened group", position, position + 1)
            open_groups.pop()
            text, position = symbol, position + 1
        elif symbol in "*+?" and _begins_branch(pattern, position):
            raise _NoPatternError("repetition operator missing expression", position, position + 1)
        else:
            text, position = symbol, position + 1
        parts.append(text)
    if open_groups:
        raise _NoPatternError("unclosed group", open_groups[-1], open_groups[-1] + 1)
    return "".join(parts)


def _begins_branch(pattern: str, position: int) -> bool:
    """Whether nothing stands before `position` that could be repeated."""
    if position == 0:
        return True
    before = pattern[: position - 1]
    is_escaped = (len(before) - len(before.rstrip("\\"))) % 2 == 1
    return pattern[position - 1] in "(|" and not is_escaped


def _group(pattern: str, position: int) -> tuple[str, int]:
    look = _LOOK_AROUND.match(pattern, position)
    if look is not None:
        why = "look-around, including look-ahead and look-behind, is not supported"
        raise _NoPatternError(why, position, look.end())
    named = _NAMED_GROUP.match(pattern, position)
    if named is not None:
        return "(", named.end()
    if pattern.startswith("(?:", position):
        return "(?:", position + 3
    return "(", position + 1


def _escape(pattern: str, position: int, *, in_class: bool = False) -> tuple[str, int]:
    if position + 1 == len(pattern):
        raise _NoPatternError("incomplete escape sequence, reached end of pattern prematurely", position, position + 1)
    symbol = pattern[position + 1]
    after = position + 2
    if (code := _CODE_POINT.match(pattern, position)) is not None:
        number = int(next(group for group in code.groups() if group is not None), 16)
        if 0 < number <= 0x10FFFF:
            character = chr(number)
            return character if character.isalnum() or number > 127 else f"\\{character}", code.end()
    if symbol in "pP" and (found := _PROPERTY.match(pattern, position)) is not None:
        name = _PROPERTIES.get(found.group(3) or found.group(4))
        negated = (symbol == "P") != bool(found.group(2))
        if name is not None and not (in_class and negated):
            kind = f"[:{name}:]"
            return kind if in_class else f"[^{kind}]" if negated else f"[{kind}]", found.end()
    if symbol == "b" and not in_class:
        for boundary, shown in _BOUNDARIES.items():
            if pattern.startswith(boundary, after):
                return shown, after + len(boundary)
    if symbol in _ESCAPES and not in_class:
        return _ESCAPES[symbol], after
    if symbol.isdigit():
        raise _NoPatternError("backreferences are not supported", position, after)
    if symbol.isascii() and symbol.isalpha() and symbol not in _SAME and symbol not in "pPxuUbB":
        raise _NoPatternError("unrecognized escape sequence", position, after)
    return pattern[position:after], after


def _class(pattern: str, start: int) -> tuple[str, int]:
    """A class in brackets; in one, a bracket that closes comes first where it is itself meant."""
    position = start + 1
    parts = ["["]
    if pattern.startswith("^", position):
        parts.append("^")
        position += 1
    if pattern.startswith("]", position):
        parts.append("]")
        position += 1
    while position < len(pattern):
        symbol = pattern[position]
        if symbol == "]":
            return "".join(parts) + "]", position + 1
        if symbol == "\\":
            text, position = _escape(pattern, position, in_class=True)
        elif pattern.startswith("[:", position) and (end := pattern.find(":]", position)) > 0:
            text, position = pattern[position : end + 2], end + 2
        else:
            text, position = symbol, position + 1
        parts.append(text)
    raise _NoPatternError("unclosed character class", start, start + 1)
