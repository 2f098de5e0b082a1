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
from mzlite.dialect.maps import ALIASES
from mzlite.errors import MzError, unsupported
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
    if statement.kind == "record":
        fields = ", ".join(f"{quote_name(field)} {kind}" for field, kind in statement.options.items())
        tx.execute(f"create type {shown} as ({fields})")
    tx.execute("select set_config('search_path', '', true)")
    if statement.kind in ("list", "map"):
        # A map's key type comes before that of its values.
        tx.execute(f"create domain {shown} as {_made_over(tx, statement.kind, elements[-1])}")
    type_oid = _type_oid(tx, shown)
    tx.execute(f"grant usage on type {shown} to materialize")
    for kind in ("list", "map"):
        over = f"{quote_name(schema.physical)}.{quote_name(f'{name} {kind}')}"
        tx.execute(f"create domain {over} as {_made_over(tx, kind, type_oid)}")
        tx.execute(f"grant usage on type {over} to materialize")
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


def _made_over(tx: EngineTransaction, kind: str, element: int) -> str:
    """The type of PostgreSQL for lists of a type or maps to it, which is made where there is none yet."""
    row = tx.execute(
        """
        select coalesce(b.oid, t.oid)::bigint, coalesce(b.typtype, t.typtype) = 'c'
                or b.typname ~ '^(list_)+([0-9]|record)',
            case when n.nspname in ('pg_catalog', 'mz_catalog') then coalesce(b.typname, t.typname)::text
                else t.oid::text end, coalesce(b.typsubscript, t.typsubscript) = 'array_subscript_handler'::regproc
        from pg_catalog.pg_type as t
        left join pg_catalog.pg_type as b on b.oid = t.typbasetype
        inner join pg_catalog.pg_namespace as n on n.oid = coalesce(b.typnamespace, t.typnamespace)
        where t.oid = %s::bigint::oid
        """,
        (element,),
    ).fetchone()
    assert row is not None
    base, is_record, name, is_array = row
    if kind == "list" and name == "bpchar":
        raise MzError("char list not yet supported")
    if is_array:
        raise unsupported(f"a {kind} of arrays")
    if kind == "map" and (is_record or name == "map_nested"):
        # Its values are JSON, from which no record is made again.
        return "mz_catalog.map_nested"
    if kind == "map":
        name = ALIASES.get(name, name)
    found = f"mz_catalog.{quote_name(f'{kind}_{name}')}"
    tx.execute(
        f"select mzlite.make_{kind}s(array[%s::bigint::oid::regtype]) where to_regtype(%s) is null", (base, found)
    )
    return found


def _made_of(tx: EngineTransaction, types: list[int]) -> tuple[str, ...]:
    """The objects that are these types."""
    rows = tx.execute(
        "select o.id from mzlite.objects as o where o.type = 'type' and (o.details ->> 'type_oid')::bigint = any (%s)",
        (types,),
    ).fetchall()
    return tuple(str(identity) for (identity,) in rows)
