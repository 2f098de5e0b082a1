"""Says PostgreSQL's errors in Materialize's words.

In: the fields of an ErrorResponse by their one-letter codes (M message, C SQLSTATE, D detail, H hint, P position), and
the statement if it is known. Out: an MzError with the words and the SQLSTATE that Materialize gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import psycopg

from mzlite.dialect import ast, moments
from mzlite.dialect.conversion_errors import of_conversion, with_short_names
from mzlite.dialect.functions import NO_FUNCTIONS
from mzlite.dialect.lists import LIST_ITEM, in_words
from mzlite.dialect.parser import StatementParser
from mzlite.dialect.refused_calls import refused_call
from mzlite.dialect.show_queries import RAISE_PREFIX
from mzlite.dialect.tokens import tokenize
from mzlite.dialect.using_columns import refused_column
from mzlite.errors import INTERNAL, MzError, unsupported

FUNCTION_HINT = "No function matches the given name and argument types. You might need to add explicit type casts."
OPERATOR_HINT = "No operator matches the given name and argument types.  You might need to add explicit type casts."

_KEPT_CODES = frozenset({"25", "26", "34", "57", "53", "54", "08", "28", "40", "58"})
"""Classes whose SQLSTATE says the same in both systems."""

_PLANNING_CODES = frozenset({"42703", "42883", "42702", "42725", "42804", "42846", "42P18"})
"""What PostgreSQL's analysis of expressions says, and not the lookup of relations."""

_NAMING_TYPES = _PLANNING_CODES | {"42809"}

_PART = re.compile(r'"(?:[^"]|"")*"|\w+|\*')
_QUALIFIED = re.compile(r'("(?:[^"]|"")*"|\w+)(?:\s*\.\s*("(?:[^"]|"")*"|\w+|\*))+')
_PARTS = re.compile(_QUALIFIED.pattern.removesuffix("+") + "*")

_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], MzError]]


def _rule(pattern: str, message: str, *, state: str = INTERNAL, hint: str | None = None) -> _Rule:
    return re.compile(pattern, re.DOTALL), lambda found: MzError(found.expand(message), sqlstate=state, hint=hint)


def _raised(found: re.Match[str]) -> MzError:
    state, _, message = found.group(1).partition("!")
    return MzError(message, sqlstate=state)


def _integer(found: re.Match[str]) -> MzError:
    kind, text = found.group(1).replace("xid8", "uint8"), found.group(2)
    why = "invalid digit found in string" if text.strip() else "cannot parse integer from empty string"
    return MzError(f'invalid input syntax for type {kind}: {why}: "{text}"')


def _moment(found: re.Match[str]) -> MzError:
    kind, text = found.group(1) or moments.kind_of(found.group(2)), found.group(2)
    why = moments.reason(kind, text)
    return MzError(f'invalid input syntax for type {kind}: {why + ": " if why else ""}"{text}"')


def _list_item(found: re.Match[str]) -> MzError:
    """Where an element of a list's or a map's text cannot be read, its own error is in that one's."""
    outer, why, texts = found.groups()
    return MzError(f"{outer}{_translated({'M': why}).message}{texts}")


def _no_list_of(message: str) -> MzError:
    kind = message.partition("(")[2].partition(")")[0].removesuffix("[]")
    return unsupported(f"{'char' if kind == 'character' else kind} list not yet supported")


def _relation(found: re.Match[str]) -> MzError:
    return MzError(f"unknown catalog item '{found.group(1)}'")


def _read_only(found: re.Match[str]) -> MzError:
    return MzError(
        "transaction in read-only mode",
        sqlstate="25006",
        detail="SELECT queries cannot be combined with other query types, including SUBSCRIBE.",
    )


