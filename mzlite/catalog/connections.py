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
from mzlite.catalog.schemas import already_exists, does_not_exist
from mzlite.dialect.statements import (
    AlterSecret,
    AlterSet,
    CreateConnection,
    CreateSecret,
    Name,
    OptionValue,
    ValidateConnection,
)
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
    tx.execute("select set_config('search_path', 'mz_catalog, pg_catalog', true)")
    row = tx.execute(f"select ({value_sql})::bytea").fetchone()
    tx.execute("select set_config('search_path', '', true)")
    if row is None or row[0] is None:
        raise MzError("secret value can not be null", sqlstate="22004")
    return bytes(row[0])


def create_connection(statement: CreateConnection, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Keep the way to a Kafka cluster, after asking its brokers unless `validate = false`.

    Raises:
        MzError: the name is taken, an option is refused, or no broker answers.
    """
    if statement.kind.lower() != "kafka":
        raise unsupported(f"CREATE CONNECTION TO {statement.kind.upper()} is not supported")
    schema = schema_for_new(tx, session, statement.name)
    name = statement.name[-1]
    existing = existing_item(tx, schema, name)
    if existing is not None and statement.if_not_exists:
        return ExecuteResult("CREATE CONNECTION", [already_exists(existing.words, name)])
    options, secrets = _with_secret_ids(tx, session, statement.options)
    config = client_config(options, lambda text: secret_value(tx, text))
    if statement.validate is not False:
        validate(config)
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
            check_type(item, "secret")
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
        raise MzError(f"{item.full_name} is not a connection")
    if item.details.get("connection_type") != "kafka":
        raise MzError(f"{item.full_name} is not a KAFKA CONNECTION")
    return item


def validate_connection(statement: ValidateConnection, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """VALIDATE CONNECTION.

    Raises:
        MzError: no broker answers.
    """
    validate(connection_config(tx, kafka_connection(tx, session, statement.name)))
    return ExecuteResult("VALIDATE CONNECTION")


def alter_connection(statement: AlterSet, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """ALTER CONNECTION .. SET, RESET: sources and sinks made from now on use it.

    Raises:
        MzError: it does not exist, or the options are refused.
    """
    item = find_item(tx, session, statement.name)
    if item is None and statement.if_exists:
        return ExecuteResult("ALTER CONNECTION", [does_not_exist("connection", statement.name[-1])])
    item = kafka_connection(tx, session, statement.name)
    changes = {name: value for name, value in statement.options.items() if name not in ("VALIDATE", "ROTATE KEYS")}
    changed, secrets = _with_secret_ids(tx, session, changes)
    options = {name: value for name, value in (item.details["options"] | changed).items() if value is not None}
    config = client_config(options, lambda text: secret_value(tx, text))
    if statement.options.get("VALIDATE") is not False:
        validate(config)
    tx.execute(
        "update mzlite.objects set create_sql = %s, details = details || %s::jsonb where id = %s",
        (_connection_text(item.id, options), json.dumps(_connection_details(tx, item.id, options, config)), item.id),
    )
    for secret in secrets:
        tx.execute("insert into mzlite.dependencies values (%s, %s) on conflict do nothing", (item.id, secret))
    return ExecuteResult("ALTER CONNECTION")
