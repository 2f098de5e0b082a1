"""CREATE TYPE .. AS LIST, MAP or a record.

In: the statement. Out: a type of PostgreSQL that behaves as far as its base type allows: a list is a domain over
a type of lists, a map one over a type of maps, a record a composite type.
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
from mzlite.dialect.definitions import CreateType
from mzlite.dialect.maps import map_type
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
    elements = [_type_oid(tx, kind) for kind in statement.options.values()]
    if statement.kind == "list":
        base = _lists_of(tx, elements[0])
        tx.execute(f"create domain {shown} as {base}")
    elif statement.kind == "map":
        kind = map_type(statement.options["VALUE TYPE"].split(".")[-1].strip('"'))
        tx.execute(f"create domain {shown} as mz_catalog.{kind}")
    else:
        fields = ", ".join(f"{quote_name(field)} {kind}" for field, kind in statement.options.items())
        tx.execute(f"create type {shown} as ({fields})")
    type_oid = _type_oid(tx, shown)
    tx.execute("select set_config('search_path', '', true)")
    tx.execute(f"grant usage on type {shown} to materialize")
    lists = f"{quote_name(schema.physical)}.{quote_name(name + ' list')}"
    tx.execute(f"create domain {lists} as {_lists_of(tx, type_oid)}")
    tx.execute(f"grant usage on type {lists} to materialize")
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
            details={"kind": statement.kind, "type_oid": type_oid},
        ),
        _made_of(tx, elements),
    )
    return ExecuteResult("CREATE TYPE")


def _type_oid(tx: EngineTransaction, spelling: str) -> int:
    row = tx.execute("select %s::regtype::oid::bigint", (spelling,)).fetchone()
    assert row is not None
    return int(row[0])


def _lists_of(tx: EngineTransaction, element: int) -> str:
    """The type of PostgreSQL for lists of a type, which is made where there is none yet."""
    row = tx.execute(
        "select coalesce(nullif(typbasetype, 0), oid)::bigint from pg_catalog.pg_type where oid = %s::bigint::oid",
        (element,),
    ).fetchone()
    assert row is not None
    find = """
        select t.oid::regtype::text from pg_catalog.pg_type as t
        where t.typelem = %s::bigint::oid and t.typnamespace = 'mz_catalog'::regnamespace and t.typname ~ '^list_'
    """
    found = tx.execute(find, (row[0],)).fetchone()
    if found is None:
        tx.execute("select mzlite.make_lists(array[%s::bigint::oid::regtype])", (row[0],))
        found = tx.execute(find, (row[0],)).fetchone()
    assert found is not None
    return str(found[0])


def _made_of(tx: EngineTransaction, types: list[int]) -> tuple[str, ...]:
    """The objects that are these types."""
    rows = tx.execute(
        "select o.id from mzlite.objects as o where o.type = 'type' and (o.details ->> 'type_oid')::bigint = any (%s)",
        (types,),
    ).fetchall()
    return tuple(str(identity) for (identity,) in rows)