_INTEGERS = "integer|bigint|smallint"
_UNLIKE = re.compile(
    r"function mz_internal\.(?:(list)\((.*) list, |(map)\(map\[text=>(.*)\], (?:unknown|text), )(.*)\) does not exist$"
)
"""A list of maps, or a map to maps, is made item by item."""
_EVALUATION = "Evaluation error: "
_RULES: tuple[_Rule, ...] = (
    (re.compile(f'{RAISE_PREFIX}(.*?)"?$', re.DOTALL), _raised),
    (re.compile(r'^relation "(.*)" does not exist$'), _relation),
    _rule(r'^(column ".*" must not be null)$', r"Evaluation error: \1"),
    (re.compile(r"^cannot execute .* in a read-only transaction$"), _read_only),
    _rule(r'^prepared statement "(.*)" already exists$', r'prepared statement "\1" already exists', state="42P05"),
    _rule(r'^cursor "(.*)" already exists$', r'cursor "\1" already exists', state="42P03"),
    _rule(r'^type "(.*?)(?:\[\]| list| map)+" does not exist$', r'type "\1" does not exist'),
    _rule(
        r"^improper qualified name \(too many dotted names\): (.*)$",
        r"qualified name did not have between 1 and 3 components: \1",
    ),
    _rule(r'^schema "(.*)" does not exist$', r"unknown schema '\1'"),
    _rule(r"^permission denied for schema (mzlite\w*)$", r"unknown schema '\1'"),
    _rule(r"^permission denied for (?:table|view|sequence|function) (\w*)$", r"unknown catalog item '\1'"),
    _rule(r'^column "(.*)" does not exist$', r'column "\1" does not exist'),
    _rule(r"^column (\S+) does not exist$", r'column "\1" does not exist'),
    _rule(r'^missing FROM-clause entry for table "(.*)"$', r"unknown catalog item '\1'"),
    _rule(r'^invalid reference to FROM-clause entry for table "(.*)"$', r"unknown catalog item '\1'"),
    (re.compile(rf'^invalid input syntax for type ({_INTEGERS}): "(.*)"$', re.DOTALL), _integer),
    _rule(
        rf'^value "(\s*-.*)" is out of range for type ({_INTEGERS})$',
        r'invalid input syntax for type \2: number too small to fit in target type: "\1"',
    ),
    _rule(
        rf'^value "(.*)" is out of range for type ({_INTEGERS})$',
        r'invalid input syntax for type \2: number too large to fit in target type: "\1"',
    ),
    (
        re.compile(
            r'^invalid input syntax for type (date|time|timestamp|timestamp with time zone|interval|uuid): "(.*)"$',
            re.DOTALL,
        ),
        _moment,
    ),
    (re.compile(r'^(?P<kind>)date/time field value out of range: "(.*)"$', re.DOTALL), _moment),
    (re.compile(r'^invalid input syntax for type (xid8): "(.*)"$', re.DOTALL), _integer),
    _rule(
        r'^value "(.*)" is out of range for type xid8$',
        r'invalid input syntax for type uint8: number too large to fit in target type: "\1"',
    ),
    (
        re.compile(
            "^((?:invalid input syntax for type (?:list|map): )+)"
            r'((?:invalid input syntax for type (?!list|map)[^:"]*|date/time field value out of range): ".*?"'
            r'|value ".*?" is out of range for type [a-z]+)(: ".*")$',
            re.DOTALL,
        ),
        _list_item,
    ),
    _rule(
        r'^column ".*" is of type (.*) but default expression is of type (.*)$',
        r"DEFAULT expression does not support casting from \2 to \1",
    ),
    _rule(r"^(cannot subscript type .*) because it does not support subscripting$", r"\1"),
    _rule(rf"^({_INTEGERS}) out of range$", "numeric field overflow"),
    _rule(r"^value overflows numeric format$", "value out of range: overflow"),
    _rule(r'^(?:GROUP|ORDER) BY "(.*)" is ambiguous$', r'column reference "\1" is ambiguous'),
    _rule(r"^argument \d+: key must not be null$|^field name must not be null$", "key cannot be null"),
    _rule(r'^invalid (?:source |destination )?encoding name "(.*)"$', r"invalid encoding name '\1'"),
    _rule(r'^invalid regular expression option: "(.*)"$', r"invalid regular expression flag: \1"),
    _rule(r'^interval time zone ".*" must not include ', "timezone interval must not contain months or years"),
    _rule(
        r"^a negative number raised to a non-integer power yields a complex ",
        "function pow cannot return complex numbers",
    ),
    _rule(
        r'^null value in column "(.*)" of relation ".*" violates not-null constraint$',
        r'null value in column "\1" violates not-null constraint',
        state="23502",
    ),
    _rule(
        r'^invalid byte sequence for encoding "UTF8": .*$',
        "invalid byte sequence 'invalid utf-8 sequence of 1 bytes from index 0' for encoding 'utf8'",
    ),
    _rule(
        r"^more than one row returned by a subquery used as an expression$",
        "Evaluation error: more than one record produced in subquery",
    ),
    _rule(r"^(Recursive query exceeded the recursion limit .*)$", r"Evaluation error: \1"),
    _rule(
        r"^argument of WHERE must be type boolean, not type (.*)$", r"WHERE clause must have type boolean, not type \1"
    ),
    _rule(
        r"^argument of HAVING must be type boolean, not type (.*)$",
        r"HAVING clause must have type boolean, not type \1",
    ),
    _rule(
        r"^argument of JOIN/ON must be type boolean, not type (.*)$", r"ON clause must have type boolean, not type \1"
    ),
    _rule(
        r"^argument of AND must be type boolean, not type (.*)$", r"AND argument must have type boolean, not type \1"
    ),
    _rule(r"^argument of OR must be type boolean, not type (.*)$", r"OR argument must have type boolean, not type \1"),
    _rule(
        r"^argument of NOT must be type boolean, not type (.*)$", r"NOT argument must have type boolean, not type \1"
    ),
    _rule(r"^(UNION|EXCEPT|INTERSECT) could not convert type (.*) to (.*)$", r"\1 types \3 and \2 cannot be matched"),
    (
        re.compile(r"^(COALESCE|GREATEST|LEAST)( (?:types|could not convert type) .*)$"),
        lambda found: MzError(found[1].lower() + found[2]),
    ),
    _rule(r"^CASE/(?:WHEN|ELSE) (could not convert type .*)$", r"CASE \1"),
    _rule(
        r"^argument of (LIMIT|OFFSET) must be type bigint, not type (.*)$",
        r"\1 does not support casting from \2 to bigint",
    ),
    _rule(r"^cannot cast type (.*) to (.*)$", r"CAST does not support casting from \1 to \2"),
    _rule(r"^invalid input syntax for type json$", r"invalid input syntax for type jsonb"),
    _rule(r"^cannot cast jsonb (.*) to type .*$", r"\g<0>"),
    _rule(
        r"^cannot change materialized view .*$|^cannot (?:insert into|update|delete from) view \"(.*)\"$",
        r"cannot insert into view '\1'",
    ),
    _rule(r"^argument of CASE/WHEN must be type boolean, not type (.*)$", r"CASE must have type boolean, not type \1"),
    _rule(r'^unit "(.*)" not recognized for type .*$', r"unit '\1' not recognized"),
    _rule(r'^unit "(.*)" not supported for type (.*)$', r"unit '\1' not supported for type \2"),
    _rule(r'^time zone "(.*)" not recognized$', r"invalid time zone '\1'"),
    _rule(r'^unrecognized encoding: "(.*)"$', r"invalid encoding name '\1'"),
    _rule(r"^LIKE pattern must not end with escape character$", "unterminated escape sequence in LIKE"),
    _rule(r"^cannot take logarithm of zero$", "function ln is not defined for zero"),
    _rule(r"^cannot take logarithm of a negative number$", "function ln is not defined for negative numbers"),
    _rule(r"^null character not permitted$", r"\g<0>"),
    _rule(r"^timestamps cannot be binned into intervals containing months or years$", r"\g<0>"),
    _rule(r"^aggregate functions are not allowed in WHERE$", "aggregate functions are not allowed in WHERE clause"),
    _rule(
        r"^aggregate functions are not allowed in JOIN conditions$", "aggregate functions are not allowed in ON clause"
    ),
    _rule(r"^window functions are not allowed in WHERE$", "window functions are not allowed in WHERE clause"),
    _rule(r"^window functions are not allowed in HAVING$", "window functions are not allowed in HAVING clause"),
    _rule(r"^each (UNION|EXCEPT|INTERSECT) query must have the same number of columns$", r"\g<0>"),
    _rule(r'^portal "(.*)" does not exist$', r'portal "\1" does not exist', state="34000"),
)


