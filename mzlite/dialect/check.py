"""Refuses what Materialize's planner refuses, in its words.

In: a parsed statement, or the text of a query. Out: nothing; raises MzError. Three passes: names
(`check_names`), planning rules (`check_plan`), and for what is maintained the rules about sessions
and the clock (`check_temporal`). What needs the types of columns is left to PostgreSQL, whose
errors `pg_errors` translates.
"""

from __future__ import annotations

from mzlite.dialect import ast
from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect.check_as_of import check_as_of
from mzlite.dialect.check_names import check_names, check_type, check_type_name, check_type_options
from mzlite.dialect.check_plan import (
    CREATE_INDEX,
    CREATE_SECRET,
    DEFAULT_EXPRESSION,
    Context,
    check_expression,
    check_plan,
)
from mzlite.dialect.check_temporal import check_arithmetic, check_callables, check_maintained, is_clock
from mzlite.dialect.check_values import unsupported
from mzlite.dialect.features import FEATURES, FLAGS
from mzlite.dialect.functions import UNMATERIALIZABLE, VALUE_FUNCTIONS
from mzlite.dialect.names import query_columns
from mzlite.dialect.option_values import boolean_option, integer_option
from mzlite.dialect.parser import ParsedStatement, StatementParser
from mzlite.dialect.tokens import tokenize
from mzlite.errors import MzError
from mzlite.errors import unsupported as refused

_FLAGGED = {
    "primary key or unique constraint": "unsafe_enable_table_keys",
    "CREATE TABLE with a foreign key constraint": "unsafe_enable_table_foreign_key",
    "CREATE TABLE with a check constraint": "unsafe_enable_table_check_constraint",
    "RETAIN HISTORY": "enable_logical_compaction_window",
    "ALTER TABLE ADD COLUMN": "enable_alter_table_add_column",
    "CREATE CONTINUAL TASK": "enable_create_continual_task",
}
_AS_IT_IS = (
    "invalid ", "COPY TO does not support ", "named with ", "unknown FORMAT: ", "Parquet format is ",
    "RETURNING clause does not allow ", "SET clause does not allow ",
)  # fmt: skip
_RETURNED = Context("RETURNING clause")
_SOUGHT = Context("WHERE clause")
_GENERATOR_OPTIONS = {"COUNTER": ("MAX CARDINALITY",), "TPCH": ("SCALE FACTOR",)}


def check_query(sql: str, *, maintained: bool) -> None:
    """Raises MzError when Materialize refuses a query.

    Args:
        sql: the query, as it was written or as a statement object has it for PostgreSQL.
        maintained: it is kept up to date by a materialized view, an index or a subscription, and does not only define
            a view or answer once.
    """
    parser = StatementParser(tokenize(sql))
    query = parser.query()
    if parser.peek_kind() != "EOF":
        raise parser.expected("end of statement")
    check_syntax(query, sql, maintained=maintained)


def check_syntax(query: ast.Query, text: str, *, maintained: bool, in_view: bool = False) -> None:
    """The same for a query that is parsed; `text` is what its spans refer to."""
    clock = check_names([query])
    check_plan(query, in_view=in_view or maintained)
    if clock:
        check_arithmetic(query)
    if maintained:
        check_maintained(query, text, clock=clock)


def check_statement(parsed: ParsedStatement) -> None:
    """Raises MzError when the planner refuses the statement, as far as that needs no catalog."""
    statement = parsed.statement
    for refusal in parsed.refusals:
        _refuse(refusal)
    match statement:
        case d.CreateView() | d.CreateMaterializedView():
            _check_view(statement, parsed.text)
        case d.CreateTable():
            _check_table(statement, parsed)
        case d.CreateIndex():
            check_names(parsed.expressions)
            for expression in parsed.expressions:
                check_expression(expression, CREATE_INDEX)
                check_callables(expression)
                if any(is_clock(node) for node in ast.walk(expression)):
                    raise MzError("cannot materialize call to mz_now", sqlstate="0A000")
        case s.Subscribe():
            if statement.syntax is not None:
                check_syntax(statement.syntax, parsed.text, maintained=True)
        case d.CreateType():
            for data_type in parsed.data_types:
                check_type_name(data_type)
                check_type(data_type)
            if statement.kind != "record":
                check_type_options(statement.kind, zip(statement.options, parsed.data_types, strict=True))
        case d.CreateSecret() | d.AlterSecret():
            check_names(parsed.expressions)
            for expression in parsed.expressions:
                check_expression(expression, CREATE_SECRET)
        case d.CreateSink():
            check_names(parsed.expressions)
            check_sink(statement)
        case d.CreateSource() | d.CreateTableFromSource():
            check_source(statement)
        case _:
            _check_queries(parsed)
    check_as_of(parsed)


