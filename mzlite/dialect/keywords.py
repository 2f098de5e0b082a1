"""The keywords of Materialize's grammar and which of them are reserved where.

In: nothing. Out: sets of upper-case words. A word in `KEYWORDS` is named bare in error messages
("found TABLES"); any other word is an identifier ("found identifier "truncate""). The reserved
sets say where a bare word cannot stand for a name; `POSTGRES_QUOTED` are the words that
PostgreSQL reserves and that therefore need quotes in what the backend is sent.
"""

from __future__ import annotations

from pglast.keywords import COL_NAME_KEYWORDS, RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS, UNRESERVED_KEYWORDS

_WORDS = """
abort access account action add added address addresses after aggregate aggregation aligned all alter analyse analysis
analyze and any append apply arity arn arranged arrangement array as asc assert assume at auction authority auto
availability avro aws batch begin between bigint billed body boolean both bpchar broken broker brokers by bytes
capture cardinality cascade case cast catalog certificate chain chains char character characteristics check class
client clock close cluster clusters coalesce collate column columns comment commit committed compaction compatibility
compression compute computectl config confluent connection connections constraint continual copy correlated count
counter cpu create createcluster createdb createnetworkpolicy createrole creation credential cross cse csv cte current
cursor database databases datums day days deallocate debezium debug debugging dec decimal declare decoding
decorrelated default defaults delete delimited delimiter delta desc details direction discard disk distinct doc dot
double drop duration eager element else enable end endpoint enforced envelope equivalences error errors escape
estimate every except exclude execute exists expected experimental explain expose expressions external extract factor
false fast features fetch fields file files filter first fixed fixpoint float following for foreign format forward
from full fullname function fusion generator grant greatest group groups having header headers hints history hold host
hour hours humanized hydration iceberg id identifiers ids if ignore ilike implementations imported in include index
indexes info inherit inline inner input insert insights inspect instance int integer internal intersect interval into
introspection is isnull isolation join joins json kafka key keys last lateral latest leading least left legacy letrec
level like limit linear linger list load local locally log logical login lowering managed manual map marketing
materialize materialized max mechanisms membership memory message metadata minute minutes mode month months mutually
mysql name names namespace natural negative network new next nfc nfd nfkc nfkd no nocreatecluster nocreatedb
nocreaterole node noinherit nologin non none normalize nosuperuser not notice notices null nullif nulls objects of
offset on only operator optimized optimizer options or order ordinality outer over owned owner partition partitions
password path pattern physical plan plans policies policy port position postgres preceding precision prefix prepare
primary prioritize privatelink privileges progress projection protobuf protocol public publication pushdown qualify
query quote raise range rate raw read ready real reassign recursion recursive redacted reduce reference references
refresh regex region registry relation rename reoptimize repeatable replace replacement replan replica replicas
replication reset respect restrict retain return returning revoke right role roles rollback rotate rounds row rows
rules sasl scale scaling schedule schema schemas scope second seconds secret secrets security seed select sequences
serializable server service session set shard show sink sinks size skew smallint snapshot some source sources sql ssh
ssl start stdin stdout storage storagectl strategy strict string strong subscribe subsource subsources substring
subtree superuser swap syntax system table tables tail task tasks temp temporary test text then tick ties time
timeline timeout timestamp timestamptz timing to token topic tpch trace trailing transaction transactional transform
trim true tunnel type types unbounded uncommitted union unique unit unknown unnest until up update upsert url usage
user username users using validate value values varchar variadic varying verbose version view views wait warehouse
warning webhook when where while window wire with within without work workers workload write year years zone zones
"""

KEYWORDS: frozenset[str] = frozenset(word.upper() for word in _WORDS.split())

RESERVED: frozenset[str] = frozenset(
    [
        "WITH",
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP",
        "HAVING",
        "QUALIFY",
        "WINDOW",
        "ORDER",
        "LIMIT",
        "OFFSET",
        "FETCH",
        "OPTIONS",
        "RETURNING",
        "UNION",
        "EXCEPT",
        "INTERSECT",
    ]
)
"""Never a name without quotes (except right after AS)."""

RESERVED_IN_EXPRESSION: frozenset[str] = RESERVED
RESERVED_IN_TABLE_ALIAS: frozenset[str] = RESERVED | frozenset(
    ["ON", "JOIN", "INNER", "CROSS", "FULL", "LEFT", "RIGHT", "NATURAL", "USING", "SET", "OUTER"]
)
RESERVED_IN_COLUMN_ALIAS: frozenset[str] = RESERVED | frozenset(["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"])

QUOTED_WHEN_SHOWN: frozenset[str] = (
    RESERVED_IN_TABLE_ALIAS
    | RESERVED_IN_COLUMN_ALIAS
    | frozenset(["ARRAY", "CASE", "CAST", "FALSE", "NOT", "NULL", "TRUE", "VALUES"])
)
"""Names that Materialize prints in quotes; mz_internal.quote_name has them, too."""

QUERY_START: frozenset[str] = frozenset({"WITH", "SELECT", "SHOW", "TABLE", "VALUES"})

POSTGRES_KEYWORDS: frozenset[str] = frozenset(
    word.upper()
    for words in (COL_NAME_KEYWORDS, RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS, UNRESERVED_KEYWORDS)
    for word in words
)
POSTGRES_QUOTED: frozenset[str] = frozenset(
    word.upper() for words in (COL_NAME_KEYWORDS, RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS) for word in words
)
"""PostgreSQL does not take these as a plain column or table name."""

POSTGRES_NO_FUNCTION: frozenset[str] = frozenset(
    word.upper() for words in (COL_NAME_KEYWORDS, RESERVED_KEYWORDS) for word in words
)
"""PostgreSQL does not take these as a function's name."""

POSTGRES_VALUE_FUNCTIONS: frozenset[str] = frozenset(
    ["CURRENT_CATALOG", "CURRENT_ROLE", "CURRENT_SCHEMA", "CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "USER"]
)
"""Functions that both systems call without parentheses; they stay unquoted."""