def translate(fields: Mapping[str, str], sql: str | None = None) -> MzError:
    """The error that Materialize gives where PostgreSQL gives this one.

    Args:
        fields: the error's fields by their letters.
        sql: the statement that PostgreSQL was sent; with it errors in a WHERE clause are told as such.

    >>> translate({"C": "42P01", "M": 'relation "nosuch" does not exist'}).message
    "unknown catalog item 'nosuch'"
    """
    position = fields.get("P", "")
    if (refused := _refused_call(fields, sql, position)) is not None:
        return refused
    error = _translated(fields)
    if sql is not None and position.isdigit():
        error = _of_a_list(error, sql, int(position) - 1)
    if sql is not None:
        error = of_conversion(error, sql, int(position) - 1 if position.isdigit() else None)
    if sql is not None and not position.isdigit() and (column := refused_column(error.message, sql)) is not None:
        return MzError(column)
    if sql is not None and (column := _column_of_no_table(fields, sql)) is not None:
        error = MzError(column)
    if sql is not None and (called := _promoted_argument(error.message)) is not None:
        error = MzError(_of_the_statement(called, sql, position), hint=error.hint)
    is_planning = (
        fields.get("C") in _PLANNING_CODES or error.message.startswith('column "')
    ) and not error.message.startswith("WHERE clause must")
    if sql is not None and position.isdigit() and is_planning:
        prefix = "WHERE clause error: " * where_depth(sql, int(position) - 1)
        if prefix:
            return MzError(prefix + error.message)
    return error


