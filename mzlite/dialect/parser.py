"""Parses whole statements: recognises each by its first words and reads it.

In: tokens of a text with any number of statements. Out: the statement objects, each with what the
checks need (`ParsedStatement`). Raises MzError (42601) with Materialize's words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mzlite.dialect import ast
from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.keywords import QUERY_START
from mzlite.dialect.reads import ReadParser
from mzlite.dialect.show import Variable
from mzlite.dialect.stream import quote_if_needed
from mzlite.errors import MzError, syntax_error

_CREATE_EXPECTED = {
    (True, True): "VIEW after CREATE OR REPLACE TEMPORARY",
    (True, False): "[TEMPORARY] VIEW, or MATERIALIZED VIEW after CREATE OR REPLACE",
    (False, True): "TABLE, or VIEW after CREATE TEMPORARY",
    (False, False): (
        "DATABASE, SCHEMA, ROLE, TYPE, INDEX, SINK, SOURCE, [TEMPORARY] TABLE, SECRET, [OR REPLACE] [TEMPORARY] VIEW, "
        "or [OR REPLACE] MATERIALIZED VIEW after CREATE"
    ),
}
_PREPARABLE = frozenset({"WITH", "SELECT", "TABLE", "VALUES", "INSERT", "UPDATE", "DELETE"})
_ISOLATION_LEVELS = (
    ("READ", "UNCOMMITTED"),
    ("READ", "COMMITTED"),
    ("REPEATABLE", "READ"),
    ("SERIALIZABLE",),
    ("STRONG", "SESSION", "SERIALIZABLE"),
    ("STRICT", "SERIALIZABLE"),
)


_SINGLE = frozenset({"database", "cluster", "cluster_replica", "application_name", "timezone", "transaction_isolation"})
"""Variables that a list of values is no value of."""


@dataclass
class ParsedStatement:
    """A statement and what its checks look at."""

    statement: s.Statement
    queries: list[ast.Query] = field(default_factory=list)
    expressions: list[ast.Expression] = field(default_factory=list)
    data_types: list[ast.DataType] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    as_of: list[tuple[ast.Expression, bool]] = field(default_factory=list)
    tables: list[ast.TableWithJoins] = field(default_factory=list)
    text: str = ""
    target: s.Name = ()
    returns_all: bool = False


class StatementParser(ReadParser):
    """The whole grammar."""

    def __init__(self, tokens: t.Tokens) -> None:
        super().__init__(tokens)
        self.as_of_expressions = []
        self._statements: dict[str, Callable[[], s.Statement]] = {
            "CREATE": self.create,
            "DISCARD": self._discard,
            "DROP": self.drop,
            "DELETE": self.delete,
            "INSERT": self.insert,
            "UPDATE": self.update,
            "ALTER": self.alter,
            "COPY": self.copy,
            "SET": self._set,
            "RESET": self._reset,
            "SHOW": self._show_statement,
            "START": self._start_transaction,
            "BEGIN": self._begin,
            "COMMIT": self._commit,
            "ROLLBACK": self._rollback,
            "ABORT": self._rollback,
            "TAIL": self._tail_statement,
            "SUBSCRIBE": self.subscribe,
            "EXPLAIN": self.explain,
            "DECLARE": self._declare,
            "FETCH": self._fetch,
            "CLOSE": self._close,
            "PREPARE": self._prepare,
            "EXECUTE": self._execute,
            "DEALLOCATE": self._deallocate,
            "RAISE": self._raise,
            "GRANT": self.grant,
            "REVOKE": self.revoke,
            "REASSIGN": self.reassign_owned,
            "INSPECT": self._inspect,
            "VALIDATE": self._validate,
            "COMMENT": self.comment,
        }

    def parse(self) -> list[ParsedStatement]:
        """All statements of the text."""
        result: list[ParsedStatement] = []
        delimited = True
        while True:
            while self.take(t.SEMICOLON):
                delimited = True
            if self.kinds[self.index] == t.END:
                return result
            if not delimited:
                raise self.expected("end of statement")
            result.append(self._parsed())
            delimited = False

    def _parsed(self) -> ParsedStatement:
        self.queries, self.expressions, self.data_types = [], [], []
        self.refusals, self.as_of_expressions, self.default_expressions = [], [], []
        self.edits.clear()
        self.target, self.tables, self.returns_all = (), [], False
        self.statement_start = self.position
        statement = replace(self.statement(), sql=self.statement_text())
        return ParsedStatement(
            statement,
            self.queries,
            self.expressions + self.default_expressions,
            self.data_types,
            self.refusals,
            self.as_of_expressions,
            self.tables,
            self.text,
            self.target,
            self.returns_all,
        )

    def statement(self) -> s.Statement:
        """One statement, up to its delimiter."""
        kind, word = self.kinds[self.index], self.values[self.index]
        if kind == t.LPAREN or (kind == t.KEYWORD and word in QUERY_START and word != "SHOW"):
            return self.select()
        if kind == t.END:
            raise self.expected("SQL statement")
        if kind != t.KEYWORD:
            raise self.expected("a keyword at the beginning of a statement")
        read = self._statements.get(word)
        if read is None:
            raise syntax_error(f"Unexpected keyword {word} at the beginning of a statement")
        self.index += 1
        return read()

    # CREATE ------------------------------------------------------------------

    def create(self) -> s.Statement:
        """What follows CREATE."""
        readers: tuple[tuple[tuple[str, ...], Callable[[], s.Statement]], ...] = (
            (("DATABASE",), self.create_database),
            (("SCHEMA",), self.create_schema),
            (("SINK",), self.create_sink),
            (("TYPE",), self.create_type),
            (("ROLE",), self.create_role),
            (("INDEX",), self.create_index),
            (("DEFAULT", "INDEX"), self.create_index),
            (("SOURCE",), self.create_source),
            (("SECRET",), self.create_secret),
            (("CONNECTION",), self.create_connection),
            (("MATERIALIZED", "VIEW"), self.create_materialized_view),
            (("OR", "REPLACE", "MATERIALIZED", "VIEW"), self.create_materialized_view),
        )
        if self.take_keyword("CLUSTER"):
            return self.create_cluster()
        for words, read in readers:
            if self.peek_keyword(*words):
                return read()
        if self.peek_keyword("TABLE") or self.peek_keyword("TEMP", "TABLE") or self.peek_keyword("TEMPORARY", "TABLE"):
            from_source = self.peek_keywords_anywhere("FROM", "SOURCE") or self.peek_keywords_anywhere(
                "FROM", "WEBHOOK"
            )
            return self.create_table_from_source() if from_source else self.create_table()
        if self.peek_keyword("USER"):
            raise syntax_error(
                "CREATE USER is not supported, for more information consult the documentation at "
                "https://materialize.com/docs/sql/create-role/#details"
            )
        for words in (("CONTINUAL", "TASK"), ("SUBSOURCE",)):
            if self.take_keyword(*words):
                return self._skip_rest("CREATE " + " ".join(words))
        if self.take_keyword("NETWORK", "POLICY"):
            policy = self.identifier()
            return d.CreateNetworkPolicy(self.statement_text(), policy, self.network_rules())
        start = self.index
        replacing = self.take_keyword("OR", "REPLACE")
        temporary = self.take_one_of("TEMP", "TEMPORARY") is not None
        if not self.peek_keyword("VIEW"):
            raise self.expected(_CREATE_EXPECTED[replacing, temporary])
        self.index = start
        return self.create_view()

    # Variables ---------------------------------------------------------------

    def set_values(self) -> str | None:
        """DEFAULT (None), or values separated by commas."""
        if self.take_keyword("DEFAULT"):
            return None
        return ", ".join(self.comma_separated(self._variable_value))

    def _one_value(self, variable: str) -> str | None:
        """DEFAULT (None), or the value; only some variables have several."""
        if self.take_keyword("DEFAULT"):
            return None
        values = self.comma_separated(self._variable_value)
        if len(values) > 1 and variable in _SINGLE:
            given = ",".join(f'"{value}"' for value in values)
            message = f'parameter "{variable}" cannot have value {given}: expects a single value'
            raise MzError(message, sqlstate="22023")
        return ", ".join(values)

    def _search_path(self) -> str | None:
        """The schemas of a search path; each stays one name, whatever is in it."""
        if self.take_keyword("DEFAULT"):
            return None
        return ", ".join(quote_if_needed(value) for value in self.comma_separated(self._variable_value))

    def _variable_value(self) -> str:
        kind = self.kinds[self.index]
        if kind == t.NUMBER or (kind == t.OP and self.values[self.index] == "-"):
            start = self.position
            found, _ = self.literal()
            if found:
                return self.text[start : self.last_end].replace(" ", "")
        found, value = self.literal()
        if found:
            return value if isinstance(value, str) else "null" if value is None else str(value).lower()
        name = self.take_identifier()
        if name is None:
            raise self.expected("variable value")
        return name

    def _set(self) -> s.Statement:
        modifier = self.take_one_of("SESSION", "LOCAL")
        variable = self.identifier()
        normal = self.take(t.EQ) or self.take_keyword("TO")
        if not normal and variable == "time":
            self.expect_keyword("ZONE")
            variable, normal = "timezone", True
        elif not normal and variable == "names":
            variable, normal = "client_encoding", True
        local = modifier == "LOCAL"
        if variable == "schema":
            value = None if self.take_keyword("DEFAULT") else quote_if_needed(self._variable_value())
            return s.SetVariable(self.statement_text(), "search_path", value, local)
        if normal:
            value = self._search_path() if variable == "search_path" else self._one_value(variable)
            return s.SetVariable(self.statement_text(), variable, value, local)
        if variable == "transaction" and modifier is None:
            return self._set_transaction(local=True)
        if modifier == "SESSION" and variable == "characteristics" and self.take_keyword("AS", "TRANSACTION"):
            return self._set_transaction(local=False)
        raise self.expected("equals sign or TO")

    def _set_transaction(self, *, local: bool) -> s.Statement:
        isolation, access = self._transaction_modes(required=True)
        if access is not None:
            self.refuse("SET TRANSACTION <access-mode>")
        return s.SetVariable(self.statement_text(), "transaction_isolation", isolation, local)

    def _reset(self) -> s.Statement:
        variable = self.identifier()
        return s.ResetVariable(self.statement_text(), "search_path" if variable == "schema" else variable)

    def _show_statement(self) -> s.Statement:
        shown = self.show()
        if isinstance(shown, Variable):
            return s.ShowVariable(self.statement_text(), shown.name)
        return s.Relayed(self.statement_text(), shown.sql, "select")

    # Transactions --------------------------------------------------------------

    def _transaction_modes(self, *, required: bool) -> tuple[str | None, str | None]:
        """(isolation level, access mode) in lower case."""
        isolation, access = None, None
        while True:
            if self.take_keyword("ISOLATION", "LEVEL"):
                level = next((words for words in _ISOLATION_LEVELS if self.take_keyword(*words)), None)
                if level is None:
                    raise self.expected("isolation level")
                isolation = " ".join(level).lower()
            elif self.take_keyword("READ", "ONLY"):
                access = "read only"
            elif self.take_keyword("READ", "WRITE"):
                access = "read write"
            elif required:
                raise self.expected("transaction mode")
            else:
                return isolation, access
            required = self.take(t.COMMA)

    def _transaction(self) -> s.Statement:
        isolation, access = self._transaction_modes(required=False)
        sql = "BEGIN ISOLATION LEVEL REPEATABLE READ" + (f" {access.upper()}" if access else "")
        return s.BeginTransaction(self.statement_text(), sql, "transaction", isolation=isolation, access_mode=access)

    def _begin(self) -> s.Statement:
        self.take_one_of("TRANSACTION", "WORK")
        return self._transaction()

    def _start_transaction(self) -> s.Statement:
        self.expect_keyword("TRANSACTION")
        return self._transaction()

    def _commit(self) -> s.Statement:
        self._chain()
        return s.Relayed(self.statement_text(), "COMMIT", "transaction")

    def _rollback(self) -> s.Statement:
        self._chain()
        return s.Relayed(self.statement_text(), "ROLLBACK", "transaction")

    def _chain(self) -> None:
        self.take_one_of("TRANSACTION", "WORK")
        if self.take_keyword("AND"):
            chain = not self.take_keyword("NO")
            self.expect_keyword("CHAIN")
            if chain:
                self.refuse("CHAIN")

    # Cursors and prepared statements ---------------------------------------------

    def _declare(self) -> s.Statement:
        start = self.tokens.starts[self.index - 1]
        name = self.identifier()
        self.expect_keyword("CURSOR")
        if self.take_keyword("WITH"):
            self.expect_keyword("HOLD")
            raise syntax_error("WITH HOLD is unsupported for cursors")
        self.take_keyword("WITHOUT", "HOLD")
        self.expect_keyword("FOR")
        head = self.last_end
        inner = self.statement()
        if isinstance(inner, s.Subscribe):
            fields = {key: getattr(inner, key) for key in inner.__dataclass_fields__}
            fields.update(sql=self.statement_text(), output="cursor", cursor=name)
            return s.Subscribe(**fields)
        if not isinstance(inner, s.Relayed) or inner.kind != "select":
            self.refuse("DECLARE CURSOR .. FOR this statement")
            return s.Relayed(self.statement_text(), self.relay(start, self.last_end), "cursor")
        return s.Relayed(self.statement_text(), f"{self.relay(start, head)} {inner.relay_sql}", "cursor")

    def _fetch(self) -> s.Statement:
        start = self.tokens.starts[self.index - 1]
        self.take_keyword("FORWARD")
        count: int | None = 1
        if self.kinds[self.index] == t.NUMBER:
            count = self.literal_uint()
        elif self.take_keyword("ALL"):
            count = None
        self.take_keyword("FROM")
        cursor = self.identifier()
        end = self.last_end
        timeout: s.OptionValue = None
        if self.take_keyword("WITH"):
            timeout = self.options(self._fetch_option)["TIMEOUT"]
        text = None if timeout is None else str(timeout)
        return s.Fetch(self.statement_text(), cursor, count, text, self.relay(start, end))

    def _fetch_option(self) -> tuple[str, s.OptionValue]:
        self.expect_keyword("TIMEOUT")
        return "TIMEOUT", self.option_value()

    def _close(self) -> s.Statement:
        cursor = self.identifier()
        return s.CloseCursor(self.statement_text(), cursor)

    def _prepare(self) -> s.Statement:
        start = self.tokens.starts[self.index - 1]
        name = self.identifier()
        self.expect_keyword("AS")
        head = self.last_end
        preparable = self.kinds[self.index] == t.LPAREN or self.peek_keyword_in(_PREPARABLE)
        inner = self.statement()
        if not preparable or not isinstance(inner, s.Relayed):
            raise syntax_error("unpreparable statement")
        sql = f"{self.relay(start, head)} {inner.relay_sql}"
        return s.Prepare(self.statement_text(), sql, "prepare", name=name, prepared=inner)

    def _execute(self) -> s.Statement:
        start = self.tokens.starts[self.index - 1]
        name = self.identifier()
        if self.kinds[self.index] == t.LPAREN:
            self.expressions.extend(self.parenthesized(self.expression))
        return s.Execute(self.statement_text(), self.relay(start, self.last_end), "prepare", name=name)

    def _deallocate(self) -> s.Statement:
        start = self.tokens.starts[self.index - 1]
        self.take_keyword("PREPARE")
        name = None if self.take_keyword("ALL") else self.identifier()
        return s.Deallocate(self.statement_text(), self.relay(start, self.last_end), "prepare", name=name)

    # The rest ----------------------------------------------------------------------

    def _discard(self) -> s.Statement:
        word = self.expect_one_of("ALL", "PLANS", "SEQUENCES", "TEMP", "TEMPORARY")
        if word in ("PLANS", "SEQUENCES"):
            self.refuse(f"DISCARD {word}")
        return s.Relayed(self.statement_text(), f"DISCARD {word}", "other")

    def _tail_statement(self) -> s.Statement:
        raise syntax_error("TAIL has been renamed to SUBSCRIBE")

    def _raise(self) -> s.Statement:
        if self.take_one_of("DEBUG", "INFO", "LOG", "NOTICE", "WARNING") is None:
            raise self.expected("severity level")
        self.refuse("RAISE")
        return s.Statement(self.statement_text())

    def _inspect(self) -> s.Statement:
        self.expect_keyword("SHARD")
        self.literal_string()
        self.refuse("INSPECT SHARD")
        return s.Statement(self.statement_text())

    def _validate(self) -> s.Statement:
        self.expect_keyword("CONNECTION")
        name = self.raw_name()
        return d.ValidateConnection(self.statement_text(), name)