def _check_queries(parsed: ParsedStatement) -> None:
    for query in parsed.queries:
        check_syntax(query, parsed.text, maintained=False)
    check_names(parsed.tables)
    if parsed.expressions:
        check_names(parsed.expressions)
        statement = parsed.statement
        place = _SOUGHT if isinstance(statement, s.Relayed) and not statement.inserts else _RETURNED
        for expression in parsed.expressions:
            check_expression(expression, place)
            check_arithmetic(expression)
            if place is _RETURNED:
                _check_returned(expression)
    if isinstance(parsed.statement, s.Relayed) and parsed.statement.writes:
        _check_write(parsed)


def _check_returned(expression: ast.Expression) -> None:
    """RETURNING is evaluated on the rows alone, without the session and the moment."""
    for node in ast.walk(expression):
        name = node.name[-1] if isinstance(node, ast.Function) else None
        if isinstance(node, ast.Identifier) and len(node.parts) == 1 and node.parts[0] in VALUE_FUNCTIONS:
            name = node.parts[0]
        called = UNMATERIALIZABLE.get(name or "")
        if called is not None and called != "mz_now":
            called = "current_schemas_without_system" if name == "current_schema" else called
            variant = "".join(word.capitalize() for word in called.split("_"))
            raise MzError(f"internal error: cannot evaluate unmaterializable function: {variant}")


def _check_write(parsed: ParsedStatement) -> None:
    for root in (*parsed.queries, *parsed.expressions):
        for node in ast.walk(root):
            if isinstance(node, ast.Function) and node.name[-1] == "mz_now":
                raise refused("calls to mz_now in write statements are not supported")


def _check_view(statement: d.CreateView | d.CreateMaterializedView, text: str) -> None:
    query = statement.syntax
    assert query is not None
    clock = check_names([query])
    check_plan(query, in_view=True)
    if clock:
        check_arithmetic(query)
    columns = query_columns(query)
    if columns is not None:
        named = [*statement.columns, *columns[len(statement.columns) :]]
        check_distinct_columns(named)
    if isinstance(statement, d.CreateMaterializedView):
        check_view_options(statement)
        check_maintained(query, text, clock=clock)


def check_distinct_columns(columns: list[str]) -> None:
    """Raises when a relation would have two columns of one name."""
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise MzError(f'column "{column}" specified more than once')
        seen.add(column)


def check_view_options(statement: d.CreateMaterializedView) -> None:
    """Raises for the options that are behind a flag, and for those that contradict one another."""
    if statement.retain_history is not None:
        FLAGS.require("enable_logical_compaction_window")
    if any(clause != "ON COMMIT" for clause in statement.refresh):
        FLAGS.require("enable_refresh_every_mvs")
        raise refused("REFRESH EVERY and REFRESH AT are not supported by mzlite")
    if len(statement.refresh) > 1 and "ON COMMIT" in statement.refresh:
        if statement.refresh.count("ON COMMIT") > 1:
            raise MzError("REFRESH ON COMMIT cannot be specified multiple times")
        raise MzError("REFRESH ON COMMIT is not compatible with any of the other REFRESH options")
    if statement.refresh.count("AT CREATION") > 1:
        raise MzError("REFRESH AT CREATION cannot be specified multiple times")


def _check_table(statement: d.CreateTable, parsed: ParsedStatement) -> None:
    for data_type in parsed.data_types:
        check_type_name(data_type)
    check_names(parsed.expressions)
    if "RETAIN HISTORY" in statement.with_options:
        FLAGS.require("enable_logical_compaction_window")
    seen: set[str] = set()
    for column in statement.columns:
        if column.name in seen:
            raise MzError(f'column "{column.name}" specified more than once')
        seen.add(column.name)
    for data_type in parsed.data_types:
        check_type(data_type)
    for expression in parsed.expressions:
        check_expression(expression, DEFAULT_EXPRESSION)
        for node in ast.walk(expression):
            if isinstance(node, ast.Identifier) and node.parts[-1] not in VALUE_FUNCTIONS:
                raise MzError(f'column "{".".join(node.parts)}" does not exist')


COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")


def check_sink(statement: d.CreateSink) -> None:
    """Raises for a Kafka sink that is not described fully or that contradicts itself."""
    if not statement.name:
        raise MzError("unspecified name for sink")
    if statement.kind != "kafka":
        raise unsupported("ICEBERG sinks")
    if statement.envelope is None:
        raise MzError("ENVELOPE clause is required")
    for position, column in enumerate(statement.key):
        if column in statement.key[:position]:
            raise MzError(f"duplicate column referenced in KEY: {column}")
    if statement.headers is not None:
        FLAGS.require("enable_kafka_sink_headers")
        if statement.envelope == "debezium":
            raise MzError("HEADERS option is not supported with ENVELOPE DEBEZIUM")
    if statement.envelope == "upsert" and not statement.key:
        raise MzError("upsert sinks must specify a key", hint="See: https://materialize.com/s/sink-key-selection")
    if "COMMIT INTERVAL" in statement.with_options:
        raise MzError("COMMIT INTERVAL option is not supported with KAFKA sinks")
    boolean_option(statement.with_options, "SNAPSHOT")
    _check_sink_options(statement.options)
    if statement.format is None:
        raise unsupported("sink without format")
    for form in (statement.format.key, statement.format.value):
        if form == "json-array":
            raise unsupported("JSON ARRAY format in sinks")


