"""Splits SQL text into tokens by Materialize's lexical rules.

In: the text of one or more statements. Out: a `Tokens` of parallel lists (kind, value, start,
end), closed by an end token. Offsets count characters. Raises MzError (42601) for text that is
lexically wrong: unterminated strings and comments, stray characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mzlite.dialect.keywords import KEYWORDS
from mzlite.errors import syntax_error
from mzlite.long_names import LONGEST_UNCHECKED, check_length, is_long, short

KEYWORD = "keyword"
IDENT = "identifier"
STRING = "string literal"
HEX = "hex string literal"
NUMBER = "number"
PARAMETER = "parameter"
OP = "operator"
STAR = "star"
EQ = "equals sign"
LPAREN = "left parenthesis"
RPAREN = "right parenthesis"
LBRACKET = "left square bracket"
RBRACKET = "right square bracket"
DOT = "dot"
COMMA = "comma"
COLON = "colon"
DOUBLE_COLON = "double colon"
ARROW = "arrow"
SEMICOLON = "semicolon"
END = "EOF"

_PUNCTUATION = {
    "(": LPAREN,
    ")": RPAREN,
    "[": LBRACKET,
    "]": RBRACKET,
    ".": DOT,
    ",": COMMA,
    ":": COLON,
    "::": DOUBLE_COLON,
    ";": SEMICOLON,
}
_OPERATOR_TOKENS = {"*": STAR, "=": EQ, "=>": ARROW}
_NONSTANDARD = frozenset("~!@#%^&|`?")

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\n\r\f\v]+)
    | (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<extended>[eE]')
    | (?P<hex>[xX]')
    | (?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
    | (?P<quoted>")
    | (?P<string>')
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE](?:[+-](?P<missing>(?![0-9]))|[+-]?[0-9]+))?)
    | (?P<parameter>\$[0-9]+)
    | (?P<dollar>\$)
    | (?P<punctuation>::|[()\[\].,:;])
    | (?P<operator>[-+*/<>=~!@#%^&|`?]+)
    """,
    re.VERBOSE,
)
_ADJACENT = re.compile(r"[ \t\f]*[\n\r][ \t\n\r\f]*'")
_BLOCK = re.compile(r"\*/|/\*")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(slots=True)
class Tokens:
    """The tokens of a text: `kinds[i]`, `values[i]` (keywords in upper case, identifiers folded or unquoted, strings
    decoded) and the span `starts[i]:ends[i]`; `quoted` has the indexes of quoted identifiers, `long` those of names
    that PostgreSQL would cut off."""

    text: str
    kinds: list[str]
    values: list[str]
    starts: list[int]
    ends: list[int]
    quoted: set[int]
    long: list[int]

    def describe(self, index: int) -> str:
        """The token as error messages call it."""
        if index >= len(self.kinds):
            return END
        kind, value = self.kinds[index], self.values[index]
        if kind == KEYWORD:
            return value
        if kind in (IDENT, STRING, HEX, OP):
            return f'{kind} "{value}"'
        if kind == NUMBER:
            return f'number "{value}"'
        if kind == PARAMETER:
            return f'parameter "${value}"'
        return kind


def tokenize(text: str) -> Tokens:
    """The tokens of `text`.

    >>> tokens = tokenize("select 'a', x::int")
    >>> tokens.values[:-1]
    ['SELECT', 'a', ',', 'x', '::', 'INT']
    """
    kinds: list[str] = []
    values: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    quoted: set[int] = set()
    long: list[int] = []
    match = _TOKEN.match
    position, length = 0, len(text)
    while position < length:
        found = match(text, position)
        if found is None:
            raise syntax_error(f"unexpected character in input: {text[position]}")
        group = found.lastgroup
        start, position = position, found.end()
        if group == "space" or group == "line":
            continue
        if group == "word":
            word = found.group()
            upper = word.upper()
            if upper in KEYWORDS:
                kind, value = KEYWORD, upper
            else:
                kind, value = IDENT, word.lower()
                if len(value) > LONGEST_UNCHECKED and is_long(value):
                    check_length(value)
                    long.append(len(kinds))
        elif group == "punctuation":
            value = found.group()
            kind = _PUNCTUATION[value]
        elif group == "operator":
            value, position = _operator(text, start, found.group())
            if not value:
                continue
            kind = _OPERATOR_TOKENS.get(value, OP)
        elif group == "string":
            kind = STRING
            value, position = _string(text, position)
        elif group == "number":
            if found.group("missing") is not None:
                raise syntax_error("missing required exponent")
            kind, value = NUMBER, found.group().upper().replace("E+", "E")
        elif group == "quoted":
            kind = IDENT
            value, position = _quoted(text, position)
            quoted.add(len(kinds))
            if len(value) > LONGEST_UNCHECKED and is_long(value):
                check_length(value)
                long.append(len(kinds))
        elif group == "block":
            position = _block_comment(text, position)
            continue
        elif group == "parameter":
            kind, value = PARAMETER, found.group()[1:]
        elif group == "extended":
            kind = STRING
            value, position = _extended(text, position)
        elif group == "hex":
            kind = HEX
            value, position = _string(text, position)
        elif group == "missing":
            raise syntax_error("missing required exponent")
        else:
            kind = STRING
            value, position = _dollar(text, position)
        kinds.append(kind)
        values.append(value)
        starts.append(start)
        ends.append(position)
    kinds.append(END)
    values.append("")
    starts.append(length)
    ends.append(length)
    return Tokens(text, kinds, values, starts, ends, quoted, long)


