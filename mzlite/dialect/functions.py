"""What Materialize knows by name: functions, operators and types.

In: data/functions.tsv (recorded from the real one). Out: lookups by name, and for each function
whether it is a scalar, an aggregate, a window or a table function, and whether a maintained view
may call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Literal

from mzlite.dialect.ast import Name

FunctionClass = Literal["scalar", "aggregate", "window", "table"]

_AGGREGATES = frozenset(
    [
        "array_agg",
        "avg",
        "avg_internal_v1",
        "bool_and",
        "bool_or",
        "concat_agg",
        "count",
        "jsonb_agg",
        "jsonb_object_agg",
        "list_agg",
        "map_agg",
        "max",
        "min",
        "mz_all",
        "mz_any",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "string_agg",
        "sum",
        "var_pop",
        "var_samp",
        "variance",
    ]
)
_WINDOWS = frozenset(["row_number", "rank", "dense_rank", "lag", "lead", "first_value", "last_value"])

UNMATERIALIZABLE: Mapping[str, str] = MappingProxyType(
    {
        "current_catalog": "current_database",
        "current_database": "current_database",
        "current_role": "current_user",
        "current_schema": "current_schemas(false)",
        "current_schemas": "current_schemas",
        "current_setting": "viewable_variables",
        "current_timestamp": "current_timestamp",
        "current_user": "current_user",
        "is_rbac_enabled": "is_rbac_enabled",
        "mz_environment_id": "mz_environment_id",
        "mz_is_superuser": "mz_is_superuser",
        "mz_now": "mz_now",
        "mz_role_oid_memberships": "mz_role_oid_memberships",
        "mz_session_id": "mz_session_id",
        "mz_uptime": "mz_uptime",
        "mz_version": "mz_version",
        "mz_version_num": "mz_version_num",
        "now": "current_timestamp",
        "pg_backend_pid": "pg_backend_pid",
        "pg_postmaster_start_time": "pg_postmaster_start_time",
        "session_user": "session_user",
        "user": "current_user",
        "version": "version",
    }
)
"""Functions whose value is that of a moment or a session, with the name that errors call them by."""

GUARDED: Mapping[str, str] = MappingProxyType(
    {
        "date_bin_hopping": "enable_date_bin_hopping",
        "list_length_max": "enable_list_length_max",
        "list_n_layers": "enable_list_n_layers",
        "list_remove": "enable_list_remove",
        "repeat_row": "enable_repeat_row",
    }
)
"""Functions behind a flag."""

VALUE_FUNCTIONS = frozenset(
    ["current_catalog", "current_role", "current_schema", "current_timestamp", "current_user", "session_user", "user"]
)
"""Functions that are called without parentheses too."""

OPERATORS = frozenset(
    [
        "+",
        "-",
        "*",
        "/",
        "%",
        "&",
        "|",
        "#",
        "<<",
        ">>",
        "~~",
        "~~*",
        "!~~",
        "!~~*",
        "~",
        "~*",
        "!~",
        "!~*",
        "||",
        "->",
        "->>",
        "#>",
        "#>>",
        "@>",
        "<@",
        "?",
        "?&",
        "?|",
        "&&",
        "&<",
        "&>",
        "-|-",
        "<",
        "<=",
        ">",
        ">=",
        "=",
        "<>",
    ]
)

TYPES = frozenset(
    [
        "aclitem",
        "bool",
        "bpchar",
        "bytea",
        "char",
        "date",
        "daterange",
        "float4",
        "float8",
        "int2",
        "int2vector",
        "int4",
        "int4range",
        "int8",
        "int8range",
        "interval",
        "jsonb",
        "mz_aclitem",
        "mz_timestamp",
        "name",
        "numeric",
        "numrange",
        "oid",
        "record",
        "regclass",
        "regproc",
        "regtype",
        "text",
        "time",
        "timestamp",
        "timestamptz",
        "tsrange",
        "tstzrange",
        "uint2",
        "uint4",
        "uint8",
        "uuid",
        "varchar",
    ]
)
PSEUDO_TYPES = frozenset(
    [
        "any",
        "anyarray",
        "anycompatible",
        "anycompatiblearray",
        "anycompatiblelist",
        "anycompatiblemap",
        "anycompatiblenonarray",
        "anycompatiblerange",
        "anyelement",
        "anynonarray",
        "anyrange",
        "internal",
        "list",
        "map",
        "record",
    ]
)
POSTGRES_ONLY_TYPES = frozenset(
    [
        "bigserial",
        "bit",
        "box",
        "cid",
        "cidr",
        "circle",
        "cstring",
        "datemultirange",
        "gtsvector",
        "inet",
        "int4multirange",
        "int8multirange",
        "json",
        "jsonpath",
        "line",
        "lseg",
        "macaddr",
        "macaddr8",
        "money",
        "nummultirange",
        "oidvector",
        "path",
        "pg_lsn",
        "pg_node_tree",
        "pg_snapshot",
        "point",
        "polygon",
        "refcursor",
        "regcollation",
        "regconfig",
        "regdictionary",
        "regnamespace",
        "regoper",
        "regoperator",
        "regprocedure",
        "regrole",
        "serial",
        "serial2",
        "serial4",
        "serial8",
        "smallserial",
        "tid",
        "timetz",
        "tsmultirange",
        "tsquery",
        "tstzmultirange",
        "tsvector",
        "txid_snapshot",
        "varbit",
        "void",
        "xid",
        "xid8",
        "xml",
    ]
)
"""Types of PostgreSQL that Materialize does not have; any other unknown name may be a user's own type."""


