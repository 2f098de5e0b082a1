"""Where the schemas of Materialize's databases are in the inner PostgreSQL, which is one database.

In: names as clients write them. Out: names as PostgreSQL has them: a schema of the first database keeps its name, one
of another database has the database's name before it, which may make it a long name.
"""

from __future__ import annotations

from mzlite.dialect.ast import Name
from mzlite.long_names import short

FIRST_DATABASE = "materialize"
SYSTEM_SCHEMAS = frozenset(
    {"mz_catalog", "pg_catalog", "mz_internal", "mz_introspection", "mz_unsafe", "information_schema"}
)
"""In no database; every database sees them."""


def physical_schema(database: str, schema: str) -> str:
    """The schema's name in the inner PostgreSQL.

    >>> physical_schema("materialize", "public"), physical_schema("d2", "public"), physical_schema("d2", "mz_catalog")
    ('public', 'd2.public', 'mz_catalog')
    """
    if database == FIRST_DATABASE or schema in SYSTEM_SCHEMAS:
        return schema
    return short(f"{database}.{schema}")


def physical_name(name: Name, database: str) -> Name:
    """The name of something in a schema, seen from a session in `database`; one without a schema stays as it is.

    >>> physical_name(("d2", "public", "t"), "materialize"), physical_name(("public", "t"), "d2")
    (('d2.public', 't'), ('d2.public', 't'))
    """
    match name:
        case (other, schema, item):
            return physical_schema(other, schema), item
        case (schema, item):
            return physical_schema(database, schema), item
        case _:
            return name
