"""The entry of the dialect: from SQL text to statement objects.

In: what a client sent, with any number of statements. Out: one object of `statements.py` or `definitions.py` for each.
Raises MzError: 42601 for what Materialize's grammar does not take (then nothing of the text is
returned), other codes for what its planner refuses. In a text of several statements a refusal
stands in the list as `Refused`, so that it is raised in its turn. In the statements short names
stand for long ones (`mzlite.long_names`).
"""

from __future__ import annotations

import re
from dataclasses import replace

from mzlite.dialect import statements as s
from mzlite.dialect.check import check_statement
from mzlite.dialect.databases import FIRST_DATABASE
from mzlite.dialect.parser import ParsedStatement, StatementParser
from mzlite.dialect.reading import is_plain, names_columns, relations
from mzlite.dialect.tokens import tokenize, with_short_names
from mzlite.errors import MzError

_DELETE = re.compile(r"\s*delete\b", re.I)
MAX_BATCH_BYTES = 1_000_000


def parse(sql: str, database: str = FIRST_DATABASE) -> list[s.Statement]:
    """The statements of `sql`, sent by a session in `database`.

    >>> [type(statement).__name__ for statement in parse("select 1; create view v as select 2")]
    ['Relayed', 'CreateView']
    """
    if len(sql) > MAX_BATCH_BYTES // 4 and len(sql.encode()) > MAX_BATCH_BYTES:
        raise MzError("statement batch size cannot exceed 1.0 MB", sqlstate="54000")
    parser = StatementParser(with_short_names(tokenize(sql)))
    parser.database = database
    parsed = parser.parse()
    if len(parsed) == 1:
        check_statement(parsed[0])
        return [_with_access(parsed[0])]
    return [_checked(each) for each in parsed]


def _checked(parsed: ParsedStatement) -> s.Statement:
    try:
        check_statement(parsed)
    except MzError as error:
        return s.Refused(parsed.statement.sql, error)
    return _with_access(parsed)


def _with_access(parsed: ParsedStatement) -> s.Statement:
    """The statement with what it needs privileges on."""
    statement = parsed.statement
    if not isinstance(statement, s.Relayed) or not (parsed.queries or parsed.expressions or parsed.target):
        return statement
    reads = relations((*parsed.queries, *parsed.expressions, *parsed.tables))
    if statement.kind == "select" and len(parsed.queries) == 1 and is_plain(parsed.queries[0]):
        statement = replace(statement, plain=True)
    inner = statement.prepared if isinstance(statement, s.Prepare) else None
    writer = inner or statement
    access = s.Access(reads)
    if parsed.target and not writer.writes:
        access = s.Access((*reads, parsed.target))
    elif parsed.target:
        privilege = "INSERT" if writer.inserts else "DELETE" if _DELETE.search(writer.relay_sql) else "UPDATE"
        looks = not writer.inserts or parsed.returns_all or names_columns(parsed.expressions)
        access = s.Access(reads, parsed.target, privilege, looks)
    if isinstance(statement, s.Prepare) and inner is not None:
        return replace(statement, access=access, prepared=replace(inner, access=access))
    return replace(statement, access=access)