@dataclass(frozen=True)
class FunctionInfo:
    """One function by name: where it lives, what it is, and the argument types of each form."""

    schema: str
    name: str
    kind: FunctionClass
    signatures: tuple[str, ...]

    @property
    def arities(self) -> tuple[tuple[int, int | None], ...]:
        """How many arguments each form takes: (fewest, most), most None for a variadic one."""
        result: list[tuple[int, int | None]] = []
        for signature in self.signatures:
            arguments = signature.split(", ") if signature else []
            if arguments and arguments[-1].startswith("variadic "):
                result.append((len(arguments) - 1, None))
            else:
                result.append((len(arguments), len(arguments)))
        return tuple(result)

    def takes(self, count: int) -> bool:
        """Whether a form has so many arguments."""
        return any(fewest <= count and (most is None or count <= most) for fewest, most in self.arities)

    @property
    def full_name(self) -> str:
        """The name as planning errors say it."""
        return f"{self.schema}.{self.name}"


def _load() -> Mapping[tuple[str, str], FunctionInfo]:
    text = resources.files("mzlite.dialect").joinpath("data/functions.tsv").read_text(encoding="utf-8")
    forms: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for line in text.splitlines()[1:]:
        schema, name, arguments, returns = line.split("\t")
        forms.setdefault((schema, name), []).append((arguments, returns))
    result: dict[tuple[str, str], FunctionInfo] = {}
    for (schema, name), variants in forms.items():
        kind: FunctionClass = "scalar"
        if name in _AGGREGATES:
            kind = "aggregate"
        elif name in _WINDOWS:
            kind = "window"
        elif variants[0][1].startswith("setof"):
            kind = "table"
        result[schema, name] = FunctionInfo(schema, name, kind, tuple(arguments for arguments, _ in variants))
    return MappingProxyType(result)


FUNCTIONS = _load()
_CLIENT_FUNCTIONS: Mapping[Name, FunctionInfo] = MappingProxyType(
    {
        ("pg_catalog", name): FunctionInfo("pg_catalog", name, "scalar", ("oid",))
        for name in ("pg_get_function_arguments", "pg_get_function_result")
    }
)
"""Functions that Materialize does not have; psql calls them by these full names when it lists functions."""
AMBIENT_SCHEMAS = ("mz_catalog", "pg_catalog")
NO_FUNCTIONS = "mz_introspection"
"""A schema that has relations only: a call there is one of a function that does not exist."""


def find_function(name: Name) -> FunctionInfo | None:
    """The function that a call means; unqualified names resolve in mz_catalog and pg_catalog."""
    if len(name) == 1:
        for schema in AMBIENT_SCHEMAS:
            found = FUNCTIONS.get((schema, name[0]))
            if found is not None:
                return found
        return None
    return FUNCTIONS.get((name[-2], name[-1])) or _CLIENT_FUNCTIONS.get(name)