def _check_sink_options(options: dict[str, s.OptionValue]) -> None:
    if options.get("LEGACY IDS") is True:
        for prefix in ("TRANSACTIONAL ID PREFIX", "PROGRESS GROUP ID PREFIX"):
            if prefix in options:
                raise MzError(f"LEGACY IDS cannot be used at the same time as {prefix}")
    if not isinstance(options.get("TOPIC"), str):
        raise MzError("KAFKA CONNECTION must specify TOPIC")
    for number in ("TOPIC PARTITION COUNT", "TOPIC REPLICATION FACTOR"):
        value = integer_option(options, number)
        if value is not None and value <= 0:
            raise MzError(f"{number} must be a positive integer")
    compression = str(options.get("COMPRESSION TYPE") or "lz4").lower()
    if compression not in COMPRESSIONS:
        raise MzError(f"invalid COMPRESSION TYPE: unsupported compression type: {compression}")


def check_source(statement: d.CreateSource | d.CreateTableFromSource) -> None:
    """Raises for a Kafka source whose format and envelope do not go together."""
    if "RETAIN HISTORY" in statement.with_options:
        FLAGS.require("enable_logical_compaction_window")
    if isinstance(statement, d.CreateSource):
        if statement.kind.startswith("load-generator "):
            _check_generator(statement)
            return
        if statement.kind == "kafka" and statement.tables is not None:
            raise MzError(f"KAFKA source validation: {statement.tables} is only valid for multi-output sources")
    form, envelope = statement.format, statement.envelope
    keyed = form is not None and form.key is not None
    for name in (form.key, form.value) if form is not None else ():
        if name == "json-array":
            raise unsupported("JSON ARRAY format in sources")
        if name in ("avro", "protobuf", "regex"):
            raise refused(
                f"FORMAT {name.upper()} is not supported by mzlite",
                hint="mzlite decodes JSON, TEXT, CSV and BYTES.",
            )
    if envelope in ("upsert", "upsert-value-err-inline", "debezium") and not keyed:
        raise MzError("ENVELOPE [DEBEZIUM] UPSERT requires that KEY FORMAT be specified")
    if any(include.what == "key" for include in statement.includes):
        if not keyed:
            raise MzError("INCLUDE KEY requires specifying KEY FORMAT .. VALUE FORMAT, got bare FORMAT")
        if envelope == "debezium":
            raise MzError("Cannot use INCLUDE KEY with ENVELOPE DEBEZIUM: Debezium values include all keys.")
    if envelope == "materialize":
        FLAGS.require("enable_envelope_materialize")
        raise unsupported("non-Avro-encoded ENVELOPE MATERIALIZE")
    if envelope == "debezium":
        raise MzError("ENVELOPE DEBEZIUM requires that VALUE FORMAT is set to AVRO")


def _check_generator(statement: d.CreateSource) -> None:
    name = statement.kind.partition(" ")[2].upper()
    flag = f"enable_load_generator_{name.lower().replace(' ', '_')}"
    if flag in FEATURES:
        FLAGS.require(flag)
    if name in ("KEY VALUE", "DATUMS"):
        raise refused(
            f"CREATE SOURCE .. FROM LOAD GENERATOR {name} is not supported by mzlite",
            hint="mzlite has the load generators AUCTION, MARKETING, TPCH, COUNTER and CLOCK.",
        )
    if statement.envelope not in (None, "none"):
        raise MzError(
            "ENVELOPE other than NONE (except for KEY VALUE) with load generator source is not supported",
            sqlstate="0A000",
        )
    if statement.format is not None:
        raise MzError("FORMAT with load generator source is not supported", sqlstate="0A000")
    taken = {"TICK INTERVAL", "AS OF", "UP TO", *_GENERATOR_OPTIONS.get(name, ())}
    others = [option for option in statement.options if option not in taken]
    if others:
        raise MzError(f"{name} load generators do not support {', '.join(others)} values")
    if statement.includes:
        raise MzError("INCLUDE metadata only supported with `KEY VALUE` load generators")


def _refuse(what: str) -> None:
    if what == s.ORDER_BY_OUTPUT:
        FLAGS.require("enable_within_timestamp_order_by_in_subscribe")
        raise MzError(what, detail="All order bys must be output columns.")
    if what.startswith(_AS_IT_IS):
        raise MzError(what)
    flag = _FLAGGED.get(what)
    if flag is not None:
        FLAGS.require(flag)
    raise MzError(what) if "not yet supported" in what else unsupported(what)
