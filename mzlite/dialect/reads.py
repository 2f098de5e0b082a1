"""Parses what reads and writes rows: SELECT, INSERT, UPDATE, DELETE, COPY, SUBSCRIBE, EXPLAIN.

In: tokens. Out: `Relayed` for what PostgreSQL does, `Subscribe` and `Explain` for what it does not.
The parsed queries are collected in `queries` for the checks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from mzlite.dialect import ast
from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.analyze_queries import analyze_cluster_query, analyze_object_query
from mzlite.dialect.option_values import boolean_option
from mzlite.dialect.show import ShowParser
from mzlite.dialect.statements import OptionValue
from mzlite.errors import syntax_error

_COPY_OPTIONS: dict[str, tuple[str, ...]] = {
    "FORMAT": (),
    "DELIMITER": (),
    "NULL": (),
    "ESCAPE": (),
    "QUOTE": (),
    "HEADER": (),
    "AWS": ("CONNECTION",),
    "MAX": ("FILE", "SIZE"),
    "FILES": (),
    "PATTERN": (),
}


def reads_relation(node: ast.Node) -> bool:
    """Whether a query names a relation anywhere."""
    return any(isinstance(part, (ast.TableName, ast.TableBody)) for part in ast.walk(node))


class ReadParser(ShowParser):
    """Adds the statements over rows."""

    def __init__(self, tokens: t.Tokens) -> None:
        super().__init__(tokens)
        self.queries: list[ast.Query] = []
        self.tables: list[ast.TableWithJoins] = []
        self.expressions: list[ast.Expression] = []

    # SELECT ----------------------------------------------------------------

    def select(self) -> s.Statement:
        """A query as a statement."""
        start = self.position
        query = self.query()
        end = self.last_end
        self.queries.append(query)
        as_of, at_least = self.as_of()
        return s.Relayed(self.statement_text(), self.relay(start, end), "select", as_of=as_of, as_of_at_least=at_least)

    def as_of(self) -> tuple[str | None, bool]:
        """(AS OF expression, whether AT LEAST), or (None, False)."""
        if not self.take_keyword("AS"):
            return None, False
        self.expect_keyword("OF")
        at_least = self.take_keyword("AT", "LEAST")
        start = self.position
        expression = self.attempt(self.expression)
        if expression is None:
            raise self.expected("a timestamp value after 'AS OF" + (" AT LEAST'" if at_least else "'"))
        self.as_of_expressions.append((expression, at_least))
        self.moment_literal(expression)
        return self.relay(start, self.last_end), at_least

    as_of_expressions: list[tuple[ast.Expression, bool]]

    # INSERT, UPDATE, DELETE --------------------------------------------------

    def insert(self) -> s.Statement:
        """What follows INSERT."""
        start = self.tokens.starts[self.index - 1]
        self.expect_keyword("INTO")
        self.target = self.relation_name()
        self.column_list(optional=True)
        reads = False
        if not self.take_keyword("DEFAULT", "VALUES"):
            query = self.query()
            self.queries.append(query)
            self.literals_are_texts(query)
            reads = reads_relation(query)
        returns = self._returning()
        return s.Relayed(
            self.statement_text(),
            self.relay(start, self.last_end),
            "write",
            writes=True,
            reads_then_writes=reads or returns,
            target=self.target,
            inserts=True,
        )

    target: ast.Name = ()
    """The relation that the statement writes."""
    returns_all = False
    """Whether it gives all columns of what it has written."""

    def _returning(self) -> bool:
        """RETURNING, if that follows."""
        if not self.take_keyword("RETURNING"):
            return False
        for item in self.comma_separated(self.select_item):
            if item.expression is not None:
                self.expressions.append(item.expression)
                self._refuse_subqueries(item.expression, "RETURNING")
            else:
                self.returns_all = True
        return True

    def _refuse_subqueries(self, expression: ast.Expression, clause: str) -> None:
        if any(isinstance(node, ast.Query) for node in ast.walk(expression)):
            self.refuse(f"{clause} clause does not allow subqueries")

    def update(self) -> s.Statement:
        """What follows UPDATE."""
        start = self.tokens.starts[self.index - 1]
        self.target = self.relation_name()
        self.plain_alias()
        self.expect_keyword("SET")
        self.comma_separated(self._assignment)
        if self.take_keyword("WHERE"):
            self.expressions.append(self.expression())
        return self._changed(start)

    def _assignment(self) -> None:
        self.identifier()
        self.expect(t.EQ)
        value = self.expression()
        self._refuse_subqueries(value, "SET")
        self.expressions.append(value)

    def delete(self) -> s.Statement:
        """What follows DELETE."""
        start = self.tokens.starts[self.index - 1]
        self.expect_keyword("FROM")
        self.target = self.relation_name()
        self.table_alias()
        if self.take_keyword("USING"):
            self.tables.extend(self.comma_separated(self.table_with_joins))
        if self.take_keyword("WHERE"):
            self.expressions.append(self.expression())
        return self._changed(start)

    def _changed(self, start: int) -> s.Relayed:
        """A statement that changes or deletes rows which are there."""
        return s.Relayed(
            self.statement_text(),
            self.relay(start, self.last_end),
            "write",
            writes=True,
            reads_then_writes=True,
            target=self.target,
        )

    # COPY --------------------------------------------------------------------

    def copy(self) -> s.Statement:
        """What follows COPY."""
        start = self.tokens.starts[self.index - 1]
        into = self.take_keyword("INTO")
        if into:
            self.edit(self.tokens.starts[self.index - 1], self.last_end, "")
        inner: s.Statement | None = None
        query_start = query_end = 0
        with_columns = False
        if self.take(t.LPAREN):
            query_start = self.position
            inner = self._copied_statement()
            query_end = self.last_end
            self.expect(t.RPAREN)
        else:
            self.target = self.relation_name()
            with_columns = bool(self.column_list(optional=True))
        direction = self.expect_one_of("FROM", "TO")
        if direction == "FROM" and inner is not None:
            raise syntax_error("queries not allowed in COPY FROM")
        if direction == "TO" and into:
            raise syntax_error("Expected identifier, found INTO")
        if not self.take_keyword("STDIN" if direction == "FROM" else "STDOUT"):
            self.expression()
            self.refuse(f"COPY {direction} <expr>")
        options: dict[str, OptionValue] = {}
        if self.take_keyword("WITH") or self.kinds[self.index] == t.LPAREN:
            options = self.options(self._copy_option)
        if isinstance(inner, s.Subscribe):
            return self._copy_subscription(inner, options)
        copy_format = str(options.get("FORMAT", "text")).lower()
        if copy_format not in ("text", "csv", "binary", "parquet"):
            self.refuse(f"unknown FORMAT: {options['FORMAT']}")
        if direction == "FROM":
            if copy_format in ("binary", "parquet"):
                self.refuse(f"FORMAT {copy_format.upper()}")
            sql = self.relay(start, self.last_end)
            return s.Relayed(self.statement_text(), sql, "write", writes=True, target=self.target, inserts=True)
        if with_columns:
            self.refuse(
                "specifying columns for COPY <table_name> TO commands not yet supported; "
                "use COPY (SELECT...) TO STDOUT instead"
            )
        for option in ("DELIMITER", "QUOTE", "NULL"):
            if option in options:
                self.refuse(f"COPY TO does not support {option} option yet")
        if inner is None:
            self.refuse("named with COPY TO STDOUT unsupported")
        if copy_format == "parquet":
            self.refuse("Parquet format is not supported")
        read = inner if isinstance(inner, s.Relayed) else None
        query = read.relay_sql if read is not None else self.relay(query_start, query_end)
        as_of, at_least = (read.as_of, read.as_of_at_least) if read is not None else (None, False)
        # What else is said (HEADER, ESCAPE) changes nothing.
        sql = f"copy ({query}) to stdout with (format {copy_format})"
        if copy_format in ("text", "csv"):
            shown: Literal["text", "csv"] = "csv" if copy_format == "csv" else "text"
            return s.CopyOut(
                self.statement_text(),
                sql,
                "select",
                as_of=as_of,
                as_of_at_least=at_least,
                query_sql=query,
                copy_format=shown,
            )
        return s.Relayed(self.statement_text(), sql, "select", as_of=as_of, as_of_at_least=at_least)

    def _copied_statement(self) -> s.Statement:
        if self.take_keyword("SUBSCRIBE"):
            return self.subscribe()
        if self.peek_keyword("SHOW"):
            raise syntax_error("unsupported query in COPY")
        return self.select()

    def _copy_option(self) -> tuple[str, OptionValue]:
        return self.named_option(_COPY_OPTIONS), self.option_value()

    def _copy_subscription(self, inner: s.Subscribe, options: dict[str, OptionValue]) -> s.Statement:
        fields = {name: getattr(inner, name) for name in inner.__dataclass_fields__}
        copy_format = str(options.get("FORMAT", "text")).lower()
        if copy_format not in ("text", "csv", "binary"):
            self.refuse(f"COPY format {copy_format}")
        fields.update(sql=self.statement_text(), output="copy", copy_format=copy_format)
        return s.Subscribe(**fields)

    # SUBSCRIBE ---------------------------------------------------------------

    def subscribe(self) -> s.Subscribe:
        """What follows SUBSCRIBE."""
        start = self.tokens.starts[self.index - 1]
        self.take_keyword("TO")
        relation: s.Name | None = None
        sql: str | None = None
        query: ast.Query | None = None
        if self.take(t.LPAREN):
            query_start = self.position
            query = self.query()
            sql = self.relay(query_start, self.last_end)
            self.expect(t.RPAREN)
        else:
            relation = self.raw_name()
        envelope, keys, ordering = self._output()
        options: dict[str, OptionValue] = {}
        if self.take_keyword("WITH"):
            options = self.options(self.simple_option({"PROGRESS": (), "SNAPSHOT": ()}))
        as_of, at_least = self.as_of()
        up_to = None
        if self.take_keyword("UP"):
            self.expect_keyword("TO")
            up_to_start = self.position
            limit = self.expression()
            self.as_of_expressions.append((limit, False))
            self.moment_literal(limit)
            up_to = self.relay(up_to_start, self.last_end)
        if envelope == "diff" and ordering is None:
            envelope, keys, ordering = self._output()
        return s.Subscribe(
            self.text[start : self.last_end],
            relation,
            sql,
            boolean_option(options, "SNAPSHOT") is not False,
            boolean_option(options, "PROGRESS") is True,
            envelope,
            keys,
            ordering,
            as_of,
            up_to,
            as_of_at_least=at_least,
            syntax=query,
        )

    def _output(
        self,
    ) -> tuple[Literal["diff", "upsert", "debezium"], tuple[str, ...], tuple[s.SubscribeOrder, ...] | None]:
        if self.take_keyword("ENVELOPE"):
            envelope = self.expect_one_of("UPSERT", "DEBEZIUM")
            self.expect(t.LPAREN)
            self.expect_keyword("KEY")
            keys = self.column_list()
            self.expect(t.RPAREN)
            return ("upsert" if envelope == "UPSERT" else "debezium"), keys, None
        if self.take_keyword("WITHIN", "TIMESTAMP", "ORDER", "BY"):
            return "diff", (), tuple(self.comma_separated(self._subscribe_order))
        return "diff", (), None

    def _subscribe_order(self) -> s.SubscribeOrder:
        item = self.order_by_item()
        match item.expression:
            case ast.Identifier(parts=parts):
                column: str | int = parts[-1]
            case ast.Value(kind="number", value=text) if text.isdigit():
                column = int(text)
            case _:
                self.refuse(s.ORDER_BY_OUTPUT)
                column = 0
        ascending = item.ascending is not False
        return s.SubscribeOrder(column, ascending, ascending if item.nulls_last is None else item.nulls_last)

    # EXPLAIN -----------------------------------------------------------------

    def explain(self) -> s.Statement:
        """What follows EXPLAIN."""
        if self.take_keyword("TIMESTAMP"):
            shown = None
            if self.take_keyword("AS"):
                shown = self.take_one_of("TEXT", "JSON", "DOT")
                if shown is None:
                    raise syntax_error("expected a format")
            self.expect_keyword("FOR")
            return replace(self._explained("timestamp"), format=(shown or "TEXT").lower())
        if self.take_keyword("FILTER", "PUSHDOWN"):
            self.expect_keyword("FOR")
            return self._explained("filter pushdown")
        if self.take_keyword("ANALYZE"):
            return self._explain_analyze()
        if (part := self.take_one_of("KEY", "VALUE")) is not None:
            self.expect_keyword("SCHEMA")
            if self.take_keyword("AS"):
                self.expect_keyword("JSON")
            self.expect_keyword("FOR", "CREATE")
            self.create_sink()
            return s.Explain(self.statement_text(), f"{part.lower()} schema")
        stage = self._stage()
        options: list[tuple[str, OptionValue]] = []
        if self.peek_keyword("WITH") and self.kinds[self.index + 1] == t.LPAREN:
            self.index += 1
            options = self.parenthesized(self._plan_option)
        shown = "TEXT"
        if self.take_keyword("AS"):
            word = self.take_one_of("TEXT", "JSON", "DOT", "VERBOSE")
            if word is None:
                raise syntax_error("expected a format")
            if word == "VERBOSE":
                self.expect_keyword("TEXT")
            else:
                shown = word
        if stage is not None:
            self.expect_keyword("FOR")
        redacted = any(name == "REDACTED" and value is not False for name, value in options)
        return replace(self._explained(stage), format=shown.lower(), redacted=redacted)

    def _stage(self) -> str | None:
        word = self.take_one_of("RAW", "DECORRELATED", "LOCALLY", "OPTIMIZED", "PHYSICAL", "OPTIMIZER", "PLAN")
        if word is None:
            return None
        if word == "PLAN":
            return "plan insights" if self.take_keyword("INSIGHTS") else ""
        rest = {"LOCALLY": ("OPTIMIZED", "PLAN"), "OPTIMIZER": ("TRACE",)}.get(word, ("PLAN",))
        self.expect_keyword(*rest)
        return " ".join((word, *rest)).lower()

    def _plan_option(self) -> tuple[str, OptionValue]:
        start = self.index
        if self.kinds[start] != t.KEYWORD:
            raise syntax_error("a valid explain plan option name")
        while self.kinds[self.index] == t.KEYWORD and self.values[self.index] not in ("TRUE", "FALSE"):
            self.index += 1
        name = " ".join(self.values[start : self.index])
        return name, self.option_value()

    def _explain_analyze(self) -> s.Statement:
        if self.take_keyword("CLUSTER"):
            properties, skew = self._measured()
            sql = analyze_cluster_query(properties, skew, self._as_sql())
            return s.Relayed(self.statement_text(), sql, "select")
        properties, skew = (["HINTS"], False) if self.take_keyword("HINTS") else self._measured()
        self.expect_keyword("FOR")
        object_type = "index"
        if self.expect_one_of("INDEX", "MATERIALIZED") == "MATERIALIZED":
            self.expect_keyword("VIEW")
            object_type = "materialized view"
        name = self.raw_name()
        sql = analyze_object_query(properties, skew, object_type, name, self._as_sql())
        return s.Relayed(self.statement_text(), sql, "select")

    def _measured(self) -> tuple[list[str], bool]:
        """CPU, MEMORY or both, each once; and whether skew is wanted."""
        left = ["CPU", "MEMORY"]
        found: list[str] = []
        while True:
            found.append(self.expect_one_of(*left))
            left.remove(found[-1])
            if not left or not self.take(t.COMMA):
                break
        skew = self.take_keyword("WITH")
        if skew:
            self.expect_keyword("SKEW")
        return found, skew

    def _as_sql(self) -> bool:
        if not self.take_keyword("AS"):
            return False
        self.expect_keyword("SQL")
        return True

    def _explained(self, stage: str | None) -> s.Explain:
        """The object or query that is explained. Without a stage the default one: the physical plan."""
        shown = stage or "physical plan"
        self.take_keyword("REPLAN")
        for words, object_type in (
            (("VIEW",), "view"),
            (("MATERIALIZED", "VIEW"), "materialized view"),
            (("INDEX",), "index"),
        ):
            if self.take_keyword(*words):
                name = self.raw_name()
                if object_type == "view" and not stage:
                    raise syntax_error("EXPLAIN statement for a view needs an explicit stage")
                return s.Explain(self.statement_text(), shown, None, object_type, name)  # type: ignore[arg-type]
        self.take_keyword("BROKEN")
        if self.take_keyword("CREATE"):
            return self._explained_creation(shown)
        if self.take_keyword("SUBSCRIBE"):
            subscribed = self.subscribe()
            if subscribed.syntax is not None:
                self.queries.append(subscribed.syntax)
            return s.Explain(self.statement_text(), shown, subscribed.query, None, subscribed.relation)
        start = self.position
        query = self.query()
        sql = self.relay(start, self.last_end)
        self.queries.append(query)
        as_of, at_least = self.as_of()
        return s.Explain(self.statement_text(), shown, sql, as_of=as_of, as_of_at_least=at_least)

    def _explained_creation(self, stage: str) -> s.Explain:
        if self.peek_keyword_in(("INDEX", "DEFAULT")):
            index = self.create_index()
            assert isinstance(index, d.CreateIndex)
            return s.Explain(self.statement_text(), stage, None, None, index.on)
        created = (
            self.create_materialized_view()
            if self.peek_keyword("MATERIALIZED") or self.peek_keyword("OR", "REPLACE", "MATERIALIZED")
            else self.create_view()
        )
        assert isinstance(created, (d.CreateView, d.CreateMaterializedView))
        if created.syntax is not None:
            self.queries.append(created.syntax)
        return s.Explain(self.statement_text(), stage, created.query)