def _refused_call(fields: Mapping[str, str], sql: str | None, position: str) -> MzError | None:
    """The error about a call with types that have no such form, if it is one; that about ARRAY[..] has a position."""
    message = fields.get("M", "")
    if message.startswith("could not find array type") and sql is not None and position.isdigit():
        return _array_of_none(in_words(message.rpartition("data type ")[2]), sql, int(position) - 1)
    is_where = sql is not None and position.isdigit() and where_depth(sql, int(position) - 1) > 0
    return refused_call(in_words(message), sql, "WHERE clause" if is_where else "SELECT clause")


def _array_of_none(kind: str, sql: str, position: int) -> MzError:
    """What is said of ARRAY[..], and of LIST[..] and MAP[..], which are made of one, where there is none of a type."""
    kind = "char" if kind == "character" else kind
    before = sql[: max(sql.rfind("array[", 0, position + len("array[")), 0)]
    if before.endswith("mz_internal.list("):
        return MzError(f"{kind} list not yet supported")
    if before.endswith("]::text[], "):
        return MzError(f"{kind} map not yet supported")
    return MzError(f"{kind}[] not yet supported")


def _of_a_list(error: MzError, sql: str, position: int) -> MzError:
    """An error about the array of which a list is made, or about the cast of its items, is one about the list."""
    message = error.message
    if sql.startswith(LIST_ITEM, position):
        found = re.fullmatch("CAST does not support casting from (.*) to (.*)", message)
        return error if found is None else MzError("LIST could not convert type {} to {}".format(*found.groups()))
    if message.startswith("ARRAY types ") or message == "cannot determine type of empty array":
        before = sql[: max(sql.rfind("array[", 0, position + len("array[")), 0)]
        for kind, opening in (("list", "mz_internal.list("), ("map", "]::text[], ")):
            if before.endswith(opening):
                return MzError(message.replace("ARRAY", kind.upper()).replace("empty array", f"empty {kind}"))
    return error


def _column_of_no_table(fields: Mapping[str, str], sql: str) -> str | None:
    """The error about a column that is qualified by what is not in FROM; PostgreSQL says the qualifier only."""
    position = fields.get("P", "")
    is_lateral = "LATERAL reference" in fields.get("D", "")
    if "FROM-clause entry" not in fields.get("M", "") or not position.isdigit():
        return None
    found = (_PARTS if is_lateral else _QUALIFIED).match(sql, int(position) - 1)
    if found is None or not (is_lateral or fields.get("C") == "42P01"):
        return None
    *table, column = (part.strip('"') if part[0] == '"' else part.lower() for part in _PART.findall(found.group()))
    name = ".".join(table)
    if is_lateral:
        return (
            f'column "{".".join([*table, column])}" cannot be referenced from this part of the query: '
            "the combining JOIN type must be INNER or LEFT for a LATERAL reference"
        )
    return f"no table named '{name}' in scope" if column == "*" else f'column "{name}.{column}" does not exist'


