"""CREATE TYPE .. AS LIST, MAP or a record.

In: the statement. Out: a type of PostgreSQL that behaves as far as its base type allows: a list is a domain over
an array, a map one over a type of maps, a record a composite type.
"""

from __future__ import annotations

from mzlite.catalog.create_sql import reference
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.registry import (
    NewItem,
    add_item,
    next_id,
    quote_name,
    refuse_existing,
    schema_for_new,
    search_path,
    show_name,
)
from mzlite.dialect.maps import map_type
from mzlite.dialect.statements import CreateType
from mzlite.errors import MzError
from mzlite.session import Session


def create_type(statement: CreateType, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a type.

    Raises:
        MzError: the name is taken, or an option is missing.
    """
    schema = schema_for_new(tx, session, statement.name)
    name = statement.name[-1]
    refuse_existing(tx, schema, name, is_type=True)
    for option in {"list": ("ELEMENT TYPE",), "map": ("KEY TYPE", "VALUE TYPE")}.get(statement.kind, ()):
        if option not in statement.options:
            raise MzError(f"{option} must be specified")
    if statement.kind == "map" and statement.options["KEY TYPE"].split(".")[-1].lower() not in ("text", '"text"'):
        raise MzError("CREATE TYPE ... AS MAP: KEY TYPE must be text")
    shown = f"{quote_name(schema.physical)}.{quote_name(name)}"
    path = ", ".join(quote_name(part) for part in search_path(session))
    tx.execute("select set_config('search_path', %s, true)", (path,))
    if statement.kind == "list":
        tx.execute(f"create domain {shown} as {statement.options['ELEMENT TYPE']}[]")
    elif statement.kind == "map":
        kind = map_type(statement.options["VALUE TYPE"].split(".")[-1].strip('"'))
        tx.execute(f"create domain {shown} as mz_catalog.{kind}")
    else:
        fields = ", ".join(f"{quote_name(field)} {kind}" for field, kind in statement.options.items())
        tx.execute(f"create type {shown} as ({fields})")
    row = tx.execute("select %s::regtype::oid::bigint", (shown,)).fetchone()
    assert row is not None
    tx.execute("select set_config('search_path', '', true)")
    tx.execute(f"grant usage on type {shown} to materialize")
    identity = next_id(tx)
    if statement.kind == "record":
        parts = ", ".join(f"{show_name(field)} {kind}" for field, kind in statement.options.items())
        text = f"CREATE TYPE {reference(identity)} AS ({parts});"
    else:
        parts = ", ".join(f"{option} = {kind}" for option, kind in statement.options.items())
        text = f"CREATE TYPE {reference(identity)} AS {statement.kind.upper()} ({parts});"
    add_item(
        tx,
        session,
        NewItem(
            identity,
            "type",
            schema.namespace,
            name,
            create_sql=text,
            details={"kind": statement.kind, "type_oid": row[0]},
        ),
    )
    return ExecuteResult("CREATE TYPE")