def with_short_names(tokens: Tokens) -> Tokens:
    """The tokens of the text in which short names stand for the long ones."""
    if not tokens.long:
        return tokens
    parts: list[str] = []
    position = 0
    for index in tokens.long:
        name = short(tokens.values[index])
        quoted = index in tokens.quoted or "~" in name
        parts += [tokens.text[position : tokens.starts[index]], f'"{name}"' if quoted else name]
        position = tokens.ends[index]
    return tokenize("".join([*parts, tokens.text[position:]]))


def _block_comment(text: str, position: int) -> int:
    depth = 1
    while depth:
        found = _BLOCK.search(text, position)
        if found is None:
            raise syntax_error("unterminated multiline comment")
        depth += 1 if found.group() == "/*" else -1
        position = found.end()
    return position


def _operator(text: str, start: int, run: str) -> tuple[str, int]:
    """The operator at `start`; comments end it, and a trailing sign belongs to what follows unless the operator has
    one of the nonstandard characters."""
    for comment in ("--", "/*"):
        cut = run.find(comment)
        if cut >= 0:
            run = run[:cut]
    while len(run) > 1 and run[-1] in "+-" and not _NONSTANDARD.intersection(run):
        run = run[:-1]
    end = start + len(run)
    return ("<>" if run == "!=" else run), end


def _string(text: str, position: int) -> tuple[str, int]:
    parts: list[str] = []
    while True:
        end = text.find("'", position)
        if end < 0:
            raise syntax_error("unterminated quoted string")
        parts.append(text[position:end])
        position = end + 1
        if text.startswith("'", position):
            parts.append("'")
            position += 1
            continue
        adjacent = _ADJACENT.match(text, position)
        if adjacent is None:
            return "".join(parts), position
        position = adjacent.end()


def _quoted(text: str, position: int) -> tuple[str, int]:
    parts: list[str] = []
    while True:
        end = text.find('"', position)
        if end < 0:
            raise syntax_error("unterminated quoted identifier")
        parts.append(text[position:end])
        position = end + 1
        if not text.startswith('"', position):
            name = "".join(parts)
            if "\0" in name:
                raise syntax_error("null character in quoted identifier")
            return name, position
        parts.append('"')
        position += 1


def _extended(text: str, position: int) -> tuple[str, int]:
    parts: list[str] = []
    length = len(text)
    while True:
        if position >= length:
            raise syntax_error("unterminated quoted string")
        character = text[position]
        position += 1
        if character == "'":
            if text.startswith("'", position):
                parts.append("'")
                position += 1
                continue
            adjacent = _ADJACENT.match(text, position)
            if adjacent is None:
                return "".join(parts), position
            position = adjacent.end()
        elif character == "\\":
            if position >= length:
                raise syntax_error("unterminated quoted string")
            escape = text[position]
            position += 1
            if escape in "uU":
                digits = 4 if escape == "u" else 8
                try:
                    parts.append(chr(int(text[position : position + digits], 16)))
                except (ValueError, OverflowError):
                    raise syntax_error("invalid unicode escape") from None
                position += digits
            elif escape in "01234567":
                raise syntax_error("octal escapes are not supported")
            elif escape == "x":
                raise syntax_error("hexadecimal escapes are not supported")
            else:
                parts.append(_ESCAPES.get(escape, escape))
        else:
            parts.append(character)


def _dollar(text: str, position: int) -> tuple[str, int]:
    end = text.find("$", position)
    tag = text[position - 1 : end + 1]
    close = text.find(tag, end + 1) if end >= 0 else -1
    if close < 0:
        raise syntax_error("unterminated dollar-quoted string")
    return text[end + 1 : close], close + len(tag)