def _promoted_argument(message: str) -> tuple[str, str] | None:
    """The argument's type where the sums or the promotion that stand for an aggregate do not take it, and why."""
    found = re.fullmatch(
        r"function (?:sum|mz_unsafe\.mz_avg_promotion)\((.*)\) (does not exist|is not unique)", message
    )
    return None if found is None else (found.group(1), found.group(2))


def _of_the_statement(argument: tuple[str, str], sql: str, position: str) -> str:
    """The error names the aggregate that the statement has: it stands before the sum that takes its place."""
    before = sql[: int(position) - 1] if position.isdigit() else ""
    found = re.search(r"mz_internal\.(\w+)\((?:sum\((?:distinct )?)?(?:mz_unsafe\.)?$", before)
    return f"function {'sum' if found is None else found.group(1)}({argument[0]}) {argument[1]}"


def from_psycopg(error: psycopg.Error, sql: str | None = None) -> MzError:
    """The same for an error on a connection of this process.

    Args:
        error: what was raised.
        sql: the statement that was run, if its parts are the client's.
    """
    diag = error.diag
    fields = {
        "M": diag.message_primary or str(error),
        "C": diag.sqlstate or INTERNAL,
        "D": diag.message_detail,
        "H": diag.message_hint,
        "P": diag.statement_position,
    }
    return translate({code: text for code, text in fields.items() if text is not None}, sql)


def where_depth(sql: str, position: int) -> int:
    """In how many WHERE clauses, one inside the other, `position` of a statement lies."""
    try:
        parsed = StatementParser(tokenize(sql)).parse()
    except MzError:
        return 0
    depth = 0
    for each in parsed:
        query = getattr(each.statement, "syntax", None)
        for root in (*each.queries, *([query] if query is not None else [])):
            for node in ast.walk(root):
                if isinstance(node, ast.Select) and node.where is not None:
                    depth += node.where.start <= position < node.where.end
    return depth


def _translated(fields: Mapping[str, str]) -> MzError:
    message = fields.get("M", "unknown error")
    state = fields.get("C", INTERNAL)
    if state in _NAMING_TYPES:
        message = with_short_names(in_words(message))
    if message.startswith(_EVALUATION):
        inner = _translated({**fields, "M": message.removeprefix(_EVALUATION)}).message
        return MzError(_EVALUATION + inner.removeprefix(_EVALUATION), detail=fields.get("D"))
    if state == "42883" and (found := _UNLIKE.match(message)) is not None:
        return MzError(
            f"{(found[1] or found[3]).upper()} types {found[2] or found[4]} and {found[5]} cannot be matched"
        )
    if state in ("42883", "42725") and "mz_internal.list(" in message:
        return _no_list_of(message)
    if state == "42883":
        return _unknown_function(message)
    for pattern, make in _RULES:
        found = pattern.search(message)
        if found is not None:
            return make(found)
    if state[:2] in _KEPT_CODES:
        return MzError(message, sqlstate=state, detail=fields.get("D"), hint=fields.get("H"))
    if message == "cannot concatenate incompatible arrays":
        return MzError(message, detail=fields.get("D", "").replace("differing element dim", "differing dim"))
    if state == "0A000":
        return MzError(message, sqlstate=state, detail=fields.get("D"))
    if state == "42601" and message.startswith(("syntax error", "unterminated", "trailing junk")):
        return MzError(message, sqlstate=state)
    return MzError(message, sqlstate=INTERNAL)


def _unknown_function(message: str) -> MzError:
    """A function or operator that is not there; the types by Materialize's names."""
    # PostgreSQL has the arguments of POSITION(a IN b) in the order b, a.
    message = re.sub(r"^function (?:pg_catalog\.)?position\((.+), (.+)\)", r"function position(\2, \1)", message)
    if re.match(r"function (?:mz_catalog\.)?mz_row_size\(", message):
        return MzError("mz_row_size requires a record type")
    if message.startswith("operator does not exist"):
        return MzError(re.sub(r"\bmz_catalog\.", "", message), hint=OPERATOR_HINT)
    if re.fullmatch(r"function array_agg\(.*\[\]\) does not exist", message):
        return MzError("array_agg on arrays not yet supported")
    message = re.sub(rf"\b(?:mz_internal\.(?=current_setting\()|{NO_FUNCTIONS}\.)", "", message)
    return MzError(re.sub(r"\b(?:mz|pg)_catalog\.", "", message), hint=FUNCTION_HINT)
