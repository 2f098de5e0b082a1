"""Secrets and connections: CREATE, ALTER and VALIDATE.

In: the statements. Out: rows in the registry. A secret's contents leave it only towards a Kafka client.
"""

from __future__ import annotations

import json
from typing import Any

from mzlite.catalog.create_sql import option_text, reference
from mzlite.catalog.drop import drop_for_replacement
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.registry import (
    Item,
    NewItem,
    add_item,
    check_type,
    existing_item,
    find_item,
    next_id,
    refuse_existing,
    resolve_item,
    schema_for_new,
)
from mzlite.catalog.remote import config_key, remote
from mzlite.catalog.schemas import already_exists, does_not_exist
from mzlite.dataflow.transaction import as_client
from mzlite.dialect.definitions import AlterSecret, AlterSet, CreateConnection, CreateSecret, ValidateConnection
from mzlite.dialect.statements import Name, OptionValue
from mzlite.errors import MzError, unsupported
from mzlite.kafka.client import client_config, validate
from mzlite.kafka.spec import progress_topic
from mzlite.session import Session

SECRET = "SECRET "


def create_secret(statement: CreateSecret, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Keep a secret.

    Raises:
        MzError: the name is taken.
    """
    schema = schema_for_new(tx, session, statement.name)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE SECRET", [already_exists(existing.words, name)])
    refuse_existing(tx, schema, name)
    identity = next_id(tx)
    add_item(
        tx,
        session,
        NewItem(
            identity, "secret", schema.namespace, name, create_sql=f"CREATE SECRET {reference(identity)} AS '********';"
        ),
    )
    tx.execute(
        "insert into mzlite.secrets (id, contents) values (%s, %s)", (identity, _contents(tx, statement.value_sql))
    )
    return ExecuteResult("CREATE SECRET")


def alter_secret(statement: AlterSecret, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Change what a secret holds; clients that already connected keep the old value.

    Raises:
        MzError: it does not exist.
    """
    item = find_item(tx, session, statement.name)
    if item is None and statement.if_exists:
        return ExecuteResult("ALTER SECRET", [does_not_exist("secret", statement.name[-1])])
    item = resolve_item(tx, session, statement.name)
    check_type(item, "secret")
    tx.execute("update mzlite.secrets set contents = %s where id = %s", (_contents(tx, statement.value_sql), item.id))
    return ExecuteResult("ALTER SECRET")


def _contents(tx: EngineTransaction, value_sql: str) -> bytes:
    row = as_client(tx, f"select ({value_sql})::bytea").fetchone()
    if row is None or row[0] is None:
        raise MzError("secret value can not be null", sqlstate="22004")
    return bytes(row[0])


def create_connection(statement: CreateConnection, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Keep the way to a Kafka cluster, after asking its brokers unless `validate = false`.

    Raises:
        MzError: the name is taken, an option is refused, or no broker answers.
    """
    if statement.kind.lower() != "kafka":
        raise unsupported(
            f"CREATE CONNECTION TO {statement.kind.upper().replace('-', ' ')} is not supported by mzlite",
            hint="mzlite has connections to Kafka only. Bring other data through a topic, or INSERT it into a table.",
        )
    schema = schema_for_new(tx, session, statement.name)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE CONNECTION", [already_exists(existing.words, name)])
    options, secrets = _with_secret_ids(tx, session, statement.options)
    config = client_config(options, lambda text: secret_value(tx, text))
    if statement.validate is not False:
        _validate(tx, config)
    if existing is not None and statement.or_replace:
        drop_for_replacement(tx, existing, "connection")
    refuse_existing(tx, schema, name)
    identity = next_id(tx)
    add_item(
        tx,
        session,
        NewItem(
            identity,
            "connection",
            schema.namespace,
            name,
            create_sql=_connection_text(identity, options),
            details=_connection_details(tx, identity, options, config),
        ),
        secrets,
    )
    return ExecuteResult("CREATE CONNECTION")


def _connection_text(identity: str, options: dict[str, OptionValue]) -> str:
    parts = []
    for option, value in sorted(options.items()):
        if isinstance(value, str) and value.startswith(SECRET):
            parts.append(f"{option} = SECRET {reference(value[len(SECRET) :])}")
        else:
            parts.append(option_text(option, value))
    return f"CREATE CONNECTION {reference(identity)} TO KAFKA ({', '.join(parts)});"


def _connection_details(
    tx: EngineTransaction, identity: str, options: dict[str, OptionValue], config: dict[str, str]
) -> dict[str, Any]:
    row = tx.execute("select mz_catalog.mz_environment_id()").fetchone()
    assert row is not None
    return {
        "connection_type": "kafka",
        "options": options,
        "brokers": config["bootstrap.servers"].split(","),
        "progress_topic": options.get("PROGRESS TOPIC") or progress_topic(str(row[0]), identity),
    }


def _with_secret_ids(
    tx: EngineTransaction, session: Session, options: dict[str, OptionValue]
) -> tuple[dict[str, OptionValue], list[str]]:
    """The options with secrets by id instead of by name, and those ids."""
    found: dict[str, OptionValue] = {}
    ids: list[str] = []
    for option, value in options.items():
        if isinstance(value, str) and value.startswith(SECRET):
            name: Name = tuple(value[len(SECRET) :].strip().split("."))
            item = resolve_item(tx, session, name)
            check_type(item, "secret", named=False)
            ids.append(item.id)
            found[option] = f"{SECRET}{item.id}"
        else:
            found[option] = value
    return found, ids


def secret_value(tx: EngineTransaction, identity: str) -> str:
    """The contents of a secret, as text.

    Raises:
        MzError: it is not UTF-8.
    """
    row = tx.execute("select contents from mzlite.secrets where id = %s", (identity,)).fetchone()
    if row is None:
        raise MzError(f"unknown catalog item '{identity}'")
    try:
        return bytes(row[0]).decode()
    except UnicodeDecodeError as error:
        raise MzError("secret value must be valid UTF-8", sqlstate="22021") from error


def connection_config(tx: EngineTransaction, item: Item) -> dict[str, str]:
    """The configuration of Kafka clients for a connection."""
    options: dict[str, OptionValue] = item.details["options"]
    return client_config(options, lambda text: secret_value(tx, text))


def kafka_connection(tx: EngineTransaction, session: Session, name: Name) -> Item:
    """The Kafka connection that a source or sink names.

    Raises:
        MzError: it does not exist, or is something else.
    """
    item = resolve_item(tx, session, name)
    if item.type != "connection":
        raise MzError(f"{item.full_name} is not a KAFKA CONNECTION")
    if item.details.get("connection_type") != "kafka":
        raise MzError(f"{item.full_name} is not a KAFKA CONNECTION")
    return item


def validate_connection(statement: ValidateConnection, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """VALIDATE CONNECTION.

    Raises:
        MzError: no broker answers.
    """
    _validate(tx, connection_config(tx, kafka_connection(tx, session, statement.name)))
    return ExecuteResult("VALIDATE CONNECTION")


def alter_connection(statement: AlterSet, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """ALTER CONNECTION .. SET, RESET: what reads and writes through it begins anew with the changed options.

    Raises:
        MzError: it does not exist, the actions contradict each other, or the options are refused.
    """
    item = find_item(tx, session, statement.name)
    if item is None and statement.if_exists:
        return ExecuteResult("ALTER CONNECTION", [does_not_exist("connection", statement.name[-1])])
    item = resolve_item(tx, session, statement.name)
    check_type(item, "connection")
    dropped = _check_actions(statement, item)
    changes = {option: statement.options[option] for _, option in statement.actions}
    changed, secrets = _with_secret_ids(tx, session, changes)
    merged: dict[str, OptionValue] = item.details["options"] | dict.fromkeys(dropped) | changed
    options: dict[str, OptionValue] = {name: value for name, value in merged.items() if value is not None}
    try:
        config = client_config(options, lambda text: secret_value(tx, text))
    except MzError as error:
        raise MzError(f"invalid ALTER CONNECTION: {error.message}") from error
    if statement.options.get("VALIDATE") is not False:
        _validate(tx, config)
    tx.execute(
        "update mzlite.objects set create_sql = %s, details = details || %s::jsonb where id = %s",
        (_connection_text(item.id, options), json.dumps(_connection_details(tx, item.id, options, config)), item.id),
    )
    for secret in secrets:
        tx.execute("insert into mzlite.dependencies values (%s, %s) on conflict do nothing", (item.id, secret))
    for object_id in _users(tx, item.id):
        tx.dataflow.reconnect(tx, object_id, config)
    return ExecuteResult("ALTER CONNECTION")


def _check_actions(statement: AlterSet, item: Item) -> list[str]:
    """Refuses actions that contradict each other; returns the options that a set one takes the place of."""
    actions = statement.actions
    if any(action == "ROTATE" for action, _ in actions):
        if len(actions) > 1:
            raise MzError("cannot specify any other actions alongside ALTER CONNECTION...ROTATE KEYS")
        raise MzError(f"{item.full_name} is not an SSH connection")
    chosen = {kind: [option for action, option in actions if action == kind] for kind in ("SET", "RESET")}
    for option in chosen["SET"]:
        if chosen["SET"].count(option) > 1:
            raise MzError(f"{option} specified more than once")
    for option in (*chosen["SET"], *chosen["RESET"]):
        if option.startswith("PROGRESS TOPIC"):
            raise MzError(f"cannot ALTER KAFKA option {option}")
    both = sorted(set(chosen["SET"]) & set(chosen["RESET"]))
    if both:
        raise MzError(f"cannot both SET and DROP/RESET options {', '.join(both)}")
    exclusive = {"BROKER", "BROKERS"}
    if exclusive & set(chosen["SET"]) and exclusive & set(chosen["RESET"]):
        raise MzError("cannot both SET and DROP/RESET mutually exclusive KAFKA options BROKER, BROKERS")
    return sorted(exclusive - set(chosen["SET"])) if exclusive & set(chosen["SET"]) else []


def _users(tx: EngineTransaction, connection: str) -> list[str]:
    """The sources and sinks of a connection, and the tables of the sources."""
    rows = tx.execute(
        """
        with users as (
            select id from mzlite.objects where details ->> 'connection_id' = %s
        )
        select id from users
        union
        select o.id from mzlite.objects as o inner join users as u on o.details ->> 'source_id' = u.id
        """,
        (connection,),
    ).fetchall()
    return [str(row[0]) for row in rows]


def _validate(tx: EngineTransaction, config: dict[str, str]) -> None:
    """Asks the brokers whether they are there."""
    remote(tx, ("validate", config_key(config)), lambda: validate(config))
